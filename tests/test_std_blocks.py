"""The blocks of the standard library against PyTorch modules written apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import archdsl

Names = Callable[[str], str]


def built(call: str, *inputs: str) -> nn.Module:
    """The block of a call, as the part `unit` of a net with these inputs."""
    labels = "abc"
    lines = [
        f"{label}: input {shape}" for label, shape in zip(labels, inputs, strict=False)
    ]
    if len(inputs) == 1:
        lines = [f"input {inputs[0]}"]
    else:
        lines.append("a")
    torch.manual_seed(0)
    text = "\n  ".join(["net n {", *lines, f"unit: {call}"])
    return archdsl.load(f"{text}\n}}\n")


def shuffled(module: nn.Module) -> nn.Module:
    """The module with random numbers for all weights and running means."""
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                low = 0.5 if name.endswith("running_var") else -0.5
                tensor.copy_(torch.empty_like(tensor).uniform_(low, 1.0))
    return module


def assert_same(
    net: nn.Module,
    reference: nn.Module,
    *inputs: Tensor,
    names: Names = str,
    calls: Callable[..., Tensor] | None = None,
) -> None:
    """The block computes what the reference does, with weights and running means.

    `names` gives each name of the reference as the block has it.
    """
    calls = calls or reference
    shuffled(reference)
    state = {f"unit.{names(k)}": v for k, v in reference.state_dict().items()}
    own = net.state_dict()
    assert own.keys() == state.keys()
    net.load_state_dict({k: v.reshape(own[k].shape) for k, v in state.items()})
    for training in (True, False):
        net.train(training)
        reference.train(training)
        torch.manual_seed(1)
        expected = calls(*inputs)
        torch.manual_seed(1)
        torch.testing.assert_close(net(*inputs), expected, atol=1e-4, rtol=1e-4)
    for name, tensor in reference.state_dict().items():
        own_tensor = net.state_dict()[f"unit.{names(name)}"]
        torch.testing.assert_close(own_tensor.reshape(tensor.shape), tensor)


def renamed(*pairs: tuple[str, str]) -> Names:
    """A function that replaces the beginnings of names, or parts between dots."""

    def names(name: str) -> str:
        for old, new in pairs:
            if name.startswith(f"{old}."):
                return f"{new}.{name.removeprefix(f'{old}.')}"
        return name

    return names


# Gates and residual units


class SqueezeExcitation(nn.Module):
    """As torchvision has it, with convolutions."""

    def __init__(
        self,
        channels: int,
        squeezed: int,
        act: type[nn.Module] = nn.ReLU,
        gate: type[nn.Module] = nn.Sigmoid,
    ) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.act = act()
        self.gate = gate()

    def forward(self, x: Tensor) -> Tensor:
        scale = F.adaptive_avg_pool2d(x, 1)
        return x * self.gate(self.fc2(self.act(self.fc1(scale))))


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


class InvertedResidual(nn.Module):
    """Of MobileNetV2 and V3: torchvision's, with parts that have names."""

    def __init__(
        self,
        channels: int,
        hidden: int,
        out: int,
        k: int = 3,
        s: int = 1,
        act: type[nn.Module] = nn.ReLU6,
        squeezed: int = 0,
    ) -> None:
        super().__init__()

        def unit(a: int, b: int, k: int, s: int, g: int, act: nn.Module) -> nn.Module:
            conv = nn.Conv2d(a, b, k, s, (k - 1) // 2, groups=g, bias=False)
            return nn.Sequential(conv, nn.BatchNorm2d(b), act)

        self.parts = nn.ModuleDict()
        if hidden != channels:
            self.parts["expanded"] = unit(channels, hidden, 1, 1, 1, act())
        self.parts["depthwise"] = unit(hidden, hidden, k, s, hidden, act())
        if squeezed:
            self.parts["gated"] = SqueezeExcitation(
                hidden, squeezed, gate=nn.Hardsigmoid
            )
        self.parts["projected"] = unit(hidden, out, 1, 1, 1, nn.Identity())
        self.adds = s == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        out = x
        for part in self.parts.values():
            out = part(out)
        return x + out if self.adds else out


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


class Residual(nn.Module):
    """torchvision's BasicBlock and Bottleneck."""

    def __init__(
        self,
        convs: Sequence[nn.Conv2d],
        act: type[nn.Module] = nn.ReLU,
        shortcut: nn.Conv2d | None = None,
    ) -> None:
        super().__init__()
        for number, conv in enumerate(convs, 1):
            self.add_module(f"conv{number}", conv)
            self.add_module(f"bn{number}", nn.BatchNorm2d(conv.out_channels))
        self.depth = len(convs)
        self.act = act()
        if shortcut is not None:
            norm = nn.BatchNorm2d(shortcut.out_channels)
            self.downsample = nn.Sequential(shortcut, norm)
        self.projects = shortcut is not None

    def forward(self, x: Tensor) -> Tensor:
        out = x
        for number in range(1, self.depth + 1):
            conv = self.get_submodule(f"conv{number}")
            out = self.get_submodule(f"bn{number}")(conv(out))
            if number < self.depth:
                out = self.act(out)
        return self.act(out + (self.downsample(x) if self.projects else x))


def conv(a: int, b: int, k: int, s: int = 1, g: int = 1, d: int = 1) -> nn.Conv2d:
    return nn.Conv2d(a, b, k, s, d * (k - 1) // 2, d, g, bias=False)


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
        ("transformer_encoder 4 40 rate=0.3", {"dropout": 0.3}),
        (
            "transformer_encoder 2 24 pre=true act=gelu rate=0 eps=1e-6",
            {"norm_first": True, "activation": "gelu", "layer_norm_eps": 1e-6},
        ),
        (
            "transformer_encoder 2 24 pre=true rate=0.2 bias=false",
            {"norm_first": True, "dropout": 0.2, "bias": False},
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
        ("transformer_decoder(a, b) 4 24 rate=0.3", {"dropout": 0.3}),
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


def test_transformer_decoder_of_another_width() -> None:
    net = built("transformer_decoder(a, b) 4 40", "Tx16", "Sx24")
    out = net(torch.randn(2, 5, 16), torch.randn(2, 9, 24))
    assert out.shape == (2, 5, 16)
    k_weight = net.get_parameter("unit.multihead_attn.k_proj_weight")
    assert k_weight.shape == (16, 24)


class FeedForward(nn.Module):
    def __init__(self, hidden: int, act: nn.Module, bias: bool = True) -> None:
        super().__init__()
        self.linear1 = nn.Linear(16, hidden, bias)
        self.act = act
        self.linear2 = nn.Linear(hidden, 16, bias)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.linear2(self.act(self.linear1(x)))
        return out


class GatedFeedForward(nn.Module):
    def __init__(self, hidden: int, act: nn.Module, bias: bool = False) -> None:
        super().__init__()
        self.gate = nn.Linear(16, hidden, bias)
        self.up = nn.Linear(16, hidden, bias)
        self.down = nn.Linear(hidden, 16, bias)
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.down(self.act(self.gate(x)) * self.up(x))
        return out


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


class PatchEmbed(nn.Module):
    def __init__(self, proj: nn.Module, norm: nn.Module | None = None) -> None:
        super().__init__()
        self.proj = proj
        self.ln1 = norm or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.ln1(self.proj(x).flatten(2).transpose(1, 2))
        return out


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


class Double(nn.Module):
    """Two convolutions, each with a normalisation and an activation."""

    def __init__(
        self,
        channels: int,
        width: int,
        k: int = 3,
        norm: type[nn.Module] | None = nn.BatchNorm2d,
        act: type[nn.Module] = nn.ReLU,
        padded: bool = True,
    ) -> None:
        super().__init__()
        p = (k - 1) // 2 if padded else 0
        self.conv1 = nn.Conv2d(channels, width, k, padding=p, bias=norm is None)
        self.norm1 = norm(width) if norm else nn.Identity()
        self.conv2 = nn.Conv2d(width, width, k, padding=p, bias=norm is None)
        self.norm2 = norm(width) if norm else nn.Identity()
        self.act = act()

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.norm1(self.conv1(x)))
        out: Tensor = self.act(self.norm2(self.conv2(x)))
        return out


class Down(Double):
    pool = 2

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.max_pool2d(x, self.pool))


class Up(Double):
    def __init__(self, up: nn.Module, channels: int, *args: object) -> None:
        super().__init__(channels, *args)  # type: ignore[arg-type]
        self.up = up

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:  # type: ignore[override]
        x = self.up(x)
        top, left = (
            (a - b) // 2 for a, b in zip(skip.shape[2:], x.shape[2:], strict=True)
        )
        height, width = x.shape[2:]
        skip = skip[:, :, top : top + height, left : left + width]
        return super().forward(torch.cat([skip, x], 1))


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


class ASPP(nn.Module):
    """torchvision's, of DeepLabv3."""

    def __init__(self, channels: int, c: int, rates: Sequence[int], rate: float):
        super().__init__()

        def unit(*layers: nn.Module) -> nn.Sequential:
            return nn.Sequential(*layers, nn.BatchNorm2d(c), nn.ReLU())

        pooled = unit(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, c, 1, bias=False))
        self.convs = nn.ModuleList(
            [
                unit(nn.Conv2d(channels, c, 1, bias=False)),
                *(unit(conv(channels, c, 3, d=r)) for r in rates),
                pooled,
            ]
        )
        project = unit(nn.Conv2d(5 * c, c, 1, bias=False))
        self.project = nn.Sequential(*project, nn.Dropout(rate))

    def forward(self, x: Tensor) -> Tensor:
        maps = [each(x) for each in self.convs]
        size = x.shape[2:]
        maps[-1] = F.interpolate(maps[-1], size, None, "bilinear", False)
        out: Tensor = self.project(torch.cat(maps, 1))
        return out


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


# Diffusion


@pytest.mark.parametrize(("width", "steps"), [(128, 1000), (10, 7)])
def test_time_embedding(width: int, steps: int) -> None:
    net = built(f"time_embedding {width} 12 steps={steps}", "1 int")
    step = torch.tensor([[0], [3], [steps - 1]])
    half = width // 2
    scale = torch.log(torch.tensor(10000.0)) / (half - 1)
    angles = step * torch.exp(torch.arange(half) * -scale)
    wave = torch.cat([angles.sin(), angles.cos()], 1)
    unit = net.get_submodule("unit")
    linear1, linear2 = unit.get_submodule("linear1"), unit.get_submodule("linear2")
    expected = linear2(F.silu(linear1(wave)))
    torch.testing.assert_close(net(step), expected, atol=1e-4, rtol=1e-4)
    assert len(net.state_dict()) == 4
