"""What the runs gave, as JSON and as a page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks import measure
from examples.plain_vs_residual import training
from examples.plain_vs_residual.training import Digits, Run

NAME = "results.json"


@dataclass(frozen=True)
class Results:
    """All runs of one call, with what they have in common."""

    settings: dict[str, Any]
    machine: dict[str, Any]
    runs: tuple[Run, ...]


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
    facts = measure.machine()
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return facts | {"gpu": gpu, "torch": torch.__version__}


def write(results: Results, folder: Path) -> None:
    """Write FOLDER/results.json."""
    text = json.dumps(asdict(results), indent=1)
    path = folder / NAME
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def read(folder: Path) -> Results:
    """The results that were written to the folder."""
    found = json.loads((folder / NAME).read_text(encoding="utf-8"))
    runs = tuple(Run(**run | {"losses": tuple(run["losses"])}) for run in found["runs"])
    return Results(found["settings"], found["machine"], runs)
