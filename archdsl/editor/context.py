"""What could stand at a place of a text that is being written.

Only the lines around the place are read, as words and brackets: the text need not be
understood, and a long one takes no longer.
"""

from __future__ import annotations

import re
from typing import Literal

from archdsl.shapes.arithmetic import FUNCTIONS
from archdsl.tuples import NamedTuple

# So many characters before the place are read at most.
_REACH = 2000

_WORDS = re.compile(
    r"""(?P<comment>\#[^\n]*)|(?P<string>"[^"\n]*"?)|(?P<break>\n)
    |(?P<word>[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*\.?)|(?P<arrow>->)
    |(?P<compare>==|!=|<=|>=|<|>)|(?P<sign>\S)""",
    re.VERBOSE,
)
_BEGINS = re.compile(r"^(?:net|block|extern|default|use)\b", re.MULTILINE)
_LEADS_ON = frozenset(("|", "->", ",", "=", ":", "if", "else", "and", "or", "not"))

Expected = Literal[
    "top",  # a definition, or the first stage of a bare pipeline
    "stage",  # a layer, block or label
    "line",  # the same at the beginning of a line, or `assert`
    "argument",  # of the call of `callee`
    "value",  # of the argument `key` of `callee`
    "label",  # behind `share`, `tie` and `order`
    "attribute",  # of the value `callee`
    "expression",  # in a condition; `callee` is "assert" in an assertion
    "default",  # a layer, behind `default`
    "net",  # the base of a derived net
    "path",  # of a used file
    "nothing",  # a name to be thought of, or a comment
]


class Context(NamedTuple):
    """What is expected, and the stretch that is written of it so far.

    `given` are the keys and words that the call has already.
    """

    expected: Expected
    start: int
    end: int
    callee: str = ""
    key: str = ""
    given: frozenset[str] = frozenset()

    def written(self, text: str) -> str:
        """What is written so far."""
        return text[self.start : self.end]


class _Open:
    """What is read of an open bracket: its words since the last stage began."""

    __slots__ = ("bracket", "words")

    def __init__(self, bracket: str) -> None:
        self.bracket = bracket
        self.words: list[str] = []


def context(text: str, offset: int) -> Context:
    """What is expected at an offset."""
    begin = max(0, offset - _REACH)
    cut = begin > 0
    for match in _BEGINS.finditer(text, begin, offset):
        # The last definition that begins on its own.
        begin, cut = match.start(), False
    if cut:
        begin = text.find("\n", begin, offset) + 1 or offset
    opened = [_Open("{" if cut else "")]
    last_kind, last_start, last_end = "", offset, offset
    ended = False
    for match in _WORDS.finditer(text, begin, offset):
        kind = match.lastgroup or ""
        word = match.group()
        if kind == "comment":
            last_kind, last_start, last_end = kind, match.start(), match.end()
            continue
        if kind == "break":
            top = opened[-1]
            ended = top.bracket in ("", "{") and not _goes_on(top.words)
            last_kind, last_start, last_end = kind, match.start(), match.end()
            continue
        if ended:
            if word not in ("|", "->", "if", "else", "and", "or"):
                opened[-1].words.clear()
            ended = False
        _read(opened, word, kind, text[match.start() - 1 : match.start()])
        last_kind, last_start, last_end = kind, match.start(), match.end()
    if ended:
        opened[-1].words.clear()
    return _expected(opened, last_kind, last_start, last_end, text, offset)


def _goes_on(words: list[str]) -> bool:
    return bool(words) and words[-1] in _LEADS_ON


def _read(opened: list[_Open], word: str, kind: str, before: str) -> None:
    top = opened[-1]
    if kind == "sign" and word in "{([":
        touching = word == "(" and (before.isalnum() or before == "_")
        if touching and top.words and top.words[-1] in FUNCTIONS:
            touching = False
        top.words.append(word)
        opened.append(_Open("call" if touching else word))
    elif kind == "sign" and word in "})]":
        if len(opened) > 1:
            opened.pop()
        opened[-1].words.append(word)
    elif word == "|" or (word == "," and top.bracket == "call"):
        top.words[:] = [word]
    else:
        top.words.append(word)


def _expected(
    opened: list[_Open],
    kind: str,
    start: int,
    end: int,
    text: str,
    offset: int,
) -> Context:
    words = list(opened[-1].words)
    if kind == "comment" and end == offset:
        return Context("nothing", offset, offset)
    if (
        kind == "string"
        and end == offset
        and (end - start == 1 or text[end - 1] != '"')
    ):
        if words[:1] == ["use"]:
            return Context("path", start + 1, offset)
        return Context("nothing", offset, offset)
    if kind != "word" or end != offset:
        start = offset
    elif words:
        written = words.pop()
        base, dot, name = written.rpartition(".")
        if dot:
            return Context("attribute", offset - len(name), offset, base)
    bracket = opened[-1].bracket
    if bracket in ("(", "["):
        return _within_an_expression(opened, words, start, offset)
    return _among(words, bracket, start, offset)


def _within_an_expression(
    opened: list[_Open], words: list[str], start: int, offset: int
) -> Context:
    """In parentheses or a list: perhaps the value of an argument."""
    for outer in reversed(opened[:-1]):
        if outer.bracket in ("(", "["):
            continue
        known = [word for word in outer.words if word not in ("(", "[")]
        found = _among(known, outer.bracket, start, offset)
        if found.expected == "value":
            return found
        if found.expected == "expression":
            return found
        break
    return Context("expression", start, offset)


def _among(words: list[str], bracket: str, start: int, offset: int) -> Context:
    """What follows the words of a stage."""
    first = words[0] if words else ""
    if first in ("|", ","):
        words, first = words[1:], "|"
    if bracket == "" and first != "|":
        return _definition(words, start, offset)
    if first == "order":
        return Context("label", start, offset, first)
    if "assert" in words[:1]:
        return Context("expression", start, offset, "assert")
    for at in range(len(words) - 1, -1, -1):
        if words[at] == "if":
            return Context("expression", start, offset)
        if words[at] == "else":
            words = words[at + 1 :]
            first = "else"
            break
        if words[at] == "->":
            return Context("expression", start, offset, "->")
    while len(words) > 1 and words[1] == ":":
        words = words[2:]
        first = "label"
    if not words:
        begins = not first and bracket in ("", "{")
        return Context("line" if begins else "stage", start, offset)
    return _call(words, start, offset)


def _call(words: list[str], start: int, offset: int) -> Context:
    callee = words[0]
    if callee == "}":
        # A group takes copies alone.
        callee = "{}"
    if callee in ("share", "tie"):
        return Context("label", start, offset, callee)
    given = frozenset(words[1:])
    if words[-1] == "=" and len(words) > 1:
        return Context("value", start, offset, callee, words[-2], given)
    return Context("argument", start, offset, callee, "", given)


def _definition(words: list[str], start: int, offset: int) -> Context:
    """Outside of all braces."""
    first = words[0] if words else ""
    if not words:
        return Context("top", start, offset)
    if first == "default":
        if len(words) == 1:
            return Context("default", start, offset)
        return _call(words[1:], start, offset)
    if first == "net" and "=" in words:
        if len(words) == 3:
            return Context("net", start, offset)
        if words[2:3] == ["="]:
            return _call(words[3:], start, offset)
    if first in ("net", "block", "extern"):
        if words[-1] == "=":
            return Context("value", start, offset, first, words[-2])
        if "->" in words or "from" in words:
            return Context("expression", start, offset)
        return Context("nothing", start, offset)
    if first == "use":
        return Context("nothing", start, offset)
    # A bare pipeline.
    return _among(words, "{", start, offset)
