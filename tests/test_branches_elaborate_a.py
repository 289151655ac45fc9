"""What no spec shows of how calls are bound and applied, and of definitions."""

from __future__ import annotations

import pytest

import archdsl
from archdsl.diagnostics import Diagnostic
from archdsl.ir.fold import Folder
from archdsl.ir.network import Repeat
from archdsl.limits import MOST
from archdsl.pipeline import check
from archdsl.request import converted
from archdsl.source import Source


def found(text: str, **limits: int) -> list[Diagnostic]:
    """What is found under limits lower than ours."""
    return check(Source("t.arch", text, MOST._replace(**limits))).diagnostics


def places(text: str, **limits: int) -> list[tuple[str, str]]:
    """The code of each finding, and the line that it is about."""
    findings = found(text, **limits)
    lines = text.splitlines()
    return [(f.code, lines[f.span.line - 1]) for f in findings if f.span is not None]


@pytest.mark.parametrize(
    "text",
    [
        "input 4x8\nadd(id, buffer 4x8 value=(ax0+1) batch=(ax1+1))",
        "input 4x8\nadd(id, buffer shape=(ax0+1))",
    ],
)
def test_arguments_that_are_no_formula(text: str) -> None:
    assert places(text) == [("E0206", text.splitlines()[1])]


def test_arguments_that_name_a_parameter_count_as_its_use() -> None:
    net = "net {} K=3 {{ input 3x9x9 | conv 8 3xK }}\n"
    assert found(net.format("a") + net.format("b")) == []


LIMITS = [
    # The MACs and biases of a layer, and the bytes that leave it.
    ("input 8 | fc 8", "integer", 72),
    ("input 2x30 | relu", "integer", 240),
]
COPIES = [
    # Those of lists are looked at one by one, and one more.
    ("input 8 | relu x5", "stages", 3),
    ("input 8 | dropout [0.1,0.2] x5", "stages", 5),
    ("input 8 | dropout [0.1,0.2,0.3] x5", "stages", 7),
]


@pytest.mark.parametrize(("text", "limit", "least"), LIMITS)
def test_apply_up_to_a_limit(text: str, limit: str, least: int) -> None:
    assert found(text, **{limit: least}) == []
    assert found(text, **{limit: least - 1}) != []


@pytest.mark.parametrize(("text", "limit", "least"), COPIES)
def test_bind_no_more_copies_than_differ(text: str, limit: str, least: int) -> None:
    assert found(text, **{limit: least}) == []
    assert found(text, **{limit: least - 1}) != []


def test_bind_suggests_nothing_to_the_many() -> None:
    wrong = "\n".join(f"part 3 z{at}z=1" for at in range(200))
    text = f"block part width {{ fc width }}\ninput 8\n{wrong}\npart 3 widht=3"
    last = found(text)[-1]
    assert last.hints == ("it is written `part width`",)


@pytest.mark.parametrize("block", ["squeeze_excite", "part"])
def test_definitions_of_what_is_given_from_outside(block: str) -> None:
    text = "block part { tanh }\nnet n act=relu { input 16x8x8 | act }"
    checked = archdsl.check(text, "n", act=block)
    assert checked.ok
    assert str(converted(block, Source("t.arch", text))).count(block) > 0
    assert f"self.{block}1 = " in archdsl.compile(text, "n", act=block)


def test_definitions_of_an_extern_are_one_layer() -> None:
    text = 'extern warp -> x.c from "a:W"\ninput 8 | {concat(id, warp | fc 4)} x4'
    (network,) = check(Source("t.arch", text)).networks.values()
    (repeat,) = network.root.nodes
    assert isinstance(repeat, Repeat)
    assert len(repeat.runs) == 4
    assert len(Folder().folded(repeat)) == 1


SMALL = "net d { input 8 | relu }"


def test_definitions_derived_as_deep_as_allowed() -> None:
    text = f"net a = b\nnet b = c\nnet c = d\n{SMALL}"
    assert found(text, nesting=3) == []
    (finding,) = found(text, nesting=2)
    assert (finding.code, finding.message) == (
        "E0703",
        "nets are derived more than 2 deep",
    )
    assert finding.hints == ("derive it from a net that has a body `{…}`",)
    assert finding.span is not None
    assert finding.span.line == 1


def test_definitions_derived_too_deep_are_told_once() -> None:
    text = f"net a = b\nnet b = c\nnet c = d\nnet e = a\nnet f = e\n{SMALL}"
    assert places(text, nesting=2) == [("E0703", "net a = b")]


def test_definitions_derived_from_a_circle() -> None:
    text = "net a = b\nnet b = a\nnet c = a\nnet d = c\nnet e = d\nnet f = e\nnet g = f"
    assert places(text, nesting=2) == [("E0210", "net a = b")]


def test_definitions_of_standard_blocks_have_the_limits_of_the_spec() -> None:
    text = f"input 16x8x8 | squeeze_excite | relu {'# ' * 5000}"
    assert found(text) == []
    assert [d.code for d in found(text, stages=3)] == ["E0702"]


def test_definitions_guess_no_nets_for_the_many() -> None:
    wrong = "\n".join(f"net n{at}n = base" for at in range(200))
    text = f"{wrong}\nnet last = smal\nnet small {{ input 8 | relu }}"
    assert found(text)[-1].hints == ()
