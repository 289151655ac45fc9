"""The GPU's part of the benchmarks' page, made from its result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from benchmarks.gpu.nets import OURS, THEIRS
from benchmarks.gpu.settings import MODES, PRECISIONS, SETTINGS
from benchmarks.gpu.timing import Ratio, Span, ratio
from benchmarks.report import markdown

Row = dict[str, Any]
Entry = dict[str, Any]

_HEAD = """
## On a GPU

Emitted modules beside torchvision's, with the same weights. Medians of {rounds} runs,
all modes and both peers of a setting in turn, by the card's own clock, the time it
waits for the host included. No time of another machine is compared with these.

    .venv/bin/python -m benchmarks.gpu emit
    .venv/bin/python -m benchmarks.gpu run

`emit` writes to `build/gpu` what `run` needs beside torch, torchvision where it is
there; `run` measures for some eight minutes, the more important before the less.
`max-autotune`, of torchvision's module alone, takes six minutes more, and is begun with
`--budget 1200`. Of several runs the latest is shown first, and what it measured is not
shown again.

- The *floor* of a step is its arithmetic at the first ceiling or its bytes at the
  second, whichever takes longer. *Share* is the floor over the time.
- Arithmetic is two operations a multiply-add, three times that in training.
  GoogLeNet's side heads are not counted.
- Bytes: each convolution, linear layer and attention reads its input and writes its
  output once, and weights are read once a batch; everything else happens on the way.
  In training that three times, three reads more of what is normalised by the batch, and
  value, gradient and momentum of each parameter. TFLOP/s and GB/s are these over the
  time.
- *Memory* is how much more a step holds at its peak than there was before it.
- *Kernels* run on the card in a step; *launches* are the calls of the host for them.
- *Products* are the kernels of convolutions, of products of matrices and of attention,
  the *rest* all others, by the profiler in one step. What they lack of the time of a
  step, the card waits.
- A training step is forward, cross-entropy, backward and a fused SGD with momentum.
  cuDNN chooses its algorithms by trial.
"""

_RUN = """
### {date}

On one {card}, with torch {torch}, torchvision {torchvision}, CUDA {cuda} and cuDNN
{cudnn}. Ceilings in the same run: square matrix products of side {side:,} reach
{bf16:.0f} TFLOP/s in bf16, {tf32:.0f} in TF32 and {fp32:.0f} in float32; a copy of
{copied:.1f} GB moves {gbytes:,.0f} GB/s, read and written.
"""

_APART = """\
How far outputs are apart, relative to the largest: both peers in float32, and bf16 from
float32. In the table above, *error* is that to the emitted module in float32; in
training it is how far the losses of both peers are apart, where dropout may draw in
another order.

"""

_NAMES = (
    "setting",
    "mode",
    "ms",
    "least–most",
    "/ torchvision",
    "least–most of that",
    "/ eager",
    "images/s",
    "TFLOP/s",
    "GB/s",
    "share",
    "memory, MB",
    "kernels, launches",
    "products, rest, ms",
    "error",
)


def section(results: Sequence[dict[str, Any]]) -> str:
    """The section of the page, of one run or several, the latest first."""
    notes = {**MODES, **PRECISIONS}.items()
    parts = [_HEAD.format(rounds=results[0]["rounds"])]
    parts += (f"- **{name}**: {text}.\n" for name, text in notes)
    measured: set[tuple[str, str]] = set()
    for result in results:
        parts += _run(result, measured)
    absent = [line for result in results for line in _absent(result)]
    left: dict[str, dict[str, None]] = {}
    for setting in SETTINGS:
        for mode in setting.modes:
            if (setting.name, mode) not in measured:
                left.setdefault(setting.name, {})[mode] = None
    if left:
        texts = (f"{name}: {', '.join(modes)}" for name, modes in left.items())
        absent.append(f"- There was no time left for: {'; '.join(texts)}.\n")
    if absent:
        parts += ["\nNot measured:\n\n", *dict.fromkeys(absent)]
    return "".join(parts)


def _run(result: dict[str, Any], measured: set[tuple[str, str]]) -> Iterator[str]:
    """The tables of a run, but for what was `measured` in a later one."""
    machine, ceilings = result["machine"], result["ceilings"]
    known = {"torchvision": None, "cuda": None, "cudnn": None, **machine}
    yield _RUN.format(
        side=ceilings["side"],
        copied=ceilings["copied_bytes"] / 1e9,
        gbytes=ceilings["gbytes"],
        **ceilings["tflops"],
        **known,
    )
    if rows := list(_targets(result)):
        head = ("what", "measured", "least–most", "target", "verdict")
        yield "\n"
        yield markdown(head, rows, head[1:4])
    shown = [
        (entry, row)
        for entry in result["settings"]
        for row in entry["rows"]
        if _is_shown(row) and (entry["name"], row["mode"]) not in measured
    ]
    measured.update((entry["name"], row["mode"]) for entry, row in shown)
    yield "\n"
    yield markdown(_NAMES, (_cells(entry, row) for entry, row in shown), _NAMES[2:])
    yield "\n"
    yield _agreement(result["agreement"])


def _is_shown(row: Row) -> bool:
    """Whether a row has a line of its own; others are what it is compared with."""
    alone = row["mode"] == "max-autotune"
    return "ms" in row and (row["peer"] == OURS or alone)


def _find(result: dict[str, Any], name: str) -> Entry | None:
    """The setting of that name; where there are several, the one most was run of."""
    found = [entry for entry in result["settings"] if entry["name"] == name]
    return max(found, key=lambda entry: len(entry["rows"]), default=None)


def _row(entry: Entry, mode: str, peer: str) -> Row | None:
    for row in entry["rows"]:
        if (row["mode"], row["peer"]) == (mode, peer) and "ms" in row:
            return dict(row)
    return None


def _ratio(of: Row | None, to: Row | None) -> Ratio | None:
    if of is None or to is None:
        return None
    return ratio(Span(tuple(of["runs_ms"])), Span(tuple(to["runs_ms"])))


def _targets(result: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    train = _find(result, "resnet50 training b256 autocast channels_last")
    if train is not None:
        ours = _row(train, "compiled", OURS)
        found = _ratio(ours, _row(train, "compiled", THEIRS))
        what = "ResNet-50, training step, b256, compiled: archdsl / torchvision"
        yield from _target(what, found, 1.0)
        if ours is not None:
            share, aim = ours["share"], 1 / 3
            what = "the same: share of the floor"
            verdict = "met" if share >= aim else "MISSED"
            yield what, f"{share:.0%}", "", f"≥ {aim:.0%}", verdict
    for entry in result["settings"]:
        tuned = _row(entry, "max-autotune", THEIRS)
        for mode in ("inference", "inference graph"):
            found = _ratio(_row(entry, mode, OURS), tuned)
            what = f"{entry['name']}: archdsl {mode} / torchvision max-autotune"
            yield from _target(what, found, 1.0)
    deep = _find(result, "resnet1202 inference b1 bf16 channels_last")
    if deep is not None:
        eager = _row(deep, "eager", OURS)
        for mode in ("graph", "inference graph"):
            found = _ratio(_row(deep, mode, OURS), eager)
            yield from _target(
                f"ResNet-1202, inference, b1: {mode} / eager", found, 0.4
            )


def _target(what: str, found: Ratio | None, target: float) -> Iterator[tuple[str, ...]]:
    if found is None:
        return
    if round(found.median, 2) <= target:
        verdict = "met"
    else:
        verdict = "within the spread" if found.least <= target else "MISSED"
    yield what, f"{found.median:.2f}", _spread(found), f"≤ {target}", verdict


def _spread(found: Ratio) -> str:
    return f"{found.least:.2f}–{found.most:.2f}"


def _cells(entry: Entry, row: Row) -> tuple[str, ...]:
    peer = _ratio(row, _row(entry, row["mode"], THEIRS))
    eager = _ratio(row, _row(entry, "eager", OURS))
    runs = row["runs_ms"]
    return (
        entry["name"],
        row["mode"] if row["peer"] == OURS else f"{row['mode']}, {row['peer']}",
        f"{row['ms']:.3f}",
        f"{min(runs):.3f}–{max(runs):.3f}",
        f"{peer.median:.2f}" if peer else "",
        _spread(peer) if peer else "",
        f"{eager.median:.2f}" if eager and row["mode"] != "eager" else "",
        f"{row['images']:,.0f}",
        f"{row['tflops']:.1f}",
        f"{row['gbytes']:,.0f}",
        f"{row['share']:.0%} ({entry['bound']})",
        "" if row["memory"] is None else f"{row['memory'] / 1e6:,.0f}",
        f"{row['kernels']:,}, {row['launches']:,}",
        _parts(row),
        _error(row, _row(entry, row["mode"], THEIRS)),
    )


def _parts(row: Row) -> str:
    if "products_ms" not in row:
        return ""
    return f"{row['products_ms']:.2f}, {row['others_ms']:.2f}"


def _error(row: Row, theirs: Row | None) -> str:
    if "error" in row:
        return f"{row['error']:.0e}"
    if theirs is None:
        return ""
    return f"{abs(row['loss'] - theirs['loss']) / abs(theirs['loss']):.0e}"


def _agreement(rows: Iterable[Row]) -> str:
    head = ("net", "float32", "bf16, archdsl", "bf16, torchvision")
    cells = [
        (
            row["net"],
            "0" if row.get("equal") else _number(row.get("fp32")),
            _number(row.get(f"bf16 {OURS}")),
            _number(row.get(f"bf16 {THEIRS}")),
        )
        for row in rows
    ]
    return _APART + markdown(head, cells, head[1:])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"


def _absent(result: dict[str, Any]) -> Iterator[str]:
    for entry in result["settings"]:
        if "failed" in entry:
            yield f"- {entry['name']}: {entry['failed']}\n"
        for row in entry["rows"]:
            why = row.get("failed") or row.get("skipped")
            if why:
                yield f"- {entry['name']}, {row['mode']}, {row['peer']}: {why}\n"
