"""Nets for inference against torchvision's modules, and against other runtimes.

Everything runs on the CPU. `python -m benchmarks.inference NET BATCH` measures one net
in a process of its own; `measure` starts one for each, so that no cache or pool of
memory is handed on.
"""

from __future__ import annotations

import io
import json
import math
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.measure import (
    NotInstalledError,
    Ratio,
    Result,
    Sample,
    Series,
    call,
    in_turn,
)

ROOT = Path(__file__).parents[1]
THREADS = 2
# The net, and the file of specs/torchvision that it is in.
NETS = {
    "resnet18": "resnet",
    "resnet50": "resnet",
    "vgg16": "vgg",
    "alexnet": "alexnet",
    "mobilenet_v2": "mobilenet_v2",
    "googlenet": "googlenet",
}
BATCHES = (1, 8)
DEEP = "resnet1202"
# Of outputs, relative to the largest.
_SAME = 1e-3

EAGER, OURS, PUBLIC = "torchvision", "inference", "public operators"
FROZEN, ONNX, COMPILED = "torch.jit freeze", "onnxruntime", "torch.compile"
NESTED = "nn.Modules"

ABOUT = """\
The six nets are torchvision's, on 224x224 pixels, in `torch.inference_mode()` with two
threads. **inference** is what `archdsl compile --for inference` makes, prepared for the
batch; **public operators** is the same with `prepare(…, public=True)`, without the
private ones of oneDNN. Both with `keep_memory=True`, which holds for PyTorch's own
modules in that process too; onnxruntime keeps its memory anyway. `torch.jit` freezes a
traced module, onnxruntime runs what `torch.onnx` exports with all its optimisations,
and `torch.compile` is measured at batch 1 alone. The net of 1,202 layers runs at batch
1 on 32x32 pixels, against the nn.Modules of `archdsl compile`. Threads that wait sleep,
in PyTorch and onnxruntime, so that waiting is no CPU time. The means are geometric, of
all nets and batches, turn by turn."""


class Net(NamedTuple):
    """A module, its input, and what is to compute the same."""

    module: Any
    x: Any
    runs: dict[str, Callable[[], Any]]


def measure(rounds: int = 9, whole: bool = True) -> Result:
    """Measure all nets; not `whole`: two of them, without compiling."""
    nets = [(net, batch) for net in NETS for batch in BATCHES]
    if not whole:
        nets = [("mobilenet_v2", 1), ("alexnet", 8)]
    found: dict[str, dict[str, Series]] = {}
    for net, batch in nets:
        compiled = whole and batch == 1
        found[f"{net} b{batch}"] = _in_process(net, batch, rounds, compiled)
    means = _means(list(found.values()))
    found[f"{DEEP} b1"] = _in_process(DEEP, 1, rounds, False)
    ratios = [
        Ratio(f"mean: {OURS} / {EAGER}", means[OURS], means[EAGER], 0.60),
        Ratio(f"mean: {PUBLIC} / {EAGER}", means[PUBLIC], means[EAGER], 0.75),
        Ratio(f"mean: {OURS} / {ONNX}", means[OURS], means[ONNX], 1.2),
        Ratio(f"mean: {FROZEN} / {EAGER}", means[FROZEN], means[EAGER]),
    ]
    for name, series in found.items():
        if NESTED in series:
            ratios.append(_ratio(name, series, OURS, NESTED, 0.60))
            ratios.append(_ratio(name, series, PUBLIC, NESTED))
            continue
        ratios.append(_ratio(name, series, OURS, EAGER, 0.87))
        others = (PUBLIC, FROZEN, ONNX, COMPILED)
        ratios += [
            _ratio(name, series, other, EAGER) for other in others if other in series
        ]
    times = tuple(
        Series(f"{name}: {task}", one.samples)
        for name, series in found.items()
        for task, one in series.items()
    )
    return Result("inference", "Inference", ABOUT, rounds, times, tuple(ratios))


def _ratio(
    name: str,
    series: dict[str, Series],
    of: str,
    to: str,
    target: float | None = None,
) -> Ratio:
    return Ratio(f"{name}: {of} / {to}", series[of], series[to], target)


def _means(found: list[dict[str, Series]]) -> dict[str, Series]:
    """For what runs every net: the geometric means of its times, turn by turn."""
    everywhere = set.intersection(*(set(series) for series in found))
    means = {}
    for task in sorted(everywhere):
        turns = zip(*(series[task].samples for series in found), strict=True)
        means[task] = Series(task, tuple(map(_mean, turns)))
    return means


def _mean(samples: tuple[Sample, ...]) -> Sample:
    def of(numbers: list[float]) -> float:
        return math.exp(sum(map(math.log, numbers)) / len(numbers))

    return Sample(of([s.cpu for s in samples]), of([s.wall for s in samples]))


def _in_process(net: str, batch: int, rounds: int, compiled: bool) -> dict[str, Series]:
    command = [sys.executable, "-m", "benchmarks.inference", net, str(batch)]
    command += [str(rounds), "compiled" if compiled else ""]
    # Threads of OpenMP that wait are not to take the time of others.
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    ran = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        last = ran.stderr.strip().rpartition("\n")[2]
        raise NotInstalledError(f"benchmark inference of {net}: {last}")
    measured = json.loads(ran.stdout.rpartition("\n{")[2].join(("{", "")))
    return {
        name: Series(name, tuple(Sample(*sample) for sample in samples))
        for name, samples in measured.items()
    }


def main(argv: list[str]) -> None:
    """Measure one net and print its times as JSON."""
    import torch

    warnings.simplefilter("ignore")
    name, batch, rounds, compiled = argv[0], int(argv[1]), int(argv[2]), argv[3:]
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    net = _deep() if name == DEEP else _zoo(name, batch, compiled == ["compiled"])
    with torch.inference_mode():
        _compare(net)
        series = in_turn({n: call(run) for n, run in net.runs.items()}, rounds)
    print()
    print(json.dumps({n: one.samples for n, one in series.items()}))


def _zoo(name: str, batch: int, compiled: bool) -> Net:
    import torch

    import archdsl
    from archdsl.runtime.load import execute
    from benchmarks.zoo import built

    module = built(name).eval()
    spec = ROOT / "specs" / "torchvision" / f"{NETS[name]}.arch"
    made = execute(archdsl.compile(spec, name, target="inference"))
    x = torch.randn(batch, 3, 224, 224)
    runs: dict[str, Callable[[], Any]] = {EAGER: lambda: module(x)}
    for task, public in ((OURS, False), (PUBLIC, True)):
        prepared = made.prepare(
            module.state_dict(), batch=batch, public=public, keep_memory=True
        )
        runs[task] = _calling(prepared, x)
    with torch.inference_mode(False), torch.no_grad():
        frozen = torch.jit.freeze(torch.jit.trace(module, x))
        frozen = torch.jit.optimize_for_inference(frozen)
    runs[FROZEN] = _calling(frozen, x)
    runs[ONNX] = _by_onnx(module, x)
    if compiled:
        runs[COMPILED] = _calling(torch.compile(module), x)
    return Net(module, x, runs)


def _deep() -> Net:
    import torch

    import archdsl
    from archdsl.runtime.load import execute

    spec = ROOT / "specs" / "classics" / "resnet_cifar.arch"
    module = archdsl.load(spec, DEEP).eval()
    made = execute(archdsl.compile(spec, DEEP, target="inference"))
    x = torch.randn(1, 3, 32, 32)
    runs: dict[str, Callable[[], Any]] = {NESTED: lambda: module(x)}
    for task, public in ((OURS, False), (PUBLIC, True)):
        prepared = made.prepare(module.state_dict(), public=public, keep_memory=True)
        runs[task] = _calling(prepared, x)
    return Net(module, x, runs)


def _calling(function: Callable[[Any], Any], x: Any) -> Callable[[], Any]:
    return lambda: function(x)


def _by_onnx(module: Any, x: Any) -> Callable[[], Any]:
    """A session of onnxruntime, fed from memory that is not copied."""
    import onnxruntime
    import torch

    file: Any = io.BytesIO()
    with _silent():
        torch.onnx.export(module, (x,), file, dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        file.getvalue(), options, providers=["CPUExecutionProvider"]
    )
    given = {session.get_inputs()[0].name: x.numpy()}
    return lambda: session.run(None, given)[0]


@contextmanager
def _silent() -> Iterator[None]:
    """What exporters print is no result."""
    import contextlib

    with contextlib.redirect_stdout(io.StringIO()):
        yield


def _compare(net: Net) -> None:
    """All runs compute the same."""
    import torch

    wanted = net.module(net.x)
    for name, run in net.runs.items():
        found = torch.as_tensor(run())
        error = float((found - wanted).abs().max() / wanted.abs().max())
        if not error <= _SAME:
            raise SystemExit(f"{name} computes something else, by {error:.1e}")


if __name__ == "__main__":
    main(sys.argv[1:])
