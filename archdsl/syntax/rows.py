"""What the formatter works on: tokens, put into the rows that the author wrote."""

from __future__ import annotations

from archdsl.syntax.build import Tokens

# White space is ASCII, as in the lexer; anything else in a comment is its text.
_BLANKS = " \t\r\f\v"


class Row:
    """A line of the text: some tokens, perhaps a comment."""

    __slots__ = (
        "arrow",
        "blank_before",
        "bracket",
        "cells",
        "comment",
        "comment_gap",
        "condition",
        "first",
        "indent",
        "keys",
        "last",
        "stops",
        "whole",
    )

    def __init__(self, first: int, last: int, comment: str, blank_before: bool) -> None:
        # Tokens from `first` up to but not including `last`.
        self.first = first
        self.last = last
        self.comment = comment
        self.comment_gap = 0
        self.blank_before = blank_before
        self.indent = 0
        # The innermost bracket that is open where the row begins, or -1.
        self.bracket = -1
        # Every bracket in the row is opened and closed there.
        self.whole = False
        # The rest is about rows of tables: the `|` that end cells, and what each
        # cell calls; the `key=` of a lone call; the trailing `->` and `if`, or -1.
        self.stops: list[int] = []
        self.cells: list[tuple[str, ...]] = []
        self.keys: dict[str, int] = {}
        self.arrow = -1
        self.condition = -1


class Code:
    """The tokens, without NEWLINE but with `$END`, and how the author set them."""

    __slots__ = (
        "apart",
        "callees",
        "conditions",
        "fresh",
        "gaps",
        "kinds",
        "rows",
        "words",
    )

    def __init__(self, tokens: Tokens) -> None:
        text = tokens.text
        self.kinds: list[str] = []
        self.words: list[str] = []
        # Whether there was anything between a token and the one before it.
        self.apart: list[bool] = []
        # The tokens that begin a line of the language, and not only of the text.
        self.fresh: set[int] = {0}
        self.rows: list[Row] = []
        # The formatter fills these: the blanks before each token, the tokens that
        # name what a stage calls, and the `if` of lines.
        self.gaps: list[int] = []
        self.callees: set[int] = set()
        self.conditions: set[int] = set()
        end = 0
        blank = False
        for kind, start, stop in zip(
            tokens.kinds, tokens.starts, tokens.ends, strict=True
        ):
            at = len(self.kinds)
            if kind == "NEWLINE":
                self.fresh.add(at)
                continue
            self.kinds.append(kind)
            self.words.append(text[start:stop])
            self.apart.append(start > end)
            blank = self._add(text[end:start], kind, blank)
            end = stop

    def _add(self, between: str, kind: str, blank: bool) -> bool:
        """Put the newest token and what stands before it into rows.

        `blank` and the result tell whether the text so far ends in a blank line.
        """
        at = len(self.kinds) - 1
        comments = [line.strip(_BLANKS) for line in between.split("\n")]
        if at:
            row = self.rows[-1]
            row.comment = comments.pop(0)
            if not comments:
                row.last = at + (kind != "$END")
                return False
        if kind != "$END":
            # The blanks before the token on its own line.
            comments.pop()
        for comment in comments:
            if comment:
                self.rows.append(Row(at, at, comment, blank))
            blank = not comment
        if kind != "$END":
            self.rows.append(Row(at, at + 1, "", blank))
            blank = False
        return blank
