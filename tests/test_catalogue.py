"""What programs are told of the language: `archdsl schema` and `docs/llms.txt`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from shell import Shell

from archdsl.api import check
from archdsl.catalogue import catalogue
from archdsl.ops import LAYERS
from archdsl.ops.record import REQUIRED
from archdsl.reading import standard_names

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = ROOT / "archdsl/schemas"
PAGE = (ROOT / "docs/llms.txt").read_text(encoding="utf-8")

# So many characters at least make a token, in English and code alike; it is four and
# more with the usual encodings.
CHARACTERS = 3.5

FOUND: dict[str, Any] = catalogue()


# archdsl schema


def test_the_catalogue_is_as_its_schema_says(shell: Shell) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((SCHEMAS / "layers.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    data = json.loads(shell("schema").out)
    errors = jsonschema.Draft202012Validator(schema).iter_errors(data)
    assert [error.message for error in errors] == []
    assert data == json.loads(json.dumps(FOUND))
    del data["layers"][0]["doc"]
    assert not jsonschema.Draft202012Validator(schema).is_valid(data)


def test_all_layers_and_blocks_are_there() -> None:
    assert [each["name"] for each in FOUND["layers"]] == list(LAYERS)
    assert [each["name"] for each in FOUND["blocks"]] == standard_names()


@pytest.mark.parametrize("found", FOUND["layers"], ids=lambda found: found["name"])
def test_a_layer_is_told_as_its_record_has_it(found: dict[str, Any]) -> None:
    layer = LAYERS[found["name"]]
    assert [each["name"] for each in found["args"]] == [arg.name for arg in layer.args]
    for each, arg in zip(found["args"], layer.args, strict=True):
        assert each["required"] == (arg.default is REQUIRED)
    placed = sorted(
        (each["position"], each["name"], each["rest"])
        for each in found["args"]
        if each["position"] is not None
    )
    names = [f"{'*' if rest else ''}{name}" for _, name, rest in placed]
    assert names == list(layer.positional)
    checked = check(found["example"]["text"])
    assert checked.ok
    assert found["example"]["params"] <= checked.network().root.cost.params


def test_blocks_can_be_called_as_they_are_told() -> None:
    told = {each["name"]: each for each in FOUND["blocks"]}
    excite = told["squeeze_excite"]
    assert excite["inputs"] == []
    assert excite["params"][0] == {
        "name": "reduction",
        "required": False,
        "default": "16",
    }
    up = told["unet_up"]
    assert up["inputs"] == ["x", "skip"]
    assert [each["name"] for each in up["params"] if each["required"]] == ["width"]
    assert {each["name"]: each["default"] for each in up["params"]}[
        "mode"
    ] == '"upconv"'
    assert all(each["doc"] for each in FOUND["blocks"])


@pytest.mark.parametrize("name", ["layers", "check", "diff"])
def test_schemas_are_printed(shell: Shell, name: str) -> None:
    ran = shell("schema", "--of", name)
    assert ran.status == 0
    text = (SCHEMAS / f"{name}.json").read_text(encoding="utf-8")
    assert json.loads(ran.out) == json.loads(text)


# docs/llms.txt


def test_the_page_is_short() -> None:
    assert len(PAGE) / CHARACTERS < 2000


def test_its_examples_do_what_they_say() -> None:
    blocks = re.findall(r"^```arch\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3
    codes = 0
    for text in blocks:
        expected = [
            (number, found.group(1))
            for number, line in enumerate(text.splitlines(), start=1)
            if (found := re.search(r"# error: (E\d{4})", line))
        ]
        codes += len(expected)
        reported = [(d.span.line, d.code) for d in check(text).diagnostics if d.span]
        assert reported == expected
    assert codes >= 5


def test_it_names_all_layers_and_blocks() -> None:
    lists = PAGE.partition("## Layers\n")[2].partition("## Mistakes\n")[0]
    words = set(re.findall(r"\w+", lists))
    assert words >= set(LAYERS) | set(standard_names())


@pytest.mark.parametrize(
    "text",
    [
        "input 1x28x28 | flatten | fc 10",
        "input 16 int | tok: embedding 10 8 | tie tok",
        "input 8x8 | mul(id, buffer 8x8 value=(ax0 == ax1))",
        "input 3x8x8 | conv 16x3x3 -> 16x6x6",
        "input 3x8x8 | conv 16 3x3 -> 16x6x6",
        "input 3x8x8 | conv 16 3 -> 16x6x6",
        "input 3x8x8 | conv 4 3 init=normal std=0.02 bias_init=0",
    ],
)
def test_what_it_says_in_passing(text: str) -> None:
    assert check(text).ok
