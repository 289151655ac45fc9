"""What a picture shows of a comparison: boxes that are new, gone, or changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from archdsl.backends.diagram.picture import Box, Frame, Mark, Picture
from archdsl.ir.network import Choice, Module, Repeat, Stage

# Signs that the usual fonts have; colours alone would not tell everybody.
SIGNS: dict[Mark, str] = {"added": "+", "removed": "−", "changed": "~"}


def mark_changes(picture: Picture, marks: Mapping[int, Mark]) -> None:
    """Mark boxes and frames, before they are laid out.

    `marks` are those of stages, by identity. A box of several stages is changed if
    some of them are marked, and a closed one if something in it is.
    """
    inside = _Inside(marks)
    frames = [picture.root]
    for frame in frames:
        frame.mark = _mark(frame.stages, marks)
        if frame.mark:
            title = frame.items[0]
            assert isinstance(title, Box)
            title.lines[0] = f"{SIGNS[frame.mark]} {title.lines[0]}".rstrip()
        for item in frame.items:
            if isinstance(item, Frame):
                frames.append(item)
                continue
            item.mark = _mark(item.stages, marks)
            closed = item.shape == "closed" and not item.mark
            if closed and any(map(inside.of, item.stages)):
                item.mark = "changed"
            if item.mark:
                item.lines[0] = f"{SIGNS[item.mark]} {item.lines[0]}"


def _mark(stages: Iterable[Stage], marks: Mapping[int, Mark]) -> Mark:
    found = {marks.get(id(stage), "") for stage in stages}
    if len(found) == 1:
        return found.pop()
    return "changed" if found else ""


class _Inside:
    """Whether something in a stage is marked; each body is looked through once."""

    def __init__(self, marks: Mapping[int, Mark]) -> None:
        self._marks = marks
        self._known: dict[int, bool] = {}

    def of(self, stage: Stage) -> bool:
        target = stage.target
        if not isinstance(target, Module):
            return False
        found = self._known.get(id(target))
        if found is None:
            found = self._known[id(target)] = any(
                id(inner) in self._marks or self.of(inner) for inner in _stages(target)
            )
        return found


def _stages(module: Module) -> Iterator[Stage]:
    nodes = list(module.nodes)
    while nodes:
        node = nodes.pop()
        if isinstance(node, Choice):
            nodes += node.nodes
        elif isinstance(node, Repeat):
            yield from (run.stage for run in node.runs)
        else:
            yield node
