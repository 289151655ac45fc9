"""PyTorch modules that the blocks of the standard library are held against."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
        out: Tensor = x * self.gate(self.fc2(self.act(self.fc1(scale))))
        return out


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
        result: Tensor = self.act(out + (self.downsample(x) if self.projects else x))
        return result


def conv(a: int, b: int, k: int, s: int = 1, g: int = 1, d: int = 1) -> nn.Conv2d:
    return nn.Conv2d(a, b, k, s, d * (k - 1) // 2, d, g, bias=False)


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


class PatchEmbed(nn.Module):
    def __init__(self, proj: nn.Module, norm: nn.Module | None = None) -> None:
        super().__init__()
        self.proj = proj
        self.ln1 = norm or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.ln1(self.proj(x).flatten(2).transpose(1, 2))
        return out


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
