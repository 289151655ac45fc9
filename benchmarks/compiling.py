"""Compiling a deep net as a whole and by regions: the first step, and later ones.

    python -m benchmarks.compiling 111

is for `preresnet n=111`, which has 333 bottlenecks, and takes some ten minutes. It
prints how long the first step takes, by regions and as a whole.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from benchmarks.measure import Ratio, Sample, Series, call, in_turn
from benchmarks.startup import ROOT

AUTO, WHOLE = "auto", "whole"
SPEC = "classics/preresnet.arch"
BATCH, SIDE = 8, 32
# At some hundreds of blocks a whole graph ends in a RecursionError without these.
_RECURSION, _STACK = 100_000, 2**30
_TARGET = round(1 / 8, 3)


def first_steps(n: int, at: str) -> dict[str, Series]:
    """The first step by regions and as a whole, each once, in a process of its own."""
    found = {}
    for how in (AUTO, WHOLE):
        name = f"{3 * n} blocks, first step, {how}"
        samples = _process(("first", how, str(n)), os.path.join(at, how))
        found[name] = Series(name, (Sample(*samples),))
    return found


def compared(n: int, rounds: int) -> dict[str, Series]:
    """First and later steps; the later ones in turn, in one process."""
    with tempfile.TemporaryDirectory() as at:
        found = first_steps(n, at)
        # What the first ones compiled is not compiled again.
        later = _process(("later", str(n), str(rounds)), os.path.join(at, WHOLE))
    for how, samples in later.items():
        name = f"{3 * n} blocks, step, {how}"
        found[name] = Series(name, tuple(Sample(*each) for each in samples))
    return found


def _process(asked: Sequence[str], cache: str) -> Any:
    environment = {
        **os.environ,
        "TORCHINDUCTOR_CACHE_DIR": cache,
        # Else compilers run in processes that are not waited for, nor counted.
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.compiling", *asked],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout)


# In the process of its own


def _step(how: str, n: int) -> Callable[[], object]:
    import torch

    import archdsl
    from benchmarks import eager

    torch.set_num_threads(1)
    module = archdsl.load(ROOT / "specs" / SPEC, net="preresnet", n=n, compile=how)
    return eager.work(eager.STEP, module, torch.randn(BATCH, 3, SIDE, SIDE))


def _first(how: str, n: int) -> Sample:
    # What torch imports and sets up for any compiling at all does not count.
    _step(WHOLE, 1)()
    step = _step(how, n)
    wall, cpu = time.perf_counter(), _cpu()
    step()
    return Sample(_cpu() - cpu, time.perf_counter() - wall)


def _later(n: int, rounds: int) -> dict[str, list[Sample]]:
    steps = {how: call(_step(how, n)) for how in (AUTO, WHOLE)}
    return {
        name: list(series.samples) for name, series in in_turn(steps, rounds).items()
    }


def _cpu() -> float:
    """The time of this process and of those that it has waited for."""
    used = [
        resource.getrusage(who)
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _deep(work: Callable[[], Any]) -> Any:
    """What the work gives, with a stack for deep recursion."""
    results: list[Any] = []
    sys.setrecursionlimit(_RECURSION)
    threading.stack_size(_STACK)
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join()
    return results[0]


def main(argv: Sequence[str]) -> int:
    """Measure a deep net, or do a part of it for another process."""
    if argv[:1] == ["first"]:
        _, how, n = argv
        work = partial(_first, how, int(n))
        found = _deep(work) if how == WHOLE else work()
    elif argv[:1] == ["later"]:
        _, n, rounds = argv
        found = _deep(partial(_later, int(n), int(rounds)))
    else:
        with tempfile.TemporaryDirectory() as at:
            auto, whole = first_steps(int(argv[0]), at).values()
        ratio = Ratio(f"{auto.name} / whole", auto, whole, _TARGET)
        found = [auto.as_json(), whole.as_json(), ratio.as_json()]
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
