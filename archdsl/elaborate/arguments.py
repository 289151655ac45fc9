"""Arguments of layers: what records say of them, and how they are written.

A call whose arguments are constants says the same wherever it stands, so that a text
which repeats itself is looked through once.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.ops.record import REQUIRED, Arg, Bound, Kind, Layer, plain
from archdsl.shapes.expr import Const
from archdsl.shapes.tensor import AXIS_NAMES
from archdsl.syntax import nodes as n
from archdsl.tuples import NamedTuple

Bindings = dict[str, Bound]


class Takes(NamedTuple):
    """The arguments of a layer as calls ask for them.

    `positional` names those that need no key, `starred` the one that takes all numbers
    that are left. `required` says what those are for that have no default; `left_out`
    has the arguments as they are where nothing is given. `keyless` tells which of them
    a text or a list without a key is, `sizes` which have a number for each axis, `axes`
    which name one. `words` has the bare names that stand for arguments, each with the
    argument and what that holds.
    """

    layer: Layer
    positional: tuple[str, ...]
    starred: str | None
    required: dict[str, str]
    left_out: Bindings
    keyless: dict[Kind, str]
    sizes: tuple[Arg, ...]
    axes: tuple[str, ...]
    words: dict[str, tuple[str, object]]


# By the identity of the layer, which the entry keeps alive.
_KNOWN: dict[int, Takes] = {}


def takes(layer: Layer) -> Takes:
    """What the layer takes."""
    return _KNOWN.get(id(layer)) or _KNOWN.setdefault(id(layer), _worked_out(layer))


def _worked_out(layer: Layer) -> Takes:
    starred = [name[1:] for name in layer.positional if name[0] == "*"]
    positional = tuple(name.removeprefix("*") for name in layer.positional)
    kinds = {arg.name: arg.type.kind for arg in layer.args}
    return Takes(
        layer,
        positional,
        starred[0] if starred else None,
        {arg.name: arg.doc for arg in layer.args if arg.default is REQUIRED},
        {
            arg.name: Bound(arg.default, Const(plain(arg.default)), None)
            for arg in layer.args
        },
        {kinds[name]: name for name in positional},
        tuple(arg for arg in layer.args if arg.type.kind == "sizes"),
        tuple(arg.name for arg in layer.args if arg.type.kind == "axis"),
        # The first argument that knows a word has it.
        {
            word: (arg.name, True if arg.type.kind == "truth" else word)
            for arg in reversed(layer.args)
            for word in _words(arg)
        },
    )


def _words(arg: Arg) -> tuple[str, ...]:
    """The bare names that stand for an argument."""
    if arg.type.kind == "truth":
        return (arg.name,)
    if arg.type.kind == "axis":
        return AXIS_NAMES
    return () if arg.keyed else arg.type.words


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
    record = layer.arg(key) if layer is not None and key is not None else None
    return record is not None and record.type.kind == "formula"


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
