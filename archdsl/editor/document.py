"""An open text: as it is now, and as it was when it was last checked."""

from __future__ import annotations

from archdsl.editor.analysis import Analysis
from archdsl.editor.moved import Change, Moved


class View:
    """An analysis of an older text, and what has changed since."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.moved = Moved()


class Document:
    """A text that is edited.

    `last` is the newest analysis; `good` the newest of a text that could be gone
    through, which is what is shown while a line is being written. `number` counts the
    states of the text: an analysis is of the state in which it was begun.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.number = 0
        self.last: View | None = None
        self.good: View | None = None
        # What has changed since the analysis at work was begun.
        self._begun: tuple[int, list[Change]] | None = None
        self._starts: list[int] | None = None

    @property
    def line_starts(self) -> list[int]:
        """Where the lines begin: after line feeds, carriage returns, and both."""
        if self._starts is None:
            self._starts = line_starts(self.text)
        return self._starts

    def change(self, change: Change) -> None:
        """Replace a stretch of the text."""
        start, end, text = change
        if self.text[start:end] == text:
            return
        self.text = self.text[:start] + text + self.text[end:]
        self._starts = None
        self.number += 1
        views = {id(view): view for view in (self.last, self.good) if view}
        for view in views.values():
            view.moved.add(change)
        if self._begun is not None:
            self._begun[1].append(change)

    def begin(self) -> None:
        """An analysis of the text as it is begins."""
        self._begun = self.number, []

    def finish(self, analysis: Analysis) -> None:
        """The analysis that was begun last has ended."""
        view = View(analysis)
        for change in self._begun[1] if self._begun is not None else ():
            view.moved.add(change)
        self._begun = None
        self.last = view
        if analysis.trace is not None:
            self.good = view

    def line_of(self, offset: int) -> int:
        """The line, counted from 0, that an offset stands in."""
        from bisect import bisect_right

        return bisect_right(self.line_starts, offset) - 1

    def line(self, number: int) -> str:
        """The text of a line, without its end."""
        starts = self.line_starts
        end = starts[number + 1] if number + 1 < len(starts) else len(self.text)
        return self.text[starts[number] : end].rstrip("\r\n")


def line_starts(text: str) -> list[int]:
    """Where the lines of a text begin."""
    starts = [0]
    if "\r" not in text:
        at = text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = text.find("\n", at + 1)
        return starts
    at = 0
    while at < len(text):
        character = text[at]
        at += 1
        if character == "\r" and text[at : at + 1] == "\n":
            at += 1
        if character in "\r\n":
            starts.append(at)
    return starts
