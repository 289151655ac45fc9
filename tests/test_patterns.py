"""The patterns of `rearrange` and `einsum` against evaluations of their own."""

from __future__ import annotations

import itertools
import math
import random
import re

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from oneliners import built, codes, network

from archdsl.backends.torch.emit import emit
from archdsl.ops import LAYERS
from archdsl.ops.helpers.rearrange import Rearrange
from archdsl.ops.record import Bound, Site
from archdsl.pipeline import check
from archdsl.runtime.load import execute
from archdsl.shapes.expr import Const
from archdsl.shapes.tensor import Dim, DType, TensorType
from archdsl.source import Source


def tensor(*sizes: int, dtype: DType = "float", batched: bool = True) -> TensorType:
    return TensorType(tuple(Dim(size, None) for size in sizes), dtype, batched)


def moved(x: NDArray[np.int64], pattern: str, **given: int) -> NDArray[np.int64]:
    """What a pattern does, number by number: by the places of each name."""
    sides = []
    for side in pattern.split("->"):
        axes = re.findall(r"\(([^)]*)\)|(\S+)", side)
        names = [(inside or alone).split() for inside, alone in axes]
        sides.append([[n for n in axis if n != "1"] for axis in names])
    before, after = sides
    sizes = dict(given)
    for axis, total in zip(before, x.shape, strict=True):
        known = math.prod(sizes.get(name, 1) for name in axis)
        for name in axis:
            sizes.setdefault(name, total // known)
    names = list(sizes)

    def place(axes: list[list[str]], at: dict[str, int]) -> tuple[int, ...]:
        found = []
        for axis in axes:
            number = 0
            for name in axis:
                number = number * sizes[name] + at[name]
            found.append(number)
        return tuple(found)

    out = np.zeros([math.prod(sizes[n] for n in axis) for axis in after], np.int64)
    for numbers in itertools.product(*(range(sizes[name]) for name in names)):
        at = dict(zip(names, numbers, strict=True))
        out[place(after, at)] = x[place(before, at)]
    return out


@pytest.mark.parametrize(
    ("shape", "pattern", "lengths"),
    [
        ((3, 4, 6), "c (h p) (w q) -> (h w) (p q c)", {"p": 2, "q": 3}),
        ((3, 4, 6), "c h w -> (h w) c", {}),
        ((3, 4, 6), "c h w -> w c h", {}),
        ((12,), "(a b c) -> c a b", {"a": 2, "c": 3}),
        ((12,), "(a b) -> b 1 a", {"b": 4}),
        ((1, 4, 1), "1 t () -> t", {}),
        ((5,), "t -> 1 t 1", {}),
        ((8, 2, 3), "(c a b) h w -> c (h a) (w b)", {"a": 2, "b": 2}),
        ((2, 3, 4, 5), "a b c d -> (d c) (b a)", {}),
        ((4, 6), "t (k h d) -> k h t d", {"k": 3, "h": 1}),
        ((1, 1), "1 a -> a", {}),
        ((1,), "1 -> 1 1", {}),
    ],
)
def test_rearrange(
    shape: tuple[int, ...], pattern: str, lengths: dict[str, int]
) -> None:
    x = torch.arange(2 * math.prod(shape)).reshape(2, *shape)
    module = Rearrange(pattern, **lengths)
    keys = "".join(f" {name}={size}" for name, size in lengths.items())
    text = f'input {"x".join(map(str, shape))} | rearrange "{pattern}"{keys}'
    checked = network(text)
    for found in (module(x), built(text)(x)):
        assert tuple(found.shape) == (2, *checked.root.type.sizes)
        for one, given in zip(found, x, strict=True):
            expected = moved(given.numpy(), pattern, **lengths)
            assert np.array_equal(one.numpy(), expected)


@pytest.mark.parametrize(
    "stage",
    [
        '"c h w"',
        '"c h w -> c h"',
        '"c h -> h c"',
        '"c h w -> c (h w"',
        '"c h w -> c ((h) w)"',
        '"c h w -> c h w c"',
        '"c c w -> c w"',
        '"c h ... -> ... c h"',
        '"c (h p) w -> c h p w"',
        '"c (h p) w -> c h p w" p=3',
        '"c (h p) w -> c h p w" p=4 h=3',
        '"c h w -> c h w" h=9',
        '"c h w -> c h w" z=8',
        '"c (a b) (d e) -> c a b d e" a=2 d=2',
        '"1 h w -> h w"',
        '"c h for -> for c h"',
    ],
)
def test_rearrange_refuses(stage: str) -> None:
    assert codes(f"input 3x8x6 | rearrange {stage}") == ["E0313"]


def test_lengths_of_a_pattern_follow_parameters() -> None:
    text = (
        "block patches p { rearrange"
        ' "c (h a) (w b) -> (h w) (a b c)" a=p b=p }\n'
        "net n {\n  input 3x8x8\n  add(patches 2 | fc 5 | rearrange"
        ' "(h a) c -> h (a c)" a=4 | fc 5, patches 4 | fc 5)\n}\n'
    )
    found = check(Source("t.arch", text))
    assert not found.diagnostics
    source = emit(found.networks["n"])
    assert "a=p, b=p" in source
    out = execute(source).N()(torch.randn(2, 3, 8, 8))
    assert out.shape == (2, 4, 5)
    assert codes('input 8 | rearrange "(a b) -> a b" a=2.5') == ["E0404"]
    assert codes('input 8 | rearrange "(a b) -> a b" a=0') == ["E0405"]
    assert codes('input 8 | rearrange "(a b) -> a b" a=2 a=2') == ["E0406"]
    assert codes("input 8 | rearrange a=2") == ["E0402"]


def test_einsum_is_that_of_numpy() -> None:
    r = random.Random(0)
    torch.manual_seed(0)
    sizes = {"c": 3, "d": 2, "t": 4, "b": 5}
    layer = LAYERS["einsum"]
    for _ in range(50):
        operands = ["".join(r.sample("cdtb", r.randint(1, 3))) for _ in range(2)]
        there = sorted(set("".join(operands)))
        out = "".join(r.sample(there, r.randint(1, len(there))))
        equation = f"{','.join(operands)}->{out}"
        shapes = [[sizes[letter] for letter in one] for one in operands]
        ins = [torch.randn(3, *shape) for shape in shapes]
        expected = [
            np.einsum(equation, *(x[sample].numpy() for x in ins))
            for sample in range(3)
        ]
        site = Site(
            layer,
            tuple(tensor(*shape) for shape in shapes),
            {"pattern": Bound(equation, Const(equation), None)},
            None,
        )
        function = layer.torch(site).function
        assert function is not None
        text = str(function.arguments[0])  # type: ignore[union-attr]
        found = torch.einsum(text.strip('"'), *ins)
        assert np.allclose(found.numpy(), np.stack(expected), atol=1e-4)


@pytest.mark.parametrize(
    "stage",
    [
        '(id, id) "td, ed"',
        '(id, id) "td -> t"',
        '(id, id) "td, dt -> t"',
        '(id, id) "t, td -> t"',
        '(id, id) "td, td -> e"',
        '(id, id) "td, td -> tt"',
        '(id, id) "td, td ->"',
        '(id, id) "t1, t1 -> t"',
    ],
)
def test_einsum_refuses(stage: str) -> None:
    assert codes(f"input 4x6 | einsum{stage}") == ["E0313"]


def test_einsum_of_a_diagonal() -> None:
    module = built('input 4x4 | einsum "tt -> t"')
    x = torch.randn(2, 4, 4)
    assert torch.equal(module(x), x.diagonal(dim1=1, dim2=2))
