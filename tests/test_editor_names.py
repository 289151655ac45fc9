"""Names in an editor: what they mean, where they are used, and other names for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from archdsl.editor.analysis import Analysis, analyse
from archdsl.editor.findings import findings
from archdsl.editor.occurrences import Target
from archdsl.editor.rename import (
    RenameError,
    can_be_renamed,
    changed_text,
    occurrences_of,
    rename,
    target_at,
)
from archdsl.pipeline import check
from archdsl.reading import SpecFiles
from archdsl.source import Source

ROOT = Path(__file__).resolve().parent.parent

SPEC = """\
default conv bias=false

block unit(flow, skip) width step=1 act=relu {
  main: {conv width 3x3 p1 s=step | act}
  add(main, skip | conv width 1x1 s=step)
}

net toy classes=10 act=relu {
  picture: input 3xHxW
  stem: conv 16 3x3 p1
  "a-b": unit(id, stem) 32 step=2 act=act
  body.first: {unit(id, id) 32} x2
  conv stem.c 1x1 if classes > 5 else conv 16 1x1
  inner: {
    stem: conv 16 1x1 | relu
    add(id, stem)
  }
  share inner
  concat(id, body.first) | gap | fc classes
  order inner stem
  assert stem.params == 432
  add(id, id)
}

net toy20 = toy classes=20 {
  assert stem.params == 432
}
"""


def seen(text: str = SPEC) -> Analysis:
    return analyse("net.arch", text)


def target(analysis: Analysis, word: str, text: str = SPEC) -> Target:
    found = target_at(analysis, text.index(word))
    assert found is not None
    return found[1]


def lines(analysis: Analysis, of: Target) -> list[int]:
    source = analysis.source
    names = occurrences_of(analysis, of)
    return [source.position(name.start)[0] for name in names]


@pytest.mark.parametrize(
    ("word", "where"),
    [
        ("unit(flow", [3, 11, 12]),
        ("skip) width", [3, 5]),
        ("width step", [3, 4, 5]),
        ("step=1", [3, 4, 5, 11]),
        ("act=relu {\n  main", [3, 4, 11]),
        ("main:", [4, 5]),
        ("toy classes", [8, 25]),
        ("classes=10", [8, 13, 19, 25]),
        # The `stem` of the group is another one.
        ("stem: conv 16 3x3", [10, 11, 13, 20, 21, 26]),
        ("stem: conv 16 1x1", [15, 16]),
        ("inner:", [14, 18, 20]),
        ("body.first:", [12, 19]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_where_a_name_is_used(word: str, where: list[int]) -> None:
    analysis = seen()
    assert lines(analysis, target(analysis, word)) == where


@pytest.mark.parametrize(
    ("word", "new"),
    [
        ("unit(flow", "cell"),
        ("skip) width", "side"),
        ("width step", "channels"),
        ("step=1", "by"),
        ("main:", "first"),
        ("toy classes", "small"),
        ("classes=10", "kinds"),
        ("stem: conv 16 3x3", "stem2"),
        ("stem: conv 16 1x1", "within"),
        ("inner:", "deep"),
        ("body.first:", "body.second"),
    ],
)
def test_another_name_changes_nothing_else(word: str, new: str) -> None:
    analysis = seen()
    assert analysis.diagnostics == []
    done = rename(analysis, target(analysis, word), new)
    text = changed_text(SPEC, done.changes)
    assert check(Source("net.arch", text)).diagnostics == []
    again = seen(text)
    # And back again.
    at = min(change.start for change in done.changes)
    found = target_at(again, at)
    old = analysis.name_at(SPEC.index(word))
    assert found is not None
    assert old is not None
    back = rename(again, found[1], old.name)
    assert changed_text(text, back.changes) == SPEC


def test_a_label_tells_what_becomes_of_weights() -> None:
    analysis = seen()
    done = rename(analysis, target(analysis, "stem: conv 16 3x3"), "first")
    assert "submodule `stem` of the state_dict to `first`" in done.warning
    # An input is no submodule.
    text = "start: input 3x8x8 | relu | add(id, start)"
    analysis = seen(text)
    assert not rename(analysis, target(analysis, "start", text), "begin").warning


def test_a_label_that_needs_quotes_gets_them() -> None:
    text = "input 3x8x8 | head: conv 4 3"
    analysis = seen(text)
    done = rename(analysis, target(analysis, "head", text), "my head")
    assert changed_text(text, done.changes) == 'input 3x8x8 | "my head": conv 4 3'


@pytest.mark.parametrize(
    ("word", "new", "why"),
    [
        ("stem: conv 16 3x3", "id", "name of the language"),
        ("stem: conv 16 3x3", "inner", "defined twice"),
        ("stem: conv 16 3x3", "my stem", "would need quotes"),
        # A value of that name could not be told from the layer.
        ("stem: conv 16 3x3", "relu", "mean something else"),
        ("step=1", "s2", "short for `s=2`"),
        ("step=1", "width", "defined twice"),
        ("step=1", "input", "name of the language"),
        ("step=1", "1st", "is no name"),
        ("unit(flow", "conv", "a layer of the language"),
        ("unit(flow", "net", "is no name"),
        ("toy classes", "toy20", "defined twice"),
    ],
)
def test_a_name_that_would_not_do_is_refused(word: str, new: str, why: str) -> None:
    analysis = seen()
    with pytest.raises(RenameError, match=why):
        rename(analysis, target(analysis, word), new)


def test_names_of_the_language_stay() -> None:
    analysis = seen()
    for word in ("conv width", "share", "picture: input"):
        at = SPEC.index(word) + (9 if word.startswith("picture") else 0)
        with pytest.raises(RenameError):
            can_be_renamed(analysis, at)
    standard = seen("input 3x8x8 | squeeze_excite 4")
    with pytest.raises(RenameError, match="standard library"):
        can_be_renamed(standard, 15)


def test_names_of_other_files(tmp_path: Path) -> None:
    (tmp_path / "blocks.arch").write_text("block unit c {\n  conv c 3x3\n}\n")
    spec = 'use "blocks.arch" as b\nnet a { input 3x8x8 | b.unit 4 | b.unit 5 }\n'
    path = tmp_path / "net.arch"
    analysis = analyse("net.arch", spec, SpecFiles(path))
    found = target_at(analysis, spec.index("unit"))
    assert found is not None
    assert found[1] == Target("block", str((tmp_path / "blocks.arch").resolve()), 6, 10)
    assert len(occurrences_of(analysis, found[1])) == 2
    prefix = target_at(analysis, spec.index("b.unit"))
    assert prefix is not None
    done = rename(analysis, prefix[1], "parts")
    assert changed_text(spec, done.changes) == spec.replace("as b", "as parts").replace(
        "b.unit", "parts.unit"
    )
    opened = target_at(analysis, spec.index("blocks"))
    assert opened is not None
    assert opened[1].file == found[1].file


def test_a_mistake_in_a_used_file_is_shown_where_it_comes_in(tmp_path: Path) -> None:
    used = tmp_path / "blocks.arch"
    spec = 'use "blocks.arch"\nnet a { input 3x8x8 | unit }\n'
    for text, place in (("block unit { conv 4 9 }\n", "unit"), ("block {\n", '"')):
        used.write_text(text)
        analysis = analyse("net.arch", spec, SpecFiles(tmp_path / "net.arch"))
        first = findings(analysis)[0]
        assert spec[first.start : first.end].startswith(place)
        assert "blocks.arch:1:" in first.message
        assert not first.fixes


def test_it_says_what_it_lacks() -> None:
    code = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('pygls', 'lsprotocol'):\n"
        "            raise ModuleNotFoundError(f'no {name}', name=name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "from archdsl.cli.main import main\n"
        "sys.exit(main(['lsp']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "archdsl lsp: the language server needs pygls: pip install 'archdsl[lsp]'\n"
    )
