"""Operators, comparisons and functions: exact, bounded, and undecided for symbols."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

from archdsl.elaborate.report import Located, Reporter
from archdsl.elaborate.values import (
    FAILED,
    UNKNOWN,
    Result,
    SizeValue,
    describe,
    is_size,
)
from archdsl.limits import MOST
from archdsl.shapes.arithmetic import ARITHMETIC, COMPARE, FUNCTIONS, OF_LISTS, equal
from archdsl.shapes.expr import Expr, op, opaque
from archdsl.shapes.size import (
    UndecidedError,
    divides,
    is_symbolic,
    largest,
    smallest,
    too_long,
)
from archdsl.syntax import nodes as n


class Operations:
    """What operators and functions make of values; what they refuse is reported."""

    def __init__(self, report: Reporter, restricts: bool, real: bool) -> None:
        self._report = report
        self._restricts = restricts
        self._real = real

    def fail(
        self, code: str, message: str, at: Located, hints: tuple[str, ...] = ()
    ) -> Result:
        """Report what has no value."""
        self._report.error(code, message, at, hints=hints)
        return FAILED

    def too_large(self, node: Located) -> Result:
        """Report a number beyond the limit."""
        return self.fail(
            "E0701",
            "this number is too large",
            node,
            ("numbers stay below 2**63",)
            if self._report.limits.integer == MOST.integer
            else (f"numbers are {self._report.limits.integer:,} at most",),
        )

    def unknown_size(self, problem: UndecidedError, what: str, node: Located) -> Result:
        """Report that `what` depends on sizes that are not known."""
        from archdsl.elaborate.unknowns import undecided

        message, hints = undecided(problem, what)
        return self.fail("E0310", message, node, hints)

    def compared(
        self, node: n.Comparison, at: int, left: Result, right: Result
    ) -> bool | None:
        """Whether one comparison of a chain holds; None if that was reported."""
        operator = node.operators[at]
        if is_size(left.value) and is_size(right.value):
            return self.decided(left.value, operator, right.value, node)
        if operator in ("==", "!="):
            return equal(left.value, right.value) is (operator == "==")
        wrong = at if not is_size(left.value) else at + 1
        value = right.value if is_size(left.value) else left.value
        self.fail(
            "E0503",
            f"{describe(value)} cannot be compared by `{operator}`",
            node.operands[wrong],
        )
        return None

    def decided(self, a: Any, operator: str, b: Any, node: Located) -> bool | None:
        """How a comparison of unknown sizes comes out; None if that depends on them."""
        try:
            if operator not in ("==", "!="):
                return COMPARE[operator](a, b)
            # One that is neither smaller nor greater is equal.
            equal_everywhere = a == b or not (a < b or a > b)
        except UndecidedError:
            undecided = UndecidedError(a, operator, b)
            self.unknown_size(undecided, "whether this holds", node)
            return None
        return equal_everywhere is (operator == "==")

    def combine(self, node: n.Binary, left: Result, right: Result) -> Result:
        """The value of one operation on these operands."""
        a, b = left.value, right.value
        if a is UNKNOWN or b is UNKNOWN:
            return FAILED
        if is_symbolic(a) or is_symbolic(b):
            return self.symbolic(node, left, right)
        for value, side in ((a, node.left), (b, node.right)):
            if isinstance(value, bool) or not isinstance(value, int | float):
                hints: tuple[str, ...] = ()
                if isinstance(value, SizeValue):
                    hints = ("arithmetic takes single numbers",)
                return self.fail(
                    "E0503", f"{describe(value)} is not a number", side, hints
                )
        assert isinstance(a, int | float)
        assert isinstance(b, int | float)
        value = self.arithmetic(node, a, b)
        if value is None:
            return FAILED
        return Result(value, op(node.operator, value, left.expr, right.expr))

    def symbolic(self, node: n.Binary, left: Result, right: Result) -> Result:
        """An operation on sizes of which at least one is not known."""
        for side, operand in ((left, node.left), (right, node.right)):
            if isinstance(side.value, float) or not is_size(side.value):
                return self.fail(
                    "E0503",
                    f"{describe(side.value)} is no whole number",
                    operand,
                    ("sizes that are not known are whole numbers",),
                )
        a: Any = left.value
        b: Any = right.value
        if node.operator in ("/", "//", "%") and b == 0:
            return self.fail("E0502", "this divides by zero", node.right)
        try:
            if node.operator == "/":
                if self._restricts and not divides(b, a):
                    return self.fail("E0501", f"{b} never divides {a}", node)
                if not self._restricts and a % b != 0:
                    return self.fail(
                        "E0501",
                        f"{b} does not divide {a} for all sizes",
                        node,
                        (
                            "`//` rounds down, and `ceil(…/…)` up",
                            f"`assert {a} % {b} == 0` before it leaves no other",
                        ),
                    )
                value = a // b
            else:
                value = ARITHMETIC[node.operator](a, b)
        except UndecidedError as problem:
            return self.unknown_size(problem, "this", node)
        if too_long(value):
            from archdsl.elaborate.unknowns import TOO_LONG, TOO_LONG_HINTS

            return self.fail("E0701", TOO_LONG, node, TOO_LONG_HINTS)
        return Result(value, op(node.operator, value, left.expr, right.expr))

    def arithmetic(
        self, node: n.Binary, a: int | float, b: int | float
    ) -> int | float | None:
        """What an operation makes of two numbers; None if that was reported."""
        whole = isinstance(a, int) and isinstance(b, int)
        operator = node.operator
        if operator in ("/", "//", "%") and b == 0:
            self.fail("E0502", "this divides by zero", node.right)
            return None
        if operator == "/" and self._real:
            return a / b
        if operator == "/" and whole:
            if a % b:
                self.fail(
                    "E0501",
                    f"{a}/{b} leaves a remainder of {a % b}",
                    node,
                    (f"`//` rounds down to {a // b}",),
                )
                return None
            return a // b
        if operator == "**":
            if a == 0 and b < 0:
                self.fail("E0502", "this divides by zero", node)
                return None
            if whole and b < 0:
                self.fail("E0503", "a whole number has no negative power", node)
                return None
            # The power of a whole number has more than `bits * b` bits.
            bits = (
                a.bit_length() - 1 if isinstance(a, int) and isinstance(b, int) else 0
            )
            if abs(b) > 1024 or bits * b >= self._report.limits.integer.bit_length():
                self.too_large(node)
                return None
        if operator == "*" and isinstance(a, int) and isinstance(b, int):
            # A product has the bits of both, or one less.
            most = self._report.limits.integer.bit_length() + 1
            if a.bit_length() + b.bit_length() > most:
                self.too_large(node)
                return None
        try:
            value: int | float = ARITHMETIC[operator](a, b)
        except OverflowError:
            self.too_large(node)
            return None
        if isinstance(value, complex):
            self.fail("E0503", "a negative number has no such power", node)
            return None
        if self._is_beyond(value):
            self.too_large(node)
            return None
        return value

    def _is_beyond(self, value: int | float) -> bool:
        if isinstance(value, int):
            return abs(value) > self._report.limits.integer
        return not math.isfinite(value)

    def called(self, node: n.Function, arguments: list[Result]) -> Result:
        """The value of a function of these arguments."""
        if node.name in OF_LISTS:
            return self.of_lists(node, arguments)
        known = FUNCTIONS.get(node.name)
        if known is None:
            return FAILED  # reported with the names
        if any(argument.value is UNKNOWN for argument in arguments):
            return FAILED
        least, most, compute = known
        too_few = len(arguments) < least
        if too_few or len(arguments) > most:
            wanted = str(least) if least == most else f"{least} or more"
            return self.fail(
                "E0402" if too_few else "E0403",
                f"`{node.name}` takes {wanted} number{'s' * (wanted != '1')},"
                f" not {len(arguments)}",
                node,
            )
        values: list[Any] = []
        for argument, given in zip(arguments, node.arguments, strict=True):
            value = argument.value
            if not is_size(value):
                return self.fail("E0503", f"{describe(value)} is not a number", given)
            values.append(value)
        if any(map(is_symbolic, values)):
            return self.function_of_unknown(node, values, arguments)
        if node.name == "divisible" and (
            values[1] < 1 or not isinstance(values[1], int)
        ):
            return self.fail(
                "E0503", "`divisible` needs a whole number of 1 or more", node
            )
        try:
            result = compute(*values)
        except ValueError:
            # Those of two numbers or more always have one.
            return self.fail("E0503", f"`{node.name}({values[0]})` has no value", node)
        except OverflowError:
            return self.too_large(node)
        if self._is_beyond(result):
            return self.too_large(node)
        return Result(result, op(node.name, result, *(a.expr for a in arguments)))

    def rounded(self, node: n.Function, left: Result, right: Result) -> Result | None:
        """`ceil(a/b)` or `floor(a/b)` of whole numbers; None if they are not."""
        if not (is_size(left.value) and is_size(right.value)) or right.value == 0:
            return None
        a: Any = left.value
        b: Any = right.value
        if isinstance(a, float) or isinstance(b, float):
            return None
        down = node.name == "floor"
        value = a // b if down else -(-a // b)
        if down:
            return Result(value, op("//", value, left.expr, right.expr))
        less = op("neg", -a, left.expr)
        return Result(value, op("neg", value, op("//", -value, less, right.expr)))

    def of_lists(self, node: n.Function, arguments: list[Result]) -> Result:
        """`size(a, b)` of numbers; `len(list)` and `sum(list)`."""
        values = [argument.value for argument in arguments]
        if any(value is UNKNOWN for value in values):
            return FAILED
        if node.name == "size":
            for value, given in zip(values, node.arguments, strict=True):
                if isinstance(value, float) or not is_size(value):
                    return self.fail(
                        "E0503", f"{describe(value)} is no whole number", given
                    )
            made = SizeValue(values)  # type: ignore[arg-type]
            return Result(made, op("tuple", made, *(a.expr for a in arguments)))
        value = values[0]
        if len(values) != 1 or not isinstance(value, tuple):
            return self.fail(
                "E0503",
                f"`{node.name}` takes one list or size",
                node,
                (f"as in `{node.name}(n)`, where `n=[3,4,6,3]`",),
            )
        if node.name == "sum":
            return self._sum(node, value, arguments[0].expr)
        return Result(len(value), opaque(len(value), arguments[0].expr))

    def _sum(self, node: n.Function, entries: tuple[Any, ...], expr: Expr) -> Result:
        for entry in entries:
            if not is_size(entry):
                return self.fail(
                    "E0503", f"`sum` adds numbers, not {describe(entry)}", node
                )
        total = sum(entries)
        if not is_symbolic(total) and self._is_beyond(total):
            return self.too_large(node)
        return Result(total, opaque(total, expr))

    def function_of_unknown(
        self, node: n.Function, values: list[Any], arguments: list[Result]
    ) -> Result:
        """A function of sizes of which at least one is not known."""
        extremes = {"min": smallest, "max": largest}
        whole = not any(isinstance(value, float) for value in values)
        if node.name in extremes and whole:
            found = reduce(extremes[node.name], values)
        elif node.name in ("ceil", "floor", "round"):
            found = values[0]
        else:
            return self.fail(
                "E0310",
                f"`{node.name}` needs numbers, and a size here is not known",
                node,
            )
        return Result(found, op(node.name, found, *(a.expr for a in arguments)))
