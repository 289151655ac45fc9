"""The table of layers and the same as data."""

from __future__ import annotations

import json

import pytest

from archdsl.backends.text.summary import summary_json, summary_table
from archdsl.backends.text.wording import call, human
from archdsl.ir.dump import dump
from archdsl.ir.flat import layers
from archdsl.ir.network import Network
from archdsl.pipeline import check
from archdsl.source import Source

ALEXNET = """\
net alexnet classes=1000 {
  input 3x227x227
  conv 96x11x11 s4   | relu | lrn 5 | maxpool 3 s2
  conv 256x5x5 p2 g2 | relu | lrn 5 | maxpool 3 s2
  conv 384x3x3 p1    | relu
  conv 384x3x3 p1 g2 | relu
  conv 256x3x3 p1 g2 | relu | maxpool 3 s2
  flatten
  {fc 4096 | relu | dropout 0.5} x2
  fc classes
}
"""

RESNET = """\
default conv same bias=false
block basic c s=1 {
  conv c 3x3 s=s | bn | relu
  conv c 3x3     | bn
  add(id, in | downsample: {conv c 1x1 s=s | bn} if s > 1 or in.c != c else in)
  relu
}
net resnet {
  input 3x32x32
  conv 8x3x3 | bn | relu
  layer1: basic 8         x3
  layer2: basic 16 s=[2,1] x3
  gap | fc: fc 10
}
"""


def network(text: str) -> Network:
    checked = check(Source("test.arch", text))
    assert not checked.diagnostics, checked.diagnostics
    (found,) = checked.networks.values()
    return found


def rows(table: str) -> list[list[str]]:
    """The words of each row between the two rules."""
    lines = table.split("\n")
    first, last = [at for at, line in enumerate(lines) if line.startswith("──")]
    return [line.split() for line in lines[first + 1 : last]]


def test_the_whole_table() -> None:
    text = "net tiny {\n  input 3x8x8\n  conv 4x3x3 s2 | relu x2\n  flatten | fc 10\n}"
    assert summary_table(network(text)) == (
        "tiny: 3x8x8 → 10\n"
        "482 parameters, all trainable\n"
        "1,332 MACs, 616 B of activations\n"
        "5 layers\n"
        "receptive field 3x3, stride 2, of the last map, 4x3x3\n"
        "\n"
        "layer         call           output  parameters   MACs\n"
        "──────────────────────────────────────────────────────\n"
        "conv1         conv 4x3x3 s2  4x3x3          112    972\n"
        "relu1–2   ×2  relu           4x3x3\n"
        "flatten1      flatten        36\n"
        "fc1           fc 10          10             370    360\n"
        "──────────────────────────────────────────────────────\n"
        "total                                       482  1,332\n"
        "\n"
        "The numbers beside ×n are for all copies; one is shown below it.\n"
    )


def test_published_totals() -> None:
    table = summary_table(network(ALEXNET))
    assert "60,965,224 (60.97 M) parameters" in table
    first = ["conv1", "conv", "96x11x11", "s4", "96x55x55", "34,944", "105,415,200"]
    assert rows(table)[0] == first


def test_the_first_copy_stands_apart_from_the_rest() -> None:
    found = rows(summary_table(network(RESNET)))
    layer1 = next(row for row in found if row[0] == "layer1")
    assert layer1[:5] == ["layer1", "×3", "basic", "8", "8x32x32"]
    at = next(at for at, row in enumerate(found) if row[0] == "layer2")
    assert found[at][:4] == ["layer2", "×3", "basic", "16x16x16"]
    assert found[at + 1][:4] == ["0", "basic", "16", "s2"]
    rest = next(row for row in found if row[0] == "1–2")
    assert rest[:5] == ["1–2", "×2", "basic", "16", "s1"]
    # One copy of each is written out.
    assert sum(row[0] == "conv2" for row in found) == 3


def test_rows_of_repeats_count_all_copies() -> None:
    found = rows(summary_table(network(RESNET)))
    one = 2 * (8 * 8 * 9 + 2 * 8)
    layer1 = next(row for row in found if row[0] == "layer1")
    assert layer1[-2] == f"{3 * one:,}"


def test_expanded_every_copy_is_a_row() -> None:
    net = network(RESNET)
    found = rows(summary_table(net, expand=True))
    assert not any("–" in row[0] for row in found)
    assert sum(row[0] == "conv2" for row in found) == 6


def test_wide_repeats_are_one_row_and_quick() -> None:
    text = "block b { relu | conv 3x1x1 }\nnet n { input 3x8x8 | b x100000000 }"
    found = rows(summary_table(network(text)))
    assert [row[0] for row in found] == ["b1–100000000", "relu1", "conv1"]


def test_a_module_used_again_is_shown_once() -> None:
    text = "".join(
        f"block b{a}_ {{ b{a - 1}_ | relu | b{a - 1}_ }}\n" for a in range(1, 20)
    )
    net = network(f"block b0_ {{ relu }}\n{text}net n {{ input 3x8x8 | b19_ }}")
    assert net.root.cost.layers == 2**20 - 1
    assert len(rows(summary_table(net))) == 59


def test_batch_multiplies_what_grows_with_it() -> None:
    net = network(ALEXNET)
    one, four = summary_json(net), summary_json(net, batch=4)
    assert four["params"] == one["params"]
    assert four["macs"] == 4 * net.root.cost.macs
    assert four["activation_bytes"] == 4 * net.root.cost.activation_bytes
    assert "batch of 4" in summary_table(net, batch=4)


def test_json_adds_up() -> None:
    net = network(RESNET)
    data = json.loads(json.dumps(summary_json(net)))
    listed = data["layers"]
    assert data["net"] == "resnet"
    assert data["inputs"] == [[3, 32, 32]]
    assert data["outputs"] == [[10]]
    assert data["receptive_field"] == {
        "size": [37, 37],
        "stride": [2, 2],
        "map": [16, 16, 16],
    }
    assert len(listed) == net.root.cost.layers
    for total in ("params", "macs", "activation_bytes"):
        assert sum(layer[total] for layer in listed) == data[total]
    assert listed[0] == {
        "path": "conv1",
        "kind": "conv",
        "in": [[3, 32, 32]],
        "out": [8, 32, 32],
        "params": 216,
        "macs": 221184,
        "activation_bytes": 32768,
        "line": 10,
        "shared": False,
        "training": False,
    }
    add = next(layer for layer in listed if layer["kind"] == "add")
    assert add["path"] == "layer1.0.add1"
    assert add["in"] == [[8, 32, 32], [8, 32, 32]]
    assert len({layer["path"] for layer in listed}) == len(listed)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("conv 4 3", "conv 4x3x3"),
        ("conv 4x3x3 s2 p1", "conv 4x3x3 s2 p1"),
        ("conv 4x3x3 s=2x1 bias=false", "conv 4x3x3 s2x1 bias=false"),
        ("conv 4x3x3 s1 same", "conv 4x3x3 same"),
        ("maxpool 3 s2 ceil", "maxpool 3 s2 ceil"),
        ("maxpool 2x1", "maxpool 2x1"),
        ("conv c=4 k=3", "conv 4x3x3"),
        ("relu", "relu"),
        ("dropout 0.2", "dropout 0.2"),
        ("dropout", "dropout"),
    ],
)
def test_calls_as_written(written: str, shown: str) -> None:
    (layer,) = layers(network(f"input 3x8x8 | {written}"))
    assert call(layer.stage) == shown


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.000 k"),
        (999_949, "999.9 k"),
        (999_999, "1.000 M"),
        (25_557_032, "25.56 M"),
        (123_456_789_000, "123.5 G"),
        (2**63, "9.223 E"),
    ],
)
def test_human_numbers(number: int, text: str) -> None:
    assert human(number) == text


def test_dump_is_stable_and_whole() -> None:
    text = dump(network(RESNET))
    assert text == dump(network(RESNET))
    assert "layer2: repeat x3" in text
    assert "downsample: {} group" in text
    assert "block 1 basic c=8 s=1" in text
    assert text.count("\nblock ") == 3
