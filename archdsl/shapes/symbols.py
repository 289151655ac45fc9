"""Sizes that are not known yet: `Symbolic` behaves like the `int` it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from archdsl.shapes.arithmetic import ARITHMETIC, FUNCTIONS
from archdsl.shapes.expr import (
    Const,
    Expr,
    Op,
    Opaque,
    bounded,
    depends,
    negated,
    total,
)
from archdsl.shapes.facts import Facts
from archdsl.shapes.polynomial import (
    ONE,
    Poly,
    constant,
    known,
    minus,
    multiply,
    plus,
    quotient,
    scale,
)
from archdsl.shapes.polynomial import add as added
from archdsl.shapes.size import UndecidedError
from archdsl.shapes.symbol_text import Writer, atomic

if TYPE_CHECKING:
    from archdsl.shapes.size import Size

__all__ = ["Facts", "Symbolic", "UndecidedError", "difference"]

# Products of longer sums are not multiplied out.
_MOST_TERMS = 1000
# A formula of a higher power is no size of anything.
_MOST_POWER = 32


class Symbolic:
    """A size in terms of symbols, never changed once made.

    `expr` is its formula in the names of the block around it; two sizes are equal
    whatever their formulas are. Equal sizes of a net become so by what is learnt about
    its symbols, so all of a net's sizes have the same hash. An operation whose result
    is the same number for all sizes gives that number.
    """

    __slots__ = ("expr", "facts", "poly")

    def __init__(self, facts: Facts, poly: Poly, expr: Expr) -> None:
        self.facts = facts
        self.poly = poly
        self.expr = expr

    def renamed(self, expr: Expr) -> Symbolic:
        """The same size with another formula."""
        return Symbolic(self.facts, self.poly, expr)

    def _made(self, poly: Poly, expr: Expr) -> Size:
        value = known(poly)
        if value is None and self.facts.narrowed:
            value = known(self.facts.algebra.normal(poly))
        return Symbolic(self.facts, poly, expr) if value is None else value

    def _other(self, other: object, operator: str) -> Poly:
        if isinstance(other, int):
            return constant(other)
        if isinstance(other, Symbolic):
            if other.facts is not self.facts:
                raise ValueError(f"`{self}` and `{other}` are sizes of different nets")
            return other.poly
        raise UndecidedError(self, operator, other)

    # Arithmetic

    def __add__(self, other: Size) -> Size:
        if isinstance(other, int):
            poly = plus(self.poly, other)
        else:
            poly = added(self.poly, self._other(other, "+"))
        return self._made(poly, _formula("+", self, other))

    def __radd__(self, other: int) -> Size:
        poly = added(self.poly, self._other(other, "+"))
        return self._made(poly, _formula("+", other, self))

    def __sub__(self, other: Size) -> Size:
        poly = minus(self.poly, self._other(other, "-"))
        return self._made(poly, _formula("-", self, other))

    def __rsub__(self, other: int) -> Size:
        poly = minus(self._other(other, "-"), self.poly)
        return self._made(poly, _formula("-", other, self))

    def __mul__(self, other: Size) -> Size:
        poly = self._product(self.poly, self._other(other, "*"), other)
        return self._made(poly, _formula("*", self, other))

    def _product(self, p: Poly, q: Poly, other: object) -> Poly:
        if len(p) * len(q) > _MOST_TERMS:
            raise UndecidedError(self, "*", other)
        return multiply(p, q)

    def __rmul__(self, other: int) -> Size:
        poly = multiply(self._other(other, "*"), self.poly)
        return self._made(poly, _formula("*", other, self))

    def __floordiv__(self, other: Size) -> Size:
        poly = self.facts.algebra.floor(self.poly, self._other(other, "//"))
        return self._made(poly, _formula("//", self, other))

    def __rfloordiv__(self, other: int) -> Size:
        poly = self.facts.algebra.floor(self._other(other, "//"), self.poly)
        return self._made(poly, _formula("//", other, self))

    def __mod__(self, other: Size) -> Size:
        poly = self._rest(self.poly, self._other(other, "%"))
        return self._made(poly, _formula("%", self, other))

    def __rmod__(self, other: int) -> Size:
        poly = self._rest(self._other(other, "%"), self.poly)
        return self._made(poly, _formula("%", other, self))

    def __divmod__(self, other: Size) -> tuple[Size, Size]:
        return self // other, self % other

    def __rdivmod__(self, other: int) -> tuple[Size, Size]:
        return other // self, other % self

    def _rest(self, p: Poly, divisor: Poly) -> Poly:
        return minus(p, multiply(divisor, self.facts.algebra.floor(p, divisor)))

    def __truediv__(self, other: Size) -> Size:
        poly = self._exact(self.poly, self._other(other, "/"), self, other)
        return self._made(poly, _formula("/", self, other))

    def __rtruediv__(self, other: int) -> Size:
        poly = self._exact(self._other(other, "/"), self.poly, other, self)
        return self._made(poly, _formula("/", other, self))

    def _exact(self, p: Poly, divisor: Poly, left: object, right: object) -> Poly:
        exact = quotient(p, divisor)
        if exact is not None:
            return exact
        if not self.facts.vanishes(self._rest(p, divisor)):
            raise UndecidedError(left, "/", right)
        return self.facts.algebra.floor(p, divisor)

    def __pow__(self, other: Size) -> Size:
        degree = max(len(monomial) for monomial, _ in self.poly)
        if not isinstance(other, int) or not 0 <= degree * other <= _MOST_POWER:
            raise UndecidedError(self, "**", other)
        poly = ONE
        for _ in range(other):
            poly = self._product(poly, self.poly, other)
        return self._made(poly, _formula("**", self, other))

    def __rpow__(self, other: int) -> NoReturn:
        raise UndecidedError(other, "**", self)

    def __neg__(self) -> Size:
        expr = Op("neg", (self.expr,), 1 + self.expr.weight)
        return self._made(scale(self.poly, -1), expr)

    def __pos__(self) -> Symbolic:
        return self

    def __abs__(self) -> Size:
        return self.extreme("max", -self)

    def extreme(
        self, kind: Literal["max", "min"], other: Size, swapped: bool = False
    ) -> Size:
        """The larger (`max`) or smaller of two; `swapped` is for the formula."""
        over = (self.poly, self._other(other, kind))
        for poly, size in zip(over, (self, other), strict=True):
            ahead = minus(scale(poly, 2), added(*over))
            if self.facts.decided(ahead if kind == "max" else scale(ahead, -1)):
                return size
        operands = (other, self) if swapped else (self, other)
        poly = self.facts.algebra.extreme(kind, over)
        return self._made(poly, _formula(kind, *operands))

    def __round__(self, digits: int | None = None) -> Symbolic:
        return self

    def __ceil__(self) -> Symbolic:
        return self

    def __floor__(self) -> Symbolic:
        return self

    # Comparison

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Symbolic):
            if other.facts is not self.facts:
                return False
            poly = other.poly
        elif isinstance(other, int):
            poly = constant(other)
        else:
            return False
        return poly == self.poly or self.facts.vanishes(minus(self.poly, poly))

    def __hash__(self) -> int:
        return object.__hash__(self.facts)

    def __bool__(self) -> bool:
        return self != 0

    def __ge__(self, other: Size) -> bool:
        return self._compared(other, ">=", 1, 0)

    def __gt__(self, other: Size) -> bool:
        return self._compared(other, ">", 1, -1)

    def __le__(self, other: Size) -> bool:
        return self._compared(other, "<=", -1, 0)

    def __lt__(self, other: Size) -> bool:
        return self._compared(other, "<", -1, -1)

    def _compared(self, other: Size, operator: str, sign: int, off: int) -> bool:
        ahead = minus(self.poly, self._other(other, operator))
        answer = self.facts.decided(plus(scale(ahead, sign), off))
        if answer is None:
            raise UndecidedError(self, operator, other)
        return answer

    # Where a number is needed

    def __int__(self) -> int:
        raise UndecidedError(self, "int()")

    def __index__(self) -> int:
        raise UndecidedError(self, "a count")

    def __trunc__(self) -> int:
        raise UndecidedError(self, "int()")

    def __float__(self) -> float:
        raise UndecidedError(self, "float()")

    def at(self, assignment: Mapping[str, int]) -> int:
        """The size where the symbols are these numbers.

        Raises KeyError for a symbol left out, ZeroDivisionError where a divisor is 0.
        """
        return self.facts.value(self.poly, assignment)

    @property
    def parts(self) -> int:
        """How many symbols its text has."""
        return self.facts.algebra.weight(self.poly)

    # Text

    @property
    def symbols(self) -> tuple[str, ...]:
        """The names of the symbols in it, in order of declaration."""
        algebra = self.facts.algebra
        return tuple(
            algebra.atoms[number].name for number in algebra.sources(self.poly)
        )

    @property
    def atomic(self) -> bool:
        """Whether its text needs no brackets between other sizes."""
        return atomic(str(self))

    def __str__(self) -> str:
        return self.facts.text(self.poly)

    def __repr__(self) -> str:
        return f"Symbolic({self})"

    def __format__(self, spec: str) -> str:
        if not spec.endswith(","):
            return format(str(self), spec)
        algebra = self.facts.algebra
        text = Writer(algebra, spaced=True).text(algebra.normal(self.poly))
        return format(text, spec[:-1])


# What an operator leaves as it is, on its right.
_NEUTRAL = {"+": 0, "-": 0, "*": 1, "//": 1, "/": 1, "**": 1}


def _formula(operator: str, left: Size, right: Size) -> Expr:
    a = Const(left) if isinstance(left, int) else left.expr
    b = Const(right) if isinstance(right, int) else right.expr
    neutral = _NEUTRAL.get(operator)
    if neutral is not None:
        if b == Const(neutral):
            return a
        if operator in "+*" and a == Const(neutral):
            return b
    if isinstance(a, Const) and isinstance(b, Const):
        return Const(_folded(operator, a.value, b.value))
    if isinstance(a, Opaque) or isinstance(b, Opaque):
        return Opaque(depends(a, b))
    if operator in ("+", "-"):
        # Collected, or a formula would grow with every layer.
        return bounded(total(a, b if operator == "+" else negated(b)))
    return bounded(Op(operator, (a, b), 1 + a.weight + b.weight))


def _folded(operator: str, a: Any, b: Any) -> object:
    function = ARITHMETIC.get(operator) or FUNCTIONS[operator][2]
    return function(a, b)


def difference(a: Size, b: Size) -> dict[str, int] | None:
    """The smallest sizes of the symbols at which two sizes differ.

    None if they are equal, or if no difference was found.
    """
    if isinstance(a, Symbolic):
        return a.facts.difference(a, b)
    if isinstance(b, Symbolic):
        return b.facts.difference(b, a)
    return None if a == b else {}
