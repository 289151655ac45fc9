"""Emitted modules against torchvision's, eager: time of a pass and of a step, memory."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from benchmarks.measure import (
    MemoryRatio,
    NotInstalledError,
    Ratio,
    Result,
    Series,
    Task,
    call,
    in_turn,
)
from benchmarks.startup import ROOT

OURS, THEIRS = "archdsl", "torchvision"
# Each is in the spec of this name, and called alike in torchvision.
NETS = {
    "resnet18": "resnet",
    "resnet50": "resnet",
    "vgg16": "vgg",
    "alexnet": "alexnet",
    "mobilenet_v2": "mobilenet_v2",
    "googlenet": "googlenet",
}
BATCHES = (1, 8)
SIDE = 224
# What neighbouring runs of one and the same module differ by.
NOISE = 1.03

ABOUT = f"""\
{len(NETS)} networks of torchvision, as `archdsl.load` makes them from
`specs/torchvision` and as torchvision has them, with equal weights, on one thread. A
pass is in evaluation mode under `torch.inference_mode()`, a step is the forward and
backward pass and SGD with momentum, for {SIDE}x{SIDE} pictures. Memory is what a pass
or step adds at its peak (`VmHWM`) to a process that has the module and its input, each
in a process of its own. Targets are 1 and {NOISE - 1:.0%} for noise."""


def measure(
    rounds: int = 5,
    nets: Mapping[str, str] = NETS,
    batches: tuple[int, ...] = BATCHES,
    memory: bool = True,
) -> Result:
    """Measure the networks.

    Raises NotInstalledError without torchvision.
    """
    need_torchvision("modules are")
    from benchmarks import eager

    series: list[Series] = []
    ratios: list[Ratio] = []
    peaks: list[MemoryRatio] = []
    with eager.one_thread():
        for net in nets:
            ours, theirs = eager.pair(net)
            for batch in batches:
                for what in (eager.forward, eager.Step):
                    tasks = {
                        f"{peer} {net} b{batch}, {eager.word(what)}": call(
                            what(module, eager.pictures(batch))
                        )
                        for peer, module in ((OURS, ours), (THEIRS, theirs))
                    }
