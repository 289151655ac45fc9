"""Drawing, as whole processes, against torchview: time, and size of the pictures."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from benchmarks.measure import (
    NotInstalledError,
    Picture,
    Ratio,
    Result,
    Series,
    in_turn,
    process,
)
from benchmarks.startup import ROOT, SPEC, command, surroundings

CIFAR = "specs/classics/resnet_cifar.arch"
# Pixels to a point, of which there are 72 in an inch.
POINT = 96 / 72

ABOUT = """\
Each is a process of its own, from its start to its end, as in the first table.
torchview 0.2 draws a module that PyTorch has built: importing torch and torchvision is
part of the way, and has a line of its own. The modules are built and run on the meta
device, so that torchview computes nothing. ResNet-50 is torchvision's, ResNet-1202 the
source that archdsl emits. Both sides draw as they do if nothing is said: archdsl folds
copies that are alike, torchview draws each module down to the third level.
{svg}"""
BY_DOT = "torchview's SVG is made by Graphviz's `dot`, which is part of its time."
NO_DOT = "Graphviz's `dot` was not there, so torchview has the DOT text alone to write."


def measure(rounds: int = 5, deep: bool = True) -> Result:
    """Measure the commands; ResNet-1202 only if it is to be `deep`.

    Raises NotInstalledError without torchview or torchvision.
    """
    for package in ("torchview", "torchvision"):
        if importlib.util.find_spec(package) is None:
            raise NotInstalledError(
                f"drawing is held against {package}, which is not installed: make bench"
            )
    drawn = shutil.which("dot") is not None
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        tasks = _tasks(at, drawn, deep)
        environment = surroundings(str(at / "bytecode"))
        if deep:
            source = ("compile", CIFAR, "--net", "resnet1202")
            out = ("-o", str(at / "emitted.py"))
            process((*command(), *source, *out), environment, ROOT)()
        series = in_turn(
            {
                name: process(task.command, environment, ROOT)
                for name, task in tasks.items()
            },
            rounds,
        )
        pictures = tuple(
            _picture(name, task.out) for name, task in tasks.items() if task.out
        )
    return Result(
        "drawing",
        "Drawing",
        ABOUT.format(svg=BY_DOT if drawn else NO_DOT),
        rounds,
        tuple(series.values()),
        tuple(_ratios(series, drawn, deep)),
        pictures,
    )


class _Task(NamedTuple):
    """A command, and the file that it writes."""

    command: tuple[str, ...]
    out: Path | None


def _tasks(at: Path, drawn: bool, deep: bool) -> dict[str, _Task]:
    """The commands by their names."""
    imports = (
        "from benchmarks.torchvision_cpu import import_torchvision as f; f();"
        " import torchview"
    )
    found = {
        "archdsl draw resnet50, SVG": _mine(SPEC, "resnet50", at),
        "import torch, torchvision, torchview": _Task(
            (sys.executable, "-c", imports), None
        ),
        "torchview resnet50, DOT": _theirs("resnet50", 224, at / "torchview50.dot"),
    }
    if drawn:
        out = at / "torchview50.svg"
        found["torchview resnet50, SVG"] = _theirs("resnet50", 224, out)
    if deep:
        found["archdsl draw resnet1202, SVG"] = _mine(CIFAR, "resnet1202", at)
        emitted = f"{at / 'emitted.py'}:ResNet1202"
        out = at / "torchview1202.dot"
        found["torchview resnet1202, DOT"] = _theirs(emitted, 32, out)
    return found


def _mine(spec: str, net: str, at: Path) -> _Task:
    out = at / f"{net}.svg"
    return _Task((*command(), "draw", spec, "--net", net, "-o", str(out)), out)


def _theirs(model: str, side: int, out: Path) -> _Task:
    program = (sys.executable, "-m", "benchmarks.torchview_pictures")
    return _Task((*program, model, out.suffix[1:], str(out), str(side)), out)


def _ratios(series: dict[str, Series], drawn: bool, deep: bool) -> list[Ratio]:
    mine = series["archdsl draw resnet50, SVG"]
    text = series["torchview resnet50, DOT"]
    found = []
    if drawn:
        theirs = series["torchview resnet50, SVG"]
        found.append(_ratio(mine, theirs, target=1 / 30))
    found.append(_ratio(mine, text, target=None if drawn else 1 / 30))
    imports = series["import torch, torchvision, torchview"]
    found.append(_ratio(imports, text))
    if deep:
        mine = series["archdsl draw resnet1202, SVG"]
        theirs = series["torchview resnet1202, DOT"]
        found.append(_ratio(mine, theirs, target=0.1))
    return found


def _ratio(of: Series, to: Series, target: float | None = None) -> Ratio:
    rounded = None if target is None else round(target, 3)
    return Ratio(f"{of.name} / {to.name}", of, to, rounded)


def _picture(name: str, path: Path) -> Picture:
    """The size of a file, and of the picture in it if it is one."""
    data = path.read_bytes()
    if path.suffix != ".svg":
        return Picture(name, len(data))
    root = ElementTree.fromstring(data)
    return Picture(
        name, len(data), *(_pixels(root.attrib[side]) for side in ("width", "height"))
    )


def _pixels(length: str) -> int:
    points = length.endswith("pt")
    return round(float(length.removesuffix("pt")) * (POINT if points else 1))
