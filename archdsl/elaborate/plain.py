"""Calls that name nothing: no parameter, label, symbol or index stands in them.

Wherever such a call stands, it says the same, so that a text which repeats itself is
looked through once.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.ops.record import Layer
from archdsl.syntax import nodes as n

_CONSTANTS = frozenset((n.Number, n.Boolean, n.String))


def names_nothing(layer: Layer, args: Iterable[n.Argument]) -> bool:
    """Whether the arguments of a layer are constants, and words of its own."""
    return all(_is_plain(layer, arg) for arg in args)


def _is_plain(layer: Layer, arg: n.Argument) -> bool:
    value = arg.value
    words: tuple[str, ...] = ()
    if arg.key is not None:
        record = layer.arg(arg.key)
        # The number of copies is no argument of the layer; formulas speak of places.
        if arg.key == "x" or record is None or record.type.kind == "formula":
            return False
        words = record.type.words
    elif isinstance(value, n.Name):
        words = layer.words
    if isinstance(value, n.Name):
        return value.name in words
    if isinstance(value, n.ListOf):
        return all(map(_is_constant, value.items))
    return _is_constant(value)


def _is_constant(value: n.Expression) -> bool:
    if isinstance(value, n.Size):
        return all(isinstance(part, int) for part in value.parts)
    if isinstance(value, n.Negate):
        return type(value.operand) is n.Number
    return type(value) in _CONSTANTS
