"""What specs alone do not show of the elaborator, from operations to words."""

from __future__ import annotations

import pytest

from archdsl.diagnostics import Edit, Fix, Hint, Note
from archdsl.elaborate import operations
from archdsl.elaborate.report import Entry, Reporter
from archdsl.elaborate.words import elsewhere, is_flag, is_symbol, place, there_are
from archdsl.ir.network import Module, Stage
from archdsl.pipeline import check
from archdsl.shapes.arithmetic import ARITHMETIC
from archdsl.shapes.expr import InputSize, Var
from archdsl.shapes.tensor import Dim
from archdsl.source import Source, Span


def root(text: str) -> Module:
    """The one net of a text that is right."""
    checked = check(Source("t.arch", text))
    assert checked.diagnostics == []
    (network,) = checked.networks.values()
    return network.root


@pytest.mark.parametrize(
    "text", ["9**30", "8**22", "(2**62+2**62)*2", "2**40*2**40", "(2**33-1)*(2**32-1)"]
)
def test_operations_stay_small(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No operator is asked for more than a product of two numbers in bounds."""
    largest = 0

    def watched(name: str, a: int, b: int) -> object:
        nonlocal largest
        value = ARITHMETIC[name](a, b)
        largest = max(largest, abs(int(value)))
        return value

    table = {name: lambda a, b, name=name: watched(name, a, b) for name in ARITHMETIC}
    monkeypatch.setattr(operations, "ARITHMETIC", table)
    (found,) = check(Source("t.arch", f"input 8 | fc {text}")).diagnostics
    assert found.code == "E0701"
    assert largest <= 2**64


def test_repeat_is_decided_by_its_count() -> None:
    assert root("net n k=3 { input 8\n fc 8 x=k }").decided == {Var("k")}
    assert root("net n k=3 { input 8\n fc 8 x3\n fc k }").decided == set()


def test_outputs_are_decided_by_their_conditions() -> None:
    text = "net n k=3 { input 8\n output(relu, tanh if k > 2, elu if k > 4) }"
    assert root(text).decided == {Var("k")}


def test_index_formula_decides_by_conditions() -> None:
    value = "value=(ax0 if k > 2 else 1)"
    made = root(f"net n k=3 {{ input 8\n add(id, param 8 {value}) }}")
    assert made.decided == {Var("k")}


def test_walk_decides_by_conditions() -> None:
    made = root(
        "block b w k { relu if in.c > 3\n g: {tanh if w > 2 else elu\n fc k} }\n"
        "net n { input 8\n b 3 4 }"
    )
    (stage,) = made.nodes
    assert isinstance(stage, Stage)
    assert isinstance(stage.target, Module)
    assert stage.target.decided == {InputSize(0, 0), Var("w")}
    group = stage.target.nodes[-1]
    assert isinstance(group, Stage)
    assert isinstance(group.target, Module)
    assert group.target.decided == {Var("w")}
    assert made.decided == set()


def test_walk_notes_what_is_referenced() -> None:
    made = root("net n { input 8\na: relu\nb: tanh\nadd(id, a)\ng: {add(id, b, in)} }")
    assert made.referenced == {0, 1, 2}
    group = made.nodes[-1]
    assert isinstance(group, Stage)
    assert isinstance(group.target, Module)
    assert group.target.referenced == {1, 2}
    assert root("net n { input 8\nadd(id, relu) }").referenced == set()


# Reports


def reporter(text: str = "first\nsecond\n") -> Reporter:
    return Reporter(Source("t.arch", text))


def test_report_without_files() -> None:
    report = reporter()
    assert report.source.name == "t.arch"
    assert report.definition("first") is None
    assert report.enter(None) is None
    assert report.source.name == "t.arch"


def test_report_many() -> None:
    report = reporter()
    for count in range(201):
        assert report.many is (count >= 200)
        report.error("E0201", "", Span(report.source, 0, 1))


def test_report_places() -> None:
    report = reporter()
    other = Span(Source("u.arch", "others"), 1, 3)
    report.error("E0201", "a", other)
    assert report.found[-1].span == other
    here = Span(report.source, 2, 4)
    assert report.span(other) == Span(report.source, 1, 3)
    assert report.editable(here) == here
    report.fixed = Span(report.source, 0, 5)
    assert report.span(here) == report.fixed
    assert report.editable(here) is None


def test_report_traces() -> None:
    report = reporter()
    one, two = Span(report.source, 0, 5), Span(report.source, 6, 12)
    at = [
        Entry("net", "n", one),
        Entry("block", "a", two, file="f"),
        Entry("block", "b", two, file="g"),
        Entry("copy", "copy 1 of 2", one),
        Entry("block", "c", two),
        Entry("copy", "copy 2 of 2", two),
        Entry("block", "d", two),
        Entry("block", "e", two),
    ]
    assert not report.in_block()
    report.way_in = at[:1]
    assert not report.in_block()
    report.way_in = at
    assert report.in_block()
    assert report.open_blocks() == [
        ("f", "a"),
        ("g", "b"),
        ("", "c"),
        ("", "d"),
        ("", "e"),
    ]
    report.error("E0201", "", one)
    assert report.found[-1].trace == (
        Note(two, "in `e`, called from line 2"),
        Note(two, "in copy 2 of 2 of `d`, called from line 2"),
        Note(two, "in `c`, called from line 2"),
        Note(one, "in copy 1 of 2 of the repeat in line 1"),
        Note(two, "in `b`, called from line 2"),
        Note(two, "in `a`, called from line 2"),
        Note(one, "in the net `n`, derived in line 1"),
    )


def test_report_came_from() -> None:
    report = reporter()
    one, two = Span(report.source, 0, 5), Span(report.source, 6, 12)
    bound = Dim(8, one)
    assert report.came_from(Dim(8, None), "text", one) == ()
    assert report.came_from(bound, "text", one) == ()
    assert report.came_from(bound, "text", two) == (Note(one, "text"),)


# Words


def test_words_that_are_flags() -> None:
    flags = [
        name for name in ("s2", "s2x3", "S2", "s", "sx", "ss2", "s2a") if is_flag(name)
    ]
    assert flags == ["s2", "s2x3"]


def test_words_that_are_places() -> None:
    names = ("ax0", "ax9", "ax10", "ax", "a0", "0", "ax01", "bax1", "axX")
    assert [place(name) for name in names] == [0, 9, *[None] * 7]


def test_words_that_are_symbols() -> None:
    names = ("H", "H2", "HW", "Hw", "h", "H_", "2", "H-")
    assert [name for name in names if is_symbol(name)] == ["H", "H2", "HW"]


def test_words_there_are() -> None:
    assert there_are([]) == ()
    assert there_are(["a", "", "b", "c"], ["c"]) == ("there are: `a`, `b`",)
    assert there_are(["a"], ["a"]) == ()
    assert len(there_are("abcdefghijkl")) == 1
    assert there_are("abcdefghijklm") == ()


def test_words_of_other_tools() -> None:
    at = Span(Source("t.arch", "linear 3"), 0, 6)
    hints = elsewhere("linear", at)
    assert hints == ("here it is called `fc`",)
    assert [hint.fixes for hint in hints if isinstance(hint, Hint)] == [
        (Fix("write `fc`", (Edit(at, "fc"),)),)
    ]
    assert elsewhere("fc", at) == ()


# Many findings


@pytest.mark.parametrize(
    ("line", "few", "many"),
    [
        (
            "order rell",
            "did you mean `rel`?",
            "it names labels: `last: fc 10`",
        ),
        ("rell", "did you mean `rel`?", None),
        ("fc reluu", "did you mean `relu`?", None),
        ("fc wid", "did you mean `width`?", None),
        ("fc rell.c", "did you mean `rel`?", None),
        ("fc idd.c", "did you mean `id`?", "did you mean `id`?"),
        ("share rell", "did you mean `rel`?", "label one before this"),
    ],
)
def test_visible_names_are_not_compared_with_many_findings(
    line: str, few: str, many: str | None
) -> None:
    wrong = "\n".join(f"nosuch{at} 3" for at in range(200))
    for before, hint in (("", few), (wrong, many)):
        text = f"net n width=3 {{ input 8\nrel: fc width\n{before}\n{line} }}"
        found = check(Source("t.arch", text)).diagnostics
        last = max(found, key=lambda each: each.span.start if each.span else 0)
        assert (last.hints[0] if last.hints else "").startswith(hint or "")
        assert bool(last.hints) is bool(hint)
