"""The grammar for editors that colour by TextMate's rules, such as VS Code.

What a word means depends on the layer that it is given to: `c` is an axis for
`softmax`, and may be a parameter for `conv`. So each group of layers with the same
arguments has rules of its own, which end where the layer's arguments do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from archdsl.elaborate.words import (
    BLOCK_INPUT,
    CURRENT,
    DICT,
    DTYPES,
    INDEX,
    INPUT_STAGE,
    OUTPUT_STAGE,
    SHARE,
    TIE,
    TOTALS,
    TRAINING,
)
from archdsl.ops import LAYERS
from archdsl.ops.record import Arg, Layer
from archdsl.reading import standard_names
from archdsl.shapes.arithmetic import FUNCTIONS, OF_LISTS
from archdsl.shapes.tensor import AXIS_NAMES
from archdsl.syntax import tables

Rule = dict[str, object]

_NAME = "[A-Za-z_][A-Za-z0-9_]*"
_PATH = rf"{_NAME}(?:\.{_NAME})*"
# A word of its own, that is no part of a path, and no label or key.
_BEGIN, _END = r"(?<![\w.])", r"(?![\w.])"
_NOT_NAMED = r"(?!\s*:|\s*=(?!=))"
# Where the arguments of a stage end.
_STOP = r"(?=\||->|[{})\],]|\b(?:if|else|from)\b|$)"
# Keywords with a scope of their own; the others are `keyword.other`.
_KEYWORDS = {
    "storage.type": ("net", "block", "extern"),
    "keyword.control.import": ("use", "from", "as"),
    "keyword.control.conditional": ("if", "else"),
    "keyword.operator.logical": ("and", "or", "not"),
    "constant.language.boolean": ("true", "false"),
}
_LISTED = frozenset(word for words in _KEYWORDS.values() for word in words)


def grammar() -> str:
    """The grammar as the text of its file."""
    made = {
        "name": "archdsl",
        "scopeName": "source.arch",
        "fileTypes": ["arch"],
        "patterns": _includes("definitions", "stages"),
        "repository": {
            "definitions": {"patterns": _definitions()},
            "stages": {"patterns": _stages()},
            "layers": {"patterns": _layers()},
            "expression": {"patterns": _expression()},
            "literals": {"patterns": _literals()},
            "signs": {"patterns": _signs()},
        },
    }
    return json.dumps(made, indent=2) + "\n"


def _definitions() -> list[Rule]:
    param = _match(rf"{_BEGIN}{_NAME}", "variable.parameter.definition")
    head = [
        *_includes("literals"),
        *_keys(),
        _inputs([*_includes("literals", "signs"), param]),
        *_within(),
        param,
        *_includes("signs"),
    ]
    return [
        _match(
            rf"\b(net)\s+({_NAME})\s*(=)\s*({_NAME})",
            None,
            "storage.type.net",
            "entity.name.type.net",
            "keyword.operator.assignment",
            "entity.other.inherited-class",
        ),
        _region(
            rf"\b(net|block|extern)\s+({_NAME})",
            _STOP,
            head,
            "storage.type.$1",
            "entity.name.type.$1",
        ),
        _match(
            rf"\b(as)\s+({_NAME})",
            None,
            "keyword.control.import",
            "entity.name.namespace",
        ),
    ]


def _stages() -> list[Rule]:
    """What stands where a stage may: also between braces, and where inputs are."""
    label = "entity.name.label"
    colon = "punctuation.separator.label"
    named = _match(rf"(?<!\w)({_PATH}|\d+|\"[^\"\n]*\")", label)
    return [
        _match(rf"(?<![\w.])({_PATH}|\d+|\"[^\"\n]*\")\s*(:)(?!:)", None, label, colon),
        _region(
            rf"{_BEGIN}({INPUT_STAGE}|{OUTPUT_STAGE}){_END}{_NOT_NAMED}",
            _STOP,
            [
                _inputs(_includes("definitions", "stages")),
                _match(rf"({_NAME})\s*(:)", None, label, colon),
                _words(DTYPES, "support.type.dtype"),
                _words((DICT,), "support.constant.word"),
                *_includes("expression"),
            ],
            "keyword.other.stage",
        ),
        _match(
            rf"{_BEGIN}({SHARE}|{TIE}){_END}{_NOT_NAMED}(?:\s+({_PATH}|\"[^\"\n]*\"))?",
            None,
            "keyword.other.stage",
            "entity.name.label",
        ),
        _region(
            r"\b(assert)\b",
            r"(?=\})|$",
            [_words(TOTALS, "support.constant.total"), *_includes("expression")],
            "keyword.other.assert",
        ),
        _region(
            r"\b(order)\b",
            r"(?=\})|$",
            [_comment(), _match(",", "punctuation.separator.comma"), named],
            "keyword.other.order",
        ),
        _region(
            r"\b(if)\b", _STOP, _includes("expression"), "keyword.control.conditional"
        ),
        _region(r"(->)", _STOP, _includes("expression"), "keyword.operator.arrow"),
        *_includes("literals", "layers"),
        # What has a name here may be a layer with its own arguments.
        _keys()[-1],
        # A value that flows on.
        _words((CURRENT, BLOCK_INPUT), "variable.language"),
        _called(_words_of(standard_names()), "support.class.block"),
        _called(_PATH, "entity.name.function"),
        _inputs(_includes("definitions", "stages")),
        *_within(),
        *_includes("signs"),
    ]


def _called(names: str, scope: str) -> Rule:
    """A block or a label with its arguments: names in them are values."""
    return _region(
        rf"{_BEGIN}({names}){_END}{_NOT_NAMED}",
        _STOP,
        [_inputs(_includes("definitions", "stages")), *_includes("expression")],
        scope,
    )


def _layers() -> list[Rule]:
    groups: dict[tuple[object, ...], list[Layer]] = {}
    for layer in LAYERS.values():
        # Layers with the same words and keys share their rules.
        key = (*((arg.name, _values(arg)) for arg in layer.args), layer.words)
        groups.setdefault(key, []).append(layer)
    return [_layer_group(layers) for layers in groups.values()]


def _layer_group(layers: list[Layer]) -> Rule:
    layer = layers[0]
    # The number of copies is given like an argument.
    keys = (*(arg.name for arg in layer.args), "x")
    letters = "".join(sorted(key for key in keys if len(key) == 1))
    known, equals = "variable.parameter.key", "keyword.operator.assignment"
    reserved = f"(?:{_words_of(tables.load().keywords)})"
    rules = [
        _match(
            rf"{_BEGIN}({arg.name})\s*(=)\s*({_words_of(_values(arg))}){_END}",
            None,
            known,
            equals,
            "support.constant.word",
        )
        for arg in layer.args
        if _values(arg)
    ]
    rules += [
        # A name that is given is that of a value, whatever word it may be elsewhere.
        _match(
            rf"{_BEGIN}({_words_of(keys)})\s*(=)(?!=)(?:\s*(?!{reserved}\b)"
            rf"({_NAME})(?![\w.(]))?",
            None,
            known,
            equals,
            "variable.other",
        ),
        _match(
            rf"{_BEGIN}([{letters}])(\d+(?:x\d+)*)(?!\w)",
            None,
            "variable.parameter.flag",
            "constant.numeric.size",
        ),
    ]
    if layer.words:
        rules.append(_words(layer.words, "support.constant.word"))
    return _region(
        rf"{_BEGIN}({_words_of(each.name for each in layers)}){_END}{_NOT_NAMED}",
        _STOP,
        [
            _inputs(_includes("definitions", "stages")),
            *rules,
            *_includes("expression"),
        ],
        "support.function.layer",
    )


def _values(arg: Arg) -> tuple[str, ...]:
    """The words that may be given to an argument."""
    return tuple(AXIS_NAMES) if arg.type.kind == "axis" else arg.type.words


def _expression() -> list[Rule]:
    layers = _words_of(LAYERS)
    return [
        *_includes("literals"),
        *_keys(),
        _region(
            rf"{_BEGIN}({_words_of((*FUNCTIONS, *OF_LISTS))})(\()",
            r"(\))",
            _includes("expression"),
            "support.function.arithmetic",
            "punctuation.section.parens.begin",
            close="punctuation.section.parens.end",
        ),
        *_within(),
        _match(
            rf"(\.)\s*({_NAME})",
            None,
            "punctuation.accessor",
            "variable.other.property",
        ),
        _words((CURRENT, BLOCK_INPUT, INDEX, TRAINING), "variable.language"),
        _match(rf"{_BEGIN}ax[0-9](?!\w)", "variable.language.place"),
        _match(r"(?<![\w.])[A-Z][A-Z0-9]*(?!\w)", "variable.other.constant"),
        _match(rf"{_BEGIN}({layers}){_END}", "support.function.layer"),
        _match(_NAME, "variable.other"),
        *_includes("signs"),
    ]


def _literals() -> list[Rule]:
    numbers = [
        ("FLOAT", "constant.numeric.float"),
        ("SIZE", "constant.numeric.size"),
        ("INT", "constant.numeric.integer"),
    ]
    written = tables.grammar_path().read_text(encoding="utf-8")
    terminals = dict(re.findall(r"^([A-Z]+): /(.*)/$", written, re.MULTILINE))
    flag = _match(
        r"(?<![\w.])([a-z])(\d+(?:x\d+)*)(?!\w)",
        None,
        "variable.parameter.flag",
        "constant.numeric.size",
    )
    rules = [
        _comment(),
        {
            "name": "string.quoted.double.arch",
            "match": r'"[^"\n]*"',
            "captures": {"0": {"patterns": [_match(r"\{[^{}]*\}", _PLACEHOLDER)]}},
        },
        _match(r'"[^"\n]*$', "invalid.illegal.unclosed-string"),
        *(_match(rf"(?<!\w){terminals[kind]}", scope) for kind, scope in numbers),
        flag,
    ]
    rules += [_words(words, scope) for scope, words in _KEYWORDS.items()]
    others = [word for word in tables.load().keywords if word not in _LISTED]
    return [*rules, _words(others, "keyword.other")]


_PLACEHOLDER = "constant.other.placeholder"


def _signs() -> list[Rule]:
    return [
        _match(r"\|", "keyword.operator.pipe"),
        _match("->", "keyword.operator.arrow"),
        _match("==|!=|<=|>=|<|>", "keyword.operator.comparison"),
        _match("=", "keyword.operator.assignment"),
        _match(r"\*\*|\*|//|/|%|\+|-", "keyword.operator.arithmetic"),
        _match(r"\.", "punctuation.accessor"),
        _match(",", "punctuation.separator.comma"),
        _match(":", "punctuation.separator.colon"),
        _match(r"\{", "punctuation.section.block.begin"),
        _match(r"\}", "punctuation.section.block.end"),
    ]


# Rules that stand in several places


def _comment() -> Rule:
    return _match("#.*$", "comment.line.number-sign")


def _keys() -> list[Rule]:
    """Arguments of blocks, whose values may be layers, and inputs with names."""
    known, equals = "variable.parameter.key", "keyword.operator.assignment"
    key = rf"{_BEGIN}({_NAME})\s*(=)(?!=)"
    return [
        _match(
            rf"{key}\s*({_words_of(LAYERS)}){_END}(?!\s*[|(:])",
            None,
            known,
            equals,
            "support.function.layer",
        ),
        _match(key, None, known, equals),
    ]


def _inputs(patterns: list[Rule]) -> Rule:
    """The inputs of a call: the bracket touches the name."""
    return _bracket(r"((?<=\w)\()", r"(\))", "parens", patterns)


def _within() -> list[Rule]:
    """Expressions in brackets, which may go over several lines."""
    inner = _includes("expression")
    return [
        _bracket(r"(\()", r"(\))", "parens", inner),
        _bracket(r"(\[)", r"(\])", "brackets", inner),
    ]


def _bracket(begin: str, end: str, kind: str, patterns: list[Rule]) -> Rule:
    section = f"punctuation.section.{kind}"
    return _region(begin, end, patterns, f"{section}.begin", close=f"{section}.end")


# How rules are written


def _words_of(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=lambda word: (-len(word), word)))


def _words(words: Iterable[str], scope: str) -> Rule:
    return _match(rf"{_BEGIN}(?:{_words_of(words)})(?!\w)", scope)


def _includes(*names: str) -> list[Rule]:
    return [{"include": f"#{name}"} for name in names]


def _captures(scopes: Iterable[str]) -> Rule:
    return {
        str(number): {"name": f"{scope}.arch"}
        for number, scope in enumerate(scopes, start=1)
    }


def _match(pattern: str, scope: str | None, *captures: str) -> Rule:
    rule: Rule = {"match": pattern}
    if scope is not None:
        rule["name"] = f"{scope}.arch"
    if captures:
        rule["captures"] = _captures(captures)
    return rule


def _region(
    begin: str, end: str, patterns: list[Rule], *captures: str, close: str = ""
) -> Rule:
    rule: Rule = {
        "begin": begin,
        "beginCaptures": _captures(captures),
        "end": end,
    }
    if close:
        rule["endCaptures"] = _captures((close,))
    rule["patterns"] = patterns
    return rule
