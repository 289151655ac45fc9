"""Tokens to a syntax tree: an LALR(1) parser over the tables that Lark made."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from archdsl.diagnostics import Diagnostic
from archdsl.source import Source, Span
from archdsl.syntax import tables as made
from archdsl.syntax.build import Action, Tokens, action
from archdsl.syntax.lexer import CLOSERS, OPENERS, Lexer
from archdsl.syntax.nodes import File

_TOP_LEVEL = frozenset(("BLOCK", "NET", "DEFAULT"))


class _Parser(NamedTuple):
    lexer: Lexer
    actions: tuple[dict[str, int], ...]
    gotos: tuple[dict[str, int], ...]
    # Name, length, what to do, and whether the rule gathers a starred item.
    rules: tuple[tuple[str, int, Action | None, bool], ...]
    start: int


@cache
def _parser() -> _Parser:
    tables = made.load()
    rules = []
    for rule in tables.rules:
        starred = rule.name.startswith("__")
        act = None if starred else action(rule.action)
        if act is None and not starred and rule.length != 1:
            raise LookupError(f"no action for rule {rule}")
        rules.append((rule.name, rule.length, act, starred))
    return _Parser(
        Lexer(tables), tables.actions, tables.gotos, tuple(rules), tables.start
    )


def lexer() -> Lexer:
    """The lexer that `parse` uses."""
    return _parser().lexer


def parse(source: Source) -> tuple[File | None, list[Diagnostic]]:
    """The tree of a source text, or None, and what was wrong with it.

    After a syntax error the parser goes on at the next block, net or default, so
    that mistakes in different definitions are reported together.
    """
    parser = _parser()
    tokens, found = parser.lexer.tokens(source)
    if found:
        return None, found
    tree: File | None = None
    begin = 0
    while True:
        result = _run(parser, tokens, begin)
        if isinstance(result, File):
            tree = result
            break
        state, at = result
        found.append(_syntax_error(parser, source, tokens, state, at))
        begin = _next_definition(tokens, begin, at)
        if begin < 0:
            break
    return (None if found else tree), found


def _run(parser: _Parser, tokens: Tokens, begin: int) -> File | tuple[int, int]:
    """The tree, or the state and token at which there was no way on."""
    actions, gotos, rules = parser.actions, parser.gotos, parser.rules
    kinds = tokens.kinds
    states = [parser.start]
    values: list[Any] = []
    at = begin
    kind = kinds[at]
    state = parser.start
    while True:
        move = actions[state].get(kind)
        if move is None:
            return state, at
        if move >= 0:
            states.append(move)
            values.append(at)
            state = move
            at += 1
            kind = kinds[at]
            continue
        name, length, act, starred = rules[~move]
        if length:
            children = values[-length:]
            del values[-length:]
            del states[-length:]
        else:
            children = []
        if starred:
            value: Any = _gathered(children)
        elif act is None:
            value = children[0]
        else:
            value = act(tokens, children)
        if name == "file":
            tree: File = value
            return tree
        state = gotos[states[-1]][name]
        states.append(state)
        values.append(value)


def _gathered(children: list[Any]) -> list[Any]:
    first = children[0]
    gathered = first if type(first) is list else []
    for child in children:
        if type(child) is not int and child is not gathered:
            gathered.append(child)
    return gathered


def _next_definition(tokens: Tokens, begin: int, at: int) -> int:
    """The next block, net or default outside of brackets; -1 if there is none.

    `begin` is a token outside of brackets, `at` the one that was not understood.
    """
    kinds = tokens.kinds
    depth = 0
    for index in range(begin, len(kinds)):
        kind = kinds[index]
        if kind in OPENERS:
            depth += 1
        elif kind in CLOSERS:
            depth -= 1
        elif (
            kind in _TOP_LEVEL
            and depth == 0
            and index >= at
            and index > begin
            and kinds[index - 1] == "NEWLINE"
        ):
            return index
    return -1


_SAID = {
    "NAME": "a name",
    "FLAG": "a flag",
    "INT": "a number",
    "FLOAT": "a number",
    "SIZE": "a size",
    "STRING": "a string",
    "NEWLINE": "a new line",
    "$END": "the end of the text",
    "ARROW": "`->`",
    "COMPARE": "a comparison",
    "EQUALS": "`=`",
    "PIPE": "`|`",
    "COLON": "`:`",
    "COMMA": "`,`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "CALL_LPAR": "`(`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "IF": "`if`",
    "ELSE": "`else`",
}

# What is worth naming when it could have stood there, in this order.
_EXPECTED = (
    *("NAME", "RPAR", "RSQB", "RBRACE", "LBRACE", "COLON", "EQUALS", "PIPE", "COMMA"),
    *("ELSE", "NEWLINE", "$END"),
)

_RESERVED = frozenset(
    (
        *("DEFAULT", "BLOCK", "NET", "ASSERT", "IF", "ELSE"),
        *("AND", "OR", "NOT", "TRUE", "FALSE"),
    )
)


def _syntax_error(
    parser: _Parser, source: Source, tokens: Tokens, state: int, at: int
) -> Diagnostic:
    kind = tokens.kinds[at]
    start, end = tokens.starts[at], tokens.ends[at]
    text = tokens.text[start:end]
    if kind == "NEWLINE" or kind == "$END":
        # Point behind the last thing that was understood.
        start = tokens.ends[at - 1] if at else 0
        end = start
    seen = _SAID.get(kind, f"`{text}`")
    if text and kind in ("NAME", "FLAG", "INT", "FLOAT", "SIZE", "STRING"):
        seen = f"`{text}`"
    possible = parser.actions[state]
    expected = [_SAID[name] for name in _EXPECTED if name in possible]
    hints: list[str] = []
    previous = tokens.kinds[at - 1] if at else ""
    if kind in _RESERVED and "NAME" in possible:
        message = f"`{text}` is a reserved word and cannot be a name"
        hints.append(f"choose another name, such as `{text}_`")
    elif kind == "PIPE" and previous in ("", "LBRACE", "NEWLINE", "CALL_LPAR", "COMMA"):
        message = "`|` has nothing before it"
        hints.append("begin with a stage, such as `id`")
    elif kind == "PIPE" and previous == "PIPE":
        message = "there is no stage between these two `|`"
    elif kind == "COMMA" and "PIPE" in possible:
        message = "`,` separates the inputs of a call; this is not inside one"
        hints.append("arguments are separated by spaces, stages by `|`")
    elif kind in ("LPAR", "CALL_LPAR") and previous in ("NAME", "FLAG"):
        message = f"unexpected {seen}"
    elif len(expected) == 1:
        message = f"expected {expected[0]}, found {seen}"
    elif expected and len(expected) <= 3:
        message = f"expected {', '.join(expected[:-1])} or {expected[-1]}, found {seen}"
    else:
        message = f"{seen} cannot stand here"
    if kind == "EQUALS" and previous in ("NAME", "FLAG"):
        hints.append("`key=value` follows the layer that it belongs to")
    if kind == "COLON":
        hints.append("a label stands before its stage: `stem: conv 64x7x7`")
    if kind == "DOT" and tokens.kinds[at + 1] == "INT":
        hints.append("a number begins with a digit: `0.5`")
    if kind == "COMPARE":
        hints.append("comparisons stand after `if`, after `assert`, or in parentheses")
    return Diagnostic("E0102", message, Span(source, start, end), hints=tuple(hints))
