"""Each layer's part of docs/layers.md is what its record says now."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from archdsl.ops import LAYERS

DOCS = Path(__file__).resolve().parent.parent / "docs"
# It imports what lies beside it, as it does when it is run.
sys.path.insert(0, str(DOCS))
SPEC = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
assert SPEC is not None
assert SPEC.loader is not None
generate = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(generate)
PAGE = (DOCS / "layers.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", LAYERS)
def test_part_is_fresh(name: str) -> None:
    part = "\n\n".join(generate._layer(LAYERS[name])) + "\n"
    # Up to the next heading: a part without its last lines would be found, too.
    assert f"\n\n{part}\n#" in f"{PAGE}\n#", "run `make docs`"
