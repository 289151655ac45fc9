"""Whether sizes that are not known are equal, or in order."""

from __future__ import annotations

from itertools import product
from math import lcm
from typing import Literal

from archdsl.shapes.algebra import Algebra
from archdsl.shapes.atoms import Values
from archdsl.shapes.polynomial import Poly, add, known, minus, parted, plus, scale
from archdsl.tuples import NamedTuple

# How many places are looked at before two sizes count as unequal.
_MOST_PLACES = 200_000


class Condition(NamedTuple):
    """A constraint that is neither a bound of a symbol nor a congruence.

    The polynomial is 0 or more (`least`), 0, not 0, or a multiple of `divisor`. It is
    written `left operator right`.
    """

    kind: Literal["least", "zero", "nonzero", "multiple"]
    p: Poly
    divisor: Poly
    left: Poly
    operator: str
    right: Poly


class Decisions:
    """The algebra of one net, its conditions, and what follows from them."""

    def __init__(self) -> None:
        self.algebra = Algebra()
        self.conditions: list[Condition] = []
        # Whether a normal form may differ from the canonical one.
        self.narrowed = False
        self._decided: dict[Poly, bool | None] = {}
        self._vanishing: dict[Poly, bool] = {}

    def changed(self) -> None:
        """To be called when more is known: drops what relied on less."""
        self.algebra.changed()
        self._decided.clear()
        self._vanishing.clear()

    def decided(self, p: Poly) -> bool | None:
        """Whether p ≥ 0 for all sizes (True), for none (False), or neither (None)."""
        if p not in self._decided:
            self._decided[p] = self._decision(self.algebra.normal(p))
        return self._decided[p]

    def _decision(self, p: Poly) -> bool | None:
        algebra = self.algebra
        for low, high in (
            (algebra.least, algebra.most),
            (algebra.exact_least, algebra.exact_most),
        ):
            least = low(p)
            if least is not None and least >= 0:
                return True
            most = high(p)
            if most is not None and most < 0:
                return False
        below = plus(scale(p, -1), -1)
        for condition in self.conditions:
            if condition.kind == "least":
                held = algebra.normal(condition.p)
                if self._never_negative(minus(p, held)):
                    return True
                if self._never_negative(minus(below, held)):
                    return False
        return None

    def _never_negative(self, p: Poly) -> bool:
        least = self.algebra.least(p)
        return least is not None and least >= 0

    def vanishes(self, p: Poly) -> bool:
        """Whether a polynomial is 0 at all sizes that fulfil the constraints.

        Exact where it has a period: a polynomial of degree n on each class of sizes
        modulo L is 0 if it is so at n + 1 members of each class.
        """
        found = self._vanishing.get(p)
        if found is None:
            found = self._vanishing[p] = self._is_zero(self.algebra.normal(p))
        return found

    def _is_zero(self, p: Poly) -> bool:
        value = known(p)
        if value is not None:
            return not value
        algebra = self.algebra
        held = [algebra.normal(c.p) for c in self.conditions if c.kind == "zero"]
        if p in held or scale(p, -1) in held:
            return True
        least, most = algebra.least(p), algebra.most(p)
        if least is not None and least == most:
            return not least
        if (least or 0) > 0 or (most or 0) < 0:
            return False
        variables = algebra.variables(p)
        if any(self._variables(condition) & variables for condition in self.conditions):
            return self._is_zero_everywhere(p)
        # A sum of functions of different sizes is 0 only if each is constant.
        groups = self._groups(p)
        total = parted(p)[1]
        for group in groups if len(groups) > 1 else ():
            lowest = {v: algebra.interval(v)[0] or 0 for v in algebra.variables(group)}
            level = self._at(group, lowest)
            if level is None or not self.vanishes(plus(group, -level)):
                return False
            total += level
        return not total if len(groups) > 1 else self._is_zero_everywhere(p)

    def _groups(self, p: Poly) -> list[Poly]:
        """Parts of a sum that have no symbol in common, without the constant."""
        groups: list[tuple[frozenset[int], Poly]] = []
        for term in parted(p)[0]:
            found = self.algebra.variables((term,))
            joined: Poly = (term,)
            apart = []
            for variables, group in groups:
                if variables & found:
                    found, joined = found | variables, add(joined, group)
                else:
                    apart.append((variables, group))
            groups = [*apart, (found, joined)]
        return [group for _, group in groups]

    def _is_zero_everywhere(self, p: Poly) -> bool:
        """Looks at as many places as are needed to be sure."""
        algebra = self.algebra
        variables = sorted(algebra.variables(p))
        filters = [
            c for c in self.conditions if self._variables(c) <= frozenset(variables)
        ]
        filters = [c for c in filters if self._period(c, variables) is not None]
        ranges: list[range] = []
        places = 1
        for variable in variables:
            first, last = algebra.interval(variable)
            assert first is not None
            profile = algebra.profile(p, variable)
            if profile is not None:
                periods = [self._period(c, [variable]) or 1 for c in filters]
                period = lcm(profile.period, *periods)
                end = first + (profile.degree + 1) * period
                last = end - 1 if last is None else min(last, end - 1)
            if last is None:
                return False
            ranges.append(range(first, last + 1))
            places *= last - first + 1

        def differs(point: tuple[int, ...]) -> bool:
            values = dict(zip(variables, point, strict=True))
            return self._hold(filters, values) and self._at(p, values) != 0

        ends = (tuple(r[0] for r in ranges), tuple(r[-1] for r in ranges))
        if any(map(differs, ends)):
            return False
        return places <= _MOST_PLACES and not any(map(differs, product(*ranges)))

    def _at(self, p: Poly, values: Values) -> int | None:
        try:
            return self.algebra.evaluate(p, values)
        except ZeroDivisionError:
            return None

    def _variables(self, condition: Condition) -> frozenset[int]:
        algebra = self.algebra
        found = algebra.variables(algebra.normal(condition.p))
        return found | algebra.variables(algebra.normal(condition.divisor))

    def _period(self, condition: Condition, variables: list[int]) -> int | None:
        """With which period of these variables a condition comes and goes."""
        algebra = self.algebra
        p = algebra.normal(condition.p)
        period = 1
        for variable in variables:
            profile = algebra.profile(p, variable)
            if profile is None:
                return None
            period = lcm(period, profile.period)
        if condition.kind == "multiple":
            by = known(condition.divisor)
            return None if by is None else period * by
        if condition.kind == "least" or len(algebra.variables(p)) != 1:
            return None
        return period if self._slope(p, *algebra.variables(p)) == 0 else None

    def _slope(self, p: Poly, variable: int) -> int | None:
        """How much p grows over a period, None if that is not the same everywhere."""
        profile = self.algebra.profile(p, variable)
        if profile is None or profile.degree > 1:
            return None
        evaluate, period = self.algebra.evaluate, profile.period
        return evaluate(p, {variable: period}) - evaluate(p, {variable: 0})

    def _hold(self, conditions: list[Condition], values: Values) -> bool:
        """Whether conditions hold at values of variables."""
        algebra = self.algebra
        try:
            for c in conditions:
                value = algebra.evaluate(algebra.normal(c.p), values)
                if c.kind == "multiple":
                    by = algebra.evaluate(algebra.normal(c.divisor), values)
                    value = value % by
                fits = value >= 0 if c.kind == "least" else value == 0
                if fits is (c.kind == "nonzero"):
                    return False
        except ZeroDivisionError:
            return False
        return True
