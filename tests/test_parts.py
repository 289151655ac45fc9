"""Parts of axes, means over several, sizes of maps: by value, and with symbols."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from archdsl.backends.torch.emit import emit
from archdsl.pipeline import check
from archdsl.runtime.load import execute
from archdsl.shapes.symbols import Symbolic
from archdsl.source import Source


def source(text: str) -> str:
    """The PyTorch source of a text."""
    found = check(Source("t.arch", text))
    assert not found.diagnostics, found.diagnostics[0].message
    return emit(found.networks[""])


def built(text: str) -> nn.Module:
    """The net of a text."""
    module: nn.Module = execute(source(text)).Net()
    return module


def refused(text: str) -> tuple[str, str]:
    """The code and message of the one mistake in a text."""
    (found,) = check(Source("t.arch", text)).diagnostics
    return found.code, found.message


def numbers(*sizes: int) -> Tensor:
    return torch.arange(float(torch.Size((2, *sizes)).numel())).reshape(2, *sizes)


@pytest.mark.parametrize("index", range(3))
def test_parts_are_those_of_torch(index: int) -> None:
    x = numbers(6, 9)
    parts = x.chunk(3, 2)[index]
    assert torch.equal(built(f"input 6x9 | chunk 3 {index} d")(x), parts)
    assert torch.equal(built(f"input 6x9 | one: chunk 3 {index} d")(x), parts)
    parts = x.split([2, 6, 1], 2)[index]
    assert torch.equal(built(f"input 6x9 | split [2, 6, 1] {index} d")(x), parts)
    assert torch.equal(built(f"input 6x9 | one: split [2, 6, 1] {index} d")(x), parts)


def test_mean_and_amax_over_several_axes() -> None:
    x = numbers(3, 4, 5)
    assert torch.allclose(built("input 3x4x5 | mean w h")(x), x.mean((2, 3)))
    assert torch.allclose(built("input 3x4x5 | one: mean h c")(x), x.mean((1, 2)))
    assert torch.equal(built("input 3x4x5 | amax h w")(x), x.amax((2, 3)))
    assert "torch.mean(x, 2)" in source("input 3x4x5 | mean h")


def test_upsample_to_a_size() -> None:
    x = numbers(3, 4, 5)
    for stage, wanted in (
        ("size=7", F.interpolate(x, 7)),
        (
            "size=7x9 mode=bilinear align",
            F.interpolate(x, (7, 9), None, "bilinear", True),
        ),
        ('2 mode="nearest-exact"', F.interpolate(x, None, 2, "nearest-exact")),
        ("size=3x3 mode=area", F.interpolate(x, (3, 3), None, "area")),
        ("3x2 mode=bicubic", F.interpolate(x, None, (3, 2), "bicubic")),
    ):
        assert torch.allclose(built(f"input 3x4x5 | upsample {stage}")(x), wanted)
        named = built(f"input 3x4x5 | one: upsample {stage}")
        assert torch.allclose(named(x), wanted)


def test_pad_with_a_value() -> None:
    x = numbers(3, 4, 5)
    wanted = F.pad(x, (2, 2, 1, 1), value=-1.5)
    assert torch.equal(built("input 3x4x5 | pad 1x2 value=-1.5")(x), wanted)
    wanted = F.pad(x, (2, 0, 1, 3), value=2)
    assert torch.equal(built("input 3x4x5 | pad 1x2 end=3x0 value=2")(x), wanted)
    whole = x.long()
    wanted = F.pad(whole, (1, 1, 1, 1), value=7)
    assert torch.equal(built("input 3x4x5 int | pad 1 value=7")(whole), wanted)
    assert "ZeroPad2d(1)" in source("input 3x4x5 | pad 1")


@pytest.mark.parametrize(
    ("stage", "code", "said"),
    [
        ("mean h h", "E0405", "same axis twice"),
        ("mean t h", "E0405", "no axis `t`"),
        ("mean h w c", "E0405", "leaves no size"),
        ("mean h w c h", "E0406", "given twice"),
        ("chunk 4 0", "E0405", "not possible"),
        ("chunk 3 3", "E0405", "there are 3 parts"),
        ("split [1, 1] 0", "E0405", "2 entries together"),
        ("split [1, 2] 2", "E0405", "there are 2 parts"),
        ("split 3 0", "E0404", "a list of whole numbers"),
        ("split [0, 3] 0", "E0405", "of 1 or more"),
        ("upsample 2 size=8", "E0405", "not both"),
        ("upsample", "E0402", "its factor or its size"),
        ("upsample 2 mode=area align", "E0405", "no corners"),
        ("upsample 2 mode=linear", "E0405", "is not for maps"),
        ("pad 1 value=2 mode=reflect", "E0405", "mode reflect"),
        ("pad -1", "E0405", "0 or more"),
    ],
)
def test_refuses(stage: str, code: str, said: str) -> None:
    found, message = refused(f"input 3x8x8 | {stage}")
    assert found == code
    assert said in message


def test_refuses_to_pad_what_cannot_be_padded() -> None:
    for text, code in (
        ("input 3x8x8 int | pad 1 value=0.5", "E0405"),
        ("input 3x8x8 bool | pad 1 value=2", "E0405"),
        ("input 3x8x8 int | pad 1 mode=reflect", "E0309"),
    ):
        assert refused(text)[0] == code


@pytest.mark.parametrize(
    "stages",
    [
        "chunk 2 1 h | flatten",
        "reshape 4 in.h*in.w | amax t",
        "reshape in.h*4 in.w",
        "flatten | unflatten 4 in.h*in.w",
        "crop in.h//2 in.w-1 | tokens",
        "upsample size=7 | pad 1 mode=reflect",
        "slice 1 in.w-1 w | permute 1 0 2",
        "adaptive in.h | roll in.w w | take -1 h",
        "maxpool 3 s2 p1 ceil | avgpool 2 ceil | gap",
        "pad 1 value=3 | decimate 2 | mean h w",
        "upsample 2 | pixelunshuffle 2 | channelshuffle 2",
        "lppool 2 ceil | gmp",
    ],
)
def test_symbols_are_read_at_run_time(stages: str) -> None:
    net = built(f"input 4xHxW | {stages}")
    for height, width in ((8, 6), (12, 11)):
        x = numbers(4, height, width)
        known = built(f"input 4x{height}x{width} | {stages}")
        assert torch.equal(net(x), known(x))


def test_sequences_of_unknown_length() -> None:
    text = (
        "input T int | embedding 9 8 | lstm 6 bidirectional | chunk 2 0 d | gru 4 last"
    )
    (network,) = check(Source("t.arch", text)).networks.values()
    net = built(text)
    macs: object = network.root.cost.macs
    assert isinstance(macs, Symbolic)
    for length in (1, 7):
        assert net(torch.ones(2, length, dtype=torch.int64)).shape == (2, 4)
        fixed = check(Source("t.arch", text.replace("T", str(length)))).networks[""]
        assert macs.at({"T": length}) == fixed.root.cost.macs
