"""Specs that say which mistakes they have: `# expect: E0302`."""

from __future__ import annotations

import os
import re

from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.codes import CODES
from archdsl.diagnostics.render import render
from archdsl.pipeline import check
from archdsl.reading import MAX_BYTES, SpecFiles, decoded
from archdsl.source import Source
from archdsl.tuples import NamedTuple

# A string ends on its line, and has no escapes.
_COMMENT = re.compile(r'"[^"\n]*"?|(#[^\n]*)')
_EXPECT = re.compile(r"#\s*expect:(.*)")


class Found(NamedTuple):
    """A code at a line of the file; 0 is for what has no place in it."""

    line: int
    code: str


class ExpectationError(AssertionError):
    """The mistakes of a spec are others than those that it announces."""


def assert_expected(path: str | os.PathLike[str]) -> None:
    """Check a file, which has to have the mistakes that its comments announce.

    `# expect: E0302` at the end of a line, or several codes parted by commas, announces
    mistakes on that line. A file without such comments has to check clean. Raises
    ExpectationError, and OSError if the file cannot be read.
    """
    name = os.fspath(path)
    with open(name, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    source, found = decoded(data, name)
    expected: list[Found] = []
    if source is not None:
        expected = announced(source)
        found = check(source, files=SpecFiles(name)).diagnostics
    problems = differences(expected, found, name)
    if problems:
        told = "\n".join(problems)
        shown = f"\n\n{render(found, 'full')}" if found else ""
        raise ExpectationError(f"{told}{shown}")


def announced(source: Source) -> list[Found]:
    """The mistakes that the comments of a text announce. Raises ExpectationError."""
    found: list[Found] = []
    for line, comment in _comments(source):
        match = _EXPECT.match(comment)
        if match is None:
            continue
        for code in match[1].split(","):
            if code.strip() not in CODES:
                known = "`archdsl explain` lists the codes"
                raise ExpectationError(
                    f"{source.name}:{line}: there is no code `{code.strip()}`; {known}"
                )
            found.append(Found(line, code.strip()))
    return found


def _comments(source: Source) -> list[tuple[int, str]]:
    """The comments of a text, which may be full of mistakes, and their lines."""
    found = (match for match in _COMMENT.finditer(source.text) if match[1])
    return [(source.position(match.start())[0], match[1]) for match in found]


def differences(expected: list[Found], found: list[Diagnostic], name: str) -> list[str]:
    """What was announced and not found, or found and not announced."""
    there = []
    for d in found:
        own = d.span is not None and d.span.source.name == name
        there.append(Found(d.span.line if own and d.span is not None else 0, d.code))
    missing, extra = list(expected), []
    for each in there:
        if each in missing:
            missing.remove(each)
        else:
            extra.append(each)
    problems = [f"{name}:{line}: {code} is expected" for line, code in missing]
    problems += [
        f"{name}:{line or 1}: {code} is not expected"
        + ("" if line else ", and it is not in this file")
        for line, code in extra
    ]
    return problems
