"""Layers that work along axes: means, parts, shifts."""

from __future__ import annotations

from archdsl.testing.drawing import Value, at_least, divisors
from archdsl.testing.layers.use import Drawn, Use, known_axes
from archdsl.testing.writer import Call, Writer


def _axis(w: Writer, v: Value, call: Call, known: bool = True) -> int:
    """An axis, and its name written; it is `c`, the first one's, when left out."""
    axes = known_axes(v) if known else list(range(v.rank))
    if w.keep is not None:
        axes = [at for at in axes if w.keep.frees(at, v.rank)]
    axis = w.pick(axes)
    if axis == 0 and w.chance(2):
        return axis
    name = w.pick(v.names(axis))
    if w.chance(4):
        call.key("axis", name)
    else:
        call.plain(name)
    return axis


def _reduced(layer: str, any_kind: bool) -> Use:
    def write(w: Writer, v: Value) -> Drawn:
        rest = list(range(v.rank))
        gone = [rest.pop(w.whole(0, len(rest) - 1))]
        while len(rest) > 1 and w.chance(3):
            gone.append(rest.pop(w.whole(0, len(rest) - 1)))
        names = " ".join(w.pick(v.names(at)) for at in gone)
        return f"{layer} {names}", v.without(*gone)

    return Use(layer, lambda v: v.rank > 1 and (any_kind or v.dtype == "float"), write)


def _take(w: Writer, v: Value) -> Drawn:
    axis = w.whole(0, v.rank - 1)
    size = at_least(v.sizes[axis])
    index = w.whole(-size, size - 1) if w.chance(2) else w.pick((0, -1))
    return f"take {index} {w.pick(v.names(axis))}", v.without(axis)


def _has_axis(value: Value) -> bool:
    return bool(known_axes(value))


def _slice(w: Writer, v: Value) -> Drawn:
    call = Call(w, "slice")
    rest = Call(w, "")
    axis = _axis(w, v, rest)
    size = v.sizes[axis]
    assert isinstance(size, int)
    start = w.whole(0, size - 1)
    end = w.whole(start + 1, size)
    call.number(start).number(end)
    return call.text() + rest.text(), v.replaced(axis, end - start)


def _chunk(w: Writer, v: Value) -> Drawn:
    rest = Call(w, "")
    axis = _axis(w, v, rest)
    size = v.sizes[axis]
    assert isinstance(size, int)
    parts = w.pick(divisors(size)[::-1])
    call = Call(w, "chunk").number(parts).number(w.whole(0, parts - 1))
    return call.text() + rest.text(), v.replaced(axis, size // parts)


def _split(w: Writer, v: Value) -> Drawn:
    rest = Call(w, "")
    axis = _axis(w, v, rest)
    size = v.sizes[axis]
    assert isinstance(size, int)
    parts = []
    while size:
        part = w.whole(1, size)
        parts.append(part)
        size -= part
    index = w.whole(0, len(parts) - 1)
    listed = "[" + ",".join(map(str, parts)) + "]"
    if w.chance(5):
        listed = w.lifted("list", listed)
    call = Call(w, "split").plain(listed).number(index)
    return call.text() + rest.text(), v.replaced(axis, parts[index])


def _roll(w: Writer, v: Value) -> Drawn:
    axis = w.whole(0, v.rank - 1)
    return f"roll {w.whole(-3, 3)} {w.pick(v.names(axis))}", v


USES = (
    _reduced("mean", False),
    _reduced("amax", True),
    Use("take", lambda v: v.rank > 1, _take),
    Use("slice", _has_axis, _slice),
    Use("chunk", _has_axis, _chunk),
    Use("split", _has_axis, _split),
    Use("roll", lambda v: True, _roll, keeps=True),
)
