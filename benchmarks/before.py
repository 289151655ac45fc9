"""`python -m benchmarks.before REVISION`: this checkout beside an earlier one.

Whole `archdsl check` processes of both, in turn, on specs that both understand.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Ratio, Result, Series, in_turn, process
from benchmarks.report import table

ROOT = Path(__file__).parents[1]
SPECS = (
    "specs/classics/lenet.arch",
    "specs/classics/resnet.arch",
    "specs/modern/densenet.arch",
)


def measure(revision: str, rounds: int = 21) -> Result:
    """Check the earlier revision's specs with both."""
    with tempfile.TemporaryDirectory() as folder:
        earlier = Path(folder, "checkout")
        archive = subprocess.run(
            ("git", "archive", revision), cwd=ROOT, check=True, capture_output=True
        )
        earlier.mkdir()
        subprocess.run(("tar", "-x"), cwd=earlier, check=True, input=archive.stdout)
        # Both are to run from bytecode, as installed packages do.
        around = {
            name: value
            for name, value in os.environ.items()
            if name != "PYTHONDONTWRITEBYTECODE"
        }
        ratios: list[Ratio] = []
        series: list[Series] = []
        for spec in SPECS:
            tasks = {
                f"{name}: {spec}": process(
                    (sys.executable, "-m", "archdsl", "check", str(earlier / spec)),
                    {
                        **around,
                        "PYTHONPATH": str(path),
                        "PYTHONPYCACHEPREFIX": str(Path(folder, "bytecode", name)),
                    },
                    Path(folder),
                )
                for name, path in (("now", ROOT), (revision, earlier))
            }
            now, before = in_turn(tasks, rounds).values()
            series += (now, before)
            ratios.append(Ratio(f"check {spec}, now / {revision}", now, before))
    title = f"Beside {revision}"
    return Result("before", title, "", rounds, tuple(series), tuple(ratios))


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser("benchmarks.before", description=__doc__)
    parser.add_argument("revision", help="what git calls the earlier checkout")
    parser.add_argument("--rounds", type=int, default=21)
    args = parser.parse_args()
    result = measure(args.revision, args.rounds).as_json()
    sys.stdout.write(f"{result['title']}\n\n{table(result['ratios'])}\n")


if __name__ == "__main__":
    main()
