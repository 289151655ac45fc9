"""A flat text of 50,000 lines: time beside Python's own parser, and memory.

    python -m benchmarks.flat LINES

checks such a text, and prints how many bytes the process held at its peak.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from archdsl.pipeline import Checked, check, check_tree
from archdsl.source import Source
from benchmarks.checking import checked, parse, parsed, paused
from benchmarks.measure import Amount, Ratio, Result, call, in_turn
from benchmarks.startup import ROOT

LINES = 50_000
# The least text is so much shorter.
SHORTER = 10
# So many of its lines differ; where all do, a channel more is made in each.
WIDTHS = 7
# Lines of a text without repetition.
DIFFERENT = 5_000

ABOUT = """\
A convolution a line, seven widths in turn, without a repeat: {large:,} lines, and a
tenth of them. Python's `ast.parse` reads as many lines `x = conv(x, 64, 3, 3)`; the
collector is paused on both sides. *After parsing* a layer is checked for its names,
arguments, shape, weights and costs. What a call gave is remembered by its text and the
shape that flows in. Where no two lines are alike nothing is: each convolution's
arguments are bound, and its rules applied, one by one in Python, and to do that for
200,000 a second would take compiled code. Memory is the peak of a
process that checks the long text over that of one that checks the short one, for each
line more; it is known on Linux."""


def text(lines: int) -> str:
    """A pipe of so many convolutions."""
    return _net(lines, lambda i: 64 + i % WIDTHS)


def different(lines: int) -> str:
    """A pipe of so many convolutions, no two of which are alike."""
    return _net(lines, lambda i: 64 + i)


def python(lines: int) -> str:
    """As many calls in Python."""
    return "".join(f"x = conv(x, {64 + i % WIDTHS}, 3, 3)\n" for i in range(lines))


def measure(rounds: int = 7, lines: int = LINES) -> Result:
    """Measure parsing and checking of a long text, and of one a tenth as long."""
    short, long = (Source("flat.arch", text(n)) for n in (lines // SHORTER, lines))
    unlike = Source("different.arch", different(min(lines, DIFFERENT)))
    for source in (short, long, unlike):
        checked(source, "flat")
    shown = f"{lines:,} lines"
    shorter = f"{lines // SHORTER:,} lines"
    s = in_turn(
        {
            f"ast.parse, {shown}": call(paused(partial(ast.parse, python(lines)))),
            f"parse, {shown}": call(partial(parse, long)),
            f"check, {shown}": call(partial(check, long)),
            f"check, {shorter}": call(partial(check, short)),
            f"after parsing, {shown}": call(_after_parsing(long)),
            "after parsing, all different": call(_after_parsing(unlike)),
        },
        rounds,
    )
    reads, parses, checks, short_checks, after, after_unlike = s.values()
    rates = (
        (shown, lines / after.cpu, 200_000),
        ("no two alike", min(lines, DIFFERENT) / after_unlike.cpu, None),
    )
    amounts = [
        Amount(f"layers checked a second, {what}", rate, "", least=least)
        for what, rate, least in rates
    ]
    if sys.platform == "linux":
        more = peak(lines) - peak(lines // SHORTER)
        line = more / (lines - lines // SHORTER)
        amounts.append(Amount("memory for each line", line, "bytes", most=2048))
    return Result(
        "flat",
        "A long flat text",
        ABOUT.format(large=lines),
        rounds,
        tuple(s.values()),
        (
            Ratio("parse / ast.parse", parses, reads, target=1.7),
            Ratio("parse and check / parse", checks, parses, target=1.5),
            Ratio(f"check {shown} / {shorter}", checks, short_checks, target=12),
        ),
        amounts=tuple(amounts),
    )


def peak(lines: int) -> int:
    """The most bytes that a process held which checks so many lines."""
    command = (sys.executable, "-m", "benchmarks.flat", str(lines))
    return int(subprocess.check_output(command, cwd=ROOT, text=True))


def main(lines: int) -> None:
    """Check a text and print the peak of memory, which Linux knows."""
    checked(Source("flat.arch", text(lines)), "flat")
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (held,) = (row for row in status.splitlines() if row.startswith("VmHWM:"))
    sys.stdout.write(f"{int(held.split()[1]) * 1024}\n")


def _after_parsing(source: Source) -> Callable[[], Checked]:
    return paused(partial(check_tree, source, parsed(source)))


def _net(lines: int, width: Callable[[int], int]) -> str:
    body = "".join(f"  conv {width(i)} 3x3 same\n" for i in range(lines))
    return f"net flat {{\n  input 64x8x8\n{body}}}\n"


if __name__ == "__main__":
    main(int(sys.argv[1]))
