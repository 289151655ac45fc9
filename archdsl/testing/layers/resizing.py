"""Layers that change the size of a map or move its numbers between axes."""

from __future__ import annotations

from archdsl.testing.drawing import Size, Value, at_least, divisors
from archdsl.testing.layers.use import Drawn, Use, is_map, known_axes
from archdsl.testing.layers.windows import each
from archdsl.testing.writer import Call, Writer


def _has_places(value: Value) -> bool:
    return value.rank > 1 and value.elements <= 2000


def _pad(w: Writer, v: Value) -> Drawn:
    axes = v.rank - 1
    many = axes if w.chance(3) else 1
    begin = tuple(w.whole(0, 2) for _ in range(many))
    end = begin
    call = Call(w, "pad").window(begin, axes)
    if w.chance(4):
        end = tuple(w.whole(0, 2) for _ in range(axes))
        call.key("end", w.sizes(end, axes))
    both = list(zip(each(begin, axes), each(end, axes), strict=True))
    form = w.whole(0, 5)
    most = list(zip(map(at_least, v.sizes[1:]), map(max, both), strict=True))
    if form == 3 and v.dtype == "float":
        call.key("value", w.pick(("1", "0.5", "-2")))
    elif form == 4 and all(p <= n for n, p in most):
        call.word("mode", "circular")
    elif form == 5 and v.dtype == "float" and all(p < n for n, p in most):
        call.word("mode", w.pick(("reflect", "replicate")))
    spatial = tuple(
        size if a + b == 0 else w.fresh() if isinstance(size, str) else size + a + b
        for size, (a, b) in zip(v.sizes[1:], both, strict=True)
    )
    return call.text(), v._replace(sizes=(v.sizes[0], *spatial))


def _crop(w: Writer, v: Value) -> Drawn:
    axes = v.rank - 1
    if w.chance(2):
        size = tuple(w.whole(1, at_least(n)) for n in v.sizes[1:])
    else:
        size = (w.whole(1, min(map(at_least, v.sizes[1:]))),)
    call = Call(w, "crop").window(size, axes)
    return call.text(), v._replace(sizes=(v.sizes[0], *each(size, axes)))


_MODES = {
    1: ("nearest", "nearest-exact", "area", "linear"),
    2: ("nearest", "nearest-exact", "area", "bilinear", "bicubic"),
    3: ("nearest", "nearest-exact", "area", "trilinear"),
}


def _upsample(w: Writer, v: Value) -> Drawn:
    axes = v.rank - 1
    call = Call(w, "upsample")
    spatial: tuple[Size, ...]
    if w.chance(3):
        size = tuple(w.whole(1, 7) for _ in range(axes if w.chance(2) else 1))
        call.key("size", w.sizes(size, axes))
        spatial = each(size, axes)
    else:
        by = tuple(w.whole(1, 3) for _ in range(axes if w.chance(4) else 1))
        call.window(by, axes)
        spatial = tuple(
            n if s == 1 else w.fresh() if isinstance(n, str) else n * s
            for n, s in zip(v.sizes[1:], each(by, axes), strict=True)
        )
    mode = w.pick(_MODES[axes]) if w.chance(2) else "nearest"
    call.word("mode", mode, "nearest")
    if mode.endswith(("linear", "bicubic")):
        call.truth("align", w.chance(2), False)
    return call.text(), Value((v.sizes[0], *spatial))


def _can_shuffle(value: Value) -> bool:
    return value.rank == 3 and isinstance(value.sizes[0], int)


def _pixelshuffle(w: Writer, v: Value) -> Drawn:
    c = v.numbers[0]
    r = w.pick([r for r in (2, 3, 1) if c % (r * r) == 0])
    sizes = (
        n if r == 1 else w.fresh() if isinstance(n, str) else n * r for n in v.sizes[1:]
    )
    call = Call(w, "pixelshuffle").number(r)
    return call.text(), v._replace(sizes=(c // (r * r), *sizes))


def _pixelunshuffle(w: Writer, v: Value) -> Drawn:
    known = [n for n in v.sizes[1:] if isinstance(n, int)]
    fits = (
        [r for r in (2, 3, 1) if all(n % r == 0 for n in known)]
        if len(known) == 2 and v.numbers[0] <= 12
        else [1]
    )
    r = w.pick(fits)
    sizes = (n // r if isinstance(n, int) else n for n in v.sizes[1:])
    call = Call(w, "pixelunshuffle").number(r)
    return call.text(), v._replace(sizes=(v.numbers[0] * r * r, *sizes))


def _channelshuffle(w: Writer, v: Value) -> Drawn:
    groups = w.pick(divisors(v.numbers[0])[::-1])
    return Call(w, "channelshuffle").number(groups).text(), v


def _has_channels(value: Value) -> bool:
    return value.rank > 1 and isinstance(value.sizes[0], int)


def _padchannels(w: Writer, v: Value) -> Drawn:
    more = v.numbers[0] if w.keep and w.keep.free != 0 else v.numbers[0] + w.whole(0, 4)
    return Call(w, "padchannels").number(more).text(), v.replaced(0, more)


def _first_known(value: Value) -> bool:
    return isinstance(value.sizes[0], int) and value.elements < 3000


def _product(w: Writer, v: Value, axes: range) -> Size:
    sizes = [v.sizes[at] for at in axes]
    unknown = [size for size in sizes if isinstance(size, str)]
    product = 1
    for size in sizes:
        product *= size if isinstance(size, int) else 1
    if not unknown:
        return product
    return unknown[0] if len(unknown) == 1 and product == 1 else w.fresh()


def _flatten(w: Writer, v: Value) -> Drawn:
    return "flatten", v._replace(sizes=(_product(w, v, range(v.rank)),))


def _tokens(w: Writer, v: Value) -> Drawn:
    return "tokens", v._replace(sizes=(_product(w, v, range(1, v.rank)), v.sizes[0]))


def _factors(w: Writer, total: int, least: int) -> tuple[int, ...]:
    """Numbers with that product."""
    found = []
    for _ in range(w.whole(least, 3)):
        factor = w.pick(divisors(total)[::-1])
        found.append(factor)
        total //= factor
    return (*found, total)


def _is_vector(value: Value) -> bool:
    return value.rank == 1 and value.known


def _unflatten(w: Writer, v: Value) -> Drawn:
    sizes = _factors(w, v.numbers[0], 1)
    return f"unflatten {_sized(w, sizes)}", v._replace(sizes=sizes)


def _reshape(w: Writer, v: Value) -> Drawn:
    sizes = _factors(w, v.elements, 0)
    return f"reshape {_sized(w, sizes)}", v._replace(sizes=sizes)


def _sized(w: Writer, sizes: tuple[int, ...]) -> str:
    if len(sizes) > 1 and w.chance(2):
        return "x".join(map(str, sizes))
    return " ".join(map(w.number, sizes))


def _permute(w: Writer, v: Value) -> Drawn:
    rest = list(range(v.rank))
    order = [rest.pop(w.whole(0, len(rest) - 1)) for _ in range(v.rank)][::-1]
    text = f"permute {' '.join(map(str, order))}"
    return text, v._replace(sizes=tuple(v.sizes[at] for at in order))


_PATTERNS: dict[int, tuple[str, ...]] = {
    1: ("(a b) -> b a", "(a b) -> (b a)", "a -> a 1"),
    2: ("c w -> w c", "(a c) w -> c (w a)", "c (w a) -> a c w", "c w -> (c w)"),
    3: ("c h w -> h w c", "c (h a) w -> (c a) h w", "c h w -> (h w) c"),
    4: ("c t h w -> t c h w", "c t (h a) w -> (c a) (t h) w"),
}


def _rearrange(w: Writer, v: Value) -> Drawn:
    pattern = w.pick(_PATTERNS[v.rank])
    before, _, out = pattern.partition(" -> ")
    lengths: dict[str, int] = {"1": 1}
    keys: list[str] = []
    axes = _axes(before)
    for axis, size in zip(axes, v.numbers, strict=True):
        if len(axis) == 1:
            lengths[axis[0]] = size
            continue
        part = axis[w.whole(0, 1)]
        length = w.pick(divisors(size)[::-1])
        keys.append(f"{part}={w.number(length)}")
        other = axis[1 - axis.index(part)]
        lengths |= {part: length, other: size // length}
    sizes = []
    for axis in _axes(out):
        size = 1
        for part in axis:
            size *= lengths[part]
        sizes.append(size)
    text = " ".join((f'rearrange "{pattern}"', *keys))
    return text, v._replace(sizes=tuple(sizes))


def _axes(side: str) -> list[list[str]]:
    """The axes of one side of a pattern, each with its parts."""
    found: list[list[str]] = []
    joined = False
    for word in side.replace("(", "( ").replace(")", " )").split():
        if word in "()":
            joined = word == "("
            if joined:
                found.append([])
        elif joined:
            found[-1].append(word)
        else:
            found.append([word])
    return found


USES = (
    Use("pad", _has_places, _pad),
    Use("crop", lambda v: v.rank > 1, _crop),
    *[Use("upsample", lambda v: is_map(v) and v.elements <= 500, _upsample)] * 2,
    *[Use("pixelshuffle", _can_shuffle, _pixelshuffle)] * 2,
    *[Use("pixelunshuffle", _can_shuffle, _pixelunshuffle)] * 2,
    Use("channelshuffle", _has_channels, _channelshuffle, keeps=True),
    Use("padchannels", _first_known, _padchannels, keeps=True),
    Use("flatten", lambda v: True, _flatten),
    Use("unflatten", _is_vector, _unflatten),
    Use("reshape", lambda v: v.known, _reshape),
    Use("permute", lambda v: len(known_axes(v)) > 1, _permute),
    Use("tokens", lambda v: v.rank > 1, _tokens),
    Use("rearrange", lambda v: v.known, _rearrange),
)
