"""What a person sees: text on the two streams, in colour where it belongs."""

from __future__ import annotations

import os
import sys
from typing import TextIO

CLEAN, FINDINGS, USAGE = 0, 1, 2

# What a terminal without Unicode shows instead.
_PLAIN = str.maketrans(
    {
        **{"×": "x", "–": "-", "…": "...", "→": "->", "─": "-", "·": "*"},
        **{"−": "-", "⌈": "ceil(", "⌉": ")", "‘": "'", "’": "'"},
        **{"├": "|", "└": "`", "│": "|", "‖": "||", "‼": "!!", "≠": "!="},
    }
)


class CommandError(Exception):
    """A command cannot go on; its text is for people. Ends with status 2."""


class ReportedError(Exception):
    """Findings were printed; the command ends with status 1."""


def out(text: str) -> None:
    """Write to standard output."""
    _write(sys.stdout, text)


def err(text: str) -> None:
    """Write to standard error."""
    _write(sys.stderr, text)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = (
            text.translate(_PLAIN).encode(encoding, "backslashreplace").decode(encoding)
        )
    stream.write(text)


def in_colour(stream: TextIO | None) -> bool:
    """Whether a stream takes escape sequences: a terminal, and nobody objects."""
    if stream is None or os.environ.get("NO_COLOR"):
        return False
    return stream.isatty() and os.environ.get("TERM") != "dumb"
