"""No text takes longer than its length: see `pathological.py`, which has more."""

from __future__ import annotations

import time

import pathological
import pytest

from archdsl import pipeline
from archdsl.cli.main import main
from archdsl.diagnostics.render import FORMATS, render
from archdsl.reading import decoded
from archdsl.syntax.format import format_source

# Ten families, each at a size that takes some hundredths of a second.
TEN = {
    "binary": 8000,
    "labelled": 1500,
    "blocks": 800,
    "parallel": 1500,
    "defaults between nets": 600,
    "synerrs3": 480,
    "unknown1": 480,
    "family": 1000,
    "quotes": 60_000,
    "minima": 30,
}


def seconds(family: str, n: int) -> float:
    """The processor time for checking, telling and formatting; the best of some."""
    text = pathological.FAMILIES[family](n).encode()
    best = float("inf")
    for _ in range(3):
        begin = time.process_time()
        source, _ = decoded(text, "text.arch")
        assert source is not None
        found = pipeline.check(source).diagnostics
        for form in FORMATS:
            render(found, form)
        format_source(source)
        best = min(best, time.process_time() - begin)
    return best


@pytest.mark.parametrize("family", TEN)
def test_twice_the_text_takes_twice_the_time(family: str) -> None:
    n = TEN[family]
    ratios = []
    for _ in range(3):
        before, after = seconds(family, n), seconds(family, 2 * n)
        ratios.append(after / max(before, 0.002))
        if ratios[-1] <= pathological.MOST_RATIO:
            return
    raise AssertionError(f"{family}: {ratios}")


@pytest.mark.parametrize("family", pathological.FAMILIES)
def test_every_family_is_read(family: str) -> None:
    """At a size at which nothing is refused for its size, and no error is ours."""
    for n in (1, 2, 40):
        for _ in pathological.steps(pathological.FAMILIES[family](n)):
            pass


def test_a_net_of_unknown_sizes_halved_often() -> None:
    """Each least size was once sought in steps that grew too slowly."""
    begin = time.process_time()
    text = pathological.FAMILIES["minima"](20)
    assert main(["check", "-e", text]) == 0
    assert time.process_time() - begin < 2


def test_quotes_without_end_are_one_mistake() -> None:
    """Each was once looked for to the end of its line."""
    source, _ = decoded(("input 8 | " + "“ " * 100_000).encode(), "text.arch")
    assert source is not None
    begin = time.process_time()
    assert len(pipeline.check(source).diagnostics) == 1
    assert time.process_time() - begin < 1
