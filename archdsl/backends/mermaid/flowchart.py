"""Picture to a flowchart of Mermaid."""

from __future__ import annotations

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
from archdsl.backends.diagram.picture import Box, Edge, Frame, Picture, Shape
from archdsl.backends.diagram.plan import plan
from archdsl.backends.mermaid.escape import escape
from archdsl.ir.network import Network

# Flowcharts with more characters than this are slow, or not drawn, where Markdown is
# shown.
LONG = 4500

_BRACKETS: dict[Shape, tuple[str, str]] = {
    "layer": ("(", ")"),
    "merge": ("([", "])"),
    "end": ("[", "]"),
    "source": ("[/", "/]"),
    "closed": ("[[", "]]"),
}


def flowchart(
    network: Network,
    source_name: str | None = None,
    *,
    options: Options = DEFAULT,
    direction: Direction = "TB",
) -> str:
    """The network as a flowchart. Raises what `plan` raises."""
    picture = plan(network, source_name, options)
    numbers: dict[str, str] = {}
    looks: dict[str, list[str]] = {}
    out = [f"flowchart {direction}\n"]
    _items(picture, numbers, looks, out)
    wrong = []
    for number, edge in enumerate(_edges(picture)):
        if edge.wrong:
            wrong.append(str(number))
        line = "-.->" if edge.skip or edge.head.training else "-->"
        label = f'|"{escape(edge.label)}"|' if edge.label else ""
        out.append(f"  {numbers[edge.tail.id]} {line}{label} {numbers[edge.head.id]}\n")
    out.append(f'  legend["{_legend(network, options)}"]\n')
    for look, members in looks.items():
        out.append(f"  classDef {look} {_style(look)}\n")
        out.append(f"  class {','.join(members)} {look}\n")
    if wrong:
        style = f"stroke:{WRONG},stroke-width:3px"
        out.append(f"  linkStyle {','.join(wrong)} {style}\n")
    out.append("  style legend fill:none,stroke:none\n")
    return "".join(out)


def _style(look: str) -> str:
    if look == "wrong":
        return f"fill:{PLAIN},stroke:{WRONG},stroke-width:3px,color:#222222"
    if look == "unknown":
        return f"fill:{UNKNOWN},stroke:{FAINT},color:{FAINT_TEXT}"
    colour = COLOURS.get(look, PLAIN)  # type: ignore[call-overload]
    return f"fill:{colour},stroke:#444444,color:#222222"


def _legend(network: Network, options: Options) -> str:
    lines = [words.short(network.name), words.totals(network)]
    lines += words.legend(network, options)
    return escape("\n".join(line for line in lines if line))


def _items(
    picture: Picture,
    numbers: dict[str, str],
    looks: dict[str, list[str]],
    out: list[str],
) -> None:
    """The frames as subgraphs, and their boxes."""
    stack: list[Box | Frame | None] = list(reversed(picture.root.items))
    depth, frames = 1, 0
    while stack:
        item = stack.pop()
        if item is None:
            depth -= 1
            out.append("  " * depth + "end\n")
        elif isinstance(item, Frame):
            frames += 1
            title = item.items[0]
            assert isinstance(title, Box)
            times = f" ×{item.times}" if item.times > 1 else ""
            text = escape(f"{title.lines[0]}{times}".strip())
            # A title of nothing would be the id.
            out.append("  " * depth + f'subgraph f{frames}["{text or " "}"]\n')
            depth += 1
            stack.append(None)
            stack += reversed(item.items)
        elif item.shape in _BRACKETS:
            name = numbers[item.id] = f"n{len(numbers) + 1}"
            begin, end = _BRACKETS[item.shape]
            text = escape("\n".join(filter(None, (*words.lines(item), item.note))))
            out.append("  " * depth + f'{name}{begin}"{text}"{end}\n')
            look = item.look if item.state == "checked" else item.state
            if look is not None:
                looks.setdefault(look, []).append(name)


def _edges(picture: Picture) -> list[Edge]:
    """The edges between boxes: what goes in by a title comes from before it."""
    came: dict[str, Edge] = {}
    for edge in picture.edges:
        if edge.head.shape not in _BRACKETS and not edge.hidden:
            came[edge.head.id] = edge
    told: set[str] = set()
    found: list[Edge] = []
    for edge in picture.edges:
        if edge.hidden or edge.head.shape not in _BRACKETS:
            continue
        tail, label = edge.tail, edge.label
        while tail.shape not in _BRACKETS and tail.id in came:
            before = came[tail.id]
            if tail.id not in told:
                # The first of several that go on tells what all of them carry.
                label = label or before.label
                told.add(tail.id)
            tail = before.tail
        if tail.shape in _BRACKETS:
            made = Edge(tail, edge.head, label, edge.skip)
            made.wrong = edge.wrong
            found.append(made)
    return found
