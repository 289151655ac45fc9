"""Numbers for the sizes that are not known: which fulfil the constraints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from archdsl.shapes.atoms import Values
from archdsl.shapes.decisions import Condition, Decisions
from archdsl.shapes.polynomial import Poly, constant, minus

if TYPE_CHECKING:
    import random

    from archdsl.shapes.size import Size

# How many sizes are looked at in search of some that fulfil everything.
MOST_TRIALS = 20_000


class Places(Decisions):
    """The places at which a net's sizes can be evaluated."""

    def value(self, p: Poly, assignment: Mapping[str, int]) -> int:
        """The polynomial where the symbols have these values."""
        symbols = self.algebra.symbols
        values = {symbols[n]: v for n, v in assignment.items() if n in symbols}
        return self.algebra.evaluate(p, values)

    def _poly(self, a: Size) -> Poly:
        if isinstance(a, int):
            return constant(a)
        if a.facts is not self:
            raise ValueError(f"`{a}` is a size of another net")
        return a.poly

    def accepts(self, assignment: Mapping[str, int]) -> bool:
        """Whether these sizes fulfil all constraints. Raises KeyError if one lacks."""
        algebra = self.algebra
        values = {number: assignment[name] for name, number in algebra.symbols.items()}
        for number, here in algebra.ranges.items():
            value = values[number]
            if value < here.lower or (here.upper is not None and value > here.upper):
                return False
            if value % here.step != here.offset % here.step:
                return False
        try:
            if any(
                values[n] != algebra.evaluate(p, dict(values))
                for n, p in algebra.aliases.items()
            ):
                return False
            return all(self._fulfilled(c, values) for c in self.conditions)
        except ZeroDivisionError:
            return False

    def _fulfilled(self, condition: Condition, values: Values) -> bool:
        evaluate = self.algebra.evaluate
        value = evaluate(condition.p, dict(values))
        if condition.kind == "least":
            return value >= 0
        if condition.kind == "multiple":
            return not value % evaluate(condition.divisor, dict(values))
        return (value == 0) is (condition.kind == "zero")

    def _free(self) -> list[int]:
        """The symbols and parts that the normal forms of all symbols are made of."""
        found: frozenset[int] = frozenset()
        for number in self.algebra.ranges:
            p = self.algebra.normal((((number,), 1),))
            found |= self.algebra.variables(p)
        return sorted(found)

    def _places(self, variables: list[int]) -> Iterator[Values]:
        """Values of variables, those with the smallest sum of symbols first."""
        algebra = self.algebra
        lows, ends, steps = [], [], []
        for variable in variables:
            first, last = algebra.interval(variable)
            assert first is not None
            lows.append(first)
            ends.append(last)
            steps.append(algebra.atoms[variable].step)
        queue: list[tuple[int, tuple[int, ...]]] = [(0, tuple(lows))]
        while queue:
            total, place = heappop(queue)
            yield dict(zip(variables, place, strict=True))
            # One way only to each place: only axes from the last that moved on move.
            moved = [k for k in range(len(place)) if place[k] > lows[k]]
            for k in range(moved[-1] if moved else 0, len(place)):
                end = ends[k]
                if end is None or place[k] < end:
                    onward = (*place[:k], place[k] + 1, *place[k + 1 :])
                    heappush(queue, (total + steps[k], onward))

    def _assigned(self, values: Values) -> dict[str, int]:
        algebra = self.algebra
        return {
            name: algebra.evaluate(algebra.normal((((number,), 1),)), dict(values))
            for name, number in algebra.symbols.items()
        }

    def smallest(self) -> dict[str, int]:
        """The sizes of the smallest sum that fulfil the constraints.

        Raises ValueError when none are found.
        """
        for trial, values in enumerate(self._places(self._free())):
            if self._hold(self.conditions, values):
                return self._assigned(values)
            if trial > MOST_TRIALS:
                break
        raise ValueError("no sizes were found that fulfil all constraints")

    def sample(self, choose: random.Random, most: int = 512) -> dict[str, int]:
        """Sizes that fulfil the constraints, up to `most` where they allow it.

        Raises ValueError when none are found.
        """
        algebra = self.algebra
        spans: dict[int, tuple[int, int]] = {}
        for variable in self._free():
            first, last = algebra.interval(variable)
            assert first is not None
            atom = algebra.atoms[variable]
            end = max(first + 2, (most - atom.offset) // atom.step)
            spans[variable] = (first, end if last is None else min(end, last))
        for _ in range(MOST_TRIALS // 10):
            values = {v: choose.randint(*span) for v, span in spans.items()}
            if self._hold(self.conditions, values):
                return self._assigned(values)
        return self.smallest()

    def difference(self, a: Size, b: Size) -> dict[str, int] | None:
        """The smallest sizes of the symbols in a and b at which they differ.

        None if they are equal, or if no difference was found.
        """
        algebra = self.algebra
        if not isinstance(b, int) and b.facts is not self:
            return {}
        left, right = self._poly(a), self._poly(b)
        if self.vanishes(minus(left, right)):
            return None
        p = minus(algebra.normal(left), algebra.normal(right))
        sources = {*algebra.sources(left), *algebra.sources(right)}
        normals = [algebra.normal((((number,), 1),)) for number in sorted(sources)]
        variables = frozenset[int]().union(*map(algebra.variables, normals))
        conditions = [c for c in self.conditions if self._variables(c) <= variables]
        for trial, values in enumerate(self._places(sorted(variables))):
            if self._hold(conditions, values) and self._at(p, dict(values)) != 0:
                return {
                    algebra.atoms[number].name: algebra.evaluate(normal, dict(values))
                    for number, normal in zip(sorted(sources), normals, strict=True)
                }
            if trial > MOST_TRIALS:
                break
        return None
