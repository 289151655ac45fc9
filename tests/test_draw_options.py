"""Options of a picture: no combination of them loses a layer or a number."""

from __future__ import annotations

import re
from itertools import product

import pytest
from test_dot import DENSE, RESNET, SYMBOLS, TENSORS, boxes, everything, network

from archdsl.backends.diagram import plan
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
from archdsl.cli import arguments
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


def check(net: Network, options: Options) -> None:
    total = Cost()
    for box, _, times in boxes(plan(net, None, options).root):
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


def test_to_the_right() -> None:
    assert "rankdir=LR" in dot(network(RESNET), direction="LR")
    assert "rankdir=TB" in dot(network(RESNET))


def test_the_command_line_knows_all_options() -> None:
    assert arguments.DIRECTIONS == DIRECTIONS
    assert arguments.SHOWN == SHOWN
    assert arguments.ORDERS == ORDERS
