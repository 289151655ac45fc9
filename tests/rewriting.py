"""Specs written otherwise, with the same meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from archdsl.source import Source
from archdsl.syntax import nodes as n
from archdsl.syntax import parse
from archdsl.syntax.parser import lexer

_COPIES = re.compile(r"x\d+")
_IN_BRACES = re.compile(r"\{([^{}]*)\}")


def tree(text: str) -> n.File:
    """The tree of a text without mistakes."""
    found, problems = parse(Source("t.arch", text))
    assert found is not None, problems
    return found


def parts(node: Any) -> Iterator[Any]:
    """The node and all nodes in it, the outer ones first."""
    stack = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, tuple):
            if hasattr(part, "_fields"):
                yield part
            stack.extend(reversed(part))


def replaced(text: str, changes: list[tuple[int, int, str]]) -> str:
    """The text with other texts at some offsets."""
    for start, end, new in sorted(changes, reverse=True):
        text = text[:start] + new + text[end:]
    return text


# Copies


def expanded(text: str) -> str | None:
    """The text with one repeat written out; None if there is none.

    It is an innermost one without a label and with a number that stands there. Without
    copies nothing would be left of the names in it, some of which have to be used.
    """
    for stage in parts(tree(text)):
        if not isinstance(stage, n.Stage) or stage.label is not None:
            continue
        count = _count(text, stage)
        if not count or any(
            isinstance(part, n.Stage) and part is not stage and _repeats(part)
            for part in parts(stage)
        ):
            continue
        copies = [_copy(text, stage, number) for number in range(count)]
        end = stage.atom.end
        return replaced(text, [(stage.start, end, " | ".join(copies))])
    return None


def _repeats(stage: n.Stage) -> bool:
    return any(arg.key == "x" for arg in stage.atom.args)


def _count(text: str, stage: n.Stage) -> int | None:
    """How many copies a stage has that can be written out."""
    repeats = [arg for arg in stage.atom.args if arg.key == "x"]
    if len(repeats) != 1 or not isinstance(repeats[0].value, n.Number):
        return None
    # A parameter may be a list, of which each copy takes an entry.
    if any(isinstance(arg.value, n.Name) for arg in stage.atom.args):
        return None
    return int(repeats[0].value.value)


def _copy(text: str, stage: n.Stage, number: int) -> str:
    """The text of a copy: `i` is its number, and a list its entry."""
    changes = []
    for arg in stage.atom.args:
        if arg.key == "x":
            changes.append((arg.start, arg.end, ""))
        elif isinstance(arg.value, n.ListOf):
            entries = arg.value.items
            entry = entries[min(number, len(entries) - 1)]
            listed = text[entry.start : entry.end]
            changes.append((arg.value.start, arg.value.end, listed))
    for part in parts(stage):
        if isinstance(part, n.Name) and part.name == "i":
            changes.append((part.start, part.end, str(number)))
    shifted = [(a - stage.start, b - stage.start, new) for a, b, new in changes]
    return replaced(text[stage.start : stage.atom.end], shifted).rstrip()


# Names


def renamed(text: str) -> tuple[str, dict[str, str]]:
    """The text with other names for all that it defines, and the new name of each."""
    names: dict[str, str] = {}
    for part in parts(tree(text)):
        found: list[str] = []
        if isinstance(part, n.Block | n.Net):
            found = [param.name for param in part.params]
            found += [part.name.name] if part.name.name else []
        if isinstance(part, n.Block):
            found += [name.name for name in part.inputs]
        if isinstance(part, n.Family):
            found = [part.name.name]
        if isinstance(part, n.Label) and not part.quoted and not part.name.isdigit():
            found = part.name.split(".")
        for name in found:
            names.setdefault(name, f"other_{len(names)}_name")
    tokens, _ = lexer().tokens(Source("t.arch", text))
    changes = []
    for start, end in zip(tokens.starts, tokens.ends, strict=True):
        word = text[start:end]
        if word in names:
            changes.append((start, end, names[word]))
    return replaced(text, changes), names
