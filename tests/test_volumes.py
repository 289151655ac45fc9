"""Volumes as SVG and TikZ: what is drawn, and where it stands.

The geometry of every network in `specs/` that is one row is held to the rules. The
rules are shown to find what is broken on purpose.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from failing_nets import FAILING
from shell import Shell
from test_dot import HOSTILE, everything
from volume_geometry import faults, groups

from archdsl.backends.diagram.options import Options, PlanError
from archdsl.backends.svg.theme import DARK, LIGHT
from archdsl.backends.tikz.document import escape
from archdsl.backends.volumes import Scene, scene, tikz, volumes
from archdsl.backends.volumes.markup import shaded
from archdsl.backends.volumes.measure import nominal
from archdsl.backends.volumes.spine import spine
from archdsl.ir.network import Network
from archdsl.pipeline import check, sketch
from archdsl.source import Source

ROOT = Path(__file__).parents[1]
SVG = "{http://www.w3.org/2000/svg}"
SHAPES = Options(show=("shapes",))
ALL = Options(show=("shapes", "params", "macs"))
# A slide in pixels, 96 in an inch; small text has 10 of them.
SLIDE, SMALL = (1280, 720), 10 * 0.75


def spec(path: str, name: str) -> Network:
    return check(Source(path, (ROOT / "specs" / path).read_text())).networks[name]


def text_net(text: str) -> Network:
    checked = check(Source("<text>", text))
    assert not checked.diagnostics
    return next(iter(checked.networks.values()))


@pytest.fixture(scope="module")
def in_a_row() -> list[Network]:
    found = []
    for net in everything():
        try:
            spine(net, SHAPES)
        except PlanError:
            continue
        found.append(net)
    return found


@pytest.fixture(scope="module")
def scenes(in_a_row: list[Network]) -> list[tuple[str, Scene]]:
    return [
        (net.name, scene(net, options=options))
        for net in in_a_row
        for options in (SHAPES, ALL)
    ]


@pytest.fixture(scope="module")
def vgg() -> Network:
    return spec("classics/vgg.arch", "vgg16")


@pytest.fixture(scope="module")
def unet() -> Network:
    return spec("segmentation/unet.arch", "unet")


def test_most_networks_are_one_row(in_a_row: list[Network]) -> None:
    found = {net.name for net in in_a_row}
    assert len(in_a_row) >= 130
    for net in everything():
        many = len(net.root.inputs) > 1 or len(net.root.outputs) > 1
        assert net.name in found or many or net.name == "wavenet"


def test_nothing_lies_on_anything(scenes: list[tuple[str, Scene]]) -> None:
    for name, made in scenes:
        found = faults(made)
        assert not found, (name, found[:5])


def test_each_fits_a_slide(scenes: list[tuple[str, Scene]]) -> None:
    for name, made in scenes:
        aspect = made.wide / made.high
        assert 0.5 <= aspect <= 2, name
        scale = min(SLIDE[0] / made.wide, SLIDE[1] / made.high)
        assert SMALL * scale >= 6, name


def test_all_is_drawn_and_adds_up(in_a_row: list[Network]) -> None:
    for net in in_a_row:
        made = spine(net, SHAPES)
        total = net.root.cost
        assert sum(v.cost.layers for v in made.volumes) == total.layers, net.name
        assert sum(v.cost.params for v in made.volumes) == total.params, net.name
        macs = [volume.cost.macs for volume in made.volumes]
        assert sum(macs[1:], start=macs[0]) == total.macs, net.name


def test_what_is_larger_is_not_drawn_smaller(scenes: list[tuple[str, Scene]]) -> None:
    for name, made in scenes:
        maps = [
            body
            for body in made.bodies
            if len(body.volume.sizes[-1]) == 3
            and body.volume.kind == "convolution"
            and not body.volume.slices
        ]
        for one in maps:
            for other in maps:
                c, h, _ = map(nominal, one.volume.sizes[-1])
                d, i, _ = map(nominal, other.volume.sizes[-1])
                if c <= d:
                    assert one.solid.thick <= other.solid.thick, name
                if h <= i:
                    assert one.solid.high <= other.solid.high, name


def test_vgg_is_drawn_as_it_is_known(vgg: Network) -> None:
    made = scene(vgg, options=SHAPES)
    resolutions = [
        {body.volume.sizes[-1][1:] for body in group} for group in groups(made)
    ]
    maps = [(224, 224), (224, 224), (112, 112), (56, 56), (28, 28), (14, 14), (7, 7)]
    assert resolutions == [{size} for size in maps] + [{()}] * 3
    said = [text.text for text in made.texts]
    for wanted in ("64", "128", "256", "512", "4096", "1000", "3", "224×224", "7×7"):
        assert said.count(wanted) == 1, wanted
    assert said.count("maxpool") == 5
    # One row: all middles on one axis.
    assert len({round(body.middle, 3) for body in made.bodies}) == 1


def test_unet_goes_down_and_up(unet: Network) -> None:
    made = scene(unet, options=SHAPES)
    levels = {round(body.middle, 3) for body in made.bodies}
    assert len(levels) == 5
    place = {body.number: body for body in made.bodies}
    across = spine(unet, SHAPES).skips
    assert len(across) == 4
    for skip in across:
        source, target = place[skip.source], place[skip.target]
        assert source.middle == pytest.approx(target.middle)
        assert source.end < target.x
        assert [each.copied for each in target.volume.slices] == [True, False]
    said = [text.text for text in made.texts]
    assert sum(text.startswith("crop") for text in said) == 4


def test_shortcuts_and_repeats_of_a_residual_network() -> None:
    net = spec("classics/resnet.arch", "resnet50")
    made = spine(net, SHAPES)
    # The first block of each stage projects.
    assert [skip.projects for skip in made.skips] == [True, False] * 4
    assert [each.times for each in made.repetitions] == [2, 3, 5, 2]
    drawn = scene(net, options=SHAPES)
    assert sum(line.dashed for line in drawn.lines) == 4
    said = [text.text for text in drawn.texts]
    assert {"×2", "×3", "×5", "dashed: projection"} <= set(said)


def test_shortcuts_from_the_row_before_begin_on_the_line_from_there() -> None:
    made = scene(spec("classics/resnet.arch", "resnet152"), options=SHAPES)
    turn = next(line for line in made.lines if len(line.points) == 6)
    (x, above), (_, below) = turn.points[3:5]
    (arc,) = (line for line in made.lines if line.dashed and len(line.points) == 3)
    begin, level = arc.points[0]
    assert begin == x
    assert above < level < below


def test_few_copies_are_drawn_each(vgg: Network) -> None:
    assert not spine(vgg, SHAPES).repetitions
    net = spec("classics/resnet_cifar.arch", "resnet1202")
    assert [each.times for each in spine(net, SHAPES).repetitions] == [200, 199, 199]
    with pytest.raises(PlanError, match="more than 400 volumes"):
        scene(net, options=SHAPES._replace(fold=False))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (SHAPES, "in a row; try --view graph"),
        (SHAPES._replace(depth=3), "--depth 2, or try --view graph"),
        (SHAPES._replace(fold=False), "leave --no-fold away, or try --view graph"),
    ],
)
def test_too_many_volumes_are_refused_with_what_helps(
    options: Options, says: str
) -> None:
    layers = " | ".join(f"conv {8 + n} 3x3 p1" for n in range(450))
    with pytest.raises(PlanError, match=re.escape(says)):
        spine(text_net(f"input 3x64x64 | {layers}"), options)


def test_blocks_that_branch_are_closed() -> None:
    net = spec("classics/googlenet.arch", "googlenet")
    closed = [v.text for v in spine(net, SHAPES).volumes if v.kind == "closed"]
    assert len(closed) == 9
    deep = spine(spec("classics/resnet.arch", "resnet50"), SHAPES._replace(depth=0))
    assert {v.text for v in deep.volumes if v.kind == "closed"} == {
        "layer1",
        "layer2",
        "layer3",
        "layer4",
    }


def test_parts_that_are_joined_are_no_shortcuts() -> None:
    # A fire module expands to 1x1 and to 3x3: neither is a projection.
    made = spine(spec("modern/squeezenet.arch", "squeezenet1_0"), SHAPES)
    assert [v.text for v in made.volumes if v.kind == "closed"] == ["fire"] * 8
    assert not made.skips
    # Nor is one of two branches that are summed, whichever comes first.
    for branches in ("conv 8 1x1, conv 8 3x3 p1", "conv 8 3x3 p1, conv 8 1x1"):
        beside = text_net(f"input 8x8x8 | unit\n\nblock unit {{ add({branches}) }}")
        kinds = [v.kind for v in spine(beside, SHAPES).volumes]
        assert kinds == ["input", "closed"]
    # Across other resolutions it is one.
    across = text_net(
        "input 3x32x32 | top: conv 8 3x3 p1 | conv 16 3x3 s2 p1 | conv 16 3x3 p1\n"
        "upconv 8 2x2 s2 | concat(id, top | conv 4 1x1) | conv 2 1x1"
    )
    assert [skip.projects for skip in spine(across, SHAPES).skips] == [True]


def test_blocks_on_a_residual_way_are_counted() -> None:
    made = scene(spec("torchvision/convnext.arch", "convnext_tiny"), options=SHAPES)
    said = [text.text for text in made.texts]
    assert (said.count("3 × block"), said.count("9 × block")) == (3, 1)


def test_copies_of_copies_are_one_number() -> None:
    net = text_net("input 8x8x8 | {{{conv 8 3x3 p1} x20} x30} x40 | conv 4 1x1")
    made = spine(net, SHAPES)
    assert [each.times for each in made.repetitions] == [24_000]
    assert "×24,000" in [text.text for text in scene(net, options=SHAPES).texts]


def test_an_embedding_tells_its_vocabulary() -> None:
    made = spine(spec("modern/lstm_lm.arch", "lstm_lm_small"), SHAPES)
    assert [v.text for v in made.volumes[1:]] == ["embedding 10000", "lstm", "fc"]


def test_formulas_lose_terms_in_headings() -> None:
    made = scene(
        spec("segmentation/fcn_deeplabv3.arch", "fcn_resnet50"), options=SHAPES
    )
    assert made.texts[0].text.endswith("+ … MACs")
    small = scene(text_net("input 3xHxW | conv 8 3x3 | conv 8 3x3"), options=SHAPES)
    assert small.texts[0].text.endswith("MACs")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("input 10 | fc 5", "bold: channels"),
        ("input 4xT | conv 8 3 p1", "bold: channels; on edges: length"),
        ("input 3x8x8 | conv 4 3x3", "bold: channels; on edges: height × width"),
        (
            "input 3x8x8x8 | conv 4 3x3x3",
            "bold: channels; on edges: depth × height × width",
        ),
        (
            "input 3x8x8 | conv 4 3x3 | tokens | fc 3",
            "bold: channels; on edges: height × width or length",
        ),
    ],
)
def test_what_stands_on_edges_is_told(text: str, says: str) -> None:
    made = scene(text_net(text), options=SHAPES)
    assert says in [text.text for text in made.texts]


def test_arguments_are_not_torn_on_arrows() -> None:
    made = scene(spec("torchvision/mobilenet_v2.arch", "mobilenet_v2"), options=SHAPES)
    said = [text.text for text in made.texts]
    assert "groups 144" in said
    assert not any(text.endswith("groups") for text in said)


def test_no_row_holds_the_input_alone() -> None:
    """Where a shortcut passes a change of resolution, a row ends before it begins."""
    for path, name in (
        ("torchvision/regnet.arch", "regnet_y_400mf"),
        ("segmentation/fcn_deeplabv3.arch", "fcn_resnet50"),
    ):
        made = scene(spec(path, name), options=SHAPES)
        first = [b for b in made.bodies if b.middle == made.bodies[0].middle]
        assert 8 <= len(first) < len(made.bodies), name
        assert not faults(made), name


def test_gates_are_told() -> None:
    net = spec("modern/se_resnet.arch", "se_resnet50")
    assert any("with gate" in v.text for v in spine(net, SHAPES).volumes)


def test_channels_that_are_last() -> None:
    made = scene(spec("torchvision/swin.arch", "swin_t"), options=SHAPES)
    said = {text.text for text in made.texts}
    assert {"56×56", "28×28", "14×14", "7×7", "96", "192", "384", "768"} <= said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("input a: 3x8x8\ninput b: 3x8x8\nadd(a, b) | conv 4 1x1", "2 inputs"),
        (
            "input 3x8x8 | conv 4 1x1\na: relu\nb: conv 2 1x1\noutput(a, b)",
            "2 outputs",
        ),
        (
            "input 3x8x8 | concat(conv 4 1x1 | conv 4 3x3 p1, conv 4 1x1 | conv 4 3x3"
            " p1) | conv 2 1x1",
            "side by side",
        ),
    ],
)
def test_what_is_no_row_is_refused(shell: Shell, text: str, says: str) -> None:
    ran = shell("draw", "-e", text, "--view", "volumes", "-o", "a.svg")
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.err
    assert "--view graph" in ran.err
    assert not (shell.folder / "a.svg").exists()


def test_the_rules_find_what_is_broken(vgg: Network, unet: Network) -> None:
    made = scene(vgg, options=SHAPES)
    assert not faults(made)
    third = made.bodies[3]
    moved = [b._replace(x=b.x - 90) if b is third else b for b in made.bodies]
    assert any("on volume" in fault for fault in faults(made._replace(bodies=moved)))
    lifted = [t._replace(x=made.bodies[2].x + 40, y=200) for t in made.texts]
    found = faults(made._replace(texts=lifted))
    assert any("` on `" in fault for fault in found)
    assert any("on volume" in fault for fault in found)
    assert any("off the paper" in f for f in faults(made._replace(wide=500)))
    across = [line._replace(ends=()) for line in scene(unet, options=SHAPES).lines]
    struck = faults(scene(unet, options=SHAPES)._replace(lines=across))
    assert any("through volume" in fault for fault in struck)
    level = made.texts[-1].y
    strike = made.lines[0]._replace(points=((0, level - 3), (made.wide, level - 3)))
    found = faults(made._replace(lines=[strike]))
    assert any("through `" in fault for fault in found)


def test_copies_of_copies_end() -> None:
    """Layers that give no volume could stand a billion times."""
    inner = "relu"
    for _ in range(28):
        inner = f"{{{inner}}} x2"
    began = time.process_time()
    made = spine(text_net(f"input 3x8x8 | {inner} | conv 3 1x1"), SHAPES)
    assert len(made.volumes) == 2
    assert sum(v.cost.layers for v in made.volumes) == 2**28 + 1
    blocks = "".join(f"block b{n + 1} {{ b{n} | b{n} }}\n" for n in range(27))
    text = f"block b0 {{ relu }}\n{blocks}net n {{\n input 3x8x8\n b27\n}}"
    assert len(spine(text_net(text), SHAPES).volumes) >= 2
    assert time.process_time() - began < 5


def test_many_layers_in_rows() -> None:
    layers = " | ".join(f"conv {8 + n} 3x3 p1" for n in range(150))
    began = time.process_time()
    made = scene(text_net(f"input 3x64x64 | {layers}"), options=SHAPES)
    assert time.process_time() - began < 2
    assert not faults(made)
    assert made.wide <= 1700


def test_what_is_wrong_is_marked() -> None:
    drawn = 0
    for failing in FAILING:
        net = sketch(Source(failing.spec, failing.text), failing.net)
        assert net is not None
        try:
            made = scene(net, options=SHAPES)
        except PlanError:
            continue
        assert not faults(made), failing.net
        marked = [text.text for text in made.texts if text.wrong]
        lines = [line for line in made.lines if line.wrong]
        if not lines:
            # It is in a block that is drawn closed.
            continue
        drawn += 1
        assert len(lines) == 1, failing.net
        assert sorted(marked) == sorted(f"‼ {failing.told}".split(" · "))
        assert made.bodies[lines[0].ends[1]].volume.kind == "wrong"
        ElementTree.fromstring(volumes(net))
        assert "draw=wrong" in tikz(net)
    assert drawn >= 6


# Formats


def test_svg_is_accessible_and_whole(vgg: Network) -> None:
    text = volumes(vgg, options=SHAPES)
    tree = ElementTree.fromstring(text)
    assert tree.get("role") == "img"
    title = tree.find(f"{SVG}title")
    assert title is not None
    assert title.text == "vgg16"
    tips = [element.text or "" for element in tree.iter(f"{SVG}title")]
    assert any(re.search(r"vgg\.arch:\d+ conv 3×3", tip) for tip in tips)
    said = [element.text for element in tree.iter(f"{SVG}text")]
    assert said == [each.text for each in scene(vgg, options=SHAPES).texts]
    assert text == volumes(vgg, options=SHAPES)


def test_themes(vgg: Network) -> None:
    light = volumes(vgg, theme="light", options=SHAPES)
    dark = volumes(vgg, theme="dark", options=SHAPES)
    assert LIGHT.paper in light
    assert DARK.paper in dark
    assert "prefers-color-scheme" in volumes(vgg, options=SHAPES)
    assert 'width="312"' in volumes(vgg, width_in=3.25, options=SHAPES)


def test_light_falls_from_above() -> None:
    def grey(colour: str) -> int:
        return sum(int(colour[at : at + 2], 16) for at in (1, 3, 5))

    shades = [shaded("convolution", shade) for shade in ("front", "top", "side")]
    assert grey(shades[0]) > grey(shades[1]) > grey(shades[2])


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(name: str) -> None:
    net = text_net("input 3x8x8 | conv 4 3x3 | gap | fc 2")._replace(name=name)
    tree = ElementTree.fromstring(volumes(net))
    assert len(list(tree.iter())) == len(
        list(ElementTree.fromstring(volumes(net._replace(name="plain"))).iter())
    )
    document = tikz(net)
    assert max(document) <= "ÿ"
    assert document.count("\\begin{") == 2
    assert document.count("\\node") == tikz(net._replace(name="plain")).count("\\node")


def test_nothing_is_a_command_in_tikz() -> None:
    special = "\\{}$&#%_^~<>|\"'`"
    made = escape(special)
    # What is left when known escapes are taken away is plain.
    left = re.sub(r"\\(text[a-z]+\{\}|[{}$&#%_])", "", made)
    assert left == ""
    assert escape("中‮\n") == "[U+4E2D][U+202E][U+000A]"
    assert escape("64×56") == "64$\\times$56"
    assert escape("--") == "{-}{-}"


def test_tikz_is_the_same_picture(vgg: Network) -> None:
    made = scene(vgg, options=SHAPES)
    text = tikz(vgg, options=SHAPES)
    faces = sum(len(body.faces()) for body in made.bodies) + len(made.swatches)
    assert text.count("\\filldraw") == faces
    assert text.count("\\node") == len(made.texts)
    assert text.count("\\draw") == len(made.lines)
    assert "x=0.7528pt" in text
    narrow = tikz(vgg, width_in=3.25, options=SHAPES)
    unit = re.search(r"x=([0-9.]+)pt", narrow)
    assert unit is not None
    assert float(unit[1]) * made.wide == pytest.approx(3.25 * 72.27, abs=0.1)


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no LaTeX")
@pytest.mark.parametrize("name", ["vgg16", HOSTILE[0]])
def test_latex_draws_it(vgg: Network, name: str, tmp_path: Path) -> None:
    (tmp_path / "a.tex").write_text(tikz(vgg._replace(name=name)))
    done = subprocess.run(
        ["pdflatex", "-interaction=batchmode", "-halt-on-error", "a.tex"],
        cwd=tmp_path,
        capture_output=True,
        timeout=120,
        check=False,
    )
    if b"standalone.cls" in done.stdout:
        pytest.skip("no class standalone")
    assert done.returncode == 0, (tmp_path / "a.log").read_text()[-2000:]


# Command line


def test_the_command_line(shell: Shell) -> None:
    lenet = "input 1x32x32 | conv 6x5x5 | tanh | avgpool 2 | flatten | fc 10"
    ran = shell("draw", "-e", lenet, "--view", "volumes")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("<svg")
    assert shell("draw", "-e", lenet, "--view", "volumes", "-o", "a.svg").status == 0
    assert (shell.folder / "a.svg").read_text() == ran.out
    made = shell("draw", "-e", lenet, "-o", "a.tex")
    assert (made.status, made.err) == (0, "")
    text = (shell.folder / "a.tex").read_text()
    assert text == shell("draw", "-e", lenet, "-f", "tikz").out
    assert "\\begin{tikzpicture}" in text
    told = shell("draw", "-e", lenet, "-f", "tikz", "--show", "shapes,params,macs").out
    assert "156 parameters" in told
    assert "118 k MACs" in told
    assert "156 parameters" not in text
