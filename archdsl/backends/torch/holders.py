"""The empty modules that labels with dots lead through."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.backends.torch.planned import Planned, PlannedRepeat, PlannedStage, flat
from archdsl.ir.names import outside


def holders(node: Planned) -> Iterator[str]:
    """What the labels of a node, or of those in its arms, lead through.

    The outer ones come first, and some perhaps more than once.
    """
    for inner in flat([node]):
        if _is_held(inner):
            yield from outside(inner.name)


def _is_held(node: PlannedStage | PlannedRepeat) -> bool:
    """Whether a submodule or tensor stands for the node."""
    if node.shared:
        return False
    if isinstance(node, PlannedRepeat):
        return True
    return node.makes_module or node.attribute is not None
