"""Diagrams as SVG: what is written, and where it stands.

The geometry of every network in `specs/` is held to the rules. The rules are shown to
find what is broken on purpose.
"""

from __future__ import annotations

import html
import math
import os
import re
import subprocess
import sys
import time
import unicodedata
from functools import cache
from pathlib import Path
from typing import TypeAlias
from xml.etree import ElementTree

import pytest
from drawn_geometry import crossings, disorder, faults
from test_dot import HOSTILE, LENET, SPECS, everything, network

from archdsl.backends.diagram.closing import Steps
from archdsl.backends.diagram.options import Direction, Options, PlanError
from archdsl.backends.diagram.palette import COLOURS, PLAIN
from archdsl.backends.graphviz import dot
from archdsl.backends.mermaid import flowchart
from archdsl.backends.svg import font_points, graph, graph_drawing
from archdsl.backends.svg import place as place_module
from archdsl.backends.svg import turn as turn_module
from archdsl.backends.svg.channel import Wire
from archdsl.backends.svg.content import LABEL_HEIGHT, lines
from archdsl.backends.svg.markup import Drawing
from archdsl.backends.svg.metrics import width
from archdsl.backends.svg.place import Layout
from archdsl.backends.svg.theme import DARK, INK, LIGHT
from archdsl.backends.text.tree import tree
from archdsl.ir.network import Network
from archdsl.ops import LAYERS
from archdsl.pipeline import check
from archdsl.source import Source

ROOT = Path(__file__).parents[1]
SVG = "{http://www.w3.org/2000/svg}"

Drawn: TypeAlias = tuple[Network, Drawing, Direction]


def spec(path: str, name: str) -> Network:
    return check(Source(path, (ROOT / "specs" / path).read_text())).networks[name]


@cache
def all_drawn(direction: Direction) -> list[Drawn]:
    """All nets as they are drawn with the default options."""
    return [
        (net, graph_drawing(net, direction=direction), direction)
        for net in everything()
    ]


@pytest.fixture(scope="module", params=["TB", "LR"])
def drawn(request: pytest.FixtureRequest) -> list[Drawn]:
    """All nets in both directions."""
    return all_drawn(request.param)


@pytest.fixture(scope="module")
def resnet() -> Network:
    return spec("classics/resnet.arch", "resnet50")


def test_nothing_lies_on_anything(drawn: list[Drawn]) -> None:
    for net, made, direction in drawn:
        found = faults(made) + disorder(made, direction)
        assert not found, (net.name, found[:5])


def test_all_is_drawn_and_adds_up() -> None:
    """Layers named, times the copies, are the layers; so are the costs."""
    for net, made, _ in all_drawn("TB"):
        around = {id(i): frame for frame, _ in made.frames for i in frame.items}
        layers = 0
        for box, _ in made.boxes:
            times, item = box.times, around.get(id(box))
            while item is not None:
                times *= item.times
                item = around.get(id(item))
            if box.shape == "closed":
                layers += box.cost.layers
            elif box.shape in ("layer", "merge", "source"):
                named = sum(len(line.split(" · ")) for line in box.lines)
                layers += named * times
        total = net.root.cost
        assert layers == total.layers, net.name
        assert sum(box.cost.params for box, _ in made.boxes) == total.params, net.name
        assert sum(box.cost.macs for box, _ in made.boxes) == total.macs, net.name


def test_what_is_written_is_in_the_text() -> None:
    for net, made, _ in all_drawn("TB"):
        tree = ElementTree.fromstring(graph(net))
        said = [element.text or "" for element in tree.iter(f"{SVG}text")]
        wanted = [line for box, _ in made.boxes for line in lines(box) if line]
        wanted += [text for text, _ in (*made.labels, *made.notes)]
        assert sorted(said) == sorted(wanted), net.name


def test_frames_stand_for_their_copies(resnet: Network) -> None:
    made = graph_drawing(resnet)
    titles = [lines(box)[0] for box, _ in made.boxes if box.shape == "title"]
    assert "layer3.1–5: bottleneck ×5" in titles
    assert sum(frame.times for frame, _ in made.frames) == 16


# Size


def test_sizes_to_reach(resnet: Network) -> None:
    made = graph_drawing(resnet)
    assert len(graph(resnet).encode()) <= 25 * 1024
    assert made.wide <= 1500
    assert made.high <= 700
    googlenet = spec("classics/googlenet.arch", "googlenet")
    assert len(graph(googlenet).encode()) <= 40 * 1024


def slide_fault(made: Drawing) -> str:
    """Why a drawing is no picture for a slide of 13.33 by 7.5 inches, if it is none."""
    ratio = made.wide / made.high
    if not 0.5 <= ratio <= 2.0:
        return f"{ratio:.2f} times as wide as high"
    wide = min(13.33, 7.5 * ratio)
    points = font_points(made, wide)
    return "" if points >= 6 else f"{points:.2f} points"


def test_pictures_suit_a_slide(drawn: list[Drawn]) -> None:
    for net, made, _ in drawn:
        assert not slide_fault(made), net.name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("classics/googlenet.arch", "googlenet"),
        ("torchvision/convnext.arch", "convnext_base"),
        ("torchvision/mobilenet_v3.arch", "mobilenet_v3_large"),
        ("torchvision/swin.arch", "swin_t"),
    ],
)
def test_what_would_not_suit_a_slide_is_closed(
    monkeypatch: pytest.MonkeyPatch, path: str, name: str
) -> None:
    net = spec(path, name)
    made = graph_drawing(net)
    assert any(box.shape == "closed" for box, _ in made.boxes)
    assert "(--depth N or --expand opens them)" in made.notes[1][0]
    # Broken on purpose: there is nothing to close.
    monkeypatch.setattr(Steps, "__len__", lambda self: 1)
    whole = graph_drawing(net)
    assert slide_fault(whole)
    assert whole.notes[1][0] in made.notes[1][0]
    # That is the picture with a depth that closes nothing.
    opened = graph_drawing(net, options=Options(depth=99))
    assert [box.id for box, _ in opened.boxes] == [box.id for box, _ in whole.boxes]
    assert slide_fault(opened)


def test_what_suits_a_slide_stays_open(resnet: Network) -> None:
    made = graph_drawing(resnet)
    assert not [box for box, _ in made.boxes if box.shape == "closed"]
    assert "closed" not in made.notes[1][0]


def test_one_of_each_kind_is_open() -> None:
    """Swin's blocks: one with what is in it, later ones as `×n` with their heads."""
    made = graph_drawing(spec("torchvision/swin.arch", "swin_t"))
    titles = [lines(box)[0] for box, _ in made.boxes if box.shape == "title"]
    assert "1.0: layer" in titles
    said = {box.id: lines(box) for box, _ in made.boxes if box.shape == "closed"}
    assert said["features.5.0"][:2] == ["5: layer ×6", "heads=12, odd=0–1"]
    assert said["features.7.0"][0] == "7: layer heads=24 ×2"
    assert "closed: layer, attend" in made.notes[1][0]


def test_a_closed_block_can_be_opened() -> None:
    net = spec("torchvision/swin.arch", "swin_t")
    options = Options(expand=("features.5.3",))
    made = graph_drawing(net, options=options)
    titles = [lines(box)[0] for box, _ in made.boxes if box.shape == "title"]
    assert "5.3: layer" in titles
    said = [lines(box)[0] for box, _ in made.boxes if box.shape == "closed"]
    assert "5.0–2: layer ×3" in said
    assert "5.4–5: layer ×2" in said
    with pytest.raises(PlanError, match=r"no block `features\.9` to open"):
        graph_drawing(net, options=Options(expand=("features.9",)))


def test_closing_takes_time_in_step_with_the_blocks() -> None:
    nets = {count: blocks(count) for count in (40, 160)}
    taken = {count: min(_seconds(net) for _ in range(3)) for count, net in nets.items()}
    # Twice the blocks in at most 2.3 times the time, over two doublings.
    assert taken[160] / taken[40] < 2.3**2


def test_the_picture_scales(resnet: Network) -> None:
    made = graph_drawing(resnet)
    tree = ElementTree.fromstring(graph(resnet, width_in=3.25))
    assert float(tree.attrib["width"]) == pytest.approx(3.25 * 96, abs=0.1)
    assert tree.attrib["viewBox"] == f"0 0 {made.wide:.1f} {made.high:g}"
    natural = made.wide / 96
    assert font_points(made, natural) == pytest.approx(font_points(made)) == 7.5
    assert font_points(made, natural / 2) == pytest.approx(3.75)


def distinct(count: int) -> Network:
    body = " | ".join(f"conv {8 + k % 50} {1 + 2 * (k % 3)}x1" for k in range(count))
    return network(f"default conv same\ninput 3x32x32 | {body}")


def test_time_grows_with_the_layers() -> None:
    nets = {count: distinct(count) for count in (1000, 2000, 4000)}
    taken = dict.fromkeys(nets, math.inf)
    # In turn, so that a busy moment does not fall on one size alone.
    for _ in range(6):
        for count, net in nets.items():
            taken[count] = min(taken[count], _seconds(net))
    assert taken[1000] < 1.0
    assert taken[2000] / taken[1000] <= 2.3
    assert taken[4000] / taken[1000] <= 5


def blocks(count: int) -> Network:
    """Blocks of so many kinds, each twice, of which only some could be open."""
    kinds = "".join(
        f"block b{k} c {{ conv c 3x3 | relu | add(id, conv c 1x1 | bn) }}\n"
        for k in range(count)
    )
    uses = " | ".join(f"b{k} 8 | b{k} 9" for k in range(count))
    return network(f"default conv same\n{kinds}net n {{\n  input 3x32x32\n  {uses}\n}}")


def _seconds(net: Network) -> float:
    begun = time.process_time()
    graph(net)
    return time.process_time() - begun


# Where things stand


@pytest.mark.parametrize("direction", ["TB", "LR"])
@pytest.mark.parametrize(
    ("path", "name", "skips"),
    [
        ("segmentation/unet.arch", "unet", 4),
        ("modern/ddpm_unet.arch", "ddpm_unet", 12),
    ],
)
def test_skips_past_a_turn_do_not_cross(
    path: str, name: str, skips: int, direction: Direction
) -> None:
    made = graph_drawing(spec(path, name), direction=direction)
    # Those of the whole net: what follows inside of frames is a part of them.
    far = [(link, way) for link, way in made.lines if link.far and link.tail.row]
    assert len(far) == skips
    ways = [way for _, way in far]
    assert not list(crossings(ways))
    assert list(crossings([[(0.0, 1.0), (2.0, 1.0)], [(1.0, 0.0), (1.0, 2.0)]]))


def test_skips_between_neighbours_go_straight_across() -> None:
    made = graph_drawing(spec("modern/ddpm_unet.arch", "ddpm_unet"))
    ways = [way for link, way in made.lines if link.far]
    straight = [way for way in ways if len(way) == 3 and way[1][1] == way[2][1]]
    assert len(straight) >= 3


def test_a_chain_with_skips_that_are_not_nested_does_not_turn() -> None:
    text = """
    input 8x8x8
    a: conv 8 1x1 | conv 8 1x1 | b: conv 8 1x1 | conv 8 1x1 | conv 8 1x1 | conv 8 1x1
    add(id, {}) | conv 8 1x1 | conv 8 1x1 | conv 8 1x1 | add(id, {})
    """
    nested = graph_drawing(network(text.format("b", "a")))
    crossed = graph_drawing(network(text.format("a", "b")))
    assert any(link.far for link, _ in nested.lines)
    assert not any(link.far for link, _ in crossed.lines)
    assert not faults(nested)
    assert not faults(crossed)


def test_no_column_holds_the_input_alone() -> None:
    made = graph_drawing(spec("classics/vgg.arch", "vgg16"))
    places = {box.id: at for box, at in made.boxes}
    frames = {frame.id: at for frame, at in made.frames}
    features = frames["cluster.features"]
    assert features.x < places["input"].x < features.x + features.wide
    assert places["input"].y < features.y


def test_a_small_picture_is_one_column() -> None:
    made = graph_drawing(network("input 3x8x8 | conv 4 3x3 | conv 8 3x3 | gap"))
    middles = {round(at.x + at.wide / 2) for _, at in made.boxes}
    assert len(made.boxes) == 5
    assert len(middles) == 1


def test_dashes_are_told_where_there_are_any(resnet: Network) -> None:
    unet = spec("segmentation/unet.arch", "unet")
    for net, dashed in ((resnet, True), (unet, True), (network(LENET), False)):
        text = graph(net)
        assert ("dashed: past other boxes" in text) == dashed
        assert bool(re.search('class="s"', text)) == dashed


def test_what_follows_a_frame_hangs_where_the_flow_leaves() -> None:
    made = graph_drawing(spec("torchvision/densenet.arch", "densenet121"))
    places = {box.id: at for box, at in made.boxes}
    norm, relu = places["features.norm5"], places["relu1"]
    assert norm.x + norm.wide / 2 == pytest.approx(relu.x + relu.wide / 2)


def test_inputs_come_in_order_or_with_numbers() -> None:
    text = "input 4x8x8 | a: conv 4 1x1 | b: conv 4 1x1 | {}"
    said = {}
    for merge in ("concat(a, b)", "concat(b, a)", "add(a, b)", "sub(b, a)"):
        made = graph_drawing(network(text.format(merge)))
        said[merge] = [text for text, _ in made.labels if "×" not in text]
        assert not disorder(made, "TB")
        made = made._replace(labels=[one for one in made.labels if "×" in one[0]])
        assert bool(disorder(made, "TB")) == bool(said[merge])
    assert sorted(said["concat(a, b)"]) == ["1", "2"]
    assert said["add(a, b)"] == []
    branches = "input 4x8x8 | concat({conv 4 1x1 | relu}, {conv 8 3x3 same}, maxpool 1)"
    made = graph_drawing(network(branches))
    assert not [text for text, _ in made.labels if "×" not in text]
    ends = {way[-1] for one, way in made.lines if one.head.key == "concat1"}
    assert len(ends) == 3


# What is broken on purpose is found


def test_a_shifted_box_is_found(resnet: Network) -> None:
    made = graph_drawing(resnet)
    for number, (box, at) in enumerate(made.boxes):
        if box.shape not in ("layer", "merge"):
            continue
        boxes = list(made.boxes)
        boxes[number] = (box, at._replace(y=at.y + 40))
        assert faults(made._replace(boxes=boxes)), box.id


def test_a_shifted_label_is_found(resnet: Network) -> None:
    made = graph_drawing(resnet)
    for number, (text, at) in enumerate(made.labels):
        labels = list(made.labels)
        labels[number] = (text, at._replace(x=at.x - 12))
        assert faults(made._replace(labels=labels)), text


def test_a_line_through_a_title_or_frame_is_found(resnet: Network) -> None:
    made = graph_drawing(resnet)
    link, _ = made.lines[0]
    for box, at in made.boxes:
        if box.shape == "title":
            middle = at.y + at.high / 2
            across = [(at.x - 5, middle), (at.x + at.wide + 5, middle)]
            found = faults(made._replace(lines=[*made.lines, (link, across)]))
            assert any(f"through {box.id}" in fault for fault in found)
    _, at = made.frames[-1]
    across = [(at.x + 2, at.y - 5), (at.x + 2, at.y + at.high + 5)]
    top = next(one for one, _ in made.lines if one.tail.key == "maxpool1")
    found = faults(made._replace(lines=[(top, across)]))
    assert any("through frame" in fault for fault in found)


def test_a_diagonal_line_is_found(resnet: Network) -> None:
    made = graph_drawing(resnet)
    link, points = made.lines[-1]
    bent = [points[0], (points[-1][0] + 9, points[-1][1])]
    found = faults(made._replace(lines=[(link, bent)]))
    assert any("not straight" in fault for fault in found)


@pytest.mark.parametrize(
    ("name", "value"),
    [("GAP", -40.0), ("PASS", -30.0), ("GUTTER", -60.0)],
)
def test_a_layout_without_room_is_found(
    monkeypatch: pytest.MonkeyPatch, resnet: Network, name: str, value: float
) -> None:
    monkeypatch.setattr(place_module, name, value)
    nets = [resnet, *(network(text) for text in SPECS.values())]
    assert any(faults(graph_drawing(net)) for net in nets)


def test_a_turn_without_room_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    unet = spec("segmentation/unet.arch", "unet")
    assert not faults(graph_drawing(unet))
    monkeypatch.setattr(turn_module, "GUTTER", -60.0)
    assert faults(graph_drawing(unet))


def test_a_layout_without_room_for_labels_is_found(
    monkeypatch: pytest.MonkeyPatch, resnet: Network
) -> None:
    whole = Layout.label_size
    monkeypatch.setattr(
        Layout, "label_size", lambda self, text: (whole(self, text)[0], 1.0)
    )
    made = graph_drawing(resnet)
    labels = [(text, at._replace(high=LABEL_HEIGHT)) for text, at in made.labels]
    assert faults(made._replace(labels=labels))


def test_a_layout_without_order_on_tracks_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def one_track(made: list[Wire]) -> int:
        for wire in made:
            wire.track = 0
        return 1

    monkeypatch.setattr(place_module, "assign", one_track)
    assert faults(graph_drawing(spec("modern/ddpm_unet.arch", "ddpm_unet")))


# Text


def test_it_is_accessible_and_tells_where(resnet: Network) -> None:
    text = graph(resnet, "mine.arch")
    tree = ElementTree.fromstring(text)
    assert tree.attrib["role"] == "img"
    ids = {e.attrib["id"]: e.text for e in tree if "id" in e.attrib}
    named = [ids[key] for key in tree.attrib["aria-labelledby"].split()]
    assert named[0] == "resnet50"
    assert named[1]
    assert "25.6 M parameters" in named[1]
    tips = [e.text or "" for e in tree.iter(f"{SVG}title")]
    tip = r"mine\.arch:\d+ layer1\.0\.conv1; 4\.22 k parameters, 12\.8 M MACs"
    assert any(re.fullmatch(tip, each) for each in tips)


@pytest.mark.parametrize("name", [*HOSTILE, "a' onload='x", "]]>", "א-ב", "漢字ラベル"])
def test_hostile_names(name: str) -> None:
    plain = name.replace("{", "(").replace("}", ")").replace("\x00", "\x01")
    text = f'input 3x8x8 | "{plain}": conv 3 3x3 | "{plain}2": {{conv 3 1x1 | gap}}'
    nets = list(check(Source(f'{name}".arch', text)).networks.values())
    nets.append(network(LENET)._replace(name=f'{name}"\n<script>'))
    for net in nets:
        drawn = graph(net, f'{name}"<&')
        tree = ElementTree.fromstring(drawn)
        kinds = {element.tag.removeprefix(SVG) for element in tree.iter()}
        assert kinds <= set("svg title desc style rect g text path".split())
        assert not faults(graph_drawing(net)), name
        assert max(map(len, drawn.splitlines())) < 20_000


def test_letters_of_all_scripts_come_out_as_text() -> None:
    net = network('input 3x8x8 | "漢字 אב <&>": conv 3 3x3 | gap')
    said = [e.text for e in ElementTree.fromstring(graph(net)).iter(f"{SVG}text")]
    assert any("漢字 אב <&>" in (text or "") for text in said)


def test_what_cannot_be_seen_does_not_turn_a_name() -> None:
    """Marks of direction are shown as U+FFFD, other scripts and blanks as they are."""
    label = "a\u202eb\u2066c\u200fd e\u3000f\u00a0g م\u200cن אב"
    net = network(f'input 3x8x8 | "{label}": conv 3 3x3 | gap')
    for drawn in (graph(net), dot(net), flowchart(net), tree(net)):
        drawn = html.unescape(re.sub(r"#(\d+);", r"&#\1;", drawn))
        assert "a\ufffdb\ufffdc\ufffdd e f g م\u200cن אב" in drawn
        assert not {c for c in drawn if unicodedata.category(c) in ("Cf", "Zl")} - {
            "\u200c"
        }


def test_the_same_bytes_for_every_hash_seed() -> None:
    code = (
        "import sys\n"
        "from archdsl.backends.svg import graph\n"
        "from archdsl.pipeline import check\n"
        "from archdsl.source import Source\n"
        "for text in sys.argv[1:]:\n"
        "    for net in check(Source('a', text)).networks.values():\n"
        "        sys.stdout.write(graph(net) + graph(net, direction='LR'))\n"
        "assert 'torch' not in sys.modules\n"
    )
    # Much of it is closed; it stands for other nets that are.
    swin = (ROOT / "specs/torchvision/swin.arch").read_text()
    swin = re.sub(r"(?m)^net swin_[sb].*$", "", swin)
    seen = set()
    for seed in ("0", "1", "77"):
        done = subprocess.run(
            [sys.executable, "-c", code, *SPECS.values(), swin],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONUTF8": "1"},
            capture_output=True,
            check=True,
        )
        seen.add(done.stdout)
    assert len(seen) == 1
    assert len(seen.pop()) > 10_000


def test_every_layer_can_be_drawn() -> None:
    for layer in LAYERS.values():
        net = network(layer.example)
        assert layer.name in graph(net)
        assert not faults(graph_drawing(net)), layer.name


# Colours


def contrast(one: str, other: str) -> float:
    """The contrast of WCAG 2.2, from relative luminance."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts
    ]
    return sum(c * w for c, w in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def test_text_stands_out_in_light_and_dark() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    for fill in (*COLOURS.values(), PLAIN):
        assert contrast(INK, fill) >= 4.5
    for palette in (LIGHT, DARK):
        assert contrast(palette.text, palette.paper) >= 4.5
        assert contrast(palette.line, palette.paper) >= 3
        assert contrast(palette.frame, palette.paper) >= 3
    kinds = {layer.look for layer in LAYERS.values()}
    assert kinds <= set(COLOURS)


def test_themes(resnet: Network) -> None:
    light, dark = graph(resnet, theme="light"), graph(resnet, theme="dark")
    auto = graph(resnet)
    assert "prefers-color-scheme:dark" in auto
    assert LIGHT.paper in auto
    assert DARK.paper in auto
    assert DARK.paper not in light
    assert DARK.paper in dark
    assert "prefers-color-scheme" not in light + dark


def test_widths_are_those_of_helvetica() -> None:
    # From the Adobe font metrics: H 722, e 556, l 222, o 556.
    assert width("Hello", 1000) == 722 + 556 + 222 + 222 + 556
    assert width("Hello", 11, bold=True) > width("Hello", 11)
    assert width("漢字", 10) >= 20
    assert width("e\u0301", 10) == width("e", 10)
