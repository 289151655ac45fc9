"""`summary --sort` and `summary --by`."""

from __future__ import annotations

from pathlib import Path

import pytest
from shell import Shell

import archdsl
from archdsl.backends.text.ranking import (
    grouped_table,
    measure,
    places,
    sorted_table,
)
from archdsl.ir.flat import layers
from archdsl.ir.network import Cost, Network

SPECS = Path(__file__).parents[1] / "specs"
TEXT = """\
block b c { conv c 3x3 p1 | relu }
net n {
  input 4x8x8
  {b 4 x2 | b 8} if false else b 4
  more: {b 4 | {b 4 | relu} x3} x2
  gap | fc 2
}
"""


def network(file: str, net: str) -> Network:
    return archdsl.check(SPECS / "classics" / file, net).network(net)


NETS = [
    ("resnet.arch", "resnet50"),
    ("resnet_cifar.arch", "resnet1202"),
    ("preresnet.arch", "preresnet164"),
    ("googlenet.arch", "googlenet"),
    ("vgg.arch", "vgg16"),
]


@pytest.mark.parametrize(("file", "net"), NETS)
def test_nothing_is_lost_and_nothing_counted_twice(file: str, net: str) -> None:
    found = network(file, net)
    total = Cost()
    for place in places(found):
        total = total.plus(place.stage.cost.times(place.times))
    assert total == found.root.cost
    flat: dict[int, list[str]] = {}
    for layer in layers(found):
        flat.setdefault(id(layer.stage), []).append(layer.path)
    assert [(p.path, p.times) for p in places(found)] == [
        (paths[0], len(paths)) for paths in flat.values()
    ]


def test_the_largest_first() -> None:
    table = sorted_table(network("vgg.arch", "vgg16"), "params")
    head, _, first, *_ = table.split("\n")[2:]
    assert head.split() == ["layer", "call", "output", "parameters", "share"]
    assert first.split() == "classifier.0 fc 4096 4096 102,764,544 74.3 %".split()
    assert "23 layers have no parameters." in table
    found = network("resnet.arch", "resnet50")
    for by in ("macs", "params", "activations"):
        rows = sorted_table(found, by).splitlines()
        assert any("layer3.1.conv2" in row and "×5" in row for row in rows)
    assert measure(found.root.cost, "macs", 3) == 3 * found.root.cost.macs


def test_groups() -> None:
    found = archdsl.check(TEXT).network()
    rows = [line.split() for line in grouped_table(found, "block").splitlines()]
    assert rows[4][:5] == ["b", "18", "1,332", "99.3", "%"]
    assert rows[5][:2] == ["(the", "net)"]
    assert rows[5][2] == "8"
    rows = [line.split() for line in grouped_table(found, "kind").splitlines()]
    assert [row[:2] for row in rows[4:8]] == [
        ["conv", "9"],
        ["fc", "1"],
        ["gap", "1"],
        ["relu", "15"],
    ]


def test_copies_are_never_written_out() -> None:
    text = "".join(
        f"block b{a}_ {{ b{a - 1}_ x1000 | relu | b{a - 1}_ }}\n" for a in range(1, 3)
    )
    text = f"block b0_ {{ conv 3x1x1 }}\n{text}net n {{ input 3x8x8 | b2_ x900 }}"
    found = archdsl.check(text).network()
    (conv, relu, other) = places(found)
    assert (conv.path, conv.times) == ("b2_1.b1_1.b0_1.conv1", 900 * 1001**2)
    assert (relu.times, other.times) == (900 * 1001, 900)


def test_on_the_command_line(shell: Shell) -> None:
    shell.file("n.arch", TEXT)
    ran = shell("summary", "n.arch", "--sort", "macs", "--batch", "2")
    assert ran.status == 0
    assert "more.0.b1.conv1" not in ran.out
    assert "×9" in ran.out
    assert "a batch of 2" in ran.out
    assert shell("summary", "n.arch", "--by", "kind").status == 0
    assert shell("summary", "-e", "input 3x8x8 | relu", "--sort", "macs").status == 0
    assert shell("summary", "-e", "input 3x8x8 | relu", "--by", "block").status == 0
    for wrong in ("--sort macs --by kind", "--json --sort macs", "--expand --by kind"):
        ran = shell("summary", "n.arch", *wrong.split())
        assert ran.status == 2
        assert "give one of" in ran.err
    assert shell("summary", "n.arch", "--expand", "--json").status == 0
