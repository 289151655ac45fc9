"""The layers, and the blocks of the standard library, as plain data.

For programs that write specs; `archdsl/schemas/layers.json` describes it. All of it
comes from the records in `archdsl/ops` and the files in `archdsl/std`.
"""

from __future__ import annotations

from archdsl.ir.network import Network, Stage
from archdsl.ops import families
from archdsl.ops.record import REQUIRED, Arg, ArgType, Layer, plain
from archdsl.pipeline import check
from archdsl.reading import decoded, standard_file, standard_names
from archdsl.source import Source
from archdsl.syntax import nodes as n
from archdsl.syntax import parse


def catalogue() -> dict[str, object]:
    """All that a spec may call without defining it."""
    return {
        "version": 1,
        "layers": [
            _layer(layer, family) for family, layers in families() for layer in layers
        ],
        "blocks": [_block(name) for name in standard_names()],
    }


def _layer(layer: Layer, family: str) -> dict[str, object]:
    least, most = layer.inputs
    return {
        "name": layer.name,
        "family": family,
        "doc": layer.doc,
        "args": [_argument(layer, arg) for arg in layer.args],
        "free_keys": _type(layer.free_keys) if layer.free_keys else None,
        "inputs": {"least": least, "most": most},
        "axes": list(layer.ranks),
        "takes": [list(dtypes) for dtypes in layer.dtypes],
        "gives": layer.gives,
        "example": _example(layer),
        "source": layer.source,
    }


def _argument(layer: Layer, arg: Arg) -> dict[str, object]:
    required = arg.default is REQUIRED
    places = {name.lstrip("*"): at for at, name in enumerate(layer.positional)}
    return {
        "name": arg.name,
        "doc": arg.doc,
        **_type(arg.type),
        "required": required,
        "default": None if required else _value(plain(arg.default)),
        "position": places.get(arg.name),
        "rest": f"*{arg.name}" in layer.positional,
        "needs_key": arg.keyed,
    }


def _type(kind: ArgType) -> dict[str, object]:
    return {
        "kind": kind.kind,
        "takes": kind.describe().replace("`", ""),
        "least": kind.least,
        "most": kind.most,
        "words": list(kind.words),
    }


def _value(value: object) -> object:
    if isinstance(value, tuple):
        return list(map(_value, value))
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def _example(layer: Layer) -> dict[str, object]:
    """The record's example, and what the checker says of the layer in it."""
    network = _network(Source("example", layer.example))
    stage = next(
        node
        for node in reversed(network.root.nodes)
        if isinstance(node, Stage) and node.kind == layer.name
    )
    cost = stage.cost
    return {
        "text": layer.example,
        "out": [
            size if isinstance(size, int) else str(size) for size in stage.type.sizes
        ],
        "params": cost.params,
        "macs": cost.macs if isinstance(cost.macs, int) else str(cost.macs),
    }


def _network(source: Source) -> Network:
    (network,) = check(source).networks.values()
    return network


def _block(name: str) -> dict[str, object]:
    """A block of the standard library, from the file that defines it."""
    files = standard_file(name)
    assert files is not None
    place = files.own()
    source, _ = decoded(files.read(place), place.shown)
    assert source is not None
    tree, _ = parse(source)
    assert tree is not None
    block = next(
        item
        for item in tree.items
        if isinstance(item, n.Block) and item.name.name == name
    )
    comment = []
    for line in source.text.split("\n"):
        if not line.startswith("#"):
            break
        comment.append(line.removeprefix("#").removeprefix(" "))
    return {
        "name": name,
        "doc": "\n".join(comment).strip(),
        "inputs": [each.name for each in block.inputs],
        "params": [
            {
                "name": param.name,
                "required": param.default is None,
                "default": _text(source, param.default),
            }
            for param in block.params
        ],
    }


def _text(source: Source, node: n.Expression | None) -> str | None:
    """An expression as it is written."""
    return None if node is None else source.text[node.start : node.end]
