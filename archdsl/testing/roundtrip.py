"""That the formatter changes nothing but blanks."""

from __future__ import annotations

from archdsl.diagnostics.render import render
from archdsl.source import Source
from archdsl.syntax import parse
from archdsl.syntax.format import format_source
from archdsl.syntax.parser import lexer
from archdsl.syntax.rows import Code

_PLACES = ("start", "end")


def assert_roundtrip(text: str) -> str:
    """The formatted text of a spec, which means the same and is laid out already.

    Raises AssertionError if the text cannot be parsed, if the formatted text has
    another tree or other comments, or if formatting it changes it.
    """
    tree, found = parse(Source("<text>", text))
    if tree is None:
        raise AssertionError("the text cannot be parsed:\n" + render(found, "full"))
    once, _ = format_source(Source("<text>", text))
    assert once is not None
    again, found = parse(Source("<formatted>", once))
    if again is None:
        raise AssertionError(
            f"what was formatted cannot be parsed:\n{render(found, 'full')}"
        )
    if without_places(tree) != without_places(again):
        raise AssertionError(f"formatting changes the meaning of\n{text}\nto\n{once}")
    if comments(text) != comments(once):
        raise AssertionError(
            f"formatting changes the comments {comments(text)} to {comments(once)}"
        )
    twice, _ = format_source(Source("<formatted>", once))
    if twice != once:
        raise AssertionError(f"formatting changes\n{once}\nonce more, to\n{twice}")
    return once


def without_places(node: object) -> object:
    """A syntax tree that is equal for equal texts, wherever its parts stand."""
    if not isinstance(node, tuple):
        # 1, 1.0 and true are equal in Python, and differ here.
        return type(node), node
    names = getattr(node, "_fields", None)
    if names is None:
        return tuple(map(without_places, node))
    parts = (
        without_places(part)
        for name, part in zip(names, node, strict=True)
        if name not in _PLACES
    )
    return type(node), *parts


def comments(text: str) -> list[str]:
    """The comments of a text, in order."""
    tokens, _ = lexer().tokens(Source("<text>", text))
    return [row.comment for row in Code(tokens).rows if row.comment]
