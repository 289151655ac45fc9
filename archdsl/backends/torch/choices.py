"""Conditions that the uses of a block decide differently."""

from __future__ import annotations

import re
from typing import NamedTuple

from archdsl.backends.torch.planned import (
    PlannedChoice,
    PlannedRepeat,
    PlannedStage,
    PlannedTraining,
)
from archdsl.backends.torch.reserved import is_attribute

_IS_NONE = re.compile(r"(\w+) is (not )?None")


class Shortcut(NamedTuple):
    """A choice between one submodule and nothing at all."""

    node: PlannedStage | PlannedRepeat
    negated: bool


def shortcut(choice: PlannedChoice) -> Shortcut | None:
    """The lone submodule that one arm has and the other lacks, if that is all."""
    arms = (
        (choice.then, choice.then_result, choice.otherwise, choice.otherwise_result),
        (choice.otherwise, choice.otherwise_result, choice.then, choice.then_result),
    )
    for number, (nodes, result, others, other_result) in enumerate(arms):
        if others or len(nodes) != 1:
            continue
        node = nodes[0]
        if isinstance(node, PlannedChoice | PlannedTraining) or node.shared:
            continue
        alone = node.inputs == (other_result,) and node.output == result
        if alone and (isinstance(node, PlannedRepeat) or node.makes_module):
            return Shortcut(node, negated=number == 1)
    return None


def negated(condition: str) -> str:
    """The opposite of a condition."""
    if condition.isidentifier():
        return f"not {condition}"
    asked = _IS_NONE.fullmatch(condition)
    if asked is not None:
        name, there = asked.groups()
        return f"{name} is None" if there else f"{name} is not None"
    return f"not ({condition})"


def flag_name(choice: PlannedChoice) -> str:
    """The attribute that remembers how a condition was decided."""
    for node in (*choice.then, *choice.otherwise):
        if isinstance(node, PlannedStage | PlannedRepeat) and is_attribute(node.name):
            return f"has_{node.name}"
    return f"has_branch{choice.output}"
