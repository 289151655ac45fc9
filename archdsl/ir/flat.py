"""Flat views of a network: every layer, and every tensor, with its full path.

They are iterators: a short spec may stand for a billion layers.
"""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.ir.names import (
    Child,
    attribute,
    children,
    copies,
    registered,
    reorders,
)
from archdsl.ir.network import Choice, Module, Network, Repeat, Stage
from archdsl.ops.record import Site, Weight
from archdsl.shapes.size import Size
from archdsl.shapes.tensor import TensorType
from archdsl.tuples import NamedTuple

# More layers than this are not written out in a list.
MAX_LISTED = 200_000


class FlatLayer(NamedTuple):
    """A layer of the net written out, and its path: `layer1.0.conv2`.

    Numbers are for one sample. The path names the layer in the `state_dict` if it
    has weights. One that is `shared` owns none: it computes with those of the layer
    that had this path before. One in `training` belongs to an output that exists in
    training only; its MACs and activations are not in the net's totals.
    """

    path: str
    stage: Stage
    shared: bool = False
    training: bool = False

    @property
    def site(self) -> Site:
        """The use of the layer."""
        assert not isinstance(self.stage.target, Module)
        return self.stage.target

    @property
    def kind(self) -> str:
        """The layer's name."""
        return self.stage.kind

    @property
    def ins(self) -> tuple[TensorType, ...]:
        """The shapes that flow in."""
        return self.site.ins

    @property
    def out(self) -> TensorType:
        """The shape that flows out."""
        return self.stage.type

    @property
    def params(self) -> int:
        """How many numbers the layer learns, none of them counted before."""
        return 0 if self.shared else self.stage.cost.params

    @property
    def macs(self) -> Size:
        """Multiply-adds of convolutions, linear maps and matrix products."""
        return self.stage.cost.macs

    @property
    def activation_bytes(self) -> Size:
        """The size of the output in float32."""
        return self.stage.cost.activation_bytes

    @property
    def line(self) -> int:
        """The line on which the layer is written, counted from 1."""
        return self.stage.span.line


class _Open(NamedTuple):
    """A scope being gone through."""

    rest: Iterator[Child]
    prefix: str
    shared: bool = False
    training: bool = False


def layers(network: Network) -> Iterator[FlatLayer]:
    """Every layer in the order of the text, also those without weights.

    What is shared is there each time that it is used.
    """
    stack = [_Open(children(network.root), "")]
    while stack:
        scope = stack[-1]
        child = next(scope.rest, None)
        if child is None:
            stack.pop()
            continue
        node, path = child.node, scope.prefix + child.name
        shared = scope.shared or node.shared
        training = scope.training or child.training
        if isinstance(node, Repeat):
            stack.append(_Open(copies(node), f"{path}.", shared, training))
        elif isinstance(node.target, Module):
            inside = children(node.target)
            stack.append(_Open(inside, f"{path}.", shared, training))
        else:
            yield FlatLayer(path, node, shared, training)


class Owners:
    """Which layer each tensor of the `state_dict` belongs to."""

    def __init__(self, network: Network) -> None:
        self._layers: dict[str, FlatLayer] = {}
        self._source = network.source_name
        for layer in layers(network):
            # A path stands again where the layer is shared.
            self._layers.setdefault(layer.path, layer)

    def of(self, name: str) -> FlatLayer | None:
        """The layer with a tensor of that name; None if there is none."""
        path = name
        while path not in self._layers:
            path, _, last = path.rpartition(".")
            if not last:
                return None
        return self._layers[path]

    def line(self, name: str) -> str:
        """Where that is written, `line 12` or `blocks.arch:3`; "" if nowhere."""
        layer = self.of(name)
        return self.place(layer) if layer is not None else ""

    def place(self, layer: FlatLayer) -> str:
        """Where a layer is written."""
        source = layer.stage.span.source.name
        return f"{'line ' if source == self._source else f'{source}:'}{layer.line}"


def uncounted(network: Network) -> list[str]:
    """The externs of a net, whose weights nothing here knows of, each once."""
    found: dict[str, None] = {}
    seen: set[int] = set()
    modules = [network.root]
    for module in modules:
        nodes = list(reversed(module.nodes))
        while nodes:
            node = nodes.pop()
            if isinstance(node, Choice):
                nodes.extend(reversed(node.nodes))
                continue
            runs = node.runs if isinstance(node, Repeat) else ()
            for stage in [run.stage for run in runs] if runs else [node]:
                assert isinstance(stage, Stage)
                target = stage.target
                if isinstance(target, Module):
                    if id(target) not in seen:
                        seen.add(id(target))
                        modules.append(target)
                elif not target.layer.counted:
                    found[stage.kind] = None
    return list(found)


def state_dict_names(network: Network) -> Iterator[tuple[str, Weight]]:
    """The names of all tensors in the `state_dict`, in the order of the modules.

    As in PyTorch, a module's own parameters come first, then its own buffers, and
    then its submodules.
    """
    holds: dict[int, bool] = {}

    def opened(module: Module) -> Iterator[Child]:
        known = holds.get(id(module))
        if known is None:
            known = holds[id(module)] = reorders(module)
        if module.order:
            module = module._replace(nodes=registered(module))
        return _as_registered(module) if known else children(module)

    stack = [(opened(network.root), "")]
    while stack:
        scope, prefix = stack[-1]
        child = next(scope, None)
        if child is None:
            stack.pop()
            continue
        node, path = child.node, prefix + child.name
        if node.shared:
            continue
        if isinstance(node, Repeat):
            stack.append((copies(node), f"{path}."))
        elif isinstance(node.target, Module):
            stack.append((opened(node.target), f"{path}."))
        else:
            for weight in node.weights:
                yield f"{path}.{weight.name}" if weight.name else path, weight


def _as_registered(module: Module) -> Iterator[Child]:
    """The children of a scope: parameters, buffers, submodules.

    So it is within each submodule that labels with dots lead to, too. It stands where
    the first child in it does.
    """
    # Each with what is left of its name, which is nothing where it is reached.
    stack = [[(child.name, child) for child in children(module)]]
    while stack:
        tensors: dict[str, list[Child]] = {"parameter": [], "buffer": []}
        modules: dict[str, list[tuple[str, Child]]] = {}
        for name, child in stack.pop():
            own, dot, rest = name.partition(".")
            held = attribute(child.node)
            if not name:
                yield child
            elif held is not None and not dot:
                tensors[held.kind].append(child)
            elif held is not None or child.registered:
                modules.setdefault(own, []).append((rest, child))
        for found in tensors.values():
            yield from found
        stack.extend(reversed(modules.values()))
