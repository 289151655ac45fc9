"""Where the places of an older text are in a newer one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from archdsl.tuples import NamedTuple


class Change(NamedTuple):
    """A stretch of a text, from `start` up to `end`, that was replaced by `text`."""

    start: int
    end: int
    text: str


def changed(before: str, after: str) -> Change:
    """The one change between two texts, without what they begin and end with alike."""
    most = min(len(before), len(after))
    start = _alike(before, after, most)
    left = most - start
    end = _alike(before[::-1], after[::-1], left)
    return Change(start, len(before) - end, after[start : len(after) - end])


def _alike(a: str, b: str, most: int) -> int:
    """How many characters two texts have in common at their beginning, up to `most`."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


class Moved:
    """All changes since a text: stretches of it, and what each of them is now.

    The stretches do not touch each other, so that a place is found by bisection.
    """

    def __init__(self) -> None:
        # Parallel lists: stretches of the older text, and of the newer one.
        self._old: list[tuple[int, int]] = []
        self._new: list[tuple[int, int]] = []

    def add(self, change: Change) -> None:
        """Go on to the text after one more change."""
        start, end, text = change
        longer = len(text) - (end - start)
        # Stretches that the change touches are one with it.
        first = bisect_left(self._new, start, key=lambda stretch: stretch[1])
        last = bisect_right(self._new, end, key=lambda stretch: stretch[0])
        begin, finish = self.back(start), self.back(end)
        new_start, new_end = start, end
        if first < last:
            begin = min(begin, self._old[first][0])
            finish = max(finish, self._old[last - 1][1])
            new_start = min(start, self._new[first][0])
            new_end = max(end, self._new[last - 1][1])
        self._old[first:last] = [(begin, finish)]
        after = [(a + longer, b + longer) for a, b in self._new[last:]]
        self._new[first:] = [(new_start, new_end + longer), *after]

    def forth(self, offset: int) -> int | None:
        """Where a place of the older text is now; None if it was written over."""
        at = bisect_right(self._old, offset, key=lambda stretch: stretch[0]) - 1
        if at < 0:
            return offset
        start, end = self._old[at]
        if offset == start and start < end:
            return self._new[at][0]
        if offset < end:
            return None
        return offset - end + self._new[at][1]

    def back(self, offset: int) -> int:
        """Where a place of the newer text was; the end of what was there, if new."""
        at = bisect_right(self._new, offset, key=lambda stretch: stretch[0]) - 1
        if at < 0:
            return offset
        if offset < self._new[at][1]:
            return self._old[at][1] if offset > self._new[at][0] else self._old[at][0]
        return offset - self._new[at][1] + self._old[at][1]

    def touches(self, start: int, end: int) -> bool:
        """Whether something within a stretch of the older text was changed."""
        at = bisect_left(self._old, start, key=lambda stretch: stretch[1])
        return at < len(self._old) and self._old[at][0] <= end

    def stretches(self) -> list[tuple[int, int]]:
        """What is new in the newer text."""
        return list(self._new)
