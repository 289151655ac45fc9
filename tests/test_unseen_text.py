"""What cannot be seen is refused in specs, and made visible in messages."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from archdsl.api import check
from archdsl.cli.main import main
from archdsl.diagnostics.render import FORMATS, render
from archdsl.reading import decoded

REFUSED = [
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
]
WHERE = ("input 8 # a{}b\n", 'input 8 | "a{}b": fc 8\n', "input 8 |{}fc 8\n")


@pytest.mark.parametrize("where", WHERE, ids=("comment", "string", "text"))
def test_control_characters_are_refused(where: str) -> None:
    assert check(where.format("")).ok
    for character in REFUSED:
        if character in "\t\n":
            continue
        found = check(where.format(character)).diagnostics
        code = "E0104" if character == "\0" else "E0101"
        assert [d.code for d in found] == [code], ascii(character)
        for form in FORMATS:
            told = render(found, form).replace("\n", "")
            assert told.isprintable(), ascii(told)


def test_line_ends_and_tabs_are_fine() -> None:
    text = "# a\tb\ninput 8\t|\tfc 8\n"
    for end in ("\n", "\r\n"):
        assert check(text.replace("\n", end)).ok
    assert not check(text.replace("\n", "\r")).ok


def test_surrogates_are_no_text() -> None:
    assert [d.code for d in check("input 8 # \ud800\n").diagnostics] == ["E0104"]
    assert decoded(b"input 8 # \xed\xa0\x80\n", "a")[0] is None


ESCAPE = "\x1b]0;gone\x07\x1b[2J\u202e\x9b31m"


@pytest.mark.parametrize(
    "command",
    [
        "check {}.arch",
        "check --format {} net.arch",
        "check net.arch --{}",
        "compile net.arch --net {}",
        "compile net.arch --set {}",
        "compile net.arch --set a={}",
        "compile net.arch -o net.arch/{}",
        "draw net.arch -o {}",
        "draw net.arch --depth {}",
        "draw net.arch --expand {}",
        "fmt {}.arch",
        "fmt --check {}.arch",
        "fmt --diff odd{}.arch",
        "check odd{}.arch",
        "check bad{}.arch",
        "fmt bad{}.arch",
        "summary odd{}.arch",
        "summary --by kind odd{}.arch",
        "draw --view tree odd{}.arch",
        "names odd{}.arch --lock {}.lock",
        "explain {}",
        "completion {}",
        "init odd{}.arch",
        "{}",
    ],
)
def test_nothing_steers_the_terminal(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.arch").write_text("input 8 | fc 8\n")
    Path(f"odd{ESCAPE}.arch").write_text("input 8|fc 8\n")
    Path(f"bad{ESCAPE}.arch").write_text("input 8|fv 8\n")
    main([word.replace("{}", ESCAPE) for word in command.split()])
    captured = capsys.readouterr()
    assert captured.out + captured.err
    for character in captured.out + captured.err:
        assert character == "\n" or unicodedata.category(character)[0] != "C", command


def test_what_was_asked_for_is_written_to_the_letter(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A comment may hold characters that are seen by nobody, such as a joiner."""
    spec = tmp_path / "a.arch"
    spec.write_text("# a\u200db\ninput 8\n", encoding="utf-8")
    assert main(["fmt", str(spec)]) == 0
    assert spec.read_text(encoding="utf-8") == "# a\u200db\ninput 8\n"


@pytest.mark.skipif(os.name == "nt", reason="names of files have other rules")
def test_names_of_files_that_are_no_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = os.fsdecode(bytes(tmp_path) + b"/\xff\xfe.arch")
    with open(name, "w") as file:
        file.write("input 8 | fv 8\n")
    for form in FORMATS:
        assert main(["check", "--format", form, name]) == 1
        told = capsys.readouterr().out
        assert told.replace("\n", "").isprintable()
        told.encode()
