"""Ten times the text takes ten times as long."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from archdsl.pipeline import check
from archdsl.source import Source
from archdsl.syntax.format import format_source
from benchmarks.checking import checked, parse
from benchmarks.measure import Ratio, Result, Task, call, in_turn

LINES = 1_000

ABOUT = """\
Generated specs without repeats, of about {small:,} and {large:,} lines. A figure is the
time per line of the long spec, as a multiple of that of the short one. `stages` is one
pipe. `labels` names every fourth value and adds it again. `blocks` defines blocks of
five lines and calls each once. Parsing is measured as it runs within a check, with the
collector paused; the formatter leaves it on."""


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


# What is done with a text, and at most how much longer a line of a long one takes.
VERBS: tuple[tuple[str, Callable[[Source], object], float | None], ...] = (
    ("parse", parse, 1.3),
    ("check", check, 1.3),
    ("format", format_source, None),
)


def measure(rounds: int = 9, lines: int = LINES) -> Result:
    """Measure parsing, checking and formatting of short and long specs."""
    tasks: dict[str, Task] = {}
    pairs: list[tuple[str, str, str, float, float | None]] = []
    for kind, text in KINDS.items():
        sources = [Source(f"{kind}.arch", text(size)) for size in (lines, 10 * lines)]
        short, long = (source.text.count("\n") for source in sources)
        for source in sources:
            checked(source, "flat")
        for verb, function, target in VERBS:
            names = [f"{verb} {kind}, {size:,} lines" for size in (short, long)]
            for name, source in zip(names, sources, strict=True):
                tasks[name] = call(partial(function, source))
            name = f"{verb} {kind}, per line"
            pairs.append((name, names[1], names[0], long / short, target))
    series = in_turn(tasks, rounds)
    return Result(
        "growth",
        "Growth with the text",
        ABOUT.format(small=lines, large=10 * lines),
        rounds,
        tuple(series.values()),
        tuple(
            Ratio(name, series[long_run], series[short_run], target, scale)
            for name, long_run, short_run, scale, target in pairs
        ),
    )


def _net(size: str, body: Iterable[str]) -> str:
    return "\n".join(("net flat {", f"  input {size}", *body, "}", ""))
