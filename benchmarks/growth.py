"""Ten times the text takes ten times as long."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from archdsl.pipeline import check
from archdsl.source import Source
from archdsl.syntax import parse
from benchmarks.checking import checked
from benchmarks.measure import Ratio, Result, Task, call, in_turn

LINES = 1_000
MOST = 1.3

ABOUT = """\
Generated specs without repeats, of {small:,} and {large:,} lines. A figure is the time
per line of the long spec, as a multiple of that of the short one. `stages` is one net
of one pipe. `labels` names every fourth value and adds it again. `blocks` defines
blocks of five lines and calls each once."""


def stages(lines: int) -> str:
    """One long pipe."""
    body = (f"  conv {16 + i % 7} 3x3 same | bn | relu" for i in range(lines - 3))
    return _net("16x32x32", body)


def labels(lines: int) -> str:
    """Residual connections, each over a label of its own."""
    body: list[str] = []
    for i in range((lines - 3) // 4):
        body += (
            "  conv 16 3x3 same | bn",
            f"  before{i}: relu",
            "  conv 16 3x3 same | bn | relu",
            f"  add(id, before{i})",
        )
    return _net("16x32x32", body)


def blocks(lines: int) -> str:
    """Many definitions, each called once."""
    count = lines // 6
    defined = (
        f"block b{i} width {{\n"
        "  conv width 3x3 same | bn | relu\n"
        "  conv width 3x3 same | bn\n"
        "  add(id, in) | relu\n"
        "}\n"
        for i in range(count)
    )
    return "".join(defined) + _net("16x32x32", (f"  b{i} 16" for i in range(count)))


KINDS: dict[str, Callable[[int], str]] = {
    "stages": stages,
    "labels": labels,
    "blocks": blocks,
}


def measure(rounds: int = 9, lines: int = LINES) -> Result:
    """Measure parsing and checking of short and long specs."""
    tasks: dict[str, Task] = {}
    pairs: list[tuple[str, str, str, float]] = []
    for kind, text in KINDS.items():
        short, long = (
            Source(f"{kind}-{size}.arch", text(size)) for size in (lines, 10 * lines)
        )
        scale = long.text.count("\n") / short.text.count("\n")
        checked(short, "flat")
        checked(long, "flat")
        for verb, function in (("parse", parse), ("check", check)):
            names = [
                f"{verb} {kind}, {source.text.count(chr(10)):,} lines"
                for source in (short, long)
            ]
            for name, source in zip(names, (short, long), strict=True):
                tasks[name] = call(partial(function, source))
            pairs.append((f"{verb} {kind}, per line", names[1], names[0], scale))
    series = in_turn(tasks, rounds)
    return Result(
        "growth",
        "Growth with the text",
        ABOUT.format(small=lines, large=10 * lines),
        rounds,
        tuple(series.values()),
        tuple(
            Ratio(name, series[long], series[short], target=MOST, scale=scale)
            for name, long, short, scale in pairs
        ),
    )


def _net(size: str, body: Iterable[str]) -> str:
    return "\n".join(("net flat {", f"  input {size}", *body, "}", ""))
