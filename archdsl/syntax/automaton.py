"""The pushdown automaton of the grammar: tokens to a tree, or to where they stop."""

from __future__ import annotations

from functools import cache
from typing import Any

from archdsl.syntax import tables as made
from archdsl.syntax.build import Action, Tokens, action
from archdsl.syntax.lexer import Lexer
from archdsl.syntax.nodes import File
from archdsl.tuples import NamedTuple


class Rule(NamedTuple):
    """A reduction: what it makes, of how many parts, and what is done then.

    Without an `act` its one part is passed on, or, if `starred`, items are gathered.
    """

    name: str
    length: int
    act: Action | None
    starred: bool

    @property
    def passes(self) -> bool:
        """Whether it makes nothing new."""
        return self.act is None and not self.starred


class Automaton(NamedTuple):
    """Its moves by state and token, and what a reduction makes."""

    lexer: Lexer
    actions: tuple[dict[str, int], ...]
    gotos: tuple[dict[str, int], ...]
    rules: tuple[Rule, ...]
    start: int
    # By state and name of what was made, where the next token is taken.
    landings: tuple[_Landings, ...]
    # The rule of a token alone that is all there is to do in a state.
    single: tuple[Rule | None, ...]


class _Landings(dict[str, "_Landing"]):
    """The landings from one state, each made when it is first asked for."""

    def __init__(self, machine: Automaton, state: int) -> None:
        self._machine = machine
        self._state = state

    def __missing__(self, name: str) -> _Landing:
        landing = self[name] = _Landing(self._machine, self._state, name)
        return landing


class _Landing(dict[str, int]):
    """By the next token, the state behind what was made, with what only passes it on.

    `expr`, `conjunction`, `negation` and so on are a dozen names for a number, which
    need not be gone through one by one each time.
    """

    def __init__(self, machine: Automaton, state: int, name: str) -> None:
        self._machine = machine
        self._state = state
        self._name = name

    def __missing__(self, kind: str) -> int:
        machine, gotos = self._machine, self._machine.gotos[self._state]
        state = gotos[self._name]
        move = machine.actions[state].get(kind, 0)
        while move < 0 and machine.rules[~move].passes:
            state = gotos[machine.rules[~move].name]
            move = machine.actions[state].get(kind, 0)
        self[kind] = state
        return state


@cache
def automaton() -> Automaton:
    """The one of the grammar. Raises LookupError for a rule without an action."""
    tables = made.load()
    rules = []
    for rule in tables.rules:
        starred = rule.name.startswith("__")
        act = None if starred else action(rule.action)
        if act is None and not starred and rule.length != 1:
            raise LookupError(f"no action for rule {rule}")
        rules.append(Rule(rule.name, rule.length, act, starred))
    single = tuple(_single(moves, rules) for moves in tables.actions)
    machine = Automaton(
        Lexer(tables),
        tables.actions,
        tables.gotos,
        tuple(rules),
        tables.start,
        (),
        single,
    )
    states = range(len(tables.actions))
    return machine._replace(landings=tuple(_Landings(machine, at) for at in states))


def _single(moves: dict[str, int], rules: list[Rule]) -> Rule | None:
    """The rule of one part that follows in a state, whatever comes next."""
    found = set(moves.values())
    move = found.pop() if len(found) == 1 else 0
    rule = rules[~move] if move < 0 else None
    return rule if rule is not None and rule.act and rule.length == 1 else None


def run(machine: Automaton, tokens: Tokens, begin: int) -> File | int:
    """The tree, or the token at which there was no way on."""
    actions, landings = machine.actions, machine.landings
    rules, single = machine.rules, machine.single
    kinds = tokens.kinds
    states = [machine.start]
    values: list[Any] = []
    at = begin
    kind = kinds[at]
    state = machine.start
    while True:
        move = actions[state].get(kind)
        if move is None:
            return at
        if move >= 0:
            rule = single[move]
            value: Any = at
            at += 1
            kind = kinds[at]
            if rule is None:
                state = move
            else:
                name, _, act, _ = rule
                value = act(tokens, [value])  # type: ignore[misc]
                state = landings[state][name][kind]
            states.append(state)
            values.append(value)
            continue
        name, length, act, starred = rules[~move]
        if length == 1:
            states.pop()
            children = [values.pop()]
        elif length:
            children = values[-length:]
            del values[-length:]
            del states[-length:]
        else:
            children = []
        if act is not None:
            value = act(tokens, children)
        elif starred:
            value = _gathered(children)
        else:
            value = children[0]
        if name == "file":
            tree: File = value
            return tree
        state = landings[states[-1]][name][kind]
        states.append(state)
        values.append(value)


def _gathered(children: list[Any]) -> list[Any]:
    """The items so far, with the last of the children, which is one more."""
    first, last = children[0], children[-1]
    if type(first) is not list:
        return [last]
    first.append(last)
    return first


def states_before(machine: Automaton, tokens: Tokens, begin: int, at: int) -> list[int]:
    """The parser's states when it has just taken the token before `at`."""
    states = [machine.start]
    for index in range(begin, at):
        step(machine, states, tokens.kinds[index])
    return states


def step(machine: Automaton, states: list[int], kind: str) -> bool:
    """Take one token; False if it cannot stand here."""
    while True:
        move = machine.actions[states[-1]].get(kind)
        if move is None:
            return False
        if move >= 0:
            states.append(move)
            return True
        name, length = machine.rules[~move][:2]
        if name == "file":
            return True
        if length:
            del states[-length:]
        states.append(machine.gotos[states[-1]][name])
