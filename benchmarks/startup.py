"""Whole commands, from the shell's point of view, against `import lark`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Ratio, Result, in_turn, process

ROOT = Path(__file__).parents[1]
SPEC = "specs/classics/resnet.arch"
NET = ("--net", "resnet152")

ABOUT = """\
Each command is a process of its own, from its start to its end. Both sides find their
bytecode: the first run, which does not count, writes it to an empty directory."""


def measure(rounds: int = 21) -> Result:
    """Measure the commands."""
    python = sys.executable
    commands = {
        "python -c pass": (python, "-c", "pass"),
        "python -c 'import lark'": (python, "-c", "import lark"),
        f"archdsl check {SPEC}": (*command(), "check", SPEC),
        "archdsl --version": (*command(), "--version"),
        "archdsl summary … resnet152": (*command(), "summary", SPEC, *NET),
        "archdsl compile … resnet152": (*command(), "compile", SPEC, *NET),
    }
    with tempfile.TemporaryDirectory() as bytecode:
        environment = surroundings(bytecode)
        series = in_turn(
            {name: process(line, environment, ROOT) for name, line in commands.items()},
            rounds,
        )
    plain, lark, check, *others = series.values()
    return Result(
        "startup",
        "Start-up",
        ABOUT,
        rounds,
        tuple(series.values()),
        (
            Ratio(f"{check.name} / import lark", check, lark, target=1.3),
            *(Ratio(f"{other.name} / import lark", other, lark) for other in others),
            Ratio("python -c pass / import lark", plain, lark),
        ),
    )


def command() -> tuple[str, ...]:
    """The command as installed, or else as a module."""
    script = Path(sys.executable).with_name("archdsl")
    if script.is_file():
        return (str(script),)
    return (sys.executable, "-m", "archdsl")


def surroundings(bytecode: str) -> dict[str, str]:
    """Without settings that change how Python starts; bytecode is kept apart."""
    kept = {name: value for name, value in os.environ.items() if name[:6] != "PYTHON"}
    return {**kept, "PYTHONPYCACHEPREFIX": bytecode}
