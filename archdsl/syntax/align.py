"""How the formatter makes tables of neighbouring rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby

from archdsl.syntax.lexer import CLOSERS, OPENERS
from archdsl.syntax.rows import Code, Row

# Blanks before the marks that end a row.
_BEFORE_ARROW = 3
_BEFORE_IF = 2
_BEFORE_COMMENT = 2
# Rows are not aligned if one of them would need more blanks than this: in front of a
# `|`, `=` or `key=`, or in front of what ends a row.
_WIDEST_PAD = 24
_WIDEST_END_PAD = 40

_DEFINITIONS = frozenset(("BLOCK", "NET", "DEFAULT", "USE", "EXTERN"))


def align(code: Code) -> None:
    """Widen the gaps before some tokens, so that neighbouring rows look alike."""
    _Tables(code).align()


class _Tables:
    def __init__(self, code: Code) -> None:
        self._code = code
        self._gaps = code.gaps

    def align(self) -> None:
        for row in self._code.rows:
            if row.first == row.last:
                continue
            if row.comment:
                row.comment_gap = _BEFORE_COMMENT
            if self._code.kinds[row.first] not in _DEFINITIONS:
                self._read(row)
                if row.arrow >= 0:
                    self._gaps[row.arrow] = _BEFORE_ARROW
                if row.condition >= 0:
                    self._gaps[row.condition] = _BEFORE_IF
        for rows in self._neighbours(self._place):
            self._align_cells(rows)
            self._align_keys(rows)
            self._align_ends(rows, [row.arrow for row in rows])
            self._align_ends(rows, [row.condition for row in rows])
        for rows in self._neighbours(self._derivation):
            self._align_derivations(rows)
        for rows in self._neighbours(lambda row: row.comment_gap or None):
            self._align_comments(rows)

    def _neighbours(self, key: Callable[[Row], object]) -> Iterator[list[Row]]:
        """Rows without a blank line between them whose keys, not None, are equal."""
        found: list[Row] = []
        last: object = None
        for row in self._code.rows:
            this = None if row.first == row.last else key(row)
            if row.blank_before or this != last:
                if len(found) > 1:
                    yield found
                found = []
            if this is not None:
                found.append(row)
            last = this
        if len(found) > 1:
            yield found

    def _place(self, row: Row) -> tuple[int, int] | None:
        """What the rows of one table have in common."""
        if row.whole and self._code.kinds[row.first] not in _DEFINITIONS:
            return row.bracket, row.indent
        return None

    def _derivation(self, row: Row) -> str | None:
        kinds = self._code.kinds
        derives = kinds[row.first] == "NET" and kinds[row.first + 2] == "EQUALS"
        return "=" if derives else None

    def _read(self, row: Row) -> None:
        """Find the marks of a row."""
        kinds, words = self._code.kinds, self._code.words
        callees, conditions = self._code.callees, self._code.conditions
        # The brackets that the row has opened, and how many of them are no braces.
        path: list[str] = []
        inside = 0
        cell: list[str] = []
        for at in range(row.first, row.last):
            kind = kinds[at]
            if kind in OPENERS:
                path.append(kind)
                if kind != "LBRACE":
                    inside += 1
                elif not inside:
                    cell.append("{")
            elif kind in CLOSERS:
                if not path:
                    # What came before belongs to a bracket of other rows.
                    row.stops, row.cells, row.keys, cell = [], [], {}, []
                    row.arrow = row.condition = -1
                elif path.pop() != "LBRACE":
                    inside -= 1
                elif not inside:
                    cell.append("}")
            elif inside or at == row.first:
                if at in callees:
                    cell.append(words[at])
            elif kind == "PIPE" and row.condition < 0:
                row.stops.append(at)
                row.cells.append(tuple(cell))
                cell = []
                if not path:
                    row.arrow = -1
            elif at in callees:
                cell.append(words[at])
            elif path or row.condition >= 0:
                continue
            elif at in conditions:
                row.condition = at
            elif kind == "ARROW":
                row.arrow = at
            elif kind == "EQUALS" and row.arrow < 0 and at - 1 > row.first:
                row.keys.setdefault(words[at - 1], at - 1)
        row.cells.append(tuple(cell))

    def _width(self, first: int, last: int) -> int:
        """The columns of tokens up to but not including `last`, without outer gaps."""
        words, gaps = self._code.words, self._gaps
        width = sum(len(words[at]) + gaps[at] for at in range(first, last))
        return width - gaps[first] if first < last else 0

    def _level(
        self, marks: list[int], widths: list[int], limit: int = _WIDEST_PAD
    ) -> list[list[int]]:
        """Bring one token of each row into a column, given the widths before them.

        The result is which rows are in one column now.
        """
        groups: list[list[int]] = []
        for group, column in _columns(marks, widths, limit):
            groups.append(group)
            for at in group:
                self._gaps[marks[at]] += column - widths[at]
        return groups

    def _align_cells(self, rows: list[Row]) -> None:
        """Align `|` from the left, as long as rows call the same layers."""
        column = 0
        tables = [rows]
        while tables:
            narrower: list[list[Row]] = []
            for table in tables:
                for cell, same in groupby(table, partial(_cell, column)):
                    some = list(same)
                    if cell is None or len(some) < 2:
                        continue
                    marks = [row.stops[column] for row in some]
                    begins = [
                        row.stops[column - 1] if column else row.first for row in some
                    ]
                    widths = list(map(self._width, begins, marks))
                    for group in self._level(marks, widths):
                        narrower.append([some[at] for at in group])
            tables = narrower
            column += 1

    def _align_keys(self, rows: list[Row]) -> None:
        """Align the `key=` that neighbouring calls of one layer have in common."""
        for call, same in groupby(rows, self._lone_call):
            some = list(same)
            if call is None or len(some) < 2:
                continue
            keys = [key for key in some[0].keys if all(key in row.keys for row in some)]
            if any(sorted(keys, key=row.keys.__getitem__) != keys for row in some):
                continue
            begins = [row.first for row in some]
            for key in keys:
                marks = [row.keys[key] for row in some]
                widths = list(map(self._width, begins, marks))
                if len(self._level(marks, widths)) > 1:
                    break
                begins = marks

    def _lone_call(self, row: Row) -> tuple[str, bool] | None:
        """What a row calls if that is all that it does, and whether it has a label."""
        kinds = self._code.kinds
        if row.stops or len(row.cells[0]) != 1 or kinds[row.first] == "PIPE":
            return None
        label = row.first + 1
        while kinds[label] == "DOT":
            label += 2
        return row.cells[0][0], kinds[label] == "COLON"

    def _align_ends(self, rows: list[Row], marks: list[int]) -> None:
        """Align a trailing mark; rows between that have none make room for it."""
        ends = [
            next((end for end in (mark, row.condition) if end >= 0), row.last)
            for row, mark in zip(rows, marks, strict=True)
        ]
        widths = [
            self._width(row.first, end) for row, end in zip(rows, ends, strict=True)
        ]
        self._level(marks, widths, _WIDEST_END_PAD)

    def _align_derivations(self, rows: list[Row]) -> None:
        """Align the `=` of `net a = b`."""
        marks = [row.first + 2 for row in rows]
        self._level(marks, [self._width(mark - 2, mark) for mark in marks])

    def _align_comments(self, rows: list[Row]) -> None:
        widths = [row.indent + self._width(row.first, row.last) for row in rows]
        marks = [row.last for row in rows]
        for group, column in _columns(marks, widths, _WIDEST_END_PAD):
            for at in group:
                rows[at].comment_gap += column - widths[at]


def _cell(column: int, row: Row) -> tuple[str, ...] | None:
    """What the cell of a row in this column calls, if it ends in `|`."""
    return row.cells[column] if column < len(row.stops) else None


def _columns(
    marks: list[int], widths: list[int], limit: int
) -> Iterator[tuple[list[int], int]]:
    """Which rows have their marks in one column, and in which, from the top.

    No row needs more than `limit` blanks. A row whose mark is -1 has none; between
    rows that do it only makes room.
    """
    group: list[int] = []
    low = high = between = 0
    for at, (mark, width) in enumerate(zip(marks, widths, strict=True)):
        if mark < 0:
            between = max(between, width)
        else:
            lowest, highest = min(low, width), max(high, between, width)
            if group and highest - lowest > limit:
                yield group, high
                group = []
            if group:
                low, high = lowest, highest
            else:
                low = high = width
            group.append(at)
            between = 0
    if group:
        yield group, high
