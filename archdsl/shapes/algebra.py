"""Exact arithmetic on sizes that are not known: canonical and normal forms.

The canonical form holds for all sizes; the normal form uses what is known about the
symbols: where H ≡ r (mod m), H is written m · k + r.
"""

from __future__ import annotations

from itertools import pairwise
from math import gcd, lcm
from typing import Literal

from archdsl.shapes.atoms import Atom, Atoms
from archdsl.shapes.polynomial import (
    ZERO,
    Poly,
    add,
    constant,
    known,
    minus,
    multiply,
    parted,
    plus,
    quotient,
    scale,
    without,
)
from archdsl.tuples import NamedTuple

# The longest period that is searched through for an order or a bound.
_MOST_PERIOD = 5_000


class Profile(NamedTuple):
    """A polynomial in one variable: on each class mod `period`, of this degree."""

    degree: int
    period: int


class Algebra(Atoms):
    """The arithmetic of one net."""

    def __init__(self) -> None:
        super().__init__()
        # Symbols that an equation gives in terms of others.
        self.aliases: dict[int, Poly] = {}
        self._floors: dict[tuple[Poly, Poly], Poly] = {}
        self._normal: dict[Poly, Poly] = {}
        self._images: dict[int, Poly] = {}
        self._resolved: dict[int, Poly] = {}
        self._profiles: dict[tuple[int, int], Profile | None] = {}

    def changed(self) -> None:
        """To be called when more is known: drops what relied on less."""
        self.intervals.clear()
        self._floors.clear()
        self._normal.clear()
        self._images.clear()
        self._resolved.clear()

    # Canonical forms

    def floor(self, p: Poly, divisor: Poly) -> Poly:
        """⌊p / divisor⌋. Raises ZeroDivisionError for the divisor 0."""
        key = (p, divisor)
        found = self._floors.get(key)
        if found is None:
            by = known(divisor)
            if by is None:
                found = self._floor_by_sizes(p, divisor)
            elif not by:
                raise ZeroDivisionError("a size divided by 0")
            elif by < 0:
                found = self._floor(scale(p, -1), -by)
            else:
                found = self._floor(p, by)
            self._floors[key] = found
        return found

    def ceil(self, p: Poly, divisor: Poly) -> Poly:
        """⌈p / divisor⌉."""
        return scale(self.floor(scale(p, -1), divisor), -1)

    def _floor(self, p: Poly, by: int) -> Poly:
        """⌊p / by⌋ for a positive number.

        The rules are those of Graham, Knuth and Patashnik 1994, section 3.2.
        """
        whole = ZERO
        while True:
            terms, c = parted(p)
            whole = plus(whole, c // by)
            c %= by
            split = tuple((m, k // by) for m, k in terms if not k % by)
            if split:
                whole = add(whole, split)
                terms = tuple(term for term in terms if term[1] % by)
            if not terms:
                return whole
            common = gcd(by, *(k for _, k in terms))
            if common > 1:
                by //= common
                p = (*constant(c // common), *((m, k // common) for m, k in terms))
                continue
            # The constant that stays is in (-by, 0].
            if c:
                c -= by
                whole = plus(whole, 1)
            opened = self._opened(terms, c, by)
            if opened is not None:
                p, by = opened
                continue
            if self.leading(terms) < 0:
                # ⌊x/n⌋ = -⌈-x/n⌉ = -1 - ⌊(-x - 1)/n⌋
                other = self._floor(plus(scale(terms, -1), -c - 1), by)
                return minus(plus(whole, -1), other)
            if c == -1:
                return add(plus(whole, -1), self.rounded("ceil", terms, constant(by)))
            return add(whole, self.rounded("floor", plus(terms, c), constant(by)))

    def _opened(self, terms: Poly, c: int, by: int) -> tuple[Poly, int] | None:
        """⌊(±⌊x/a⌋ + q) / b⌋ as one quotient, ⌊(±x + a·q) / (a·b)⌋."""
        inner = None
        for monomial, k in terms:
            if len(monomial) == 1 and k in (1, -1):
                atom = self.atoms[monomial[0]]
                if atom.kind in ("floor", "ceil") and known(atom.over[1]) is not None:
                    if inner is not None:
                        return None
                    inner = (monomial, k, atom)
        if inner is None:
            return None
        monomial, sign, atom = inner
        a = known(atom.over[1])
        assert a is not None
        rest = plus(tuple(term for term in terms if term[0] != monomial), c)
        # -⌊x/a⌋ = ⌊(-x + a-1)/a⌋ and ⌈x/a⌉ = ⌊(x + a-1)/a⌋
        gap = a - 1 if (sign < 0) is (atom.kind == "floor") else 0
        return plus(add(scale(atom.over[0], sign), scale(rest, a)), gap), a * by

    def _floor_by_sizes(self, p: Poly, divisor: Poly) -> Poly:
        exact = quotient(p, divisor)
        if exact is not None:
            return exact
        if (self.most(divisor) or 0) < 0:
            return self._floor_by_sizes(scale(p, -1), scale(divisor, -1))
        common = gcd(*(c for _, c in p), *(c for _, c in divisor))
        if common > 1:
            p = tuple((m, c // common) for m, c in p)
            divisor = tuple((m, c // common) for m, c in divisor)
        whole = ZERO
        if len(divisor) == 1:
            ((by, c_by),) = divisor
            for monomial, c in p:
                rest = without(monomial, by)
                if rest is not None and not c % c_by:
                    whole = add(whole, ((rest, c // c_by),))
            p = minus(p, multiply(whole, divisor))
        if (self.least(divisor) or 0) > 0:
            terms, c = parted(p)
            if self.leading(p) < 0:
                other = self.floor(plus(scale(p, -1), -1), divisor)
                return minus(plus(whole, -1), other)
            if c == -1 and terms:
                return add(plus(whole, -1), self.rounded("ceil", terms, divisor))
        return add(whole, self.rounded("floor", p, divisor))

    def extreme(self, kind: Literal["max", "min"], over: tuple[Poly, ...]) -> Poly:
        """The largest or smallest of several, what never counts left out."""
        flat: list[Poly] = []
        for p in over:
            inner = self._extremes(kind, p)
            flat += (p,) if inner is None else inner
        kept: list[Poly] = []
        for p in dict.fromkeys(flat):
            if any(self._beats(kind, q, p) for q in kept):
                continue
            kept = [q for q in kept if not self._beats(kind, p, q)]
            kept.append(p)
        if len(kept) > 1:
            kept.sort(key=lambda p: (self.sources(p), p))
            return self.extreme_atom(kind, tuple(kept))
        return kept[0]

    def _extremes(self, kind: str, p: Poly) -> tuple[Poly, ...] | None:
        if len(p) == 1 and p[0][1] == 1 and len(p[0][0]) == 1:
            atom = self.atoms[p[0][0][0]]
            if atom.kind == kind:
                return atom.over
        return None

    def _beats(self, kind: str, p: Poly, q: Poly) -> bool:
        ahead = minus(p, q) if kind == "max" else minus(q, p)
        low = self.least(ahead)
        return low is not None and low >= 0

    # Normal forms

    def normal(self, p: Poly) -> Poly:
        """The polynomial under what is known about its symbols."""
        found = self._normal.get(p)
        if found is None:
            found = self._normal[p] = self._rebuilt(p, self._images, parts=True)
        return found

    def resolved(self, p: Poly) -> Poly:
        """The polynomial without symbols that an equation gives."""
        return self._rebuilt(p, self._resolved, parts=False)

    def _rebuilt(self, p: Poly, images: dict[int, Poly], parts: bool) -> Poly:
        result = ZERO
        for monomial, c in p:
            term = constant(c)
            for number in monomial:
                image = images.get(number)
                if image is None:
                    image = self._image(number, images, parts)
                    images[number] = image
                term = multiply(term, image)
            result = add(result, term)
        return result

    def _image(self, number: int, images: dict[int, Poly], parts: bool) -> Poly:
        atom = self.atoms[number]
        itself: Poly = (((number,), 1),)
        if atom.kind == "symbol":
            alias = self.aliases.get(number)
            if alias is not None:
                return self._rebuilt(alias, images, parts)
            here = self.ranges[number]
            if not parts:
                return itself
            if here.least == here.most:
                return constant(here.least)
            if here.step == 1:
                return itself
            part = self.part(number, here.step, here.offset)
            return plus(scale(part, here.step), here.offset)
        if atom.kind == "part":
            return itself
        over = tuple(self._rebuilt(q, images, parts) for q in atom.over)
        if atom.kind == "floor":
            return self.floor(*over)
        if atom.kind == "ceil":
            return self.ceil(*over)
        return self.extreme(atom.kind, over)

    # Exact decisions

    def profile(self, p: Poly, variable: int) -> Profile | None:
        """The degree and period in one variable, None where it has none.

        A quotient by n has n times its numerator's period: by induction a(x + j·P)
        is a(x) plus j times a whole number.
        """
        degree, period = 0, 1
        for monomial, _ in p:
            total = 0
            for number in monomial:
                found = self._atom_profile(number, variable)
                if found is None:
                    return None
                total += found.degree
                period = lcm(period, found.period)
            degree = max(degree, total)
        return Profile(degree, period)

    def _atom_profile(self, number: int, variable: int) -> Profile | None:
        key = (number, variable)
        if key not in self._profiles:
            atom = self.atoms[number]
            self._profiles[key] = self._profile_of(number, atom, variable)
        return self._profiles[key]

    def _profile_of(self, number: int, atom: Atom, variable: int) -> Profile | None:
        if variable not in atom.variables:
            return Profile(0, 1)
        if number == variable:
            return Profile(1, 1)
        by = known(atom.over[1]) if atom.kind in ("floor", "ceil") else None
        if by is None:
            return None
        inner = self.profile(atom.over[0], variable)
        if inner is None:
            return None
        return Profile(inner.degree, inner.period * by)

    def exact_most(self, p: Poly) -> int | None:
        """Like `exact_least`, from above."""
        low = self.exact_least(scale(p, -1))
        return None if low is None else -low

    def exact_least(self, p: Poly) -> int | None:
        """A lower bound of a normal form.

        The best one where all terms are of degree 1 and have one variable each.
        """
        groups: dict[int, Poly] = {}
        rest, total = ZERO, 0
        for monomial, c in p:
            found = self.variables(((monomial, 1),))
            if not found:
                total += c
            elif len(found) == 1:
                (variable,) = found
                groups[variable] = add(groups.get(variable, ZERO), ((monomial, c),))
            else:
                rest = add(rest, ((monomial, c),))
        for part in (rest, *groups.values()):
            if part is rest:
                low = self.least(part)
            else:
                (variable,) = self.variables(part)
                low = self._least_of_one(part, variable)
            if low is None:
                return None
            total += low
        return total

    def _least_of_one(self, p: Poly, variable: int) -> int | None:
        profile = self.profile(p, variable)
        if profile is None or profile.degree > 1 or profile.period > _MOST_PERIOD:
            return self.least(p)
        first, last = self.interval(variable)
        assert first is not None

        def at(value: int) -> int:
            return self.evaluate(p, {variable: value})

        period = profile.period
        end = first + period - 1
        if at(first + period) < at(first):
            # It falls from period to period.
            if last is None:
                return None
            first = max(first, last - period + 1)
            end = last
        elif last is not None:
            end = min(end, last)
        return min(map(at, range(first, end + 1)))

    def direction(self, p: Poly, variable: int) -> int:
        """1 if it never falls as its variable grows, -1 if it never rises, else 0."""
        for sign in (1, -1):
            if all(self._rises(m, c * sign) for m, c in parted(p)[0]):
                return sign
        profile = self.profile(p, variable)
        if profile is None or profile.degree > 1 or profile.period > _MOST_PERIOD:
            return 0
        first = self.interval(variable)[0] or 0
        values = [
            self.evaluate(p, {variable: first + k}) for k in range(profile.period + 1)
        ]
        steps = [b - a for a, b in pairwise(values)]
        if min(steps) >= 0:
            return 1
        return -1 if max(steps) <= 0 else 0

    def _rises(self, monomial: tuple[int, ...], c: int) -> bool:
        """Whether a term never falls as any of its variables grows."""
        if len(monomial) == 1:
            return self._atom_rises(monomial[0], c)
        if c < 0:
            return False
        return all(
            low is not None and low >= 0 and self._atom_rises(number, 1)
            for number in monomial
            for low in self.interval(number)[:1]
        )

    def _atom_rises(self, number: int, c: int) -> bool:
        atom = self.atoms[number]
        if atom.kind in ("symbol", "part"):
            return c > 0
        if atom.kind in ("floor", "ceil") and known(atom.over[1]) is None:
            return False
        inner = atom.over[:1] if atom.kind in ("floor", "ceil") else atom.over
        sign = 1 if c > 0 else -1
        return all(self._rises(m, k * sign) for p in inner for m, k in parted(p)[0])
