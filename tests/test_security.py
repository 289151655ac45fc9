"""SECURITY.md says what the compiler has."""

from __future__ import annotations

import re
from pathlib import Path

from archdsl.backends.diagram.plan import MAX_DRAWN
from archdsl.backends.torch.size import MAX_WRITTEN_STAGES
from archdsl.limits import MAX_EXPRESSION_DEPTH, MAX_FINDINGS, MEANING, MOST, parsed
from archdsl.shapes.expr import MAX_UNKNOWN_WEIGHT
from archdsl.shapes.size import MAX_PARTS

TEXT = (Path(__file__).parents[1] / "SECURITY.md").read_text(encoding="utf-8")


def test_the_limits_are_the_compilers() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+) \| (.+) \|$", TEXT, re.MULTILINE)
    assert [(name, int(most.replace(",", ""))) for name, most, _ in rows] == [
        *MOST._asdict().items()
    ]
    assert {name: meaning for name, _, meaning in rows} == MEANING
    beside = TEXT.partition("Beside them")[2].partition("\n\n")[0]
    numbers = [int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*\d", beside)]
    assert numbers == [
        MAX_EXPRESSION_DEPTH,
        MAX_FINDINGS,
        MAX_PARTS,
        MAX_UNKNOWN_WEIGHT,
        MAX_WRITTEN_STAGES,
        MAX_DRAWN,
    ]


def test_its_examples_lower_limits() -> None:
    given = re.findall(r'ARCHDSL_LIMITS="([^"]+)"', TEXT)
    assert given
    assert all(parsed(setting) != MOST for setting in given)


def test_its_commands_are_there() -> None:
    root = Path(__file__).parents[1]
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make (\w+)`", TEXT):
        assert f"\n{target}:" in makefile
    for path in re.findall(r"`python (tests/[\w/]+\.py)", TEXT):
        assert (root / path).exists()
