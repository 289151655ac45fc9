"""Changes that hints speak of: each mends what it was offered for."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from archdsl.diagnostics import Diagnostic, Fix, Hint, fixes_of
from archdsl.ops import LAYERS
from archdsl.ops.record import Problem
from archdsl.pipeline import check
from archdsl.source import Source
from archdsl.testing.uses import drawn_sites

UNREADABLE = {"E0101", "E0102", "E0103"}
CASES = Path(__file__).resolve().parent / "cases"


def found(text: str) -> list[Diagnostic]:
    return check(Source("net.arch", text)).diagnostics


def changed(text: str, fix: Fix) -> str:
    for edit in sorted(fix.edits, key=lambda edit: -edit.span.start):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def mended(text: str) -> dict[str, str]:
    """What the first finding's changes make of a text, by their titles."""
    return {fix.title: changed(text, fix) for fix in found(text)[0].fixes}


@pytest.mark.parametrize(
    "path", sorted(CASES.glob("*.arch")), ids=lambda path: str(path.stem)
)
def test_a_change_mends_what_it_is_offered_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8").partition("# expected:\n")[0]
    before = found(text)
    for finding in before:
        for fix in finding.fixes:
            after = found(changed(text, fix))
            assert finding.span is not None
            start = finding.span.start
            moved = start + sum(
                len(edit.text) - (edit.span.end - edit.span.start)
                for edit in fix.edits
                if edit.span.end <= start
            )
            left = {(d.code, d.message, d.span and d.span.start) for d in after}
            assert (finding.code, finding.message, moved) not in left, fix
            # What cannot be read is no better than what is wrong.
            if not {d.code for d in before} & UNREADABLE:
                assert not {d.code for d in after} & UNREADABLE, fix


@pytest.mark.parametrize(
    ("text", "fixes"),
    [
        (
            "input 3x8x8 | cnv 4 3",
            {"write `conv`": "input 3x8x8 | conv 4 3"},
        ),
        (
            "input 3x8x8 | conv 4 3 stride=2",
            {"write `s`": "input 3x8x8 | conv 4 3 s=2"},
        ),
        (
            "input 3x8x8 | conv 4x9x9",
            {"add `p1`": "input 3x8x8 | conv 4x9x9 p1"},
        ),
        (
            "input 3x8x8 | conv 4x3x3 -> 4x8x8",
            {
                "add `p1`": "input 3x8x8 | conv 4x3x3 p1 -> 4x8x8",
                "write `4x6x6`": "input 3x8x8 | conv 4x3x3 -> 4x6x6",
            },
        ),
        (
            "input 3x8x8 | conv 4x3x3 p=2 -> 4x8x8",
            {
                "write `p1` instead of `p=2`": "input 3x8x8 | conv 4x3x3 p1 -> 4x8x8",
                "write `4x10x10`": "input 3x8x8 | conv 4x3x3 p=2 -> 4x10x10",
            },
        ),
        (
            "input 3x8x8 | conv 16x3x3 g2",
            {"leave `g2` out": "input 3x8x8 | conv 16x3x3"},
        ),
        (
            "input 3x8x8 | head: fc 10",
            {
                "put `flatten` before it": "input 3x8x8 | flatten | head: fc 10",
                "put `gap` before it": "input 3x8x8 | gap | head: fc 10",
            },
        ),
        (
            "input 3x8x8 | conv 8×3×3",
            {"write `x`": "input 3x8x8 | conv 8x3×3"},
        ),
        (
            "input 3x8x8\nsum: add(id, relu)",
            {"remove the label": "input 3x8x8\nadd(id, relu)"},
        ),
        ("input 3x8x8\nconcat(relu, skip # why\n: id)", {}),
        (
            "input 3x8x8\nconv 3 20x20",
            {"write `20 3x3`": "input 3x8x8\nconv 20 3x3"},
        ),
        (
            "input 3x8x8\nconv 3x20x20 s1",
            {"write `20 3x3`": "input 3x8x8\nconv 20 3x3 s1"},
        ),
        ("input 3x8x8\nconv k=20 c=3", {}),
        ("input 3x8x8\nconv c=3 s=1 k=20x20", {}),
        ("default conv c=3\ninput 3x8x8\nconv k=20", {}),
        (
            "net n fX=4 { input 6x8x8 | conv k=3 c=fX g4 }",
            {"leave `g4` out": "net n fX=4 { input 6x8x8 | conv k=3 c=fX }"},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_offered(text: str, fixes: dict[str, str]) -> None:
    assert mended(text) == fixes


def test_what_hangs_on_a_parameter_is_left_alone() -> None:
    text = "block unit pad {\n  conv 4x3x3 p=pad -> 4x8x8\n}\n"
    text += "net a { input 3x8x8 | unit 0 }\n"
    assert list(mended(text)) == ["write `4x6x6`"]


def test_a_hint_is_a_text() -> None:
    hint = Hint("try this")
    assert hint == "try this"
    assert fixes_of(hint) == fixes_of("try that") == ()


@pytest.mark.parametrize(
    "label", ["a:", "X:", "x_1.Y9:", "a \t:\t ", '"a b":', '"a" \t: ', '"1":']
)
def test_a_layer_is_put_before_the_label(label: str) -> None:
    text = f'input 3x8x8 | "c": relu | {label}fc 3'
    assert mended(text)["put `gap` before it"] == (
        f'input 3x8x8 | "c": relu | gap | {label}fc 3'
    )


def test_a_layer_is_put_before_an_empty_label() -> None:
    _, finding = found(text := 'input 3x8x8 | "c": relu | "": fc 3')
    (_, fix) = finding.fixes
    assert changed(text, fix) == 'input 3x8x8 | "c": relu | gap | "": fc 3'


def test_a_kernel_that_is_a_default_is_not_swapped() -> None:
    assert not mended("default conv k=19\nnet a { input 3x8x8 | conv 4 }\n")


def test_a_label_far_from_its_call_is_kept() -> None:
    blanks = " " * 600
    fixes = mended(f"input 3x8x8 | a:{blanks}fc 3")
    assert fixes["put `gap` before it"] == f"input 3x8x8 | gap | a:{blanks}fc 3"


@pytest.mark.parametrize(
    ("layer", "rank", "about"),
    [("fc", 3, "`gap` (a"), ("dwconv", 3, "p1 or more"), ("conv", 2, "leave g out")],
)
def test_what_no_text_asks_for_has_hints_without_fixes(
    layer: str, rank: int, about: str
) -> None:
    # As a test of a layer draws them, with sizes of its own.
    sites = (s for s in drawn_sites(LAYERS[layer]) if s.x.rank == rank)
    problems = (site.layer.shape(site) for site in islice(sites, 500))
    hints = [h for p in problems if isinstance(p, Problem) for h in p.hints]
    found = [hint for hint in hints if about in hint]
    assert found
    assert all(fixes_of(hint) == () for hint in found)
