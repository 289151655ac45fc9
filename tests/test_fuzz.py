"""The corpus for fuzzing, and every input that once broke something."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parent / "fuzz"
sys.path.insert(0, str(FUZZ))

import fuzz  # noqa: E402
import target  # noqa: E402

FILES = sorted([*(FUZZ / "corpus").iterdir(), *(FUZZ / "crashes").glob("*")])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_input_breaks_anything(path: Path) -> None:
    with contextlib.suppress(*target.Expected):
        target.run(path.read_bytes())


def test_an_input_that_takes_too_much_is_a_find(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = fuzz.Taken()
    monkeypatch.setattr(fuzz, "MOST_MIB", 1e9)
    taken.add(1.0)
    with pytest.raises(fuzz.TooMuchError):
        taken.add(fuzz.MOST_SECONDS + 1)
    monkeypatch.setattr(fuzz, "MOST_MIB", 1.0)
    with pytest.raises(fuzz.TooMuchError):
        taken.add(0.0)
    inputs, seconds, mib = taken.read()
    assert (inputs, seconds) == (3, fuzz.MOST_SECONDS + 1)
    assert mib > 1
