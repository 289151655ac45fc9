"""A finding: what is wrong, where, why it was expected otherwise, what to try."""

from __future__ import annotations

from archdsl.limits import MAX_FINDINGS
from archdsl.source import Span
from archdsl.tuples import NamedTuple


class Note(NamedTuple):
    """A place that explains a finding."""

    span: Span
    text: str


class Edit(NamedTuple):
    """A stretch of text, empty where something is only added, and what to put there."""

    span: Span
    text: str


class Fix(NamedTuple):
    """A change that may mend a finding; its edits do not overlap."""

    title: str
    edits: tuple[Edit, ...]


class Hint(str):
    """A hint that can be carried out: `fixes` holds a change for each choice it gives.

    Any other string is a hint as well.
    """

    __slots__ = ("fixes",)

    fixes: tuple[Fix, ...]

    def __new__(cls, text: str, *fixes: Fix) -> Hint:
        made = super().__new__(cls, text)
        made.fixes = fixes
        return made

    @classmethod
    def writing(cls, text: str, at: Span | None, instead: str) -> Hint:
        """A hint to put a text in a place; none can be changed if `at` is None."""
        if at is None:
            return cls(text)
        if not at.text:
            title = f"add `{instead.strip()}`"
        else:
            title = f"write `{instead}`" if instead else f"remove `{at.text}`"
        return cls(text, Fix(title, (Edit(at, instead),)))


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

    @property
    def fixes(self) -> tuple[Fix, ...]:
        """The changes that its hints speak of."""
        return tuple(fix for hint in self.hints for fix in fixes_of(hint))


def filled(hint: str, blank: str, text: str) -> Hint:
    """The hint with a text in place of a blank."""
    return Hint(hint.replace(blank, text), *fixes_of(hint))


def fixes_of(hint: str) -> tuple[Fix, ...]:
    """The changes that a hint speaks of, as far as they are known."""
    return hint.fixes if isinstance(hint, Hint) else ()


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
