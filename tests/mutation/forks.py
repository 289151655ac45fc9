"""Processes of their own, and limits on what is run in them."""

from __future__ import annotations

import os
import pickle
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

GIGABYTE = 1 << 30
# Seconds after which what no exception ends is ended.
WHOLE = 600


class Slow(BaseException):
    """It took longer than it may."""


def said(work: Callable[[Callable[[object], None]], None]) -> Iterator[Any]:
    """All that the work says in a fork, as long as that lives."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            _be_quiet_and_bounded()
            with os.fdopen(writing, "wb") as out:

                def say(what: object) -> None:
                    pickle.dump(what, out)
                    out.flush()

                work(say)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        while True:
            try:
                yield pickle.load(pipe)
            except (EOFError, pickle.UnpicklingError):
                break
    os.waitpid(pid, 0)


def _be_quiet_and_bounded() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + GIGABYTE, used + GIGABYTE))
    resource.setrlimit(resource.RLIMIT_CPU, (WHOLE, WHOLE))
    signal.signal(signal.SIGPROF, _too_slow)


def _too_slow(number: int, frame: object) -> None:
    raise Slow


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Seconds of the processor, after which Slow is raised."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def spent() -> float:
    """Seconds of the processor, with those of programs that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
