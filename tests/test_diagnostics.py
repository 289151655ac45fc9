"""Findings as values and in each of their formats."""

import json

import pytest

from archdsl.diagnostics import Diagnostic, Note, in_order
from archdsl.diagnostics.render import FORMATS, concise, github, printable, render
from archdsl.diagnostics.suggest import did_you_mean, nearest
from archdsl.pipeline import check
from archdsl.source import Source, Span

SPEC = "input 3x8x8\nconv 16x3x3 g2\n"


def found(spec: str, name: str = "net.arch") -> list[Diagnostic]:
    return check(Source(name, spec)).diagnostics


def span(source: Source, text: str) -> Span:
    start = source.text.index(text)
    return Span(source, start, start + len(text))


def test_concise_is_one_line() -> None:
    (finding,) = found(SPEC)
    assert concise(finding) == (
        "net.arch:2:13: error[E0312] groups=2 does not divide the 3 channels that"
        " arrive (try 4 channels in line 1, or leave g2 out)\n"
    )


def test_json_tells_places_and_offsets() -> None:
    (plain,) = json.loads(render(found(SPEC), "json"))
    assert plain["code"] == "E0312"
    assert plain["span"] == {
        "file": "net.arch",
        "line": 2,
        "column": 13,
        "end_line": 2,
        "end_column": 15,
        "start": 24,
        "end": 26,
    }
    assert [note["span"]["line"] for note in plain["related"]] == [1]
    assert json.loads(render([], "json")) == []


def test_github_escapes_what_would_end_the_command() -> None:
    (finding,) = found("cnv 3", name="a,b:c%.arch")
    assert github(finding).startswith("::error file=a%2Cb%3Ac%25.arch,line=1,endLine=1")
    assert github(finding).count("\n") == 1


@pytest.mark.parametrize("form", FORMATS)
def test_no_format_lets_control_characters_through(form: str) -> None:
    text = render(found("input 3 | \x1b[2Jcnv\u202e 3\n", name="\x1b.arch"), form)
    assert "\x1b" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize("form", ["full", "concise", "github"])
def test_nothing_found_is_nothing_said(form: str) -> None:
    assert render([], form) == ""


def test_colour_only_adds_escape_sequences() -> None:
    import re

    findings = found(SPEC)
    coloured = render(findings, "full", colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render(findings, "full")


def test_marks_stand_under_wide_characters_and_tabs() -> None:
    text = render(found('\tinput 3 | "漢字": relu | cnv 3\n'), "full")
    line, marks = text.splitlines()[2:4]
    # Each of the two takes two columns, and is one character.
    assert marks.index("^") == line.index("cnv") + 2


def test_long_line_is_cut_around_the_mark() -> None:
    spec = "input 3" + " | relu" * 100 + " | cnv" + " | relu" * 100
    line, marks = render(found(spec), "full").splitlines()[2:4]
    assert len(line) < 180
    assert line[marks.index("^") :].startswith("cnv")


def test_each_place_of_a_long_line_is_shown() -> None:
    spec = "input 3x8x8" + " | relu" * 100 + " | conv 4x3x3 g2"
    lines = render(found(spec), "full").splitlines()
    shown = [at for at, line in enumerate(lines) if line.startswith("1 |")]
    assert len(shown) == 2
    assert lines[shown[0] + 1].split()[1].strip("-") == ""
    assert lines[shown[1] + 1].split()[1].strip("^") == ""


def test_long_trace_loses_its_middle() -> None:
    source = Source("net.arch", "relu\n")
    place = span(source, "relu")
    trace = tuple(Note(place, f"step {at}") for at in range(30))
    text = render([Diagnostic("E0703", "too deep", place, trace=trace)], "full")
    assert "step 3\n" in text
    assert "step 4\n" not in text
    assert "… 22 more steps …" in text
    assert "step 29\n" in text


def test_another_file_is_named() -> None:
    one, other = Source("one.arch", "relu\n"), Source("other.arch", "\ntanh\n")
    finding = Diagnostic(
        "E0999",
        "message",
        span(one, "relu"),
        related=(Note(span(other, "tanh"), "see there"),),
        trace=(Note(span(other, "tanh"), "in `b`"),),
    )
    text = render([finding], "full")
    assert "= other.arch:2:1: see there\n" in text
    assert "= in `b`, other.arch:2:1\n" in text


def test_a_finding_without_a_place() -> None:
    finding = Diagnostic("E0801", "there is no file `x`", None, hints=("look again",))
    assert render([finding], "full") == (
        "error[E0801] there is no file `x`\n= look again\n"
    )


def test_in_order_sorts_by_place_and_says_each_once() -> None:
    source = Source("net.arch", "relu tanh")
    first, second = span(source, "relu"), span(source, "tanh")
    findings = [
        Diagnostic("E0102", "b", second),
        Diagnostic("E0101", "a", first),
        Diagnostic("E0102", "b", second),
    ]
    assert [d.code for d in in_order(findings)] == ["E0101", "E0102"]


def test_in_order_counts_other_uses_of_a_text() -> None:
    source = Source("net.arch", "relu tanh")
    place, call = span(source, "relu"), span(source, "tanh")
    uses = [
        Diagnostic("E0312", f"use {at}", place, trace=(Note(call, f"copy {at}"),))
        for at in range(3)
    ]
    (finding,) = in_order([*uses, uses[0]])
    assert finding.message == "use 0"
    assert finding.notes == ("the same in 2 other uses of this text",)


def test_two_mistakes_in_one_place_stay_two() -> None:
    place = span(Source("net.arch", "relu"), "relu")
    findings = [
        Diagnostic("E0401", "no `a`", place),
        Diagnostic("E0401", "no `b`", place),
    ]
    assert in_order(findings) == findings


def test_suggestions() -> None:
    assert nearest("Conv", ["conv", "convt"]) == "conv"
    assert nearest("xyz", ["conv"]) is None
    assert did_you_mean("cnv", ["conv"]) == ("did you mean `conv`?",)
    assert did_you_mean("zzz", ["conv"]) == ()


def test_printable_keeps_letters_of_all_scripts() -> None:
    assert printable("größe 漢字") == "größe 漢字"
    assert printable("\t|\x00|\u2066") == "    |\\u{0}|\\u{2066}"
