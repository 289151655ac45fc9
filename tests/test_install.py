"""The package as users get it: wheel, sdist and editable checkout, each in a venv."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
SPEC = ROOT / "specs" / "classics" / "alexnet.arch"


class Built(NamedTuple):
    """The two files that a release consists of."""

    wheel: Path
    sdist: Path


class Installed(NamedTuple):
    """A virtual environment with archdsl in it, and where its grammar should be."""

    python: Path
    archdsl: Path
    grammar: Path


def run(*command: str | Path, cwd: Path) -> str:
    """The command's output; on failure, everything it said."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    out = tmp_path_factory.mktemp("dist")
    # The wheel is built from the sdist, so the sdist is shown to be complete.
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, cwd=ROOT)
    (wheel,) = out.glob("*.whl")
    (sdist,) = out.glob("*.tar.gz")
    return Built(wheel, sdist)


@pytest.fixture(scope="module", params=["wheel", "sdist", "editable"])
def installed(
    request: pytest.FixtureRequest,
    built: Built,
    tmp_path_factory: pytest.TempPathFactory,
) -> Installed:
    home = tmp_path_factory.mktemp(request.param) / "venv"
    # Without a pip of its own it is made in a tenth of the time.
    context = venv.EnvBuilder(with_pip=False).ensure_directories(home)
    venv.create(home, with_pip=False)
    python, scripts = Path(context.env_exe), Path(context.bin_path)
    # The declared dependencies are installed too: they must be enough.
    sources: dict[str, list[str | Path]] = {
        "wheel": [built.wheel],
        "sdist": [built.sdist],
        "editable": ["--editable", ROOT],
    }
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", python]
    run(*pip, "install", "--quiet", *sources[request.param], cwd=home)

    program = shutil.which("archdsl", path=scripts)
    assert program is not None
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    package = Path(run(python, "-I", "-c", ask, cwd=home)) / "archdsl"
    if request.param == "editable":
        package = ROOT
    return Installed(python, Path(program), package / "grammars" / "archdsl.lark")


def test_grammar_comes_along(installed: Installed, tmp_path: Path) -> None:
    ask = "from archdsl.syntax.tables import grammar_path; print(grammar_path())"
    path = Path(run(installed.python, "-I", "-c", ask, cwd=tmp_path))
    assert path.is_file()
    assert path.resolve() == installed.grammar.resolve()


def test_check_needs_no_torch(installed: Installed, tmp_path: Path) -> None:
    ask = "from importlib.util import find_spec; print(find_spec('torch'))"
    assert run(installed.python, "-I", "-c", ask, cwd=tmp_path) == "None"
    run(installed.archdsl, "check", SPEC, cwd=tmp_path)


def test_the_standard_library_comes_along(installed: Installed, tmp_path: Path) -> None:
    spec = "input 3x8x8 | conv_bn_act 4 3x3"
    run(installed.archdsl, "check", "-e", spec, cwd=tmp_path)


def test_the_first_spec_is_in_the_package(installed: Installed, tmp_path: Path) -> None:
    run(installed.archdsl, "init", cwd=tmp_path)
    run(installed.archdsl, "check", "net.arch", cwd=tmp_path)
