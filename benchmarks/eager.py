"""Modules of both sides: passes and steps on one thread, and the memory that they add.

    python -m benchmarks.eager resnet50 archdsl step 8 '{"checkpoint": "layer1"}'

prints the bytes that a step of a batch of eight adds to a process at its peak.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

import archdsl
from benchmarks.gpu.nets import loss
from benchmarks.startup import ROOT
from benchmarks.torchvision_cpu import import_torchvision

OURS, THEIRS = "archdsl", "torchvision"
PASS, STEP = "pass", "step"
_RATE, _MOMENTUM = 1e-4, 0.9
_CLEAR = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


class Net(NamedTuple):
    """A net, the spec that it stands in, and the side of its pictures."""

    name: str
    spec: str
    side: int = 224

    def load(self, **options: Any) -> nn.Module:
        """As archdsl makes it."""
        return archdsl.load(ROOT / "specs" / self.spec, net=self.name, **options)

    def reference(self) -> nn.Module:
        """As torchvision has it."""
        given = {"init_weights": False} if self.name == "googlenet" else {}
        models = import_torchvision().models
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made: nn.Module = models.get_model(self.name, weights=None, **given)
        return made

    def pictures(self, batch: int) -> Tensor:
        """A batch of random pictures."""
        generator = torch.Generator().manual_seed(1)
        return torch.randn(batch, 3, self.side, self.side, generator=generator)


NETS = {
    net.name: net
    for net in (
        Net("resnet18", "torchvision/resnet.arch"),
        Net("resnet50", "torchvision/resnet.arch"),
        Net("vgg16", "torchvision/vgg.arch"),
        Net("alexnet", "torchvision/alexnet.arch"),
        Net("mobilenet_v2", "torchvision/mobilenet_v2.arch"),
        Net("googlenet", "torchvision/googlenet.arch"),
        Net("resnet1202", "classics/resnet_cifar.arch", side=32),
    )
}


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Meanwhile torch computes on one thread: others that wait take time, too."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def work(what: str, module: nn.Module, x: Tensor) -> Callable[[], object]:
    """A pass in evaluation mode, or a step of training; of one module at a time."""
    return (_evaluation if what == PASS else _training)(module, x)


def _evaluation(module: nn.Module, x: Tensor) -> Callable[[], object]:
    def run() -> None:
        module.eval()
        with torch.inference_mode():
            module(x)

    return run


def _training(module: nn.Module, x: Tensor) -> Callable[[], object]:
    optimiser = torch.optim.SGD(module.parameters(), lr=_RATE, momentum=_MOMENTUM)
    labels = torch.arange(len(x)) % 10

    def run() -> None:
        module.train()
        loss(module(x), labels).backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    return run


# Memory


def measures_memory() -> bool:
    """Whether the system tells the peak of a process from any moment on."""
    return _CLEAR.exists()


def peak(
    net: str,
    peer: str,
    what: str,
    batch: int,
    options: Mapping[str, Any] | None = None,
) -> int:
    """The bytes that one pass or step adds to a process of its own, at its peak."""
    asked = (net, peer, what, str(batch), json.dumps(options or {}))
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.eager", *asked],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        # Otherwise what was freed stays with the process, and how much is chance.
        env={**os.environ, "MALLOC_MMAP_THRESHOLD_": str(2**20)},
    )
    return int(done.stdout)


def _added(net: Net, peer: str, what: str, batch: int, options: Any) -> int:
    module = net.load(**options) if peer == OURS else net.reference()
    run = work(what, module, net.pictures(batch))
    with one_thread():
        _CLEAR.write_text("5", encoding="ascii")
        before = _status("VmRSS")
        run()
    return _status("VmHWM") - before


def _status(field: str) -> int:
    text = _STATUS.read_text(encoding="ascii")
    found = re.search(rf"^{field}:\s+(\d+) kB$", text, re.MULTILINE)
    assert found is not None
    return 1024 * int(found[1])


def main() -> None:
    """Print the bytes for the arguments of the command line."""
    name, peer, what, batch, *more = sys.argv[1:]
    options = json.loads(more[0]) if more else {}
    sys.stdout.write(f"{_added(NETS[name], peer, what, int(batch), options)}\n")


if __name__ == "__main__":
    main()
