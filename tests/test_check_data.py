"""Findings and shapes for programs: JSON by its schema, GitHub's commands."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import code
from shell import Shell

from archdsl.api import check
from archdsl.backends.text.summary import summary_json
from archdsl.backends.text.trace import shape_trace
from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.render import github
from archdsl.source import Source, Span

jsonschema = pytest.importorskip("jsonschema")

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = json.loads((ROOT / "archdsl/schemas/check.json").read_text(encoding="utf-8"))
CASES = sorted((ROOT / "tests/cases").glob("*.arch"))[::6]
SPECS = sorted((ROOT / "specs").glob("*/*.arch"))[::4]

WRONG = "input 3x8x8 | conv 4x3x3 p1 | conv 4x19x19 | relu\n"


def problems(data: object) -> list[str]:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    return [each.message for each in validator.iter_errors(data)]


def stages(found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for stage in found:
        yield stage
        yield from stages(stage.get("stages", []))


def test_the_schema_is_one_and_refuses_what_is_not_in_it() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert problems({"findings": []})
    assert problems([{"code": "E0302"}])


@pytest.mark.parametrize("path", CASES + SPECS, ids=lambda path: path.stem)
def test_what_is_printed_is_as_the_schema_says(shell: Shell, path: Path) -> None:
    short = json.loads(shell("check", "--format", "json", str(path)).out)
    assert problems(short) == []
    data = json.loads(shell("check", "--format", "json", "--shapes", str(path)).out)
    assert problems(data) == []
    assert data["findings"] == short
    assert all(net["ok"] for net in data["nets"]) or short


@pytest.mark.parametrize(
    ("path", "net"),
    [
        ("torchvision/resnet.arch", "resnet50"),
        ("torchvision/densenet.arch", "densenet121"),
        ("torchvision/googlenet.arch", None),
        ("modern/siamese.arch", None),
    ],
)
def test_stages_add_up_and_have_the_shapes_of_the_summary(
    path: str, net: str | None
) -> None:
    network = check(ROOT / "specs" / path).network(net)
    trace: dict[str, Any] = shape_trace(network)
    summary: dict[str, Any] = summary_json(network)
    rows = {row["path"]: row for row in summary["layers"] if not row["shared"]}
    for key in ("params", "macs"):
        assert trace[key] == summary[key]
    top = trace["stages"]
    assert sum(stage["params"] for stage in top) == trace["params"]
    assert sum(stage["macs"] for stage in top if not stage["training"]) == trace["macs"]
    layers = [
        stage
        for stage in stages(top)
        if "stages" not in stage
        and "same_as" not in stage
        and not stage["text"].startswith("share ")
    ]
    assert len(layers) > 10
    for stage in layers:
        row = rows[stage["path"]]
        assert (stage["kind"], stage["in"]) == (row["kind"], row["in"])
        if stage["count"] == 1:
            # Of copies that grow, the last one's.
            assert stage["out"] == row["out"]
    for stage in stages(top):
        if "same_as" in stage:
            assert any(other["path"] == stage["same_as"] for other in stages(top))


def test_a_net_that_fails_is_there_as_far_as_it_is_known(shell: Shell) -> None:
    ran = shell("check", "--format", "json", "--shapes", "-e", WRONG)
    (net,) = json.loads(ran.out)["nets"]
    assert (ran.status, net["ok"]) == (1, False)
    told = [(each["path"], each["state"], each["out"]) for each in net["stages"]]
    assert told == [
        ("conv1", "checked", [4, 8, 8]),
        ("conv2", "wrong", None),
        ("relu1", "unknown", None),
    ]
    assert net["stages"][1]["code"] == "E0302"
    assert net["stages"][1]["in"] == [[4, 8, 8]]


def test_fixes_mend_what_they_are_offered_for(shell: Shell) -> None:
    text = "input 3x8x8 | relu | cnov 4x3x3 | fc 10 | rellu\n"
    found = json.loads(shell("check", "--format", "json", "-e", text).out)
    edits = []
    for finding in found:
        (fix,) = finding["fixes"]
        assert "did you mean" in finding["hints"][fix["hint"]]
        edits += fix["edits"]
    for edit in sorted(edits, key=lambda edit: -edit["span"]["start"]):
        start, end = edit["span"]["start"], edit["span"]["end"]
        text = text[:start] + edit["text"] + text[end:]
    assert text == "input 3x8x8 | relu | conv 4x3x3 | fc 10 | relu\n"


def test_sizes_that_are_not_known_are_formulas(shell: Shell) -> None:
    text = "input 3xHxW | conv 4x3x3 s2 | gap | fc 10"
    data = json.loads(shell("check", "--format", "json", "--shapes", "-e", text).out)
    assert problems(data) == []
    (net,) = data["nets"]
    assert net["stages"][0]["out"] == [4, "ceil(H/2)-1", "ceil(W/2)-1"]
    assert len(net["constraints"]) == 2


def test_shapes_are_for_data(shell: Shell) -> None:
    ran = shell("check", "--shapes", "-e", WRONG)
    assert (ran.status, ran.out) == (2, "")
    assert "--format json" in ran.err


# GitHub


def test_annotations_tell_the_place_and_what_explains_it(shell: Shell) -> None:
    shell.file("a.arch", WRONG)
    ran = shell("check", "--format", "github", "a.arch")
    command, _, message = ran.out.strip().partition("::")[2].partition("::")
    assert (
        command == "error file=a.arch,line=1,endLine=1,title=E0302,col=36,endColumn=42"
    )
    lines = message.split("%0A")
    assert lines[0] == "a kernel of 19 is larger than the 8 that arrives"
    assert "a.arch:1:7: the 8 comes from here" in lines
    assert lines[-1] == "the channels come first: `conv 19 4x4`?"


def test_several_lines_have_no_columns() -> None:
    source = Source("a.arch", "input 3x8x8\nadd(\n  id\n)\n")
    found = Diagnostic("E0301", "no", Span(source, 12, 23))
    assert github(found) == "::error file=a.arch,line=2,endLine=4,title=E0301::no\n"


def test_the_steps_of_the_page_turn_the_matcher_on_and_check(shell: Shell) -> None:
    (steps,) = [text for text in code("docs/pipelines.md", "yaml") if "run:" in text]
    matcher, check = re.findall(r"^- run: (.+)$", steps, re.MULTILINE)
    command, path = matcher.rstrip('"').split("add-matcher::")
    assert command == 'echo "::'
    assert (ROOT / "editors/github" / Path(path).name).is_file()
    (shell.folder / "specs").mkdir()
    shell.file("specs/a.arch", WRONG)
    words = shlex.split(check)
    assert words == ["archdsl", "check", "specs/*.arch"]
    files = [str(each) for each in Path("specs").glob("*.arch")]
    assert shell(*words[1:-1], *files).status == 1


def test_the_problem_matcher_finds_each_finding_once(shell: Shell) -> None:
    text = (ROOT / "editors/github/archdsl.json").read_text(encoding="utf-8")
    (matcher,) = json.loads(text)["problemMatcher"]
    (pattern,) = matcher["pattern"]
    shell.file("a.arch", WRONG + "\nnet second { input 3 | rellu }\n")
    found = json.loads(shell("check", "--format", "json", "a.arch").out)
    assert found
    for form in ("full", "concise"):
        out = shell("check", "--format", form, "a.arch").out
        lines = map(re.compile(pattern["regexp"]).fullmatch, out.splitlines())
        places = [line for line in lines if line]
        keys = ("file", "line", "column")
        told = [tuple(line[pattern[key]] for key in keys) for line in places]
        assert told == [
            ("a.arch", *(str(each["span"][key]) for key in ("line", "column")))
            for each in found
        ]
        codes = [(line[pattern["severity"]], line[pattern["code"]]) for line in places]
        assert codes == [("error", each["code"]) for each in found]
        assert all(
            line[pattern["message"]].startswith(each["message"])
            for line, each in zip(places, found, strict=True)
        )
