"""The corpus for fuzzing, and every input that once broke something."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parent / "fuzz"
sys.path.insert(0, str(FUZZ))

import target  # noqa: E402

FILES = sorted([*(FUZZ / "corpus").iterdir(), *(FUZZ / "crashes").glob("*")])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_input_breaks_anything(path: Path) -> None:
    with contextlib.suppress(*target.Expected):
        target.run(path.read_bytes())
