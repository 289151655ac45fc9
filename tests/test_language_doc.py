"""The documentation is run: each example in it does what stands beside it.

In a page, these blocks are looked at:

- `arch`: a spec. It is clean, but for the lines that end in `# error: E0312`, which
  are those, and those codes, that the checker reports. Several codes are separated by
  commas. With `# file: NAME` in its first line it is also a file for what follows.
- `console`: commands after `$ ` with what they print, both streams together. Commands
  are `archdsl …`, perhaps with `< FILE`, and `echo $?`. A block that begins with make,
  pip or git is left alone. `[…]` stands for anything within a line.
- `python`: executed, in one namespace for a page. With `# file: NAME` in its first line
  it is that file instead.
- `py`: what a definition looks like, or what another test runs; so is `ipython`.
- `text`: with `# file: NAME` in its first line it is that file, and nothing else.

Files, commands and Python are run in the page's order in a directory of their own,
which holds a copy of `specs`.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from pages import Block, blocks

from archdsl.api import check
from archdsl.cli.main import main
from archdsl.elaborate.words import RESERVED
from archdsl.limits import MAX_EXPRESSION_DEPTH, MOST
from archdsl.shapes.tensor import AXES
from archdsl.syntax import tables

ROOT = Path(__file__).parents[1]
PAGES = [
    page
    for page in (
        *("docs/README.md", "docs/tour.md", "docs/language.md", "docs/cli.md"),
        *("docs/python.md", "docs/pipelines.md", "docs/testing.md"),
        *("docs/notebooks.md", "docs/comparison.md"),
        *("README.md", "CONTRIBUTING.md"),
    )
    if (ROOT / page).exists()
]
NOT_RUN = ("$ make", "$ pip", "$ git")

_ERROR = re.compile(r"# error: (E\d{4}(?:, E\d{4})*)$")

SPECS = [
    pytest.param(block, id=f"{page}:{block.line}")
    for page in PAGES
    for block in blocks(page)
    if block.language == "arch"
]


@pytest.mark.parametrize("block", SPECS)
def test_specs_are_accepted_and_refused_as_they_say(
    block: Block, tmp_path: Path
) -> None:
    expected = [
        (number, code)
        for number, line in enumerate(block.text.splitlines(), start=1)
        if (found := _ERROR.search(line))
        for code in found.group(1).split(", ")
    ]
    # What a spec uses stands before it on its page.
    for earlier in blocks(block.page):
        if earlier.language == "arch" and earlier.file and earlier.line <= block.line:
            (tmp_path / earlier.file).write_text(earlier.text, encoding="utf-8")
    path = tmp_path / (block.file or "spec.arch")
    path.write_text(block.text, encoding="utf-8")
    diagnostics = check(path).diagnostics
    reported = [(d.span.line if d.span else 0, d.code) for d in diagnostics]
    messages = "\n".join(f"{d.code}: {d.message}" for d in diagnostics)
    assert sorted(reported) == sorted(expected), messages


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_programs_do_what_they_show(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page):
        where = f"{block.page}:{block.line}"
        if block.file:
            Path(block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "console" and not block.text.startswith(NOT_RUN):
            printed = session(block.text, monkeypatch)
            pattern = re.escape(block.text).replace(re.escape("[…]"), ".*")
            if "[…]" not in block.text or not re.fullmatch(pattern, printed):
                assert printed == block.text, where
        elif block.language == "python":
            exec(compile("\n" * (block.line - 1) + block.text, page, "exec"), namespace)


def session(text: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The commands of a text, each followed by what it prints now."""
    shown = ""
    status = 0
    for line in text.splitlines():
        if not line.startswith("$ "):
            continue
        command = line.removeprefix("$ ")
        printed = io.StringIO()
        if command == "echo $?":
            printed.write(f"{status}\n")
        else:
            name, *arguments = shlex.split(command)
            assert name == "archdsl", f"not a command that is run: {command}"
            if "<" in arguments:
                *arguments, _, file = arguments
                stdin = io.TextIOWrapper(io.BytesIO(Path(file).read_bytes()))
                monkeypatch.setattr(sys, "stdin", stdin)
            with (
                contextlib.redirect_stdout(printed),
                contextlib.redirect_stderr(printed),
            ):
                status = main(arguments)
        shown += f"{line}\n{printed.getvalue()}"
    return shown


def section(title: str) -> str:
    """A section of the page about the language."""
    text = (ROOT / "docs/language.md").read_text(encoding="utf-8")
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_the_limits_are_the_compilers() -> None:
    rows = re.findall(r"\| ([\d,]+)( MiB)? \|$", section("Limits"), re.MULTILINE)
    shown = [int(n.replace(",", "")) * (2**20 if mib else 1) for n, mib in rows]
    assert shown == [
        MOST.integer,
        MOST.layers,
        MOST.stages,
        MOST.unknowns,
        MOST.nesting,
        MAX_EXPRESSION_DEPTH,
        max(AXES),
        MOST.parameters,
        MOST.identifier,
        MOST.source,
        MOST.tokens,
        MOST.used_files,
        MOST.use_depth,
    ]


def test_the_reserved_words_are_the_grammars() -> None:
    paragraph = section("The text").partition("**Reserved words**")[2]
    words = set(re.findall(r"`(\w+)`", paragraph.partition("\n\n")[0]))
    assert words == {*tables.load().keywords, *RESERVED}
