"""Formulas: how a number follows from a block's parameters and input sizes.

Every number that elaboration computes has a value and, inside a block, a formula for
it. Values decide; formulas let the emitted class be written once for all values.
"""

from __future__ import annotations

from typing import TypeAlias

from archdsl.shapes.size import is_symbolic
from archdsl.tuples import NamedTuple

# A formula with more parts than this is no longer something a person would write.
MAX_WEIGHT = 24
# A size that is not known cannot be written in any other way.
MAX_UNKNOWN_WEIGHT = 200


class Const(NamedTuple):
    """A number, truth value, string, size or list."""

    value: object

    @property
    def weight(self) -> int:
        return 1


class Var(NamedTuple):
    """A parameter of the block or net."""

    name: str

    @property
    def weight(self) -> int:
        return 1


class InputSize(NamedTuple):
    """The size of one axis of one input of the block."""

    input: int
    axis: int

    @property
    def weight(self) -> int:
        return 1


class Op(NamedTuple):
    """An operator or function applied to formulas."""

    operator: str
    operands: tuple[Expr, ...]
    weight: int


class Opaque(NamedTuple):
    """A number whose formula is not kept, with the names it depends on."""

    depends: frozenset[Var | InputSize]

    @property
    def weight(self) -> int:
        return 1


Expr: TypeAlias = Const | Var | InputSize | Op | Opaque


def op(operator: str, value: object, *operands: Expr) -> Expr:
    """`operator` applied to formulas; the constant `value` if all are constants."""
    for operand in operands:
        if type(operand) is not Const:
            break
    else:
        return Const(value)
    weight = 1
    for operand in operands:
        if type(operand) is Opaque:
            # Two that depend on the same are not the same: nothing cancels.
            return Opaque(depends(*operands))
        weight += operand.weight
    if operator == "-" and not isinstance(value, float):
        less = total(operands[0], negated(operands[1]))
        # Terms that cancel are worth another form; others stay as they were written.
        if operands[1] == Const(0) or less.weight < max(o.weight for o in operands):
            return less
    if operator == "//" and isinstance(value, int):
        quotient = _without_factor(*operands)
        if quotient is not None:
            return quotient
    if operator == "[]":
        parts, at = operands
        if (
            isinstance(parts, Op)
            and isinstance(at, Const)
            and isinstance(at.value, int)
        ) and parts.operator in ("tuple", "list"):
            return parts.operands[at.value]
    if operator == "+" and not isinstance(value, float):
        operands = _collected(operands)
        if len(operands) == 1:
            return operands[0]
        weight = 1 + sum(operand.weight for operand in operands)
    if weight > MAX_WEIGHT and (weight > MAX_UNKNOWN_WEIGHT or not _unknown(value)):
        return Opaque(depends(*operands))
    return Op(operator, operands, weight)


def _unknown(value: object) -> bool:
    """Whether a value is a size that is not known, or holds one."""
    if isinstance(value, tuple):
        return any(map(_unknown, value))
    return is_symbolic(value)


def bounded(expr: Expr) -> Expr:
    """The formula of a size that is not known, opaque if it is too long to write."""
    return expr if expr.weight <= MAX_UNKNOWN_WEIGHT else Opaque(depends(expr))


def _without_factor(product: Expr, factor: Expr) -> Expr | None:
    """What is left of a product of integers that is divided by one of its factors."""
    if not isinstance(product, Op) or product.operator != "*":
        return None
    if factor not in product.operands:
        return None
    at = product.operands.index(factor)
    rest = (*product.operands[:at], *product.operands[at + 1 :])
    if len(rest) == 1:
        return rest[0]
    return Op("*", rest, product.weight - factor.weight)


def total(*operands: Expr) -> Expr:
    """The sum of formulas of integers, equal terms together, however long."""
    terms = _collected(operands)
    if len(terms) == 1:
        return terms[0]
    return Op("+", terms, 1 + sum(term.weight for term in terms))


def negated(expr: Expr) -> Expr:
    """The formula of an integer with the other sign."""
    if isinstance(expr, Const) and isinstance(expr.value, int):
        return Const(-expr.value)
    if isinstance(expr, Op) and expr.operator == "+":
        return Op("+", tuple(map(negated, expr.operands)), expr.weight)
    if isinstance(expr, Op) and expr.operator == "*" and len(expr.operands) == 2:
        scale, scaled = expr.operands
        if isinstance(scale, Const) and isinstance(scale.value, int):
            return Op("*", (Const(-scale.value), scaled), expr.weight)
    return Op("*", (Const(-1), expr), 2 + expr.weight)


def _collected(operands: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """The terms of a sum of integers, equal ones together: a + b + b is a + 2 * b."""
    counts: dict[Expr, int] = {}
    stack = list(reversed(operands))
    while stack:
        term = stack.pop()
        if isinstance(term, Op) and term.operator == "+":
            stack += reversed(term.operands)
            continue
        factor = 1
        if isinstance(term, Op) and term.operator == "*" and len(term.operands) == 2:
            scale, scaled = term.operands
            if isinstance(scale, Const) and isinstance(scale.value, int):
                factor, term = scale.value, scaled
        if isinstance(term, Const) and isinstance(term.value, int):
            factor, term = factor * term.value, Const(1)
        counts[term] = counts.get(term, 0) + factor
    constant = counts.pop(Const(1), 0)
    terms: list[Expr] = [
        term if count == 1 else Op("*", (Const(count), term), 2 + term.weight)
        for term, count in counts.items()
        if count
    ]
    if constant or not terms:
        terms.append(Const(constant))
    return tuple(terms)


def opaque(value: object, *operands: Expr) -> Expr:
    """The constant `value` if all operands are constants, else an unknown formula."""
    for operand in operands:
        if type(operand) is not Const:
            return Opaque(depends(*operands))
    return Const(value)


def depends(*exprs: Expr) -> frozenset[Var | InputSize]:
    """The parameters and input sizes in the formulas."""
    found: set[Var | InputSize] = set()
    stack = list(exprs)
    while stack:
        expr = stack.pop()
        if type(expr) is Op:
            stack.extend(expr.operands)
        elif type(expr) is Opaque:
            found |= expr.depends
        elif type(expr) is Var or type(expr) is InputSize:
            found.add(expr)
    return frozenset(found)


def substitute(
    expr: Expr,
    variables: dict[str, Expr],
    inputs: tuple[tuple[Expr, ...], ...],
    value: object,
) -> Expr:
    """The formula with a call's arguments and input sizes put in.

    `value` is what the formula is worth in this call; the result is a constant where
    all that went in was constant.
    """
    if isinstance(expr, Const):
        return expr
    names = depends(expr)
    replaced = {
        name: variables[name.name]
        if isinstance(name, Var)
        else inputs[name.input][name.axis]
        for name in names
    }
    if all(type(new) is Const for new in replaced.values()):
        return Const(value)
    if isinstance(expr, Opaque) or any(type(n) is Opaque for n in replaced.values()):
        return Opaque(depends(*replaced.values()))
    result = _replace(expr, replaced)
    if result.weight > MAX_WEIGHT:
        return Opaque(depends(result))
    return result


def exact(
    expr: Expr, variables: dict[str, Expr], inputs: tuple[tuple[Expr, ...], ...]
) -> Expr:
    """The formula of a size that is not known, with a call's arguments put in."""
    replaced: dict[Var | InputSize, Expr] = {
        name: variables[name.name]
        if isinstance(name, Var)
        else inputs[name.input][name.axis]
        for name in depends(expr)
    }
    if isinstance(expr, Opaque):
        return Opaque(depends(*replaced.values()))
    return bounded(_replace(expr, replaced))


def _replace(expr: Expr, replaced: dict[Var | InputSize, Expr]) -> Expr:
    if isinstance(expr, Op):
        operands = tuple(_replace(operand, replaced) for operand in expr.operands)
        if expr.operator == "+":
            # The formula is one of sizes: a sum of integers.
            operands = _collected(operands)
            if len(operands) == 1:
                return operands[0]
        return Op(expr.operator, operands, 1 + sum(o.weight for o in operands))
    if isinstance(expr, Var | InputSize):
        return replaced[expr]
    return expr
