"""Nets whose check fails: what is known is drawn, and what is wrong is marked."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from drawn_geometry import faults
from failing_nets import FAILING, Failing
from shell import Shell

import archdsl
from archdsl.backends.diagram import plan
from archdsl.backends.diagram.options import Options
from archdsl.backends.diagram.palette import FAINT_TEXT, UNKNOWN, WRONG
from archdsl.backends.diagram.picture import Box, Frame, Picture
from archdsl.backends.diagram.words import SIGN
from archdsl.backends.graphviz import dot
from archdsl.backends.mermaid import flowchart
from archdsl.backends.svg import graph, graph_drawing
from archdsl.backends.svg.theme import DARK, LIGHT
from archdsl.backends.text.tree import tree
from archdsl.diagnostics import Diagnostic
from archdsl.ir.network import Network
from archdsl.pipeline import check, sketch
from archdsl.source import Source

ROOT = Path(__file__).parents[1]
ERRORS = sorted((ROOT / "docs" / "errors").glob("E*.md"))
CASES = sorted((ROOT / "tests" / "cases").glob("*.arch"))

ADD = """\
input 3x64x64
conv 8x3x3 p1 | relu
{
  skip: id
  conv 16x3x3 s2 p1
  add(id, skip)
}
conv 4x1x1 | gap | fc 2
"""
TOLD = "16x32x32 and 8x64x64"


def sketched(text: str, net: str = "", name: str = "n.arch") -> Network:
    found = sketch(Source(name, text), net)
    assert found is not None
    return found


def found(text: str, net: str = "") -> list[Diagnostic]:
    return check(Source("n.arch", text), net).diagnostics


def all_boxes(picture: Picture) -> list[Box]:
    boxes: list[Box] = []
    stack: list[Box | Frame] = list(picture.root.items)
    while stack:
        item = stack.pop()
        if isinstance(item, Frame):
            stack += item.items
        else:
            boxes.append(item)
    return boxes


def marks(net: Network, options: Options | None = None) -> list[tuple[str, str]]:
    """The heads of the edges that are marked, and what these are called."""
    made = plan(net, None, options or Options())
    return [(edge.head.id, edge.label) for edge in made.edges if edge.wrong]


@pytest.fixture(params=FAILING, ids=lambda row: f"{row.net}: {row.told[-5:]}")
def row(request: pytest.FixtureRequest) -> Failing:
    given: Failing = request.param
    return given


def test_the_edge_is_marked_once_and_named(row: Failing) -> None:
    (finding,) = found(row.text, row.net)
    net = sketched(row.text, row.net)
    assert marks(net) == [(row.at, f"{SIGN} {row.told}")]
    assert row.told.endswith(finding.code)
    (wrong,) = [box for box in all_boxes(plan(net)) if box.state == "wrong"]
    assert wrong.id == row.at
    assert wrong.lines[0].startswith(SIGN)
    assert finding.message.startswith(
        wrong.lines[-1].removeprefix(f"{finding.code}: ").rstrip("…")
    )


def test_the_geometry_holds(row: Failing) -> None:
    net = sketched(row.text, row.net)
    assert faults(graph_drawing(net)) == []
    assert faults(graph_drawing(net, direction="LR")) == []
    for options in (Options(depth=0), Options(fold=False, depth=1)):
        assert faults(graph_drawing(net, options=options)) == []
        assert [label for _, label in marks(net, options)] == [f"{SIGN} {row.told}"]


def test_every_format_tells_it(row: Failing) -> None:
    net = sketched(row.text, row.net)
    image = ElementTree.fromstring(graph(net))
    said = [element.text for element in image.iter() if element.tag.endswith("}text")]
    assert said.count(f"{SIGN} {row.told}") == 1
    code = row.told[-5:]
    (summary,) = [e.text or "" for e in image.iter() if e.tag.endswith("}desc")]
    assert code in summary
    edges = [line for line in dot(net).splitlines() if " -> " in line]
    (edge,) = [line for line in edges if "penwidth=2" in line]
    assert f'label="  {SIGN} {row.told}"' in edge
    assert f'color="{WRONG}"' in edge
    assert flowchart(net).count("linkStyle ") == 1
    (line,) = [each for each in tree(net).splitlines() if f" · {code}" in each]
    assert SIGN in line
    assert tree(net, ascii_only=True).isascii()


def test_mermaid_marks_the_edge_that_is_wrong(row: Failing) -> None:
    text = flowchart(sketched(row.text, row.net))
    edges = [line for line in text.splitlines() if re.search(r" (-->|-\.->)", line)]
    number = re.search(r"linkStyle (\d+) ", text)
    assert number is not None
    assert row.told[-5:] in edges[int(number[1])]


def test_what_is_before_is_drawn_as_ever(row: Failing) -> None:
    """All boxes of the whole net that stand before the line that is wrong."""
    change = row.change
    text = (ROOT / "specs" / row.spec).read_text()
    whole = check(Source("n.arch", text), row.net).networks[row.net]
    net = sketched(row.text, row.net)
    shown = {box.id: box for box in all_boxes(plan(net, None, Options(fold=False)))}
    assert change[0] in text
    same = [
        box.id
        for box in all_boxes(plan(whole, None, Options(fold=False)))
        if box.id in shown
        and box.lines
        and shown[box.id].state == "checked"
        and (box.lines, box.note, box.out)
        == (shown[box.id].lines, shown[box.id].note, shown[box.id].out)
    ]
    assert "input" in shown or "src" in shown
    assert len(same) >= 2
    for box in shown.values():
        if box.state == "unknown":
            assert (box.out, box.note.partition("×")[0]) == ("", "")


def test_the_bytes_are_the_same(row: Failing) -> None:
    assert graph(sketched(row.text, row.net)) == graph(sketched(row.text, row.net))


def test_the_bytes_do_not_hang_on_the_hash_seed(tmp_path: Path) -> None:
    spec = tmp_path / "n.arch"
    made = set()
    for each in (FAILING[0], FAILING[-1]):
        spec.write_text(each.text, encoding="utf-8")
        for seed in ("1", "2"):
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "archdsl", "draw", str(spec)),
                    *("-f", "svg", "--net", each.net),
                ],
                capture_output=True,
                env={**os.environ, "PYTHONHASHSEED": seed},
                check=False,
            )
            assert done.returncode == 1
            made.add(done.stdout)
    assert len(made) == 2


# Where it fails


BLOCK = """
block unit c { conv c 3x3 p1 | add(id, in) }
net n {
  input 4x8x8
  a: unit 4
  b: unit 4 x2
  c: unit [4,4,5,5] x4
  gap | fc 2
}
"""


def test_the_use_is_marked_in_which_a_block_fails() -> None:
    net = sketched(BLOCK, "n")
    (finding,) = found(BLOCK, "n")
    assert "copy 3 of 4" in finding.trace[0].text
    assert marks(net) == [("c.2.add1", f"{SIGN} 4×8×8 ≠ 5×8×8 · E0304")]
    states = {box.id: box.state for box in all_boxes(plan(net))}
    assert states["a.add1"] == states["b.0.add1"] == states["c.0.add1"] == "checked"
    assert states["c.3"] == states["gap1"] == states["output"] == "unknown"


def test_equal_uses_side_by_side_are_marked_once() -> None:
    text = "block b { conv 4x9x9 }\nnet n { input 3x8x8\n add(b, b) }"
    net = sketched(text, "n")
    assert len(found(text, "n")) == 1
    assert marks(net) == [("b1.conv1", f"{SIGN} 3×8×8 · E0302")]


def test_several_mistakes_are_marked_each() -> None:
    text = "input 3x8x8\nconcat(conv 4x9x9, conv 5x3x3 g2, id | relu)\nconv 1x1x1 zz=3"
    net = sketched(text)
    assert len(found(text)) == 3
    assert sorted(label[-5:] for _, label in marks(net)) == ["E0302", "E0312", "E0401"]
    assert faults(graph_drawing(net)) == []


def test_a_claim_that_fails_lets_the_rest_be_checked() -> None:
    net = sketched("input 3x8x8 | conv 4x3x3 -> 8x8x4 hwc | gap | fc 2")
    assert marks(net) == [("claim1", f"{SIGN} 4×6×6 ≠ 8x8x4 hwc · E0601")]
    assert not [box for box in all_boxes(plan(net)) if box.state == "unknown"]


def test_a_condition_that_hangs_on_what_is_not_known() -> None:
    text = """\
input 3x8x8 | conv 4x9x9
keep: relu
add(id, conv 4x1x1 | bn)  if id.c != 3 else add(id, keep)
fc 2
"""
    net = sketched(text)
    boxes = {box.id: box for box in all_boxes(plan(net))}
    assert boxes["line1"].lines[0].startswith("add(id, conv 4x1x1 | bn) if id.c")
    assert boxes["line1"].state == "unknown"
    assert faults(graph_drawing(net)) == []


def test_a_mistake_of_the_whole_stands_at_the_end() -> None:
    net = sketched("input 3x8x8 | a.b: conv 4x3x3 | a: fc 2")
    ((head, label),) = marks(net)
    assert head
    assert label.startswith(SIGN)


def test_a_mistake_elsewhere_is_in_the_heading_alone() -> None:
    text = "block other { cnv 3 }\nnet n { input 3x8x8 | conv 4x3x3 }"
    net = sketched(text, "n")
    assert marks(net) == []
    assert f"{SIGN} check failed: E0201 in line 1" in graph(net)


def test_nothing_is_known() -> None:
    assert sketch(Source("n", "input 3x"), "") is None
    assert sketch(Source("n", "net n { input 3x8x8 }"), "m") is None
    lacking = "net n c { input 3x8x8 | conv c 3x3 }"
    assert sketch(Source("n", lacking), "n", {"d": 3}) is None


@pytest.mark.parametrize("path", [*ERRORS, *CASES], ids=lambda path: path.name)
def test_all_that_is_refused_is_drawn(path: Path) -> None:
    """Each spec that the checker refuses, in every format, and nothing lies on it."""
    text = path.read_text(encoding="utf-8")
    examples = [text.partition("# expected:\n")[0]]
    if path.suffix == ".md":
        examples = re.findall(r"```arch\n(.*?)```", text, re.DOTALL)
    for example in examples:
        source = Source(path.name, example)
        for name in check(source).nets:
            if not check(source, name).diagnostics:
                continue
            net = sketch(source, name)
            if net is None:
                continue
            assert net.wrong
            assert faults(graph_drawing(net)) == []
            ElementTree.fromstring(graph(net))
            for text in (dot(net), flowchart(net), tree(net)):
                assert SIGN in text or "8252" in text


def test_an_unknown_value_in_an_output_of_training() -> None:
    text = """\
net n {
  input 3x8x8
  early: conv 4x9x9
  gap | fc 2
  output(id, early | gap if training)
}
"""
    net = sketched(text, "n")
    assert marks(net) == [("early", f"{SIGN} 3×8×8 · E0302")]
    assert faults(graph_drawing(net)) == []


TOKEN = re.compile(r"[A-Za-z_][\w.]*|\d+|\S")
PUT_IN = ("conv 8x3x3", "flatten", "fc 10", "add(id, in)", "if in.c == 3", "x3", "| id")


def mutated(text: str, chance: random.Random) -> str:
    """The text without its comments, and with one word changed."""
    text = re.sub(r"#.*", "", text)
    words = list(TOKEN.finditer(text))
    word = chance.choice(words)
    other = chance.choice([*PUT_IN, "", "7", chance.choice(words)[0]])
    return text[: word.start()] + other + text[word.end() :]


def test_specs_with_a_word_changed() -> None:
    chance = random.Random(2026)
    specs = sorted((ROOT / "specs").glob("*/*.arch"))
    drawn = 0
    while drawn < 40:
        text = mutated(chance.choice(specs).read_text(encoding="utf-8"), chance)
        source = Source("n.arch", text)
        name = chance.choice(check(source).nets or ("",))
        if not check(source, name).diagnostics:
            continue
        net = sketch(source, name)
        if net is None:
            continue
        drawn += 1
        made = graph_drawing(net, options=Options(depth=chance.choice((None, 0, 1))))
        assert faults(made) == [], text
        for form in (dot, flowchart, tree):
            assert form(net)


# Looks


def test_colours_are_legible() -> None:
    assert contrast(LIGHT.wrong, LIGHT.paper) >= 4.5
    assert contrast(DARK.wrong, DARK.paper) >= 4.5
    assert contrast(FAINT_TEXT, UNKNOWN) >= 4.5
    assert contrast(WRONG, "#FFFFFF") >= 3


def contrast(a: str, b: str) -> float:
    lights = []
    for colour in (a, b):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in parts
        ]
        lights.append(
            0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05
        )
    return max(lights) / min(lights)


# The command


@pytest.mark.parametrize("name", ["a.svg", "a.dot", "a.mmd", "a.txt"])
def test_the_command_draws_and_fails(shell: Shell, name: str) -> None:
    (shell.folder / name).write_text("old")
    ran = shell("draw", "-e", ADD, "-o", name)
    assert (ran.status, ran.out) == (1, "")
    assert TOLD in ran.err
    assert ran.err.endswith(
        f"archdsl draw: the check failed; {name} shows it, marked {SIGN}\n"
    )
    text = (shell.folder / name).read_text()
    assert "E0304" in text
    assert shell("check", "-e", ADD).out.startswith(
        ran.err.partition("archdsl draw")[0]
    )
    ran = shell("draw", "-e", ADD, "-f", name[2:].replace("mmd", "mermaid"))
    assert (ran.status, ran.out) == (1, text)
    assert "the picture shows it" in ran.err


def test_png_of_a_failure(shell: Shell) -> None:
    pytest.importorskip("cairosvg", exc_type=(ImportError, OSError))  # type: ignore[arg-type]
    assert shell("draw", "-e", ADD, "-o", "a.png").status == 1
    assert (shell.folder / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("text", ["input 3x", "input 3x8x8 | conv (", "", "net n {"])
def test_what_cannot_be_read_is_not_drawn(shell: Shell, text: str) -> None:
    ran = shell("draw", "-e", text, "-o", "a.svg")
    assert (ran.status, ran.out) == (1, "")
    assert "archdsl draw" not in ran.err
    assert os.listdir(shell.folder) == []


def test_other_commands_draw_nothing(shell: Shell) -> None:
    for command in ("summary", "compile"):
        ran = shell(command, "-e", ADD)
        assert (ran.status, ran.out) == (1, "")


def test_a_path_that_was_not_reached_is_no_mistake(shell: Shell) -> None:
    shell.file("n.arch", BLOCK)
    options = ("--depth", "0", "--expand", "layer9")
    assert shell("draw", "n.arch", "-o", "a.svg", *options).status == 1
    assert (shell.folder / "a.svg").exists()


def test_check_does_not_pay() -> None:
    code = (
        "import sys\nfrom archdsl.cli.main import main\n"
        f"main(['check', '-e', {ADD!r}])\n"
        "print([m for m in sys.modules if 'sketch' in m or 'unchecked' in m])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("[]\n")


def test_from_python() -> None:
    net = archdsl.sketch(ADD)
    assert [fault.code for fault in net.wrong] == ["E0304"]
    shown = net._repr_mimebundle_()  # type: ignore[attr-defined]
    assert "E0304" in shown["image/svg+xml"]
    assert not archdsl.sketch("input 3x8x8 | conv 4x3x3").wrong
    with pytest.raises(archdsl.SpecError):
        archdsl.sketch("input 3x")
