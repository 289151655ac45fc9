"""Uses of layers whose inputs or arguments would seldom fit if drawn at random."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from archdsl.shapes.tensor import AXES, Dim, DType, TensorType

SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15, 16, 18, 20)


def written(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def drawn_shape(r: random.Random, rank: int) -> tuple[int, ...]:
    return tuple(r.choice(SIZES) for _ in range(rank))


def drawn_reshape(r: random.Random) -> str:
    """The same sizes in another order, two of them perhaps as one."""
    given = drawn_shape(r, r.randint(2, 4))
    asked = list(given)
    r.shuffle(asked)
    if r.random() < 0.5:
        asked[:2] = [asked[0] * asked[1]]
    if r.random() < 0.5:
        return f"input {written(tuple(asked))} | reshape {written(given)}"
    return f"input {written(given)} | reshape {written(tuple(asked))}"


def drawn_unflatten(r: random.Random) -> str:
    shape = drawn_shape(r, r.randint(2, 4))
    return f"input {math.prod(shape)} | unflatten {written(shape)}"


def drawn_rearrange(r: random.Random) -> str:
    """Some parts of axes in another order, split and joined at random."""
    names = [r.choice("abch") + str(at) for at in range(r.randint(1, 6))]
    sizes = {name: r.choice(SIZES[:6]) for name in names}

    def side(order: list[str]) -> list[list[str]]:
        cuts = sorted(r.choices(range(len(order) + 1), k=r.randint(0, 3)))
        ends = zip([0, *cuts], [*cuts, len(order)], strict=True)
        return [order[start:end] for start, end in ends]

    def axis(parts: list[str]) -> str:
        if len(parts) == 1:
            return parts[0]
        return f"({' '.join(parts)})" if parts else "1"

    before, after = side(names), side(r.sample(names, len(names)))
    shape = tuple(math.prod(sizes[name] for name in parts) for parts in before)
    text = f"{' '.join(map(axis, before))} -> {' '.join(map(axis, after))}"
    left_out = {r.choice(parts) for parts in before if parts}
    keys = [f" {name}={sizes[name]}" for name in names if name not in left_out]
    return f'input {written(shape)} | rearrange "{text}"{"".join(keys)}'


def drawn_chunk(r: random.Random) -> str:
    given, parts = list(drawn_shape(r, r.randint(1, 4))), r.choice(SIZES)
    axis, at = r.choice(list(AXES[len(given)].items()))
    given[at] *= parts
    kind = r.choice(("", " int", " bool"))
    index = r.randrange(parts)
    return f"input {written(tuple(given))}{kind} | chunk {parts} {index} {axis}"


def drawn_split(r: random.Random) -> str:
    given = list(drawn_shape(r, r.randint(1, 4)))
    parts = list(drawn_shape(r, r.randint(1, 4)))
    axis, at = r.choice(list(AXES[len(given)].items()))
    given[at] = sum(parts)
    kind = r.choice(("", " int", " bool"))
    index = r.randrange(len(parts))
    return f"input {written(tuple(given))}{kind} | split {parts} {index} {axis}"


def drawn_upsample(r: random.Random) -> str:
    rank = r.randint(2, 4)
    modes = {2: ("linear",), 3: ("bilinear", "bicubic"), 4: ("trilinear",)}[rank]
    mode = r.choice((*modes, "nearest", '"nearest-exact"', "area"))
    count = r.choice((1, rank - 1))
    key, most = r.choice((("s", 4), ("size", 20)))
    asked = written(tuple(r.randint(1, most) for _ in range(count)))
    text = f"input {written(drawn_shape(r, rank))} | upsample {key}={asked} mode={mode}"
    return text + r.choice(("", " align")) * (mode in modes)


Drawn = tuple[tuple[TensorType, ...], dict[str, object]]


def tensor(*sizes: int, dtype: DType = "float", batched: bool = True) -> TensorType:
    return TensorType(tuple(Dim(size, None) for size in sizes), dtype, batched)


def drawn_mask(r: random.Random, *sizes: int) -> TensorType:
    """For each key, each query and key, or each head, query and key."""
    return tensor(*sizes[-r.randint(1, 3) :], dtype="bool", batched=r.random() < 0.7)


def drawn_attention(r: random.Random) -> Drawn:
    heads, t, s = r.randint(1, 4), r.choice(SIZES), r.choice(SIZES)
    width = heads * r.randint(1, 5)
    ins = [tensor(t, width)]
    if r.random() < 0.6:
        ins.append(tensor(s, r.choice((width, r.choice(SIZES)))))
    if r.random() < 0.5:
        ins.append(drawn_mask(r, heads, t, s if len(ins) == 2 else t))
    return tuple(ins), {"heads": heads}


def drawn_sdpa(r: random.Random) -> Drawn:
    shared, t, s = r.randint(1, 3), r.choice(SIZES), r.choice(SIZES)
    heads = shared * r.randint(1, 3)
    width, values = r.randint(1, 5), r.randint(1, 5)
    ins = [
        tensor(t, heads * width),
        tensor(s, shared * width),
        tensor(s, shared * values),
    ]
    if r.random() < 0.5:
        ins.append(drawn_mask(r, heads, t, s))
    args: dict[str, object] = {"heads": heads}
    if shared != heads or r.random() < 0.3:
        args["kv"] = shared
    else:
        args["kv"] = None
    return tuple(ins), args


def drawn_einsum(r: random.Random) -> Drawn:
    letters = r.sample("abcdwxyz", 5)
    sizes = {letter: r.choice(SIZES[1:8]) for letter in letters}
    operands = [
        "".join(r.sample(letters, r.randint(1, 4))) for _ in range(r.randint(1, 3))
    ]
    there = sorted(set("".join(operands)))
    out = "".join(r.sample(there, r.randint(1, min(4, len(there)))))
    ins = tuple(tensor(*(sizes[letter] for letter in one)) for one in operands)
    blank = r.choice(("", " "))
    return ins, {
        "pattern": f", {blank}".join(map(blank.join, operands)) + f"->{blank}{out}"
    }


def drawn_recurrent(r: random.Random, states: int, proj: bool = False) -> Drawn:
    hidden, layers = r.choice(SIZES[1:]), r.choice((1, 1, 2, 3))
    given = r.randint(1, hidden - 1) if proj and r.random() < 0.5 else hidden
    directions = r.randint(1, 2)
    ins = [tensor(r.choice(SIZES[:8]), r.choice(SIZES))]
    if r.random() < 0.5:
        count = layers * directions
        for size in (given, hidden)[:states]:
            alone = count == 1 and r.random() < 0.5
            sizes = (size,) if alone else (count, size)
            ins.append(tensor(*sizes, batched=r.random() < 0.7))
    args: dict[str, object] = {"hidden": hidden, "layers": layers}
    args["bidirectional"] = directions == 2
    if proj:
        args["proj"] = given if given != hidden else None
    return tuple(ins), args


def drawn_index(r: random.Random) -> Drawn:
    table = drawn_tensor(r, r.randint(1, 3))
    places = drawn_tensor(r, r.randint(1, 5 - table.rank))
    return (
        table._replace(batched=False),
        places._replace(dtype="int", batched=r.random() < 0.8),
    ), {}


def drawn_affine(r: random.Random) -> Drawn:
    x = drawn_tensor(r, r.randint(1, 4))._replace(batched=r.random() < 0.9)
    n, transposed = r.choice(SIZES), r.random() < 0.5
    sizes = (x.numbers[-1], n) if transposed else (n, x.numbers[-1])
    given = [tensor(*sizes, batched=False), tensor(n, batched=False)]
    return (x, *given[: r.randint(1, 2)]), {"transposed": transposed}


def drawn_elementwise(r: random.Random, most: int) -> Drawn:
    """Equal shapes, a vector for the channels, or sizes that are 1 or missing."""
    whole = drawn_shape(r, r.randint(1, 4))
    broadcast = r.random() < 0.6
    ins: list[TensorType] = []
    for _ in range(r.randint(2, most)):
        sizes = whole
        if broadcast:
            kept = whole[r.randrange(len(whole)) :]
            sizes = tuple(size if r.random() < 0.7 else 1 for size in kept)
        elif r.random() < 0.3 and ins:
            sizes = whole[:1]
        ins.append(tensor(*sizes, batched=r.random() < 0.8))
    return tuple(ins), {"broadcast": broadcast}


def drawn_tensor(r: random.Random, rank: int) -> TensorType:
    return tensor(*(r.choice(SIZES) for _ in range(rank)))


# Of layers whose inputs would seldom fit.
DRAWN_INPUTS: dict[str, Callable[[random.Random], Drawn]] = {
    "index": drawn_index,
    "affine": drawn_affine,
    "add": lambda r: drawn_elementwise(r, 4),
    "mul": lambda r: drawn_elementwise(r, 4),
    "sub": lambda r: drawn_elementwise(r, 2),
    "div": lambda r: drawn_elementwise(r, 2),
    "attention": drawn_attention,
    "sdpa": drawn_sdpa,
    "einsum": drawn_einsum,
    "rnn": lambda r: drawn_recurrent(r, 1),
    "gru": lambda r: drawn_recurrent(r, 1),
    "lstm": lambda r: drawn_recurrent(r, 2, proj=True),
}
