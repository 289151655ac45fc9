"""Which sums take the memory of the map that is added, and that no number changes."""

from __future__ import annotations

import re

import pytest
from inference_nets import hold, network

from archdsl.backends.inference.emit import emit
from archdsl.backends.inference.overwrite import MOST_BETWEEN

UNIT = """
block unit c {
  conv c 3x3 p1 | bn | relu
  conv c 3x3 p1 | bn
  add(id, in) | relu
}
"""

SUM = "add(id, conv 4 1 | conv 4 1)"

# A net, and how many of its classes' convolutions overwrite what they add.
NETS = {
    "what a convolution gave": (f"input 4x6x6 | conv 4 1 | {SUM}", 1),
    "what a pool gave": (f"input 4x6x6 | maxpool 2 | {SUM} | relu", 1),
    "the net's input": (f"input 4x6x6 | {SUM}", 0),
    "what the convolution itself reads": (
        "input 4x6x6 | conv 4 1 | add(id, conv 4 1)",
        0,
    ),
    "what a view shows": (
        f"input 4x36 | fc 36 | reshape 4x6x6 | {SUM}",
        0,
    ),
    "what is a view of what is computed": (
        "input 8x6x6 | a: conv 8 1 | s: slice 0 4 | conv 4 1 | add(id, s)"
        " | concat(id, a)",
        0,
    ),
    "what is read later": (
        f"input 4x6x6 | a: conv 4 1 | {SUM} | concat(id, a)",
        0,
    ),
    "what was read before": (
        f"input 4x6x6 | conv 4 1 | {SUM} | relu | conv 4 1",
        1,
    ),
    # It is computed where it is needed first, which is after the sum.
    "what is read before in the text alone": (
        "input 4x6x6 | a: conv 4 1 | b: conv 4 1 | a | conv 4 1 | conv 4 1 | add(id, a)"
        " | concat(id, b)",
        0,
    ),
    "what was read before, in a view": (
        "input 4x6x6 | a: conv 4 1 | b: slice 0 2 | a | conv 4 1 | add(id, a)"
        " | concat(id, b)",
        0,
    ),
    "an output": (
        f"net n {{ input 4x6x6 | a: conv 4 1 | {SUM} | b: relu | output(a, b) }}",
        0,
    ),
    "a block's input": (f"{UNIT}\nnet n {{ input 3x6x6 | conv 4 1 | unit 4 }}", 1),
    "a block's input that is the net's": (
        f"{UNIT}\nnet n {{ input 4x6x6 | unit 4 }}",
        0,
    ),
    "copies": (f"{UNIT}\nnet n {{ input 3x6x6 | conv 4 1 | unit 4 x3 }}", 1),
    "copies, the first of which gets the net's input": (
        f"{UNIT}\nnet n {{ input 4x6x6 | l: unit 4 x3 }}",
        0,
    ),
    "a block's input that is read later": (
        f"{UNIT}\nnet n {{ input 3x6x6 | a: conv 4 1 | unit 4 | concat(id, a) }}",
        0,
    ),
    "a block that is called by two, of whom one reads on": (
        f"{UNIT}\nnet n {{ input 3x6x6 | a: conv 4 1 | unit 4 | concat(id, a)"
        " | conv 4 1 | unit 4 }",
        0,
    ),
    "a block that gives what it gets": (
        "block same { in }\n" + UNIT + "net n { input 3x6x6 | a: conv 4 1"
        " | same | unit 4 | concat(id, a) }",
        0,
    ),
    "blocks in blocks": (
        f"{UNIT}block two c {{ unit c | unit c }}\nnet n {{ input 3x6x6 | conv 4 1"
        " | two 4 x2 | gap }",
        1,
    ),
    "what all copies add": (
        "block plus(a, b) { a | conv 4 1 | add(id, b) }\nnet n { input 3x6x6"
        " | s: conv 4 1 | plus(id, s) x3 }",
        0,
    ),
    "what one block adds of two inputs": (
        "block plus(a, b) { a | conv 4 1 | add(id, b) }\nnet n { input 3x6x6"
        " | s: conv 4 1 | conv 4 1 | plus(id, s) }",
        1,
    ),
    "both inputs are one": (
        "block plus(a, b) { a | conv 4 1 | add(id, b) }\nnet n { input 3x6x6"
        " | s: conv 4 1 | plus(s, s) }",
        0,
    ),
}


def overwritten(text: str) -> int:
    return len(re.findall("overwrite=True", emit(network(text))))


@pytest.mark.parametrize("name", NETS)
def test_what_is_overwritten(name: str) -> None:
    text, expected = NETS[name]
    assert overwritten(text) == expected


@pytest.mark.parametrize("name", NETS)
def test_numbers_are_those_of_training(name: str) -> None:
    hold(network(NETS[name][0]))


def test_cudnn_gives_new_maps() -> None:
    assert "overwrite" not in emit(network(NETS["copies"][0]), "cuda")


@pytest.mark.parametrize(
    ("stages", "expected"), [(MOST_BETWEEN - 10, 1), (MOST_BETWEEN + 10, 0)]
)
def test_of_many_stages_between_not_all_are_looked_at(
    stages: int, expected: int
) -> None:
    text = (
        f"input 4x6x6 | a: conv 4 1 | {{maxpool 1}} x{stages} | conv 4 1 | add(id, a)"
    )
    assert overwritten(text) == expected
