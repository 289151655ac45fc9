"""The colours of specs in documents: a lexer for Pygments, found by its entry point.

The compiler's own lexer finds the words. What a word is follows from its place, which
is read from the words before it: a piece of a spec, or a broken one, has colours too.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar, NamedTuple

from pygments.lexer import Lexer
from pygments.token import (
    Comment,
    Error,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
    _TokenType,
)

from archdsl.elaborate.words import (
    BLOCK_INPUT,
    CURRENT,
    DTYPES,
    INDEX,
    INPUT_STAGE,
    SHARE,
    SPECIAL,
    TIE,
    TOTALS,
    TRAINING,
    is_symbol,
    place,
)
from archdsl.ops import LAYERS
from archdsl.reading import standard_names
from archdsl.shapes.arithmetic import FUNCTIONS, OF_LISTS
from archdsl.shapes.tensor import AXIS_NAMES
from archdsl.syntax.lexer import CLOSERS, CONTINUES, LEADS_ON, OPENERS
from archdsl.syntax.parser import lexer

# What stands for a value.
_PSEUDO = frozenset((CURRENT, BLOCK_INPUT, INDEX, TRAINING))
_STAGE_WORDS = frozenset((INPUT_STAGE, *SPECIAL))
_OF_LABELS = frozenset((SHARE, TIE))
_FUNCTIONS = frozenset((*FUNCTIONS, *OF_LISTS))

_ALWAYS: dict[str, _TokenType] = {
    **dict.fromkeys(("DEFAULT", "EXTERN", "BLOCK", "NET"), Keyword.Declaration),
    **dict.fromkeys(("USE", "FROM", "AS"), Keyword.Namespace),
    **dict.fromkeys(("ASSERT", "ORDER", "IF", "ELSE"), Keyword),
    **dict.fromkeys(("AND", "OR", "NOT"), Operator.Word),
    **dict.fromkeys(("TRUE", "FALSE"), Keyword.Constant),
    "FLOAT": Number.Float,
    "INT": Number.Integer,
    "SIZE": Number,
    "STRING": String.Double,
    **dict.fromkeys(
        (
            *("PIPE", "ARROW", "COMPARE", "EQUALS", "POWER", "STAR", "SLASH"),
            *("DOUBLE_SLASH", "PERCENT", "PLUS", "MINUS", "NEGATE"),
        ),
        Operator,
    ),
    **dict.fromkeys(
        (
            *("COLON", "COMMA", "DOT", "LBRACE", "RBRACE", "CALL_LPAR", "LPAR"),
            *("RPAR", "CALL_LSQB", "LSQB", "RSQB"),
        ),
        Punctuation,
    ),
    "COMMENT": Comment.Single,
    "BREAK": Whitespace,
    "BAD": Error,
}
_UNREAD = frozenset(("BREAK", "COMMENT", "BAD"))


class _Word(NamedTuple):
    kind: str
    start: int
    end: int


class ArchLexer(Lexer):  # type: ignore[misc]  # Pygments has no types
    """Specs of archdsl, whole or in part."""

    name = "archdsl"
    aliases: ClassVar[list[str]] = ["arch", "archdsl"]
    filenames: ClassVar[list[str]] = ["*.arch"]
    mimetypes: ClassVar[list[str]] = ["text/x-arch"]

    def get_tokens_unprocessed(
        self, text: str
    ) -> Iterator[tuple[int, _TokenType, str]]:
        """Each word of the text with its place and type; blanks are words as well."""
        words = [_Word(*word) for word in lexer().words(text)]
        reader = _Reader(text, [w for w in words if w.kind not in _UNREAD])
        last = 0
        for word in words:
            if word.start > last:
                yield last, Whitespace, text[last : word.start]
            if word.kind in _UNREAD:
                kind = _ALWAYS[word.kind]
                reader.ended |= word.kind == "BREAK"
            else:
                kind = reader.next()
            yield word.start, kind, text[word.start : word.end]
            last = word.end
        if last < len(text):
            yield last, Whitespace, text[last:]


class _Reader:
    """What is known at a word from those before it; `ended` is set at a line's end.

    A bracket is `{`, or `(` around the inputs of a call, or `[` around values. With it
    stands the layer or block whose arguments go on behind it.
    """

    def __init__(self, text: str, words: list[_Word]) -> None:
        self.ended = False
        self._text = text
        self._words = words
        self._at = -1
        self._brackets: list[tuple[str, str]] = []
        # Whether a stage begins here, or has begun with the word before.
        self._stage = True
        self._called = False
        # The word that the line began with, as long as it says what the names are.
        self._head = ""
        self._callee = ""
        self._labels: set[str] = set()
        self._parameters: set[str] = set()
        # The same of each net, for those derived from it.
        self._nets: dict[str, tuple[set[str], set[str]]] = {}
        self._blocks = {
            *standard_names(),
            *(
                text[word.start : word.end]
                for before, word in pairwise(words)
                if before.kind in ("BLOCK", "EXTERN")
            ),
        }

    def next(self) -> _TokenType:
        """The type of the next word."""
        self._at += 1
        word = self._words[self._at]
        if self.ended:
            self.ended = False
            joined = self._kind(-1) in LEADS_ON or word.kind in CONTINUES
            if self._inner == "{" and not joined:
                self._stage, self._head, self._callee = True, "", ""
        if word.kind in ("NAME", "FLAG"):
            kind, stage, called = self._name(self._text[word.start : word.end])
            self._stage, self._called = stage, called
            return kind
        self._stage, self._called = self._sign(word.kind), False
        if word.kind == "INT" and self._is_label():
            return Name.Label
        return _ALWAYS[word.kind]

    @property
    def _inner(self) -> str:
        return self._brackets[-1][0] if self._brackets else "{"

    def _kind(self, step: int) -> str:
        at = self._at + step
        return self._words[at].kind if 0 <= at < len(self._words) else ""

    def _is_label(self) -> bool:
        """Whether a colon follows that names a stage, perhaps behind `.norm1`."""
        step = 1
        while self._kind(step) == "DOT" and self._kind(step + 1) in ("NAME", "FLAG"):
            step += 2
        return self._kind(step) == "COLON" and self._inner != "["

    def _sign(self, kind: str) -> bool:
        """Read a word that is no name; tell whether a stage may begin behind it."""
        if kind in OPENERS:
            bracket = "{" if kind == "LBRACE" else "["
            if kind == "CALL_LPAR" and self._called:
                bracket = "("
            elif bracket == "[" and self._kind(-2) in ("BLOCK", "EXTERN"):
                bracket = "head"
            self._brackets.append((bracket, "" if bracket == "{" else self._callee))
            if bracket == "{":
                self._head = ""
            return bracket in ("{", "(")
        if kind in CLOSERS:
            if self._brackets:
                self._callee = self._brackets.pop()[1]
            return False
        if kind in ("PIPE", "ELSE", "COMMA"):
            if self._inner == "[":
                return False
            self._callee = ""
            return True
        if kind == "COLON":
            return self._inner != "[" and self._callee != INPUT_STAGE
        if kind == "EQUALS":
            if self._head == "NET" and self._kind(-2) == "NET":
                self._head = "FAMILY"
            # Behind the name of an input stands a stage, behind a key a value.
            return self._stage
        if kind in ("ORDER", "ASSERT"):
            self._head, self._callee = kind, ""
        if kind in ("DEFAULT", "NET", "BLOCK", "EXTERN", "USE"):
            self._head, self._callee = kind, ""
            self._labels, self._parameters = set(), set()
        if kind == "ARROW":
            self._callee = ""
        return kind == "DEFAULT"

    def _name(self, name: str) -> tuple[_TokenType, bool, bool]:
        """The type of a name; whether a stage may begin behind it, or has with it."""
        before = self._kind(-1)
        if before in ("NET", "BLOCK", "EXTERN"):
            if before == "NET":
                self._nets[name] = self._parameters, self._labels
            return Name.Class, False, False
        if before == "AS":
            return Name.Namespace, False, False
        if self._head == "FAMILY" and before == "EQUALS" and self._kind(-3) == "NET":
            parameters, labels = self._nets.get(name, (set(), set()))
            self._parameters |= parameters
            self._labels |= labels
            return Name.Class, False, False
        if before != "DOT" and self._is_label():
            self._labels.add(name)
            return Name.Label, False, False
        if before == "DOT":
            if self._is_label():
                return Name.Label, False, False
            # Of a callee, `b.unit`, or of a value, `in.c`.
            return (
                (Name.Function if self._called else Name.Property),
                False,
                self._called,
            )
        if self._kind(1) == "EQUALS":
            if self._head in ("NET", "BLOCK", "EXTERN"):
                self._parameters.add(name)
                return Name.Variable, False, False
            return Name.Attribute, self._stage, False
        if self._stage:
            self._callee = name
            return self._called_name(name), False, True
        return self._value(name, before), False, False

    def _called_name(self, name: str) -> _TokenType:
        if name in _STAGE_WORDS:
            return Keyword
        if name in (CURRENT, BLOCK_INPUT):
            return Name.Builtin.Pseudo
        if name in self._parameters:
            return Name.Variable
        if name in LAYERS:
            return Name.Builtin
        if name in self._labels and name not in self._blocks:
            return Name.Label
        return Name.Namespace if self._kind(1) == "DOT" else Name.Function

    def _value(self, name: str, before: str) -> _TokenType:
        """A name among arguments, in a formula or in the head of a definition."""
        heads = self._head in ("NET", "BLOCK", "EXTERN") and self._inner != "["
        if heads and before != "EQUALS" and not is_symbol(name):
            self._parameters.add(name)
            return Name.Variable
        if self._head == "ORDER" or self._callee in _OF_LABELS:
            return Name.Label
        if self._kind(0) == "FLAG":
            return Operator.Word if name[0] == "x" else Name.Attribute
        if name in _FUNCTIONS and self._kind(1) == "CALL_LPAR":
            return Name.Builtin
        if name in self._labels and self._kind(1) == "DOT":
            return Name.Label
        layer = LAYERS.get(self._callee)
        arguments = layer.args if layer else ()
        key = self._text[slice(*self._words[self._at - 2][1:])]
        if any(
            name in argument.type.words
            or (argument.type.kind == "axis" and name in AXIS_NAMES)
            for argument in arguments
            if (argument.name == key if before == "EQUALS" else not argument.keyed)
        ):
            return Keyword.Constant
        if name in self._parameters:
            return Name.Variable
        if name in _PSEUDO or place(name) is not None:
            return Name.Builtin.Pseudo
        if self._head == "ASSERT" and name in TOTALS:
            return Name.Property
        if name in DTYPES and self._callee == INPUT_STAGE:
            return Keyword.Type
        if is_symbol(name):
            return Name.Constant
        if any(name == argument.name for argument in arguments):
            return Name.Attribute
        if name in LAYERS:
            return Name.Builtin
        return Name.Function if name in self._blocks else Name
