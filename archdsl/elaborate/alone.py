"""Expressions that stand alone in a text: values from outside, parts of labels."""

from __future__ import annotations

from archdsl.syntax import nodes as n


def only_argument(tree: n.File | None) -> n.Argument | None:
    """The argument of `id ARGUMENT`, or None if the text says anything else."""
    if tree is None or len(tree.items) != 1:
        return None
    item = tree.items[0]
    if not isinstance(item, n.Net) or len(item.body.lines) != 1:
        return None
    line = item.body.lines[0]
    if not isinstance(line, n.Line) or line.condition or len(line.chain.stages) != 1:
        return None
    stage = line.chain.stages[0]
    atom = stage.atom
    if stage.asserted or not isinstance(atom, n.Call) or len(atom.args) != 1:
        return None
    return atom.args[0]
