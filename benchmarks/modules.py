"""Emitted modules against torchvision's, eager: a pass and a step, and their memory."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

from benchmarks.measure import (
    MemoryRatio,
    NotInstalledError,
    Ratio,
    Result,
    Series,
    call,
    in_turn,
)

NETS = ("resnet18", "resnet50", "vgg16", "alexnet", "mobilenet_v2", "googlenet")
BATCHES = (1, 8)
# By so much single modules differ from themselves.
NOISE = 1.03
# Both sides compute nearly the same: of few runs noise alone is above NOISE somewhere.
ROUNDS = 11

ABOUT = """\
Six networks as `archdsl.load` makes them from `specs/torchvision`, and as torchvision
has them, with equal weights, not compiled, on one thread, for pictures of 224x224. A
pass is in evaluation mode under `torch.inference_mode()`; a step is a forward pass in
training mode, the backward pass, and SGD with momentum. The target is 1, and 0.03 for
noise; of 24 ratios of few runs noise alone misses some, so these are of 11. Memory is
what a pass or step of eight pictures adds at its peak to a process that has the module,
each in a process of its own, and its target is 1.00."""


def need_torchvision(what: str) -> None:
    """Raise NotInstalledError without torch or torchvision."""
    for package in ("torch", "torchvision"):
        if importlib.util.find_spec(package) is None:
            raise NotInstalledError(
                f"{what} held against {package}, which is not installed: make bench"
            )


def measure(rounds: int = ROUNDS, quick: bool = False) -> Result:
    """Measure the networks, one alone with one picture if it is to be `quick`.

    Raises NotInstalledError without torchvision.
    """
    need_torchvision("modules are")
    from benchmarks import eager

    nets, batches = (("mobilenet_v2",), (1,)) if quick else (NETS, BATCHES)
    series: list[Series] = []
    ratios: list[Ratio] = []
    with eager.one_thread():
        for net in nets:
            for ours, theirs in _compared(net, batches, rounds):
                series += ours, theirs
                ratios.append(Ratio(f"{ours.name} / torchvision", ours, theirs, NOISE))
    return Result(
        "modules",
        "Emitted modules",
        ABOUT,
        rounds,
        tuple(series),
        tuple(ratios),
        memory=tuple(_memory(nets, max(batches))),
    )


def _compared(
    name: str, batches: tuple[int, ...], rounds: int
) -> Iterator[tuple[Series, Series]]:
    from benchmarks import eager

    net = eager.NETS[name]
    ours, theirs = net.load(), net.reference()
    theirs.load_state_dict(ours.state_dict())
    for batch in batches:
        x = net.pictures(batch)
        for what in (eager.PASS, eager.STEP):
            text = f"{name} b{batch}, {what}"
            tasks = {
                text: call(eager.work(what, ours, x)),
                f"torchvision {text}": call(eager.work(what, theirs, x)),
            }
            mine, peer = in_turn(tasks, rounds).values()
            yield mine, peer


def _memory(nets: tuple[str, ...], batch: int) -> Iterator[MemoryRatio]:
    from benchmarks import eager

    if not eager.measures_memory():
        return
    for net in nets:
        for what in (eager.PASS, eager.STEP):
            ours, theirs = (
                eager.peak(net, peer, what, batch)
                for peer in (eager.OURS, eager.THEIRS)
            )
            name = f"{net} b{batch}, {what} / torchvision"
            yield MemoryRatio(name, ours, theirs, target=1.0)
