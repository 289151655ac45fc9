"""Writes the nets as source, with all that measuring them needs beside torch."""

from __future__ import annotations

import ast
import json
import os
import shutil
from pathlib import Path

from benchmarks.gpu.nets import MANIFEST

_ROOT = Path(__file__).parents[2]
# The nets of the benchmark by name, and the specs they are in.
SPECS = {
    "resnet50": "specs/torchvision/resnet.arch",
    "resnet18": "specs/torchvision/resnet.arch",
    "vgg16": "specs/torchvision/vgg.arch",
    "alexnet": "specs/torchvision/alexnet.arch",
    "googlenet": "specs/torchvision/googlenet.arch",
    "vit_b_16": "specs/torchvision/vit.arch",
    "resnet1202": "specs/classics/resnet_cifar.arch",
}
_RUNNER = ("__init__.py", "torchvision_cpu.py", "gpu")


def emit(folder: Path) -> list[Path]:
    """Write the emitted modules, their list, and a copy of this package.

    In that folder, `python -m benchmarks.gpu run` needs torch alone.
    """
    import archdsl
    from archdsl.api import source_of
    from archdsl.backends.inference.emit import emit as emit_inference

    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    rows = []
    for net, spec in SPECS.items():
        path = os.path.relpath(_ROOT / spec)
        network = archdsl.check(path, net).network(net)
        network = network._replace(source_name=spec)
        source = source_of(network)
        file = folder / f"{net}.py"
        file.write_text(source, encoding="utf-8", newline="\n")
        inference = folder / f"{net}_inference.py"
        text = emit_inference(network, "cuda", "bfloat16")
        inference.write_text(text, encoding="utf-8", newline="\n")
        written += file, inference
        classes = [
            part.name
            for part in ast.parse(source).body
            if isinstance(part, ast.ClassDef)
        ]
        given, found = network.root.inputs[0], network.root.type
        rows.append(
            {
                "name": net,
                "file": file.name,
                "inference": inference.name,
                "class_name": classes[-1],
                "side": int(str(given.dims[-1].size)),
                "classes": int(str(found.dims[-1].size)),
                "macs": int(network.root.cost.macs),
            }
        )
    text = json.dumps(rows, indent=1)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8", newline="\n")
    _copy_runner(folder / "benchmarks")
    return written


def _copy_runner(to: Path) -> None:
    to.mkdir(exist_ok=True)
    for name in _RUNNER:
        part = _ROOT / "benchmarks" / name
        if part.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(part, to / name, dirs_exist_ok=True, ignore=ignored)
        else:
            shutil.copyfile(part, to / name)
