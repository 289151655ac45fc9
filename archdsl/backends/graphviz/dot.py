"""Picture to DOT text."""

from __future__ import annotations

from typing import NamedTuple

from archdsl.backends.diagram import words
from archdsl.backends.diagram.options import DEFAULT, Direction, Options
from archdsl.backends.diagram.palette import (
    COLOURS,
    FAINT,
    FAINT_TEXT,
    PLAIN,
    UNKNOWN,
    WRONG,
)
from archdsl.backends.diagram.picture import Box, Edge, Frame, Picture
from archdsl.backends.diagram.plan import plan
from archdsl.backends.text.wording import visible
from archdsl.ir.network import Network

# The width of a letter on an edge, in inches.
LETTER = 0.075

HEAD = """\
  graph [rankdir=TB, labelloc=t, nodesep=0.3, ranksep=0.3, newrank=true,
    fontname="Helvetica,Arial,sans-serif", fontsize=13, fontcolor="#222222"]
  node [shape=box, style="rounded,filled", fillcolor="#FFFFFF", color="#444444",
    fontname="Helvetica,Arial,sans-serif", fontsize=11, fontcolor="#222222",
    margin="0.12,0.05", height=0.3, width=0.6]
  edge [color="#444444", fontname="Helvetica,Arial,sans-serif", fontsize=9,
    fontcolor="#444444", arrowsize=0.6]
"""


def dot(
    network: Network,
    source_name: str | None = None,
    *,
    options: Options = DEFAULT,
    direction: Direction = "TB",
) -> str:
    """The network as DOT text; `source_name` is the file's name to show.

    Raises what `plan` raises.
    """
    picture = plan(network, source_name, options)
    head = HEAD.replace("rankdir=TB", f"rankdir={direction}")
    out = [f'digraph "{_id(network.name or "net")}" {{\n', head]
    out.append(f'  label="{_legend(network, options)}"\n')
    _items(picture, out)
    out += [_edge(edge) for edge in picture.edges]
    out.append("}\n")
    return "".join(out)


def _legend(network: Network, options: Options) -> str:
    lines = [words.short(network.name), words.totals(network), ""]
    lines += words.legend(network, options)
    return "".join(f"{escape(line)}\\n" for line in lines)


class _Room(NamedTuple):
    """What a frame has to hold besides boxes, by the frame's title.

    Graphviz leaves the labels and bends of edges out when it measures a cluster.
    """

    longest: dict[str, int]
    bends: set[str]


def _room(picture: Picture) -> _Room:
    title: dict[str, str] = {}
    stack = [picture.root]
    while stack:
        frame = stack.pop()
        for item in frame.items:
            if isinstance(item, Frame):
                stack.append(item)
            elif isinstance(frame.items[0], Box):
                title[item.id] = frame.items[0].id
    room = _Room({}, set())
    for edge in picture.edges:
        home = title.get(edge.tail.id)
        if home is None or home != title.get(edge.head.id):
            continue
        room.longest[home] = max(room.longest.get(home, 0), len(edge.label))
        if edge.skip:
            room.bends.add(home)
    return room


def _items(picture: Picture, out: list[str]) -> None:
    """The frames and their boxes, without recursion."""
    room = _room(picture)
    stack: list[Box | Frame | str] = list(reversed(picture.root.items))
    depth = 1
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            depth -= 1
            out.append("  " * depth + item)
        elif isinstance(item, Box):
            longest = room.longest.get(item.id, 0)
            out.append("  " * depth + _box(item, longest))
        else:
            pad = "  " * depth
            thick = 2 if item.times > 1 else 1
            margin = 18 if item.items[0].id in room.bends else 12
            out.append(
                f'{pad}subgraph "{item.id}" {{\n'
                f'{pad}  graph [label="", style={_style(item)}, color="#888888",'
                f" penwidth={thick}, margin={margin},"
                f' tooltip="{escape(item.tooltip)}"]\n'
            )
            depth += 1
            stack.append("}\n")
            stack += reversed(item.items)


def _style(frame: Frame) -> str:
    return '"rounded,dashed"' if frame.training else "rounded"


def _box(box: Box, longest: int) -> str:
    if box.shape == "fork":
        return (
            f'"{box.id}" [shape=point, width=0.05, height=0.05, label="",'
            f' color="#444444", fillcolor="#444444", tooltip="{escape(box.tooltip)}"]\n'
        )
    if box.shape == "title":
        title = box.lines[0]
        if box.times > 1:
            title = f"{title}  ×{box.times}".strip()
        # The title makes room for labels on both sides.
        width = max(0.6, 2 * LETTER * longest)
        return (
            f'"{box.id}" [shape=plaintext, style="", label="{escape(title)}",'
            f' margin="0.05,0.02", height=0.2, width={width:.2f},'
            f' tooltip="{escape(box.tooltip)}"]\n'
        )
    lines = words.lines(box)
    if box.note:
        lines.append(box.note)
    parts = [f'label="{escape(chr(10).join(lines))}"']
    if box.state == "unknown":
        parts.append(f'fillcolor="{UNKNOWN}"')
        parts.append(f'color="{FAINT}", fontcolor="{FAINT_TEXT}"')
    elif box.state == "wrong":
        parts.append(f'color="{WRONG}", penwidth=3')
    elif box.look is not None:
        parts.append(f'fillcolor="{COLOURS.get(box.look, PLAIN)}"')
    dashed = ",dashed" if box.training else ""
    if box.shape == "merge" and box.state != "wrong":
        style = f'"filled{dashed}"' if dashed else "filled"
        parts.append(f'shape=ellipse, style={style}, margin="0.03,0.02"')
    elif box.shape == "source":
        parts.append(f'style="filled{dashed}", fontsize=9, margin="0.08,0.03"')
        parts.append("height=0.2")
    elif dashed:
        parts.append('style="rounded,filled,dashed"')
    if box.times > 1:
        parts.append("peripheries=2")
    parts.append(f'tooltip="{escape(box.tooltip)}"')
    return f'"{box.id}" [{", ".join(parts)}]\n'


def _edge(edge: Edge) -> str:
    parts = []
    if edge.label:
        parts.append(f'label="{escape("  " + edge.label)}"')
    if edge.head.shape in ("fork", "title"):
        parts.append("arrowhead=none")
    if edge.hidden:
        parts.append("style=invis")
    elif edge.head.training:
        parts.append("style=dotted")
    elif edge.skip:
        parts.append("style=dashed")
    if edge.wrong:
        parts.append(f'color="{WRONG}", fontcolor="{WRONG}", penwidth=2')
    if edge.weight != 1:
        parts.append(f"weight={edge.weight}")
    attributes = f" [{', '.join(parts)}]" if parts else ""
    return f'  "{edge.tail.id}" -> "{edge.head.id}"{attributes}\n'


def escape(text: str) -> str:
    """Text for a quoted label: nothing in it means anything to Graphviz."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = visible(text, kept="\n")
    # Graphviz reads HTML entities even in plain labels.
    text = text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
    return text.replace("\n", "\\n")


def _id(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in name)
