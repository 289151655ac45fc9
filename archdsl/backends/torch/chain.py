"""Scopes that are a chain: what they have inside is that of an `nn.Sequential`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from archdsl.backends.torch.planned import (
    MismatchError,
    Planned,
    PlannedChoice,
    PlannedRepeat,
    PlannedStage,
    PlannedTraining,
    Scope,
)
from archdsl.backends.torch.reserved import clashes, is_attribute, safe_name


def of(
    scope: Scope, variants: Iterable[int], positional: bool
) -> Literal["positions", "names"] | None:
    """Whether the children follow each other, and how they are called then.

    In a block at least one of them has to have its position for a label: one whose
    children have names of their own is better read as attributes and a `forward`.
    """
    if scope.inputs != 1 or scope.order:
        return None
    if _follow(scope.nodes, 0) != scope.output:
        return None
    if all(_at_positions(scope, variant) for variant in variants) and (
        positional or any(_is_numbered(node) for node in scope.flat())
    ):
        return "positions"
    names = {node.name for node in scope.flat()}
    clashing = any(clashes(name) or "." in name for name in names)
    if positional and not clashing and _unlike(scope) is None:
        return "names"
    return None


def _follow(nodes: list[Planned], flow: int) -> int | None:
    """The value at the end, if each node is a child that takes the last one's value."""
    for node in nodes:
        if isinstance(node, PlannedTraining):
            return None
        if isinstance(node, PlannedChoice):
            ends = _follow(node.then, flow), _follow(node.otherwise, flow)
            if ends != (node.then_result, node.otherwise_result):
                return None
        elif node.inputs != (flow,) or not _is_child(node):
            return None
        flow = node.output
    return flow


def _is_child(node: PlannedStage | PlannedRepeat) -> bool:
    if isinstance(node, PlannedRepeat):
        return not node.shared and not any(run.stage.needs_sizes for run in node.runs)
    if not node.can_be_item:
        return False
    return node.site is None or not any(form.ties for form in node.forms.values())


def _taken(
    nodes: list[Planned], variant: int
) -> Iterator[PlannedStage | PlannedRepeat]:
    """The nodes that the variant has."""
    for node in nodes:
        if isinstance(node, PlannedChoice):
            taken, _ = node.conditions[variant]
            yield from _taken(node.then if taken else node.otherwise, variant)
        elif not isinstance(node, PlannedTraining):
            yield node


def _at_positions(scope: Scope, variant: int) -> bool:
    """Whether all names that matter are those that an `nn.Sequential` would give."""
    return all(
        _name(node, variant) in (None, str(position))
        for position, node in enumerate(_taken(scope.nodes, variant))
    )


def _name(node: PlannedStage | PlannedRepeat, variant: int) -> str | None:
    """What a variant calls the child; None if any name does."""
    if isinstance(node, PlannedRepeat):
        return node.name
    if node.is_stateless and not node.labelled:
        return None
    return node.names[variant]


def _is_numbered(node: PlannedStage | PlannedRepeat) -> bool:
    labelled = isinstance(node, PlannedRepeat) or node.labelled
    return labelled and node.name.isdigit()


def _unlike(scope: Scope) -> PlannedStage | None:
    """A stage that not all variants call alike."""
    for node in scope.flat():
        if isinstance(node, PlannedStage) and len(set(node.names.values())) > 1:
            return node
    return None


def settle_names(scope: Scope) -> None:
    """Call layers without state after the parameter that holds them.

    Raises MismatchError if variants call a submodule with state by several names.
    """
    taken = {
        node.name
        for node in scope.flat()
        if isinstance(node, PlannedRepeat) or len(set(node.names.values())) == 1
    }
    while (stage := _unlike(scope)) is not None:
        if stage.chosen_by is None or stage.labelled or not stage.is_stateless:
            raise MismatchError
        plain = name = _attribute(stage.chosen_by)
        number = 2
        while name in taken:
            name = f"{plain}{number}"
            number += 1
        taken.add(name)
        stage.name = name
        stage.names = dict.fromkeys(stage.names, name)


def _attribute(parameter: str) -> str:
    """An attribute named after the parameter."""
    plain = safe_name(parameter).lstrip("_")
    for name in (plain, f"{plain}_"):
        if is_attribute(name):
            return name
    return "layer"
