"""Convolutions, pools and other windows that slide over a map."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.testing.drawing import Size, Value, at_least, divisors
from archdsl.testing.layers.use import Drawn, Use, is_map
from archdsl.testing.writer import Call, Writer
from archdsl.tuples import NamedTuple


class Window(NamedTuple):
    """Kernel, stride, padding and dilation, one of each for every axis."""

    k: tuple[int, ...]
    s: tuple[int, ...]
    p: tuple[int, ...]
    d: tuple[int, ...]


def left(
    w: Writer,
    size: Size,
    k: int,
    s: int,
    p: int,
    d: int = 1,
    ceil: bool = False,
) -> Size:
    """How many places a window has along an axis."""
    if s == 1 and 2 * p == d * (k - 1):
        return size
    if isinstance(size, str):
        return w.fresh()
    rest = size + 2 * p - d * (k - 1) - 1
    places = rest // s + 1
    # The last window begins in the map or in the padding before it.
    if ceil and rest % s and places * s < size + p:
        places += 1
    return places


def drawn_window(
    w: Writer,
    sizes: Sequence[Size],
    *,
    strides: bool = True,
    pads: int = 2,
    dilations: bool = True,
    half: bool = False,
    unpadded: bool = False,
) -> Window:
    """A window that fits; with `half`, padded by no more than half of itself."""
    if w.keep is not None:
        k = w.pick((1, 3, 3, 5) if pads > 1 else (1, 3))
        d = 1 if half or not dilations else w.pick((1, 1, 2))
        p = d * (k - 1) // 2
        if unpadded and any(at_least(size) < k for size in sizes):
            k, p = 1, 0
        return Window((k,), (1,), (p,), (d,))
    axes = [tuple(sizes)] if w.whole(0, 3) < 3 else [(size,) for size in sizes]
    found: list[tuple[int, int, int, int]] = []
    for together in axes:
        least = min(map(at_least, together))
        d = w.pick((1, 1, 1, 2, 3)) if dilations else 1
        p = w.whole(0, pads)
        room = least + (0 if unpadded else 2 * p)
        if half:
            p = min(p, least // 2)
            room = least
        k = w.whole(1, min(5, (room - 1) // d + 1))
        if half:
            p = min(p, k // 2)
        s = w.pick((1, 1, 2, 3)) if strides else 1
        found.append((k, s, p, d))
    k_, s_, p_, d_ = zip(*found, strict=True)
    return Window(k_, s_, p_, d_)


def each(sizes: Sequence[int], axes: int) -> tuple[int, ...]:
    """One number for every axis."""
    return tuple(sizes) * axes if len(sizes) == 1 else tuple(sizes)


def after(
    w: Writer, sizes: Sequence[Size], window: Window, ceil: bool = False
) -> tuple[Size, ...]:
    """The places that are left along each axis."""
    rows = zip(sizes, *(each(part, len(sizes)) for part in window), strict=True)
    return tuple(left(w, size, k, s, p, d, ceil) for size, k, s, p, d in rows)


def _channels(w: Writer, now: int) -> int:
    if w.keep is not None and w.keep.free != 0:
        return now
    return w.pick((4, 8, 8, 2, 3, 6, 12, 1, 5))


def _mode(w: Writer, call: Call, sizes: Sequence[Size], pads: Sequence[int]) -> None:
    """What is added at the edges, if these allow for something else than zeros."""
    if not w.chance(6):
        return
    modes = ["replicate"]
    rows = list(zip(map(at_least, sizes), pads, strict=True))
    if all(p < size for size, p in rows):
        modes.append("reflect")
    if all(p <= size for size, p in rows):
        modes.append("circular")
    call.word("mode", w.pick(modes))


def _padding(w: Writer, call: Call, sizes: Sequence[Size], window: Window) -> Window:
    """Write the padding, which may be one of two words instead of a number."""
    axes = len(sizes)
    word = w.whole(0, 5)
    if word == 4 and all(k % 2 for k in window.k) and "p" not in call.layer:
        ks, ds = each(window.k, axes), each(window.d, axes)
        window = window._replace(
            p=tuple(d * (k - 1) // 2 for k, d in zip(ks, ds, strict=True))
        )
        if w.chance(3):
            call.key("p", w.lifted("word", '"same"'))
        else:
            call.plain("same")
        _mode(w, call, sizes, window.p)
        return window
    call.option("p", window.p, axes, 0)
    _mode(w, call, sizes, each(window.p, axes))
    return window


def _conv(w: Writer, v: Value) -> Drawn:
    channels = v.numbers[0]
    axes = v.rank - 1
    call = Call(w, "conv")
    c = _channels(w, channels)
    g = 1
    if w.chance(3):
        g = w.pick([d for d in divisors(channels) if c % d == 0][::-1])
    window = drawn_window(w, v.sizes[1:])
    call.number(c)
    call.window(window.k, axes)
    if w.keep is None and w.chance(10):
        # As TensorFlow pads: every s-th place, whatever the kernel.
        call.plain("tf")
        spatial = tuple(
            size if s == 1 else w.fresh() if isinstance(size, str) else -(-size // s)
            for size, s in zip(v.sizes[1:], each(window.s, axes), strict=True)
        )
    else:
        window = _padding(w, call, v.sizes[1:], window)
        spatial = after(w, v.sizes[1:], window)
    call.option("s", window.s, axes, 1)
    call.option("d", window.d, axes, 1)
    if g > 1:
        call.option("g", (g,), 1, 1)
    call.truth("bias", not w.chance(3), True)
    text = call.initialised(True, False).text()
    plain = g == 1 and "mode=" not in text and " tf" not in text
    if plain and v.rank == 3 and w.chance(12):
        rows = [
            sorted({w.whole(0, channels - 1), w.whole(0, channels - 1)})
            for _ in range(c)
        ]
        text += f" table={[list(row) for row in rows]}"
    return text, Value((c, *spatial))


def _dwconv(w: Writer, v: Value) -> Drawn:
    axes = v.rank - 1
    window = drawn_window(w, v.sizes[1:])
    call = Call(w, "dwconv").window(window.k, axes)
    window = _padding(w, call, v.sizes[1:], window)
    call.option("s", window.s, axes, 1)
    call.option("d", window.d, axes, 1)
    free = w.keep is None or w.keep.free == 0
    m = w.pick((1, 1, 2)) if free and v.numbers[0] <= 12 else 1
    call.option("m", (m,), 1, 1)
    call.truth("bias", not w.chance(3), True)
    spatial = after(w, v.sizes[1:], window)
    return call.initialised(True, False).text(), Value((m * v.numbers[0], *spatial))


def _upconv(w: Writer, v: Value) -> Drawn:
    axes = v.rank - 1
    c = _channels(w, v.numbers[0])
    common = divisors(v.numbers[0])
    g = w.pick([d for d in common if c % d == 0][::-1]) if w.chance(4) else 1
    k, s, d = w.whole(1, 4), w.pick((1, 2, 2, 3)), w.pick((1, 1, 2))
    least = min(map(at_least, v.sizes[1:]))
    p = w.whole(0, min(2, ((least - 1) * s + d * (k - 1)) // 2))
    extra = w.whole(0, max(s, d) - 1) if not w.chance(3) else 0
    call = Call(w, "upconv").number(c).window((k,), axes)
    call.option("s", (s,), axes, 1).option("p", (p,), axes, 0)
    if extra:
        call.key("op", w.sizes((extra,), axes))
    call.option("d", (d,), axes, 1)
    if g > 1:
        call.option("g", (g,), 1, 1)
    call.truth("bias", not w.chance(3), True)
    spatial = tuple(
        w.fresh()
        if isinstance(n, str)
        else (n - 1) * s - 2 * p + d * (k - 1) + extra + 1
        for n in v.sizes[1:]
    )
    return call.initialised(True, False).text(), Value((c, *spatial))


def _pool(layer: str) -> Use:
    pads = {"maxpool": 2, "avgpool": 1, "lppool": 0}[layer]

    def write(w: Writer, v: Value) -> Drawn:
        axes = v.rank - 1
        window = drawn_window(
            w,
            v.sizes[1:],
            pads=pads,
            dilations=layer == "maxpool",
            half=True,
            unpadded=layer == "avgpool" and axes == 3,
        )
        if w.keep is not None and pads == 0:
            window = Window((1,), (1,), (0,), (1,))
        call = Call(w, layer).window(window.k, axes)
        # The stride is the kernel unless it is given.
        if window.s == window.k and w.chance(2):
            pass
        elif len(set(window.s)) == 1 and w.chance(2):
            call.plain(f"s{window.s[0]}")
        else:
            call.key("s", w.sizes(window.s, axes))
        if pads:
            call.option("p", window.p, axes, 0)
        if layer == "maxpool":
            call.option("d", window.d, axes, 1)
        if layer == "lppool":
            call.some("norm", ("1", "2.5", "3"))
        ceil = w.keep is None and w.chance(3)
        call.truth("ceil", ceil, False)
        if layer == "avgpool":
            call.truth("include_pad", not w.chance(3), True)
        return call.text(), Value((v.sizes[0], *after(w, v.sizes[1:], window, ceil)))

    return Use(layer, is_map, write, keeps=True)


def _adaptive(layer: str) -> Use:
    def write(w: Writer, v: Value) -> Drawn:
        axes = v.rank - 1
        many = axes if w.chance(3) else 1
        k = tuple(w.whole(1, 5) for _ in range(many))
        call = Call(w, layer).window(k, axes)
        return call.text(), Value((v.sizes[0], *each(k, axes)))

    return Use(layer, is_map, write)


def _overall(layer: str) -> Use:
    def write(w: Writer, v: Value) -> Drawn:
        return layer, Value(v.sizes[:1])

    return Use(layer, is_map, write)


def _subsample(w: Writer, v: Value) -> Drawn:
    k = w.whole(1, min(3, *map(at_least, v.sizes[1:])))
    spatial = (w.fresh() if isinstance(n, str) else n // k for n in v.sizes[1:])
    if k == 1:
        spatial = (size for size in v.sizes[1:])
    return Call(w, "subsample").window((k,), 2).text(), Value((v.sizes[0], *spatial))


def _unfold(w: Writer, v: Value) -> Drawn:
    window = drawn_window(w, v.sizes[1:], pads=1)
    call = Call(w, "unfold").window(window.k, 2).option("s", window.s, 2, 1)
    call.option("p", window.p, 2, 0).option("d", window.d, 2, 1)
    rows = v.numbers[0]
    for k in each(window.k, 2):
        rows *= k
    out = after(w, v.sizes[1:], window)
    height, width = out
    places: Size = (
        height * width
        if isinstance(height, int) and isinstance(width, int)
        else w.fresh()
    )
    return call.text(), Value((rows, places))


def _decimate(w: Writer, v: Value) -> Drawn:
    s = w.whole(1, 3)
    spatial = tuple(
        n if s == 1 else w.fresh() if isinstance(n, str) else -(-n // s)
        for n in v.sizes[1:]
    )
    return Call(w, "decimate").number(s).text(), Value((v.sizes[0], *spatial))


def _is_picture(value: Value) -> bool:
    return value.rank == 3 and is_map(value)


def _is_small_picture(value: Value) -> bool:
    return _is_picture(value) and value.numbers[0] <= 12 and value.elements < 2000


def _can_grow(value: Value) -> bool:
    return is_map(value) and value.elements <= 800


# Those with most arguments are drawn more often.
USES = (
    *[Use("conv", is_map, _conv, keeps=True)] * 4,
    Use("dwconv", is_map, _dwconv, keeps=True),
    *[Use("upconv", _can_grow, _upconv)] * 3,
    _pool("maxpool"),
    _pool("avgpool"),
    _pool("lppool"),
    _adaptive("adaptive"),
    _adaptive("adaptivemax"),
    _overall("gap"),
    _overall("gmp"),
    *[Use("subsample", _is_picture, _subsample)] * 2,
    *[Use("unfold", _is_small_picture, _unfold)] * 2,
    Use("decimate", is_map, _decimate),
)
