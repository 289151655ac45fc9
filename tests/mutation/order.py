"""Which tests go first, so that those that tell are among the first that run."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence

from changes import Mutant
from record import Case

from archdsl.ops import _HOME, LAYERS

# Tests tried for a word, which may stand in thousands.
MOST = 12
MOST_OF_MODULE = 100


def named_after(mutant: Mutant, cases: Sequence[Case], taking: set[int]) -> list[int]:
    """The tests named after a word of the changed line or a layer, rare words first.

    Tests of specs have the spec in their names.
    """
    fast = sorted(taking)
    words = _words(mutant) | _layers(mutant)
    found = [[at for at in fast if word in cases[at].name] for word in sorted(words)]
    return [at for some in sorted(found, key=len) for at in some[:MOST]]


def of_module(mutant: Mutant, cases: Sequence[Case], taking: set[int]) -> list[int]:
    """The tests named after the module, and those of its file in tests/outcomes."""
    stem = mutant.path.stem
    first: list[int] = []
    for start in (f"::test_{stem}_", f"::test_outcome[{stem}-"):
        found = [at for at in sorted(taking) if start in cases[at].name]
        first += unlike_first(mutant, cases, found)[:MOST_OF_MODULE]
    return first


def _words(mutant: Mutant) -> set[str]:
    texts = [
        node.value
        for node in ast.walk(mutant.tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.lineno <= mutant.line <= (node.end_lineno or node.lineno)
    ]
    texts.append(mutant.was if mutant.was[:1] in "'\"" else "")
    return {word for text in texts for word in re.findall(r"[A-Za-z_]\w+", text)}


def naming_layers(mutant: Mutant, cases: Sequence[Case]) -> set[int]:
    """The tests of specs that name a layer that the changed statement may be of.

    A layer's record is read without a line of its module being run.
    """
    own = {name for name, module in _HOME.items() if module == mutant.path.stem}
    names = _layers(mutant) or own
    # In names of tests the end of a line is written `\n`.
    named = "|".join(sorted(names))
    sought = re.compile(rf"(?:\b|\\n)(?:{named})\b") if names else None
    return {
        at
        for at, case in enumerate(cases)
        if sought is not None and sought.search(case.name)
    }


def _layers(mutant: Mutant) -> set[str]:
    """The layers whose record is changed, or a function named after them."""
    first, last = mutant.lines
    texts = {
        node.value
        for node in ast.walk(mutant.tree)
        if isinstance(node, ast.Constant) and first <= node.lineno <= last
    }
    return {
        name
        for name in LAYERS
        if name in texts or name in mutant.scope.strip("_").split("_")
    }


def unlike_first(
    mutant: Mutant, cases: Sequence[Case], order: Iterable[int]
) -> list[int]:
    """First one test of each way through the function, then the second of each.

    Of those that take the same way, the ways through the rest of the file count.
    """
    path = str(mutant.path)
    first, last = _extent(mutant)

    def through_file(at: int) -> bytes:
        lines = cases[at].lines.get(path)
        return lines.tobytes() if lines else b""

    def through_function(at: int) -> tuple[int, ...]:
        lines = cases[at].lines.get(path, ())
        return tuple(line for line in lines if first <= line <= last)

    return _in_turn(_in_turn(order, through_file), through_function)


def _in_turn(order: Iterable[int], kind: Callable[[int], Hashable]) -> list[int]:
    seen: Counter[Hashable] = Counter()
    turns = []
    for at in order:
        its_kind = kind(at)
        turns.append((seen[its_kind], at))
        seen[its_kind] += 1
    return [at for _, at in sorted(turns, key=lambda turn: turn[0])]


def _extent(mutant: Mutant) -> tuple[int, int]:
    """The lines of the function that is changed, or of the statement."""
    *classes, name = mutant.scope.split(".")
    nodes: list[ast.stmt] = mutant.tree.body
    for part in classes:
        nodes = next(
            n.body for n in nodes if isinstance(n, ast.ClassDef) and n.name == part
        )
    for node in nodes:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node.lineno, node.end_lineno or node.lineno
    return mutant.lines
