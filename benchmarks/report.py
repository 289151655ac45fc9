"""Results as a table on the terminal, as JSON, and as a page."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"

# In this order on the page.
NAMES = (
    "startup",
    "checking",
    "peers",
    "growth",
    "flat",
    "drawing",
    "modules",
    "training",
    "inference",
)

COLUMNS = ("name", "CPU", "least–most", "wall", "target", "verdict")
TIMES = ("task", "CPU, ms", "least–most", "wall, ms")
# Ratios below this have a digit more.
_SMALL = 0.05
MEMORY = ("name", "memory", "MB", "of MB", "target", "verdict")
PICTURES = ("file", "kB", "wide, px", "high, px")
AMOUNTS = ("what", "measured", "target", "verdict")
# Columns that stand to the right.
NUMBERS = frozenset(
    (*COLUMNS[1:5], *TIMES[1:], *MEMORY[1:5], *PICTURES[1:], "measured")
)

HEAD = """\
# Benchmarks

Times are compared side by side, in one run, as ratios: these hold on other machines,
milliseconds do not.

    make bench

measures everything anew in some minutes, writes `benchmarks/results/*.json` and this
page, and ends with status 1 if a target is missed. One of the tables is measured by

    .venv/bin/python -m benchmarks.run startup

or {names}. With `--quick` it makes fewer runs and writes
nothing. `--docs` measures nothing and writes this page from the results. Peers that
some of them need, `make bench` installs.

- The tasks of a table run in turn, A B C A B C …, after one run each that does not
  count. A figure is the ratio of two medians of {rounds} runs or more.
- CPU time, user and system together, is what the verdict is on. Wall time is shown
  beside it; it is the longer of the two when other work runs on the machine.
- Least and most are the ratios of single runs of the same turn.
- A call in process is repeated until a run of it takes {least} ms or more.
- The commands are run with `os.wait4`, on Linux or macOS.

Measured with {python} on {cpu}, {cores} cores, {platform}.
"""


def write(result: dict[str, Any], folder: Path) -> Path:
    """Write one result."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result['name']}.json"
    text = json.dumps(result, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
    return path


def read(folder: Path = RESULTS) -> list[dict[str, Any]]:
    """All results that there are."""
    paths = [folder / f"{name}.json" for name in NAMES]
    return [
        json.loads(path.read_text(encoding="utf-8")) for path in paths if path.is_file()
    ]


def tables(result: dict[str, Any]) -> str:
    """The ratios of a result, aligned for a terminal."""
    found = [table(result["ratios"])]
    if "memory" in result:
        found.append(_aligned(MEMORY, map(_memory, result["memory"])))
    if "amounts" in result:
        found.append(_aligned(AMOUNTS, map(_amount, result["amounts"])))
    return "\n\n".join(found)


def table(ratios: Iterable[dict[str, Any]]) -> str:
    """The ratios, aligned for a terminal."""
    return _aligned(COLUMNS, map(_ratio, ratios))


def missed(result: dict[str, Any]) -> bool:
    """Whether a target is missed."""
    kinds = (result["ratios"], result.get("memory", ()), result.get("amounts", ()))
    return any(each["met"] is False for kind in kinds for each in kind)


def _aligned(head: tuple[str, ...], cells: Iterable[tuple[str, ...]]) -> str:
    rows = [head, *cells]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if name in NUMBERS else cell.ljust(width)
            for name, cell, width in zip(head, row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def read_gpu(folder: Path = RESULTS) -> list[dict[str, Any]]:
    """The results of `benchmarks.gpu`, the latest first; earlier ones have a date."""
    paths = [folder / "gpu.json", *sorted(folder.glob("gpu_*.json"), reverse=True)]
    texts = [path.read_text(encoding="utf-8") for path in paths if path.is_file()]
    return list(map(json.loads, texts))


def page(results: Sequence[dict[str, Any]], gpu: Sequence[dict[str, Any]] = ()) -> str:
    """The page of the documentation; `gpu` are results of `benchmarks.gpu`."""
    from benchmarks.measure import LEAST_SECONDS

    machine = results[0]["machine"]
    parts = [
        HEAD.format(
            names=", ".join(f"`{name}`" for name in NAMES[1:-1]) + f" or `{NAMES[-1]}`",
            rounds=min(result["rounds"] for result in results),
            least=round(LEAST_SECONDS * 1e3),
            **machine,
        )
    ]
    for result in results:
        parts.append(f"\n## {result['title']}\n\n{result['about']}\n\n")
        parts.append(markdown(COLUMNS, map(_ratio, result["ratios"]), NUMBERS))
        if "amounts" in result:
            parts.append("\n")
            parts.append(markdown(AMOUNTS, map(_amount, result["amounts"]), NUMBERS))
        parts.append("\n")
        parts.append(markdown(TIMES, map(_time, result["times"]), NUMBERS))
        if "parts" in result:
            parts.append("\n")
            parts.append(_parts(result["parts"]))
        if "memory" in result:
            parts.append("\n")
            parts.append(markdown(MEMORY, map(_memory, result["memory"]), NUMBERS))
        if "pictures" in result:
            parts.append("\n")
            parts.append(markdown(PICTURES, map(_picture, result["pictures"]), NUMBERS))
        if result["machine"] != machine:
            parts.append(
                "\nOn {python}, {cpu}, {cores} cores, {platform}.\n".format(
                    **result["machine"]
                )
            )
    if gpu:
        from benchmarks.gpu.page import section

        parts.append(section(gpu))
    return "".join(parts)


def write_page() -> None:
    """Write the page from the results."""
    PAGE.write_text(page(read(), read_gpu()), encoding="utf-8", newline="\n")


def markdown(
    head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Container[str]
) -> str:
    """A table of a page; the columns of these names stand to the right."""
    rule = ["---:" if name in numbers else "---" for name in head]
    lines = (head, rule, *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _ratio(ratio: dict[str, Any]) -> tuple[str, ...]:
    return (
        ratio["name"],
        _figure(ratio["cpu"]),
        f"{_figure(ratio['least'])}–{_figure(ratio['most'])}",
        _figure(ratio["wall"]),
        *_verdict(ratio),
    )


def _memory(ratio: dict[str, Any]) -> tuple[str, ...]:
    sizes = (f"{ratio[key]:,.1f}" for key in ("of_mb", "to_mb"))
    return (ratio["name"], _figure(ratio["ratio"]), *sizes, *_verdict(ratio))


def _verdict(ratio: dict[str, Any]) -> tuple[str, str]:
    target, met = ratio["target"], ratio["met"]
    return (
        "" if target is None else f"≤ {target}",
        "" if met is None else "met" if met else "MISSED",
    )


def _amount(amount: dict[str, Any]) -> tuple[str, ...]:
    least, most, met = amount["least"], amount["most"], amount["met"]
    wanted = [f"≥ {least:,}" if least is not None else ""]
    wanted += [f"≤ {most:,}" if most is not None else ""]
    return (
        amount["name"],
        f"{amount['value']:,} {amount['unit']}",
        " ".join(filter(None, wanted)),
        "" if met is None else "met" if met else "MISSED",
    )


def _figure(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= _SMALL else f"{ratio:.3f}"


def _parts(tasks: Sequence[dict[str, Any]]) -> str:
    names = tuple(tasks[0]["times_ms"])
    rows = [
        (f"`{each['name']}`", *(f"{each['times_ms'][name]:.1f}" for name in names))
        for each in tasks
    ]
    return markdown(("profiled, ms", *names), rows, names)


def _picture(picture: dict[str, Any]) -> tuple[str, ...]:
    size = f"{picture['bytes'] / 1000:,.1f}"
    sides = (picture["wide"], picture["high"])
    return (picture["name"], size, *("" if s is None else f"{s:,}" for s in sides))


def _time(time: dict[str, Any]) -> tuple[str, ...]:
    cpu, wall = time["cpu_ms"], time["wall_ms"]
    return (
        f"`{time['name']}`",
        f"{cpu['median']:.1f}",
        f"{cpu['least']:.1f}–{cpu['most']:.1f}",
        f"{wall['median']:.1f}",
    )
