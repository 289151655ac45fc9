"""Linear maps, tables, recurrent layers and attention."""

from __future__ import annotations

from archdsl.testing.drawing import Value, divisors
from archdsl.testing.layers.use import (
    Drawn,
    Use,
    has_vectors,
    is_sequence,
    is_short_sequence,
)
from archdsl.testing.writer import Call, Writer


def _width(w: Writer, v: Value) -> int:
    """How many numbers a vector has afterwards."""
    if w.keep is not None and not w.keep.frees(-1, v.rank):
        return v.numbers[-1]
    return w.pick((4, 8, 8, 6, 3, 12, 1))


def _fc(w: Writer, v: Value) -> Drawn:
    n = _width(w, v)
    call = Call(w, "fc").number(n)
    if v.rank > 2:
        call.plain("last")
    bias = not w.chance(4)
    call.truth("bias", bias, True)
    return call.initialised(True, bias).text(), v.replaced(-1, n)


def _embedding(w: Writer, v: Value) -> Drawn:
    n, size = w.pick((9, 4, 20)), w.pick((8, 4, 6, 1))
    w.entries = n
    call = Call(w, "embedding").number(n).number(size)
    call.some("padding", ("0", "-1"))
    return call.initialised(True, False).text(), Value((*v.sizes, size))


def _recurrent(layer: str) -> Use:
    def write(w: Writer, v: Value) -> Drawn:
        directions = 1
        if w.keep is None or w.keep.frees(-1, v.rank):
            directions = w.pick((1, 2))
        hidden = _width(w, v)
        call = Call(w, layer).number(hidden)
        layers = w.pick((1, 1, 1, 2))
        if layers > 1:
            call.key("layers", w.number(layers))
            call.some("dropout", ("0.2",))
        call.truth("bidirectional", directions == 2, False)
        call.truth("bias", not w.chance(4), True)
        given = hidden
        if layer == "lstm" and hidden > 1 and w.keep is None and w.chance(4):
            given = w.whole(1, hidden - 1)
            call.key("proj", w.number(given))
        if layer == "rnn":
            call.some("nonlinearity", ("relu", "tanh"))
        last = w.keep is None and w.chance(4)
        call.truth("last", last, False)
        out = v.replaced(-1, given * directions)
        return call.initialised(True, False).text(), out.without(0) if last else out

    return Use(layer, is_short_sequence, write, keeps=True)


def _attention(w: Writer, v: Value) -> Drawn:
    call = Call(w, "attention").number(w.pick(divisors(v.numbers[-1], 4)))
    call.some("dropout", ("0.1",))
    call.truth("causal", w.chance(3), False)
    call.truth("bias", not w.chance(4), True)
    return call.initialised(True, False).text(), v


def _sdpa(w: Writer, v: Value) -> Drawn:
    heads = w.pick(divisors(v.numbers[-1], 4))
    call = Call(w, "sdpa(id, id, id)").number(heads)
    call.truth("causal", w.chance(3), False)
    call.some("scale", ("0.5", "1"))
    return call.text(), v


def _rotary(w: Writer, v: Value) -> Drawn:
    heads = w.pick(divisors(v.numbers[-1] // 2, 4))
    call = Call(w, "rotary").number(heads).some("base", ("100",))
    return call.some("style", ("pairs", "halves")).text(), v


def _rbf(w: Writer, v: Value) -> Drawn:
    n = w.pick((4, 2, 7))
    return Call(w, "rbf").number(n).text(), Value((n,))


def _is_ids(value: Value) -> bool:
    return value.dtype == "int" and value.rank < 4


def _is_short_vector(value: Value) -> bool:
    return value.rank == 1 and has_vectors(value)


def _is_even_sequence(value: Value) -> bool:
    return is_sequence(value) and value.numbers[-1] % 2 == 0


USES = (
    Use("fc", has_vectors, _fc, keeps=True),
    Use("embedding", _is_ids, _embedding),
    *map(_recurrent, ("rnn", "lstm", "gru", "lstm", "gru")),
    Use("attention", is_sequence, _attention, keeps=True),
    Use("sdpa", is_sequence, _sdpa, keeps=True),
    *[Use("rotary", _is_even_sequence, _rotary, keeps=True)] * 2,
    Use("rbf", _is_short_vector, _rbf),
)
