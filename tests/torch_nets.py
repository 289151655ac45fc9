"""Networks of specs/, written with torch.nn alone: small ones of the same kind.

Their submodules have the names of the specs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Chained(nn.Module):
    """Named modules, and functions between them, one after the other."""

    def __init__(self, *parts: tuple[str, nn.Module] | Callable[[Tensor], Tensor]):
        super().__init__()
        self.steps: list[str | Callable[[Tensor], Tensor]] = []
        for part in parts:
            if isinstance(part, tuple):
                self.add_module(*part)
                self.steps.append(part[0])
            else:
                self.steps.append(part)

    def forward(self, x: Tensor) -> Tensor:
        for step in self.steps:
            x = self._modules[step](x) if isinstance(step, str) else step(x)  # type: ignore[misc]
        return x


def flat(x: Tensor) -> Tensor:
    return x.flatten(1)


def mean(x: Tensor) -> Tensor:
    return F.adaptive_avg_pool2d(x, 1).flatten(1)


def largest(k: int, s: int, p: int = 0, ceil_mode: bool = False) -> nn.Module:
    return nn.MaxPool2d(k, s, p, ceil_mode=ceil_mode)


def lenet() -> nn.Module:
    return Chained(
        ("conv1", nn.Conv2d(1, 6, 5)),
        torch.tanh,
        nn.AvgPool2d(2),
        ("conv2", nn.Conv2d(6, 16, 5)),
        torch.tanh,
        nn.AvgPool2d(2),
        flat,
        ("fc1", nn.Linear(400, 120)),
        torch.tanh,
        ("fc2", nn.Linear(120, 84)),
        torch.tanh,
        ("fc3", nn.Linear(84, 10)),
    )


def alexnet(grouped: bool, classes: int = 10) -> nn.Module:
    """For inputs of 67x67; `grouped` is the one of 2012, with its normalisation."""
    g = 2 if grouped else 1

    def normed(x: Tensor) -> Tensor:
        return F.local_response_norm(x, 5, 5e-4, 0.75, 2.0) if grouped else x

    def head(number: int, a: int, b: int) -> list[tuple[str, nn.Module]]:
        return [
            (f"fc{number}", nn.Linear(a, b)),
            (f"r{number}", nn.ReLU()),
            (f"drop{number}", nn.Dropout(0.5)),
        ]

    return Chained(
        ("conv1", nn.Conv2d(3, 96, 11, 4)),
        F.relu,
        normed,
        largest(3, 2),
        ("conv2", nn.Conv2d(96, 256, 5, padding=2, groups=g)),
        F.relu,
        normed,
        largest(3, 2),
        ("conv3", nn.Conv2d(256, 384, 3, padding=1)),
        F.relu,
        ("conv4", nn.Conv2d(384, 384, 3, padding=1, groups=g)),
        F.relu,
        ("conv5", nn.Conv2d(384, 256, 3, padding=1, groups=g)),
        F.relu,
        largest(3, 2),
        flat,
        *head(1, 256, 64),
        *head(2, 64, 64),
        ("fc3", nn.Linear(64, classes)),
    )


class VGG(nn.Module):
    """One convolution for each size, for inputs of 32x32."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for width in (64, 128, 256, 512, 512):
            conv = nn.Conv2d(before, width, 3, padding=1)
            layers += [conv, nn.ReLU(), nn.MaxPool2d(2)]
            before = width
        self.features = nn.Sequential(*layers)
        head = (nn.Linear(512, 64), nn.ReLU(), nn.Dropout(0.5))
        more = (nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.5))
        self.classifier = nn.Sequential(*head, *more, nn.Linear(64, classes))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.classifier(self.features(x).flatten(1))
        return out


def conv(a: int, b: int, k: int, s: int = 1) -> nn.Conv2d:
    return nn.Conv2d(a, b, k, s, k // 2, bias=False)


class Gate(nn.Module):
    """Squeeze and excitation."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(c, c // 16), nn.Linear(c // 16, c)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.sigmoid(self.fc2(F.relu(self.fc1(mean(x)))))
        return x * y[..., None, None]


class Residual(nn.Module):
    """A block of a ResNet: of two convolutions or, `deep`, of three."""

    def __init__(
        self, a: int, width: int, s: int, deep: bool, gated: bool = False
    ) -> None:
        super().__init__()
        out = 4 * width if deep else width
        sizes = [(a, width, 1), (width, width, 3), (width, out, 1)]
        strides = (s, 1, 1)
        if not deep:
            sizes, strides = [(a, width, 3), (width, width, 3)], (s, 1, 1)
        self.count = len(sizes)
        for at, (size, stride) in enumerate(zip(sizes, strides, strict=False), 1):
            self.add_module(f"conv{at}", conv(*size, stride))
            self.add_module(f"bn{at}", nn.BatchNorm2d(size[1]))
        self.se: nn.Module = Gate(out) if gated else nn.Identity()
        self.downsample = None
        if s > 1 or a != out:
            self.downsample = nn.Sequential(conv(a, out, 1, s), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for at in range(1, self.count + 1):
            y = self.get_submodule(f"bn{at}")(self.get_submodule(f"conv{at}")(y))
            y = F.relu(y) if at < self.count else self.se(y)
        return F.relu(y + (self.downsample(x) if self.downsample else x))


def resnet(deep: bool, gated: bool = False, classes: int = 10) -> nn.Module:
    """One block for each size."""
    parts: list[tuple[str, nn.Module]] = []
    before = 64
    for at, width in enumerate((64, 128, 256, 512), 1):
        block = Residual(before, width, 1 if at == 1 else 2, deep, gated)
        parts.append((f"layer{at}", nn.Sequential(block)))
        before = 4 * width if deep else width
    return Chained(
        ("conv1", conv(3, 64, 7, 2)),
        ("bn1", nn.BatchNorm2d(64)),
        F.relu,
        largest(3, 2, 1),
        *parts,
        mean,
        ("fc", nn.Linear(before, classes)),
    )


class Padded(nn.Module):
    """A block for CIFAR: where the map is halved, zeros stand for new channels."""

    def __init__(self, a: int, width: int, s: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(a, width, 3, s), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3), nn.BatchNorm2d(width)
        self.s, self.more = s, width - a

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.s > 1:
            x = F.pad(x[:, :, :: self.s, :: self.s], (0, 0, 0, 0, 0, self.more))
        return F.relu(y + x)


def resnet_cifar() -> nn.Module:
    sizes = ((16, 16, 1), (16, 32, 2), (32, 64, 2))
    layers = [nn.Sequential(Padded(*size)) for size in sizes]
    return Chained(
        ("conv1", conv(3, 16, 3)),
        ("bn1", nn.BatchNorm2d(16)),
        F.relu,
        *((f"layer{at}", layer) for at, layer in enumerate(layers, 1)),
        mean,
        ("fc", nn.Linear(64, 10)),
    )


class Preact(nn.Module):
    """Normalisation first; the shortcut begins behind it."""

    def __init__(
        self, a: int, sizes: Sequence[tuple[int, int]], s: int, at: int, rate: float = 0
    ) -> None:
        super().__init__()
        before = a
        for number, (width, k) in enumerate(sizes, 1):
            self.add_module(f"bn{number}", nn.BatchNorm2d(before))
            stride = s if number == at else 1
            self.add_module(f"conv{number}", conv(before, width, k, stride))
            before = width
        self.count, self.rate = len(sizes), rate
        new = s > 1 or a != before
        self.shortcut = conv(a, before, 1, s) if new else None

    def forward(self, x: Tensor) -> Tensor:
        active = y = F.relu(self.get_submodule("bn1")(x))
        for at in range(1, self.count + 1):
            if at > 1:
                y = F.relu(self.get_submodule(f"bn{at}")(y))
            if at == 2 and self.rate:
                y = F.dropout(y, self.rate, self.training)
            y = self.get_submodule(f"conv{at}")(y)
        return y + (self.shortcut(active) if self.shortcut else active)


def preresnet() -> nn.Module:
    sizes = ((16, 16, 1), (64, 32, 2), (128, 64, 2))
    layers = [
        nn.Sequential(Preact(a, [(w, 1), (w, 3), (4 * w, 1)], s, 1))
        for a, w, s in sizes
    ]
    return Chained(
        ("conv1", conv(3, 16, 3)),
        *((f"layer{at}", layer) for at, layer in enumerate(layers, 1)),
        ("bn1", nn.BatchNorm2d(256)),
        F.relu,
        mean,
        ("fc", nn.Linear(256, 10)),
    )


def wide_resnet(k: int, rate: float) -> nn.Module:
    sizes = ((16, 16 * k, 1), (16 * k, 32 * k, 2), (32 * k, 64 * k, 2))
    layers = [Preact(a, [(w, 3), (w, 3)], s, 1, rate) for a, w, s in sizes]
    return Chained(
        ("conv1", conv(3, 16, 3)),
        *((f"conv{at}", nn.Sequential(layer)) for at, layer in enumerate(layers, 2)),
        ("bn1", nn.BatchNorm2d(64 * k)),
        F.relu,
        mean,
        ("fc", nn.Linear(64 * k, 10)),
    )


class Inception(nn.Module):
    def __init__(self, a: int, *widths: int) -> None:
        super().__init__()
        one, three_in, three, five_in, five, pooled = widths
        self.branch1x1 = nn.Sequential(nn.Conv2d(a, one, 1), nn.ReLU())
        self.branch3x3, self.branch5x5 = (
            nn.Sequential(
                nn.Conv2d(a, inner, 1),
                nn.ReLU(),
                nn.Conv2d(inner, out, k, padding=k // 2),
                nn.ReLU(),
            )
            for inner, out, k in ((three_in, three, 3), (five_in, five, 5))
        )
        self.branch_pool = nn.Sequential(
            nn.MaxPool2d(3, 1, 1), nn.Conv2d(a, pooled, 1), nn.ReLU()
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.children()], 1)


def googlenet(classes: int = 10) -> nn.Module:
    """For inputs of 68x68, with a last pool of 2x2."""
    widths = {
        "3a": (64, 96, 128, 16, 32, 32),
        "3b": (128, 128, 192, 32, 96, 64),
        "4a": (192, 96, 208, 16, 48, 64),
        "4b": (160, 112, 224, 24, 64, 64),
        "4c": (128, 128, 256, 24, 64, 64),
        "4d": (112, 144, 288, 32, 64, 64),
        "4e": (256, 160, 320, 32, 128, 128),
        "5a": (256, 160, 320, 32, 128, 128),
        "5b": (384, 192, 384, 48, 128, 128),
    }
    parts: list[tuple[str, nn.Module] | Callable[[Tensor], Tensor]] = []
    before = 192
    for name, each in widths.items():
        parts.append((f"inception{name}", Inception(before, *each)))
        before = each[0] + each[2] + each[4] + each[5]
        if name in ("3b", "4e"):
            parts.append(largest(3, 2, ceil_mode=True))
    return Chained(
        ("conv1", nn.Conv2d(3, 64, 7, 2, 3)),
        F.relu,
        largest(3, 2, ceil_mode=True),
        nn.LocalResponseNorm(5),
        ("conv2", nn.Conv2d(64, 64, 1)),
        F.relu,
        ("conv3", nn.Conv2d(64, 192, 3, padding=1)),
        F.relu,
        nn.LocalResponseNorm(5),
        largest(3, 2, ceil_mode=True),
        *parts,
        nn.AvgPool2d(2, 1),
        ("drop", nn.Dropout(0.4)),
        flat,
        ("fc1", nn.Linear(before, classes)),
    )


class Fire(nn.Module):
    def __init__(self, a: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(a, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], 1)


class SqueezeNet(nn.Module):
    """The version 1.1."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()

        def pool() -> nn.Module:
            return nn.MaxPool2d(3, 2, ceil_mode=True)

        self.features = nn.Sequential(
            *(nn.Conv2d(3, 64, 3, 2), nn.ReLU(), pool()),
            *(Fire(64, 16, 64), Fire(128, 16, 64), pool()),
            *(Fire(128, 32, 128), Fire(256, 32, 128), pool()),
            *(Fire(256, 48, 192), Fire(384, 48, 192)),
            *(Fire(384, 64, 256), Fire(512, 64, 256)),
        )
        last = nn.Conv2d(512, classes, 1)
        self.classifier = nn.Sequential(nn.Dropout(0.5), last, nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        return mean(self.classifier(self.features(x)))


class DenseLayer(nn.Module):
    def __init__(self, a: int, growth: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(a), conv(a, 4 * growth, 1)
        self.norm2, self.conv2 = (
            nn.BatchNorm2d(4 * growth),
            conv(4 * growth, growth, 3),
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(F.relu(self.norm2(self.conv1(F.relu(self.norm1(x))))))
        return torch.cat([x, y], 1)


class DenseNet(nn.Module):
    """For CIFAR, with two layers in each block."""

    def __init__(self, growth: int) -> None:
        super().__init__()
        c = 2 * growth
        self.features = nn.Sequential()
        self.features.add_module("conv0", conv(3, c, 3))
        for at in range(1, 4):
            block = nn.Sequential()
            for number in range(1, 3):
                block.add_module(f"denselayer{number}", DenseLayer(c, growth))
                c += growth
            self.features.add_module(f"denseblock{at}", block)
            if at < 3:
                transition = nn.Sequential()
                transition.add_module("norm", nn.BatchNorm2d(c))
                transition.add_module("relu", nn.ReLU())
                transition.add_module("conv", conv(c, c // 2, 1))
                transition.add_module("pool", nn.AvgPool2d(2))
                self.features.add_module(f"transition{at}", transition)
                c //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(c))
        self.classifier = nn.Linear(c, 10)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.classifier(mean(F.relu(self.features(x))))
        return out


class Double(nn.Module):
    def __init__(self, a: int, width: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(a, width, 3), nn.Conv2d(width, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv2(F.relu(self.conv1(x))))


class Up(nn.Module):
    def __init__(self, a: int, width: int) -> None:
        super().__init__()
        self.larger = nn.ConvTranspose2d(a, width, 2, 2)
        self.double1 = Double(2 * width, width)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = self.larger(x)
        y, z = ((a - b) // 2 for a, b in zip(skip.shape[2:], x.shape[2:], strict=True))
        skip = skip[:, :, y : y + x.shape[2], z : z + x.shape[3]]
        out: Tensor = self.double1(torch.cat([skip, x], 1))
        return out


class UNet(nn.Module):
    """With a sixteenth of the channels."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2 = Double(1, 4), Double(4, 8)
        self.down3, self.double4 = Double(8, 16), Double(16, 32)
        self.double5 = Double(32, 64)
        self.up1, self.up2, self.up3, self.up4 = (
            Up(2 * width, width) for width in (32, 16, 8, 4)
        )
        self.conv1 = nn.Conv2d(4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.down3(F.max_pool2d(b, 2))
        d = F.dropout(self.double4(F.max_pool2d(c, 2)), 0.5, self.training)
        x = F.dropout(self.double5(F.max_pool2d(d, 2)), 0.5, self.training)
        out: Tensor = self.conv1(self.up4(self.up3(self.up2(self.up1(x, d), c), b), a))
        return out


def c3d() -> nn.Module:
    """With a sixteenth of the channels, for inputs of 3x16x48x48."""
    names = ("1a", "2a", "3a", "3b", "4a", "4b", "5a", "5b")
    widths = (4, 8, 16, 16, 32, 32, 32, 32)
    parts: list[tuple[str, nn.Module] | Callable[[Tensor], Tensor]] = []
    before = 3
    for name, width in zip(names, widths, strict=True):
        parts.append((f"conv{name}", nn.Conv3d(before, width, 3, padding=1)))
        parts.append(F.relu)
        if name == "1a":
            parts.append(nn.MaxPool3d((1, 2, 2)))
        elif name in ("2a", "3b", "4b", "5b"):
            parts.append(nn.MaxPool3d(2, ceil_mode=name == "5b"))
        before = width
    for number, (a, b) in enumerate(((128, 24), (24, 24)), 6):
        parts.append((f"fc{number}", nn.Linear(a, b)))
        parts += [F.relu, (f"drop{number}", nn.Dropout(0.5))]
    at = next(i for i, p in enumerate(parts) if isinstance(p, tuple) and p[0] == "fc6")
    return Chained(*parts[:at], flat, *parts[at:], ("fc8", nn.Linear(24, 10)))
