"""What a picture shows of a check that failed: the stage, and what it refuses."""

from __future__ import annotations

from archdsl.backends.diagram import words
from archdsl.backends.diagram.picture import Box, Edge
from archdsl.ir.network import Choice, Module, Repeat
from archdsl.ir.unchecked import Unchecked
from archdsl.ops.record import Site


def mark_unchecked(
    box: Box, site: Unchecked, edges: list[Edge], channels: list[int | None]
) -> None:
    """Tell of a box, whose edges are the last ones, that its stage was not checked.

    `channels` are the axes of its inputs that are told last.
    """
    fault = site.fault
    if fault is None:
        box.state = "unknown"
        return
    box.state = "wrong"
    box.fault = words.refused(fault, site.ins, channels)
    box.lines[0] = f"{words.SIGN} {box.lines[0]}"
    box.lines.append(words.short(f"{fault.code}: {fault.message}"))
    if fault.at is not None:
        edge = edges[len(edges) - len(site.ins) + fault.at]
        edge.wrong = True
        edge.label = f"{words.SIGN} {box.fault}"


def has_fault(target: Module | Site) -> bool:
    """Whether a stage is wrong, or one in a block or group is."""
    stack: list[object] = [target]
    seen: set[int] = set()
    while stack:
        part = stack.pop()
        if isinstance(part, Unchecked):
            if part.fault is not None:
                return True
        elif isinstance(part, Module):
            if id(part) not in seen:
                seen.add(id(part))
                stack += part.nodes
        elif isinstance(part, Choice):
            stack += part.nodes
        elif isinstance(part, Repeat):
            stack += (run.stage.target for run in part.runs)
        elif not isinstance(part, Site):
            stack.append(part.target)  # type: ignore[attr-defined]
    return False
