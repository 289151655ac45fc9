"""Activations, normalisation and regularisation."""

from __future__ import annotations

from collections.abc import Callable

from archdsl.testing.drawing import Value, at_least, divisors
from archdsl.testing.layers.use import (
    Drawn,
    Use,
    has_vectors,
    is_float,
    is_map,
    known_axes,
)
from archdsl.testing.writer import PLAIN_ACTIVATIONS, Call, Writer

_ACTIVATIONS: dict[str, tuple[str, ...]] = {
    "leaky": ("", " 0.1", " slope=-0.2"),
    "elu": ("", " 0.5"),
    "celu": ("", " 0.5"),
    "gelu": ("", " tanh", " approximate=none"),
    "hardtanh": ("", " -2 2", " low=0 high=6"),
    "softplus": ("", " beta=2", " threshold=5"),
    "clamp": (" min=0", " max=6", " min=-1 max=1.5"),
    "scale": (" 0.5", " -2", " factor=3"),
}


def _activation(layer: str) -> Use:
    forms = _ACTIVATIONS.get(layer, ("",))

    def write(w: Writer, v: Value) -> Drawn:
        form = w.pick(forms) if len(forms) > 1 else forms[0]
        if not form and layer in PLAIN_ACTIVATIONS and w.chance(10):
            others = tuple(name for name in PLAIN_ACTIVATIONS[:8] if name != layer)
            return w.lifted("layer", layer, others), v
        return layer + form, v

    return Use(layer, is_float, write, keeps=True)


def _along(layer: str) -> Use:
    """Of a layer that works along an axis and keeps it."""

    def write(w: Writer, v: Value) -> Drawn:
        if w.chance(2):
            return layer, v
        name = w.pick(v.names(w.whole(0, v.rank - 1)))
        return f"{layer} {w.pick(('', 'axis='))}{name}", v

    return Use(layer, is_float, write, keeps=True)


def _prelu(w: Writer, v: Value) -> Drawn:
    if isinstance(v.sizes[0], int) and w.chance(2):
        return "prelu channels" + w.pick(("", " init=0.1")), v
    return "prelu", v


def _gated(layer: str) -> Use:
    def even(value: Value) -> list[int]:
        return [
            at
            for at, size in enumerate(value.sizes)
            if isinstance(size, int) and size % 2 == 0
        ]

    def write(w: Writer, v: Value) -> Drawn:
        axis = w.pick(even(v))
        text = layer
        if axis or w.chance(2):
            text += f" {w.pick(v.names(axis))}"
        return text, v.replaced(axis, at_least(v.sizes[axis]) // 2)

    return Use(layer, lambda v: is_float(v) and bool(even(v)), write)


def _eps(w: Writer, call: Call) -> None:
    call.some("eps", ("1e-3", "1e-6"))


def _has_channels(value: Value) -> bool:
    return is_float(value) and isinstance(value.sizes[0], int)


def _bn(w: Writer, v: Value) -> Drawn:
    call = Call(w, "bn")
    _eps(w, call)
    call.some("momentum", ("0.01", "0.9"))
    affine = not w.chance(4)
    call.truth("affine", affine, True)
    call.truth("track", not w.chance(4), True)
    if affine:
        call.initialised(False, True)
    return call.text(), v


def _ln(w: Writer, v: Value) -> Drawn:
    call = Call(w, "ln")
    maps = is_map(v)
    if v.rank > 2 or not has_vectors(v) or (maps and w.chance(3)):
        if maps and (not has_vectors(v) or w.chance(2)):
            call.plain("channels")
        else:
            call.plain("last")
    _eps(w, call)
    affine = not w.chance(4)
    call.truth("affine", affine, True)
    if affine:
        call.truth("bias", not w.chance(4), True)
    return call.text(), v


def _ln_fits(value: Value) -> bool:
    return has_vectors(value) or is_map(value)


def _rms(w: Writer, v: Value) -> Drawn:
    call = Call(w, "rms")
    if v.rank > 2:
        call.plain("last")
    _eps(w, call)
    call.truth("affine", not w.chance(4), True)
    return call.text(), v


def _gn(w: Writer, v: Value) -> Drawn:
    groups = [g for g in divisors(v.numbers[0]) if v.elements // g > 1]
    call = Call(w, "gn").number(w.pick(groups))
    _eps(w, call)
    call.truth("affine", not w.chance(4), True)
    return call.text(), v


def _several(value: Value) -> bool:
    return _has_channels(value) and value.elements > 1


def _places(value: Value) -> bool:
    places = 1
    for size in value.sizes[1:]:
        places *= at_least(size)
    return is_map(value) and places > 1


def _instancenorm(w: Writer, v: Value) -> Drawn:
    call = Call(w, "instancenorm")
    _eps(w, call)
    call.truth("affine", w.chance(3), False)
    call.truth("track", w.chance(3), False)
    return call.text(), v


def _lrn(w: Writer, v: Value) -> Drawn:
    call = Call(w, "lrn").number(w.whole(1, 5))
    return call.some("alpha", ("0.001",)).some("k", ("2",)).text(), v


def _layerscale(w: Writer, v: Value) -> Drawn:
    axis = w.pick(known_axes(v))
    text = f"layerscale {w.pick(('1e-6', '0.5', 'init=2'))}"
    if axis or w.chance(2):
        text += f" {w.pick(('', 'axis='))}{w.pick(v.names(axis))}"
    return text, v


def _has_a_known_axis(value: Value) -> bool:
    return is_float(value) and bool(known_axes(value)) and value.elements < 2000


def _dropping(layer: str, fits: Callable[[Value], bool]) -> Use:
    def write(w: Writer, v: Value) -> Drawn:
        form = w.whole(0, 5)
        if form == 5 and w.body.indexed:
            return f"{layer} 0.1*i", v
        if form == 4:
            rate = w.lifted("number", "0.1", ("0.3",))
            return f"{layer} {rate}", v
        text = f"{layer} {w.pick(('0.1', '0.5', 'rate=0', '1'))}"
        if layer == "droppath" and w.chance(3):
            text += f" mode={w.pick(('row', 'batch'))}"
        return text, v

    return Use(layer, fits, write, keeps=True)


ACTIVATIONS = (
    *map(_activation, dict.fromkeys((*PLAIN_ACTIVATIONS, *_ACTIVATIONS))),
    *map(_along, ("softmax", "logsoftmax", "l2norm") * 2),
    *map(_gated, ("glu", "swiglu") * 4),
    *[Use("prelu", is_float, _prelu, keeps=True)] * 2,
)

NORMS = (
    Use("bn", _has_channels, _bn, keeps=True),
    Use("ln", _ln_fits, _ln, keeps=True),
    Use("rms", has_vectors, _rms, keeps=True),
    Use("gn", _several, _gn, keeps=True),
    Use("instancenorm", _places, _instancenorm, keeps=True),
    Use("lrn", is_map, _lrn, keeps=True),
    Use("layerscale", _has_a_known_axis, _layerscale, keeps=True),
    _dropping("dropout", is_float),
    *[_dropping("dropchannels", is_map)] * 2,
    _dropping("alphadropout", is_float),
    _dropping("droppath", is_float),
)
