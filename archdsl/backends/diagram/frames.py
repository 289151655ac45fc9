"""The titles of frames, which hold the lines that go in."""

from __future__ import annotations

from archdsl.backends.diagram.picture import Box, Edge


def bypass(edges: list[Edge], head: Box, begun: int) -> None:
    """Take a title out again: what left it leaves what came before it.

    The edges from `begun` on are those of its frame.
    """
    at = next((n for n in range(begun, len(edges)) if edges[n].head is head), None)
    if at is None:
        return
    entry = edges.pop(at)
    label = entry.label
    for edge in edges[begun:]:
        if edge.tail is head:
            edge.tail = entry.tail
            if not edge.wrong:
                edge.label, label = label or edge.label, ""
    if label:
        entry.tail.shown = ""


def anchor(edges: list[Edge], head: Box, begun: int) -> None:
    """Hold a title that nothing leaves above the rest of its frame."""
    inside = edges[begun:]
    if any(edge.tail is head for edge in inside):
        return
    first = next((edge.head for edge in inside if edge.head is not head), None)
    if first is not None:
        edges.append(Edge(head, first, "", hidden=True))
