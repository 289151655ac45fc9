"""Collects findings, each with the way in to where it was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from archdsl.diagnostics import Diagnostic, Note
from archdsl.shapes.tensor import Dim, InputOrigin, TensorType
from archdsl.source import Source, Span
from archdsl.tuples import NamedTuple, made

if TYPE_CHECKING:
    from archdsl.elaborate.definitions import Defined, Definitions


# So many findings come with a name that may have been meant.
_SUGGESTED = 200


class Located(Protocol):
    """A node of the syntax tree."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


class Entry(NamedTuple):
    """A step of the way in.

    `kind` is "net" for a derived net, "block" for the call of a block and "copy" for
    a copy of a repeat; `inputs` holds the shapes that entered a block, and `file`
    tells it from blocks of the same name in other files.
    """

    kind: Literal["net", "block", "copy"]
    text: str
    span: Span
    inputs: tuple[TensorType, ...] = ()
    file: str = ""


class TrialEndedError(Exception):
    """A trial ends: there is something to tell, or nothing is gained by it."""


class Reporter:
    """The findings so far, and the way in to where elaboration stands.

    A `trial` ends at the first of them with `TrialEndedError`.
    """

    def __init__(self, source: Source, trial: bool = False) -> None:
        self.source = source
        self.trial = trial
        self.limits = source.limits
        self.found: list[Diagnostic] = []
        self.way_in: list[Entry] = []
        # The file that elaboration stands in, whose names are looked up.
        self.home: Definitions | None = None
        # While set, every finding points here: its text was parsed apart.
        self.fixed: Span | None = None

    @property
    def many(self) -> bool:
        """Whether there are so many findings that further ones need no suggestions."""
        return len(self.found) >= _SUGGESTED

    def enter(self, home: Definitions | None) -> Definitions | None:
        """Go on in another file; gives the one to come back to."""
        before, self.home = self.home, home
        if home is not None:
            self.source = home.source
        return before

    def definition(self, name: str) -> Defined | None:
        """The block or extern that a name means here, if no label has it."""
        return self.home.find(name) if self.home is not None else None

    def span(self, node: Located) -> Span:
        """Where a node stands."""
        if self.fixed is not None:
            return self.fixed
        return made(Span, (self.source, node.start, node.end))

    def editable(self, node: Located) -> Span | None:
        """Where a node can be changed; None if its text was parsed apart."""
        return None if self.fixed is not None else self.span(node)

    def error(
        self,
        code: str,
        message: str,
        at: Located | Span,
        label: str = "",
        related: tuple[Note, ...] = (),
        notes: tuple[str, ...] = (),
        hints: tuple[str, ...] = (),
    ) -> None:
        """Add a finding."""
        if self.trial:
            raise TrialEndedError
        span = at if isinstance(at, Span) else self.span(at)
        self.found.append(
            Diagnostic(code, message, span, label, related, notes, hints, self._trace())
        )

    def _trace(self) -> tuple[Note, ...]:
        """The way in, innermost first; the copy of a block is one step."""
        trace: list[Note] = []
        copy: Entry | None = None
        for entry in self.way_in:
            where = f"line {entry.span.line}"
            if entry.kind == "block":
                text = f"in `{entry.text}`, called from {where}"
                if copy is not None and copy.span.end == entry.span.end:
                    trace.pop()
                    text = f"in {copy.text} of `{entry.text}`, called from {where}"
            elif entry.kind == "copy":
                text = f"in {entry.text} of the repeat in {where}"
            else:
                text = f"in the net `{entry.text}`, derived in {where}"
            copy = entry if entry.kind == "copy" else None
            trace.append(Note(entry.span, text))
        return tuple(reversed(trace))

    def in_block(self) -> bool:
        """Whether elaboration stands inside a block or a copy."""
        return any(entry.kind != "net" for entry in self.way_in)

    def open_blocks(self) -> list[tuple[str, str]]:
        """The file and name of each block that is open, outermost first."""
        return [(e.file, e.text) for e in self.way_in if e.kind == "block"]

    def origin(self, dim: Dim) -> Span | None:
        """Where a size was bound, followed out through the calls."""
        origin = dim.origin
        calls = [e.inputs for e in self.way_in if e.kind == "block"]
        while isinstance(origin, InputOrigin):
            outer = calls.pop()[origin.input]
            origin = outer.dims[origin.axis].origin
        return origin

    def came_from(self, dim: Dim, text: str, unless: Span) -> tuple[Note, ...]:
        """A note on where a size was bound, unless that is the place itself."""
        origin = self.origin(dim)
        if origin is None or origin == unless:
            return ()
        return (Note(origin, text),)


class Unheard:
    """`with Unheard(report) as found:` keeps what is found apart: it is not told."""

    def __init__(self, report: Reporter) -> None:
        self._report = report
        self._before = report.found, report.trial

    def __enter__(self) -> list[Diagnostic]:
        found: list[Diagnostic] = []
        self._report.found, self._report.trial = found, False
        return found

    def __exit__(self, *_: object) -> None:
        self._report.found, self._report.trial = self._before
