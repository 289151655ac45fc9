"""Arguments of layers as they are written: their words and keys, and constants.

A call whose arguments are constants says the same wherever it stands, so that a text
which repeats itself is looked through once.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.ops.record import Layer
from archdsl.syntax import nodes as n

_CONSTANTS = frozenset((n.Number, n.Boolean, n.String))


def is_word(layer: Layer, arg: n.Argument) -> bool:
    """Whether the layer gives a meaning to an argument that is a name."""
    value = arg.value
    assert isinstance(value, n.Name)
    if arg.key is None:
        return layer.has_word(value.name)
    record = layer.arg(arg.key)
    return record is not None and (
        value.name in record.type.words or record.type.kind == "axis"
    )


def is_formula(layer: Layer | None, key: str | None) -> bool:
    """Whether what has this key may speak of places in a tensor."""
    record = layer.arg(key) if layer is not None and key is not None else None
    return record is not None and record.type.kind == "formula"


def is_unknown_key(layer: Layer, key: str | None) -> bool:
    """Whether it is neither an argument of the layer nor the number of copies."""
    return key is not None and key != "x" and layer.arg(key) is None


def names_nothing(layer: Layer, args: Iterable[n.Argument]) -> bool:
    """Whether no parameter, label, symbol or index decides about the arguments."""
    return all(_is_plain(layer, arg) for arg in args)


def _is_plain(layer: Layer, arg: n.Argument) -> bool:
    if arg.key is not None and (
        arg.key == "x" or layer.arg(arg.key) is None or is_formula(layer, arg.key)
    ):
        return False
    value = arg.value
    if isinstance(value, n.Name):
        return is_word(layer, arg)
    if isinstance(value, n.ListOf):
        return all(map(_is_constant, value.items))
    return _is_constant(value)


def _is_constant(value: n.Expression) -> bool:
    if isinstance(value, n.Size):
        return all(isinstance(part, int) for part in value.parts)
    if isinstance(value, n.Negate):
        return type(value.operand) is n.Number
    return type(value) in _CONSTANTS
