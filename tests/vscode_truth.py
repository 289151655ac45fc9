"""What each word of the repository's specs is, for the grammar of editors.

Kinds come from the compiler's own lexer, and the meaning of names from its tables of
names. The grammar of TextMate reads a line at a time and knows no definitions: where
only these tell what a name is, any scope of names fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from archdsl.diagnostics.codes import CODES, COMMAND
from archdsl.editor.analysis import Analysis, analyse
from archdsl.editor.colours import words_of
from archdsl.ops import LAYERS
from archdsl.reading import SpecFiles
from archdsl.source import Source
from archdsl.syntax.parser import lexer

ROOT = Path(__file__).resolve().parent.parent

_NAMES = ("variable", "entity", "support", "keyword.other.stage")
_OPERATOR = "keyword.operator"
# By kind of token. Names are told apart by their meaning.
KINDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("NET", "BLOCK", "EXTERN"), ("storage.type",)),
    **dict.fromkeys(("USE", "FROM", "AS"), ("keyword.control.import",)),
    **dict.fromkeys(("IF", "ELSE"), ("keyword.control.conditional",)),
    **dict.fromkeys(("AND", "OR", "NOT"), (f"{_OPERATOR}.logical",)),
    **dict.fromkeys(("TRUE", "FALSE"), ("constant.language.boolean",)),
    "ASSERT": ("keyword.other.assert",),
    "ORDER": ("keyword.other.order",),
    "DEFAULT": ("keyword.other",),
    # A number may be a label, too.
    "INT": ("constant.numeric.integer", "entity.name.label"),
    "FLOAT": ("constant.numeric.float",),
    "SIZE": ("constant.numeric.size",),
    "STRING": ("string.quoted.double", "entity.name.label"),
    "FLAG": ("variable.parameter.flag", "constant.numeric.size", *_NAMES),
    "NAME": _NAMES,
    "PIPE": (f"{_OPERATOR}.pipe",),
    "ARROW": (f"{_OPERATOR}.arrow",),
    "COMPARE": (f"{_OPERATOR}.comparison",),
    "EQUALS": (f"{_OPERATOR}.assignment",),
    **dict.fromkeys(
        (
            *("POWER", "STAR", "DOUBLE_SLASH", "SLASH", "PERCENT"),
            *("PLUS", "MINUS", "NEGATE"),
        ),
        (f"{_OPERATOR}.arithmetic",),
    ),
    "COLON": ("punctuation.separator",),
    "COMMA": ("punctuation.separator.comma",),
    "DOT": ("punctuation.accessor", "entity.name", "support.class"),
    **dict.fromkeys(("LBRACE", "RBRACE"), ("punctuation.section.block",)),
    **dict.fromkeys(("LPAR", "CALL_LPAR", "RPAR"), ("punctuation.section.parens",)),
    **dict.fromkeys(("LSQB", "CALL_LSQB", "RSQB"), ("punctuation.section.brackets",)),
}
_LINE_WORDS = ("input", "output", "share", "tie")
Word = tuple[int, int, tuple[str, ...]]


def specs() -> Iterator[tuple[str, str, SpecFiles | None]]:
    """All specs: files, blocks of the documentation, examples of layers and errors."""
    for folder in ("specs", "archdsl", "examples"):
        for path in sorted((ROOT / folder).rglob("*.arch")):
            name = str(path.relative_to(ROOT))
            yield name, path.read_text(encoding="utf-8"), SpecFiles(str(path))
    pages = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "docs" / "llms.txt"]
    for page in (*pages, *sorted(ROOT.glob("*.md"))):
        text = page.read_text(encoding="utf-8")
        for found in re.finditer(
            r"^```arch\n(.*?)^```$", text, re.MULTILINE | re.DOTALL
        ):
            line = text.count("\n", 0, found.start()) + 2
            yield f"{page.relative_to(ROOT)} from line {line}", found.group(1), None
    for layer in LAYERS.values():
        yield f"the example of {layer.name}", layer.example, None
    for code, entry in CODES.items():
        if not entry.wrong.startswith(COMMAND):
            yield f"what is wrong with {code}", entry.wrong, None
            yield f"what is right with {code}", entry.right, None


def truth(name: str, text: str, files: SpecFiles | None) -> list[Word]:
    """Each word of a text with the scopes that fit it, by offset."""
    analysis = analyse(name, text, files)
    tokens = analysis.tokens
    meant = _meant(analysis)
    found: list[Word] = []
    for kind, start, end in zip(tokens.kinds, tokens.starts, tokens.ends, strict=True):
        if kind not in ("NEWLINE", "$END"):
            found.append((start, end, meant.get((start, end), KINDS[kind])))
    for word in words_of(text, tokens, ()):
        if word.kind == "comment":
            found.append((word.start, word.end, ("comment.line",)))
    return sorted(found)


def _meant(analysis: Analysis) -> dict[tuple[int, int], tuple[str, ...]]:
    """What names are that anybody can tell without looking elsewhere."""
    found = {}
    for name in analysis.names:
        fits: tuple[str, ...] = ()
        if name.kind == "layer":
            fits = ("support.function.layer",)
        elif name.kind == "key":
            # A flag is a key with its number.
            fits = ("variable.parameter.key", "variable.parameter.flag")
            fits += ("constant.numeric.size",)
        elif name.kind == "word":
            line = name.name in _LINE_WORDS and not name.within
            fits = ("keyword.other.stage",) if line else ("support.constant.word",)
        elif name.kind == "total":
            fits = ("support.constant.total", "variable.other.property")
        elif name.kind == "function":
            fits = ("support.function.arithmetic",)
        elif name.kind == "attribute":
            fits = ("variable.other.property",)
        elif name.kind == "value":
            fits = ("variable.language",)
        elif (
            name.kind in ("label", "net", "block", "extern", "prefix") and name.defines
        ):
            shown = {"prefix": "namespace", "label": "label"}
            fits = (f"entity.name.{shown.get(name.kind, f'type.{name.kind}')}",)
        elif name.kind == "net":
            fits = ("entity.other.inherited-class",)
        elif name.kind == "parameter" and name.defines:
            fits = ("variable.parameter", "constant.numeric.size")
        if fits:
            found[name.start, name.end] = fits
    return found


def texts() -> list[dict[str, object]]:
    """All specs with their words, as JSON has them; offsets count units of UTF-16."""
    made: list[dict[str, object]] = []
    for name, text, files in specs():
        units = [0]
        for character in text:
            units.append(units[-1] + (2 if character > "\uffff" else 1))
        words = [
            (units[start], units[end], fits)
            for start, end, fits in truth(name, text, files)
        ]
        # What the lexer refuses has no kind, nor has what comes after it.
        whole = not lexer().tokens(Source(name, text))[1]
        made.append({"name": name, "text": text, "words": words, "whole": whole})
    return made
