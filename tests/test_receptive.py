"""Receptive fields: known values, and the gradient's extent."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import archdsl
from archdsl.ir.network import Network
from archdsl.ir.receptive import Receptive, receptive

SPECS = Path(__file__).parents[1] / "specs"


def network(text: str) -> Network:
    return archdsl.check(text if "\n" in text else f"{text}\n").network()


def found(text: str) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    result = receptive(network(text))
    return None if result is None else (result.size, result.stride)


# Araujo et al. 2019, table 1, where the ResNets stride as their paper has it.
@pytest.mark.parametrize(
    ("file", "net", "size", "stride"),
    [
        ("alexnet", "alexnet", 195, 32),
        ("vgg", "vgg16", 212, 32),
        ("resnet", "resnet18", 435, 32),
        ("resnet", "resnet50", 483, 32),
        ("resnet", "resnet101", 1027, 32),
        ("resnet", "resnet152", 1507, 32),
    ],
)
def test_known_values(file: str, net: str, size: int, stride: int) -> None:
    checked = archdsl.check(SPECS / "classics" / f"{file}.arch", net)
    result = receptive(checked.network(net))
    assert isinstance(result, Receptive)
    assert (result.size, result.stride) == ((size,) * 2, (stride,) * 2)


def test_resnet_50_with_the_strides_of_torchvision() -> None:
    text = (SPECS / "classics" / "resnet.arch").read_text(encoding="utf-8")
    block = text[text.index("block bottleneck") :]
    later = block.replace("width 1x1 s=stride", "width 1x1", 1).replace(
        "width 3x3 ", "width 3x3 s=stride ", 1
    )
    text = text.replace(block, later.partition("net resnet50 ")[0])
    text += "net resnet50 = resnet unit=bottleneck n=[3,4,6,3]\n"
    result = receptive(archdsl.check(text, "resnet50").network("resnet50"))
    assert result is not None
    assert (result.size, result.stride) == ((427, 427), (32, 32))


CASES = [
    "conv 4x3x3",
    "conv 4x5x3 s2x1 p1",
    "conv 4x3x3 d3 | relu | avgpool 2",
    "conv 4x7x7 s2 p3 | bn | relu | avgpool 3 s2 p1 | conv 4x3x3 p1 x3",
    "{conv 4x3x3 p1 | avgpool 2} x3",
    "conv 4x1x1 | add(id, conv 4x3x3 p1 | conv 4x3x3 p1)",
    "concat(conv 4x1x1 s2, conv 2x3x3 s2 p1, avgpool 2 s2, conv 1x5x5 s2 p2)",
    "a: conv 4x3x3 p1 | conv 4x3x3 p1 | conv 4x4x4 p1 s1 | conv 4x4x4 p2",
    "decimate 2 | conv 4x3x3 | padchannels 6 | conv 3x2x2 s3",
    "conv 8x3x3 g1 | mul(conv 8x5x5 p2 | relu, id) | adaptive 47",
    "concat(conv 4x3x3, conv 4x3x3) | {add(id, conv 8x3x3 p1 d1)} x4 | avgpool 3 s1",
    "b: {conv 4x3x3 p1 | add(id, c: conv 4x3x3 p1 d2 | d: conv 4x3x3 p1)}"
    " if false else conv 4x3x3",
]


@pytest.mark.parametrize("case", CASES)
def test_the_gradient_reaches_so_far_and_no_farther(case: str) -> None:
    text = f"net n {{\n  input 2x96x96\n  {case}\n}}\n"
    result = receptive(network(text))
    assert result is not None
    module = archdsl.load(text).eval().double()
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.Conv1d | nn.Conv2d):
                part.weight.fill_(1)
    extents = []
    x = torch.ones(1, 2, 96, 96, dtype=torch.float64, requires_grad=True)
    out = module(x)
    middle = [size // 2 for size in out.shape[2:]]
    for step in ((0, 0), (1, 1)):
        (gradient,) = torch.autograd.grad(
            out[0, :, middle[0] + step[0], middle[1] + step[1]].sum(),
            x,
            retain_graph=True,
        )
        places = gradient[0].sum(0).nonzero()
        extents.append((places.min(0).values, places.max(0).values))
    (first, last), (moved, _) = extents
    assert tuple((last - first + 1).tolist()) == result.size
    assert tuple((moved - first).tolist()) == result.stride


def test_the_last_map_is_the_one_that_is_meant() -> None:
    body = "conv 4x3x3 | maxpool 2"
    expected = ((4, 4), (2, 2))
    for end in (
        "gap | fc 10",
        "flatten | fc 10 | relu | fc 10",
        "avgpool 15 | dropout | flatten",
        "adaptive 1 | flatten | fc 2",
        "head: {gap | {fc 10 | relu} x3}",
        "maxpool 15 | classifier: {flatten | fc 4 | relu} | last: {fc 4 | relu}",
    ):
        assert found(f"input 3x32x32 | {body} | {end}") == expected
    assert found(f"input 3x32x32 | all: {{{body} | gap}} | fc 10") == expected
    text = f"block b {{ {body} | gap | fc 3 }}\nnet n {{ input 3x32x32 | b | fc 2 }}"
    assert found(text) == expected
    # A convolution over the whole map is one of its layers.
    assert found("input 3x8x8 | conv 4x8x8 | relu | flatten") == ((8, 8), (1, 1))


@pytest.mark.parametrize(
    "text",
    [
        "input 3x8x8 | relu",
        "input 3x8x8 | flatten | fc 3",
        "input 16 | fc 3",
        # The strides differ, or a window differs from place to place.
        "input 3x9x9 | conv 3x1x1 | add(conv 3x9x9 s2, maxpool 1 s9)",
        "input 3x9x9 | conv 3x3x3 | adaptive 3 | flatten",
        "input 3x8x8 | conv 4x3x3 | adaptive 4 | gap",
    ],
)
def test_what_is_not_known_is_left_out(text: str) -> None:
    assert found(text) is None


def test_wide_and_deep_is_quick() -> None:
    assert found("input 3x8x8 | conv 3x3x3 p1 x100000000") == (
        (200_000_001, 200_000_001),
        (1, 1),
    )
    text = "".join(
        f"block b{a}_ {{ b{a - 1}_ | relu | b{a - 1}_ }}\n" for a in range(1, 20)
    )
    text = f"block b0_ {{ conv 3x3x1 p1x0 }}\n{text}net n {{ input 3x8x8 | b19_ }}"
    assert found(text) == ((2**20 + 1, 1), (1, 1))
    vector = text.replace("conv 3x3x1 p1x0", "fc 9").replace("3x8x8", "9")
    ended = vector.replace("input 9 |", "input 3x8x8 | conv 9x3x3 | gap |")
    assert found(ended) == ((3, 3), (1, 1))
    grown = found("input 3x8x8 | {conv 3x1x1 s2} x1000000")
    assert grown is None
