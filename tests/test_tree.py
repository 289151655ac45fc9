"""The tree of a network: its numbers add up, and it stays in its columns."""

from __future__ import annotations

import unicodedata

import pytest
from test_dot import DENSE, HOSTILE, RESNET, SYMBOLS, TENSORS, everything, network

from archdsl.backends.diagram.options import SHOWN, Options
from archdsl.backends.text.tree import rows, tree
from archdsl.ir.network import Cost

TREE = """\
resnet: 43.2 k parameters, 18.3 M MACs
shapes: channels × height × width

                                     shape     params        MACs
─────────────────────────────────────────────────────────────────
input                                3×32×32
conv 3×3, 16 · bn · relu             16×32×32     464     442,368
layer1: basic                    ×2  16×32×32   9,344   9,437,184
├─ conv 3×3, 16 · bn · relu          16×32×32   4,672   4,718,592
├─ conv 3×3, 16 · bn                 16×32×32   4,672   4,718,592
└─ + add · relu                      16×32×32
layer2.0: basic                      32×16×16  14,528   3,670,016
├─ conv 3×3, 32, /2 · bn · relu      32×16×16   4,672   1,179,648
├─ conv 3×3, 32 · bn                 32×16×16   9,280   2,359,296
├─ down: conv 1×1, 32, /2 · bn       32×16×16     576     131,072
└─ + add · relu                      32×16×16
layer2.1: basic                      32×16×16  18,560   4,718,592
├─ conv 3×3, 32 · bn · relu          32×16×16   9,280   2,359,296
├─ conv 3×3, 32 · bn                 32×16×16   9,280   2,359,296
└─ + add · relu                      32×16×16
gap                                  32
fc 10                                10           330         320
output                               10
─────────────────────────────────────────────────────────────────
total                                          43,226  18,268,480

Numbers are for all copies of a row; ×n is how many the scope around it has.
"""


def test_golden() -> None:
    assert tree(network(RESNET)) == TREE


def test_numbers_add_up() -> None:
    """Leaves to the totals, and each scope's rows to its own."""
    for net in everything():
        for options in (Options(), Options(depth=1), Options(depth=0)):
            found = list(rows(net, None, options))
            total = Cost()
            for row in found:
                total = total.plus(row.cost) if row.leaf else total
            assert total == net.root.cost._replace(
                activation_bytes=total.activation_bytes, connections=total.connections
            ), net.name
            _scopes([(len(row.branch) // 3, row.leaf, row.cost) for row in found])


def _scopes(found: list[tuple[int, bool, Cost]]) -> None:
    for at, (depth, leaf, cost) in enumerate(found):
        inside = Cost()
        for deeper, is_leaf, each in found[at + 1 :]:
            if deeper <= depth:
                break
            inside = inside.plus(each) if is_leaf else inside
        assert leaf or inside == cost


def test_what_is_printed_adds_up() -> None:
    for net in everything():
        if net.facts is not None:
            continue
        lines = tree(net, options=Options(show=("params",))).splitlines()
        begin, end = (at for at, line in enumerate(lines) if line.startswith("───"))
        numbers = [
            int(line.split()[-1].replace(",", ""))
            for line, row in zip(
                lines[begin + 1 : end], rows(net, None, Options()), strict=True
            )
            if row.leaf and row.cost.params
        ]
        assert sum(numbers) == net.root.cost.params, net.name
        if numbers:
            total = lines[end + 1].split()
            assert total == ["total", f"{net.root.cost.params:,}"]


def test_ascii() -> None:
    for net in everything():
        text = tree(net, ascii_only=True)
        assert text.isascii()
        assert len(text.splitlines()) == len(tree(net).splitlines())
    text = tree(network(RESNET), ascii_only=True)
    assert "|- conv 3x3, 16 * bn * relu          16x32x32   4,672   4,718,592" in text
    assert "`- + add * relu" in text
    assert "layer1: basic                    x2  16x32x32" in text
    assert "ceil(H/2)" in tree(network(SYMBOLS), ascii_only=True)
    assert "\\u7db2" in tree(network('input 3x8x8 | "網": relu'), ascii_only=True)


@pytest.mark.parametrize("count", range(1, 4))
def test_columns(count: int) -> None:
    for number in range(3):
        shown = tuple(SHOWN[(number + at) % 3] for at in range(count))
        text = tree(network(RESNET), options=Options(show=shown))
        assert ("params" in text) == ("params" in shown)
        assert ("16×32×32" in text) == ("shapes" in shown)
        assert ("18,268,480" in text) == ("macs" in shown)
        assert ("total" in text) == (shown != ("shapes",))
    bare = tree(network(RESNET), options=Options(show=()))
    assert bare.splitlines()[2] == "input"


def test_ranges_and_training() -> None:
    text = tree(network(DENSE))
    assert "layer1–layer6: dense         ×6  12–32×32×32   5,592  5,308,416" in text
    text = tree(network(TENSORS))
    assert "h: placed2, in training " in text
    # What is in it needs no saying.
    assert "├─ fc 8 · bn · relu " in text
    assert "aux, in training " in text


def width(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(c) in ("W", "F") for c in text)
    return len(text) + wide


def test_wide_letters_keep_their_column() -> None:
    net = network(
        'input 3x8x8 | "網路 abc": conv 4 3x3 | g: {relu | conv 3 1x1 | relu}'
    )
    lines = [line for line in tree(net).splitlines() if "×" in line][1:]
    ends = {width(line[: line.rindex("×")]) for line in lines if "6×6" in line}
    assert len(ends) == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(name: str) -> None:
    text = tree(network(RESNET)._replace(name=f"{name}\n\x1b[2J\r"))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert max(map(len, text.splitlines())) < 120
    assert len(text.splitlines()) == len(TREE.splitlines())
