"""A checked net as it is computed after training.

Conditions are decided, what exists in training only is gone, groups stand in the scope
around them, and a convolution takes with it what follows: `fuse` does that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

from archdsl.backends.inference.fuse import Item, fused
from archdsl.backends.inference.parts_of import generic, reading
from archdsl.backends.torch.reserved import is_attribute
from archdsl.backends.torch.uses import blocks
from archdsl.ir.names import Child, children, is_inline
from archdsl.ir.network import Choice, Module, Network, Node, Repeat, Run, Stage
from archdsl.ops.record import Bound, Site
from archdsl.shapes.expr import Const
from archdsl.shapes.size import is_known
from archdsl.shapes.tensor import Dim, TensorType
from archdsl.source import Span

# Constructor arguments, or names in the source that a child must not hide.
_TAKEN = frozenset(("weights", "dtype"))


class Lowered(NamedTuple):
    """The net, and where the weights of its stages are in the `state_dict`.

    `paths` holds, by the identity of each stage or repeat, its path from the module
    around it; the copies of a repeat have that of the repeat. `whole` are stages whose
    tensors others read, and `training` the paths of what exists in training only.
    """

    network: Network
    paths: dict[int, str]
    whole: set[int]
    training: tuple[str, ...]


def lowered(network: Network) -> Lowered:
    """The net for inference. Its blocks are shared as those of the net are."""
    used = [module for modules, _ in blocks(network.root) for module in modules]
    lower = _Lower({module.name: module.span for module in used})
    root = lower.module(network.root)
    training = tuple(
        dict.fromkeys(child.name for child in children(network.root) if child.training)
    )
    return Lowered(network._replace(root=root), lower.paths, lower.whole, training)


class _Lower:
    def __init__(self, places: dict[str, Span]) -> None:
        self.paths: dict[int, str] = {}
        self.whole: set[int] = set()
        self._modules: dict[int, Module] = {}
        # Groups that are blocks here; their children are still called by positions.
        self._blocks: dict[int, Module] = {}
        self._positional: set[int] = set()
        # By the names of blocks, where they stand, or the groups they are made of.
        self._places = places
        # What identities stand for must stay.
        self._kept: list[object] = []

    def module(self, module: Module) -> Module:
        """A net or block; a group becomes a block of that name."""
        known = self._modules.get(id(module))
        if known is None:
            self._kept.append(module)
            known = self._modules[id(module)] = self._lowered(module)
        return known

    def _lowered(self, module: Module) -> Module:
        scope = _Scope(len(module.inputs))
        env = dict(enumerate(range(len(module.inputs))))
        positional = id(module) in self._positional
        scope.walk(module.nodes, _names(module, positional), env, "")
        outputs = tuple(
            output._replace(value=env[output.value])
            for output in module.outputs
            if not output.training
        )
        results = [o.value for o in outputs] or [env[module.output]]
        items = fused(scope.items, results)
        attributes = _attributes(items)
        read = frozenset(label for item in items for label in item.reads)
        nodes = [self._node(item, attributes) for item in items]
        numbered = _numbered(nodes)
        for before, node in zip(items, numbered, strict=True):
            self.paths[id(node)] = before.path
            if isinstance(node, Repeat):
                self.paths.update((id(run.stage), before.path) for run in node.runs)
            if before.path in read:
                self.whole.add(id(node))
        self._kept += numbered
        single = len(outputs) == 1 and module.output_form != "dict"
        return module._replace(
            nodes=numbered,
            output=results[0],
            outputs=() if single else outputs,
            output_form="tensor" if single else module.output_form,
            referenced=frozenset(),
            order=(),
        )

    def _node(self, item: Item, attributes: dict[str, str | None]) -> Stage | Repeat:
        node, attribute = item.node, attributes[item.path]
        if isinstance(node, Repeat):
            # Every copy gets its inputs by their places among those of the repeat.
            runs = tuple(
                Run(self._copy(run.stage, item.path), run.count, run.count_expr)
                for run in node.runs
            )
            node = node._replace(
                runs=runs, label=attribute, inputs=item.inputs, output=item.output
            )
        else:
            if item.reads:
                (label,) = item.reads
                assert isinstance(node.target, Site)
                node = node._replace(
                    target=reading(node.target, label, attributes[label] or label)
                )
            node = self._stage(node)._replace(
                label=attribute, inputs=item.inputs, output=item.output
            )
        return node

    def _copy(self, stage: Stage, path: str) -> Stage:
        target = stage.target
        if isinstance(target, Module) and target.kind == "group":
            block = self._blocks.get(id(target))
            if block is None:
                block = _as_block(target, self._block_name(target, path))
                self._blocks[id(target)] = block
                self._positional.add(id(block))
            return self._stage(stage._replace(target=block, args={}))
        return self._stage(stage)

    def _block_name(self, group: Module, path: str) -> str:
        """A name that groups which stand elsewhere in the text do not have."""
        wanted = path.rpartition(".")[2]
        for number in count(1):
            name = wanted if number == 1 else f"{wanted}_{number}"
            if self._places.setdefault(name, group.span) == group.span:
                return name
        raise AssertionError

    def _stage(self, stage: Stage) -> Stage:
        target = stage.target
        if isinstance(target, Module):
            return stage._replace(target=self.module(target))
        return stage._replace(target=generic(target), chosen_by=None)


class _Scope:
    """The stages of one scope and of its groups, in order, with new values."""

    def __init__(self, values: int) -> None:
        self.items: list[Item] = []
        self._values = values
        self._seen: set[str] = set()

    def walk(
        self,
        nodes: Sequence[Node],
        names: Iterator[Child],
        env: dict[int, int],
        prefix: str,
    ) -> None:
        """Go through nodes whose values are those of `env`, which takes theirs."""
        for node in nodes:
            if isinstance(node, Choice):
                if not node.training:
                    self.walk(node.nodes, names, env, prefix)
                    env[node.output] = env[node.result]
            elif isinstance(node, Repeat):
                given = [env[value] for value in node.inputs]
                if node.label is None:
                    env[node.output] = self._copies(node, names, given, prefix)
                else:
                    path = prefix + next(names).name
                    env[node.output] = self._repeat(node, path, given)
            else:
                given = [env[value] for value in node.inputs]
                path = prefix + next(names).name
                env[node.output] = self._stage(node, path, given)

    def _copies(
        self, repeat: Repeat, names: Iterator[Child], flow: list[int], prefix: str
    ) -> int:
        """The copies of a repeat without a label, one after the other."""
        inline = is_inline(repeat)
        for run in repeat.runs:
            for _ in range(run.count):
                given = [flow[at] for at in run.stage.inputs]
                target = run.stage.target
                if inline and isinstance(target, Module):
                    env = dict(enumerate(given))
                    self.walk(target.nodes, names, env, prefix)
                    out = env[target.output]
                else:
                    out = self._stage(run.stage, prefix + next(names).name, given)
                flow = [out, *flow[1:]]
        return flow[0]

    def _repeat(self, repeat: Repeat, path: str, given: list[int]) -> int:
        """A labelled repeat; copies that are told sizes are written out."""
        stages = [run.stage for run in repeat.runs]
        if not any(_is_group(stage) and _has_symbols(stage) for stage in stages):
            return self._add(repeat, path, given)
        number = 0
        for run in repeat.runs:
            for _ in range(run.count):
                inside = [given[at] for at in run.stage.inputs]
                out = self._stage(run.stage, f"{path}.{number}", inside)
                given = [out, *given[1:]]
                number += 1
        return given[0]

    def _stage(self, stage: Stage, path: str, given: list[int]) -> int:
        target = stage.target
        if isinstance(target, Module) and target.kind == "group":
            env = dict(enumerate(given))
            self.walk(target.nodes, _names(target, True), env, f"{path}.")
            return env[target.output]
        if isinstance(target, Site) and target.layer.look == "regularisation":
            return given[0]
        return self._add(stage, path, given)

    def _add(self, node: Stage | Repeat, path: str, given: list[int]) -> int:
        # What stands in a shared group is used again as the group is.
        node = node._replace(shared=node.shared or path in self._seen)
        if isinstance(node, Repeat) or node.weights or isinstance(node.target, Module):
            self._seen.add(path)
        output = self._values
        self._values += 1
        self.items.append(Item(node, tuple(given), output, path))
        return output


def _names(module: Module, positional: bool) -> Iterator[Child]:
    """The children of a module after training; those of a group have positions."""
    found = children(module, positional)
    return (child for child in found if not child.training)


def _is_group(stage: Stage) -> bool:
    return isinstance(stage.target, Module) and stage.target.kind == "group"


def _has_symbols(stage: Stage) -> bool:
    group = stage.target
    assert isinstance(group, Module)
    return not all(is_known(d.size) for tensor in group.inputs for d in tensor.dims)


def _attributes(items: Sequence[Item]) -> dict[str, str | None]:
    """What each child is called: like its path, where Python lets it.

    What a function computes has no attribute.
    """
    found: dict[str, str | None] = {}
    taken: set[str] = set()
    for item in items:
        if item.path in found:
            continue
        if not item.has_module:
            found[item.path] = None
            continue
        name = re.sub(r"[^A-Za-z0-9_]", "_", item.path)
        if not name[:1].isalpha():
            name = f"layer{name}"
        while not is_attribute(name) or name in taken or name in _TAKEN:
            name += "_"
        taken.add(name)
        found[item.path] = name
    return found


def _numbered(nodes: Sequence[Stage | Repeat]) -> tuple[Stage | Repeat, ...]:
    """Stages without a label count anew, past the names of the others."""
    taken = {node.label for node in nodes}
    counts: dict[str, int] = {}
    found: list[Stage | Repeat] = []
    for node in nodes:
        if node.label is None and isinstance(node, Stage):
            number = counts.get(node.kind, 0) + 1
            while f"{node.kind}{number}" in taken:
                number += 1
            counts[node.kind] = number
            found.append(node._replace(ordinal=number))
        else:
            found.append(node)
    return tuple(found)


def _as_block(group: Module, name: str) -> Module:
    """A group as a block, whose numbers have no formulas of what is around it."""
    more = (f"y{n}" if n > 1 else "y" for n in range(1, len(group.inputs)))
    return group._replace(
        kind="block",
        name=name,
        params={},
        input_names=("x", *more),
        inputs=tuple(map(_plain_type, group.inputs)),
        nodes=tuple(map(_plain_node, group.nodes)),
        type=_plain_type(group.type),
    )


def _plain_type(tensor: TensorType) -> TensorType:
    dims = tuple(Dim(dim.size, dim.origin, Const(dim.size)) for dim in tensor.dims)
    return tensor._replace(dims=dims)


def _plain_args(args: dict[str, Bound]) -> dict[str, Bound]:
    return {k: bound._replace(expr=Const(bound.value)) for k, bound in args.items()}


def _plain_node(node: Node) -> Node:
    if isinstance(node, Choice):
        return node._replace(nodes=tuple(map(_plain_node, node.nodes)))
    if isinstance(node, Repeat):
        runs = tuple(
            Run(_plain_stage(run.stage), run.count, Const(run.count))
            for run in node.runs
        )
        return node._replace(runs=runs, type=_plain_type(node.type))
    return _plain_stage(node)


def _plain_stage(stage: Stage) -> Stage:
    target = stage.target
    if isinstance(target, Site):
        target = target._replace(
            ins=tuple(map(_plain_type, target.ins)), args=_plain_args(target.args)
        )
    elif target.kind == "group":
        target = target._replace(
            inputs=tuple(map(_plain_type, target.inputs)),
            nodes=tuple(map(_plain_node, target.nodes)),
        )
    return stage._replace(
        target=target, args=_plain_args(stage.args), type=_plain_type(stage.type)
    )
