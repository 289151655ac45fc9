"""What the runs gave, as JSON and as a page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks import measure
from benchmarks.report import markdown
from examples.plain_vs_residual import training
from examples.plain_vs_residual.training import Digits, Run

DATA = "results.json"
PAGE = "README.md"

LOSSES: dict[str, Callable[[Run], float]] = {
    "final training loss": lambda run: run.final_loss,
    "in evaluation mode": lambda run: run.evaluated_loss,
}

# What was expected of the deepest net's final training loss, as a multiple of the
# shallowest one's, before the experiment was run.
DEEP, SHALLOW = 56, 20
EXPECTED: dict[str, tuple[str, Callable[[float], bool]]] = {
    "plain": ("over 10", lambda ratio: ratio > 10),
    "resnet": ("at most 2", lambda ratio: ratio <= 2),
}

HEAD = """\
# Plain and residual nets on small digits: results

Written by `python -m examples.plain_vs_residual`; what it does and why stands in
`examples/plain_vs_residual/README.md`.

![Training loss over the epochs, plain nets on the left, residual ones on the right, a
curve for each depth](curves.svg)

A curve is the median over the seeds {seeds}; its band reaches from the least to the
most.
"""

CLAIM = """\
## The claim

The final training loss is that of the last epoch, in training mode. Below it is the
loss of the same digits after the last step, in evaluation mode. The first ratio is of
the medians over the seeds, and is the one that has to hold. The others are of the two
runs of a seed.

{answer}"""

EPOCHS = """\
The same ratio of medians, had the training ended earlier, after so many epochs:

{table}"""

MEDIANS = """\
## By net

Medians over the seeds, the least and the most. A loss is a mean cross-entropy in nats.

{table}"""

SEEDS = """\
## By seed

The final training loss:

{losses}
Right answers to the {test} digits of the test:

{right}"""

TRAINED = """\
## How they were trained

- SGD, learning rate {rate}, momentum {momentum}, weight decay {weight_decay}.
- {epochs} epochs in batches of {batch}.
- {train:,} digits for training and {test:,} for the test.
- {minutes:.1f} minutes of CPU time with one thread, on {cpu}{gpu},
  {platform}, with {python} and PyTorch {torch}.
"""


@dataclass(frozen=True)
class Results:
    """All runs of one call, with what they have in common."""

    settings: dict[str, Any]
    machine: dict[str, Any]
    runs: tuple[Run, ...]


class UnreadableError(ValueError):
    """A file is not one of results."""


def settings(digits: Digits, epochs: int) -> dict[str, Any]:
    """What was fixed before the first run."""
    return {
        "rate": training.RATE,
        "momentum": training.MOMENTUM,
        "weight_decay": training.WEIGHT_DECAY,
        "batch": training.BATCH,
        "epochs": epochs,
        "train": len(digits.train_labels),
        "test": len(digits.test_labels),
    }


def machine(device: torch.device) -> dict[str, Any]:
    """What the figures depend on."""
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return measure.machine() | {"gpu": gpu, "torch": torch.__version__}


def write(results: Results, folder: Path) -> None:
    """Write FOLDER/results.json."""
    text = json.dumps(asdict(results), indent=1)
    (folder / DATA).write_text(text + "\n", encoding="utf-8", newline="\n")


def read(folder: Path) -> Results:
    """The results that were written to the folder.

    Raises:
        OSError: there are none.
        UnreadableError: they are not what `write` writes.
    """
    path = folder / DATA
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        runs = [Run(**run | {"losses": tuple(run["losses"])}) for run in found["runs"]]
        return Results(found["settings"], found["machine"], tuple(runs))
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableError(
            f"{path} is not such a file of results: {error}"
        ) from error


def write_page(results: Results, folder: Path) -> None:
    """Write FOLDER/README.md."""
    (folder / PAGE).write_text(page(results), encoding="utf-8", newline="\n")


def by_net(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """The runs of each net, in the order of their seeds."""
    nets: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.seed):
        nets.setdefault(run.net, []).append(run)
    return nets


def page(results: Results) -> str:
    """The page about the results."""
    nets = by_net(results.runs)
    seeds = [str(run.seed) for run in next(iter(nets.values()))]
    test, gpu = results.settings["test"], results.machine["gpu"]
    return "\n".join(
        (
            HEAD.format(seeds=", ".join(seeds)),
            CLAIM.format(answer=answer(results)),
            EPOCHS.format(table=_by_epoch(nets)),
            MEDIANS.format(table=_medians(nets, test)),
            SEEDS.format(
                losses=_by_seed(nets, seeds, lambda run: f"{run.final_loss:#.3g}"),
                right=_by_seed(nets, seeds, lambda run: f"{run.test_right}"),
                test=test,
            ),
            TRAINED.format(
                minutes=sum(run.cpu_seconds for run in results.runs) / 60,
                **results.settings,
                **results.machine | {"gpu": f" and {gpu}" if gpu else ""},
            ),
        )
    )


def answer(results: Results) -> str:
    """A table: are the losses of 56 and of 20 layers related as was expected?"""
    nets = by_net(results.runs)
    rows = []
    seeds: list[str] = []
    for which, (words, holds) in EXPECTED.items():
        deep, shallow = nets.get(f"{which}{DEEP}"), nets.get(f"{which}{SHALLOW}")
        if deep is None or shallow is None:
            return f"That takes nets of {SHALLOW} and of {DEEP} layers.\n"
        seeds = [f"seed {run.seed}" for run in deep]
        for what, loss in LOSSES.items():
            ratio = median(map(loss, deep)) / median(map(loss, shallow))
            pairs = [loss(a) / loss(b) for a, b in zip(deep, shallow, strict=True)]
            rows.append(
                (
                    f"{which}{DEEP} / {which}{SHALLOW}, {what}",
                    *(f"{value:.3g}" for value in (ratio, *pairs)),
                    words,
                    "yes" if holds(ratio) else "no",
                )
            )
    return _table(("", "medians", *seeds, "expected", "holds"), rows)


def _by_epoch(nets: dict[str, list[Run]]) -> str:
    """The ratios of `answer` for every epoch; empty where that has none."""
    names = [(f"{which}{DEEP}", f"{which}{SHALLOW}") for which in EXPECTED]
    if not all(net in nets for pair in names for net in pair):
        return ""
    epochs = range(len(nets[names[0][0]][0].losses))

    def loss(net: str, epoch: int) -> float:
        return median(run.losses[epoch] for run in nets[net])

    return _table(
        ("", *(str(epoch + 1) for epoch in epochs)),
        (
            (f"{a} / {b}", *(f"{loss(a, e) / loss(b, e):.3g}" for e in epochs))
            for a, b in names
        ),
    )


def _medians(nets: dict[str, list[Run]], test: int) -> str:
    head = ("net", "parameters", *LOSSES, "test accuracy, %")
    return _table(
        head,
        (
            (
                net,
                f"{runs[0].parameters:,}",
                *(_spread([*map(loss, runs)], "#.3g") for loss in LOSSES.values()),
                _spread([100 * run.test_right / test for run in runs], ".1f"),
            )
            for net, runs in nets.items()
        ),
    )


def _by_seed(
    nets: dict[str, list[Run]], seeds: Sequence[str], cell: Callable[[Run], str]
) -> str:
    return _table(
        ("net", *(f"seed {seed}" for seed in seeds)),
        ((net, *map(cell, runs)) for net, runs in nets.items()),
    )


def _spread(values: Sequence[float], form: str) -> str:
    least, most = min(values), max(values)
    return f"{median(values):{form}} ({least:{form}}–{most:{form}})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return markdown(head, rows, head[1:])
