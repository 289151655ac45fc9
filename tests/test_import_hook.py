"""`archdsl.install()`: specs imported like modules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def python(code: str, folder: Path) -> str:
    """What a program prints that is run in a folder, as its first path."""
    start = f"import sys\nsys.path[:0] = [{str(folder)!r}, {str(ROOT)!r}]\n"
    done = subprocess.run(
        [sys.executable, "-I", "-c", start + code],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_spec_is_imported(tmp_path: Path) -> None:
    code = """
try:
    import specs.classics.vgg
    raise SystemExit("found before it was asked for")
except ImportError:
    pass
import archdsl
archdsl.install()
archdsl.install()
import specs.classics.vgg as vgg
assert "torch" not in sys.modules
assert "vgg16" in dir(vgg) and vgg.__all__[0] == "vgg11"
assert vgg.__file__.endswith("vgg.arch")
from specs.classics.vgg import vgg11, vgg16
from torch import nn
import torch
assert issubclass(vgg16, nn.Module) and vgg11 is vgg.vgg11
with torch.device("meta"):
    assert sum(p.numel() for p in vgg16().parameters()) == 138_357_544
    assert vgg16(classes=10)(torch.zeros(2, 3, 224, 224)).shape == (2, 10)
for name in ("vgg", "nothing"):
    try:
        getattr(vgg, name)
    except AttributeError as problem:
        print(problem)
archdsl.uninstall()
archdsl.uninstall()
try:
    import specs.classics.alexnet
except ImportError:
    print("gone")
"""
    assert python(code, ROOT).splitlines() == [
        "the net 'vgg' of 'specs.classics.vgg' has parameters without a value; use"
        " archdsl.load",
        "module 'specs.classics.vgg' has no net 'nothing'",
        "gone",
    ]


def test_python_comes_first_and_reloads_work(tmp_path: Path) -> None:
    (tmp_path / "both.py").write_text("here = 1\n")
    (tmp_path / "both.arch").write_text("input 3 | fc 2\n")
    (tmp_path / "tiny.arch").write_text("input 3 | fc 2\n")
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "inner.arch").write_text("net a {\n  input 3 | fc 2\n}\n")
    code = f"""
import archdsl, importlib
archdsl.install()
import both
assert both.here == 1
import tiny
from tiny import tiny as net
assert net().state_dict()["fc1.weight"].shape == (2, 3)
from package.inner import *
assert a().fc1.out_features == 2
open({str(tmp_path / "tiny.arch")!r}, "w").write("input 3 | fc 5")
importlib.reload(tiny)
assert tiny.tiny().fc1.out_features == 5
"""
    python(code, tmp_path)


def test_mistakes_are_import_errors(tmp_path: Path) -> None:
    (tmp_path / "wrong.arch").write_text("input 3x8x8 | rellu\n")
    (tmp_path / "binary.arch").write_bytes(b"\0")
    code = """
import archdsl
archdsl.install()
for name in ("wrong", "binary", "missing"):
    try:
        __import__(name)
    except ImportError as problem:
        print(name, type(problem.__cause__).__name__, problem)
    assert name not in sys.modules
"""
    printed = python(code, tmp_path)
    assert "wrong SpecError" in printed
    assert "did you mean `relu`?" in printed
    assert "wrong.arch:1:15: error[E0201]" in printed
    assert "binary SpecError" in printed
    assert "error[E0104]" in printed
    assert "missing NoneType No module named 'missing'" in printed
