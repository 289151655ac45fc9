"""Text to tokens.

One regular expression finds them. What it cannot know, this module adds: inside `{}`
(and at the top) a line end means "then" and becomes NEWLINE; inside `()` and `[]` it
is a space; and next to a token that leads on, such as `|`, it is a space too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from archdsl.diagnostics import Diagnostic, Edit, Fix, Hint, Note
from archdsl.limits import MAX_FINDINGS
from archdsl.source import Source, Span
from archdsl.syntax.build import Tokens
from archdsl.syntax.tables import Tables

_CLOSED_BY = {"{": "}", "(": ")", "[": "]"}

# After the first of these, and before the second, a line end leads on.
LEADS_ON = frozenset(
    (
        *("PIPE", "ARROW", "COLON", "COMMA", "EQUALS", "COMPARE", "POWER", "STAR"),
        *("DOUBLE_SLASH", "SLASH", "PERCENT", "PLUS", "MINUS", "NEGATE", "DOT"),
        *("IF", "ELSE", "AND", "OR", "NOT", "ASSERT", "LBRACE", "FROM", "AS"),
    )
)
CONTINUES = frozenset(
    ("PIPE", "ARROW", "IF", "ELSE", "AND", "OR", "COMMA", "RBRACE", "FROM", "AS")
)

OPENERS = frozenset(("LBRACE", "LPAR", "CALL_LPAR", "LSQB", "CALL_LSQB"))
CLOSERS = frozenset(("RBRACE", "RPAR", "RSQB"))
_BRACKETS = OPENERS | CLOSERS
_NO_TOKENS = frozenset(("BREAK", "COMMENT", "END", "BAD"))

# A bracket that touches one of these words begins an expression: `if not(a or b)`.
_CALLS = {"CALL_LPAR": "LPAR", "CALL_LSQB": "LSQB"}
_OPERATORS = frozenset(("ASSERT", "IF", "ELSE", "AND", "OR", "NOT"))

# Strings without an end or in other quotes and words that begin as a number are one
# mistake each, and so is a run of letters that are not ASCII.
_BAD = (
    r'"[^\n]*'
    r"|(?P<QUOTE>['`])[^'`\n]*(?P=QUOTE)|[\u2018\u201c][^\u2019\u201d\n]*[\u2019\u201d]?"
    r"|\d\w*|[^\x00-\x7f](?:[^\x00-\x7f]|\w)*|."
)

# So much of a long word is quoted.
_QUOTED = 40
# Strings that have no end may hold brackets.
_OPENS = ('"', "\u2018", "\u201c")

# A name that is longer than `most`.
_LONG = r"(?<![A-Za-z0-9_])[A-Za-z0-9_]{{{}}}"

_QUOTES = "'`\u2018\u2019\u201c\u201d"

_INSTEAD = {
    "×": "write `x` between sizes: `3x3`",
    "&": "write `and`",
    "!": "write `not`",
    ";": "stages are joined by `|` or a new line",
    "\u2192": "write `->`",
    "\u2212": "write `-`",
    "\u2013": "write `-`",
    "\xa0": "replace this no-break space by a space",
    **dict.fromkeys(_QUOTES, 'strings stand in double quotes: `"…"`'),
}
# Those that mean the same as another sign, wherever they stand.
_SIGNS = {"×": "x", "\u2192": "->", "\u2212": "-", "\u2013": "-", "\xa0": " "}


class Lexer:
    """A compiled lexer; `tokens` may be called any number of times."""

    def __init__(self, tables: Tables) -> None:
        # Blanks are part of what stands behind them, if it is the end of the text.
        blanks, end = r"[^\S\n]*+", r"(?P<END>\Z)"
        skipped = rf"(?P<BREAK>\n\s*)|(?P<COMMENT>#[^\n]*)|{end}"
        # Letters, digits and blanks outside of strings and comments are ASCII.
        self._match = re.compile(
            f"{blanks}(?:{tables.lexer}|{skipped}|(?P<BAD>{_BAD}))", re.ASCII
        ).finditer
        self._keywords = tables.keywords

    def words(self, text: str) -> Iterator[tuple[str, int, int]]:
        """All words of a text, for showing it: kind, start and end, whatever they are.

        Line ends are BREAK, comments COMMENT, and what has no meaning is BAD.
        """
        for match in self._match(text):
            kind = match.lastgroup
            assert kind is not None
            start, end = match.span(kind)
            if kind == "NAME":
                kind = self._keywords.get(text[start:end], kind)
            if kind != "END":
                yield kind, start, end

    def tokens(self, source: Source) -> tuple[Tokens, list[Diagnostic]]:
        """The tokens of a text, ended by `$END`, and what was wrong with it."""
        kinds: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        found: list[Diagnostic] = []
        keywords = self._keywords
        opened: list[int] = []
        line_end = -1
        text = source.text
        limits = source.limits
        most = limits.tokens
        for match in self._match(text):
            kind = match.lastgroup
            if kind is None or kind in _NO_TOKENS:
                if kind == "BREAK" and line_end < 0:
                    line_end = match.start()
                elif kind == "BAD":
                    found.append(_bad(source, *match.span(kind)))
                    if len(found) == MAX_FINDINGS:
                        break
                continue
            start, end = match.span(kind)
            if kind == "NAME":
                kind = keywords.get(text[start:end], kind)
            if line_end >= 0:
                if (
                    kinds
                    and kinds[-1] not in LEADS_ON
                    and kind not in CONTINUES
                    and (not opened or kinds[opened[-1]] == "LBRACE")
                ):
                    kinds.append("NEWLINE")
                    starts.append(line_end)
                    ends.append(line_end)
                line_end = -1
            if kind in _BRACKETS:
                if kind in CLOSERS:
                    problem = _unmatched(source, starts, opened, start)
                    if problem:
                        found.append(problem)
                        break
                    opened.pop()
                else:
                    if kind in _CALLS and kinds and kinds[-1] in _OPERATORS:
                        kind = _CALLS[kind]
                    opened.append(len(kinds))
                    if len(opened) > limits.nesting:
                        found.append(_nested(source, start, end))
                        break
            if len(kinds) >= most:
                found.append(
                    Diagnostic(
                        "E0704",
                        f"there are more than {limits.tokens:,} words and signs",
                        Span(source, start, end),
                        hints=("what repeats is written once: `{…} x1000`",),
                    )
                )
                break
            kinds.append(kind)
            starts.append(start)
            ends.append(end)
        else:
            found += _long_names(source, kinds, starts, ends)
            if opened and not _cut_short(found):
                at = starts[opened[-1]]
                bracket = text[at]
                found.append(
                    Diagnostic(
                        "E0103",
                        f"this `{bracket}` is never closed",
                        Span(source, at, at + 1),
                        hints=(f"add the `{_CLOSED_BY[bracket]}` that belongs to it",),
                    )
                )
        kinds.append("$END")
        starts.append(len(text))
        ends.append(len(text))
        return Tokens(text, kinds, starts, ends), found


def _long_names(
    source: Source, kinds: list[str], starts: list[int], ends: list[int]
) -> Iterator[Diagnostic]:
    """A finding for each name that is too long; it is only sought where one may be."""
    most = source.limits.identifier
    if not re.search(_LONG.format(most + 1), source.text):
        return
    for kind, start, end in zip(kinds, starts, ends, strict=True):
        if end - start > most and kind in ("NAME", "FLAG"):
            name = source.text[start:end]
            yield Diagnostic(
                "E0706",
                f"the name `{name[:_QUOTED]}…` has {end - start:,} characters;"
                f" {most} are the most",
                Span(source, start, end),
                hints=("choose a shorter name",),
            )


def _cut_short(found: list[Diagnostic]) -> bool:
    """Whether a string without an end took away what may have been brackets."""
    return any(
        d.span is not None and d.span.source.text[d.span.start] in _OPENS for d in found
    )


def _nested(source: Source, start: int, end: int) -> Diagnostic:
    return Diagnostic(
        "E0703",
        f"brackets are nested more than {source.limits.nesting} deep",
        Span(source, start, end),
        hints=("give the inner part a name with `block`",),
    )


def _unmatched(
    source: Source, starts: list[int], opened: list[int], start: int
) -> Diagnostic | None:
    text, end = source.text, start + 1
    bracket = text[start]
    if not opened:
        return Diagnostic(
            "E0103",
            f"this `{bracket}` closes nothing",
            Span(source, start, end),
            hints=(
                Hint(
                    f"remove the `{bracket}`, or open it before",
                    Fix(f"remove `{bracket}`", (Edit(Span(source, start, end), ""),)),
                ),
            ),
        )
    opener = text[starts[opened[-1]]]
    if _CLOSED_BY[opener] == bracket:
        return None
    at = starts[opened[-1]]
    return Diagnostic(
        "E0103",
        f"`{bracket}` cannot close `{opener}`",
        Span(source, start, end),
        label=f"`{_CLOSED_BY[opener]}` is expected here",
        related=(Note(Span(source, at, at + 1), "opened here"),),
    )


def _bad(source: Source, start: int, end: int) -> Diagnostic:
    text = source.text[start:end]
    character = text[0]
    if character == '"':
        end = start + len(text.rstrip("\r"))
        return Diagnostic(
            "E0101",
            "this string does not end on its line",
            Span(source, start, end),
            hints=(Hint.writing('close it with `"`', Span(source, end, end), '"'),),
        )
    if character.isdigit() and character.isascii():
        return Diagnostic(
            "E0101",
            f"`{_quoted(text)}` is neither a number, a size nor a name",
            Span(source, start, end),
            hints=_number_hint(text, Span(source, start, end)),
        )
    hints: tuple[str, ...] = ()
    if character in _SIGNS:
        at = Span(source, start, start + 1)
        hints = (Hint.writing(_INSTEAD[character], at, _SIGNS[character]),)
    elif character in _QUOTES and text[-1] in _QUOTES and len(text) > 1:
        quoted = f'"{text[1:-1]}"'
        hints = (Hint.writing(_INSTEAD[character], Span(source, start, end), quoted),)
    elif character in _INSTEAD:
        hints = (_INSTEAD[character],)
    elif character.isalpha():
        hints = ("names are made of the letters a to z, digits and `_`",)
    return Diagnostic(
        "E0101",
        f"the character `{character}` has no meaning here",
        Span(source, start, start + 1),
        hints=hints,
    )


def _quoted(text: str) -> str:
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"


def _number_hint(text: str, at: Span) -> tuple[str, ...]:
    lower = text.lower()
    if lower != text and re.fullmatch(r"\d+(x\d+)+", lower):
        return (Hint.writing(f"the x of a size is small: `{lower}`", at, lower),)
    if re.fullmatch(r"\d+[a-wyz_]\w*", lower):
        return ("a name begins with a letter",)
    return ("a size is numbers joined by x: `96x11x11`",)
