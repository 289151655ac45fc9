"""Findings as text for people, one-liners, JSON, and GitHub annotations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archdsl.diagnostics.diagnostic import Diagnostic, Edit, Note, fixes_of
from archdsl.limits import MAX_TOLD
from archdsl.source import Span

FORMATS = ("full", "concise", "json", "github")

_TAB = "    "
# A line longer than this is shown as the part around the finding.
_WIDEST = 160
# How many steps of a long trace are shown at each of its ends.
_TRACE_ENDS = 4


class Style:
    """Escape sequences for a terminal, or nothing."""

    def __init__(self, colour: bool) -> None:
        self._colour = colour

    def _wrap(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and text else text

    def error(self, text: str) -> str:
        return self._wrap("1;31", text)

    def bold(self, text: str) -> str:
        return self._wrap("1", text)

    def faint(self, text: str) -> str:
        return self._wrap("34", text)

    def note(self, text: str) -> str:
        return self._wrap("36", text)


def printable(text: str) -> str:
    """The text with control and direction-changing characters made visible."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else _TAB if c == "\t" else f"\\u{{{ord(c):x}}}"
        for c in text
    )


def _told(text: str) -> str:
    """A message, in which very long texts of a spec are cut."""
    if len(text) > MAX_TOLD:
        text = f"{text[:MAX_TOLD]}…"
    return printable(text)


def render(found: Sequence[Diagnostic], form: str, colour: bool = False) -> str:
    """All findings in one of `FORMATS`; empty text for no findings but in JSON."""
    if form == "json":
        return as_json(found)
    if form == "concise":
        return "".join(map(concise, found))
    if form == "github":
        return "".join(map(github, found))
    style = Style(colour)
    return "\n".join(full(diagnostic, style) for diagnostic in found)


def place(span: Span | None) -> str:
    """`file:line:column`."""
    if span is None:
        return ""
    line, column = span.source.position(span.start)
    return f"{printable(span.source.name)}:{line}:{column}"


def concise(d: Diagnostic) -> str:
    """One line, as compilers print it."""
    where = f"{place(d.span)}: " if d.span else ""
    hint = f" ({_told(d.hints[0])})" if d.hints else ""
    return f"{where}error[{d.code}] {_told(d.message)}{hint}\n"


def github(d: Diagnostic) -> str:
    """A workflow command that annotates the lines on GitHub, in one line of text.

    Columns are those of one line: GitHub takes none where several are meant.
    """
    where = f" title={d.code}"
    if d.span:
        line, column = d.span.source.position(d.span.start)
        end_line, end_column = d.span.source.position(max(d.span.start, d.span.end - 1))
        name = _escape_property(printable(d.span.source.name))
        where = f" file={name},line={line},endLine={end_line},title={d.code}"
        if line == end_line:
            where += f",col={column},endColumn={end_column}"
    related = [f"{place(note.span)}: {note.text}" for note in d.related]
    told = (d.message, *related, *d.notes, *_way_in(d), *d.hints)
    text = "\n".join(map(_told, told))
    return f"::error{where}::{_escape_data(text)}\n"


def _escape_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")


def as_json(found: Iterable[Diagnostic]) -> str:
    """A list of findings; places count lines and columns from 1."""
    import json

    return json.dumps(as_data(found), indent=2, ensure_ascii=True) + "\n"


def as_data(found: Iterable[Diagnostic]) -> list[dict[str, object]]:
    """The findings as plain data, as `archdsl/schemas/check.json` describes it."""
    return [_plain(d) for d in found]


def _plain(d: Diagnostic) -> dict[str, object]:
    return {
        "code": d.code,
        "severity": "error",
        "message": d.message,
        "span": plain_span(d.span),
        "label": d.label,
        "related": [_plain_note(note) for note in d.related],
        "notes": list(d.notes),
        "hints": list(d.hints),
        "fixes": [
            {"hint": number, "title": fix.title, "edits": list(map(_edit, fix.edits))}
            for number, hint in enumerate(d.hints)
            for fix in fixes_of(hint)
        ],
        "trace": [_plain_note(note) for note in d.trace],
    }


def _edit(edit: Edit) -> dict[str, object]:
    return {"span": plain_span(edit.span), "text": edit.text}


def _plain_note(note: Note) -> dict[str, object]:
    return {"span": plain_span(note.span), "text": note.text}


def plain_span(span: Span | None) -> dict[str, object] | None:
    """A place as data: lines and columns from 1, offsets from 0, all in characters."""
    if span is None:
        return None
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end)
    return {
        "file": span.source.name,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "start": span.start,
        "end": span.end,
    }


def full(d: Diagnostic, style: Style) -> str:
    """The finding with its source lines, as shown on a terminal."""
    head = f"{style.error(f'error[{d.code}]')} {style.bold(_told(d.message))}"
    if d.span is None:
        rows = [head]
        margin = ""
    else:
        rows = [f"{style.bold(place(d.span))}: {head}"]
        shown = [(d.span, d.label, True)]
        shown += [(note.span, note.text, False) for note in d.related]
        same = [s for s in shown if s[0].source is d.span.source]
        others = [s for s in shown if s[0].source is not d.span.source]
        width = len(str(max(span.line for span, _, _ in same)))
        margin = " " * (width + 1)
        rows.append(style.faint(f"{margin}|"))
        rows += _excerpt(same, width, style)
        for span, text, _ in others:
            rows.append(f"{margin}{style.faint('=')} {place(span)}: {printable(text)}")
    equals = style.faint("=")
    rows += [f"{margin}{equals} {_told(note)}" for note in d.notes]
    rows += [f"{margin}{equals} {text}" for text in _way_in(d)]
    rows += [f"{margin}{equals} {style.note(_told(hint))}" for hint in d.hints]
    return "\n".join(rows) + "\n"


def _way_in(d: Diagnostic) -> list[str]:
    """The trace as lines, a long one without its middle."""
    texts = []
    for note in d.trace:
        text = _told(note.text)
        if d.span is None or note.span.source is not d.span.source:
            text += f", {place(note.span)}"
        texts.append(text)
    left_out = len(texts) - 2 * _TRACE_ENDS
    if left_out > 1:
        texts[_TRACE_ENDS:-_TRACE_ENDS] = [f"… {left_out} more steps …"]
    return texts


def _excerpt(
    shown: list[tuple[Span, str, bool]], width: int, style: Style
) -> list[str]:
    """Source lines in order, each followed by the marks that belong to it."""
    rows: list[str] = []
    previous = 0
    by_line: dict[int, list[tuple[Span, str, bool]]] = {}
    for item in shown:
        by_line.setdefault(item[0].line, []).append(item)
    for number in sorted(by_line):
        if previous and number > previous + 1:
            rows.append(style.faint(f"{'.' * width}"))
        previous = number
        items = sorted(by_line[number], key=lambda item: (item[0].start, not item[2]))
        source = items[0][0].source
        line = source.line(number)
        begin = source.line_starts[number - 1]
        head = style.faint(f"{number:>{width}} |")
        first = last = -1
        for span, text, primary in items:
            at = span.start - begin
            if not first <= at <= last:
                # The line, or of a long one the part around this mark.
                first = max(0, at - _WIDEST // 4) if len(line) > _WIDEST else 0
                last = min(len(line), first + _WIDEST)
                window = line[first:last]
                before, after = "…" * (first > 0), "…" * (last < len(line))
                rows.append(f"{head} {before}{printable(window)}{after}")
            mark = _mark(span, text, primary, window, begin + first, style)
            rows.append(f"{style.faint(' ' * width + ' |')} {' ' * len(before)}{mark}")
    return rows


def _mark(
    span: Span,
    text: str,
    primary: bool,
    window: str,
    begin: int,
    style: Style,
) -> str:
    offset = max(0, span.start - begin)
    lead = " " * _columns(window[:offset])
    covered = window[offset : offset + span.end - span.start]
    mark = ("^" if primary else "-") * max(1, _columns(covered))
    text = f"{mark} {printable(text)}" if text else mark
    paint = style.error if primary else style.faint
    return f"{lead}{paint(text)}"


def _columns(text: str) -> int:
    """How many terminal columns `printable(text)` takes."""
    if text.isascii():
        return len(printable(text))
    import unicodedata

    return sum(
        2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in printable(text)
        if not unicodedata.combining(c)
    )
