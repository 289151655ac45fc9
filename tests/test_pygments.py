"""Specs in documents have the colours that their words deserve."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pygments
import pytest
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
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

from archdsl.editor.analysis import analyse
from archdsl.ops import LAYERS
from archdsl.pygments import ArchLexer
from archdsl.reading import SpecFiles
from archdsl.source import Source
from archdsl.syntax import tables
from archdsl.syntax.parser import lexer

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("archdsl", "examples", "specs", "tests/cases", "tests/fuzz/corpus")
ALL = sorted(p for folder in FOLDERS for p in (ROOT / folder).rglob("*.arch"))
SOUND = [p for p in ALL if p.relative_to(ROOT).parts[0] in ("archdsl", "specs")]

# What each kind of the compiler's lexer may be shown as.
FITTING: dict[str, tuple[_TokenType, ...]] = {
    **dict.fromkeys(("DEFAULT", "USE", "EXTERN", "FROM", "AS"), (Keyword,)),
    **dict.fromkeys(("BLOCK", "NET", "ASSERT", "ORDER", "IF", "ELSE"), (Keyword,)),
    **dict.fromkeys(("TRUE", "FALSE"), (Keyword.Constant,)),
    **dict.fromkeys(("AND", "OR", "NOT"), (Operator.Word,)),
    "FLOAT": (Number.Float,),
    "INT": (Number.Integer, Name.Label),
    "SIZE": (Number,),
    "STRING": (String,),
    "NAME": (Name, Keyword),
    "FLAG": (Name, Operator.Word),
    **dict.fromkeys(("PIPE", "ARROW", "COMPARE", "EQUALS", "POWER"), (Operator,)),
    **dict.fromkeys(("STAR", "DOUBLE_SLASH", "SLASH", "PERCENT"), (Operator,)),
    **dict.fromkeys(("PLUS", "NEGATE", "MINUS"), (Operator,)),
    **dict.fromkeys(("COLON", "COMMA", "DOT", "LBRACE", "RBRACE"), (Punctuation,)),
    **dict.fromkeys(("CALL_LPAR", "LPAR", "RPAR"), (Punctuation,)),
    **dict.fromkeys(("CALL_LSQB", "LSQB", "RSQB"), (Punctuation,)),
}
# And each kind of name, as the compiler understands it.
MEANT: dict[str, tuple[_TokenType, ...]] = {
    "layer": (Name.Builtin,),
    "block": (Name.Class, Name.Function),
    "extern": (Name.Class, Name.Function),
    "net": (Name.Class,),
    "prefix": (Name.Namespace,),
    "parameter": (Name.Variable,),
    "label": (Name.Label, String),
    "function": (Name.Builtin,),
    "total": (Name.Property,),
    "attribute": (Name.Property,),
    "symbol": (Name.Constant, Number),
    "key": (Name.Attribute, Operator.Word),
    "word": (Keyword, Name.Attribute),
    "value": (Name.Builtin.Pseudo,),
}


def shown(text: str) -> list[tuple[int, _TokenType, str]]:
    return list(ArchLexer().get_tokens_unprocessed(text))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_nothing_is_lost() -> None:
    assert len(ALL) > 300
    for path in ALL:
        text = path.read_bytes().decode("utf-8", "replace")
        at = 0
        for start, _, word in shown(text):
            assert start == at, path
            assert word, path
            at += len(word)
        assert "".join(word for _, _, word in shown(text)) == text, path


@pytest.mark.parametrize("path", SOUND, ids=named)
def test_each_word_has_a_fitting_type(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    types = {start: (kind, word) for start, kind, word in shown(text)}
    assert not [word for kind, word in types.values() if kind in Error]
    tokens, found = lexer().tokens(Source("spec", text))
    assert not found
    for kind, start, end in zip(tokens.kinds, tokens.starts, tokens.ends, strict=True):
        if start == end:
            continue
        given, word = types.pop(start)
        assert word == text[start:end]
        assert any(given in fit for fit in FITTING[kind]), f"{kind} {word}: {given}"
    # All others are comments and blanks.
    for given, word in types.values():
        assert given in Comment if word.startswith("#") else given in Whitespace


def test_each_kind_of_word_is_expected() -> None:
    terminals = {
        name for row in tables.load().actions for name in row if name.isupper()
    }
    assert FITTING.keys() == terminals - {"NEWLINE", "$END"}


@pytest.mark.parametrize("path", SOUND, ids=named)
def test_names_are_shown_as_what_they_mean(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    types = {start: (kind, word) for start, kind, word in shown(text)}
    names = analyse(str(path), text, SpecFiles(str(path))).names
    wrong = [
        f"line {text.count(chr(10), 0, name.start) + 1}: {name}, not {given}"
        for name in names
        if name.kind in MEANT and name.start in types
        for given, word in [types[name.start]]
        if word == text[name.start : name.end]
        and not any(given in fit for fit in MEANT[name.kind])
        # A parameter that a call gives stands as a key there.
        and not (name.kind == "parameter" and _is_key(text, name.start, name.end))
    ]
    assert wrong == []


def _is_key(text: str, start: int, end: int) -> bool:
    return text[end : end + 1] == "=" or (
        text[start:end].isalnum() and text[end - 1].isdigit()
    )


def test_layers_are_known_by_their_records() -> None:
    for name in LAYERS:
        (_, kind, word), *_ = shown(name)
        assert (kind, word) == (Name.Builtin, name)
    kinds = {word: kind for _, kind, word in shown("conv 8 3x3 same bias s2 x3")}
    assert kinds["same"] is Keyword.Constant
    assert kinds["bias"] is Name.Attribute
    assert kinds["s2"] is Name.Attribute
    assert kinds["x3"] is Operator.Word


@pytest.mark.parametrize(
    "text", ["", "\n\n", "conv 'a", "net ((((", "}}}", "a: b: c", "é ⌈", "\r\n x\r"]
)
def test_broken_texts_have_colours_too(text: str) -> None:
    assert "".join(word for _, _, word in shown(text)) == text


def test_pygments_finds_it_by_its_entry_point() -> None:
    lexer = get_lexer_by_name("arch", stripnl=False)
    assert type(lexer).__module__ == "archdsl.pygments"
    assert type(get_lexer_by_name("archdsl")) is type(lexer)
    html = pygments.highlight("input 3x8x8 | relu", lexer, HtmlFormatter())
    assert '<span class="nb">relu</span>' in html


def test_the_entry_point_is_the_lexer() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (name, value) = next(iter(project["entry-points"]["pygments.lexers"].items()))
    assert EntryPoint(name, value, "pygments.lexers").load() is ArchLexer


def test_pygments_is_not_needed_to_check() -> None:
    code = (
        "import sys\n"
        "import archdsl\n"
        "assert archdsl.check('input 3x8x8 | relu').ok\n"
        "assert 'pygments' not in sys.modules\n"
        "assert 'archdsl.pygments' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
