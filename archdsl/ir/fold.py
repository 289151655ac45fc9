"""Which neighbouring copies are alike, so that one may stand for all.

Modules are shared, so most comparisons end at once; a `Folder` remembers the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.ir.network import Choice, Module, Node, Repeat, Stage
from archdsl.tuples import NamedTuple


class Flat(NamedTuple):
    """A module's stages and repeats in order, its choices resolved.

    `sources` says where the inputs of each node come from: the number of a node, or
    -1 - k for the module's input k. `output` is such a number too, and `outputs` are
    those of all that a net returns. `training` are the nodes that compute an output
    which exists in training only.
    """

    nodes: tuple[Stage | Repeat, ...]
    sources: tuple[tuple[int, ...], ...]
    output: int
    outputs: tuple[int, ...]
    training: frozenset[int]


class Fold(NamedTuple):
    """Copies that are drawn once: each distinct stage, and how often it stands."""

    stages: tuple[Stage, ...]
    counts: tuple[int, ...]

    @property
    def count(self) -> int:  # type: ignore[override]  # hides the method of tuples
        return sum(self.counts)


class Folder:
    """Compares and folds the parts of one network.

    With `rates`, copies that differ only in the rates of their regularisation are
    taken together too, as those of stochastic depth, whose rate grows with the depth.
    """

    def __init__(self, rates: bool = False) -> None:
        self._rates = rates
        self._flat: dict[int, Flat] = {}
        self._alike: dict[tuple[int, int, bool], bool] = {}

    def flat(self, module: Module) -> Flat:
        """The module's nodes and where their inputs come from."""
        found = self._flat.get(id(module))
        if found is None:
            found = self._flat[id(module)] = _flatten(module)
        return found

    def folded(self, repeat: Repeat) -> list[Fold]:
        """The copies of a repeat, neighbours that are alike taken together.

        Three or more that differ in nothing but the sizes that arrive, as the layers
        of a dense block do, are taken together too.
        """
        strict: list[Fold] = []
        for stage, count, _ in repeat.runs:
            if strict and self._copies(strict[-1].stages[0], stage, True):
                last = strict[-1]
                strict[-1] = Fold(last.stages, (last.count + count,))
            else:
                strict.append(Fold((stage,), (count,)))
        result: list[Fold] = []
        at = 0
        while at < len(strict):
            end = at + 1
            while end < len(strict) and self._copies(
                strict[end - 1].stages[0], strict[end].stages[0], False
            ):
                end += 1
            if end - at < 3 and not self._only_rates(strict[at:end]):
                end = at + 1
            group = strict[at:end]
            result.append(
                Fold(
                    tuple(fold.stages[0] for fold in group),
                    tuple(fold.count for fold in group),
                )
            )
            at = end
        return result

    def _only_rates(self, group: Sequence[Fold]) -> bool:
        """Whether copies that are alike but for sizes have the same sizes too."""
        targets = [fold.stages[0].target for fold in group]
        ins = [t.inputs if isinstance(t, Module) else t.ins for t in targets]
        return self._rates and all(found == ins[0] for found in ins)

    def _copies(self, a: Stage, b: Stage, sizes: bool) -> bool:
        """Whether two copies of a repeat are alike and get the same values."""
        return a.inputs == b.inputs and self.alike(a, b, sizes)

    def alike(self, a: Stage | Repeat, b: Stage | Repeat, sizes: bool) -> bool:
        """Whether two nodes have the same structure, arguments and, if asked, sizes."""
        if isinstance(a, Repeat) and isinstance(b, Repeat):
            if a.label != b.label or a.shared != b.shared:
                return False
            return self._same_folds(a, b, sizes)
        if isinstance(a, Repeat) or isinstance(b, Repeat):
            return False
        if a.kind != b.kind or a.label != b.label or a.shared != b.shared:
            return False
        one, two = a.target, b.target
        if isinstance(one, Module) and isinstance(two, Module):
            return self._same_modules(one, two, sizes)
        if isinstance(one, Module) or isinstance(two, Module):
            return False
        if sizes and one.ins != two.ins:
            return False
        if one.layer is not two.layer:
            # Externs of one name, from two files.
            return False
        if self._rates and not sizes and one.layer.look == "regularisation":
            return len(one.ins) == len(two.ins)
        return len(one.ins) == len(two.ins) and all(
            two.args[name].value == bound.value for name, bound in one.args.items()
        )

    def _same_folds(self, a: Repeat, b: Repeat, sizes: bool) -> bool:
        first, second = self.folded(a), self.folded(b)
        return len(first) == len(second) and all(
            one.counts == two.counts
            and all(
                self._copies(x, y, sizes)
                for x, y in zip(one.stages, two.stages, strict=True)
            )
            for one, two in zip(first, second, strict=True)
        )

    def _same_modules(self, a: Module, b: Module, sizes: bool) -> bool:
        if a is b:
            return True
        if a.kind != b.kind or a.name != b.name or len(a.inputs) != len(b.inputs):
            return False
        if a.span.source is not b.span.source:
            return False
        if sizes and (a.inputs != b.inputs or a.cost != b.cost):
            return False
        key = (id(a), id(b), sizes)
        found = self._alike.get(key)
        if found is None:
            one, two = self.flat(a), self.flat(b)
            found = self._alike[key] = (
                one.sources == two.sources
                and one.outputs == two.outputs
                and all(
                    self.alike(x, y, sizes)
                    for x, y in zip(one.nodes, two.nodes, strict=True)
                )
            )
        return found


def _flatten(module: Module) -> Flat:
    nodes: list[Stage | Repeat] = []
    choices: list[Choice] = []
    trained: set[int] = set()
    _gather(module.nodes, nodes, choices, trained)
    came: dict[int, int] = {node.output: at for at, node in enumerate(nodes)}
    became = {choice.output: choice.result for choice in choices}
    last = max((module.output, len(module.inputs) - 1, *came, *became))
    # What no node makes flows in; a group captures in the midst of its values.
    outside = (v for v in range(last + 1) if v not in came and v not in became)
    for k, value in enumerate(outside):
        came[value] = -1 - k

    def source(value: int) -> int:
        while value in became:
            value = became[value]
        return came[value]

    sources = tuple(tuple(map(source, node.inputs)) for node in nodes)
    output = source(module.output)
    outputs = tuple(source(each.value) for each in module.outputs) or (output,)
    return Flat(tuple(nodes), sources, output, outputs, frozenset(trained))


def _gather(
    found: Sequence[Node],
    nodes: list[Stage | Repeat],
    choices: list[Choice],
    trained: set[int],
) -> None:
    for node in found:
        if isinstance(node, Choice):
            begun = len(nodes)
            _gather(node.nodes, nodes, choices, trained)
            if node.training:
                trained.update(range(begun, len(nodes)))
            choices.append(node)
        else:
            nodes.append(node)
