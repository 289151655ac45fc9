"""Sizes: whole numbers, or symbols such as H that stand for numbers not known yet.

Rules about sizes use the operators of `int`, which both have, and the functions here
where a size must fulfil a condition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from archdsl.shapes.symbols import Symbolic

    Size: TypeAlias = int | Symbolic
else:
    Size = int

# The formula of a size may double with every layer; one of more parts is no size.
MAX_PARTS = 1000

Relation = Literal[">=", "<=", ">", "<", "==", "!="]


class UndecidedError(ValueError):
    """What is asked of a size depends on sizes that are not known yet."""

    def __init__(self, left: object, operator: str, right: object = None) -> None:
        self.left = left
        self.operator = operator
        self.right = right
        if right is None:
            text = f"`{left}` is not known yet, and {operator} needs a number"
        else:
            text = (
                f"`{left} {operator} {right}` depends on sizes that are not known yet"
            )
        super().__init__(text)


def is_known(a: Size) -> bool:
    """Whether the size is a number."""
    return isinstance(a, int)


def is_symbolic(value: object) -> bool:
    """Whether a value of the language is a size that is not known."""
    return hasattr(value, "facts")


def require(a: Size, operator: Relation, b: Size) -> bool:
    """Whether `a operator b` holds; for symbols, whether it can.

    If it holds for some sizes only, it becomes a constraint of the net.
    """
    if not isinstance(a, int):
        return a.facts.require(a, operator, b)
    if not isinstance(b, int):
        return b.facts.require(a, operator, b)
    if operator == ">=":
        return a >= b
    if operator == "<=":
        return a <= b
    if operator == ">":
        return a > b
    if operator == "<":
        return a < b
    return (a == b) is (operator == "==")


def divides(d: Size, a: Size) -> bool:
    """Whether `a` is a multiple of `d`; for symbols, whether it can be.

    If it is for some sizes only, it becomes a constraint of the net.
    """
    if not isinstance(a, int):
        return a.facts.divides(d, a)
    if not isinstance(d, int):
        return d.facts.divides(d, a)
    return a % d == 0 if d else a == 0


def exceeds(a: Size, limit: int) -> bool:
    """Whether the size is a number over the limit. Symbols never are."""
    return isinstance(a, int) and a > limit


def too_long(value: object) -> bool:
    """Whether a value is a size that is not known, and its formula too long."""
    return is_symbolic(value) and value.parts > MAX_PARTS  # type: ignore[attr-defined]


def largest(a: Size, b: Size) -> Size:
    """The larger of two sizes."""
    if not isinstance(a, int):
        return a.extreme("max", b)
    if not isinstance(b, int):
        return b.extreme("max", a, swapped=True)
    return a if a >= b else b


def smallest(a: Size, b: Size) -> Size:
    """The smaller of two sizes."""
    if not isinstance(a, int):
        return a.extreme("min", b)
    if not isinstance(b, int):
        return b.extreme("min", a, swapped=True)
    return a if a <= b else b
