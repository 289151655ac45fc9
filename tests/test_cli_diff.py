"""`archdsl diff`: what is asked for, how it ends, revisions, data and pictures."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from shell import Shell

from archdsl.cli.revisions import is_revision

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "archdsl/schemas/diff.json"

OLD = "input 3x8x8 | conv 4x3x3 p1 | relu | flatten | fc 10\n"
NEW = "input 3x8x8 | conv 4x5x5 p2 | gap | fc 10\n"
BLOCKS = "block unit c {\n  conv c 3x3 p1 | relu\n}\n"
USER = 'use "blocks.arch"\ninput 3x8x8 | unit 4\n'


def git(folder: Path, *arguments: str) -> None:
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *author, *arguments], cwd=folder, check=True)


def committed(shell: Shell, **files: str) -> None:
    git(shell.folder, "init", "-q")
    for stem, text in files.items():
        shell.file(f"{stem}.arch", text)
    git(shell.folder, "add", "-A")
    git(shell.folder, "commit", "-qm", "specs")


# How it ends


def test_the_status_is_that_of_diff(shell: Shell) -> None:
    shell.file("a.arch", OLD)
    shell.file("b.arch", NEW)
    shell.file("c.arch", "# only a comment\n" + OLD)
    shell.file("wrong.arch", "input 3 | rellu")
    assert shell("diff", "a.arch", "b.arch").status == 1
    same = shell("diff", "a.arch", "c.arch")
    assert (same.status, same.err) == (0, "")
    assert "no difference" in same.out
    for names in (("a.arch", "wrong.arch"), ("wrong.arch", "a.arch")):
        ran = shell("diff", *names)
        assert (ran.status, ran.out) == (2, "")
        assert "E0201" in ran.err
    assert shell("diff", "a.arch", "none.arch").status == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("a.arch",), "--rev REV"),
        (("-", "-"), "given twice"),
        (("--rev", "HEAD", "a.arch", "b.arch"), "give one file"),
        (("--rev", "HEAD", "HEAD:a.arch"), "leave --rev out"),
        (("a.arch", "b.arch", "-o", "x.txt"), "does not end in"),
        (("a.arch", "b.arch", "-o", "a.arch"), "does not end in"),
        (("a.arch", "b.arch", "--theme", "dark"), "-o FILE"),
        (("a.arch", "b.arch", "--net", "none"), "net"),
        (("a.arch", "b.arch", "-o", "x.png", "--theme", "auto"), "cannot follow"),
    ],
)
def test_what_cannot_be_done(
    shell: Shell, arguments: tuple[str, ...], told: str
) -> None:
    for name in ("a.arch", "b.arch"):
        shell.file(name, f"net x {{ {OLD} }}\nnet y {{ {OLD} }}\n")
    ran = shell("diff", *arguments)
    assert ran.status == 2
    assert told in ran.err
    assert not list(shell.folder.glob("x.*"))


def test_standard_input_is_one_side(shell: Shell) -> None:
    shell.file("a.arch", OLD)
    assert shell("diff", "a.arch", "-", stdin=OLD).status == 0
    ran = shell("diff", "-", "a.arch", stdin=NEW)
    assert ran.status == 1
    assert "<stdin> → a.arch" in ran.out


def test_nets_that_one_file_lacks(shell: Shell) -> None:
    shell.file("a.arch", f"net x {{ {OLD} }}\n")
    shell.file("b.arch", f"net x {{ {OLD} }}\nnet y {{ {NEW} }}\n")
    ran = shell("diff", "a.arch", "b.arch")
    assert ran.status == 1
    assert "+ net y (b.arch): 3x8x8 → 10" in ran.out
    assert "− net y (b.arch)" in shell("diff", "b.arch", "a.arch").out
    assert shell("diff", "a.arch", "b.arch", "--net", "x").status == 0


def test_parameters_are_those_of_both(shell: Shell) -> None:
    shell.file("a.arch", "net x c=4 {\n  input 3x8x8\n  conv c 3x3\n}\n")
    shell.file("b.arch", "net x c=8 {\n  input 3x8x8\n  conv c 3x3\n}\n")
    assert shell("diff", "a.arch", "b.arch").status == 1
    assert shell("diff", "a.arch", "b.arch", "--set", "c=2").status == 0


# Revisions


def test_revisions_with_the_files_that_they_use(shell: Shell) -> None:
    committed(shell, blocks=BLOCKS, net=USER)
    shell.file("blocks.arch", BLOCKS.replace("3x3 p1", "5x5 p2"))
    for arguments in (("--rev", "HEAD", "net.arch"), ("HEAD:net.arch", "net.arch")):
        ran = shell("diff", *arguments)
        assert (ran.status, ran.err) == (1, "")
        assert "in block unit" in ran.out
        assert "HEAD:net.arch → net.arch" in ran.out
    git(shell.folder, "commit", "-qam", "wider")
    assert shell("diff", "--rev", "HEAD", "net.arch").status == 0
    assert shell("diff", "HEAD~1:net.arch", "HEAD:net.arch").status == 1


def test_revisions_from_another_folder(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shell.folder / "specs").mkdir()
    shell.file("specs/blocks.arch", BLOCKS)
    committed(shell, **{"specs/net": USER})
    assert shell("diff", "--rev", "HEAD", "specs/net.arch").status == 0
    monkeypatch.chdir(shell.folder / "specs")
    assert shell("diff", "HEAD:net.arch", "net.arch").status == 0
    whole = str(shell.folder / "specs" / "net.arch")
    assert shell("diff", "--rev", "HEAD", whole).status == 0
    (shell.folder / "specs" / "net.arch").unlink()
    assert shell("diff", "HEAD:net.arch", "HEAD:./net.arch").status == 0


@pytest.mark.parametrize(
    "name", ["HEAD:none.arch", "none:net.arch", "--help:net.arch", "HEAD:../net.arch"]
)
def test_revisions_that_there_are_not(shell: Shell, name: str) -> None:
    committed(shell, net=OLD)
    ran = shell("diff", "net.arch", "--", name)
    assert (ran.status, ran.out) == (2, "")
    assert "cannot be read" in ran.err


def test_a_file_with_a_colon_in_its_name_is_a_file(shell: Shell) -> None:
    assert is_revision("HEAD:a.arch")
    assert not any(map(is_revision, ("a.arch", ":a.arch", "HEAD:", "-")))
    shell.file("HEAD:a.arch", OLD)
    assert not is_revision("HEAD:a.arch")
    assert shell("diff", "HEAD:a.arch", "HEAD:a.arch").status == 0


# Data


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("torchvision/resnet.arch", "classics/resnet.arch"),
        ("torchvision/vgg.arch", "classics/vgg.arch"),
        ("transformers/gpt2.arch", "transformers/llama.arch"),
    ],
)
def test_data_is_as_the_schema_says(shell: Shell, old: str, new: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    names = [str(ROOT / "specs" / name) for name in (old, new)]
    ran = shell("diff", *names, "--format", "json")
    data: dict[str, Any] = json.loads(ran.out)
    assert (ran.status, data["same"]) == (1, False)
    errors = jsonschema.Draft202012Validator(schema).iter_errors(data)
    assert [error.message for error in errors] == []
    same = json.loads(shell("diff", names[0], names[0], "--format", "json").out)
    assert same["same"]
    assert all(net["same"] and not net["stages"] for net in same["nets"])


# Pictures


def texts(svg: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(svg).iter(f"{_SVG}text")]


_SVG = "{http://www.w3.org/2000/svg}"


def test_a_picture_marks_what_has_changed(shell: Shell) -> None:
    shell.file("a.arch", OLD.replace("relu", "a: {conv 4x3x3 | bn} x2 | relu"))
    shell.file("b.arch", NEW.replace("gap", "a: {conv 4x3x3 | bn} x3 | gap"))
    ran = shell("diff", "a.arch", "b.arch", "-o", "d.svg")
    assert ran.status == 1, ran.err
    svg = (shell.folder / "d.svg").read_text(encoding="utf-8")
    words = texts(svg)
    for said in (
        "a.arch",
        "b.arch",
        "− relu",
        "+ gap",
        "~ conv 3×3, 4",
        "~ conv 5×5, 4",
    ):
        assert said in words, words
    # The copies, which are two and then three.
    assert [word for word in words if word.startswith("~ a")] == [
        *(f"~ {name}: conv 3×3, 4" for name in ("a.0", "a.1", "a"))
    ]
    assert any(word.startswith("− removed") for word in words)
    kinds = [each.get("class") or "" for each in ElementTree.fromstring(svg).iter()]
    for kind in ("m a", "m r", "m c"):
        assert any(looks.endswith(kind) for looks in kinds)
    assert "prefers-color-scheme:dark" in svg


def test_marks_have_colours_on_dark_paper_too(shell: Shell) -> None:
    shell.file("a.arch", OLD)
    shell.file("b.arch", NEW)
    colours = []
    for theme in ("light", "dark"):
        shell("diff", "a.arch", "b.arch", "-o", "d.svg", "--theme", theme)
        svg = (shell.folder / "d.svg").read_text(encoding="utf-8")
        colours.append(svg.partition("rect.m.c{stroke:")[2][:7])
        assert "prefers-color-scheme" not in svg
    assert colours[0] != colours[1]
    assert all(colour.startswith("#") for colour in colours)


def test_pictures_that_are_not_compared_have_no_marks(shell: Shell) -> None:
    shell.file("a.arch", OLD)
    shell("draw", "a.arch", "-o", "a.svg")
    svg = (shell.folder / "a.svg").read_text(encoding="utf-8")
    assert "rect.m" not in svg
    shell("diff", "a.arch", "a.arch", "-o", "d.svg")
    assert "rect.m" not in (shell.folder / "d.svg").read_text(encoding="utf-8")


def test_a_closed_block_is_marked_if_something_in_it_has_changed(shell: Shell) -> None:
    shell.file("a.arch", BLOCKS + "net x {\n  input 3x8x8\n  u: unit 4\n}\n")
    wide = BLOCKS.replace("relu", "gelu | conv c 1x1")
    shell.file("b.arch", wide + "net x {\n  input 3x8x8\n  u: unit 4\n}\n")
    old = BLOCKS.replace("relu", "relu | conv c 3x3 p1")
    shell.file("a.arch", old + "net x {\n  input 3x8x8\n  u: unit 4\n}\n")
    shell("diff", "a.arch", "b.arch", "-o", "d.svg", "--depth", "0")
    words = texts((shell.folder / "d.svg").read_text(encoding="utf-8"))
    assert sum(word.startswith("~ u: unit") for word in words) == 2


def test_a_spec_is_never_written_over(shell: Shell) -> None:
    path = shell.file("a.svg", OLD)
    shell.file("b.arch", NEW)
    ran = shell("diff", "a.svg", "b.arch", "-o", "a.svg")
    assert ran.status == 2
    assert path.read_text(encoding="utf-8") == OLD
