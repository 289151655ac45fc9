"""Where the time of a training step goes, by PyTorch's profiler."""

from __future__ import annotations

import os
from typing import Any

from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from benchmarks import eager
from benchmarks.measure import Parts

STEPS = 3
# Words in the names of operators; others are the rest.
PARTS = {
    "convolutions": ("conv",),
    "normalisation": ("batch_norm",),
    "activations, pools": ("relu", "threshold", "hardtanh", "clamp", "pool"),
    "copies": ("aten::copy_",),
}
REST = "rest"


def parts(name: str, module: nn.Module, x: Tensor) -> Parts:
    """The mean times of some steps, after one that does not count."""
    # Otherwise the profiler tells of each beginning and end.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    run = eager.work(eager.STEP, module, x)
    run()
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        for _ in range(STEPS):
            run()
    found: dict[str, float] = dict.fromkeys((*PARTS, REST), 0.0)
    event: Any
    for event in profiled.key_averages():
        found[_part(event.key)] += event.self_cpu_time_total / STEPS / 1e3
    return Parts(name, found)


def _part(operator: str) -> str:
    named = (part for part, words in PARTS.items() if any(w in operator for w in words))
    return next(named, REST)
