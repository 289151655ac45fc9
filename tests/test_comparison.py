"""What docs/comparison.md says of others, as far as it can be run here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parent.parent / "docs" / "comparison.md"


def test_the_same_network_in_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    pytest.importorskip("keras")
    (text,) = re.findall(r"^```py\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    # The total is asserted there.
    assert "count_params() == 61_706" in text
    exec(compile(text, str(PAGE), "exec"), {})
