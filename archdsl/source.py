"""A source text, and places in it."""

from __future__ import annotations

from bisect import bisect_right

from archdsl.limits import MOST, Limits
from archdsl.tuples import NamedTuple


class Source:
    """A text with a name to show, and the means to turn offsets into lines.

    `limits` hold for all that is made of it.
    """

    __slots__ = ("_line_starts", "limits", "name", "text")

    def __init__(self, name: str, text: str, limits: Limits = MOST) -> None:
        self.name = name
        self.text = text
        self.limits = limits
        self._line_starts: list[int] | None = None

    @property
    def line_starts(self) -> list[int]:
        """The offset at which each line begins."""
        if self._line_starts is None:
            starts = [0]
            find = self.text.find
            at = find("\n")
            while at >= 0:
                starts.append(at + 1)
                at = find("\n", at + 1)
            self._line_starts = starts
        return self._line_starts

    def position(self, offset: int) -> tuple[int, int]:
        """The line and column of an offset, both counted from 1."""
        starts = self.line_starts
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line, counted from 1, without its end."""
        starts = self.line_starts
        begin = starts[number - 1]
        end = starts[number] - 1 if number < len(starts) else len(self.text)
        return self.text[begin:end].rstrip("\r")


class Span(NamedTuple):
    """A stretch of a source text, from `start` up to but not including `end`."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        """The line, counted from 1, on which the span begins."""
        return self.source.position(self.start)[0]

    @property
    def text(self) -> str:
        """The text that the span covers."""
        return self.source.text[self.start : self.end]
