"""What a person sees: text on the two streams, in colour where it belongs."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from archdsl.diagnostics.render import printable

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
    """Write to standard output, to the letter: what was asked for."""
    _write(sys.stdout, text)


def say(text: str) -> None:
    """Write to standard output what is for people alone."""
    _write(sys.stdout, shown(text))


def err(text: str, rendered: bool = False) -> None:
    """Write to standard error; findings that were `rendered` may be in colour."""
    _write(sys.stderr, text if rendered else shown(text))


def shown(text: str) -> str:
    """The text with what would steer a terminal made visible, names of files too."""
    return "\n".join(map(printable, text.split("\n")))


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
