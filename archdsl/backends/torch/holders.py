"""The empty modules that labels with dots lead through."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.backends.torch.planned import (
    Planned,
    PlannedChoice,
    PlannedRepeat,
    PlannedStage,
    PlannedTraining,
)
from archdsl.ir.names import outside


def holders(node: Planned) -> Iterator[str]:
    """What the labels of a node, or of those in its arms, lead through.

    The outer ones come first, and some perhaps more than once.
    """
    nodes = [node]
    while nodes:
        node = nodes.pop()
        if isinstance(node, PlannedChoice):
            nodes += reversed((*node.then, *node.otherwise))
        elif isinstance(node, PlannedTraining):
            nodes += reversed(node.nodes)
        elif _is_held(node):
            yield from outside(node.name)


def _is_held(node: PlannedStage | PlannedRepeat) -> bool:
    """Whether a submodule or tensor stands for the node."""
    if node.shared or isinstance(node, PlannedRepeat):
        return not node.shared
    return node.makes_module or node.attribute is not None
