"""What no other test asks of names, conditions and files."""

from __future__ import annotations

from pathlib import Path

import pytest
from branches import assert_refused, assert_right

import archdsl
from archdsl import reading
from archdsl.api import source_of
from archdsl.elaborate.alone import only_argument
from archdsl.ir.network import Stage
from archdsl.limits import Limits
from archdsl.pipeline import check
from archdsl.source import Source
from archdsl.syntax import parse

REFUSED = [
    ("input 3x8x8\nrelu\nassert 1.5 * 2 > 4", "E0602", "1.5 * 2 > 4"),
    ("net n quiet=false { input 3x8x8\n relu\n assert quiet }", "E0602", "quiet"),
    ("net a = b\nnet b = c\nnet c = b", "E0210", "c"),
    ("net g = nosuch { assert params > 3 }", "E0211", "nosuch"),
    ("net f = g { assert params > 3 }\nnet g = nosuch", "E0211", "nosuch"),
    ('net n A="t" { input 3x8x8\n relu -> 3xAx8 }', "E0503", "3xAx8"),
    ("net n { input 3x8x8\n relu\n assert id.params > 3 }", "E0505", "id.params"),
    ("input 3x8x8\nadd(order hwc, id)", "E0102", "order hwc"),
    ("input 3x8x8\nadd(assert params > 3, id)", "E0102", "assert params > 3"),
    ("net a w { input 8xH | fc w }\nnet b = a w=3 H=1/0", "E0502", "0"),
    ("default conv g=2\nnet n { input 3x8x8\n conv 4x3x3 }", "E0312", "g=2"),
    ("net a { input 8xH\n assert H > 9 }\nnet b = a H=8", "E0602", "H > 9"),
    ("input 3xHxW\npad (2**H)", "E0310", "(2**H)"),
    ("input 3xHxW\npad exp(H)", "E0310", "exp(H)"),
    ("relu x2\ninput 3x8x8", "E0306", "relu x2"),
    ("net n k=1/0 { input 3\n k x2 }", "E0502", "0"),
    ("net n k=3 { input 3\n k x2 }", "E0403", "x2"),
    ("input 3x8x8\na: conv 3x9x9 | share a", "E0302", "3x9x9"),
    ("net n { output(id) }", "E0306", "output(id)"),
    ("net n { a\n input 3 }", "E0201", "a"),
    ("net n { relu if 3 }", "E0503", "3"),
    ("input 8\nrelu\noutput dict", "E0314", "output dict"),
    (
        "net n { order a\n input 3x8x8\n a: relu\n add(assert params > 3, id) }",
        "E0102",
        "assert params > 3",
    ),
    ("net n { g: {relu}\n input 3x8x8 }", "E0306", "g: {relu}"),
    ("net n { id\n input 3 }", "E0306", "id"),
    (
        'extern e(x, y) c=y.h -> 3 4 c from "m:E"\ninput 3x8x8\ne',
        "E0407",
        "e",
    ),
    (
        'extern e(x) c=x.h -> c 1 1 from "m:E"\ninput 3x8x8\nconv 3x9x9 | e',
        "E0302",
        "3x9x9",
    ),
]

RIGHT = {
    "input 3x8x8\nrelu -> _ 8 8": "3x8x8",
    (
        "block b k { conv 3 1x1 if k > 0\n relu }\nnet n { input 3x8x8\n b [1,1,2] x4 }"
    ): "3x8x8",
    "net n a=2 { input 8\n relu if 1 < a < 3 }": "8",
    'default rearrange h=2\nnet n { input 4x8\n rearrange "(h c) y -> c h y" }': (
        "2x2x8"
    ),
    'default rearrange "(h p) w -> h (p w)" p=2\nnet n { input 4x4\n rearrange }': (
        "2x8"
    ),
    "input 9 int\ntok: embedding 8 16\nt: tie tok bias": "9x8",
    (
        "net n { order b a\n input 3x8x8\n add(id, b: conv 3x1x1)\n a: conv 3x1x1\n"
        " {relu} x2 }"
    ): "3x8x8",
    "block b { flatten | fc id.c // in.h }\nnet n { input 3x4x5\n b }": "15",
    "net n { order b a\n input 3x8x8\n add(id, b: conv 3x1x1)\n a: conv 3x1x1 }": (
        "3x8x8"
    ),
}


@pytest.mark.parametrize(("text", "code", "about"), REFUSED)
def test_is_refused(text: str, code: str, about: str) -> None:
    assert_refused(text, code, about)


@pytest.mark.parametrize(("text", "shape"), RIGHT.items())
def test_is_right(text: str, shape: str) -> None:
    assert_right(text, shape)


def test_sizes_of_what_has_no_input_yet() -> None:
    found = check(Source("t.arch", "relu if in.h > 3")).diagnostics
    assert [(d.code, d.span.text) for d in found if d.span is not None] == [
        ("E0306", "relu"),
        ("E0306", "in.h"),
    ]


@pytest.mark.parametrize(
    ("line", "code", "about"),
    [
        ("relu if reul > 3", "E0206", "reul"),
        ("relu if reul.h > 3", "E0202", "reul"),
        ("share reul", "E0317", "reul"),
    ],
)
def test_many_findings_come_without_names_that_are_like(
    line: str, code: str, about: str
) -> None:
    wrong = "\n".join(f"nosuch{at} 3" for at in range(200))
    for before, few in (("", True), (wrong, False)):
        text = f"input 3x8x8\nrell: relu\n{before}\n{line}"
        last = check(Source("t.arch", text)).diagnostics[-1]
        assert last.code == code
        assert last.span is not None
        assert last.span.text == about
        named = any("rel" in hint.replace(about, "") for hint in last.hints)
        assert named is few


@pytest.mark.parametrize(
    "text",
    [
        "id 1\nblock b { relu }",
        "id 1\ndefault conv same",
        "id 1\nrelu",
        "id 1\nassert 1 == 1",
        "id 1 | relu",
        "id 1 if true",
        "id 1 -> 3",
        "id 1 2",
        "id",
        "id : relu 1",
        "id : {relu} x2",
        "id a: 1",
    ],
)
def test_what_is_no_argument_alone(text: str) -> None:
    assert only_argument(parse(Source("t.arch", text))[0]) is None
    assert only_argument(None) is None


@pytest.mark.parametrize("size", ["x", 0, True, 1.5])
def test_symbols_are_given_sizes(size: object) -> None:
    source = Source("t.arch", "net n { input 3xHxW\n relu }")
    (finding,) = check(source, "n", {"H": size}).diagnostics
    assert finding.code == "E0404"
    assert finding.message.startswith("`H` is a size, a whole number of 1 or more, not")


def test_a_shape_may_come_from_another_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    up, spec = tmp_path / "up.arch", tmp_path / "net.arch"
    up.write_text("block up c {\n  conv c 3x3 p1\n}\n", "utf-8")
    spec.write_text('use "up.arch"\ninput 3x8x8 | up 9 | relu -> 3x8x8\n', "utf-8")
    (finding,) = archdsl.check(spec).diagnostics
    assert finding.code == "E0601"
    assert finding.hints == (f"write 9x8x8 here, or 3 channels in line 2 of {up}",)


def test_a_limit_is_told_once() -> None:
    layers = "input 8\n fc 8\n fc 7\n fc 6"
    text = f"net a {{ {layers} }}\nnet b {{ {layers} }}"
    (finding,) = check(Source("t.arch", text, Limits(stages=2))).diagnostics
    assert finding.code == "E0702"
    assert finding.span is not None
    assert finding.span.text == "fc 7"


def test_copies_stop_at_the_limit() -> None:
    text = "input 8\nfc 8 bias=[true,false,true,false] x4"
    (finding,) = check(Source("t.arch", text, Limits(stages=2))).diagnostics
    assert finding.code == "E0702"
    assert finding.message == "there are more than 2 different layers"


def test_what_a_derived_net_lacks() -> None:
    text = "net a w h { input 8 | fc w | fc h }\nnet b = a w=3\nnet c = b h=2"
    (found,) = check(Source("t.arch", text), "b").diagnostics
    assert (found.code, found.message) == ("E0402", "`b` lacks `h`")
    assert found.span is not None
    assert (found.span.line, found.span.text) == (2, "b")


def test_symbols_are_given_no_sizes_beyond_the_limit() -> None:
    spec = Source("t.arch", "net n { input 8xH }")
    (found,) = check(spec, "n", {"H": 2**70}).diagnostics
    assert (found.code, found.message) == ("E0701", f"the value {2**70} is too large")


def test_a_file_of_the_library_that_is_used_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "twice.arch").write_text("block twice { fc 8 | fc 8 }\n", "utf-8")
    spec = tmp_path / "spec.arch"
    spec.write_text('use "twice.arch" as t\ninput 8 | t.twice | twice\n', "utf-8")
    monkeypatch.setattr(reading, "_STANDARD", str(tmp_path))
    (network,) = archdsl.check(spec).networks.values()
    first, second = network.root.nodes
    assert isinstance(first, Stage)
    assert isinstance(second, Stage)
    assert first.target is second.target


# These count when mutants are put in place, as tests with `tmp_path` do not.


def test_used_files_of_the_library_are_read_once(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("library")
    (folder / "pyproject.toml").touch()
    (folder / "twice.arch").write_text("block twice c { fc c | fc 8 }\n", "utf-8")
    spec = folder / "spec.arch"
    spec.write_text('use "twice.arch" as t\ninput 8 | t.twice 3 | twice 4\n', "utf-8")
    monkeypatch.setattr(reading, "_STANDARD", str(folder))
    (network,) = archdsl.check(spec).networks.values()
    # Were they blocks of two files, they would be two classes.
    assert source_of(network).count("class Twice") == 1


def test_used_files_of_the_library_may_lack_their_block(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("library")
    (folder / "twice.arch").write_text("block once { fc 8 }\n", "utf-8")
    monkeypatch.setattr(reading, "_STANDARD", str(folder))
    (found,) = archdsl.check("input 8 | twice").diagnostics
    assert found.message == "there is no layer, block or label `twice`"


@pytest.mark.parametrize(("labels", "meant"), [(500, "lab7"), (501, None)])
def test_labels_are_guessed_among_few(labels: int, meant: str | None) -> None:
    text = "input 8\n" + "".join(f"lab{i}: fc 8\n" for i in range(labels))
    found = check(Source("", f"{text}add(id, Lab7)\nrelux")).diagnostics
    hints = [hint for finding in found for hint in finding.hints]
    guessed = [f"did you mean `{name}`?" for name in (meant, "relu") if name]
    assert hints == guessed
