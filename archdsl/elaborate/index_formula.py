"""Formulas of places: what each number of a `param` or `buffer` is.

    value=(sin(ax0 / 10000**(ax1 / 512)))

`ax0` is the place along the first axis, counted from 0. The formula is not computed
here: it becomes PyTorch code, in which every `axK` is a tensor.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from archdsl.elaborate.evaluate import UNKNOWN, Names, Result, evaluate
from archdsl.elaborate.report import Reporter, Unheard
from archdsl.elaborate.words import place
from archdsl.ops.form import Apply, Code, Infix, Keyword, Slot
from archdsl.ops.values import IndexFormula
from archdsl.shapes.expr import Const
from archdsl.syntax import nodes as n

_TORCH = {name: f"torch.{name}" for name in ("abs", "sqrt", "exp", "log", "sin", "cos")}
_ROUNDS = ("ceil", "floor", "round")
_LOGIC = {"and": "&", "or": "|"}


def index_formula(
    node: n.Expression, names: Names, report: Reporter
) -> IndexFormula | None:
    """The formula of an argument `value=…`, or None if it has mistakes (reported)."""
    compiler = _Compiler(names, report)
    code = compiler.code(node)
    if code is None or not _computable(node, compiler.axes, names, report):
        return None
    return IndexFormula(code, compiler.axes, report.span(node).text)


class _Compiler:
    def __init__(self, names: Names, report: Reporter) -> None:
        self._names = names
        self._report = report
        # A body depends on what is settled in it; nothing outside of one does.
        self._decide = getattr(names, "decide", lambda expr: None)
        # The arms that count, by the identity of the conditions.
        self._arms: dict[int, n.Expression | None] = {}
        self.axes = 0

    def code(self, node: n.Expression) -> Code | None:
        """PyTorch code for an expression; what has no place in it is one number."""
        if not self._has_place(node):
            return self._number(node)
        if isinstance(node, n.Name):
            axis = place(node.name)
            assert axis is not None
            self.axes = max(self.axes, 1 + axis)
            return node.name
        if isinstance(node, n.Binary):
            return self._infix(node.operator, node.left, node.right)
        if isinstance(node, n.Boolean2):
            return self._infix(_LOGIC[node.operator], node.left, node.right)
        if isinstance(node, n.Comparison) and len(node.operators) == 1:
            return self._infix(node.operators[0], *node.operands)
        if isinstance(node, n.Negate):
            inner = self.code(node.operand)
            if isinstance(inner, str):
                return f"-{inner}"
            return None if inner is None else Apply("-", (inner,))
        if isinstance(node, n.Not):
            inner = self.code(node.operand)
            return None if inner is None else Apply("~", (inner,))
        if isinstance(node, n.Conditional) and not self._has_place(node.condition):
            arm = self._arm(node)
            return None if arm is None else self.code(arm)
        if isinstance(node, n.Conditional):
            return self._apply(
                "torch.where", (node.condition, node.then, node.otherwise)
            )
        if isinstance(node, n.Function):
            return self._function(node)
        self._report.error(
            "E0503",
            "this cannot be computed for every place",
            node,
            hints=("use arithmetic, single comparisons and functions of numbers",),
        )
        return None

    def _has_place(self, node: n.Expression) -> bool:
        """Whether a place has a say, be it in a condition or in an arm that counts."""
        stack: list[Any] = [node]
        while stack:
            part = stack.pop()
            arm = self._arm(part) if isinstance(part, n.Conditional) else None
            if isinstance(part, n.Name) and place(part.name) is not None:
                return True
            if arm is not None:
                stack.append(arm)
            else:
                stack.extend(child for child in part if isinstance(child, tuple))
        return False

    def _arm(self, node: n.Conditional) -> n.Expression | None:
        """The arm that counts, if the condition is the same for all places."""
        if id(node) not in self._arms:
            self._arms[id(node)] = self._settled(node)
        return self._arms[id(node)]

    def _settled(self, node: n.Conditional) -> n.Expression | None:
        if not _names_place(node) or self._has_place(node.condition):
            return None
        condition = evaluate(node.condition, self._names, self._report)
        if condition.value is UNKNOWN:
            return None
        if not isinstance(condition.value, bool):
            self._report.error(
                "E0503", "this is neither true nor false", node.condition
            )
            return None
        self._decide(condition.expr)
        return node.then if condition.value else node.otherwise

    def _number(self, node: n.Expression) -> Code | None:
        result = evaluate(node, self._names, self._report, real=True)
        if result.value is UNKNOWN:
            return None
        if not isinstance(result.value, int | float):
            self._report.error(
                "E0503", "each place holds a number or a truth value", node
            )
            return None
        return Slot(result.value, result.expr)

    def _infix(self, operator: str, *operands: n.Expression) -> Code | None:
        made = self._all(operands)
        return Infix(operator, made) if len(made) == len(operands) else None

    def _apply(self, function: str, arguments: tuple[n.Expression, ...]) -> Code | None:
        made = self._all(arguments)
        return Apply(function, made) if len(made) == len(arguments) else None

    def _all(self, parts: tuple[n.Expression, ...]) -> tuple[Code, ...]:
        """The code of those that have one."""
        return tuple(code for code in map(self.code, parts) if code is not None)

    def _function(self, node: n.Function) -> Code | None:
        name = node.name
        if name in _TORCH and len(node.arguments) == 1:
            return self._apply(_TORCH[name], node.arguments)
        if name in _ROUNDS and len(node.arguments) == 1:
            return self._apply(f"torch.{name}", node.arguments)
        if name in ("min", "max") and len(node.arguments) == 2:
            return self._bounded(name, *node.arguments)
        self._report.error(
            "E0503",
            f"`{name}` cannot be computed for every place",
            node,
            hints=(f"there are: {', '.join((*_TORCH, *_ROUNDS))}, min, max",),
        )
        return None

    def _bounded(self, name: str, *arguments: n.Expression) -> Code | None:
        tensors = [argument for argument in arguments if self._has_place(argument)]
        if len(tensors) == 2:
            return self._apply(f"torch.{name}imum", arguments)
        bound = next(argument for argument in arguments if argument not in tensors)
        made, limit = self.code(tensors[0]), self.code(bound)
        if made is None or limit is None:
            return None
        # The larger of two numbers is one with a least value.
        return Apply(
            "torch.clamp", (made, Keyword("min" if name == "max" else "max", limit))
        )


class _At:
    """Names where the places are numbers."""

    def __init__(self, names: Names, places: tuple[int, ...]) -> None:
        self._names = names
        self._places = places

    def lookup(self, node: n.Name) -> Result:
        axis = place(node.name)
        if axis is None:
            return self._names.lookup(node)
        number = float(self._places[axis])
        return Result(number, Const(number))

    def attribute(self, base: str, node: n.Attribute) -> Result:
        return self._names.attribute(base, node)


def _computable(node: n.Expression, axes: int, names: Names, report: Reporter) -> bool:
    """Whether a formula has a value at its first places; if not, that is reported."""
    for places in product((0, 1), repeat=axes):
        with Unheard(report) as wrong:
            evaluate(node, _At(names, places), report, real=True)
        if any(finding.code in ("E0502", "E0503") for finding in wrong):
            where = " and ".join(f"`ax{k}` is {at}" for k, at in enumerate(places))
            report.error(
                "E0502",
                f"this has no value where {where}",
                node,
                hints=("`… if ax0 > 0 else 0` leaves a place out",),
            )
            return False
    return True


def _names_place(node: n.Expression) -> bool:
    return any(
        isinstance(part, n.Name) and place(part.name) is not None
        for part in n.parts(node)
    )
