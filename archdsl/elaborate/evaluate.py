"""Expressions: exact, bounded, and with a formula beside each value."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

from archdsl.elaborate.operations import Operations
from archdsl.elaborate.report import Reporter
from archdsl.elaborate.values import (
    FAILED,
    UNKNOWN,
    Result,
    SizeValue,
    describe,
    is_size,
)
from archdsl.ir.network import LayerRef
from archdsl.limits import MAX_EXPRESSION_DEPTH
from archdsl.shapes.expr import Const, Expr, op, opaque
from archdsl.syntax import nodes as n
from archdsl.tuples import made

__all__ = ["FAILED", "UNKNOWN", "Names", "Result", "SizeValue", "describe", "evaluate"]


class Names(Protocol):
    """What names mean where an expression stands."""

    def lookup(self, node: n.Name) -> Result:
        """The value of a name; UNKNOWN if there is none."""

    def attribute(self, base: str, node: n.Attribute) -> Result:
        """The value of `base.name`; reports it if there is none."""


def evaluate(
    node: n.Expression,
    names: Names,
    report: Reporter,
    *,
    restricts: bool = True,
    real: bool = False,
) -> Result:
    """The value of an expression; UNKNOWN, reported, if it has none.

    Where a size that is not known has to be a multiple of something, that becomes a
    constraint of the net if the expression `restricts`, and is a mistake otherwise.
    With `real` whole numbers are divided as real ones are.
    """
    if type(node) is n.Name:
        return names.lookup(node)
    constant = _constant(node, report.limits.integer)
    if constant is not None:
        return constant
    return _Evaluator(names, report, restricts, real).value(node, 0)


def _constant(node: n.Expression, most: int) -> Result | None:
    """The value of a whole number, or of a size that names nothing."""
    value: object
    if type(node) is n.Number:
        value = node.value
        parts: tuple[object, ...] = (value,)
    elif type(node) is n.Size:
        parts = node.parts
        value = SizeValue(node.parts)  # type: ignore[arg-type]
    else:
        return None
    for part in parts:
        if type(part) is not int or part > most:
            return None
    return made(Result, (value, Const(value)))


class _Evaluator(Operations):
    """Goes over the parts of an expression."""

    def __init__(
        self, names: Names, report: Reporter, restricts: bool, real: bool
    ) -> None:
        super().__init__(report, restricts, real)
        self._names = names
        self._too_deep = False

    def value(self, node: n.Expression, depth: int) -> Result:
        if depth > MAX_EXPRESSION_DEPTH:
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
        most = self._report.limits.integer
        if isinstance(node.value, int) and abs(node.value) > most:
            return self.too_large(node)
        if not math.isfinite(node.value):
            return self.too_large(node)
        return Result(node.value, Const(node.value))

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
                    ("give a number for every part of this size",)
                    if part == "_"
                    else (
                        "an `input` declares symbols, for its net alone; `in.h` reads"
                        " a size anywhere",
                    ),
                )
            if part > self._report.limits.integer:
                return self.too_large(node)
            parts.append(part)
            exprs.append(Const(part))
        size = SizeValue(parts)
        return Result(size, op("tuple", size, *exprs))

    def name(self, node: n.Name, depth: int) -> Result:
        return self._names.lookup(node)

    def attribute(self, node: n.Attribute, depth: int) -> Result:
        base = n.dotted(node.base)
        if base is not None:
            return self._names.attribute(base.name, node)
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

    def slice(self, node: n.Slice, depth: int) -> Result:
        base = self.value(node.base, depth)
        written = [
            (at, end)
            for at, end in enumerate((node.first, node.last))
            if end is not None
        ]
        ends = [self.value(end, depth) for _, end in written]
        if any(part.value is UNKNOWN for part in (base, *ends)):
            return FAILED
        if not isinstance(base.value, tuple) or isinstance(base.value, LayerRef):
            return self.fail(
                "E0503", f"{describe(base.value)} has no entries to cut", node.base
            )
        count = len(base.value)
        bounds = [0, count]
        for (at, place), end in zip(written, ends, strict=True):
            if not isinstance(end.value, int) or isinstance(end.value, bool):
                return self.fail(
                    "E0503",
                    f"an end of a part is a whole number, not {describe(end.value)}",
                    place,
                )
            if not -count <= end.value <= count:
                return self.fail(
                    "E0504", f"a list of {count} cannot be cut at {end.value}", place
                )
            bounds[at] = end.value + count * (end.value < 0)
        part = base.value[bounds[0] : bounds[1]]
        value = SizeValue(part) if isinstance(base.value, SizeValue) else part
        return Result(value, opaque(value, base.expr, *(end.expr for end in ends)))

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
        return Result(-value, op("neg", -value, operand.expr))

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
            value = self.compared(node, at, left, right)
            if value is None:
                return FAILED
            step = Result(value, op(operator, value, left.expr, right.expr))
            if result is not None:
                both = bool(result.value and value)
                step = Result(both, op("and", both, result.expr, step.expr))
            result = step
        assert result is not None
        return result

    def conditional(self, node: n.Conditional, depth: int) -> Result:
        condition = self.truth(node.condition, depth)
        if condition.value is UNKNOWN:
            return FAILED
        then = self.value(node.then, depth) if condition.value else None
        otherwise = self.value(node.otherwise, depth) if not condition.value else None
        taken = then or otherwise
        assert taken is not None
        if isinstance(condition.expr, Const):
            return taken
        # The arm not taken may be wrong here (1/0 if n == 0): keep no formula of it.
        return Result(taken.value, opaque(taken.value, condition.expr, taken.expr))

    def function(self, node: n.Function, depth: int) -> Result:
        quotient = node.arguments[0]
        if (
            node.name in ("ceil", "floor")
            and len(node.arguments) == 1
            and isinstance(quotient, n.Binary)
            and quotient.operator == "/"
        ):
            left = self.value(quotient.left, depth)
            right = self.value(quotient.right, depth)
            rounded = self.rounded(node, left, right)
            if rounded is None:
                return self.called(node, [self.combine(quotient, left, right)])
            return rounded
        return self.called(node, [self.value(part, depth) for part in node.arguments])

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


_EVALUATE: dict[type, Callable[..., Result]] = {
    n.Number: _Evaluator.number,
    n.Boolean: _Evaluator.literal,
    n.String: _Evaluator.literal,
    n.Size: _Evaluator.size,
    n.Name: _Evaluator.name,
    n.Attribute: _Evaluator.attribute,
    n.Index: _Evaluator.index,
    n.Slice: _Evaluator.slice,
    n.Negate: _Evaluator.negate,
    n.Not: _Evaluator.not_,
    n.Binary: _Evaluator.binary,
    n.Boolean2: _Evaluator.boolean,
    n.Comparison: _Evaluator.comparison,
    n.Conditional: _Evaluator.conditional,
    n.Function: _Evaluator.function,
    n.ListOf: _Evaluator.list_of,
}
