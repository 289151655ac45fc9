"""Calls that name nothing: no parameter, label, symbol or index stands in them.

Wherever such a call stands, it says the same, so that a text which repeats itself is
looked through once.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.ops.record import Layer
from archdsl.syntax import nodes as n

_CONSTANTS = (n.Number, n.Boolean, n.String)
# What consists of others, and means nothing but what these mean.
_MADE_OF_OTHERS = (n.ListOf, n.Negate, n.Binary)


def names_nothing(layer: Layer, args: Iterable[n.Argument]) -> bool:
    """Whether the arguments of a layer are constants, and words of its own."""
    return all(_is_constant(layer, arg) for arg in args)


def _is_constant(layer: Layer, arg: n.Argument) -> bool:
    value = arg.value
    if arg.key is None:
        words = layer.words if isinstance(value, n.Name) else ()
    else:
        record = layer.arg(arg.key)
        # The number of copies is no argument of the layer; formulas speak of places.
        if arg.key == "x" or record is None or record.type.kind == "formula":
            return False
        words = record.type.words
    if isinstance(value, n.Name):
        return value.name in words
    return all(map(_is_plain, n.parts(value)))


def _is_plain(part: object) -> bool:
    if isinstance(part, n.Size):
        return all(isinstance(size, int) for size in part.parts)
    if isinstance(part, n.Name | n.Attribute | n.Function):
        return False
    # Tuples of nodes are parts too.
    return isinstance(part, (*_CONSTANTS, *_MADE_OF_OTHERS)) or type(part) is tuple
