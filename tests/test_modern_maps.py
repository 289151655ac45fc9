"""Inception v3, PointNet and the U-Net of diffusion against references of their own."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from types import ModuleType
from typing import Any, NamedTuple

import pytest
import torch
from test_emit import assert_agrees
from test_modern import MODERN, checked
from torch import Tensor, nn
from torch.nn import functional as F

import archdsl
from archdsl.source import Source
from archdsl.syntax.format import format_source
from benchmarks.torchvision_cpu import import_torchvision


class Facts(NamedTuple):
    """A net: its file, the sizes in and out, its parameters, how to draw inputs."""

    file: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    params: int
    draw: Callable[[int], tuple[Tensor, ...]]


def images(count: int) -> tuple[Tensor, ...]:
    return (torch.randn(count, 3, 299, 299),)


def points(count: int) -> tuple[Tensor, ...]:
    return (torch.randn(count, 3, 50),)


def noisy(count: int) -> tuple[Tensor, ...]:
    return torch.randn(count, 3, 16, 24), torch.randint(1000, (count, 1))


# What the symbols are worth in these.
DRAWN = {"N": 50, "H": 16, "W": 24}
INCEPTION = "inception_v3.arch"
TABLE = {
    "inception_v3": Facts(INCEPTION, ("3x299x299",), ("1000",), 23_834_568, images),
    "inception_v3_aux": Facts(
        INCEPTION, ("3x299x299",), ("1000", "1000"), 27_161_264, images
    ),
    "pointnet": Facts("pointnet.arch", ("3xN",), ("40", "64x64"), 3_480_049, points),
    "ddpm_unet": Facts("ddpm_unet.arch", ("3xHxW", "1"), ("3xHxW",), 35_746_307, noisy),
}
FILES = sorted({facts.file for facts in TABLE.values()})


def loaded(net: str, **parameters: Any) -> nn.Module:
    torch.manual_seed(0)
    return archdsl.load(MODERN / TABLE[net].file, net=net, **parameters)


def shape(tensor: object) -> str:
    return "x".join(map(str, tensor.sizes))  # type: ignore[attr-defined]


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


# What the checker says


@pytest.mark.parametrize("file", FILES)
def test_the_specs_are_clean_and_formatted(file: str) -> None:
    result = checked(file)
    assert result.diagnostics == []
    assert set(result.networks) == {n for n in TABLE if TABLE[n].file == file}
    text = (MODERN / file).read_text(encoding="utf-8")
    assert format_source(Source(file, text)) == (text, [])


@pytest.mark.parametrize("net", TABLE)
def test_shapes_and_totals(net: str) -> None:
    facts = TABLE[net]
    root = checked(facts.file).networks[net].root
    outputs = [each.type for each in root.outputs or ()] or [root.type]
    assert tuple(map(shape, root.inputs)) == facts.inputs
    assert tuple(map(shape, outputs)) == facts.outputs
    assert root.cost.params == facts.params == count(loaded(net))


def test_inception_agrees_with_pytorchs_counter() -> None:
    network = checked(INCEPTION).networks["inception_v3"]
    # torchvision gives 5.713 billion.
    assert network.root.cost.macs == 5_713_216_096
    assert_agrees(network)


# Learning


@pytest.mark.parametrize("net", TABLE)
def test_every_parameter_learns(net: str) -> None:
    module = loaded(net)
    for parameter in module.parameters():
        # What begins with zeros lets no gradient through yet.
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    out = module(*TABLE[net].draw(2))
    parts = out if isinstance(out, tuple) else (out,)
    sizes = [size.split("x") for size in TABLE[net].outputs]
    known = [[DRAWN.get(size) or int(size) for size in each] for each in sizes]
    assert [list(part.shape) for part in parts] == [[2, *each] for each in known]
    sum(part.square().mean() for part in parts).backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


# Inception v3


def torchvision() -> ModuleType:
    try:
        return import_torchvision()
    except ImportError:
        pytest.skip("torchvision is not installed")


@pytest.mark.parametrize("net", ["inception_v3", "inception_v3_aux"])
def test_inception_is_torchvisions(net: str) -> None:
    side = net.endswith("aux")
    reference = torchvision().models.inception_v3(
        weights=None, aux_logits=side, init_weights=False, dropout=0.0
    )
    module = loaded(net)
    module.load_state_dict(reference.state_dict())
    (x,) = images(2)
    module.get_submodule("dropout1").eval()
    with torch.no_grad():
        out, expected = module(x), reference(x)
        if side:
            assert type(out)._fields == ("out", "aux")
            torch.testing.assert_close(
                tuple(out), tuple(expected), rtol=1e-3, atol=1e-3
            )
        else:
            torch.testing.assert_close(out, expected, rtol=1e-3, atol=1e-3)
        x = images(1)[0]
        out, expected = module.eval()(x), reference.eval()(x)
    torch.testing.assert_close(out, expected, rtol=1e-3, atol=1e-3)
    assert out.shape == (1, 1000)


def test_inception_begins_as_published() -> None:
    module = loaded("inception_v3_aux", classes=10)
    for name, std in (
        ("Conv2d_2b_3x3.conv", 0.1),
        ("AuxLogits.conv1.conv", 0.01),
        ("fc", 0.1),
        ("AuxLogits.fc", 0.001),
    ):
        weight = module.get_submodule(name).weight
        assert isinstance(weight, Tensor)
        assert weight.detach().std().item() == pytest.approx(std, rel=0.1)


def test_the_side_head_is_for_training_only() -> None:
    module = loaded("inception_v3_aux").eval()
    head = module.get_submodule("AuxLogits")
    head.register_forward_hook(lambda *_: pytest.fail("it was computed"))
    assert module(images(1)[0]).shape == (1, 1000)


# PointNet


def shared(*widths: int) -> nn.Sequential:
    """Layers that all points share, on points as rows."""
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), nn.BatchNorm1d(b), nn.ReLU()]
    return nn.Sequential(*layers)


class PointNet(nn.Module):
    """Written from figure 2 and supplementary C, with points as rows."""

    def __init__(self, classes: int = 40) -> None:
        super().__init__()
        self.to_matrix = nn.ModuleList(
            nn.ModuleList(
                [shared(k, 64, 128, 1024), shared(1024, 512, 256), nn.Linear(256, k**2)]
            )
            for k in (3, 64)
        )
        self.first = shared(3, 64, 64)
        self.second = shared(64, 64, 128, 1024)
        self.head = nn.Sequential(shared(1024, 512, 256), nn.Linear(256, classes))

    def turned(self, x: Tensor, at: int) -> Tensor:
        layers, dense, last = self.to_matrix[at].children()
        size, _, k = x.shape
        best = layers(x.reshape(-1, k)).reshape(size, -1, 1024).amax(1)
        matrix = last(dense(best)).reshape(size, k, k) + torch.eye(k)
        turned: Tensor = x @ matrix.transpose(1, 2)
        return turned

    def forward(self, points: Tensor) -> Tensor:
        x = self.turned(points.transpose(1, 2), 0)
        size, number, _ = x.shape
        x = self.first(x.reshape(size * number, 3)).reshape(size, number, 64)
        x = self.turned(x, 1)
        x = self.second(x.reshape(size * number, 64)).reshape(size, number, 1024)
        out: Tensor = self.head(x.amax(1))
        return out


def in_order(module: nn.Module, kinds: tuple[type[nn.Module], ...]) -> list[nn.Module]:
    return [each for each in module.modules() if isinstance(each, kinds)]


def test_pointnet_is_that_of_the_figure() -> None:
    net, reference = loaded("pointnet"), PointNet()
    kinds = nn.Linear, nn.Conv1d, nn.BatchNorm1d
    unit = net.get_submodule
    ours = [
        *in_order(unit("input_transform"), kinds),
        *in_order(unit("feature_transform"), kinds),
    ]
    inner = set(ours)
    ours += [each for each in in_order(net, kinds) if each not in inner]
    theirs = in_order(reference, kinds)
    for own, other in zip(ours, theirs, strict=True):
        state = own.state_dict()
        for key, tensor in other.state_dict().items():
            if tensor.is_floating_point():
                low = 0.5 if key == "running_var" else -0.1
                tensor.uniform_(low, low + 0.3)
            state[key] = tensor.reshape(state[key].shape)
        own.load_state_dict(state)
    assert count(net) == count(reference)
    for number in (1, 50, 77):
        x = torch.randn(4, 3, number)
        out, expected = net.eval()(x), reference.eval()(x)
        torch.testing.assert_close(out, expected, rtol=1e-3, atol=1e-3)


def test_pointnet_does_not_see_an_order() -> None:
    net = loaded("pointnet", classes=7).eval()
    (x,) = points(2)
    torch.testing.assert_close(net(x[..., torch.randperm(50)]), net(x))
    assert net(x).shape == (2, 7)


def test_the_transforms_begin_as_the_identity() -> None:
    net = loaded("pointnet")
    (x,) = points(2)
    assert torch.equal(net(x).transform, torch.eye(64).expand(2, 64, 64))
    first = net.get_submodule("input_transform")(x)
    assert torch.equal(first, torch.eye(3).expand(2, 3, 3))


# The U-Net of diffusion


def norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(32, channels, eps=1e-6)


class ResidualUnit(nn.Module):
    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = norm(a), nn.Conv2d(a, b, 3, 1, 1)
        self.time = nn.Linear(512, b)
        self.norm2, self.conv2 = norm(b), nn.Conv2d(b, b, 3, 1, 1)
        self.shortcut = nn.Identity() if a == b else nn.Conv2d(a, b, 1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        h = h + self.time(F.silu(time))[:, :, None, None]
        h = self.conv2(F.silu(self.norm2(h)))
        out: Tensor = self.shortcut(x) + h
        return out


class Attention(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.norm = norm(c)
        self.q, self.k, self.v = (nn.Conv2d(c, c, 1) for _ in range(3))
        self.proj = nn.Conv2d(c, c, 1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.norm(x)
        q, k, v = (part(h).flatten(2) for part in (self.q, self.k, self.v))
        weights = torch.einsum("bci,bcj->bij", q, k) * x.shape[1] ** -0.5
        h = torch.einsum("bij,bcj->bci", weights.softmax(-1), v)
        out: Tensor = x + self.proj(h.reshape(x.shape))
        return out


class Halve(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c, c, 3, 2)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        out: Tensor = self.conv(F.pad(x, (0, 1, 0, 1)))
        return out


class Twice(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c, c, 3, 1, 1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        out: Tensor = self.conv(x.repeat_interleave(2, 2).repeat_interleave(2, 3))
        return out


class DiffusionUNet(nn.Module):
    """Written as the authors' code is: a stack of maps, filled and then emptied."""

    def __init__(self) -> None:
        super().__init__()
        self.time = nn.Sequential(nn.Linear(128, 512), nn.SiLU(), nn.Linear(512, 512))
        self.first = nn.Conv2d(3, 128, 3, 1, 1)
        widths, kept, c = (128, 256, 256, 256), [128], 128
        self.down, self.middle, self.up = (nn.ModuleList() for _ in range(3))
        for level, width in enumerate(widths):
            for _ in range(2):
                parts: list[nn.Module] = [ResidualUnit(c, width)]
                parts += [Attention(width)] if level == 1 else []
                self.down.append(nn.ModuleList(parts))
                c = width
                kept.append(c)
            if level < 3:
                self.down.append(nn.ModuleList([Halve(c)]))
                kept.append(c)
        self.middle.extend([ResidualUnit(c, c), Attention(c), ResidualUnit(c, c)])
        for level, width in reversed(list(enumerate(widths))):
            for unit in range(3):
                parts = [ResidualUnit(c + kept.pop(), width)]
                parts += [Attention(width)] if level == 1 else []
                parts += [Twice(width)] if level and unit == 2 else []
                self.up.append(nn.ModuleList(parts))
                c = width
        self.norm, self.last = norm(c), nn.Conv2d(c, 3, 3, 1, 1)

    def forward(self, x: Tensor, step: Tensor) -> Tensor:
        scale = torch.log(torch.tensor(10000.0)) / 63
        angles = step * torch.exp(torch.arange(64) * -scale)
        time = self.time(torch.cat([angles.sin(), angles.cos()], 1))
        kept = [self.first(x)]
        for parts in self.down:
            x = kept[-1]
            for part in parts.children():
                x = part(x, time)
            kept.append(x)
        for part in self.middle:
            x = part(x, time)
        for parts in self.up:
            x = torch.cat([x, kept.pop()], 1)
            for part in parts.children():
                x = part(x, time)
        out: Tensor = self.last(F.silu(self.norm(x)))
        return out


def test_ddpm_unet_is_that_of_the_code() -> None:
    net, reference = loaded("ddpm_unet", rate=0), DiffusionUNet()
    kinds = nn.Conv2d, nn.Linear, nn.GroupNorm
    pairs = zip(in_order(net, kinds), in_order(reference, kinds), strict=True)
    for own, other in pairs:
        own.load_state_dict(other.state_dict())
    assert count(net) == count(reference) == 35_746_307
    for height, width in ((32, 32), (8, 24)):
        x, step = torch.randn(3, 3, height, width), torch.tensor([[0], [7], [999]])
        with torch.no_grad():
            out, expected = net(x, step), reference(x, step)
        torch.testing.assert_close(out, expected, rtol=1e-3, atol=1e-3)


def test_ddpm_unet_begins_with_no_noise() -> None:
    assert not loaded("ddpm_unet")(*noisy(1)).any()


def test_ddpm_unet_needs_sizes_that_halve() -> None:
    found = archdsl.check(MODERN / "ddpm_unet.arch", net="ddpm_unet")
    assert found.network().root.cost.params == 35_746_307
    with pytest.raises(Exception, match="size"):
        loaded("ddpm_unet")(torch.randn(1, 3, 12, 16), torch.zeros(1, 1).long())
