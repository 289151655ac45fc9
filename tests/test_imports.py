"""Which room of the house knows which, and what a command loads."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "archdsl"

# Each room sees these and nothing else of archdsl.
SEES = {
    "limits": {"tuples"},
    "source": {"tuples", "limits"},
    "diagnostics": {"tuples", "limits", "source"},
    "collector": set(),
    "tuples": set(),
    "syntax": {"tuples", "limits", "source", "diagnostics", "collector"},
    "shapes": {"tuples", "source", "diagnostics"},
    "ops": {"tuples", "source", "diagnostics", "shapes"},
    "ir": {"tuples", "source", "diagnostics", "shapes", "ops"},
    "elaborate": {
        *("tuples", "limits", "source", "diagnostics", "reading"),
        *("syntax", "shapes", "ops", "ir"),
    },
    "backends": {"tuples", "collector", "source", "diagnostics", "shapes", "ops", "ir"},
    "reading": {"tuples", "limits", "source", "diagnostics"},
    "diff": {
        *("tuples", "collector", "source", "diagnostics"),
        *("shapes", "ops", "ir", "backends"),
    },
}
_COMPILER = {*SEES, "pipeline", "request"} - {"backends", "diff"}
SEES |= {
    "pipeline": _COMPILER,
    "request": _COMPILER,
    "api": _COMPILER | {"backends"},
    "catalogue": _COMPILER,
    "pygments": _COMPILER,
    "mcp": _COMPILER | {"api", "backends", "__version__"},
    "runtime": _COMPILER | {"api", "backends"},
    "notebook": _COMPILER | {"api", "backends"},
    "editor": _COMPILER | {"backends"},
    "lsp": _COMPILER | {"editor", "backends", "__version__"},
    "cli": _COMPILER
    | {"api", "backends", "catalogue", "diff", "lsp", "mcp", "runtime", "__version__"},
    # What needs PyTorch is in the runtime; the assertions on top of it are here.
    "testing": _COMPILER | {"api", "backends", "runtime"},
    "std": set(),
    "__main__": {"cli"},
    "__init__": {"api", "notebook", "runtime"},
}

HEAVY = (
    "torch",
    "jinja2",
    "pygments",
    "lark",
    "shtab",
    "difflib",
    "json",
    "pathlib",
    "inspect",
)

SPEC = "input 3x8x8 | conv 4x3x3 p1 | relu"


def imported(path: Path) -> set[str]:
    """The rooms of archdsl that a module imports, anywhere in its text."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {n.split(".")[1] for n in names if n.startswith("archdsl.")}
    return found


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_each_room_sees_only_what_it_stands_on(path: Path) -> None:
    here = room(path)
    assert imported(path) - {here} <= SEES[here]


def loaded(*command: str) -> set[str]:
    """The modules that a command has imported at its end."""
    code = (
        "import sys\nfrom archdsl.cli.main import main\n"
        "status = main(sys.argv[1:])\n"
        "sys.stderr.write('MODULES ' + ' '.join(sys.modules))\nsys.exit(status)"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-c",
            f"sys_path = {str(ROOT)!r}\n{_HEAD}{code}",
            *command,
        ],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.rpartition("MODULES ")[2].split())


_HEAD = "import sys\nsys.path.insert(0, sys_path)\n"


def test_check_loads_nothing_heavy(tmp_path: Path) -> None:
    spec = tmp_path / "tiny.arch"
    spec.write_text(SPEC)
    assert not loaded("check", str(spec)) & set(HEAVY)


@pytest.mark.parametrize(
    "command", ["summary", "summary --json", "compile", "draw"], ids=str
)
def test_torch_is_not_needed_to_think(command: str, tmp_path: Path) -> None:
    spec = tmp_path / "tiny.arch"
    spec.write_text(SPEC)
    modules = loaded(*command.split(), str(spec))
    assert not modules & {"torch", "lark", "shtab"}


@pytest.mark.parametrize("command", ["diff {0} {0}", "schema", "check --shapes {0}"])
def test_nor_is_it_for_programs(command: str, tmp_path: Path) -> None:
    spec = tmp_path / "tiny.arch"
    spec.write_text(SPEC)
    words = command.replace("--shapes", "--format json --shapes").split()
    modules = loaded(*(word.format(spec) for word in words))
    assert not modules & {"torch", "lark", "shtab", "jinja2"}


def test_fmt_needs_no_torch(tmp_path: Path) -> None:
    spec = tmp_path / "tiny.arch"
    spec.write_text(SPEC)
    assert not loaded("fmt", str(spec)) & {"torch", "jinja2", "lark"}


def test_importing_archdsl_is_cheap() -> None:
    code = f"sys_path = {str(ROOT)!r}\n{_HEAD}import archdsl\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    modules = set(done.stdout.split())
    assert {name for name in modules if name.startswith("archdsl")} == {"archdsl"}
    assert not modules & {*HEAVY, "dataclasses"}
