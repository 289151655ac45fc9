"""Runs a net once for a person: weights, a picture, outputs, time and memory."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from archdsl.backends.torch.emit import emit, net_class
from archdsl.ir.network import Network
from archdsl.ir.places import table_sizes
from archdsl.ir.signature import inputs_text
from archdsl.runtime.load import execute

RUNS = 5
LARGEST = 5
# Whole numbers are drawn below this where no table tells what they may be.
_FEW = 10
# PyTorch has no one exception for it.
_NO_MEMORY = ("out of memory", "allocate memory", "not enough memory", "overflow")
# Of ImageNet's pictures, as weights for it expect them.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class RunError(ValueError):
    """A net cannot be run as asked; its text is for people."""


class Largest(NamedTuple):
    """One of the largest numbers of an output vector, and its softmax."""

    place: int
    value: float
    probability: float


class Ran(NamedTuple):
    """What came out. `memory` is the peak in bytes, None where it is not known."""

    outputs: list[tuple[str, tuple[int, ...]]]
    largest: list[Largest]
    seconds: float
    memory: int | None


def device_named(name: str) -> torch.device:
    """The device asked for; `auto` is the GPU if there is one."""
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise RunError("torch finds no CUDA device; use --device cpu")
    return torch.device("cuda" if name != "cpu" and there else "cpu")


def built(network: Network, seed: int) -> nn.Module:
    """The net in evaluation mode, its weights drawn with the seed."""
    torch.manual_seed(seed)
    try:
        made = getattr(execute(emit(network)), net_class(network.name))
    except ImportError as problem:
        raise RunError(
            f"an extern is not found: {problem}; PYTHONPATH says where modules are"
        ) from None
    with _enough_memory():
        module = made()
    assert isinstance(module, nn.Module)
    return module.eval()


def _input_sizes(network: Network) -> list[tuple[int, ...]]:
    """The sizes of all inputs. Raises RunError if some are not known."""
    found: list[tuple[int, ...]] = []
    symbols: dict[str, None] = {}
    for tensor in network.root.inputs:
        found.append(tuple(size for size in tensor.sizes if isinstance(size, int)))
        for size in tensor.sizes:
            if not isinstance(size, int):
                symbols |= dict.fromkeys(size.symbols)
    if symbols:
        are = "is" if len(symbols) == 1 else "are"
        fixed = " ".join(f"--set {symbol}=…" for symbol in symbols)
        needs = network.facts.constraints() if network.facts is not None else ()
        so_that = f" (the net needs {', '.join(needs)})" if needs else ""
        raise RunError(
            f"{' and '.join(symbols)} {are} not known; give numbers: {fixed}{so_that}"
        )
    return found


def random_inputs(network: Network, batch: int, seed: int) -> list[Tensor]:
    """Random numbers for each input, the same on every device.

    Real numbers are normally distributed. Whole numbers are below the size of the
    table they look something up in, or below 10 where that cannot be told. Of truth
    values the first is true. Raises RunError if the net's sizes are not all known, or
    for lack of memory.
    """
    generator = torch.Generator().manual_seed(seed)
    sizes = _input_sizes(network)
    found: list[Tensor] = []
    with _enough_memory():
        for tensor, shape, entries in zip(
            network.root.inputs, sizes, table_sizes(network), strict=True
        ):
            whole = (batch, *shape)
            if tensor.dtype == "float":
                found.append(torch.randn(whole, generator=generator))
            elif tensor.dtype == "int":
                below = entries or _FEW
                found.append(torch.randint(below, whole, generator=generator))
            else:
                mask = torch.rand(whole, generator=generator) < 0.5
                # Attention to nothing at all has no value.
                mask[..., 0] = True
                found.append(mask)
    return found


def picture(network: Network, path: str, batch: int) -> tuple[Tensor, str]:
    """A picture as the net's input, and what was done to it."""
    first, *others = network.root.inputs
    is_map = first.rank == 3 and first.sizes[0] in (1, 3) and first.dtype == "float"
    if others or not is_map:
        noun = "inputs are" if others else "input is"
        raise RunError(
            f"a picture has 1 or 3 channels, height and width, and the net's {noun}"
            f" {inputs_text(network.root)}; use --random"
        )
    sizes = _input_sizes(network)[0]
    try:
        from PIL import Image
    except ImportError:
        raise RunError("pictures need Pillow: pip install pillow") from None
    channels, height, width = sizes
    try:
        with Image.open(path) as opened:
            # Covers the input with the least of it cut away.
            scale = max(height / opened.height, width / opened.width)
            size = (
                max(width, round(opened.width * scale)),
                max(height, round(opened.height * scale)),
            )
            image = opened.convert("L" if channels == 1 else "RGB")
            # The crop first: a long thin picture would grow without bound.
            left = (size[0] - width) / 2 / scale
            top = (size[1] - height) / 2 / scale
            box = (
                max(0.0, left),
                max(0.0, top),
                min(image.width, left + width / scale),
                min(image.height, top + height / scale),
            )
            fitted = image.resize((width, height), Image.Resampling.BILINEAR, box)
    except (OSError, ValueError, Image.DecompressionBombError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else None
        raise RunError(f"`{path}` is no picture: {reason or problem}") from None
    data = torch.frombuffer(bytearray(fitted.tobytes()), dtype=torch.uint8)
    x = data.reshape(height, width, channels).permute(2, 0, 1).float() / 255
    how = "resized and cropped, grey, from 0 to 1"
    if channels == 3:
        x = (x - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
        how = f"resized and cropped, less mean {_row(MEAN)}, by std {_row(STD)}"
    with _enough_memory():
        return x.expand(batch, -1, -1, -1).contiguous(), how


def _row(numbers: Sequence[float]) -> str:
    return " ".join(map(str, numbers))


def ran(module: nn.Module, inputs: Sequence[Tensor], device: torch.device) -> Ran:
    """Run the net once to warm up, and then a few times."""
    with _enough_memory(device.type):
        return _ran(module, inputs, device)


@contextlib.contextmanager
def _enough_memory(device: str = "cpu") -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as problem:
        if lacks_memory(problem):
            raise RunError(f"there is not enough memory ({device})") from None
        raise


def lacks_memory(problem: BaseException) -> bool:
    """Whether that was raised because there is not enough memory."""
    text = str(problem)
    return isinstance(problem, MemoryError) or (
        isinstance(problem, RuntimeError) and any(sign in text for sign in _NO_MEMORY)
    )


@torch.inference_mode()
def _ran(module: nn.Module, inputs: Sequence[Tensor], device: torch.device) -> Ran:
    on_gpu = device.type == "cuda"
    module.to(device)
    given = [x.to(device) for x in inputs]
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(device)
    seconds = []
    out: Any = module(*given)
    for _ in range(RUNS):
        if on_gpu:
            torch.cuda.synchronize(device)
        start = time.perf_counter()
        out = module(*given)
        if on_gpu:
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - start)
    memory = torch.cuda.max_memory_allocated(device) if on_gpu else _resident()
    named = _named(out)
    shapes = [(name, tuple(tensor.shape)) for name, tensor in named]
    return Ran(shapes, _largest(named[0][1]), statistics.median(seconds), memory)


def _named(out: Any) -> list[tuple[str, Tensor]]:
    """The tensors that a net returns; one alone has no name."""
    if isinstance(out, Tensor):
        return [("", out)]
    if isinstance(out, Mapping):
        pairs = list(out.items())
    else:
        names = getattr(out, "_fields", range(len(out)))
        pairs = list(zip(names, out, strict=True))
    return [(str(name), value) for name, value in pairs if isinstance(value, Tensor)]


def _largest(out: Tensor) -> list[Largest]:
    """Of the first sample, if it is a vector."""
    if out.ndim != 2 or out.shape[1] < 2 or not out.is_floating_point():
        return []
    vector = out[0].double().cpu()
    probabilities = vector.softmax(0)
    found = vector.topk(min(LARGEST, len(vector)))
    return [
        Largest(index, value, float(probabilities[index]))
        for value, index in zip(
            found.values.tolist(), found.indices.tolist(), strict=True
        )
    ]


def _resident() -> int | None:
    """The most memory that the process had, in bytes."""
    try:
        import resource
    except ImportError:
        # Windows.
        return None
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
