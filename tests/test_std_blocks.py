"""The blocks of the standard library against PyTorch modules written apart."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from std_references import (
    ASPP,
    Double,
    Down,
    FeedForward,
    GatedFeedForward,
    InvertedResidual,
    PatchEmbed,
    Residual,
    SqueezeExcitation,
    Up,
    assert_same,
    built,
    conv,
)
from torch import Tensor, nn

import archdsl
from archdsl.reading import standard_names

PAGE = Path(__file__).parents[1] / "docs" / "std.md"

# Gates and residual units


@pytest.mark.parametrize(
    ("call", "reference"),
    [
        ("squeeze_excite", SqueezeExcitation(32, 2)),
        ("squeeze_excite reduction=4", SqueezeExcitation(32, 8)),
        (
            "squeeze_excite hidden=5 act=silu gate=hardsigmoid",
            SqueezeExcitation(32, 5, nn.SiLU, nn.Hardsigmoid),
        ),
    ],
)
def test_squeeze_excite(call: str, reference: nn.Module) -> None:
    for shape in ("32x6x5", "32xHxW"):
        assert_same(built(call, shape), reference, torch.randn(2, 32, 6, 5))


def test_squeeze_excite_takes_rows_and_volumes() -> None:
    row = built("squeeze_excite", "32xW")(torch.randn(2, 32, 7))
    assert row.shape == (2, 32, 7)
    assert built("squeeze_excite", "32x2x3x4")(torch.randn(2, 32, 2, 3, 4)).dim() == 5


@pytest.mark.parametrize(
    ("call", "reference"),
    [
        ("inverted_residual 8 expand=1", InvertedResidual(8, 8, 8)),
        ("inverted_residual 8", InvertedResidual(8, 48, 8)),
        ("inverted_residual 12 s2", InvertedResidual(8, 48, 12, s=2)),
        ("inverted_residual 12 expand=4", InvertedResidual(8, 32, 12)),
        (
            "inverted_residual 8 k5 hidden=20 act=hardswish squeeze=6 gate=hardsigmoid",
            InvertedResidual(8, 20, 8, 5, act=nn.Hardswish, squeezed=6),
        ),
        (
            "inverted_residual 8 s2 hidden=8 act=relu squeeze=3 gate=hardsigmoid",
            InvertedResidual(8, 8, 8, s=2, act=nn.ReLU, squeezed=3),
        ),
    ],
)
def test_inverted_residual(call: str, reference: nn.Module) -> None:
    def names(name: str) -> str:
        name = name.removeprefix("parts.")
        return name.replace(".0.", ".conv.").replace(".1.", ".bn.")

    for shape in ("8x9x7", "8xHxW"):
        assert_same(built(call, shape), reference, torch.randn(3, 8, 9, 7), names=names)


@pytest.mark.parametrize(
    ("call", "reference"),
    [
        ("basic_block 16", Residual([conv(16, 16, 3), conv(16, 16, 3)])),
        (
            "basic_block 24 s2 act=silu",
            Residual(
                [conv(16, 24, 3, 2), conv(24, 24, 3)], nn.SiLU, conv(16, 24, 1, 2)
            ),
        ),
        (
            "bottleneck 4",
            Residual([conv(16, 4, 1), conv(4, 4, 3), conv(4, 16, 1)]),
        ),
        (
            "bottleneck 8 s2",
            Residual(
                [conv(16, 8, 1), conv(8, 8, 3, 2), conv(8, 32, 1)],
                shortcut=conv(16, 32, 1, 2),
            ),
        ),
        (
            "bottleneck 8 g4 expand=2 act=gelu",
            Residual([conv(16, 8, 1), conv(8, 8, 3, g=4), conv(8, 16, 1)], nn.GELU),
        ),
        (
            "bottleneck 8 d2",
            Residual(
                [conv(16, 8, 1), conv(8, 8, 3, d=2), conv(8, 32, 1)],
                shortcut=conv(16, 32, 1),
            ),
        ),
    ],
)
def test_residual_units(call: str, reference: nn.Module) -> None:
    for shape in ("16x9x6", "16xHxW"):
        assert_same(built(call, shape), reference, torch.randn(3, 16, 9, 6))


# Transformers

LAYER = {"dropout": 0.0, "batch_first": True}


@pytest.mark.parametrize(
    ("call", "options"),
    [
        ("transformer_encoder 4 40 rate=0", {}),
        ("transformer_encoder 4 40 rate=1.0", {"dropout": 1.0}),
        (
            "transformer_encoder 2 24 pre=true act=gelu rate=0 eps=1e-6",
            {"norm_first": True, "activation": "gelu", "layer_norm_eps": 1e-6},
        ),
        (
            "transformer_encoder 2 24 pre=true rate=1.0 bias=false",
            {"norm_first": True, "dropout": 1.0, "bias": False},
        ),
    ],
)
@pytest.mark.parametrize("causal", [False, True])
def test_transformer_encoder(
    call: str, options: dict[str, object], causal: bool
) -> None:
    heads, hidden = (int(number) for number in call.split()[1:3])
    settings = {**LAYER, **options}
    reference = nn.TransformerEncoderLayer(16, heads, hidden, **settings)  # type: ignore[arg-type]
    x = torch.randn(3, 7, 16)
    mask = nn.Transformer.generate_square_subsequent_mask(7) if causal else None

    def calls(x: Tensor) -> Tensor:
        out: Tensor = reference(x, src_mask=mask, is_causal=causal)
        return out

    call += " causal=true" * causal
    for shape in ("7x16", "Tx16"):
        assert_same(built(call, shape), reference, x, calls=calls)


@pytest.mark.parametrize(
    ("call", "options"),
    [
        ("transformer_decoder(a, b) 4 40 rate=0", {}),
        (
            "transformer_decoder(a, b) 2 24 pre=true act=gelu rate=0",
            {"norm_first": True, "activation": "gelu"},
        ),
        (
            "transformer_decoder(a, b) 4 24 rate=0 causal=false bias=false eps=1e-3",
            {"bias": False, "layer_norm_eps": 1e-3},
        ),
        ("transformer_decoder(a, b) 4 24 rate=1.0", {"dropout": 1.0}),
    ],
)
def test_transformer_decoder(call: str, options: dict[str, object]) -> None:
    heads, hidden = (int(number) for number in call.split(")")[1].split()[:2])
    settings = {**LAYER, **options}
    reference = nn.TransformerDecoderLayer(16, heads, hidden, **settings)  # type: ignore[arg-type]
    causal = "causal=false" not in call
    mask = nn.Transformer.generate_square_subsequent_mask(5) if causal else None

    def calls(x: Tensor, memory: Tensor) -> Tensor:
        out: Tensor = reference(x, memory, tgt_mask=mask, tgt_is_causal=causal)
        return out

    inputs = torch.randn(3, 5, 16), torch.randn(3, 7, 16)
    for shapes in (("5x16", "7x16"), ("Tx16", "Sx16")):
        assert_same(built(call, *shapes), reference, *inputs, calls=calls)


@pytest.mark.parametrize("pre", ["false", "true"])
def test_dropout_stands_where_pytorch_has_it(pre: str) -> None:
    for call, inputs, parts in (
        ("transformer_encoder 4 24", ("Tx16",), 3),
        ("transformer_decoder(a, b) 4 24", ("Tx16", "Sx16"), 4),
    ):
        net = built(f"{call} rate=0.25 pre={pre}", *inputs)
        rates = [each.p for each in net.modules() if isinstance(each, nn.Dropout)]
        assert rates == [0.25] * parts
        assert net.get_submodule("unit.self_attn").dropout == 0.25
        without = built(f"{call} rate=0 pre={pre}", *inputs)
        assert not any(isinstance(each, nn.Dropout) for each in without.modules())


def test_transformer_decoder_of_another_width() -> None:
    net = built("transformer_decoder(a, b) 4 40", "Tx16", "Sx24")
    out = net(torch.randn(2, 5, 16), torch.randn(2, 9, 24))
    assert out.shape == (2, 5, 16)
    k_weight = net.get_parameter("unit.multihead_attn.k_proj_weight")
    assert k_weight.shape == (16, 24)


@pytest.mark.parametrize(
    ("call", "reference"),
    [
        ("feed_forward 24", FeedForward(24, nn.ReLU())),
        ("feed_forward 24 act=gelu bias=false", FeedForward(24, nn.GELU(), False)),
        (
            "feed_forward 24 rate=0.5",
            FeedForward(24, nn.Sequential(nn.ReLU(), nn.Dropout(0.5))),
        ),
        ("gated_feed_forward 24", GatedFeedForward(24, nn.SiLU())),
        ("gated_feed_forward 24 act=gelu", GatedFeedForward(24, nn.GELU())),
        (
            "gated_feed_forward 20 act=false bias=true",
            GatedFeedForward(20, nn.Identity(), True),
        ),
    ],
)
def test_feed_forward(call: str, reference: nn.Module) -> None:
    assert_same(built(call, "Tx16"), reference, torch.randn(2, 5, 16))
    assert_same(built(call, "16"), reference, torch.randn(2, 16))


def test_gated_feed_forward_drops_before_the_last_layer() -> None:
    net = built("gated_feed_forward 24 rate=1.0 bias=true", "5x16")
    out = net(torch.randn(2, 5, 16))
    bias = net.get_parameter("unit.down.bias")
    assert torch.equal(out, bias.expand(2, 5, 16))


@pytest.mark.parametrize(
    ("call", "reference", "sizes", "symbols"),
    [
        ("patch_embed 8 4", PatchEmbed(nn.Conv2d(3, 8, 4, 4)), (3, 8, 12), "3xHxW"),
        (
            "patch_embed 8 2x3 norm=ln bias=false",
            PatchEmbed(nn.Conv2d(3, 8, (2, 3), (2, 3), bias=False), nn.LayerNorm(8)),
            (3, 5, 12),
            "3xHxW",
        ),
        ("patch_embed 8 4", PatchEmbed(nn.Conv1d(3, 8, 4, 4)), (3, 16), "3xW"),
        (
            "patch_embed 8 2x4x4",
            PatchEmbed(nn.Conv3d(3, 8, (2, 4, 4), (2, 4, 4))),
            (3, 4, 8, 8),
            "3xTxHxW",
        ),
    ],
)
def test_patch_embed(
    call: str, reference: nn.Module, sizes: tuple[int, ...], symbols: str
) -> None:
    for shape in ("x".join(map(str, sizes)), symbols):
        assert_same(built(call, shape), reference, torch.randn(2, *sizes))


# Dense prediction


@pytest.mark.parametrize(
    ("call", "reference"),
    [
        ("unet_down 6", Down(4, 6)),
        ("unet_down 6 pool=1 k5", Double(4, 6, 5)),
        ("unet_down 6 norm=false padded=false", Down(4, 6, 3, None, nn.ReLU, False)),
        (
            "unet_down 6 norm=instancenorm act=leaky",
            Down(4, 6, 3, nn.InstanceNorm2d, nn.LeakyReLU),
        ),
    ],
)
def test_unet_down(call: str, reference: nn.Module) -> None:
    for shape in ("4x20x17", "4xHxW"):
        assert_same(built(call, shape), reference, torch.randn(2, 4, 20, 17))


@pytest.mark.parametrize(
    ("call", "reference", "skip"),
    [
        ("unet_up(a, b) 6", Up(nn.ConvTranspose2d(8, 6, 2, 2), 10, 6), (4, 16, 12)),
        (
            'unet_up(a, b) 6 mode="bilinear" act=silu',
            Up(nn.Upsample(None, 2, "bilinear"), 12, 6, 3, nn.BatchNorm2d, nn.SiLU),
            (4, 16, 12),
        ),
        (
            'unet_up(a, b) 6 mode="nearest" k5',
            Up(nn.Upsample(None, 2), 12, 6, 5),
            (4, 16, 12),
        ),
        (
            "unet_up(a, b) 6 norm=false padded=false",
            Up(nn.ConvTranspose2d(8, 6, 2, 2), 10, 6, 3, None, nn.ReLU, False),
            (4, 20, 18),
        ),
    ],
)
def test_unet_up(call: str, reference: nn.Module, skip: tuple[int, ...]) -> None:
    shape = "x".join(map(str, skip))
    inputs = torch.randn(2, 8, 8, 6), torch.randn(2, *skip)
    assert_same(built(call, "8x8x6", shape), reference, *inputs)


def test_a_crop_of_any_size() -> None:
    call = "unet_up(a, b) 6 scale=4 padded=false"
    up = Up(nn.ConvTranspose2d(8, 6, 4, 4), 10, 6, 3, nn.BatchNorm2d, nn.ReLU, False)
    inputs = torch.randn(2, 8, 3, 2), torch.randn(2, 4, 13, 14)
    assert_same(built(call, "8xHxW", "4x13x14"), up, *inputs)


def test_a_net_may_mix_what_stands_behind_convolutions() -> None:
    lines = "unet_down 4\nunet_down 4 norm=false\nunet_down 4 norm=instancenorm"
    net = archdsl.load(f"input 3x32x32\n{lines}\n")
    biases = [name for name, _ in net.named_parameters() if "conv1.bias" in name]
    assert biases == ["unet_down2.conv1.bias"]


def test_a_unet_of_any_size() -> None:
    text = """net unet {
      input 3xHxW
      assert H % 4 == 0 and W % 4 == 0
      a: unet_down 4 pool=1
      b: unet_down 8
      unet_down 16
      unet_up(id, b) 8
      unet_up(id, a) 4 mode="nearest"   -> 4 H W
    }"""
    net = archdsl.load(text)
    for height, width in ((16, 24), (20, 12)):
        assert net(torch.randn(2, 3, height, width)).shape == (2, 4, height, width)


@pytest.mark.parametrize(
    ("call", "reference"),
    [
        ("aspp 6", ASPP(8, 6, (12, 24, 36), 0.5)),
        ("aspp 8 rates=[2,4,6] rate=0", ASPP(8, 8, (2, 4, 6), 0)),
    ],
)
@pytest.mark.parametrize("shape", ["8x9x7", "8xHxW"])
def test_aspp(call: str, reference: nn.Module, shape: str) -> None:
    assert_same(built(call, shape), reference, torch.randn(3, 8, 9, 7))


# Places


@pytest.mark.parametrize(("width", "places", "base"), [(128, 1000, 10000), (6, 9, 50)])
def test_sinusoids(width: int, places: int, base: int) -> None:
    net = built(f"sinusoids {width} places={places} base={base}", "T int")
    place = torch.tensor([[0, 3], [5, places - 1]])
    half = width // 2
    scale = torch.log(torch.tensor(float(base))) / (half - 1)
    angles = place[..., None] * torch.exp(torch.arange(half) * -scale)
    wave = torch.cat([angles.sin(), angles.cos()], 2)
    torch.testing.assert_close(net(place), wave, atol=1e-3, rtol=0)
    assert not net.state_dict()
    with pytest.raises(IndexError):
        net(place + 1)


# The page


def examples() -> list[str]:
    page = PAGE.read_text(encoding="utf-8")
    return re.findall(r"^```arch\n(.+?)\n```$", page, re.MULTILINE | re.DOTALL)


def test_each_block_has_its_section_with_examples() -> None:
    titles = re.findall(r"^## `(\w+)`$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert titles == sorted(standard_names())
    for title in titles:
        assert len([each for each in examples() if f" {title}" in each]) >= 2, title


@pytest.mark.parametrize("example", examples())
def test_the_examples_are_what_they_say(example: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    _, _, rest = page.partition(f"{example}\n```\n\nGives ")
    shape, count = re.match(r"(\S+), with ([\d,]+|no) parameters", rest).groups()  # type: ignore[union-attr]
    with torch.device("meta"):
        net = archdsl.load(f"{example}\n").eval()
        sizes = [4 if s == "T" else int(s) for s in example.split()[1].split("x")]
        whole = example.split()[2] == "int"
        x = torch.zeros(1, *sizes, dtype=torch.long if whole else torch.float)
        out = net(x)
    assert list(out.shape[1:]) == [4 if s == "T" else int(s) for s in shape.split("x")]
    params = sum(parameter.numel() for parameter in net.parameters())
    assert params == (0 if count == "no" else int(count.replace(",", "")))
