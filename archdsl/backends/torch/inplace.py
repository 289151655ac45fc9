"""Activations that overwrite their input, as in handwritten networks.

The tensor must be a new one that nothing else reads, and whose maker does not need it
for its gradients. Memory is then touched once, and there is room for one map less.
"""

from __future__ import annotations

from collections import Counter

from archdsl.backends.torch.planned import (
    Planned,
    PlannedChoice,
    PlannedRepeat,
    PlannedStage,
    PlannedTraining,
    Scope,
    count_uses,
)
from archdsl.ops.form import Apply, Keyword

# Their gradients are made from what they give.
_OVERWRITING = frozenset(("relu", "relu6"))
# They give a new tensor, and their gradients are made from what they are given.
_NOT_KEEPING = frozenset(
    ("conv", "dwconv", "upconv", "fc", "bn", "gn", "ln", "instancenorm", "add")
)


def mark(scope: Scope) -> None:
    """Set `inplace` on the stages of a scope that may overwrite their input."""
    uses = count_uses(scope.nodes)
    uses.update(output.value for output in scope.outputs)
    uses[scope.output] += 1
    _mark(scope.nodes, uses)


def _mark(nodes: list[Planned], uses: Counter[int]) -> None:
    new: set[int] = set()
    for node in nodes:
        if isinstance(node, PlannedChoice):
            _mark(node.then, uses)
            _mark(node.otherwise, uses)
        elif isinstance(node, PlannedTraining):
            _mark(node.nodes, uses)
        elif not isinstance(node, PlannedRepeat):
            if len(node.inputs) == 1 and _all(node, _OVERWRITING):
                (value,) = node.inputs
                node.inplace = value in new and uses[value] == 1
            if _all(node, _NOT_KEEPING):
                new.add(node.output)


def _all(node: PlannedStage, kinds: frozenset[str]) -> bool:
    """Whether it is one of these layers in every variant."""
    return node.site is not None and all(
        stage.kind in kinds for stage in node.stages.values()
    )


def overwriting(call: Apply) -> Apply:
    """The call of an activation, told to overwrite its input."""
    return call._replace(arguments=(*call.arguments, Keyword("inplace", True)))
