"""Measuring on a device: tasks in turn, by its own clock, medians with spread."""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from torch.profiler import ProfilerActivity, profile

Call = Callable[[], object]
_MOST_CALLS = 1000
# In the names of kernels of cuDNN, cuBLAS, CUTLASS and PyTorch.
_PRODUCT = re.compile(
    "gemm|gemv|nvjet|cutlass|fprop|dgrad|wgrad|convolve|flash|fmha|sdpa"
    "|conv_depthwise|cudnn_generated|splitK",
    re.IGNORECASE,
)


class Span(NamedTuple):
    """Runs of one task, in seconds a call."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median of the runs."""
        return median(self.seconds)

    def as_json(self) -> dict[str, float]:
        """Median, least and most, in milliseconds."""
        return {
            "median": round(self.median * 1e3, 5),
            "least": round(min(self.seconds) * 1e3, 5),
            "most": round(max(self.seconds) * 1e3, 5),
        }


class Ratio(NamedTuple):
    """How long one task takes as a multiple of another, measured in turn with it."""

    median: float
    least: float
    most: float


def ratio(of: Span, to: Span) -> Ratio:
    """The ratio of medians, and the least and most of runs that stood together."""
    pairs = [a / b for a, b in zip(of.seconds, to.seconds, strict=True)]
    return Ratio(
        round(of.median / to.median, 4), round(min(pairs), 4), round(max(pairs), 4)
    )


class Clock(NamedTuple):
    """How tasks are timed: `rounds` runs of `least` seconds or more each."""

    device: torch.device
    rounds: int = 11
    least: float = 0.02

    def once(self, call: Call, times: int = 1) -> float:
        """Seconds a call takes on the device, from start to end, idle time included."""
        if self.device.type != "cuda":
            begun = time.perf_counter()
            for _ in range(times):
                call()
            return (time.perf_counter() - begun) / times
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in "be")
        torch.cuda.synchronize(self.device)
        begin.record()
        for _ in range(times):
            call()
        end.record()
        torch.cuda.synchronize(self.device)
        passed: float = begin.elapsed_time(end)
        return passed / 1e3 / times

    def in_turn(self, tasks: Mapping[str, Call]) -> dict[str, Span]:
        """Warm all tasks up, then run them in turn."""
        times = {}
        for name, call in tasks.items():
            for _ in range(2):
                self.once(call)
            once = self.once(call)
            times[name] = max(1, min(_MOST_CALLS, round(self.least / max(once, 1e-6))))
        runs: dict[str, list[float]] = {name: [] for name in tasks}
        for _ in range(self.rounds):
            for name, call in tasks.items():
                runs[name].append(self.once(call, times[name]))
        return {name: Span(tuple(seconds)) for name, seconds in runs.items()}

    def memory(self, call: Call) -> int | None:
        """The most bytes that a call holds beyond what was there before it."""
        if self.device.type != "cuda":
            return None
        torch.cuda.synchronize(self.device)
        before = torch.cuda.memory_allocated(self.device)
        torch.cuda.reset_peak_memory_stats(self.device)
        call()
        torch.cuda.synchronize(self.device)
        return torch.cuda.max_memory_allocated(self.device) - before

    def launches(self, call: Call) -> dict[str, float]:
        """Kernels that run in one call, and launches of kernels or graphs for them.

        `products_ms` is how long those for convolutions and products of matrices run,
        `others_ms` how long the rest.
        """
        activities = [ProfilerActivity.CPU]
        if self.device.type == "cuda":
            activities.append(ProfilerActivity.CUDA)
        with profile(activities=activities) as profiled:
            call()
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
        handle, path = tempfile.mkstemp(suffix=".json")
        os.close(handle)
        try:
            profiled.export_chrome_trace(path)
            text = Path(path).read_text(encoding="utf-8", errors="replace")
        finally:
            os.unlink(path)
        events = json.loads(text)["traceEvents"]
        kernels = [event for event in events if event.get("cat") == "kernel"]
        products = [event for event in kernels if is_product(event["name"])]
        products_ms, all_ms = (
            sum(event["dur"] for event in some) / 1e3 for some in (products, kernels)
        )
        return {
            "kernels": len(kernels),
            "launches": sum(map(_launches, events)),
            "products_ms": round(products_ms, 5),
            "others_ms": round(all_ms - products_ms, 5),
        }


def is_product(kernel: str) -> bool:
    """Whether a kernel of that name computes convolutions or products of matrices.

    Triton's are called by what is fused in them, and are products as templates alone.
    """
    if kernel.startswith("triton_"):
        return kernel.startswith("triton_tem_")
    return _PRODUCT.search(kernel) is not None


def _launches(event: dict[str, Any]) -> bool:
    if event.get("cat") not in ("cuda_runtime", "cuda_driver"):
        return False
    return "LaunchKernel" in event["name"] or "GraphLaunch" in event["name"]
