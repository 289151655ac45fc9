"""Expressions: exact, bounded, and with a formula beside each value."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any, Final, NamedTuple, Protocol

from archdsl.elaborate import limits
from archdsl.elaborate.report import Located, Reporter
from archdsl.ir.network import LayerRef
from archdsl.shapes.arithmetic import ARITHMETIC, COMPARE, FUNCTIONS, OF_LISTS, equal
from archdsl.shapes.expr import Const, Expr, op, opaque
from archdsl.shapes.size import (
    UndecidedError,
    divides,
    is_symbolic,
    largest,
    smallest,
)
from archdsl.syntax import nodes as n


class Unknown:
    """The value of what could not be worked out. It raises no further finding."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


class Result(NamedTuple):
    """A value and its formula."""

    value: object
    expr: Expr


FAILED = Result(UNKNOWN, Const(None))


class Names(Protocol):
    """What names mean where an expression stands."""

    def lookup(self, node: n.Name) -> Result:
        """The value of a name; UNKNOWN if there is none."""

    def attribute(self, base: str, node: n.Attribute) -> Result:
        """The value of `base.name`; reports it if there is none."""


def describe(value: object) -> str:
    """A value's kind, for people."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}"
    if is_symbolic(value):
        return f"the size {value}"
    if isinstance(value, str):
        return f'the text "{value}"'
    if isinstance(value, SizeValue):
        return "the size " + "x".join(map(str, value))
    if isinstance(value, tuple) and not isinstance(value, LayerRef):
        return "a list"
    if isinstance(value, LayerRef):
        return f"the layer `{value.name}`"
    return "nothing"


class SizeValue(tuple[int, ...]):
    """The value of `3x3`, apart from a list."""

    __slots__ = ()


def is_number(value: object) -> bool:
    """Whether the value is an integer or float, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_size(value: object) -> bool:
    """Whether arithmetic takes the value: a number, or a size that is not known."""
    return is_number(value) or is_symbolic(value)


def evaluate(node: n.Expression, names: Names, report: Reporter) -> Result:
    """The value of an expression; UNKNOWN, reported, if it has none."""
    return _Evaluator(names, report).value(node, 0)


class _Evaluator:
    def __init__(self, names: Names, report: Reporter) -> None:
        self._names = names
        self._report = report
        self._too_deep = False

    def fail(
        self, code: str, message: str, at: Located, hints: tuple[str, ...] = ()
    ) -> Result:
        self._report.error(code, message, at, hints=hints)
        return FAILED

    def value(self, node: n.Expression, depth: int) -> Result:
        if depth > limits.MAX_EXPRESSION_DEPTH:
            if self._too_deep:
                return FAILED
            self._too_deep = True
            return self.fail(
                "E0703",
                "this expression is nested too deep",
                node,
                ("give its inner part to a parameter",),
            )
        return _EVALUATE[type(node)](self, node, depth + 1)

    def number(self, node: n.Number, depth: int) -> Result:
        if abs(node.value) > limits.MAX_INTEGER and isinstance(node.value, int):
            return self.too_large(node)
        if isinstance(node.value, float) and not math.isfinite(node.value):
            return self.too_large(node)
        return Result(node.value, Const(node.value))

    def too_large(self, node: Located) -> Result:
        return self.fail(
            "E0701", "this number is too large", node, ("numbers stay below 2**63",)
        )

    def literal(self, node: n.Boolean | n.String, depth: int) -> Result:
        return Result(node.value, Const(node.value))

    def size(self, node: n.Size, depth: int) -> Result:
        parts: list[Any] = []
        exprs: list[Expr] = []
        for part in node.parts:
            if isinstance(part, str) and part != "_":
                found = self._names.lookup(n.Name(part, node.start, node.end))
                if is_size(found.value):
                    parts.append(found.value)
                    exprs.append(found.expr)
                    continue
                if found.value is not UNKNOWN:
                    return self.fail(
                        "E0503", f"{describe(found.value)} is not a number", node
                    )
            if isinstance(part, str):
                what = "`_`, which stands for any size," if part == "_" else f"`{part}`"
                return self.fail(
                    "E0503",
                    f"{what} is not a number",
                    node,
                    ("give a number for every part of this size",),
                )
            if part > limits.MAX_INTEGER:
                return self.too_large(node)
            parts.append(part)
            exprs.append(Const(part))
        size = SizeValue(parts)
        return Result(size, op("tuple", size, *exprs))

    def name(self, node: n.Name, depth: int) -> Result:
        return self._names.lookup(node)

    def attribute(self, node: n.Attribute, depth: int) -> Result:
        if isinstance(node.base, n.Name):
            return self._names.attribute(node.base.name, node)
        return self.fail("E0505", f"`.{node.name}` follows a label, `in` or `id`", node)

    def index(self, node: n.Index, depth: int) -> Result:
        base, index = self.value(node.base, depth), self.value(node.index, depth)
        if base.value is UNKNOWN or index.value is UNKNOWN:
            return FAILED
        if not isinstance(base.value, tuple) or isinstance(base.value, LayerRef):
            return self.fail(
                "E0503", f"{describe(base.value)} cannot be indexed", node.base
            )
        if not isinstance(index.value, int) or isinstance(index.value, bool):
            return self.fail(
                "E0503",
                f"an index is a whole number, not {describe(index.value)}",
                node.index,
            )
        if not -len(base.value) <= index.value < len(base.value):
            return self.fail(
                "E0504",
                f"there is no entry {index.value} in a list of {len(base.value)}",
                node.index,
                (f"its entries are 0 to {len(base.value) - 1}",) if base.value else (),
            )
        value = base.value[index.value]
        return Result(value, op("[]", value, base.expr, index.expr))

    def list_of(self, node: n.ListOf, depth: int) -> Result:
        items = [self.value(item, depth) for item in node.items]
        if any(item.value is UNKNOWN for item in items):
            return FAILED
        value = tuple(item.value for item in items)
        return Result(value, op("list", value, *(item.expr for item in items)))

    def negate(self, node: n.Negate, depth: int) -> Result:
        operand = self.value(node.operand, depth)
        if operand.value is UNKNOWN:
            return FAILED
        value = operand.value
        if not is_size(value):
            return self.fail("E0503", f"{describe(value)} has no negative", node)
        return Result(-value, op("neg", -value, operand.expr))  # type: ignore[operator]

    def truth(self, node: n.Expression, depth: int) -> Result:
        result = self.value(node, depth)
        if result.value is UNKNOWN or isinstance(result.value, bool):
            return result
        return self.fail(
            "E0503",
            f"{describe(result.value)} is neither true nor false",
            node,
            ("compare it: `s > 1`, `in.c != c`",),
        )

    def not_(self, node: n.Not, depth: int) -> Result:
        operand = self.truth(node.operand, depth)
        if operand.value is UNKNOWN:
            return FAILED
        value = not operand.value
        return Result(value, op("not", value, operand.expr))

    def boolean(self, node: n.Boolean2, depth: int) -> Result:
        left, right = self.truth(node.left, depth), self.truth(node.right, depth)
        decisive = node.operator == "or"
        for one, other in ((left, right), (right, left)):
            # A decided side settles it, also when the other side is unknown.
            if one.value is decisive and other.value is UNKNOWN:
                return Result(decisive, one.expr)
        if left.value is UNKNOWN or right.value is UNKNOWN:
            return FAILED
        if node.operator == "or":
            value = bool(left.value or right.value)
        else:
            value = bool(left.value and right.value)
        return Result(value, op(node.operator, value, left.expr, right.expr))

    def comparison(self, node: n.Comparison, depth: int) -> Result:
        operands = [self.value(operand, depth) for operand in node.operands]
        if any(operand.value is UNKNOWN for operand in operands):
            return FAILED
        result: Result | None = None
        for at, operator in enumerate(node.operators):
            left, right = operands[at], operands[at + 1]
            if is_symbolic(left.value) or is_symbolic(right.value):
                decided = self.decided(left.value, operator, right.value, node)
                if decided is None:
                    return FAILED
                value = decided
            elif operator in ("==", "!="):
                value = equal(left.value, right.value) is (operator == "==")
            elif is_number(left.value) and is_number(right.value):
                value = bool(COMPARE[operator](left.value, right.value))
            else:
                wrong = at if not is_number(left.value) else at + 1
                return self.fail(
                    "E0503",
                    f"{describe(operands[wrong].value)} cannot be compared by"
                    f" `{operator}`",
                    node.operands[wrong],
                )
            step = Result(value, op(operator, value, left.expr, right.expr))
            if result is not None:
                both = bool(result.value and value)
                step = Result(both, op("and", both, result.expr, step.expr))
            result = step
        assert result is not None
        return result

    def decided(
        self, left: object, operator: str, right: object, node: Located
    ) -> bool | None:
        """How a comparison of unknown sizes comes out; None if that depends on them."""
        if not (is_size(left) and is_size(right)):
            return operator == "!=" if operator in ("==", "!=") else None
        a: Any = left
        b: Any = right
        try:
            if operator not in ("==", "!="):
                return COMPARE[operator](a, b)
            equal_everywhere = a == b
            if not equal_everywhere and not (a < b or a > b):
                raise UndecidedError(left, operator, right)
        except UndecidedError:
            undecided = UndecidedError(left, operator, right)
            self.unknown_size(undecided, "whether this holds", node)
            return None
        return equal_everywhere is (operator == "==")

    def unknown_size(self, problem: UndecidedError, what: str, node: Located) -> Result:
        from archdsl.elaborate.unknowns import undecided

        message, hints = undecided(problem, what)
        return self.fail("E0310", message, node, hints)

    def conditional(self, node: n.Conditional, depth: int) -> Result:
        condition = self.truth(node.condition, depth)
        if condition.value is UNKNOWN:
            return FAILED
        then = self.value(node.then, depth) if condition.value else None
        otherwise = self.value(node.otherwise, depth) if not condition.value else None
        taken = then or otherwise
        assert taken is not None
        if taken.value is UNKNOWN or isinstance(condition.expr, Const):
            return taken
        # The arm not taken may be wrong here (1/0 if n == 0): keep no formula of it.
        return Result(taken.value, opaque(taken.value, condition.expr, taken.expr))

    def function(self, node: n.Function, depth: int) -> Result:
        arguments = [self.value(argument, depth) for argument in node.arguments]
        if node.name in OF_LISTS:
            return self.of_lists(node, arguments)
        known = FUNCTIONS.get(node.name)
        if known is None:
            return FAILED  # reported with the names
        if any(argument.value is UNKNOWN for argument in arguments):
            return FAILED
        least, most, compute = known
        if not least <= len(arguments) <= most:
            wanted = str(least) if least == most else f"{least} or more"
            return self.fail(
                "E0402" if len(arguments) < least else "E0403",
                f"`{node.name}` takes {wanted} number{'s' * (wanted != '1')},"
                f" not {len(arguments)}",
                node,
            )
        values: list[int | float] = []
        for argument, given in zip(arguments, node.arguments, strict=True):
            value = argument.value
            if not is_size(value):
                return self.fail("E0503", f"{describe(value)} is not a number", given)
            values.append(value)  # type: ignore[arg-type]
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
            shown = ", ".join(map(str, values))
            return self.fail("E0503", f"`{node.name}({shown})` has no value", node)
        except OverflowError:
            return self.too_large(node)
        if isinstance(result, int) and abs(result) > limits.MAX_INTEGER:
            return self.too_large(node)
        return Result(result, op(node.name, result, *(a.expr for a in arguments)))

    def of_lists(self, node: n.Function, arguments: list[Result]) -> Result:
        """`size(a, b)` of numbers, and `len(list)`."""
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
                "`len` takes one list or size",
                node,
                ("as in `len(n)`, where `n=[3,4,6,3]`",),
            )
        return Result(len(value), opaque(len(value), arguments[0].expr))

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

    def binary(self, node: n.Binary, depth: int) -> Result:
        # A chain `a + b + c …` leans to the left: walk it without recursion.
        chain = [node]
        left_node = node.left
        while type(left_node) is n.Binary:
            chain.append(left_node)
            left_node = left_node.left
        left = self.value(left_node, depth)
        for link in reversed(chain):
            right = self.value(link.right, depth)
            left = self.combine(link, left, right)
        return left

    def combine(self, node: n.Binary, left: Result, right: Result) -> Result:
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
        if node.operator in ("/", "//", "%") and isinstance(b, int) and b == 0:
            return self.fail("E0502", "this divides by zero", node.right)
        try:
            if node.operator == "/":
                if not divides(b, a):
                    return self.fail("E0501", f"{b} never divides {a}", node)
                value = a // b
            else:
                value = ARITHMETIC[node.operator](a, b)
        except UndecidedError as problem:
            return self.unknown_size(problem, "this", node)
        return Result(value, op(node.operator, value, left.expr, right.expr))

    def arithmetic(
        self, node: n.Binary, a: int | float, b: int | float
    ) -> int | float | None:
        whole = isinstance(a, int) and isinstance(b, int)
        operator = node.operator
        if operator in ("/", "//", "%") and b == 0:
            self.fail("E0502", "this divides by zero", node.right)
            return None
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
            # The power of an integer has at least `size * b` bits and one more.
            size = abs(a).bit_length() - 1 if isinstance(a, int) else 1
            if (whole and size * b > 62 and abs(a) > 1) or abs(b) > 1024:
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
        if not math.isfinite(value) or (
            isinstance(value, int) and abs(value) > limits.MAX_INTEGER
        ):
            self.too_large(node)
            return None
        return value


_EVALUATE: dict[type, Callable[..., Result]] = {
    n.Number: _Evaluator.number,
    n.Boolean: _Evaluator.literal,
    n.String: _Evaluator.literal,
    n.Size: _Evaluator.size,
    n.Name: _Evaluator.name,
    n.Attribute: _Evaluator.attribute,
    n.Index: _Evaluator.index,
    n.Negate: _Evaluator.negate,
    n.Not: _Evaluator.not_,
    n.Binary: _Evaluator.binary,
    n.Boolean2: _Evaluator.boolean,
    n.Comparison: _Evaluator.comparison,
    n.Conditional: _Evaluator.conditional,
    n.Function: _Evaluator.function,
    n.ListOf: _Evaluator.list_of,
}
