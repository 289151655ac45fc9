"""Collects findings, each with the way in to where it was found."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple, Protocol

from archdsl.diagnostics import Diagnostic, Note
from archdsl.shapes.tensor import Dim, InputOrigin, TensorType
from archdsl.source import Source, Span


class Located(Protocol):
    """A node of the syntax tree."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


class Entry(NamedTuple):
    """A step of the way in: a call or a copy, and the shapes that entered there."""

    note: Note
    inputs: tuple[TensorType, ...] | None


class Reporter:
    """The findings so far, and the way in to where elaboration stands."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.found: list[Diagnostic] = []
        self.way_in: list[Entry] = []
        # The names of the blocks, which may stand as arguments.
        self.blocks: Collection[str] = ()

    def span(self, node: Located) -> Span:
        """Where a node stands."""
        return Span(self.source, node.start, node.end)

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
        span = at if isinstance(at, Span) else self.span(at)
        trace = tuple(entry.note for entry in reversed(self.way_in))
        self.found.append(
            Diagnostic(code, message, span, label, related, notes, hints, trace)
        )

    def origin(self, dim: Dim) -> Span | None:
        """Where a size was bound, followed out through the calls."""
        origin = dim.origin
        calls = [e.inputs for e in self.way_in if e.inputs is not None]
        while isinstance(origin, InputOrigin):
            if not calls:
                return None
            outer = calls.pop()[origin.input]
            origin = outer.dims[origin.axis].origin
        return origin

    def came_from(self, dim: Dim, text: str, unless: Span) -> tuple[Note, ...]:
        """A note on where a size was bound, unless that is the place itself."""
        origin = self.origin(dim)
        if origin is None or origin == unless:
            return ()
        return (Note(origin, text),)
