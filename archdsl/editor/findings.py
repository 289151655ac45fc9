"""What is wrong with a text, as far as it can be shown in it."""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic, Note
from archdsl.diagnostics.render import place, printable
from archdsl.editor.analysis import Analysis
from archdsl.editor.moved import Change
from archdsl.limits import MAX_TOLD
from archdsl.source import Source, Span
from archdsl.tuples import NamedTuple


class Finding(NamedTuple):
    """A mistake with a place in the text at hand, and places that explain it."""

    code: str
    message: str
    start: int
    end: int
    related: tuple[Note, ...]
    fixes: tuple[Repair, ...]


class Repair(NamedTuple):
    """A change of the text that may mend a mistake."""

    title: str
    changes: tuple[Change, ...]


def findings(analysis: Analysis) -> list[Finding]:
    """All mistakes.

    One that stands in a used file is shown where that text comes in: at the call that
    led there, or at the `use`.
    """
    return [_finding(found, analysis) for found in analysis.diagnostics]


def _finding(found: Diagnostic, analysis: Analysis) -> Finding:
    source = analysis.source
    span = found.span
    related = list(found.related)
    message = [found.message]
    if span is not None and not _is_own(span, source):
        message[0] = f"{place(span)}: {found.message}"
        related.insert(0, Note(span, found.message))
        span = _way_in(found, analysis)
    related += found.trace
    if found.label:
        message.append(found.label)
    message += found.notes
    message += (f"hint: {hint}" for hint in found.hints)
    start, end = (span.start, span.end) if span is not None else (0, 0)
    length = len(source.text)
    fixes = []
    for fix in found.fixes:
        if all(edit.span.source is source for edit in fix.edits):
            changes = (Change(e.span.start, e.span.end, e.text) for e in fix.edits)
            fixes.append(Repair(fix.title, tuple(changes)))
    return Finding(
        found.code,
        "\n".join(printable(text[:MAX_TOLD]) for text in message),
        min(start, length),
        min(end, length),
        tuple(related),
        tuple(fixes),
    )


def _is_own(span: Span, source: Source) -> bool:
    # A text that cannot be decoded is shown in a source of its own.
    return span.source is source or (span.source.text == source.text)


def _way_in(found: Diagnostic, analysis: Analysis) -> Span | None:
    """Where a used file's text comes in."""
    for note in reversed(found.trace):
        if note.span.source is analysis.source:
            return note.span
    for name in analysis.names:
        if name.kind == "file" and name.target is not None and found.span is not None:
            definitions = analysis.definitions
            home = definitions and definitions.library.homes.get(name.target.file)
            if home and home.source.name == found.span.source.name:
                return Span(analysis.source, name.start, name.end)
    first = next((name for name in analysis.names if name.kind == "file"), None)
    return Span(analysis.source, first.start, first.end) if first else None
