"""The parser's tables: made from the grammar by Lark, ahead of time.

    python -m archdsl.syntax.tables

writes `_tables.py` anew from `grammars/archdsl.lark`. A checkout whose grammar has
changed since then builds its tables on the fly; an installed package never does.
"""

from __future__ import annotations

import os
import re
import sys
import zlib
from typing import TYPE_CHECKING, Any

from archdsl.tuples import NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

GRAMMAR_FILE = "archdsl.lark"


class Rule(NamedTuple):
    """A reduction: what it makes, of how many parts, and which action makes it."""

    name: str
    length: int
    action: str


class Tables(NamedTuple):
    """LALR(1) tables. An action >= 0 shifts to that state; ~action reduces a rule."""

    digest: str
    lexer: str
    keywords: dict[str, str]
    actions: tuple[dict[str, int], ...]
    gotos: tuple[dict[str, int], ...]
    rules: tuple[Rule, ...]
    start: int


def grammar_path() -> Path:
    """The grammar: beside `pyproject.toml` in a checkout, else inside the package."""
    from pathlib import Path

    return Path(_grammar_file())


def _grammar_file() -> str:
    """The same as text: `pathlib` takes longer to import than parsing takes."""
    package = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    checkout = os.path.dirname(package)
    beside = os.path.join(checkout, "grammars", GRAMMAR_FILE)
    if _is_checkout(beside) and os.path.isfile(beside):
        return beside
    return os.path.join(package, "grammars", GRAMMAR_FILE)


def _is_checkout(grammar: str) -> bool:
    root = os.path.dirname(os.path.dirname(grammar))
    return os.path.isfile(os.path.join(root, "pyproject.toml"))


def digest(grammar: str) -> str:
    """What tells whether tables were made from this grammar."""
    data = grammar.replace("\r\n", "\n").encode()
    return f"{len(data)}-{zlib.crc32(data):08x}"


def load() -> Tables:
    """The tables of the grammar, made anew if a checkout's grammar has changed."""
    from archdsl.syntax import _tables as made

    path = _grammar_file()
    if _is_checkout(path):
        with open(path, encoding="utf-8") as file:
            grammar = file.read()
        if digest(grammar) != made.DIGEST:
            return build(grammar)
    return Tables(
        made.DIGEST,
        made.LEXER,
        made.KEYWORDS,
        made.ACTIONS,
        made.GOTOS,
        tuple(Rule(*rule) for rule in made.RULES),
        made.START,
    )


def build(grammar: str) -> Tables:
    """Run Lark over the grammar's text. Takes about 0.1 s."""
    from lark import Lark
    from lark.parsers.lalr_analysis import Shift

    parser: Any = Lark(
        grammar, parser="lalr", lexer="basic", start="file", keep_all_tokens=True
    )
    table = parser.parser.parser._parse_table
    start = table.start_states["file"]
    numbers = _numbered(table, start, Shift)
    rules: dict[Any, int] = {}
    actions: list[dict[str, int]] = []
    gotos: list[dict[str, int]] = []
    terminals = {terminal.name for terminal in parser.terminals} | {"$END", "NEWLINE"}
    for state in numbers:
        on_token: dict[str, int] = {}
        on_rule: dict[str, int] = {}
        for symbol, (kind, target) in sorted(table.states[state].items()):
            if kind is not Shift:
                on_token[str(symbol)] = ~rules.setdefault(target, len(rules))
            elif symbol in terminals:
                on_token[str(symbol)] = numbers[target]
            else:
                on_rule[str(symbol)] = numbers[target]
        actions.append(on_token)
        gotos.append(on_rule)
    lexer, keywords = _lexer(grammar, parser)
    return Tables(
        digest(grammar),
        lexer,
        keywords,
        tuple(actions),
        tuple(gotos),
        tuple(
            Rule(
                str(rule.origin.name),
                len(rule.expansion),
                # A lone part without an alias is passed on.
                str(
                    rule.alias or ("" if len(rule.expansion) == 1 else rule.origin.name)
                ),
            )
            for rule in rules
        ),
        numbers[start],
    )


def _numbered(table: Any, start: Any, shift: Any) -> dict[Any, int]:
    """States in the order in which a walk from the start finds them."""
    numbers = {start: 0}
    queue = [start]
    for state in queue:
        for _, (kind, target) in sorted(table.states[state].items()):
            if kind is shift and target not in numbers:
                numbers[target] = len(numbers)
                queue.append(target)
    return numbers


def _lexer(grammar: str, parser: Any) -> tuple[str, dict[str, str]]:
    """One regular expression of all terminals as written, and the words apart."""
    order = {
        name: at
        for at, name in enumerate(re.findall(r"^([A-Z_]+): ", grammar, re.MULTILINE))
    }
    keywords: dict[str, str] = {}
    patterns: list[str] = []
    for terminal in sorted(
        (t for t in parser.terminals if t.name in order), key=lambda t: order[t.name]
    ):
        if terminal.pattern.type == "str":
            keywords[terminal.pattern.value] = terminal.name
        else:
            patterns.append(f"(?P<{terminal.name}>{terminal.pattern.value})")
    return "|".join(patterns), keywords


def write() -> Path:
    """Write `_tables.py` from the grammar."""
    from pathlib import Path

    tables = build(grammar_path().read_text(encoding="utf-8"))
    target = Path(__file__).with_name("_tables.py")
    rows = [
        '"""Made from grammars/archdsl.lark by `python -m archdsl.syntax.tables`."""',
        f"DIGEST = {tables.digest!r}",
        f"LEXER = {tables.lexer!r}",
        f"KEYWORDS = {tables.keywords!r}",
        "ACTIONS: tuple[dict[str, int], ...] = (",
        *(f"    {row!r}," for row in tables.actions),
        ")",
        "GOTOS: tuple[dict[str, int], ...] = (",
        *(f"    {row!r}," for row in tables.gotos),
        ")",
        "RULES: tuple[tuple[str, int, str], ...] = (",
        *(f"    {tuple(rule)!r}," for rule in tables.rules),
        ")",
        f"START = {tables.start!r}",
    ]
    target.write_text("\n".join(rows) + "\n", encoding="utf-8", newline="\n")
    return target


if __name__ == "__main__":
    sys.stdout.write(f"wrote {write()}\n")
