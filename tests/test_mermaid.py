"""Flowcharts of Mermaid.

That Mermaid's own parser reads what is written was tried with version 11.17 over all
specs; here it is read by the few rules that it is written by.
"""

from __future__ import annotations

import html
import re

import pytest
from test_dot import (
    DENSE,
    HOSTILE,
    LENET,
    ODD,
    RESNET,
    TENSORS,
    boxes,
    everything,
    network,
)

from archdsl.backends.diagram import plan
from archdsl.backends.diagram.options import Options
from archdsl.backends.mermaid import flowchart
from archdsl.backends.mermaid.escape import escape

# No sign that ends a text, begins an entity in HTML, or is Markdown.
TEXT = r'"((?:[^"#&<>;`*_{}\[\]|%$@~\\]|#[0-9]+;|<br/>)*)"'
LINES = [
    re.compile(pattern)
    for pattern in (
        r"flowchart (TB|LR)$",
        rf" +n\d+(?:\({TEXT}\)|\(\[{TEXT}\]\)|\[{TEXT}\]|\[/{TEXT}/\]|\[\[{TEXT}\]\])$",
        rf" +subgraph f\d+\[{TEXT}\]$",
        r" +end$",
        rf"  n\d+ (?:-->|-\.->)(?:\|{TEXT}\|)? n\d+$",
        rf"  legend\[{TEXT}\]$",
        r"  classDef [a-z]+ fill:#[0-9A-F]{6},stroke:#[0-9A-F]{6},color:#[0-9A-F]{6}$",
        r"  class n\d+(,n\d+)* [a-z]+$",
        r"  style legend fill:none,stroke:none$",
    )
]


def read(text: str) -> str:
    """What a viewer shows for a label."""
    shown = text.replace("<br/>", "\n")
    return html.unescape(re.sub(r"#([0-9]+);", r"&#\1;", shown))


def parsed(text: str) -> list[list[str]]:
    """The labels of each line. Fails where a line is none of Mermaid's."""
    found = []
    depth = 0
    for line in text.splitlines():
        matches = [match for each in LINES if (match := each.match(line))]
        assert len(matches) == 1, line
        depth += line.lstrip().startswith("subgraph f")
        depth -= line.strip() == "end"
        assert depth >= 0
        found.append([read(group) for group in matches[0].groups() if group])
    assert depth == 0
    return found


def test_all_is_read() -> None:
    for net in everything():
        for options in (Options(), Options(depth=0, show=("macs", "params"))):
            text = flowchart(net, options=options)
            parsed(text)
            shown = [
                box
                for box, _, _ in boxes(plan(net, None, options).root)
                if box.shape not in ("title", "fork")
            ]
            made = re.findall(r"^ +(n\d+)[(\[]", text, re.MULTILINE)
            assert len(made) == len(set(made)) == len(shown), net.name
            joined = re.findall(r"^  (n\d+) -.*?(n\d+)$", text, re.MULTILINE)
            reached = {end for pair in joined for end in pair}
            alone = {b.id for b in shown if b.shape == "end" and b.id not in reached}
            assert len(set(made) - reached) <= len(alone), net.name


def test_what_is_drawn() -> None:
    text = flowchart(network(RESNET))
    assert 'subgraph f1["layer1: basic ×2"]' in text
    # What goes in by a title comes from before it, and the skip too.
    assert '  n2 -->|"16×32×32"| n3\n' in text
    assert "  n2 -.-> n5\n" in text
    assert 'n4("conv 3×3, 16<br/>bn<br/>2.34 k")' in text
    assert "on edges: channels × height × width" in text
    assert "class n5,n9,n12 merge" in text
    assert flowchart(network(RESNET), direction="LR").startswith("flowchart LR\n")


def test_no_edge_is_lost() -> None:
    """Every box is reached from the same boxes as in the plan."""
    for spec in (RESNET, DENSE, ODD, TENSORS):
        net = network(spec)
        picture = plan(net)
        solid = [
            b for b, _, _ in boxes(picture.root) if b.shape not in ("title", "fork")
        ]
        number = {box.id: f"n{at}" for at, box in enumerate(solid, 1)}
        above: dict[str, set[str]] = {}
        for edge in picture.edges:
            if not edge.hidden:
                tails = above.get(edge.tail.id, set())
                tail = {number[edge.tail.id]} if edge.tail.id in number else tails
                above.setdefault(edge.head.id, set()).update(tail)
        wanted = {
            (tail, number[head])
            for head, tails in above.items()
            for tail in tails
            if head in number
        }
        text = flowchart(net)
        found = re.findall(r"^  (n\d+) -\S*?->?(?:\|.*\|)? (n\d+)$", text, re.MULTILINE)
        assert set(found) == wanted


NAMES = [
    *HOSTILE,
    *("end", "subgraph x", "click n1 call", "graph TD", "default", "style a:#b;"),
    *("%%{init: {}}%%", "%% no comment", "classDef a:#x;", "`code`", "**b**", "a_b_c"),
    *("1. first", "1) first", "- item", "+ item", "# head", "$$x$$", "---", "> quote"),
    *('"] --> x', "]]", "|x|", "https://x.y", "a@b.c", "#quot;", "&quot;", "<br/>"),
    *("שלום", "مرحبا", "網路", "é e\u0301", "x:::y", "a;b", "~~a~~", "![a](b)"),
]


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names(name: str) -> None:
    text = flowchart(network(LENET)._replace(name=name))
    (legend,) = (each for line in parsed(text)[1:] for each in line if "MACs" in each)
    shown = "".join(c if c.isprintable() else "�" for c in name.strip())
    assert legend.startswith(shown[:50])
    escaped = escape(name)
    assert re.fullmatch(TEXT, f'"{escaped}"')
    assert read(escaped) == shown
    # Mermaid takes the last sign of such lines away.
    assert not re.search(r"style.*:\S*#.*;", f"style {escaped}")
    # A list, a heading or a rule of Markdown.
    assert not re.match(r"[-+*>#=]|\d+[.)]( |$)", escaped) or escaped[0] == "#"
    assert not re.match(r"# ", escaped)


def test_lines() -> None:
    assert escape("a\nend\n\n- b") == "a<br/>end<br/><br/>#45; b"
