"""What polynomials of sizes are made of: symbols, rounded quotients, extremes."""

from __future__ import annotations

from math import prod
from typing import Literal

from archdsl.shapes.polynomial import (
    Monomial,
    Poly,
    add,
    constant,
    known,
    multiply,
    parted,
    plus,
    scale,
)
from archdsl.tuples import NamedTuple

# Longer products are not multiplied out for a bound.
_MOST_FACTORS = 12

Kind = Literal["symbol", "part", "floor", "ceil", "max", "min"]


class Atom(NamedTuple):
    """An indivisible factor of a monomial.

    A `symbol` is a size not known yet. A `part` is k where the symbol `source` is
    known to be step · k + offset. A `floor` and a `ceil` are the rounded quotient of
    the two polynomials in `over`; `max` and `min` are of all of them. `variables` are
    the symbols and parts that the atom depends on; `weight` is how many there are in
    it, written out.
    """

    kind: Kind
    name: str
    over: tuple[Poly, ...]
    variables: frozenset[int]
    degree: int
    source: int = -1
    step: int = 1
    offset: int = 0
    weight: int = 1


class Range(NamedTuple):
    """The values that a symbol may have: those ≡ offset (mod step) within bounds."""

    lower: int = 1
    upper: int | None = None
    step: int = 1
    offset: int = 0

    @property
    def least(self) -> int:
        """The smallest number."""
        return self.lower + (self.offset - self.lower) % self.step

    @property
    def most(self) -> int | None:
        """The largest number; None without a bound."""
        if self.upper is None:
            return None
        return self.upper - (self.upper - self.offset) % self.step

    @property
    def empty(self) -> bool:
        """Whether there is no number at all."""
        return self.most is not None and self.most < self.least


Interval = tuple[int | None, int | None]
Values = dict[int, int]


class Atoms:
    """The atoms of a net, numbered, with the ranges of its symbols."""

    def __init__(self) -> None:
        self.atoms: list[Atom] = []
        self.numbers: dict[tuple[object, ...], int] = {}
        self.symbols: dict[str, int] = {}
        self.ranges: dict[int, Range] = {}
        self.intervals: dict[int, Interval] = {}
        self._orders: dict[Monomial, tuple[object, ...]] = {}

    def _number(self, key: tuple[object, ...], atom: Atom) -> int:
        number = len(self.atoms)
        self.numbers[key] = number
        self.atoms.append(atom)
        return number

    def symbol(self, name: str) -> Poly:
        """The size of that name."""
        number = self.symbols.get(name)
        if number is None:
            number = len(self.atoms)
            own = Atom("symbol", name, (), frozenset((number,)), 1, source=number)
            self._number(("symbol", name), own)
            self.symbols[name] = number
            self.ranges[number] = Range()
        return (((number,), 1),)

    def part(self, source: int, step: int, offset: int) -> Poly:
        """The whole number k with symbol = step · k + offset."""
        key = ("part", source, step, offset)
        number = self.numbers.get(key)
        if number is None:
            number = len(self.atoms)
            own = frozenset((number,))
            self._number(key, Atom("part", "", (), own, 1, source, step, offset))
        return (((number,), 1),)

    def rounded(self, kind: Literal["floor", "ceil"], p: Poly, divisor: Poly) -> Poly:
        """The atom ⌊p/divisor⌋ or ⌈p/divisor⌉."""
        key = (kind, p, divisor)
        number = self.numbers.get(key)
        if number is None:
            degree = max(1, self.degree(p))
            variables = self.variables(p) | self.variables(divisor)
            weight = self.weight(p) + self.weight(divisor)
            own = Atom(kind, "", (p, divisor), variables, degree, weight=weight)
            number = self._number(key, own)
        return (((number,), 1),)

    def extreme_atom(self, kind: Literal["max", "min"], over: tuple[Poly, ...]) -> Poly:
        """The atom for the largest or smallest of several."""
        key = (kind, over)
        number = self.numbers.get(key)
        if number is None:
            variables = frozenset[int]().union(*map(self.variables, over))
            degree = max(map(self.degree, over))
            weight = sum(map(self.weight, over))
            own = Atom(kind, "", over, variables, degree, weight=weight)
            number = self._number(key, own)
        return (((number,), 1),)

    def variables(self, p: Poly) -> frozenset[int]:
        """The symbols and parts that a polynomial depends on."""
        atoms = self.atoms
        found: frozenset[int] = frozenset()
        for monomial, _ in p:
            for number in monomial:
                found |= atoms[number].variables
        return found

    def sources(self, p: Poly) -> tuple[int, ...]:
        """The symbols in it, in order of declaration."""
        atoms = self.atoms
        return tuple(sorted({atoms[v].source for v in self.variables(p)}))

    def degree(self, p: Poly) -> int:
        """The degree, rounded quotients counting as their numerators do."""
        atoms = self.atoms
        return max((sum(atoms[n].degree for n in m) for m, _ in p), default=0)

    def weight(self, p: Poly) -> int:
        """How many symbols and parts there are in it, written out."""
        atoms = self.atoms
        return sum(atoms[number].weight for monomial, _ in p for number in monomial)

    def order(self, monomial: Monomial) -> tuple[object, ...]:
        """Sorts by descending degree, then by the symbols' declaration."""
        key = self._orders.get(monomial)
        if key is None:
            atoms = self.atoms
            degree = sum(atoms[number].degree for number in monomial)
            sources = sorted(
                atoms[variable].source
                for number in monomial
                for variable in atoms[number].variables
            )
            key = self._orders[monomial] = (-degree, sources, monomial)
        return key

    def leading(self, p: Poly) -> int:
        """The coefficient of the term that is written first."""
        if len(p) == 1:
            return p[0][1]
        return min(p, key=lambda term: self.order(term[0]))[1]

    # Values

    def evaluate(self, p: Poly, values: Values) -> int:
        """The value at concrete symbols or parts; `values` also serves as memo.

        Raises ZeroDivisionError where a divisor is 0.
        """
        total = 0
        for monomial, c in p:
            for number in monomial:
                value = values.get(number)
                c *= self._evaluated(number, values) if value is None else value
            total += c
        return total

    def _evaluated(self, number: int, values: Values) -> int:
        atom = self.atoms[number]
        if atom.kind in ("symbol", "part"):
            raise KeyError(atom.name)
        over = [self.evaluate(p, values) for p in atom.over]
        if atom.kind == "floor":
            value = over[0] // over[1]
        elif atom.kind == "ceil":
            value = -(-over[0] // over[1])
        else:
            value = max(over) if atom.kind == "max" else min(over)
        values[number] = value
        return value

    # Bounds

    def interval(self, number: int) -> Interval:
        """Between which whole numbers an atom lies; None where there is no bound."""
        found = self.intervals.get(number)
        if found is None:
            found = self.intervals[number] = self._interval(self.atoms[number])
        return found

    def _interval(self, atom: Atom) -> Interval:
        if atom.kind == "symbol":
            here = self.ranges[atom.source]
            return here.least, here.most
        if atom.kind == "part":
            here = self.ranges[atom.source]
            first = (here.least - atom.offset) // atom.step
            most = here.most
            return first, None if most is None else (most - atom.offset) // atom.step
        lows = [self.least(p) for p in atom.over]
        highs = [self.most(p) for p in atom.over]
        if atom.kind in ("floor", "ceil"):
            return self._quotient_interval(atom, lows, highs)
        pick = max if atom.kind == "max" else min
        tight, loose = (lows, highs) if atom.kind == "max" else (highs, lows)
        near = pick((bound for bound in tight if bound is not None), default=None)
        limits = [bound for bound in loose if bound is not None]
        far = pick(limits) if len(limits) == len(loose) else None
        return (near, far) if atom.kind == "max" else (far, near)

    def _quotient_interval(
        self, atom: Atom, lows: list[int | None], highs: list[int | None]
    ) -> Interval:
        def rounded(a: int, b: int) -> int:
            return a // b if atom.kind == "floor" else -(-a // b)

        low, high = lows[0], highs[0]
        least, most = lows[1], highs[1]
        if least is None or least < 1:
            return None, None
        # A quotient is smallest by the divisor that takes it nearest to, or past, 0.
        if low is None or (low >= 0 and most is None):
            first = None if low is None else rounded(min(low, 1), max(low, 1) + 1)
        else:
            first = rounded(low, least if low < 0 or most is None else most)
        if high is None or (high < 0 and most is None):
            last = None if high is None else rounded(-1, -high + 1)
        else:
            last = rounded(high, least if high >= 0 or most is None else most)
        return first, last

    def most(self, p: Poly) -> int | None:
        """An upper bound, by reasoning with intervals."""
        low = self.least(scale(p, -1))
        return None if low is None else -low

    def least(self, p: Poly) -> int | None:
        """A lower bound, by reasoning with intervals."""
        value = known(p)
        if value is not None:
            return value
        bounds = [self._least_apart(p)]
        relaxed, factor = self._relaxed(p)
        if factor > 1:
            low = self._least_apart(relaxed)
            bounds.append(None if low is None else -(-low // factor))
        return max((bound for bound in bounds if bound is not None), default=None)

    def _relaxed(self, p: Poly) -> tuple[Poly, int]:
        """A polynomial q and a factor with q ≤ p · factor, without rounded terms.

        A rounded quotient is replaced by the line below or above it, whichever its
        coefficient's sign asks for.
        """
        factor = 1
        while True:
            found = self._quotient_term(p)
            if found is None:
                return p, factor
            monomial, c, atom, by = found
            gap = 0
            if c > 0 and atom.kind == "floor":
                gap = 1 - by
            elif c < 0 and atom.kind == "ceil":
                gap = by - 1
            line = plus(atom.over[0], gap)
            rest = tuple(term for term in p if term[0] != monomial)
            p = add(scale(rest, by), scale(line, c))
            factor *= by

    def _quotient_term(self, p: Poly) -> tuple[Monomial, int, Atom, int] | None:
        """A term that is a number times a quotient by a number."""
        for monomial, c in p:
            if len(monomial) == 1:
                atom = self.atoms[monomial[0]]
                by = known(atom.over[1]) if atom.kind in ("floor", "ceil") else None
                if by is not None:
                    return monomial, c, atom, by
        return None

    def _least_apart(self, p: Poly) -> int | None:
        """A lower bound that takes the atoms to be independent of each other."""
        lengths: dict[int, int | None] = {}
        moved = constant(parted(p)[1])
        for monomial, c in parted(p)[0]:
            if len(monomial) > _MOST_FACTORS:
                # Multiplying it out would take too long; often the ends will do.
                lows = [self.interval(number)[0] for number in monomial]
                if c < 0 or any(low is None or low < 0 for low in lows):
                    return None
                moved = plus(moved, c * prod(low for low in lows if low is not None))
                continue
            product = constant(c)
            for number in monomial:
                low, high = self.interval(number)
                start: int
                if low is not None:
                    start, sign = low, 1
                elif high is not None:
                    start, sign = high, -1
                else:
                    return None
                lengths[number] = (
                    None if low is None or high is None else max(0, high - low)
                )
                away: Poly = (((number,), sign),)
                product = multiply(product, add(constant(start), away))
            moved = add(moved, product)
        terms, total = parted(moved)
        for monomial, c in terms:
            if c < 0:
                reach = [lengths[number] for number in monomial]
                if None in reach:
                    return None
                total += c * prod(length for length in reach if length is not None)
        return total
