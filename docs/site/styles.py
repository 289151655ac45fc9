"""Colours of code on the site, light and dark; those of the diagrams, made readable."""

from __future__ import annotations

from typing import ClassVar

from pygments.style import Style
from pygments.token import (
    Comment,
    Error,
    Generic,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Token,
    _TokenType,
)


def _styles(**colours: str) -> dict[_TokenType, str]:
    """The same roles in other colours."""
    return {
        Token: colours["text"],
        Comment: f"italic {colours['comment']}",
        Keyword: f"bold {colours['keyword']}",
        Keyword.Constant: f"nobold {colours['constant']}",
        Keyword.Type: f"nobold {colours['constant']}",
        Operator: colours["sign"],
        Operator.Word: f"bold {colours['keyword']}",
        Punctuation: colours["sign"],
        Number: colours["number"],
        String: colours["string"],
        Name.Builtin: colours["layer"],
        Name.Builtin.Pseudo: f"italic {colours['keyword']}",
        Name.Class: f"bold {colours['block']}",
        Name.Function: colours["block"],
        Name.Label: f"bold {colours['label']}",
        Name.Attribute: colours["key"],
        Name.Property: colours["key"],
        Name.Tag: colours["keyword"],
        Name.Variable: colours["text"],
        Name.Constant: colours["number"],
        Name.Namespace: colours["block"],
        Name.Decorator: colours["key"],
        Generic.Prompt: f"bold {colours['comment']}",
        Generic.Output: colours["text"],
        Error: colours["error"],
    }


class Light(Style):  # type: ignore[misc]  # Pygments has no types
    """Dark words on light paper; each has a contrast of 4.5 or more."""

    background_color = "#f7f9fb"
    styles: ClassVar[dict[_TokenType, str]] = _styles(
        text="#1b2733",
        comment="#5c6a78",
        keyword="#8a2b8f",
        constant="#8a5a00",
        sign="#566473",
        number="#1d6b3a",
        string="#1d6b3a",
        layer="#1f5fa8",
        block="#a5391f",
        label="#0b6e75",
        key="#8a5a00",
        error="#b3261e",
    )


class Dark(Style):  # type: ignore[misc]  # Pygments has no types
    """Light words on dark paper."""

    background_color = "#171c24"
    styles: ClassVar[dict[_TokenType, str]] = _styles(
        text="#dbe4ee",
        comment="#8b9aab",
        keyword="#d99be0",
        constant="#e2b866",
        sign="#9fb0c2",
        number="#8fd0a1",
        string="#8fd0a1",
        layer="#82b7f0",
        block="#f0967c",
        label="#6fd0d6",
        key="#e2b866",
        error="#ff8f88",
    )
