"""What kind of word each word is, for editors that colour by meaning."""

from __future__ import annotations

import re
from collections.abc import Iterable

from archdsl.editor.document import Document
from archdsl.editor.occurrences import Occurrence
from archdsl.syntax.build import Tokens
from archdsl.tuples import NamedTuple

# The kinds of the protocol that are used.
KINDS = (
    *("keyword", "function", "class", "namespace", "parameter", "variable", "property"),
    *("number", "string", "comment", "operator", "enumMember", "type", "macro"),
)
MODIFIERS = ("declaration", "defaultLibrary", "readonly")

_KEYWORDS = frozenset(
    (
        *("DEFAULT", "USE", "EXTERN", "FROM", "AS", "BLOCK", "NET", "ASSERT", "ORDER"),
        *("IF", "ELSE", "AND", "OR", "NOT"),
    )
)
_PLAIN = {
    **dict.fromkeys(("INT", "FLOAT", "SIZE"), "number"),
    **dict.fromkeys(("TRUE", "FALSE"), "enumMember"),
    "STRING": "string",
    **dict.fromkeys(_KEYWORDS, "keyword"),
    **dict.fromkeys(
        (
            *("PIPE", "ARROW", "COMPARE", "EQUALS", "POWER", "STAR", "SLASH"),
            *("DOUBLE_SLASH", "PERCENT", "PLUS", "MINUS", "NEGATE"),
        ),
        "operator",
    ),
}
_NAMED = {
    "layer": "function",
    "block": "class",
    "extern": "class",
    "net": "class",
    "prefix": "namespace",
    "parameter": "parameter",
    "input": "parameter",
    "label": "variable",
    "symbol": "type",
    "value": "keyword",
    "word": "enumMember",
    "key": "property",
    "function": "macro",
    "attribute": "property",
    "total": "property",
    "file": "string",
}
_LINE_WORDS = frozenset(("input", "output", "share", "tie"))


class Word(NamedTuple):
    """A word with its kind and modifiers, which are names of the protocol."""

    start: int
    end: int
    kind: str
    modifiers: tuple[str, ...] = ()


def words(document: Document) -> list[Word]:
    """The words of the text as it was last looked at, as far as they are unchanged."""
    view = document.last
    if view is None:
        return []
    known = view.analysis.words
    if not view.moved.stretches():
        return list(known)
    moved: list[Word] = []
    last = 0
    for word in known:
        now = view.moved.forth(word.start)
        if now is None or now < last or view.moved.touches(word.start, word.end):
            continue
        last = now + word.end - word.start
        moved.append(word._replace(start=now, end=last))
    return moved


def words_of(
    text: str, tokens: Tokens, names: Iterable[Occurrence]
) -> tuple[Word, ...]:
    """The words of a text, in order; none stands in another."""
    found: dict[int, Word] = {}
    end_before = 0
    for kind, start, end in zip(tokens.kinds, tokens.starts, tokens.ends, strict=True):
        _comments(text, end_before, start, found)
        end_before = max(end_before, end)
        shown = _PLAIN.get(kind)
        if shown is not None and start < end:
            found[start] = Word(start, end, shown)
        elif kind == "FLAG":
            found[start] = Word(start, end, "property")
    for name in names:
        shown = _NAMED[name.kind]
        if name.kind == "word" and name.name in _LINE_WORDS:
            shown = "keyword"
        modifiers = ("declaration",) if name.defines else ()
        if name.kind == "layer" or (name.target and "/std/" in name.target.file):
            modifiers = ("defaultLibrary",)
        # In a size a symbol stands among numbers.
        held = found.get(name.start)
        if held is None or held.end <= name.end:
            found[name.start] = Word(name.start, name.end, shown, modifiers)
    apart: list[Word] = []
    for word in sorted(found.values()):
        # A label stands within its quotes.
        if not apart or apart[-1].end <= word.start:
            apart.append(word)
    return tuple(apart)


_COMMENT = re.compile(r"#[^\n]*")


def _comments(text: str, start: int, end: int, found: dict[int, Word]) -> None:
    if end - start < 1 or "#" not in text[start:end]:
        return
    for match in _COMMENT.finditer(text, start, end):
        stop = match.start() + len(match.group().rstrip("\r"))
        found[match.start()] = Word(match.start(), stop, "comment")
