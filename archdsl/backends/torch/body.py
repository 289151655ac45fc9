"""The statements of a function as they are written, and which variable holds what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from archdsl.backends.torch import code as c
from archdsl.backends.torch.reserved import is_attribute, safe_name

# Variables for values that the spec gives no name.
OWN_NAMES = ("out", "branch", "y")

# Stands for a value that is read to the end.
_KEPT = -1


class Held(NamedTuple):
    """A value: in a variable, or as an expression not yet assigned.

    `reads` are the variables that the expression reads: they must not change before.
    """

    code: c.Code
    variable: str | None
    flow: str
    label: str | None = None
    reads: frozenset[str] = frozenset()


class _State(NamedTuple):
    """What is known between two statements."""

    uses: Counter[int]
    values: dict[int, Held]
    variables: dict[str, int]
    waiting: set[int]

    def copy(self) -> _State:
        return _State(
            Counter(self.uses),
            dict(self.values),
            dict(self.variables),
            set(self.waiting),
        )


class Body:
    """Statements one after the other.

    `uses` says how often a value will still be read. Those of `inline` wait for who
    reads them, whatever is put into a variable meanwhile.
    """

    def __init__(self, uses: Counter[int], inline: frozenset[int]) -> None:
        self.lines: list[str] = []
        self.indent = 2 * c.INDENT
        self.inline = inline
        self._state = _State(uses, {}, {}, set())

    @property
    def uses(self) -> Counter[int]:
        """How often each value will still be read."""
        return self._state.uses

    @property
    def values(self) -> dict[int, Held]:
        """What is computed by now."""
        return self._state.values

    @property
    def variables(self) -> dict[str, int]:
        """The value that each variable holds, or held last."""
        return self._state.variables

    @property
    def waiting(self) -> set[int]:
        """The values that are expressions not yet assigned."""
        return self._state.waiting

    def state(self) -> _State:
        """What is known now, to come back to."""
        return self._state.copy()

    def restore(self, state: _State) -> None:
        """Forget what was learnt since `state`; the lines stay."""
        self._state = state.copy()

    def __getitem__(self, value: int) -> Held:
        return self.values[value]

    def keep(self, variable: str) -> None:
        """Never give a variable another value."""
        self.variables[variable] = _KEPT
        self.uses[_KEPT] = 1

    def take(self, value: int) -> c.Code:
        """The expression for a value that is read here."""
        self.uses[value] -= 1
        self.waiting.discard(value)
        return self[value].code

    def free(self, names: Iterable[str], assigned: int) -> str:
        """The first of some variables that may get a new value, which `assigned` is."""
        for name in (*names, *OWN_NAMES):
            if self._is_free(name, assigned):
                return name
        number = 2
        while not self._is_free(f"branch{number}", assigned):
            number += 1
        return f"branch{number}"

    def _is_free(self, name: str, assigned: int) -> bool:
        if name in self.variables and self.uses[self.variables[name]] > 0:
            return False
        return not any(
            name in self[value].reads
            for value in self.waiting
            if value != assigned and self.uses[value] > 0
        )

    def _variable(self, held: Held, assigned: int) -> str:
        names = [held.flow]
        if held.label is not None:
            label = held.label.rpartition(".")[2]
            if is_attribute(label):
                names.insert(0, safe_name(label))
        return self.free(names, assigned)

    def store(self, value: int) -> None:
        """Put a value into a variable, and those that wait before it as well."""
        for waiting in sorted(self.waiting):
            if waiting == value or (
                waiting < value
                and self.uses[waiting] > 0
                and waiting not in self.inline
            ):
                self.assign(waiting)

    def settle(self, value: int) -> None:
        """Put a value into a variable, if it is in none."""
        if self[value].variable is None:
            self.store(value)

    def assign(self, value: int) -> None:
        """Put one value into a variable."""
        held = self[value]
        name = self._variable(held, value)
        self.lines += c.assign(name, held.code, self.indent)
        self.set(value, name, held.flow if name == held.label else name)

    def set(self, value: int, name: str, flow: str) -> None:
        """From here on a variable holds the value; what follows goes on in `flow`."""
        self.waiting.discard(value)
        held = Held(c.Text(name), name, flow, None, frozenset((name,)))
        self.values[value] = held
        self.variables[name] = value

    def reads(self, values: Iterable[int]) -> frozenset[str]:
        """The variables that the expressions of some values read."""
        return frozenset().union(*(self[value].reads for value in values))

    def hold(
        self,
        value: int,
        code: c.Code,
        flow: str,
        label: str | None = None,
        reads: frozenset[str] = frozenset(),
    ) -> None:
        """A value is computed: it waits for its one reader, or gets a variable."""
        self.values[value] = Held(code, None, flow, label, reads)
        self.waiting.add(value)
        if self.uses[value] != 1 or label is not None:
            if self.uses[value] == 0:
                # Nobody reads it: computed all the same, for its side effects.
                self.lines += c.expression(code, self.indent)
                self.waiting.discard(value)
                return
            self.store(value)
