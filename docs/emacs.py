"""`editors/emacs/arch-mode.el`: the text of `docs/arch-mode.in` with its words."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from pathlib import Path

from archdsl.elaborate.words import (
    BLOCK_INPUT,
    CONSTANTS,
    CURRENT,
    INPUT_STAGE,
    OUTPUT_STAGE,
    SHARE,
    TIE,
)
from archdsl.ops import LAYERS
from archdsl.reading import standard_names
from archdsl.shapes.arithmetic import FUNCTIONS, OF_LISTS
from archdsl.syntax import tables

_SOURCE = Path(__file__).resolve().parent / "arch-mode.in"


def mode() -> str:
    """The mode for Emacs."""
    text = _SOURCE.read_text(encoding="utf-8")
    stages = (INPUT_STAGE, OUTPUT_STAGE, SHARE, TIE, CURRENT, BLOCK_INPUT)
    lists = {
        "KEYWORDS": dict.fromkeys((*tables.load().keywords, *CONSTANTS)),
        "STAGES": stages,
        "LAYERS": LAYERS,
        "BLOCKS": standard_names(),
        "FUNCTIONS": (*FUNCTIONS, *OF_LISTS),
    }
    for place, words in lists.items():
        text = text.replace(f"'({place})", f"'({_listed(words)})")
    return text


def _listed(words: Iterable[str]) -> str:
    quoted = " ".join(f'"{word}"' for word in words)
    return "\n    ".join(textwrap.wrap(quoted, 82))
