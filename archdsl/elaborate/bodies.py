"""What the lines of a body say before they are gone through."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.elaborate.words import INPUT_STAGE, is_symbol
from archdsl.syntax import nodes as n


def declared(body: n.Body) -> tuple[str, ...]:
    """The symbols in the `input` lines of a net, and perhaps some of its parameters."""
    found: dict[str, None] = {}
    for line in body.lines:
        for stage in line.chain.stages if type(line) is n.Line else ():
            atom = stage.atom
            if type(atom) is n.Call and atom.callee.name == INPUT_STAGE:
                for arg in atom.args:
                    found |= dict.fromkeys(symbols_in(arg.value))
    return tuple(found)


def symbols_in(node: n.Expression) -> Iterator[str]:
    """What is written as a symbol in one of the sizes of an input."""
    if isinstance(node, n.Size):
        yield from (
            part for part in node.parts if isinstance(part, str) and part != "_"
        )
    elif isinstance(node, n.Name) and is_symbol(node.name):
        yield node.name


def last_atom(body: n.Body) -> n.Call | n.Group | None:
    """What stands at the end of a body, unless a condition governs it."""
    lines = [line for line in body.lines if isinstance(line, n.Line)]
    if not lines or lines[-1].condition is not None:
        return None
    return lines[-1].chain.stages[-1].atom


def scope_labels(body: n.Body) -> Iterator[str]:
    """The labels of a block or net that `order` can name.

    Those in braces without a label are among them, unless the braces are repeated: the
    stages of their copies stand between each other.
    """
    for line in body.lines:
        if isinstance(line, n.Line):
            yield from _line_labels(line)


def _line_labels(line: n.Line) -> Iterator[str]:
    for chain in (line.chain, line.otherwise):
        for stage in chain.stages if chain else ():
            atom = stage.atom
            if stage.label is not None:
                yield stage.label.name
            if isinstance(atom, n.Call):
                for given in atom.inputs or ():
                    if isinstance(given, n.Line):
                        yield from _line_labels(given)
            elif stage.label is None and not atom.args:
                yield from scope_labels(atom.body)
