"""Specs with what the checker says of them, message by message.

Each `tests/cases/*.arch` is a spec and, after the line `# expected:`, the findings as
a terminal shows them, each line after `#>`. A file of bytes that are no plain text
stands in `tests/cases/bytes`, and the findings beside it in a text file. A spec of
several files is a directory of `tests/cases/files`, with the findings in expected.txt.

`pytest tests/test_cases.py --update-cases` writes what is found into the files. Read
the difference: a message that changes is a change for the user.
"""

from pathlib import Path

import pytest

from archdsl.diagnostics.render import render
from archdsl.pipeline import check
from archdsl.reading import SpecFiles, decoded
from archdsl.source import Source

CASES = Path(__file__).resolve().parent / "cases"
MARKER = "# expected:\n"
PREFIX = "#>"


def findings(source: Source) -> str:
    return render(check(source).diagnostics, "full")


def commented(text: str) -> str:
    return "".join(f"{PREFIX} {line}".rstrip() + "\n" for line in text.splitlines())


@pytest.mark.parametrize(
    "path", sorted(CASES.glob("*.arch")), ids=lambda path: str(path.stem)
)
def test_case(path: Path, update_cases: bool) -> None:
    spec, _, expected = path.read_text(encoding="utf-8").partition(MARKER)
    found = commented(findings(Source(path.name, spec)))
    if update_cases:
        path.write_text(spec + MARKER + found, encoding="utf-8", newline="\n")
        return
    assert found == expected


@pytest.mark.parametrize(
    "path", sorted((CASES / "bytes").glob("*.bin")), ids=lambda path: str(path.stem)
)
def test_bytes(path: Path, update_cases: bool) -> None:
    source, unread = decoded(path.read_bytes(), path.name)
    found = render(unread, "full") if source is None else findings(source)
    beside = path.with_suffix(".txt")
    if update_cases:
        beside.write_text(found, encoding="utf-8", newline="\n")
        return
    assert found == beside.read_text(encoding="utf-8")


def test_each_case_is_refused() -> None:
    # One that is clean by accident tests nothing.
    clean = [
        path.name
        for path in CASES.glob("*.arch")
        if not path.name.startswith("clean-")
        and PREFIX not in path.read_text(encoding="utf-8").partition(MARKER)[2]
    ]
    assert clean == []


@pytest.mark.parametrize(
    "path",
    sorted((CASES / "files").glob("*/main.arch")),
    ids=lambda path: str(path.parent.name),
)
def test_files(path: Path, update_cases: bool) -> None:
    name = f"{path.parent.name}/main.arch"
    source = Source(name, path.read_text(encoding="utf-8"))
    found = render(check(source, files=SpecFiles(path, name)).diagnostics, "full")
    assert found
    # Where this checkout lies is no matter.
    found = found.replace(str(CASES.parents[1]), "ROOT")
    beside = path.with_name("expected.txt")
    if update_cases:
        beside.write_text(found, encoding="utf-8", newline="\n")
        return
    assert found == beside.read_text(encoding="utf-8")
