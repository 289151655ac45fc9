"""`python -m benchmarks.run [NAME …]`, of all tables or those named."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    checking,
    drawing,
    flat,
    growth,
    inference,
    modules,
    peers,
    report,
    startup,
    training,
)
from benchmarks.measure import NotInstalledError, Result

BENCHMARKS: dict[str, Callable[[], Result]] = {
    "startup": startup.measure,
    "checking": checking.measure,
    "peers": peers.measure,
    "growth": growth.measure,
    "flat": flat.measure,
    "drawing": drawing.measure,
    "modules": modules.measure,
    "training": training.measure,
    "inference": inference.measure,
}
QUICK: dict[str, Callable[[], Result]] = {
    "startup": lambda: startup.measure(rounds=3),
    "checking": lambda: checking.measure(rounds=5),
    "peers": lambda: peers.measure(rounds=3, deep=False),
    "growth": lambda: growth.measure(rounds=3, lines=100),
    "flat": lambda: flat.measure(rounds=3, lines=500),
    "drawing": lambda: drawing.measure(rounds=3, deep=False),
    "modules": lambda: modules.measure(rounds=3, quick=True),
    "training": lambda: training.measure(rounds=3, quick=True),
    "inference": lambda: inference.measure(rounds=3, whole=False),
}


def main(argv: list[str] | None = None) -> int:
    """Measure, print and write; 1 if a target is missed, or could not be measured."""
    args = _arguments(argv)
    if args.docs:
        report.write_page()
        return 0
    missed = False
    for name in args.names or BENCHMARKS:
        try:
            result = (QUICK if args.quick else BENCHMARKS)[name]().as_json()
        except NotInstalledError as lacking:
            _print(f"{lacking}\n")
            missed = True
            continue
        _print(f"{result['title']}\n\n{report.tables(result)}\n\n")
        missed |= report.missed(result)
        folder = args.out or (None if args.quick else report.RESULTS)
        if folder is not None:
            report.write(result, folder)
    if args.out is None and not args.quick:
        report.write_page()
    return int(missed)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks.run", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"some of {', '.join(BENCHMARKS)}"
    )
    parser.add_argument(
        "--quick", action="store_true", help="fewer runs; writes only with --out"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write results here")
    parser.add_argument(
        "--docs",
        action="store_true",
        help="measure nothing, write docs/benchmarks.md from the results",
    )
    args = parser.parse_args(argv)
    for name in args.names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name}")
    return args


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
