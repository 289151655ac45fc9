"""Expressions that stand alone in a text: values from outside, parts of labels."""

from __future__ import annotations

from archdsl.syntax import nodes as n


def only_argument(tree: n.File | None) -> n.Argument | None:
    """The argument of `id ARGUMENT`, or None if the text says more or less.

    The text begins with `id` and a blank.
    """
    if tree is None or len(tree.items) != 1:
        return None
    net = tree.items[0]
    assert isinstance(net, n.Net)
    line, *others = net.body.lines
    assert isinstance(line, n.Line)
    stage, *further = line.chain.stages
    if others or further or line.condition or stage.asserted or stage.label:
        return None
    assert isinstance(stage.atom, n.Call)
    return stage.atom.args[0] if len(stage.atom.args) == 1 else None
