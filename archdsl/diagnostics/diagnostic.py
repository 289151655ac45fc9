"""A finding: what is wrong, where, why it was expected otherwise, what to try."""

from __future__ import annotations

from archdsl.limits import MAX_FINDINGS
from archdsl.source import Span
from archdsl.tuples import NamedTuple


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
    """Sorted by place, each mistake once; of very many the first.

    A block is elaborated for each set of arguments and shapes, and its text may be
    refused each time. The first time is shown, the others are counted.
    """
    unique: dict[object, Diagnostic] = {}
    others: dict[object, set[object]] = {}
    for d in found:
        key: object = (d.code, d.span)
        first = unique.get(key)
        if first and not (d.trace or first.trace) and d.message != first.message:
            # No use of a block, but two mistakes in one place.
            key = (d.code, d.span, d.message)
        if key in unique:
            others.setdefault(key, set()).add((d.message, d.trace))
        else:
            unique[key] = d
    for key, more in others.items():
        d = unique[key]
        count = len(more - {(d.message, d.trace)})
        if count:
            uses = "use" if count == 1 else "uses"
            unique[key] = d._replace(
                notes=(*d.notes, f"the same in {count} other {uses} of this text")
            )
    ordered = sorted(
        unique.values(),
        key=lambda d: (d.span.source.name, d.span.start) if d.span else ("", 0),
    )
    if len(ordered) >= MAX_FINDINGS:
        del ordered[MAX_FINDINGS:]
        last = ordered[-1]
        note = f"{MAX_FINDINGS:,} mistakes are told; there may be more after this one"
        ordered[-1] = last._replace(notes=(*last.notes, note))
    return ordered
