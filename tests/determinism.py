"""Whether outputs are the same bytes, whatever the hash seed and Python are.

    python tests/determinism.py 32

compares so many hash seeds, and each Python from 3.11 on that is there.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# What the compiler needs beside itself.
NEEDED = ("jinja2", "markupsafe")
SPECS = (
    ("classics/alexnet.arch", "alexnet"),
    ("torchvision/googlenet.arch", "googlenet"),
    ("torchvision/efficientnet.arch", "efficientnet_b0"),
    ("torchvision/swin.arch", "swin_t"),
    ("segmentation/fcn_deeplabv3.arch", "deeplabv3_resnet50"),
    ("modern/ddpm_unet.arch", None),
    ("transformers/bert.arch", "bert_base"),
)
# Those that are one row of volumes.
ROWS = ("alexnet", "efficientnet_b0", "swin_t")
WRONG = """\
use "no.arch"
default cnv same
block a c d { fc c | b c | foo: fc cc | relu relu }
block b c c { a c 3 | bar: fc in.q | x }
net n { input 3x8xH | a 3 | conv 4 q=3 s=t | fcc 3 | add(id, foo, bar) -> 3x4 }
net m = n k=3 l=4
net n { input 8 | fc 9**99 | fc 8 -> 9 | share nothing | reshape 3x5 }
"""
# Nets whose check fails, which are drawn all the same.
FAILING = {
    "n": "net n { input 3x32x32 | conv 8 3 same | foo: cnv 4 | relu | conv 3 | fc 4 }",
    "m": "net m { input 8 | add(id, fc 9) | {fc 8 | fc no} x3 | relu -> 9 }",
}


def outputs() -> Iterator[tuple[str, str]]:
    """All outputs of some specs, and the findings of a wrong one, with names."""
    from archdsl.api import check, sketch, source_of
    from archdsl.backends.graphviz import dot
    from archdsl.backends.mermaid import flowchart
    from archdsl.backends.svg import graph
    from archdsl.backends.text.summary import summary_json, summary_table
    from archdsl.backends.text.tree import tree
    from archdsl.backends.volumes import tikz, volumes
    from archdsl.diagnostics.render import FORMATS, render
    from archdsl.ir.dump import dump
    from archdsl.ir.flat import state_dict_names

    os.chdir(ROOT)
    for path, net in SPECS:
        network = check(f"specs/{path}", net).network(net)
        made = {
            "Python": source_of,
            "DOT": dot,
            "SVG": graph,
            "Mermaid": flowchart,
            "tree": tree,
            "dump": dump,
        }
        if net in ROWS:
            made |= {"volumes": volumes, "TikZ": tikz}
        for name, write in made.items():
            yield f"{path} {name}", write(network)
        names = [(n, list(map(str, w.shape))) for n, w in state_dict_names(network)]
        yield f"{path} names", json.dumps(names)
        if path != "modern/ddpm_unet.arch":
            yield f"{path} table", summary_table(network, 1)
            yield f"{path} JSON", json.dumps(summary_json(network, 1))
    lines = WRONG.splitlines(keepends=True)
    for number in range(len(lines)):
        # Each line left out, as some mistakes hide others.
        text = "".join(lines[:number] + lines[number + 1 :])
        found = check(text).diagnostics
        for form in FORMATS:
            yield f"mistakes {number} {form}", render(found, form)
    for net, text in FAILING.items():
        known = sketch(text, net)
        for write in (dot, graph, flowchart, tree, volumes, tikz):
            yield f"{net} {write.__name__}", write(known)


def digests() -> dict[str, str]:
    return {n: hashlib.sha256(text.encode()).hexdigest() for n, text in outputs()}


def digests_of(python: str, seed: int) -> dict[str, str]:
    """The digests that another Python makes with a hash seed."""
    with tempfile.TemporaryDirectory() as packages:
        for name in NEEDED:
            spec = importlib.util.find_spec(name)
            assert spec is not None
            assert spec.origin is not None
            source = os.path.dirname(spec.origin)
            shutil.copytree(
                source,
                os.path.join(packages, name),
                ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"),
            )
        env = {
            **os.environ,
            "PYTHONHASHSEED": str(seed),
            "PYTHONPATH": os.pathsep.join((ROOT, packages)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUTF8": "1",
        }
        done = subprocess.run(
            [python, os.path.abspath(__file__), "--digests"],
            capture_output=True,
            text=True,
            check=False,
            env=env,
        )
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def pythons() -> Iterator[tuple[str, str]]:
    """The versions of Python that can be run here, and where they are."""
    for version in PYTHONS:
        path = shutil.which(f"python{version}")
        if path is None:
            continue
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        done = subprocess.run(
            [path, "-c", code], capture_output=True, text=True, check=False
        )
        if done.stdout.strip() == version:
            yield version, path


def different(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """The outputs that are not alike."""
    return [name for name in {**one, **other} if one.get(name) != other.get(name)]


def main(seeds: int) -> int:
    """Compare seeds and Pythons; 1 if something differs."""
    first = digests_of(sys.executable, 0)
    status = 0
    for seed in range(1, seeds):
        found = different(first, digests_of(sys.executable, seed))
        status |= bool(found)
        sys.stdout.writelines(f"seed {seed}: {name} differs\n" for name in found)
    seen = []
    for version, path in pythons():
        seen.append(version)
        found = different(first, digests_of(path, 7))
        status |= bool(found)
        sys.stdout.writelines(f"Python {version}: {name} differs\n" for name in found)
    sys.stdout.write(
        f"{len(first)} outputs, {seeds} hash seeds, Python {', '.join(seen)}:"
        f" {'some differ' if status else 'all are the same'}\n"
    )
    return status


if __name__ == "__main__":
    if sys.argv[1:] == ["--digests"]:
        json.dump(digests(), sys.stdout)
    else:
        sys.exit(main(int(sys.argv[1])))
