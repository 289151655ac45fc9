"""Diagrams as DOT text.

`pytest tests/test_dot.py --update-cases` writes the golden files anew. Read them then.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from archdsl.backends.diagram.palette import COLOURS
from archdsl.backends.diagram.picture import Box, Frame
from archdsl.backends.diagram.plan import MAX_BOXES, plan
from archdsl.backends.graphviz import dot
from archdsl.backends.graphviz.dot import escape
from archdsl.ir.network import Network
from archdsl.ops import LAYERS
from archdsl.pipeline import check
from archdsl.source import Source

ROOT = Path(__file__).parents[1]
GOLDEN = Path(__file__).parent / "golden"

LENET = """
input 1x32x32 | conv 6x5x5 | tanh | avgpool 2 | conv 16x5x5 | tanh | avgpool 2
flatten | fc 120 | tanh | fc: fc 10
"""
RESNET = """
default conv same bias=false
block basic c s=1 {
  conv c 3x3 s=s | bn | relu
  conv c 3x3     | bn
  add(id, in | down: {conv c 1x1 s=s | bn} if s > 1 or in.c != c else in)
  relu
}
net resnet n=2 {
  input 3x32x32
  conv 16x3x3 | bn | relu
  layer1: basic 16         x=n
  layer2: basic 32 s=[2,1] x=n
  gap | fc: fc 10
}
"""
DENSE = """
default conv same bias=false
block dense k { concat(id, bn | relu | conv 4*k 1x1 | bn | relu | conv k 3x3) }
net densenet {
  input 3x32x32
  conv 8 3x3
  "layer{i+1}": dense 4 x6
  dense 4 x2 | bn | relu | gap | fc 10
}
"""
INCEPTION = """
default conv same
block cbr c k { conv c k | bn | relu }
block inception a b c d {
  concat(cbr a 1, cbr b 1 | cbr c 3, wide: {conv b 5x5 | relu | conv c 5x5},
         maxpool 3 s1 p1 | cbr d 1)
}
net tiny { input 3x16x16 | inception 4 4 8 4 | inception 8 4 8 4 | gap | fc 10 }
"""
UNET = """
default conv same
block double c { {conv c 3x3 | bn | relu} x2 }
block up(x, skip) c { add(skip, x | conv c 1x1) | double c }
net unet {
  input 1x16x16
  e1: double 4
  maxpool 3 s1 p1 | e2: double 8
  maxpool 3 s1 p1 | double 16
  up(id, e2) 8
  up(id, e1) 4
  conv 2 1x1
}
"""
ODD = """
default conv same
block squeeze { mul(id, gap | fc in.c | sigmoid) }
block same { id }
block sum(x, y) { add(x, y) }
block deep c { {conv c 3x3 | bn | relu | squeeze} x3 | same | sum(id, in) }
net odd {
  input 8x16x16
  a: conv 8x3x3
  b: {conv 8x3x3 | add(id, a) | relu}
  c: {a | conv 8 1x1 | relu}
  d: deep 8 x4
  {add(id, a) if i == 0 else add(id, b)} x2
  e: {conv 8x3x3 | {relu | conv 8 3x3} x3} x5
  add(id, id)
  f: {
    conv 8 3x3 x2
    squeeze x2
    " ~": conv 8 1x1
  }
  add(id, g: {conv 8 1x1} if in.c == 8 else id)
  7: conv 8 3x3 x3
}
"""
TENSORS = """
block placed t { add(id, param 1x4x16 batch init=normal) | {fc 16 | relu} x=t }
net tensors {
  input ids: 4 int
  input y: 4x16
  tok: embedding(ids) 50 16
  add(id, y)
  l: placed 2 x3
  g: {fc 16 | add(id, pe: buffer 4x16 value=(sin(ax0) + ax1) persistent=false)}
  share g
  f: fc 16
  add(id, share(y) f)
  add(id, g)
  output(main=fc 3, aux=y | mean t | {fc 4 | relu} x2 | h: placed2 if training)
}
block placed2 { fc 8 | bn | relu | squeezed: {fc 4 | relu | fc 8} | share squeezed }
"""
SYMBOLS = """
net symbols {
  input 3xHxW
  {conv 8x3x3 s2 p1 | relu} x2
  add(id, conv 8x3x3 p1 | upsample 2 | avgpool 2)
  gap | fc 10
}
"""
SPECS = {
    "lenet": LENET,
    "resnet": RESNET,
    "dense": DENSE,
    "inception": INCEPTION,
    "unet": UNET,
    "odd": ODD,
    "tensors": TENSORS,
    "symbols": SYMBOLS,
}
FILES = sorted((ROOT / "specs").glob("**/*.arch"))

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="no Graphviz")


def network(text: str, name: str = "spec.arch") -> Network:
    checked = check(Source(name, text))
    assert not checked.diagnostics, checked.diagnostics
    return next(iter(checked.networks.values()))


@cache
def everything() -> tuple[Network, ...]:
    found = [network(text, f"{name}.arch") for name, text in SPECS.items()]
    for path in FILES:
        found += check(Source(path.name, path.read_text())).networks.values()
    return tuple(found)


def boxes(frame: Frame, times: int = 1) -> Iterator[tuple[Box, Frame, int]]:
    """All boxes, each with its frame and with how many copies it stands for."""
    for item in frame.items:
        if isinstance(item, Frame):
            yield from boxes(item, times * item.times)
        else:
            yield item, frame, times * item.times


def nodes(text: str) -> dict[str, str]:
    """The nodes of DOT text, with their attributes."""
    return dict(re.findall(r'^ *"([^"]+)" \[(.*)\]$', text, re.MULTILINE))


def edges(text: str) -> list[tuple[str, str, str]]:
    return re.findall(r'^  "([^"]+)" -> "([^"]+)"(.*)$', text, re.MULTILINE)


def label(attributes: str) -> str:
    found = re.search(r'label="((?:[^"\\]|\\.)*)"', attributes)
    assert found
    return found[1]


@pytest.mark.parametrize("name", ["resnet", "unet"])
def test_golden(name: str, update_cases: bool) -> None:
    text = dot(network(SPECS[name], f"{name}.arch"))
    path = GOLDEN / f"{name}.dot"
    if update_cases:
        path.write_text(text)
    assert text == path.read_text()


@needs_dot
def test_graphviz_reads_it() -> None:
    for net in everything():
        done = subprocess.run(
            ["dot", "-Tcanon"],
            input=dot(net).encode(),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, net.name
        assert not done.stderr, (net.name, done.stderr)


def test_all_layers_and_weights_are_drawn() -> None:
    for net in everything():
        drawn = [box.cost for box, _, _ in boxes(plan(net).root)]
        total = net.root.cost
        assert sum(cost.layers for cost in drawn) == total.layers, net.name
        assert sum(cost.params for cost in drawn) == total.params, net.name
        assert sum(cost.macs for cost in drawn) == total.macs, net.name


def test_what_is_written_adds_up() -> None:
    """Layers named in the boxes, times the numbers on boxes and frames."""
    for net in everything():
        layers = 0
        for box, _, times in boxes(plan(net).root):
            if box.shape == "closed":
                layers += box.cost.layers
            elif box.shape in ("layer", "merge", "source"):
                named = sum(len(line.split(" · ")) for line in box.lines)
                layers += named * times
                assert box.times == 1 or f"×{box.times}" in dot(net)
        assert layers == net.root.cost.layers, net.name


def test_edges_join_boxes_and_stand_last() -> None:
    for net in everything():
        text = dot(net)
        known = nodes(text)
        found = edges(text)
        assert {end for tail, head, _ in found for end in (tail, head)} == set(known)
        tail = text[text.index('" -> "') :]
        assert "subgraph" not in tail
        assert len(found) == text.count('" -> "')
        assert text.count("{") == text.count("}")


def test_everything_is_reached_from_the_input() -> None:
    for net in everything():
        text = dot(net)
        begin = [b.id for b, _, _ in boxes(plan(net).root) if b.shape == "source"]
        reached = {*(net.root.input_names or ["input"]), *begin}
        attributes_of = nodes(text)
        for tail, head, attributes in edges(text):
            # The title of a group that takes nothing from where it stands.
            alone = "plaintext" in attributes_of[tail] and "invis" in attributes
            assert tail in reached or alone, (net.name, tail)
            reached.add(head)
        names = [output.name for output in net.root.outputs]
        assert reached.issuperset(filter(None, names or ["output"]))


@pytest.mark.parametrize("name", ["resnet", "dense", "inception", "unet"])
def test_boxes_stand_in_the_frame_of_their_block(name: str) -> None:
    found = list(boxes(plan(network(SPECS[name])).root))
    frames = {frame.id.removeprefix("cluster.") for _, frame, _ in found if frame.id}
    for box, frame, _ in found:
        around = [path for path in frames if box.id.startswith(path + ".")]
        innermost = max(around, key=len, default="")
        assert frame.id.removeprefix("cluster.") == innermost, box.id


def test_residual_networks_fold() -> None:
    text = dot(network(RESNET.replace("n=2", "n=5")))
    titles = [label(a) for n, a in nodes(text).items() if n.endswith(".in")]
    assert titles == ["layer1: basic  ×5", "layer2.0: basic", "layer2.1–4: basic  ×4"]
    known = nodes(text)
    assert label(known["layer2.0.down.0"]) == r"down: conv 1×1, 32, /2\nbn\n576"
    assert label(known["layer1.0.conv1"]) == r"conv 3×3, 16\nbn · relu\n2.34 k"
    assert label(known["layer1.0.add1"]) == r"+ add\nrelu"
    dashed = [(t, h) for t, h, a in edges(text) if "dashed" in a]
    assert dashed == [
        ("layer1.0.in", "layer1.0.add1"),
        ("layer2.0.in", "layer2.0.down.0"),
        ("layer2.0.down.0", "layer2.0.add1"),
        ("layer2.1.in", "layer2.1.add1"),
    ]


def test_growing_copies_fold_and_tell_the_range() -> None:
    text = dot(network(DENSE))
    known = nodes(text)
    assert label(known["layer1.in"]) == "layer1–layer6: dense  ×6"
    assert label(known["layer1.bn1"]) == r"bn · relu\nconv 1×1, 16\n144–504"
    # Two are too few to be a rule.
    assert label(known["dense7.in"]) == "dense7"
    assert label(known["dense8.in"]) == "dense8"


def test_shapes_are_told_once_and_only_when_they_change() -> None:
    text = dot(network(RESNET))
    told = [label(a).strip() for _, _, a in edges(text) if "label" in a]
    assert told == ["3×32×32", "16×32×32", "32×16×16", "32", "10"]
    assert "on edges: channels × height × width" in text


def test_merges_inputs_and_outputs() -> None:
    known = nodes(dot(network(INCEPTION)))
    assert label(known["inception1.concat1"]) == "‖ concat"
    assert "ellipse" in known["inception1.concat1"]
    assert label(known["input"]) == "input"
    assert label(known["output"]) == "output"
    # A block that is one box needs no frame.
    assert "inception1.cbr1.in" not in known
    assert COLOURS["convolution"] in known["inception1.cbr1.conv1"]
    assert (
        'tooltip="spec.arch:3 inception1.cbr1.conv1; ' in known["inception1.cbr1.conv1"]
    )


def test_captured_values_reach_their_own_copy() -> None:
    ends = {(tail, head) for tail, head, _ in edges(dot(network(ODD)))}
    assert {("a", "b.add1"), ("a", "c.0"), ("a", "add1"), ("b.add1", "add4")} <= ends
    assert ("b.add1", "add1") not in ends
    assert ("a", "add4") not in ends


def test_the_source_can_be_renamed() -> None:
    net = network(LENET, "/somewhere/else/lenet.arch")
    assert "/somewhere" in dot(net)
    assert "/somewhere" not in dot(net, "lenet.arch")
    assert 'tooltip="lenet.arch:2 conv1; ' in dot(net, "lenet.arch")


HOSTILE = [
    "\\\\",
    "x\\",
    "<b>bold</b>",
    "a&amp;b &#33;",
    "] ; } digraph {",
    "-> { rank=same }",
    "\\N \\G \\l",
    "naïve ≠ 網",
    "‮ right to left \u0000",
    "w" * 3000,
    "%s {}",
]


@pytest.mark.parametrize("name", HOSTILE)
@needs_dot
def test_hostile_names(name: str) -> None:
    plain = name.replace("{", "(").replace("}", ")").replace("\x00", "\x01")
    checked = check(
        Source(
            f'{name}".arch',
            f'input 3x8x8 | "{plain}": conv 3 3x3 | "{plain}2": {{conv 3 1x1 | gap}}',
        )
    )
    for net in checked.networks.values():
        _survives(net)
    _survives(network(LENET)._replace(name=f'{name}"'))


def _survives(net: Network) -> None:
    text = dot(net)
    assert max(map(len, text.splitlines())) < 20_000
    done = subprocess.run(
        ["dot", "-Tplain"], input=text.encode(), capture_output=True, check=False
    )
    assert done.returncode == 0
    assert not done.stderr, done.stderr
    plain = done.stdout.decode()
    assert plain.count("\nnode ") == len(nodes(text))
    assert plain.count("\nedge ") == len(edges(text))


@pytest.mark.parametrize("text", ["\\N", 'say "hi"', "a\\", "&lt;b&gt;", "two\nlines"])
@needs_dot
def test_labels_come_out_as_they_went_in(text: str) -> None:
    source = f'digraph {{ a [label="{escape(text)}"] }}'
    done = subprocess.run(
        ["dot", "-Tsvg"], input=source.encode(), capture_output=True, check=True
    )
    import html

    shown = re.findall(r"<text[^>]*>([^<]*)</text>", done.stdout.decode())
    assert "\n".join(html.unescape(line) for line in shown) == text


def test_every_kind_of_layer_has_a_colour() -> None:
    for layer in LAYERS.values():
        assert layer.look in COLOURS, layer.name


def test_every_layer_can_be_drawn() -> None:
    for layer in LAYERS.values():
        text = dot(network(layer.example))
        assert layer.name in text


def test_the_same_bytes_for_every_hash_seed() -> None:
    code = (
        "import sys\n"
        "from archdsl.backends.graphviz import dot\n"
        "from archdsl.pipeline import check\n"
        "from archdsl.source import Source\n"
        "net = check(Source('a', sys.stdin.read())).networks\n"
        "sys.stdout.buffer.write(dot(next(iter(net.values()))).encode())\n"
    )
    seen = set()
    for seed in ("0", "1", "4242"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=ODD.encode(),
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=ROOT,
        )
        seen.add(done.stdout)
    assert len(seen) == 1
    assert seen == {dot(network(ODD, "a")).encode()}


def test_a_thousand_layers_are_quick_and_small() -> None:
    third = "  layer3: basic 64 s=[2,1] x=n\n  gap"
    net = network(RESNET.replace("n=2", "n=200").replace("  gap", third))
    # The convolutions and the last layer are 1202, projections aside.
    assert 3 * 200 * 2 + 2 == 1202
    assert net.root.cost.layers > 1202
    begin = time.perf_counter()
    text = dot(net)
    assert time.perf_counter() - begin < 0.1
    assert len(text.encode()) < 30_000


def test_a_picture_has_an_end() -> None:
    """Blocks of blocks that differ everywhere double at each step."""
    blocks = ["block b0 c { conv c 1x1 }"]
    blocks += [
        f"block b{n} c {{ b{n - 1} c | b{n - 1} c+1 | b{n - 1} c+2 }}"
        for n in range(1, 17)
    ]
    net = network("\n".join([*blocks, "net n { input 1x2x2 | b16 1 }"]))
    picture = plan(net)
    found = list(boxes(picture.root))
    assert MAX_BOXES < len(found) < 3 * MAX_BOXES
    assert sum(box.cost.layers for box, _, _ in found) == net.root.cost.layers
    assert any(box.shape == "closed" for box, _, _ in found)


def test_a_net_without_layers() -> None:
    text = dot(network("input 3x8x8"))
    assert [(t, h) for t, h, _ in edges(text)] == [("input", "output")]


def test_deep_groups() -> None:
    body = "conv 3 1x1 | relu | conv 3 1x1"
    for depth in range(60):
        body = f"g{depth}_: {{{body}}}"
    net = network(f"input 3x4x4 | {body}")
    assert sum(b.cost.layers for b, _, _ in boxes(plan(net).root)) == 3


def test_inputs_outputs_and_tensors_have_boxes() -> None:
    text = dot(network(TENSORS))
    known = nodes(text)
    shown = {label(attributes) for attributes in known.values()}
    assert {"ids: int", "y", "main", "aux, in training"} <= shown
    assert {"param 1×4×16\\n64", "pe: buffer 4×16, (sin(ax0) + ax1)"} <= shown
    assert {"share g\\n3 layers", "share squeezed\\n3 layers", "share f"} <= shown
    assert "dashed boxes: in training only" in text
    dashed = {name for name, attributes in known.items() if "dashed" in attributes}
    assert {"aux", "fc3", "h.fc1"} <= dashed
    assert not dashed & {"main", "fc1", "share g"}
    dotted = {head for _, head, attributes in edges(text) if "dotted" in attributes}
    assert "aux" in dotted
    assert "main" not in dotted


def test_sizes_that_are_not_known_are_drawn() -> None:
    text = dot(network(SYMBOLS))
    assert 'label="  3×H×W"' in text
    assert "⌈H/4⌉×⌈W/4⌉" in text
    assert "·⌈H/4⌉·⌈W/4⌉ + " in text.splitlines()[8]


def test_ranges_of_sizes_that_are_not_known() -> None:
    text = "net n { input 4xHxW | {concat(id, conv 4x3x3 p1)} x5 | {conv 4x3x3} x4 }"
    drawn = dot(network(text))
    assert "4×(H-8)×(W-8)" in drawn


def test_a_side_input_stays_beside_its_sum() -> None:
    text = """
    block unit(y, t) { conv 8x3x3 p1 | add(id, t | fc 8) }
    net n {
      input y: 8x16x16
      input t: 4
      unit(y, t) | unit(id, t) | unit(id, t)
    }
    """
    found = edges(dot(network(text)))
    assert ("unit3.fc1", "unit3.add1", " [weight=3]") in found
    assert ("t", "unit3.fc1", " [weight=0]") in found
