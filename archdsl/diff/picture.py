"""Both nets side by side, with what has changed marked: as SVG."""

from __future__ import annotations

from archdsl.backends.diagram.changed import SIGNS
from archdsl.backends.diagram.options import DEFAULT, Options
from archdsl.backends.diagram.picture import Mark
from archdsl.backends.svg.beside import beside
from archdsl.backends.svg.graph import graph_drawing
from archdsl.backends.svg.markup import svg
from archdsl.backends.svg.theme import Theme
from archdsl.collector import Paused
from archdsl.diff.changes import Difference, Kind

_MARKS: dict[Kind, Mark] = {
    **{"added": "added", "removed": "removed"},
    **{"changed": "changed", "renamed": "changed"},
}
_LEGEND = (
    f"{SIGNS['removed']} removed, dashed; {SIGNS['added']} added;"
    f" {SIGNS['changed']} changed, renamed, or changed inside"
)


def picture(
    difference: Difference, theme: Theme = "auto", options: Options = DEFAULT
) -> str:
    """The old net on the left and the new one on the right. Raises what `plan` does."""
    assert difference.old is not None
    assert difference.new is not None
    marks = {
        stage: _MARKS[kind]
        for stage, kind in difference.marks.items()
        if kind in _MARKS
    }
    with Paused():
        left, right = (
            graph_drawing(net, options=options, marks=marks)
            for net in (difference.old, difference.new)
        )
        old, new = difference.old.source_name, difference.new.source_name
        name = difference.new.name or "network"
        told = f"Two states of the network {name}: {old} on the left, {new}"
        both = beside(left, right, old, new, _LEGEND)
        return svg(both, name, f"{told} on the right.", theme, 1.0)
