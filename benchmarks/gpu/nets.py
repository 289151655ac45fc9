"""The nets measured, from emitted source and from torchvision, with equal weights."""

from __future__ import annotations

import importlib.util
import json
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _NormBase

MANIFEST = "nets.json"
OURS, THEIRS = "archdsl", "torchvision"
_SPREAD = 0.1
_CALIBRATIONS = 2
# Of the outputs besides the first, GoogLeNet's side heads; Szegedy et al. 2015.
_SIDE_WEIGHT = 0.3


class Net(NamedTuple):
    """One net as it was emitted."""

    name: str
    file: Path
    inference: Path
    class_name: str
    side: int
    classes: int
    macs: int

    def build(self) -> nn.Module:
        """Its module, from the emitted source."""
        module = getattr(_source(self.file), self.class_name)()
        assert isinstance(module, nn.Module)
        return module

    def prepare(self, weights: dict[str, Tensor], **options: Any) -> Any:
        """The net that is emitted for inference, with these weights."""
        return _source(self.inference).prepare(weights, **options)


def _source(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"emitted_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    source = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(source)
    return source


def _files(folder: Path, row: dict[str, Any]) -> dict[str, Path]:
    return {name: folder / row[name] for name in ("file", "inference")}


class SourcesError(Exception):
    """The emitted sources are not there, or not whole."""


def read(folder: Path) -> dict[str, Net]:
    """The nets of a folder that `emit` wrote, by name. Raises SourcesError."""
    try:
        rows = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        nets = [Net(**{**row, **_files(folder, row)}) for row in rows]
    except (OSError, ValueError, TypeError, KeyError) as problem:
        raise SourcesError(
            f"{folder} has no emitted nets ({problem}); write them with "
            f"`python -m benchmarks.gpu emit {folder}`"
        ) from problem
    return {net.name: net for net in nets}


def torchvision_models() -> Any | None:
    """The models of torchvision, None where it is not installed."""
    from benchmarks.torchvision_cpu import import_torchvision

    try:
        return import_torchvision().models
    except (ImportError, OSError, RuntimeError, AttributeError):
        return None


def peer(models: Any | None, name: str) -> Callable[[], nn.Module] | None:
    """Builds torchvision's module of that name, None if there is none."""
    if models is None or not hasattr(models, name):
        return None

    def build() -> nn.Module:
        given = {"init_weights": False} if name == "googlenet" else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = models.get_model(name, weights=None, **given)
        assert isinstance(module, nn.Module)
        return module

    return build


def on(device: torch.device, build: Callable[[], nn.Module]) -> nn.Module:
    """The module, built on that device."""
    with device:
        return build()


@torch.no_grad()
def draw(module: nn.Module) -> None:
    """Draw all parameters, the same each time.

    At the published initialisation outputs can be all zeros, those of ViT-B/16 are.
    """
    for number, (name, parameter) in enumerate(module.named_parameters()):
        generator = torch.Generator(parameter.device).manual_seed(number)
        noise = torch.randn(
            parameter.shape, generator=generator, device=parameter.device
        )
        sizes = [size for size in parameter.shape if size > 1]
        if len(sizes) > 1:
            noise *= math.sqrt(2 / math.prod(parameter.shape[1:]))
        elif "bias" in name.rpartition(".")[2]:
            noise *= _SPREAD
        else:
            noise = 1 + _SPREAD * noise
        parameter.copy_(noise)


@torch.no_grad()
def calibrate(module: nn.Module, picture: Callable[[], Tensor]) -> None:
    """Let batch normalisation learn the statistics of a few batches."""
    norms = [part for part in module.modules() if isinstance(part, _NormBase)]
    momenta = [norm.momentum for norm in norms]
    module.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    for _ in range(_CALIBRATIONS if norms else 0):
        module(picture())
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    module.eval()


def pictures(net: Net, batch: int, device: torch.device, seed: int) -> Tensor:
    """A batch of random pictures."""
    generator = torch.Generator(device).manual_seed(seed)
    return torch.randn(batch, 3, net.side, net.side, generator=generator, device=device)


def loss(outputs: Any, labels: Tensor) -> Tensor:
    """Cross-entropy, with that of the side heads where there are some."""
    if isinstance(outputs, Tensor):
        return F.cross_entropy(outputs, labels)
    first, *others = outputs
    total = F.cross_entropy(first, labels)
    for other in others:
        total = total + _SIDE_WEIGHT * F.cross_entropy(other, labels)
    return total


def difference(found: Tensor, wanted: Tensor) -> float:
    """The largest difference over the largest number; infinite if it is not finite."""
    wanted, found = wanted.detach().float(), found.detach().float()
    value = float((found - wanted).abs().max() / wanted.abs().max())
    return value if math.isfinite(value) else math.inf
