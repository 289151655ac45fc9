"""Arguments of layers as they are written: their words and keys, and constants.

A call whose arguments are constants says the same wherever it stands, so that a text
which repeats itself is looked through once.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.ops.record import Layer
from archdsl.syntax import nodes as n

# Expressions that consist of nothing else.
LITERALS = frozenset((n.Number, n.Boolean, n.String))


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
    return layer is not None and any(
        arg.name == key and arg.type.kind == "formula" for arg in layer.args
    )


def is_unknown_key(layer: Layer, key: str | None) -> bool:
    """Whether it is neither an argument of the layer nor the number of copies."""
    return key is not None and key != "x" and layer.arg(key) is None


def names_nothing(layer: Layer, args: Iterable[n.Argument]) -> bool:
    """Whether no parameter, label, symbol or index decides about the arguments."""
    return all(_is_plain(layer, arg) for arg in args)


def names_in(layer: Layer, args: Iterable[n.Argument]) -> tuple[str, ...] | None:
    """The names that decide about the arguments; None if more than names do."""
    names: list[str] = []
    for arg in args:
        if not _is_plain(layer, arg):
            for part in n.parts(arg.value):
                if isinstance(part, n.Attribute | n.Size):
                    return None
                if isinstance(part, n.Name):
                    names.append(part.name)
    return tuple(names)


def _is_plain(layer: Layer, arg: n.Argument) -> bool:
    value = arg.value
    if isinstance(value, n.Name):
        return is_word(layer, arg)
    if isinstance(value, n.Size):
        return all(isinstance(part, int) for part in value.parts)
    # Others that name nothing are rare.
    return type(value) in LITERALS
