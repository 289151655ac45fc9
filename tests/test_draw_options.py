"""Options of a picture: no combination of them loses a layer or a number."""

from __future__ import annotations

import re
from itertools import product

import pytest
from test_dot import DENSE, RESNET, SYMBOLS, TENSORS, boxes, everything, network

from archdsl.backends.diagram import plan, words
from archdsl.backends.diagram.closing import Closer, Steps
from archdsl.backends.diagram.options import (
    DIRECTIONS,
    ORDERS,
    SHOWN,
    Options,
    PlanError,
)
from archdsl.backends.diagram.picture import Box, Picture
from archdsl.backends.diagram.plan import MAX_BOXES
from archdsl.backends.graphviz import dot
from archdsl.cli import arguments, values
from archdsl.ir.network import Cost, Network

NESTED = """
block unit c { {conv c 3x3 p1 | relu | conv c 3x3 p1 | relu} x2 }
block stage c { body: unit c x3 | tail: {conv c 1x1 | bn | gap} }
net nested {
  input 3x8x8
  conv 4 1x1
  "encoder.first": {a: unit 4 x2 | unit 4}
  s: stage 8
}
"""


def closed(picture: Picture) -> list[str]:
    """The ids of blocks that are a box, other uses of a block aside."""
    return [
        box.id
        for box, _, _ in boxes(picture.root)
        if box.shape == "closed" and not box.lines[0].startswith("share ")
    ]


def of_one_copy(box: Box, times: int) -> bool:
    """Whether what is written in the box, times its copies, is what it adds up to."""
    low, high = box.params
    return low * times <= box.cost.params <= high * times


def check(net: Network, options: Options, closer: Closer | None = None) -> None:
    total = Cost()
    for box, _, times in boxes(plan(net, None, options, closer).root):
        total = total.plus(box.cost)
        if box.shape in ("layer", "merge", "source"):
            named = sum(len(line.split(" · ")) for line in box.lines)
            assert box.cost.layers == named * times, (net.name, options, box.id)
        if box.lines and not box.lines[0].startswith("share"):
            assert of_one_copy(box, times), (net.name, options, box.id)
    assert total.layers == net.root.cost.layers, (net.name, options)
    assert total.params == net.root.cost.params, (net.name, options)
    assert total.macs == net.root.cost.macs, (net.name, options)


def test_nothing_is_lost() -> None:
    """All specs with all depths, folded and not, whatever is shown in what order."""
    unfolded = 0
    for number, net in enumerate(everything()):
        shown, order = SHOWN[: number % 4], ORDERS[number % 2]
        for depth, fold in product((None, 0, 1, 2), (True, False)):
            if not fold and depth is not None and (number + depth) % 3:
                # Enough of them, in a third of the time.
                continue
            options = Options(depth, (), fold, shown, order)
            try:
                check(net, options)
            except PlanError:
                assert not fold
                assert net.root.cost.layers > MAX_BOXES / 3, net.name
            else:
                unfolded += not fold
    assert unfolded > 200


def test_nothing_is_lost_where_blocks_close_by_themselves() -> None:
    """From all open to all closed, with some steps between."""
    steps_taken = 0
    for net in everything():
        closer = Closer()
        left = drawn(net, closer)
        steps = Steps(closer)
        for number in sorted({1, len(steps) // 2, len(steps) - 1} & set(range(1, 99))):
            if number < len(steps):
                closer.begin(steps[number])
                check(net, Options(), closer)
                closer.begin(steps[number])
                now = drawn(net, closer)
                assert now <= left, (net.name, number)
                left = now
                steps_taken += 1
    assert steps_taken > 250


def drawn(net: Network, closer: Closer) -> int:
    return len(list(boxes(plan(net, None, Options(), closer).root)))


TWICE = """
default conv same
block unit c act=true { conv c 3x3 | bn
  relu if act
}
block cell c k { a: unit c | conv c k | b: unit c act=false | add(in, id) }
block stage c n { cell c 3 x=n | cell c 5 }
net twice {
  input 4x8x8
  stage 4 2
  conv 8 1x1 | stage 8 3
  stage 8 2
}
"""


def test_classes_close_from_the_inside_out() -> None:
    net = network(TWICE)
    closer = Closer()
    assert not closed(plan(net, None, Options(), closer))
    steps = Steps(closer)
    shut = []
    for number in range(len(steps)):
        closer.begin(steps[number])
        shut.append(closed(plan(net, None, Options(), closer)))
    first = ["stage1.cell3", "stage2.cell1", "stage2.cell4"]
    rest = ["stage3.cell1", "stage3.cell3"]
    # The first cell is open, then the first stage, then neither.
    assert shut == [
        [],
        [*first, *rest],
        ["stage1.cell3", "stage2", "stage3"],
        ["stage1.cell1", "stage1.cell3", "stage2", "stage3"],
        ["stage1", "stage2", "stage3"],
    ]
    fewer = [steps[4].without(way) for way in steps.wider(steps[4])]
    assert [steps[4] == each for each in fewer] == [False] * len(fewer)


def test_a_closed_box_tells_in_what_its_uses_differ() -> None:
    told = {
        box.id: box.lines
        for box, _, _ in boxes(plan(network(TWICE), None, Options(depth=0)).root)
        if box.shape == "closed"
    }
    assert told == {
        "stage1": ["stage1 c=4, n=2", "21 layers"],
        "stage2": ["stage2 c=8, n=3", "28 layers"],
        "stage3": ["stage3 c=8, n=2", "21 layers"],
    }


DROPS = """
default conv same
block cell c k at odd=0 {
  conv c k
  relu if odd > 0
  droppath 0.1*at
  add(id, in)
}
net drops n=6 {
  input 4x8x8
  a: cell 4 3 i x=n
  b: cell 4 3+2*(i%2) 1+i odd=i%2 x=n
}
"""


def test_copies_that_differ_in_a_rate_are_drawn_once() -> None:
    text = dot(network(DROPS))
    assert '"a: cell  ×6"' in text
    assert "droppath 0–0.5" in text
    # What else they differ in keeps them apart, until they are closed.
    assert '"b.5: cell"' in text
    folded = plan(network(DROPS), None, Options(depth=0))
    (other,) = (box for box, _, _ in boxes(folded.root) if box.id == "b.0")
    # The rate is left out: `at` sets nothing else.
    assert words.lines(other) == ["b: cell k=3–5, odd=0–1 ×6", "3–4 layers"]
    assert other.note == "148–404 each"
    check(network(DROPS), Options(depth=0))
    opened = plan(network(DROPS), None, Options(depth=0, expand=("b.3",)))
    assert closed(opened) == ["a.0", "b.0", "b.4"]


def test_each_block_that_is_closed_can_be_opened() -> None:
    opened = 0
    for net in everything():
        for path in closed(plan(net, None, Options(depth=0))):
            if "_" in path or "-" in path:
                # In an id these stand for signs that are none of a path.
                continue
            options = Options(depth=0, expand=(path,))
            assert path not in closed(plan(net, None, options)), (net.name, path)
            check(net, options)
            opened += 1
    assert opened > 100


def test_depth() -> None:
    net = network(NESTED)
    assert closed(plan(net, None, Options(depth=0))) == ["encoder_first", "s"]
    assert closed(plan(net, None, Options(depth=1))) == [
        *("encoder_first.a.0", "encoder_first.1", "s.body.0", "s.body.1", "s.tail")
    ]
    assert not closed(plan(net, None, Options(depth=2)))
    assert plan(net, None, Options(depth=99)).root.items


def test_a_block_of_one_box_is_not_closed() -> None:
    net = network(RESNET)
    text = dot(net, options=Options(depth=1))
    assert r"down: conv 1×1, 32, /2\nbn\n576" in text
    assert "closed" not in [b.shape for b, _, _ in boxes(plan(net).root)]


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("s", ["encoder_first", "s.body.0", "s.body.1", "s.tail"]),
        ("s.body", ["encoder_first", "s.tail"]),
        ("s.body.0", ["encoder_first", "s.body.1", "s.tail"]),
        ("s.body.2", ["encoder_first", "s.body.0", "s.tail"]),
        ("encoder.first.a.1", ["encoder_first.1", "s"]),
    ],
)
def test_expand(path: str, left: list[str]) -> None:
    options = Options(depth=0, expand=(path,))
    net = network(NESTED)
    assert closed(plan(net, None, options)) == left
    check(net, options)


def test_expand_copies_that_are_folded() -> None:
    net = network(DENSE)
    first = closed(plan(net, None, Options(depth=0)))
    assert first == ["layer1", "dense7", "dense8"]
    for path in ("layer1", "layer4", "layer6"):
        opened = plan(net, None, Options(depth=0, expand=(path,)))
        assert closed(opened) == ["dense7", "dense8"]
    opened = plan(net, None, Options(depth=0, expand=("dense8",)))
    assert closed(opened) == ["layer1", "dense7"]


GROUPS = """
block unit c { conv c 3x3 p1 | relu | conv c 1x1 }
block pair c { unit c | unit c }
net groups {
  input 4x8x8
  {unit 4 | pair 4 | {unit 4 | pair 4} x2} x3
  {unit 6 | pair 6} x2
  enc: pair 6
  share enc
}
"""


@pytest.mark.parametrize(
    ("path", "opened"),
    [
        ("unit1", "unit1"),
        ("unit4", "unit1"),
        ("pair7", "pair1"),
        ("unit3", "unit2"),
        ("unit9", "unit2"),
        ("pair9", "pair2"),
        ("unit10", "unit10"),
        ("unit11", "unit11"),
        ("enc", "enc"),
    ],
)
def test_expand_copies_of_anonymous_groups(path: str, opened: str) -> None:
    net = network(GROUPS)
    whole = closed(plan(net, None, Options(depth=0)))
    left = closed(plan(net, None, Options(depth=0, expand=(path,))))
    inside = [f"{opened}.unit1", f"{opened}.unit2"] if opened[:4] != "unit" else []
    assert set(left) == {*whole, *inside} - {opened}
    check(net, Options(depth=0, expand=(path,)))


def test_expand_inside_a_copy_of_an_anonymous_group() -> None:
    left = closed(plan(network(GROUPS), None, Options(0, ("pair7.unit2",))))
    assert "pair1.unit1" in left
    assert "pair1" not in left
    assert "pair1.unit2" not in left


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("layer7", "did you mean `layer1`?"),
        ("layer1.conv1", "there is no block `layer1.conv1` to open"),
        ("conv1", "there is no block `conv1` to open"),
        ("", "there are `layer1`, `dense7`, `dense8`"),
        ("layer1" + "0" * 5000, "to open"),
        ("(*", "to open"),
    ],
)
def test_expand_what_is_no_block(path: str, says: str) -> None:
    with pytest.raises(PlanError, match="to open") as problem:
        plan(network(DENSE), None, Options(depth=0, expand=("dense7", path)))
    assert says in str(problem.value)


def test_expand_needs_something_closed() -> None:
    with pytest.raises(PlanError, match="open already"):
        plan(network(DENSE), None, Options(expand=("layer1",)))


def test_every_copy() -> None:
    net = network(RESNET.replace("n=2", "n=3"))
    picture = plan(net, None, Options(fold=False))
    assert all(box.times == 1 for box, _, _ in boxes(picture.root))
    assert all(frame.times == 1 for _, frame, _ in boxes(picture.root))
    text = dot(net, options=Options(fold=False))
    for title in ("layer1.0: basic", "layer1.1: basic", "layer2.2: basic"):
        assert f'"{title}"' in text
    assert len(re.findall('layer2.1.conv[12]" \\[label', text)) == 2


def test_too_many_copies() -> None:
    fine = network(f"input 3x8x8 | {{conv 3 1x1 | conv 3 1x1}} x{MAX_BOXES // 4}")
    plan(fine, None, Options(fold=False))
    for text in (
        "input 3x8x8 | {conv 3 1x1 | conv 3 1x1} x3000",
        "input 3x8x8 | relu x1000000000",
        "input 3x8x8 | {{conv 3 1x1 | gap | fc 3 | unflatten 3x1x1} x1000} x1000",
    ):
        with pytest.raises(PlanError, match="more than 4,000 boxes"):
            plan(network(text), None, Options(fold=False))


def test_what_is_shown() -> None:
    net = network(RESNET)
    text = dot(net, options=Options(show=("macs",)))
    assert "in boxes: MACs" in text
    assert "on edges" not in text
    assert not [edge for edge in plan(net, None, Options(show=())).edges if edge.label]
    assert r"conv 3×3, 16\nbn · relu\n442 k" in text
    text = dot(net, options=Options(show=SHOWN))
    assert "in boxes: parameters and MACs" in text
    assert r"\n464 params, 442 k MACs" in text
    growing = dot(network(DENSE), options=Options(show=("params", "macs")))
    assert "144–504 params, 131–459 k MACs" in growing
    symbols = dot(network(SYMBOLS), options=Options(show=("macs",)))
    assert "216·⌈H/2⌉·⌈W/2⌉" in symbols
    # What is computed in training only is not in the total.
    assert "20 params" in dot(network(TENSORS), options=Options(show=SHOWN))
    assert "20 params, 16 MACs" not in dot(
        network(TENSORS), options=Options(show=SHOWN)
    )


def test_channels_last() -> None:
    told = [edge.label for edge in plan(network(RESNET)).edges if edge.label]
    last = plan(network(RESNET), None, Options(order="hwc"))
    assert told == ["3×32×32", "16×32×32", "32×16×16", "32", "10"]
    assert [edge.label for edge in last.edges if edge.label] == [
        *("32×32×3", "32×32×16", "16×16×32", "32", "10")
    ]
    options = Options(order="hwc")
    assert "height × width × channels" in dot(network(RESNET), options=options)
    assert "⌈H/2⌉×⌈W/2⌉×8" in dot(network(SYMBOLS), options=options)
    assert "4×16" in dot(network(TENSORS), options=options)
    grown = [edge.label for edge in plan(network(DENSE), None, options).edges]
    assert "32×32×36" in grown
    film = network("input 3x5x8x9 | conv 4 3x3x3 p1")
    assert "5×8×9×3" in dot(film, options=options)


TURNED = """
net turned {
  input 3x32x24
  conv 16 4x4 s4 | permute 1 2 0 | ln last | fc 8 last
  rearrange "(a p) (b q) c -> (a b) (p q) c" p=2 q=2
  rearrange "g p (h d) -> g h p d" h=2
  rearrange "g h p d -> g p (h d)" | fc 20 last
  rearrange "(a b) (p q) c -> c (a p) (b q)" a=4 p=2
  conv 5 1x1
}
"""


def test_channels_last_turns_the_axis_of_the_channels() -> None:
    options = Options(order="hwc")
    net = network(TURNED)
    seen = {box.id: box.out for box, _, _ in boxes(plan(net, None, options).root)}
    assert seen["conv1"] == "8×6×16"
    # Here they stand last already.
    assert seen["permute1"] == "8×6×16"
    assert seen["rearrange1"] == "12×4×8"
    # Split into heads, they are no axis: the shape stays as it is.
    assert seen["rearrange2"] == "12×2×4×4"
    assert seen["fc2"] == "12×4×20"
    assert seen["rearrange4"] == "8×6×20"
    assert seen["output"] == "8×6×5"
    assert "height × width × channels where known" in dot(net, options=options)
    assert "where known" not in dot(network(RESNET), options=options)


def test_channels_last_in_closed_blocks() -> None:
    text = """
    block turn { permute 1 2 0 | ln last }
    block back { permute 2 0 1 | relu }
    input 3x8x6 | turn | back | turn
    """
    found = plan(network(text), None, Options(depth=0, order="hwc"))
    closed_boxes = [box for box, _, _ in boxes(found.root) if box.shape == "closed"]
    assert [box.out for box in closed_boxes] == ["8×6×3", "8×6×3", "8×6×3"]


def test_to_the_right() -> None:
    assert "rankdir=LR" in dot(network(RESNET), direction="LR")
    assert "rankdir=TB" in dot(network(RESNET))


def test_the_command_line_knows_all_options() -> None:
    assert arguments.DIRECTIONS == DIRECTIONS
    assert values.SHOWN == SHOWN
    assert arguments.ORDERS == ORDERS


def test_a_long_name_cuts_nothing_off_the_layer() -> None:
    name = "patches_" * 6
    net = network(f"input 3x64x64 | {name}: conv 8 16x16 s16")
    said = f"{name}: conv 16×16, 8, /16"
    assert said in dot(net)


def test_what_makes_maps_larger_is_not_told_as_a_divisor() -> None:
    text = dot(network("input 3x8x8 | upconv 4 2x2 s2 | conv 4 2x2 s2"))
    assert "upconv 2×2, 4, stride 2" in text
    assert "conv 2×2, 4, /2" in text
