"""`docs/python.md`: the text of `docs/python.in`, with what docstrings say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

_SOURCE = Path(__file__).resolve().parent / "python.in"
_TOP = _SOURCE.parent.parent
_WANTED = re.compile(r"^API (\S+) (\w+)$", re.MULTILINE)

Definition = ast.FunctionDef | ast.ClassDef


def interface() -> str:
    """The page about the interface for Python.

    `API FILE NAME` stands for the description of what is defined under that name.
    """
    text = _SOURCE.read_text(encoding="utf-8")
    return _WANTED.sub(lambda match: _described(match[1], match[2]), text)


def _described(file: str, name: str) -> str:
    """A heading, the head of the definition, and its docstring."""
    text = (_TOP / file).read_text(encoding="utf-8")
    (found,) = (
        node
        for node in ast.parse(text).body
        if isinstance(node, Definition) and node.name == name
    )
    lines = text.splitlines()
    if isinstance(found, ast.FunctionDef):
        head = "\n".join(lines[found.lineno - 1 : found.body[0].lineno - 1])
        parts = [f"```py\n{head}\n```", _docstring(found)]
    else:
        parts = [_docstring(found), *_members(found, lines)]
    return "\n\n".join([f"### `{name}`", *parts]) + "\n"


def _docstring(node: Definition) -> str:
    text = ast.get_docstring(node)
    assert text is not None, f"{node.name} has no docstring"
    return text


def _members(node: ast.ClassDef, lines: list[str]) -> Iterator[str]:
    """The fields of a class, and its public properties and methods."""
    fields = [
        " ".join(lines[part.lineno - 1 : part.end_lineno]).strip().partition("  #")[0]
        for part in node.body
        if isinstance(part, ast.AnnAssign)
    ]
    if fields:
        listed = "\n".join(fields)
        yield f"```py\n{listed}\n```"
    for part in node.body:
        if not isinstance(part, ast.FunctionDef) or part.name.startswith("_"):
            continue
        given = ast.unparse(part.args).removeprefix("self").removeprefix(", ")
        decorated = [ast.unparse(each) for each in part.decorator_list]
        call = "" if "property" in decorated else f"({given})"
        text = ast.get_docstring(part)
        if text is not None:
            yield f"`{node.name}.{part.name}{call}`: {text}"
