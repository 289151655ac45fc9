"""Sizes that are not known, and whose formulas grow with each layer."""

from __future__ import annotations

import time

import pytest
import torch

import archdsl
from archdsl.pipeline import check
from archdsl.runtime.load import execute
from archdsl.source import Source

HALVES = "{concat(maxpool 2, avgpool 3) w}"


def test_long_formulas_run() -> None:
    net = execute(archdsl.compile("input 3xHxW | {upsample H W} x12")).Net()
    assert tuple(net(torch.ones(1, 3, 1, 2)).shape) == (1, 3, 1, 2**13)


@pytest.mark.parametrize(
    ("text", "sizes", "given"),
    [
        ("input 3xHxW | {maxpool 2} x6 | a: id | pad a.h", (3, 3), (64, 65)),
        ("input 3xHxW | {maxpool 2} x12 | a: id | pad a.h", (3, 3), (4096, 4096)),
        ("input 3xHxW | {conv 3 3x3 s2} x5 | a: id | crop a.h", (3, 3), (127, 127)),
        ("input 3xHxW | {upsample 2} x6 | a: id | crop a.h", (128, 128), (2, 2)),
        (
            "input 3xHxW | {concat(id, id) h} x6 | crop id.h id.w",
            (64, 2),
            (1, 2),
        ),
        (
            "block b { pad (in.h*in.h*in.h*in.h*in.h*in.h*in.h*in.h*in.h*in.h*in.h"
            "*in.h*in.h*in.h) }\nnet top { input 3xHxW\n b }",
            (3, 4),
            (1, 2),
        ),
        (
            "input 3xHxW | pad ((H+1)*(H+2)*(H+3)*(H+4)*(H+5)*(W+1))",
            (2 + 2 * 5040, 1 + 2 * 5040),
            (2, 1),
        ),
    ],
)
def test_long_formulas_are_those_of_torch(
    text: str, sizes: tuple[int, int], given: tuple[int, int]
) -> None:
    with torch.device("meta"):
        module = execute(archdsl.compile(text))
        net = getattr(module, "Top" if "net top" in text else "Net")()
        assert tuple(net(torch.ones(1, 3, *given)).shape)[2:] == sizes


@pytest.mark.parametrize(
    ("text", "about"),
    [
        (f"input 3xL | {HALVES} x40", "concat(maxpool 2, avgpool 3) w"),
        ("input 3xHxW | {upsample id.h 1} x40", "upsample id.h 1"),
        (
            "input 3xH | pad (H**30*H**30*(H+H//2)**16*(H+H//3)**16)",
            "H**30*H**30*(H+H//2)**16",
        ),
    ],
)
def test_formulas_that_double_are_refused(text: str, about: str) -> None:
    began = time.process_time()
    (finding,) = check(Source("t.arch", text)).diagnostics
    assert finding.code == "E0701"
    assert finding.message == "the formula of a size has more than 1,000 parts"
    assert finding.span is not None
    assert finding.span.text == about
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("text", "code", "about"),
    [
        (
            f"input 3xL | {HALVES} x7 | upsample size=id.w",
            "E0705",
            "upsample size=id.w",
        ),
        (
            f"block b {{ {HALVES} x7 }}\n"
            "net n { input 3xL\n b\n upsample size=id.w }",
            "E0705",
            "upsample size=id.w",
        ),
        ("block b k { pad k }\nnet n { input 3xHxW\n b H }", "E0310", "b H"),
        (
            "block b k { pad 1 | pad k | relu }\nnet n { input 3xHxW\n a: b H x2 }",
            "E0310",
            "a: b H x2",
        ),
    ],
)
def test_what_no_source_can_say(text: str, code: str, about: str) -> None:
    assert check(Source("t.arch", text)).diagnostics == []
    with pytest.raises(archdsl.SpecError) as caught:
        archdsl.compile(text)
    (finding,) = caught.value.diagnostics
    assert finding.code == code
    assert finding.span is not None
    assert finding.span.text == about
