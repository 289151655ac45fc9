"""Measuring: calls and processes in turn, CPU and wall time, medians with spread."""

from __future__ import annotations

import gc
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

# A call is repeated until a run of it takes this long.
LEAST_SECONDS = 0.02


class Sample(NamedTuple):
    """One run, in seconds."""

    cpu: float
    wall: float


Task = Callable[[], Sample]


class Series(NamedTuple):
    """All runs of one task."""

    name: str
    samples: tuple[Sample, ...]

    @property
    def cpu(self) -> float:
        """The median of the CPU times."""
        return median(sample.cpu for sample in self.samples)

    @property
    def wall(self) -> float:
        """The median of the wall times."""
        return median(sample.wall for sample in self.samples)

    def as_json(self) -> dict[str, Any]:
        """Median, least and most, in milliseconds."""
        return {
            "name": self.name,
            "cpu_ms": _in_ms([sample.cpu for sample in self.samples]),
            "wall_ms": _in_ms([sample.wall for sample in self.samples]),
        }


class Ratio(NamedTuple):
    """How long one task takes, as a multiple of another.

    `scale` divides it: ten times the lines in eight times the time is 0.8 a line.
    """

    name: str
    of: Series
    to: Series
    target: float | None = None
    scale: float = 1.0

    @property
    def cpu(self) -> float:
        """The ratio of the medians of the CPU times."""
        return self.of.cpu / self.to.cpu / self.scale

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None if there is none."""
        return None if self.target is None else self.cpu <= self.target

    def as_json(self) -> dict[str, Any]:
        """The ratio, and the least and most of those of runs that stood together."""
        pairs = [
            of.cpu / to.cpu / self.scale
            for of, to in zip(self.of.samples, self.to.samples, strict=True)
        ]
        return {
            "name": self.name,
            "cpu": round(self.cpu, 3),
            "least": round(min(pairs), 3),
            "most": round(max(pairs), 3),
            "wall": round(self.of.wall / self.to.wall / self.scale, 3),
            "target": self.target,
            "met": self.met,
        }


class MemoryRatio(NamedTuple):
    """How many bytes one task takes, as a multiple of another."""

    name: str
    of: int
    to: int
    target: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The ratio, to the hundredth, and the sizes in megabytes."""
        ratio = round(self.of / self.to, 2)
        return {
            "name": self.name,
            "ratio": ratio,
            "of_mb": round(self.of / 1e6, 1),
            "to_mb": round(self.to / 1e6, 1),
            "target": self.target,
            "met": None if self.target is None else ratio <= self.target,
        }


class NotInstalledError(Exception):
    """What a benchmark compares with is not there; the text is for people."""


class Picture(NamedTuple):
    """A file that was drawn; `wide` and `high` are in pixels, if it is a picture."""

    name: str
    size: int
    wide: int | None = None
    high: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Its size in bytes and in pixels."""
        return {
            "name": self.name,
            "bytes": self.size,
            "wide": self.wide,
            "high": self.high,
        }


class Amount(NamedTuple):
    """A figure that is no ratio of times; what is asked for is a least or a most."""

    name: str
    value: float
    unit: str
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None if there is none."""
        if self.least is None and self.most is None:
            return None
        above = self.least is None or self.value >= self.least
        return above and (self.most is None or self.value <= self.most)

    def as_json(self) -> dict[str, Any]:
        """The figure, what was asked for, and whether it is reached."""
        return {**self._asdict(), "value": round(self.value), "met": self.met}


class Parts(NamedTuple):
    """Where the time of a task goes, in milliseconds."""

    name: str
    times: Mapping[str, float]

    def as_json(self) -> dict[str, Any]:
        """The times to a tenth."""
        times = {part: round(time, 1) for part, time in self.times.items()}
        return {"name": self.name, "times_ms": times}


class Result(NamedTuple):
    """What one benchmark found."""

    name: str
    title: str
    about: str
    rounds: int
    series: tuple[Series, ...]
    ratios: tuple[Ratio, ...]
    pictures: tuple[Picture, ...] = ()
    amounts: tuple[Amount, ...] = ()
    memory: tuple[MemoryRatio, ...] = ()
    parts: tuple[Parts, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """All of it, with the facts of the machine."""
        found: dict[str, Any] = {
            "name": self.name,
            "title": self.title,
            "about": self.about,
            "machine": machine(),
            "rounds": self.rounds,
            "times": [series.as_json() for series in self.series],
            "ratios": [ratio.as_json() for ratio in self.ratios],
        }
        if self.memory:
            found["memory"] = [ratio.as_json() for ratio in self.memory]
        if self.parts:
            found["parts"] = [parts.as_json() for parts in self.parts]
        if self.pictures:
            found["pictures"] = [picture.as_json() for picture in self.pictures]
        if self.amounts:
            found["amounts"] = [amount.as_json() for amount in self.amounts]
        return found


def in_turn(tasks: Mapping[str, Task], rounds: int) -> dict[str, Series]:
    """Run every task once to warm up, then all of them in turn, `rounds` times."""
    for task in tasks.values():
        task()
    samples: dict[str, list[Sample]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            samples[name].append(task())
    return {name: Series(name, tuple(runs)) for name, runs in samples.items()}


def call(function: Callable[[], object], least: float = LEAST_SECONDS) -> Task:
    """A task that calls a function, often enough to be measured."""
    begin = time.perf_counter()
    function()
    once = time.perf_counter() - begin
    return partial(_call, function, max(1, round(least / max(once, 1e-6))))


def _call(function: Callable[[], object], times: int) -> Sample:
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(times):
        function()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Sample(cpu / times, wall / times)


def process(command: Sequence[str], environment: Mapping[str, str], at: Path) -> Task:
    """A task that runs a command and asks the system for the time it took."""
    return partial(_process, command, environment, at)


def _process(
    command: Sequence[str], environment: Mapping[str, str], at: Path
) -> Sample:
    begin = time.perf_counter()
    child = subprocess.Popen(
        command, cwd=at, env=environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return Sample(usage.ru_utime + usage.ru_stime, wall)


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "platform": f"{platform.system()} {platform.machine()}",
    }


def _cpu() -> str:
    try:
        facts = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        facts = ""
    for line in facts.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.check_output(command, text=True).strip()
    return platform.processor() or "unknown"


def _in_ms(seconds: list[float]) -> dict[str, float]:
    return {
        "median": round(median(seconds) * 1e3, 3),
        "least": round(min(seconds) * 1e3, 3),
        "most": round(max(seconds) * 1e3, 3),
    }
