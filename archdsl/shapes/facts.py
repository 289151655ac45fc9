"""What a net's layers ask of the sizes that are not known: the constraints."""

from __future__ import annotations

from collections.abc import Callable
from math import gcd, lcm
from typing import TYPE_CHECKING

from archdsl.shapes.atoms import Range
from archdsl.shapes.decisions import Condition
from archdsl.shapes.places import MOST_TRIALS, Places
from archdsl.shapes.polynomial import (
    ZERO,
    Poly,
    constant,
    known,
    minus,
    multiply,
    parted,
    plus,
    quotient,
    scale,
)
from archdsl.shapes.symbol_text import Writer, atomic

if TYPE_CHECKING:
    from archdsl.shapes.expr import Expr
    from archdsl.shapes.size import Relation, Size
    from archdsl.shapes.symbols import Symbolic

# The longest period that is searched for the classes where a condition holds.
_MOST_CLASSES = 20_000
# A bound beyond this is none that a size could reach.
_FAR = 1 << 48


class Facts(Places):
    """The symbols of one net and what is known about them.

    Each symbol is a whole number of 1 or more, within bounds and in a congruence
    class; an equation may give one in terms of others; and there may be conditions
    that are neither. A net's sizes belong to its facts: sizes of others never equal
    them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._texts: dict[Poly, str] = {}

    def symbol(self, name: str, expr: Expr) -> Symbolic:
        """The size of that name, 1 or more; `expr` is its formula."""
        from archdsl.shapes.symbols import Symbolic

        return Symbolic(self, self.algebra.symbol(name), expr)

    def changed(self) -> None:
        super().changed()
        self._texts.clear()
        algebra = self.algebra
        self.narrowed = bool(algebra.aliases) or any(
            here.step > 1 or here.least == here.most for here in algebra.ranges.values()
        )

    def text(self, p: Poly) -> str:
        """A polynomial as people read it, under what is known."""
        found = self._texts.get(p)
        if found is None:
            found = Writer(self.algebra).text(self.algebra.normal(p))
            self._texts[p] = found
        return found

    # Requirements

    def require(self, a: Size, operator: Relation, b: Size) -> bool:
        """Whether `a operator b` can hold; recorded where it does not always."""
        left, right = self._poly(a), self._poly(b)
        condition = Condition("least", ZERO, ZERO, left, operator, right)
        ahead = minus(left, right)
        if operator in (">=", ">"):
            off = 0 if operator == ">=" else -1
            return self._never_below(condition._replace(p=plus(ahead, off)))
        if operator in ("<=", "<"):
            off = 0 if operator == "<=" else -1
            return self._never_below(condition._replace(p=plus(scale(ahead, -1), off)))
        if operator == "==":
            return self._zero(condition._replace(kind="zero", p=ahead))
        return self._nonzero(condition._replace(kind="nonzero", p=ahead))

    def divides(self, d: Size, a: Size) -> bool:
        """Whether `a` can be a multiple of `d`; recorded where it is not always."""
        divisor, p = self._poly(d), self._poly(a)
        if not divisor:
            return self.require(a, "==", 0)
        return self._multiple(Condition("multiple", p, divisor, p, "%", divisor))

    def _multiple(self, condition: Condition) -> bool:
        """Records that the divisor divides p."""
        p, divisor = condition.p, condition.divisor
        normal, by = self.algebra.normal(p), known(self.algebra.normal(divisor))
        if quotient(normal, self.algebra.normal(divisor)) is not None:
            return True
        rest = minus(p, multiply(divisor, self.algebra.floor(p, divisor)))
        if self.vanishes(rest):
            return True
        if by is None:
            return self._keep(condition)
        if self._excluded(rest):
            return False
        line = self._line(normal)
        if line is not None:
            variable, slope, c = line
            shared = gcd(slope, by)
            # Otherwise the rest is at least 1, and was excluded.
            assert not c % shared
            step = abs(by) // shared
            return self._narrow(
                variable,
                step=step,
                offset=-c // shared * pow(slope // shared, -1, step),
            )
        return self._classes(condition, lambda value: not value % by, abs(by))

    def _line(self, p: Poly) -> tuple[int, int, int] | None:
        """Of slope · variable + c: these three."""
        terms, c = parted(p)
        if len(terms) != 1 or len(terms[0][0]) != 1:
            return None
        (((variable,), slope),) = terms
        if self.algebra.atoms[variable].kind not in ("symbol", "part"):
            return None
        return variable, slope, c

    def _never_below(self, condition: Condition) -> bool:
        """Records p ≥ 0."""
        answer = self.decided(condition.p)
        if answer is not None:
            return answer
        p = self.algebra.normal(condition.p)
        variables = self.algebra.variables(p)
        if len(variables) == 1:
            (variable,) = variables
            direction = self.algebra.direction(p, variable)
            if direction > 0:
                first = self._first(p, variable)
                return first is not None and self._narrow(variable, lower=first)
            if direction < 0:
                after = self._first(plus(scale(p, -1), -1), variable)
                least = self.algebra.interval(variable)[0]
                return after != least and self._narrow(
                    variable, upper=None if after is None else after - 1
                )
        return self._keep(condition)

    def _first(self, p: Poly, variable: int) -> int | None:
        """The least value where p, which rises, is 0 or more."""
        low, last = self.algebra.interval(variable)
        assert low is not None

        def reached(value: int) -> bool:
            return self.algebra.evaluate(p, {variable: value}) >= 0

        if reached(low):
            return low
        high = low + 1
        while not reached(high):
            if high > _FAR or (last is not None and high > last):
                return None
            low, high = high, high + 2 * (high - low)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if reached(middle) else (middle, high)
        return high

    def _excluded(self, p: Poly) -> bool:
        """Whether p is never 0."""
        below = plus(scale(p, -1), -1)
        return self.decided(plus(p, -1)) is True or self.decided(below) is True

    def _zero(self, condition: Condition) -> bool:
        """Records p = 0."""
        if self.vanishes(condition.p):
            return True
        if self._excluded(condition.p):
            return False
        p = self.algebra.normal(condition.p)
        variables = self.algebra.variables(p)
        if len(variables) != 1:
            alias = self._alias(condition.p)
            return self._keep(condition) if alias is None else self._equate(*alias)
        (variable,) = variables
        if self._slope(p, variable) == 0:
            return self._classes(condition, lambda value: not value, 1)
        direction = self.algebra.direction(p, variable)
        if not direction:
            return self._keep(condition)
        p = scale(p, direction)
        first = self._first(p, variable)
        if first is None or self.algebra.evaluate(p, {variable: first}):
            return False
        after = self._first(plus(p, -1), variable)
        upper = None if after is None else after - 1
        return self._narrow(variable, lower=first, upper=upper)

    def _nonzero(self, condition: Condition) -> bool:
        """Records p ≠ 0."""
        if self._excluded(condition.p):
            return True
        if self.vanishes(condition.p):
            return False
        p = self.algebra.normal(condition.p)
        variables = self.algebra.variables(p)
        if len(variables) == 1 and self._slope(p, *variables) == 0:
            return self._classes(condition, bool, 1)
        return self._keep(condition)

    def _classes(
        self, condition: Condition, fits: Callable[[int], bool], times: int
    ) -> bool:
        """Records a condition on p that comes and goes with p's period, `times` over.

        As a congruence, if it holds for one class of sizes.
        """
        algebra = self.algebra
        p = algebra.normal(condition.p)
        variables = algebra.variables(p)
        if len(variables) != 1:
            return self._keep(condition)
        (variable,) = variables
        profile = algebra.profile(p, variable)
        if profile is None or profile.period * times > _MOST_CLASSES:
            return self._keep(condition)
        period = profile.period * times
        fitting = [k for k in range(period) if fits(algebra.evaluate(p, {variable: k}))]
        if not fitting:
            return False
        step = period // len(fitting)
        if fitting == list(range(fitting[0], period, step)):
            return step == 1 or self._narrow(variable, step=step, offset=fitting[0])
        return self._keep(condition)

    # Recording

    def _narrow(
        self,
        variable: int,
        lower: int | None = None,
        upper: int | None = None,
        step: int = 1,
        offset: int = 0,
    ) -> bool:
        """Restricts a symbol or part; False, and nothing done, if none is left."""
        atom = self.algebra.atoms[variable]
        here = self.algebra.ranges[atom.source]
        if lower is not None:
            here = here._replace(lower=max(here.lower, atom.step * lower + atom.offset))
        if upper is not None:
            most = atom.step * upper + atom.offset
            here = here._replace(
                upper=most if here.upper is None else min(here.upper, most)
            )
        if step > 1:
            modulus = step * atom.step
            rest = (atom.step * offset + atom.offset) % modulus
            # A part's class lies within its symbol's; a symbol has none yet.
            here = here._replace(step=modulus, offset=rest)
        if here.empty:
            return False
        state = self._state()
        self.algebra.ranges[atom.source] = here
        self.changed()
        if self._possible() and self._absorbed():
            return True
        self._restore(state)
        return False

    def _state(self) -> tuple[dict[int, Range], dict[int, Poly], list[Condition]]:
        algebra = self.algebra
        return dict(algebra.ranges), dict(algebra.aliases), list(self.conditions)

    def _restore(
        self, state: tuple[dict[int, Range], dict[int, Poly], list[Condition]]
    ) -> None:
        self.algebra.ranges, self.algebra.aliases, self.conditions = state
        self.changed()

    def _absorbed(self) -> bool:
        """Makes bounds and congruences of the conditions that have become such."""
        record = {
            "least": self._never_below,
            "zero": self._zero,
            "nonzero": self._nonzero,
            "multiple": self._multiple,
        }
        for condition in tuple(self.conditions):
            if condition in self.conditions and len(self._variables(condition)) < 2:
                self.conditions.remove(condition)
                self.changed()
                if not record[condition.kind](condition):
                    return False
        return True

    def _keep(self, condition: Condition) -> bool:
        """Records a condition as it is."""
        if condition not in self.conditions:
            self.conditions.append(condition)
            self.changed()
            if not self._possible():
                self.conditions.pop()
                self.changed()
                return False
        return True

    def _alias(self, p: Poly) -> tuple[int, Poly] | None:
        """A symbol that p = 0 gives in terms of others, the one declared last."""
        p = self.algebra.resolved(p)
        for number in sorted(self.algebra.sources(p), reverse=True):
            c = dict(p).get((number,))
            if c in (1, -1):
                rest = minus(p, (((number,), c),))
                if number not in self.algebra.variables(rest):
                    return number, scale(rest, -c)
        return None

    def _equate(self, number: int, p: Poly) -> bool:
        """Records that a symbol is p; what is known about it goes over to p."""
        state = self._state()
        here = self.algebra.ranges[number]
        self.algebra.aliases[number] = p
        self.changed()
        least = Condition("least", ZERO, ZERO, p, ">=", constant(here.least))
        fits = self._never_below(least._replace(p=plus(p, -here.least)))
        if fits and here.most is not None:
            most = least._replace(
                p=plus(scale(p, -1), here.most),
                operator="<=",
                right=constant(here.most),
            )
            fits = self._never_below(most)
        if fits and here.step > 1:
            rest, step = plus(p, -here.offset), constant(here.step)
            fits = self._multiple(Condition("multiple", rest, step, rest, "%", step))
        if fits and self._possible() and self._absorbed():
            return True
        self._restore(state)
        return False

    def _possible(self) -> bool:
        """Whether the conditions on one symbol alone can all hold."""
        groups: dict[int, list[Condition]] = {}
        for condition in self.conditions:
            variables = self._variables(condition)
            if not variables and not self._hold([condition], {}):
                return False
            if len(variables) == 1:
                (variable,) = variables
                groups.setdefault(variable, []).append(condition)
        for variable, conditions in groups.items():
            first, last = self.algebra.interval(variable)
            assert first is not None
            end = first + MOST_TRIALS
            periods = [self._period(c, [variable]) for c in conditions]
            whole = last is not None and last < end
            if None not in periods:
                total = lcm(*(period or 1 for period in periods))
                if total <= MOST_TRIALS:
                    whole, end = True, first + total
            if last is not None:
                end = min(end, last + 1)
            found = any(
                self._hold(conditions, {variable: k}) for k in range(first, end)
            )
            if whole and not found:
                return False
        return True

    # Text

    def constraints(self) -> tuple[str, ...]:
        """What the sizes must fulfil, as people write it; nothing twice."""
        found: list[str] = []
        algebra = self.algebra
        for name, number in algebra.symbols.items():
            alias = algebra.aliases.get(number)
            here = algebra.ranges[number]
            if alias is not None:
                other = self._plain(alias)
                lone = other in algebra.symbols
                found.append(f"{other} == {name}" if lone else f"{name} == {other}")
                continue
            if here.least == here.most:
                found.append(f"{name} == {here.least}")
                continue
            if here.step > 1:
                found.append(f"{name} % {here.step} == {here.offset % here.step}")
            if here.least > here._replace(lower=1).least:
                found.append(f"{name} >= {here.least}")
            if here.most is not None:
                found.append(f"{name} <= {here.most}")
        found += (self._written(c) for c in self.conditions if not self._implied(c))
        return tuple(dict.fromkeys(found))

    def _implied(self, condition: Condition) -> bool:
        """Whether the bounds and congruences alone say as much."""
        others = self.conditions
        self.conditions = []
        self.changed()
        p = condition.p
        if condition.kind == "multiple":
            p = minus(
                p,
                multiply(condition.divisor, self.algebra.floor(p, condition.divisor)),
            )
        if condition.kind == "least":
            answer = self.decided(p) is True
        elif condition.kind == "nonzero":
            answer = self._excluded(p)
        else:
            answer = self.vanishes(p)
        self.conditions = others
        self.changed()
        return answer

    def _plain(self, p: Poly) -> str:
        return Writer(self.algebra).text(p)

    def _written(self, condition: Condition) -> str:
        left, right = self._plain(condition.left), self._plain(condition.right)
        if condition.kind != "multiple":
            return f"{left} {condition.operator} {right}"
        left = left if atomic(left) else f"({left})"
        right = right if atomic(right) else f"({right})"
        return f"{left} % {right} == 0"
