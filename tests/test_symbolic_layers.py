"""Each layer's shape rule and cost with sizes that are symbols, at numbers."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator

import pytest
import torch
from test_symbolic import (
    SIZES,
    at,
    checked,
    drawn,
    first_of,
    module_of,
    shapes,
    tensors,
    totals,
)

from archdsl.ops import LAYERS
from archdsl.pipeline import check
from archdsl.source import Source

LETTERS = "HWTS"
MOST = 40


def opened(example: str) -> Iterator[str]:
    """The example with one size of its input or several as symbols."""
    found = re.match(r"input ([\dx]+)", example)
    assert found
    sizes = found[1].split("x")
    axes = range(len(sizes))
    for count in axes:
        for chosen in itertools.combinations(axes, count + 1):
            parts = [LETTERS[a] if a in chosen else sizes[a] for a in axes]
            yield f"input {' '.join(parts)}{example[found.end() :]}"


# Their weights, or what they are told, speak of every size of the example's input.
NEEDS_NUMBERS = {"affine", "fc", "reshape", "unflatten", "rbf"}
WITH_INPUTS = [name for name, layer in LAYERS.items() if layer.inputs != (0, 0)]


@pytest.mark.parametrize("name", WITH_INPUTS)
def test_formulas_are_what_numbers_give(name: str) -> None:
    texts = [
        text
        for text in opened(LAYERS[name].example)
        if not check(Source("t.arch", text)).diagnostics
    ]
    assert bool(texts) != (name in NEEDS_NUMBERS)
    r = random.Random(name)
    for text in texts:
        symbolic = checked(text)
        assert symbolic.facts is not None
        with torch.device("meta"):
            module = module_of(symbolic).eval()
        for number in range(SIZES):
            sizes = drawn(symbolic, r, MOST)
            concrete = checked(text, "", **sizes)
            assert shapes(symbolic, sizes) == shapes(concrete, {})
            assert totals(symbolic, sizes) == totals(concrete, {})
            if number < 3:
                out = first_of(module(*tensors(symbolic, sizes, "meta")))
                wanted = [at(size, sizes) for size in symbolic.root.type.sizes]
                assert list(out.shape[1:]) == wanted
