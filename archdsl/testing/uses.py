"""Uses of a layer, drawn from what its record says of inputs and arguments."""

from __future__ import annotations

import random
from collections.abc import Iterator

from archdsl.ops.record import REQUIRED, Arg, Bound, Layer, Site, plain
from archdsl.shapes.expr import Const
from archdsl.shapes.tensor import AXES, Dim, TensorType

SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16)
# What cannot be drawn without knowing what it means.
_MEANT = ("text", "strings", "list", "lists", "formula")


def drawn_sites(layer: Layer) -> Iterator[Site]:
    """Uses without end, always the same ones; the shape rule may refuse any."""
    r = random.Random(layer.name)
    while True:
        ins = drawn_inputs(layer, r)
        rank = ins[0].rank if ins else 1
        args: dict[str, Bound] = {}
        for arg in layer.args:
            value = drawn_value(arg, rank, r)
            args[arg.name] = Bound(value, Const(plain(value)), None)
        yield Site(layer, ins, args, None)


def drawn_inputs(layer: Layer, r: random.Random) -> tuple[TensorType, ...]:
    """Inputs: the further ones often equal the first, or differ along one axis."""
    least, most = layer.inputs
    count = r.randint(least, least + 2 if most is None else most)
    rank = r.choice(layer.ranks)
    first = [r.choice(SIZES) for _ in range(rank)]
    found: list[TensorType] = []
    for number in range(count):
        sizes = list(first)
        kind = r.randrange(4) if number else 0
        if kind == 1:
            sizes[r.randrange(rank)] = r.choice(SIZES)
        elif kind == 2:
            sizes = sizes[:1]
        elif kind == 3 and rank > 1:
            sizes[-2:] = [first[-1], r.choice(SIZES)]
        dtypes = layer.dtypes[min(number, len(layer.dtypes) - 1)]
        dims = tuple(Dim(size, None) for size in sizes)
        found.append(TensorType(dims, r.choice(dtypes)))
    return tuple(found)


def drawn_value(arg: Arg, rank: int, r: random.Random) -> object:
    """A value that the argument takes.

    Raises ValueError for an argument that has to be given and whose value cannot be
    drawn without knowing what it means.
    """
    kind, least, most, words = arg.type
    if arg.default is not REQUIRED and (kind in _MEANT or r.random() < 0.5):
        return arg.default
    if kind in _MEANT:
        raise ValueError(f"values for `{arg.name}` cannot be drawn: give uses")
    if words and (kind == "word" or r.random() < 0.3):
        return r.choice(words)
    if kind == "truth":
        return r.random() < 0.5
    if kind == "axis":
        return r.choice(tuple(AXES[rank]))
    if kind == "number":
        low = 0.0 if least is None else least
        return round(r.uniform(low, low + 2 if most is None else most), 3)
    if kind == "sizes":
        return tuple(_whole(arg, r) for _ in range(r.choice((1, max(1, rank - 1)))))
    return _whole(arg, r)


def _whole(arg: Arg, r: random.Random) -> int:
    low = -3 if arg.type.least is None else int(arg.type.least)
    high = low + r.choice((0, 1, 2, 2, 3, 3, 6, 20))
    return r.randint(
        low, high if arg.type.most is None else min(high, int(arg.type.most))
    )
