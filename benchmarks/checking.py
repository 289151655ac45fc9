"""In one process: checking takes the time of the text, not of the network."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from archdsl.backends.torch.emit import emit
from archdsl.collector import Paused
from archdsl.ir.network import Network
from archdsl.pipeline import check
from archdsl.source import Source
from archdsl.syntax import parse as parse_collecting
from archdsl.syntax.nodes import File
from benchmarks.measure import Ratio, Result, Task, call, in_turn

T = TypeVar("T")

CLASSICS = Path(__file__).parents[1] / "specs" / "classics"

ABOUT = """\
Checking goes from text to checked network, parsing included, in a process that has
done it before. `resnet1202` has 600 blocks where `resnet20` has 9."""

REPEATED = """\
block basic width {{
  conv width 3x3 same bias=false | bn | relu
  conv width 3x3 same bias=false | bn
  add(id, in) | relu
}}
net repeated {{
  input 16x32x32
  basic 16 x={times}
}}
"""


def measure(rounds: int = 15) -> Result:
    """Measure checking, its parts, and compiling."""
    cifar = classic("resnet_cifar.arch")
    imagenet = classic("resnet.arch")
    ten, million = (_repeated(times) for times in (10, 10**6))
    networks = {
        (source, net): checked(source, net)
        for source, net in (
            (cifar, "resnet20"),
            (cifar, "resnet1202"),
            (imagenet, "resnet152"),
        )
    }
    tasks = {
        "check resnet20": _check(cifar, "resnet20"),
        "check resnet1202": _check(cifar, "resnet1202"),
        "check a block x10": _check(ten, "repeated"),
        "check a block x1000000": _check(million, "repeated"),
        "parse resnet.arch": call(partial(parse, imagenet)),
        "check resnet.arch, 7 nets": call(partial(check, imagenet)),
        "check resnet152": _check(imagenet, "resnet152"),
        "compile resnet152": call(_compile(imagenet, "resnet152")),
        "emit resnet152": call(partial(emit, networks[imagenet, "resnet152"])),
        "emit resnet20": call(partial(emit, networks[cifar, "resnet20"])),
        "emit resnet1202": call(partial(emit, networks[cifar, "resnet1202"])),
    }
    s = in_turn(tasks, rounds)
    whole = s["check resnet.arch, 7 nets"]
    return Result(
        "checking",
        "Checking and compiling",
        ABOUT,
        rounds,
        tuple(s.values()),
        (
            Ratio(
                "check resnet1202 / resnet20",
                s["check resnet1202"],
                s["check resnet20"],
                target=1.1,
            ),
            Ratio(
                "check a block x1000000 / x10",
                s["check a block x1000000"],
                s["check a block x10"],
                target=1.1,
            ),
            Ratio(
                "emit resnet1202 / resnet20",
                s["emit resnet1202"],
                s["emit resnet20"],
            ),
            Ratio("parse / check, resnet.arch", s["parse resnet.arch"], whole),
            Ratio(
                "check / compile, resnet152",
                s["check resnet152"],
                s["compile resnet152"],
            ),
        ),
    )


def checked(source: Source, net: str) -> Network:
    """One net of a source text, which must be right."""
    result = check(source, net)
    if result.diagnostics:
        raise ValueError(f"{source.name}: {result.diagnostics[0].message}")
    return result.networks[net]


def parsed(source: Source) -> File:
    """The tree of a source text, which must be right."""
    tree, found = parse_collecting(source)
    if tree is None:
        raise ValueError(f"{source.name}: {found[0].message}")
    return tree


def parse(source: Source) -> object:
    """Parse as `check` does, which pauses the collector."""
    with Paused():
        return parse_collecting(source)


def paused(function: Callable[[], T]) -> Callable[[], T]:
    """The function, with the collector paused as `check` has it."""

    def call() -> T:
        with Paused():
            return function()

    return call


def _check(source: Source, net: str) -> Task:
    checked(source, net)
    return call(partial(check, source, net))


def _compile(source: Source, net: str) -> Callable[[], str]:
    return lambda: emit(checked(source, net))


def classic(name: str) -> Source:
    """The text of a file of classic networks."""
    return Source(name, (CLASSICS / name).read_text(encoding="utf-8"))


def _repeated(times: int) -> Source:
    return Source(f"x{times}.arch", REPEATED.format(times=times))
