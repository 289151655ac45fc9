"""The tools of archdsl.testing: what they draw, what they refuse, the plugin."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings

from archdsl import testing
from archdsl.diagnostics.codes import CODES
from archdsl.ops import LAYERS
from archdsl.ops.record import Layer, Problem, Site
from archdsl.pipeline import check
from archdsl.shapes.tensor import Dim, TensorType
from archdsl.source import Source
from archdsl.syntax.format import format_source
from archdsl.testing import (
    assert_expected,
    assert_matches_torch,
    assert_roundtrip,
    check_layer,
    invalid_specs,
    specs,
)
from archdsl.testing.mutations import DEFINITIONS, STAGES
from archdsl.testing.roundtrip import comments, without_places

EXAMPLES = settings(
    max_examples=500,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
CONSTRUCTS = {
    "a block": r"\bblock ",
    "a block with two inputs": r"\(one, two\)",
    "a block with a parameter": r"block \w+(\(one, two\))? [a-z]",
    "a call with an argument": r"(unit|cell|Tower)[a-h](\(id, \w+\))? [a-z0-9]",
    "a condition": r"\bif ",
    "an else": r"\belse ",
    "a repeat": r" x[123]\b",
    "a repeat by an expression": r" x=",
    "no copy": r" x0\b",
    "an index": r"\*\(i\+1\)",
    "a copy with a name": r'"copy\d+-\{i\}"',
    "a list for copies": r"\[\d+(,\d+)*\].* x\d",
    "a label": r"\b(stem|part|side|Tower|head)_\d+: ",
    "a label in quotes": r'"(stem|part|side|Tower|head)_\d+-a": ',
    "a label with dots": r"nest\d+\.",
    "a label that is a number": r"\b\d+: ",
    "a name of PyTorch's": r"\b(self|F|Tensor|torch|lambda|_hidden|nn|training_)\b",
    "a labelled group": r": \{",
    "shared weights": r"\bshare ",
    "a tied table": r"\btie ",
    "a learned tensor": r"\bparam ",
    "a constant": r"\bbuffer ",
    "a mask": r"dtype=bool",
    "broadcasting": r"\bbroadcast\b",
    "unknown sizes": r"input .*[HWTS]\b",
    "whole numbers": r"input .* int\b",
    "truth values": r"input .* bool\b",
    "several inputs": r"given_1: ",
    "several outputs": r"\boutput\(",
    "an output of training": r"if training",
    "a dictionary": r"\) dict",
    "a derived net": r"net top = general",
    "a default": r"^default ",
    "a net without a name": r"^input ",
    "an assertion of a shape": r" -> ",
    "an assertion of lecture notes": r" hwc\b",
    "an assertion of a total": r"assert (params|layers|trainable)",
    "a need of a size": r"assert [HWTS]\d? %",
    "a comment": r"#",
    "a block of the library": r"transformer_encoder|squeeze_excite",
    "arithmetic": r"\d//\d",
    "the size of a value": r"\b(id|in)\.[cdhwt]\b",
    "other initial weights": r"\binit=",
}


def drawn() -> list[str]:
    """Five hundred specs."""
    found: list[str] = []

    @EXAMPLES
    @given(specs())
    def draw(text: str) -> None:
        found.append(text)

    draw()
    return found


def test_specs_hold_every_layer_and_construct() -> None:
    texts = drawn()
    words = Counter(
        word for text in texts for word in {*re.findall(r"[a-z_]\w*", text)}
    )
    missing = [name for name in LAYERS if words[name] == 0]
    assert missing == []
    lacking = [
        what
        for what, pattern in CONSTRUCTS.items()
        if not any(re.search(pattern, text, re.MULTILINE) for text in texts)
    ]
    assert lacking == []
    # They differ, and some are long.
    assert len(set(texts)) > 450
    assert max(map(len, texts)) > 1000


def test_mistakes_are_of_every_kind() -> None:
    seen: Counter[str] = Counter()

    @EXAMPLES
    @given(invalid_specs())
    def draw(spec: testing.InvalidSpec) -> None:
        seen[spec.mutation] += 1
        assert spec.code in CODES

    draw()
    names = [mutation.name for mutation in (*STAGES, *DEFINITIONS)]
    assert len(names) == len(set(names))
    assert len(seen) > 0.8 * len(names)


def test_a_failing_spec_becomes_small() -> None:
    quick = settings(EXAMPLES, phases=[Phase.generate, Phase.shrink])
    smallest = find(specs(), lambda text: "conv" in text, settings=quick)
    assert len(smallest) < 100


# Assertions

_LINES = itertools.count()


def test_roundtrip_gives_the_formatted_text() -> None:
    assert assert_roundtrip("input 3x8x8|relu # c") == "input 3x8x8 | relu  # c\n"
    with pytest.raises(AssertionError, match=r"cannot be parsed[\s\S]*E0102"):
        assert_roundtrip("input 3 | |")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda text: text.replace("relu", "tanh"), "changes the meaning"),
        (lambda text: text.replace("# c", "# d"), "changes the comments"),
        (lambda text: "\n" * next(_LINES) + text, "once more"),
        (lambda text: f"{text}|", "cannot be parsed"),
    ],
)
def test_roundtrip_finds_a_broken_formatter(
    wrong: object, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from archdsl.testing import roundtrip

    whole = format_source

    def broken(source: Source) -> tuple[str | None, object]:
        text, found = whole(source)
        assert callable(wrong)
        return wrong(text), found

    monkeypatch.setattr(roundtrip, "format_source", broken)
    with pytest.raises(AssertionError, match=said):
        assert_roundtrip("input 3x8x8 | relu # c")


def test_trees_differ_by_what_they_mean() -> None:
    assert without_places((1,)) != without_places((True,))
    assert comments('a "#b" #c\n# d') == ["#c", "# d"]


def test_a_spec_matches_torch() -> None:
    assert_matches_torch("input 3x8x8 | conv 4 3 | gap | fc 2")
    assert_matches_torch("net a c=4 {\n  input 3xHxW\n  conv c 3\n}", samples=3)
    assert_matches_torch("net a c=4 {\n  input 3\n  fc c\n}", "a", c=7)
    with pytest.raises(AssertionError, match=r"refused[\s\S]*E0305"):
        assert_matches_torch("input 3x8x8 | fc 3")


def test_an_extern_matches_its_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_halves.py").write_text(
        "from torch import nn\n\n"
        "class Halved(nn.Module):\n"
        "    def forward(self, x):\n"
        "        return x[..., ::2]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    spec = 'extern halved -> x.c x.h {} from "my_halves:Halved"\ninput 3xHxW\nhalved\n'
    assert_matches_torch(spec.format("(x.w + 1)//2"), samples=5)
    with pytest.raises(AssertionError, match=r"halved1.*PyTorch gives"):
        assert_matches_torch(spec.format("x.w//2"), samples=5)


@pytest.mark.parametrize("name", ["maxpool", "gn", "lstm", "concat", "attention"])
def test_records_of_the_language_hold(name: str) -> None:
    check_layer(LAYERS[name], examples=20)


def _with_shape(layer: Layer) -> Layer:
    def shape(site: Site) -> TensorType | Problem:
        out = layer.shape(site)
        if isinstance(out, Problem):
            return out
        return out._replace(dims=(*out.dims[:-1], Dim(out.dims[-1].size + 1, None)))

    return layer._replace(shape=shape)


def test_a_wrong_record_is_told() -> None:
    gn = LAYERS["gn"]
    with pytest.raises(AssertionError, match=r"`gn` with .*the output is to be"):
        check_layer(_with_shape(gn))
    bare = gn._replace(weights=lambda site, out: ())
    with pytest.raises(AssertionError, match="state_dict"):
        check_layer(bare)
    with pytest.raises(AssertionError, match="multiply-adds"):
        check_layer(LAYERS["fc"]._replace(macs=lambda site, out: 1))
    other = gn._replace(torch=lambda site: LAYERS["relu"].torch(site))
    with pytest.raises(AssertionError, match="state_dict"):
        check_layer(other)
    with pytest.raises(AssertionError, match="accepted no use"):
        check_layer(gn._replace(shape=lambda site: Problem("E0301", "no")))
    with pytest.raises(ValueError, match="give uses"):
        check_layer(LAYERS["rearrange"])


# The plugin


def run_pytest(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_plugin_collects_specs_when_asked(tmp_path: Path) -> None:
    (tmp_path / "good.arch").write_text("input 3 | relu\n")
    (tmp_path / "wrong.arch").write_text("input 3x8x8 | fc 3  # expect: E0305\n")
    (tmp_path / "bad.arch").write_text("input 3x8x8\n\nfc 3\n")
    done = run_pytest(tmp_path)
    assert "no tests ran" in done.stdout
    done = run_pytest(tmp_path, "--arch")
    assert "1 failed, 2 passed" in done.stdout
    assert "bad.arch:3: E0305 is not expected" in done.stdout
    assert "Traceback" not in done.stdout


def test_the_plugin_costs_nothing() -> None:
    code = (
        "import sys, pytest\n"
        "class Last:\n"
        "    def pytest_unconfigure(self): print(*sys.modules)\n"
        "pytest.main(['--version', '-p', 'no:hypothesispytest'], plugins=[Last()])\n"
        "import archdsl.testing.plugin\nprint(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    modules = set(done.stdout.split())
    ours = {name for name in modules if name.startswith("archdsl.")}
    assert ours == {"archdsl.testing", "archdsl.testing.plugin"}
    assert not modules & {"torch", "hypothesis.strategies"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("input 3x8x8 | fc 3\n", r":1: E0305 is not expected"),
        ("input 3 | relu  # expect: E0305\n", r":1: E0305 is expected"),
        ("input 3x8x8\nfc 3  # expect: E0302\n", r":2: E0302 is expected"),
        ("input 3 | relu  # expect: E9999\n", r"there is no code `E9999`"),
        ("input 3 | relu  # expect:\n", r"there is no code ``"),
    ],
)
def test_expectations_that_are_not_met(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.arch"
    path.write_text(text)
    with pytest.raises(AssertionError, match=said):
        assert_expected(path)


@pytest.mark.parametrize(
    "text",
    [
        "input 3 | relu\n",
        "block b unused c1 {  # expect: E0207, E0208\n  relu\n}\ninput 3 | relu\n",
        'net a {\n  input 3\n  "# expect: E0305": fc 2\n}\n',
        "input 3 | $  # expect: E0101\n",
    ],
)
def test_expectations_that_are_met(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.arch"
    path.write_text(text)
    assert_expected(path)


def test_a_mistake_in_a_used_file_is_no_expectation(tmp_path: Path) -> None:
    (tmp_path / "used.arch").write_text("block b { relu 3 }\n")
    path = tmp_path / "a.arch"
    path.write_text('use "used.arch"\ninput 3 | b\n')
    with pytest.raises(AssertionError, match="it is not in this file"):
        assert_expected(path)
    path.write_bytes(b"\xff")
    with pytest.raises(AssertionError, match="E0104 is not expected"):
        assert_expected(path)


def test_names_are_those_that_are_told() -> None:
    assert set(dir(testing)) == set(testing.__all__)
    assert all(getattr(testing, name) for name in testing.__all__)
    with pytest.raises(AttributeError, match="spec_s"):
        _ = testing.spec_s


# What the properties found


def findings(text: str) -> list[str]:
    return [d.code for d in check(Source("t.arch", text)).diagnostics]


def test_a_block_keeps_whole_numbers_and_what_is_the_same_for_all() -> None:
    kept = "block u { roll 1 d }\ninput 4x2 int\nu | embedding 3 4\n"
    assert findings(kept) == []
    assert_matches_torch("block v { tanh }\ninput 4x2\nconcat(id, param 4x2 | v)\n")
    weight = "block v { tanh }\ninput 4x2\naffine(id, param 3x2 | v)\n"
    assert_matches_torch(weight)


def test_formulas_that_are_not_kept_do_not_cancel() -> None:
    text = "block a p=1 { dwconv 2 p=p | rms last | concat(id, id, id) h }\n"
    text += "block b { a p=[3, 1][1] | relu }\ninput 3x7x9\nb\n"
    assert_matches_torch(text)


def test_a_table_keeps_its_equal_rows_and_its_dilation() -> None:
    assert_matches_torch("input 1x4x9 | conv 1 1 table=[[0]]")
    assert_matches_torch("input 2x4x9 | conv 2 1 table=[[0,1],[0,1]]")
    assert_matches_torch("input 2x9x9 | conv 2 3 d2 p1 table=[[0],[1]]")
    assert_matches_torch('input 4 | rbf 2 centres=["## ##", "## ##"]')


@pytest.mark.parametrize(
    "label", ["a-b", "a b", "é", "--", "x(y):pass;import os;class z"]
)
def test_no_label_gets_into_the_name_of_a_class(label: str) -> None:
    text = f'input 4\n"{label}": {{relu | add(id, tanh) | fc 4}}\nrelu\n'
    assert_matches_torch(text)


def test_a_sum_over_one_entry_is_no_matrix_product() -> None:
    assert_matches_torch('input 1x4x5 | einsum(id, id) "c h w, c h w -> h w"')


def test_a_layer_in_a_parameter_can_be_repeated_where_nothing_calls() -> None:
    assert findings("block a act { act x2 | act }\ninput 3 | relu") == []
    assert findings("block a n { n | relu }\ninput 3 | relu") == []
