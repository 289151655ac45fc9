"""Stages with several inputs, and tensors of the module's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from archdsl.testing.drawing import Size, Value, divisors, text_of
from archdsl.testing.layers.use import (
    has_vectors,
    is_sequence,
    is_short_sequence,
    known_axes,
)
from archdsl.testing.writer import Call, Keep

if TYPE_CHECKING:
    from archdsl.testing.bodies import Bodies

Drawn: TypeAlias = tuple[str, Value]
MOST_ELEMENTS = 3000


class Merge:
    """How a merge is drawn; as a layer's use, but its inputs are chains."""

    __slots__ = ("fits", "keeps", "write")

    def __init__(
        self,
        fits: Callable[[Value], bool],
        write: Callable[[Bodies, Value, int], Drawn],
        keeps: bool = False,
    ) -> None:
        self.fits = fits
        self.write = write
        self.keeps = keeps


def _is_number(value: Value) -> bool:
    return value.dtype != "bool"


def _is_float(value: Value) -> bool:
    return value.dtype == "float"


def _named(b: Bodies, text: str) -> str:
    """A tensor of the module's own, with a label of its own sometimes."""
    if b.body.unlabelled or not b.chance(3):
        return text
    return f"{b.label(plain=True)}: {text}"


def _tensor(b: Bodies, sizes: tuple[int, ...]) -> str:
    """A learned tensor or a constant."""
    shape = " ".join(map(b.number, sizes)) if b.chance(4) else text_of(sizes)
    form = b.whole(0, 5)
    if form < 3:
        init = b.pick(("", " init=ones", " init=normal std=0.5", " value=0.5"))
        return _named(b, f"param {shape}{init}")
    formula = b.pick(("(ax0 + 1)", "(sin(ax0 / 7))", "(-ax0 if ax0 % 2 == 0 else 1)"))
    kept = b.pick(("", " persistent=false"))
    return _named(b, f"buffer {shape} value={formula}{kept}")


def _elementwise(b: Bodies, v: Value, depth: int) -> Drawn:
    layer = b.pick(("add", "mul", "sub", "div") if _is_float(v) else ("add", "mul"))
    first = "id"
    if b.chance(4):
        first, _ = b.branch(depth, Keep(), here=True)
    if not _is_float(v):
        return f"{layer}({first}, {b.branch(depth, Keep())[0]})", v
    form = b.whole(0, 5)
    if form == 3 and v.known and v.elements <= MOST_ELEMENTS:
        return f"{layer}({first}, {_tensor(b, v.numbers)})", v
    if form == 4 and v.rank > 1 and isinstance(v.sizes[0], int):
        # A vector is for the channels.
        if b.chance(2):
            vector = f"gap | fc {v.numbers[0]} | sigmoid"
        else:
            vector = _tensor(b, v.numbers[:1])
        return f"{layer}({first}, {vector})", v
    if form == 5 and v.known and v.elements <= MOST_ELEMENTS:
        kept = v.numbers[b.whole(0, v.rank - 1) :]
        sizes = tuple(size if b.chance(2) else 1 for size in kept)
        return f"{layer}({first}, {_tensor(b, sizes)}) broadcast", v
    inputs = [first, b.branch(depth, Keep())[0]]
    if layer in ("add", "mul") and b.chance(4):
        inputs.append(b.branch(depth, Keep())[0])
    return f"{layer}({', '.join(inputs)})", v


def _concat(b: Bodies, v: Value, depth: int) -> Drawn:
    axes = known_axes(v)
    if b.keep is not None:
        axes = [at for at in axes if b.keep.frees(at, v.rank)]
    if not axes:
        return f"concat({b.branch(depth, Keep(), here=True)[0]})", v
    axis = b.pick(axes)
    inputs, total = ["id"], v.sizes[axis]
    assert isinstance(total, int)
    for _ in range(b.whole(1, 2)):
        text, value = b.branch(depth, Keep(axis))
        size = value.sizes[axis]
        assert isinstance(size, int)
        inputs.append(text)
        total += size
    name = "" if axis == 0 and b.chance(2) else f" {b.pick(v.names(axis))}"
    return f"concat({', '.join(inputs)}){name}", v.replaced(axis, total)


def _stack(b: Bodies, v: Value, depth: int) -> Drawn:
    inputs = ["id"]
    for _ in range(b.whole(0, 2)):
        inputs.append(b.branch(depth, Keep())[0])
    return f"stack({', '.join(inputs)})", v._replace(sizes=(len(inputs), *v.sizes))


def _matmul(b: Bodies, v: Value, depth: int) -> Drawn:
    left, inner = v.sizes[-2:]
    if v.rank == 2 and isinstance(inner, int) and b.chance(2):
        n = b.pick((4, 8, 3))
        return f"matmul(id, param {inner} {b.number(n)})", v.replaced(-1, n)
    order = {2: "1 0", 3: "0 2 1", 4: "0 1 3 2"}[v.rank]
    first, _ = b.branch(depth, Keep(), here=True) if b.chance(3) else ("id", v)
    return f"matmul({first}, permute {order})", v.replaced(-1, left)


_EQUATIONS: dict[int, tuple[str, ...]] = {
    1: ("c, c -> c", "c, d -> c d"),
    2: ("t d, s d -> t s", "t d, t d -> t", "c n, c m -> n m", "t d -> d t"),
    3: ("c h w, d h w -> c d", "c h w, c h w -> h w", "c h w -> w c"),
    4: ("c t h w -> t c", "c t h w, c t h w -> c h w"),
}


def _einsum(b: Bodies, v: Value, depth: int) -> Drawn:
    pattern = b.pick(_EQUATIONS[v.rank])
    operands, _, out = pattern.partition(" -> ")
    sizes: dict[str, Size] = {}
    inputs = []
    for number, operand in enumerate(operands.split(", ")):
        if number and b.chance(2):
            inputs.append(b.branch(depth, Keep())[0])
        else:
            inputs.append("id")
        sizes |= dict(zip(operand.split(), v.sizes, strict=True))
    text = f'einsum({", ".join(inputs)}) "{pattern}"'
    return text, Value(tuple(sizes[letter] for letter in out.split()))


def _affine(b: Bodies, v: Value, depth: int) -> Drawn:
    last = v.numbers[-1]
    n = b.pick((4, 8, 1)) if b.keep is None else last
    transposed = b.chance(3)
    shape = f"{last} {n}" if transposed else f"{n} {last}"
    inputs = ["id", _named(b, f"param {shape} init=normal")]
    if b.chance(2):
        inputs.append(_named(b, f"param {n}"))
    call = Call(b, f"affine({', '.join(inputs)})")
    return call.truth("transposed", transposed, False).text(), v.replaced(-1, n)


def _index(b: Bodies, v: Value, depth: int) -> Drawn:
    n, size = b.pick((5, 9)), b.pick((4, 8, 6))
    table = _named(b, f"param {n} {b.number(size)} init=normal")
    return f"index({table}, id)", Value((*v.sizes, size))


def _memory(b: Bodies, v: Value, depth: int) -> Drawn:
    """Attention over something else, or with a mask."""
    heads = b.pick(divisors(v.numbers[-1], 4))
    inputs = ["id"]
    others = [
        (name, value)
        for name, value in b.body.labels
        if is_sequence(value) and isinstance(value.sizes[0], int)
    ]
    keys = v
    closed = isinstance(v.sizes[0], int)
    if others and b.chance(2):
        name, keys = b.pick(others)
        inputs.append(name)
    masks = [
        name
        for name, value in b.body.labels
        if value.dtype == "bool"
        and value.sizes in (keys.sizes[:1], (v.sizes[0], keys.sizes[0]))
    ]
    if masks:
        inputs.append(b.pick(masks))
    elif len(inputs) == 1 and not closed:
        inputs.append(b.branch(depth, Keep())[0])
    elif closed and b.chance(2):
        shape = f"{v.sizes[0]} {keys.sizes[0]}"
        inputs.append(f"buffer {shape} dtype=bool value=(ax0 >= ax1)")
    return f"attention({', '.join(inputs)}) {b.number(heads)}", v


def _states(b: Bodies, v: Value, depth: int) -> Drawn:
    """A recurrent layer that begins from states."""
    hidden = b.pick((4, 6)) if b.keep is None else v.numbers[-1]
    layer = b.pick(("gru", "rnn", "lstm"))
    state = f"{b.pick(('take 0 t', 'mean t', 'amax t'))} | fc {hidden}"
    states = ", ".join([state] * (1 + (layer == "lstm")))
    return f"{layer}(id, {states}) {b.number(hidden)}", v.replaced(-1, hidden)


def _calls(b: Bodies, v: Value, depth: int) -> Drawn:
    """A layer with one input, which is written as a chain."""
    layer = b.pick(("relu", "tanh", "bn") if isinstance(v.sizes[0], int) else ("relu",))
    text, made = b.branch(depth, Keep(), here=True)
    return f"{layer}({text})", made


MERGES = (
    Merge(_is_number, _elementwise, keeps=True),
    Merge(_is_number, _elementwise, keeps=True),
    Merge(lambda v: v.elements <= MOST_ELEMENTS, _concat, keeps=True),
    Merge(lambda v: v.rank < 4 and v.elements <= MOST_ELEMENTS, _stack),
    Merge(lambda v: _is_float(v) and v.rank > 1, _matmul),
    Merge(lambda v: _is_float(v) and v.known and v.elements <= 1000, _einsum),
    Merge(has_vectors, _affine, keeps=True),
    *[Merge(lambda v: v.dtype == "int" and v.rank < 4, _index)] * 4,
    *[Merge(is_sequence, _memory, keeps=True)] * 3,
    Merge(is_short_sequence, _states, keeps=True),
    Merge(_is_float, _calls, keeps=True),
)
