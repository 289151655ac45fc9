"""A finding: what is wrong, where, why it was expected otherwise, what to try."""

from __future__ import annotations

from typing import NamedTuple

from archdsl.source import Span


class Note(NamedTuple):
    """A place that explains a finding."""

    span: Span
    text: str


class Diagnostic(NamedTuple):
    """One mistake.

    `code` is a key of `archdsl.diagnostics.codes.CODES`. `label` stands under the
    carets, `related` places are shown with it, `notes` state facts and `hints` say
    what to try; `trace` is the way in through repeats and blocks, innermost first.
    """

    code: str
    message: str
    span: Span | None
    label: str = ""
    related: tuple[Note, ...] = ()
    notes: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    trace: tuple[Note, ...] = ()


def in_order(found: list[Diagnostic]) -> list[Diagnostic]:
    """Sorted by place, each finding once."""
    unique = dict.fromkeys(found)
    return sorted(
        unique, key=lambda d: (d.span.source.name, d.span.start) if d.span else ("", 0)
    )
