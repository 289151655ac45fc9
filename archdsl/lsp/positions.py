"""Offsets of a text as lines and characters, in the units that the client counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lsprotocol import types


class Lines(Protocol):
    """A text and where its lines begin."""

    @property
    def text(self) -> str: ...
    @property
    def line_starts(self) -> Sequence[int]: ...


class Positions:
    """Turns offsets into positions and back.

    A position counts characters of UTF-16 unless the client and the server have agreed
    on another encoding.
    """

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding

    def offset(self, lines: Lines, position: types.Position) -> int:
        """The offset of a position; what lies outside of the text is at its edge."""
        starts = lines.line_starts
        if position.line >= len(starts):
            return len(lines.text)
        start = starts[position.line]
        line = self._line(lines, position.line)
        if line.isascii() or self._encoding == "utf-32":
            return start + min(position.character, len(line))
        units = 0
        for at, character in enumerate(line):
            # A position within a character is before it.
            units += self._width(character)
            if units > position.character:
                return start + at
        return start + len(line)

    def position(self, lines: Lines, offset: int) -> types.Position:
        """The position of an offset."""
        from bisect import bisect_right

        starts = lines.line_starts
        number = bisect_right(starts, offset) - 1
        before = lines.text[starts[number] : offset]
        return types.Position(number, self._units(before))

    def range(self, lines: Lines, start: int, end: int) -> types.Range:
        """The range of a stretch."""
        return types.Range(self.position(lines, start), self.position(lines, end))

    def length(self, text: str) -> int:
        """How many units a text has."""
        return self._units(text)

    def _units(self, text: str) -> int:
        if text.isascii() or self._encoding == "utf-32":
            return len(text)
        return sum(map(self._width, text))

    def _width(self, character: str) -> int:
        if self._encoding == "utf-8":
            return len(character.encode("utf-8", "surrogatepass"))
        return 2 if character > "\uffff" and self._encoding == "utf-16" else 1

    @staticmethod
    def _line(lines: Lines, number: int) -> str:
        starts = lines.line_starts
        end = starts[number + 1] if number + 1 < len(starts) else len(lines.text)
        return lines.text[starts[number] : end].rstrip("\r\n")
