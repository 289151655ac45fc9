"""What a layer takes, worked out once from its record and not at each call."""

from __future__ import annotations

from archdsl.ops.record import REQUIRED, Arg, Bound, Kind, Layer, plain
from archdsl.shapes.expr import Const
from archdsl.tuples import NamedTuple

Bindings = dict[str, Bound]


class Takes(NamedTuple):
    """The arguments of a layer as calls ask for them.

    `positional` names those that need no key, `starred` the one that takes all numbers
    that are left. `required` says what those are for that have no default; `left_out`
    has the arguments as they are where nothing is given. `keyless` tells which of them
    a text or a list without a key is, `sizes` which have a number for each axis,
    `words` the bare names that stand for arguments.
    """

    layer: Layer
    positional: tuple[str, ...]
    starred: str | None
    required: dict[str, str]
    left_out: Bindings
    keyless: dict[Kind, str]
    sizes: tuple[Arg, ...]
    words: frozenset[str]


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
        # The first of a kind has it.
        {kinds[name]: name for name in reversed(positional)},
        tuple(arg for arg in layer.args if arg.type.kind == "sizes"),
        frozenset(layer.words),
    )
