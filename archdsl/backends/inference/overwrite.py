"""Which convolutions may write their sum into the map that is added.

That saves one pass over memory. Nothing else may read the map afterwards, nor hold a
view of it: it is one that the net has computed itself, in a block or in what calls it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archdsl.ir.network import Choice, Module, Repeat, Stage
from archdsl.ops.record import Site

# What these give is a new tensor, and no view of another.
_NEW = frozenset(("add", "avgpool", "bn", "conv", "dwconv", "fc", "maxpool", "upconv"))

# So many stages between the two readers of a map are looked at.
MOST_BETWEEN = 1000


def overwriting(root: Module) -> set[int]:
    """The identities of such stages of a net that is lowered and fused."""
    modules = list(_callees_first(root, set()))
    new: dict[int, bool] = {}
    scopes = []
    for module in modules:
        scope = _Scope(module, new)
        new[id(module)] = scope.gives_new()
        scopes.append(scope)
    # Whether every caller leaves an input to the module.
    left = {id(module): [True] * len(module.inputs) for module in modules}
    left[id(root)] = [False] * len(root.inputs)
    found: set[int] = set()
    for scope in reversed(scopes):
        found.update(scope.overwriting(left))
    return found


def _callees_first(module: Module, seen: set[int]) -> Iterator[Module]:
    if id(module) in seen:
        return
    seen.add(id(module))
    for node in module.nodes:
        assert not isinstance(node, Choice)
        stages = (
            [run.stage for run in node.runs] if isinstance(node, Repeat) else [node]
        )
        for stage in stages:
            if isinstance(stage.target, Module):
                yield from _callees_first(stage.target, seen)
    yield module


class _Scope:
    """What becomes of the values of one module."""

    def __init__(self, module: Module, new: dict[int, bool]) -> None:
        self._module = module
        # By the identity of modules: whether what they give is a new tensor.
        self._new = new
        self._nodes: list[Stage | Repeat] = []
        self._maker: dict[int, int] = {}
        self._readers: dict[int, list[int]] = {}
        for at, node in enumerate(module.nodes):
            assert not isinstance(node, Choice)
            self._nodes.append(node)
            self._maker[node.output] = at
            for value in node.inputs:
                self._readers.setdefault(value, []).append(at)
        self._results = {module.output, *(output.value for output in module.outputs)}

    def gives_new(self) -> bool:
        """Whether the result is one new tensor."""
        maker = self._maker.get(self._module.output)
        if self._module.outputs or maker is None:
            return False
        return self._makes_new(self._nodes[maker])

    def overwriting(self, left: dict[int, list[bool]]) -> Iterator[int]:
        """The stages found here; `left` learns what this module leaves to others."""
        own = left[id(self._module)]
        for at, node in enumerate(self._nodes):
            if isinstance(node, Repeat):
                self._repeated(at, node, own, left)
            elif isinstance(node.target, Module):
                free = [self._is_free(value, at, own) for value in node.inputs]
                _narrow(left[id(node.target)], free)
            elif _adds(node) and self._is_free(node.inputs[1], at, own):
                yield id(node)

    def _repeated(
        self, at: int, repeat: Repeat, own: Sequence[bool], left: dict[int, list[bool]]
    ) -> None:
        stages = [run.stage for run in repeat.runs]
        copies = sum(run.count for run in repeat.runs)
        flows = self._is_free(repeat.inputs[0], at, own) and (
            copies == 1 or all(map(self._makes_new, stages))
        )
        for stage in stages:
            if isinstance(stage.target, Module):
                # What all copies get is read again by the next.
                free = [
                    flows and stage.inputs.count(0) == 1 and i == 0
                    for i in stage.inputs
                ]
                _narrow(left[id(stage.target)], free)

    def _is_free(self, value: int, at: int, own: Sequence[bool]) -> bool:
        """Whether nothing needs the value after the node at this place has read it."""
        readers = self._readers[value]
        if value in self._results or readers.count(at) != 1:
            return False
        maker = self._maker.get(value)
        if not (own[value] if maker is None else self._makes_new(self._nodes[maker])):
            return False
        others = {reader for reader in readers if reader != at}
        return all(self._makes_new(self._nodes[reader]) for reader in others) and (
            not others or others <= self._before(at, min(others))
        )

    def _before(self, at: int, first: int) -> set[int]:
        """Nodes, from this first one on, that the one at this place has to wait for.

        The order in which they stand is not always that of the source.
        """
        found: set[int] = set()
        left = [at]
        while left and len(found) < MOST_BETWEEN:
            for value in self._nodes[left.pop()].inputs:
                maker = self._maker.get(value, -1)
                if maker >= first and maker not in found:
                    found.add(maker)
                    left.append(maker)
        return found

    def _makes_new(self, node: Stage | Repeat) -> bool:
        if isinstance(node, Repeat):
            return all(self._makes_new(run.stage) for run in node.runs)
        if isinstance(node.target, Module):
            return self._new[id(node.target)]
        return node.target.layer.name in _NEW


def _adds(stage: Stage) -> bool:
    """Whether it is a convolution that has taken on an addition."""
    site = stage.target
    assert isinstance(site, Site)
    return site.layer.name in ("conv", "dwconv") and len(stage.inputs) == 2


def _narrow(known: list[bool], free: Sequence[bool]) -> None:
    known[:] = [a and b for a, b in zip(known, free, strict=True)]
