"""From modules to classes: one for each block, however many shapes it is used with.

A block's uses (its variants) differ in numbers and in which arms of its conditions are
taken. Here they are laid over each other, stage by stage. What cannot be laid over
each other raises MismatchError, and the variants then get classes apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from archdsl.backends.torch import chain, inplace
from archdsl.backends.torch.planned import (
    MismatchError,
    Planned,
    PlannedChoice,
    PlannedOutput,
    PlannedRepeat,
    PlannedRun,
    PlannedStage,
    PlannedTraining,
    Scope,
)
from archdsl.ir.names import Child, children, makes_module
from archdsl.ir.network import Choice, Module, Node, Repeat, Stage
from archdsl.shapes.tensor import TensorType

_T = TypeVar("_T")


class _Variant:
    """One use of a block while it is laid over the others."""

    def __init__(self, module: Module, positional: bool) -> None:
        self.names: Iterator[Child] = children(module, positional)
        self.values: dict[int, int] = {}
        self.types: dict[int, TensorType] = dict(enumerate(module.inputs))
        self.module = module


def plan(modules: Sequence[Module]) -> Scope:
    """The variants of a block laid over each other. Raises MismatchError."""
    return _scope(dict(enumerate(modules)), positional=False)


def _scope(modules: dict[int, Module], positional: bool) -> Scope:
    scope = Scope()
    variants = {at: _Variant(module, positional) for at, module in modules.items()}
    counts = {len(module.inputs) for module in modules.values()}
    if len(counts) != 1:
        raise MismatchError
    scope.inputs = counts.pop()
    scope.order = next(iter(modules.values())).order
    for number in range(scope.inputs):
        value = scope.value()
        for variant in variants.values():
            variant.values[number] = value
    # A net's input is a value like another; it has the number 0 as well.
    sequences = {at: module.nodes for at, module in modules.items()}
    scope.nodes = _merge(scope, variants, sequences)
    _check_arms(scope.nodes, set(range(scope.inputs)))
    scope.output = _agreed(
        variants[at].values[module.output] for at, module in modules.items()
    )
    values, root = variants[0].values if 0 in variants else {}, modules.get(0)
    if root is not None and len(modules) == 1:
        scope.outputs = tuple(
            PlannedOutput(output.name, values[output.value], output.training)
            for output in root.outputs
        )
    inplace.mark(scope)
    scope.chain = chain.of(scope, modules, positional)
    if scope.chain != "positions":
        chain.settle_names(scope)
    return scope


def _check_arms(nodes: list[Planned], known: set[int]) -> None:
    """Raise MismatchError if a value of one arm is read outside of it.

    Where the arm is not taken there is no such value, and Python would need one.
    """
    for node in nodes:
        if isinstance(node, PlannedChoice):
            for arm, result in (
                (node.then, node.then_result),
                (node.otherwise, node.otherwise_result),
            ):
                inside = set(known)
                _check_arms(arm, inside)
                if result not in inside:
                    raise MismatchError
        elif isinstance(node, PlannedTraining):
            _check_arms(node.nodes, set(known))
        elif not known.issuperset(node.inputs):
            raise MismatchError
        known.add(node.output)


def _agreed(values: Iterable[_T]) -> _T:
    """The one value that all of these are."""
    found = set(values)
    if len(found) != 1:
        raise MismatchError
    return found.pop()


def _merge(
    scope: Scope,
    variants: dict[int, _Variant],
    sequences: dict[int, tuple[Node, ...]],
) -> list[Planned]:
    if len({len(nodes) for nodes in sequences.values()}) != 1:
        raise MismatchError
    planned: list[Planned] = []
    order = tuple(sequences)
    for row in zip(*(sequences[at] for at in order), strict=True):
        nodes = dict(zip(order, row, strict=True))
        first = row[0]
        if any(type(node) is not type(first) for node in row):
            raise MismatchError
        if isinstance(first, Stage):
            stages = {at: n for at, n in nodes.items() if isinstance(n, Stage)}
            planned.append(_stage(scope, variants, stages))
        elif isinstance(first, Choice):
            choices = {at: n for at, n in nodes.items() if isinstance(n, Choice)}
            planned += _choice(scope, variants, choices)
        else:
            repeats = {at: n for at, n in nodes.items() if isinstance(n, Repeat)}
            planned += _repeat(scope, variants, repeats)
    return planned


def _names(
    variants: dict[int, _Variant], stages: Mapping[int, Stage | Repeat]
) -> dict[int, str]:
    return {at: next(variants[at].names).name for at in stages}


def _stage(
    scope: Scope, variants: dict[int, _Variant], stages: dict[int, Stage]
) -> PlannedStage:
    names = _names(variants, stages)
    inputs = [
        tuple(variants[at].values[i] for i in stage.inputs)
        for at, stage in stages.items()
    ]
    types = {
        at: tuple(variants[at].types[i] for i in stage.inputs)
        for at, stage in stages.items()
    }
    fetched = any(
        stage.output in variants[at].module.referenced for at, stage in stages.items()
    )
    planned = _planned_stage(scope, stages, names, inputs, types, fetched)
    for at, stage in stages.items():
        variants[at].values[stage.output] = planned.output
        variants[at].types[stage.output] = stage.type
    return planned


def _planned_stage(
    scope: Scope,
    stages: dict[int, Stage],
    names: dict[int, str],
    inputs: list[tuple[int, ...]],
    types: dict[int, tuple[TensorType, ...]],
    fetched: bool,
) -> PlannedStage:
    if len(set(inputs)) != 1:
        raise MismatchError
    modules = {
        at: stage.target
        for at, stage in stages.items()
        if isinstance(stage.target, Module)
    }
    groups = {at: each for at, each in modules.items() if each.kind == "group"}
    # A layer, a block and a group are written in ways of their own.
    if len(modules) not in (0, len(stages)) or len(groups) not in (0, len(stages)):
        raise MismatchError
    inner = _scope(groups, positional=True) if groups else None
    labelled = any(stage.label is not None for stage in stages.values())
    name = next(iter(names.values()))
    return PlannedStage(
        stages, name, names, inputs[0], scope.value(), types, inner, labelled, fetched
    )


def _choice(
    scope: Scope, variants: dict[int, _Variant], choices: dict[int, Choice]
) -> list[Planned]:
    if any(choice.training for choice in choices.values()):
        return [_training(scope, variants, choices)]
    arms: dict[bool, tuple[list[Planned], int]] = {}
    for taken in (True, False):
        chosen = {at: choice for at, choice in choices.items() if choice.taken is taken}
        if not chosen:
            continue
        inside = {at: variants[at] for at in chosen}
        nodes = _merge(scope, inside, {at: c.nodes for at, c in chosen.items()})
        result = _agreed([inside[at].values[c.result] for at, c in chosen.items()])
        arms[taken] = nodes, result
        for at, choice in chosen.items():
            variant = variants[at]
            variant.values[choice.output] = result
            variant.types[choice.output] = variant.types[choice.result]
    if len(arms) == 1:
        return next(iter(arms.values()))[0]
    output = scope.value()
    for at, choice in choices.items():
        variants[at].values[choice.output] = output
    entered = _agreed([variants[at].values[c.input] for at, c in choices.items()])
    (then, then_result), (otherwise, otherwise_result) = arms[True], arms[False]
    return [
        PlannedChoice(
            {at: (choice.taken, choice.condition) for at, choice in choices.items()},
            then,
            then_result,
            otherwise,
            otherwise_result,
            entered,
            output,
            next(iter(choices.values())).span,
        )
    ]


def _training(
    scope: Scope, variants: dict[int, _Variant], choices: dict[int, Choice]
) -> PlannedTraining:
    nodes = _merge(scope, variants, {at: c.nodes for at, c in choices.items()})
    result = _agreed([variants[at].values[c.result] for at, c in choices.items()])
    for at, choice in choices.items():
        variants[at].values[choice.output] = result
        variants[at].types[choice.output] = variants[at].types[choice.result]
    return PlannedTraining(nodes, result, result)


def _repeat(
    scope: Scope, variants: dict[int, _Variant], repeats: dict[int, Repeat]
) -> list[Planned]:
    if all(repeat.label is None for repeat in repeats.values()):
        return _unrolled(scope, variants, repeats)
    name = _agreed(list(_names(variants, repeats).values()))
    # Another use has the modules of the first one.
    first_uses = (repeat._replace(shared=False) for repeat in repeats.values())
    if any(map(makes_module, first_uses)):
        return [_labelled_repeat(scope, variants, repeats, name)]
    # A layer that is told a size is a function, which no list can hold.
    return _unrolled(scope, variants, repeats, name)


def _labelled_repeat(
    scope: Scope,
    variants: dict[int, _Variant],
    repeats: dict[int, Repeat],
    name: str,
) -> PlannedRepeat:
    lengths = {at: len(repeat.runs) for at, repeat in repeats.items()}
    varied = len(set(lengths.values())) != 1
    if varied and not all(map(_may_grow, repeats.values())):
        raise MismatchError
    inputs = _agreed(
        tuple(variants[at].values[i] for i in repeat.inputs)
        for at, repeat in repeats.items()
    )
    runs: list[PlannedRun] = []
    flows = {
        at: tuple(variants[at].types[i] for i in repeat.inputs)
        for at, repeat in repeats.items()
    }
    for number in range(max(lengths.values())):
        left = {at: r for at, r in repeats.items() if number < lengths[at]}
        stages = {at: repeat.runs[number].stage for at, repeat in left.items()}
        stage = _planned_stage(
            scope,
            stages,
            dict.fromkeys(stages, str(number)),
            [_chosen(inputs, stage) for stage in stages.values()],
            {at: _chosen(flows[at], stage) for at, stage in stages.items()},
            False,
        )
        counts = {
            at: (repeat.runs[number].count, repeat.runs[number].count_expr)
            for at, repeat in left.items()
        }
        runs.append(PlannedRun(stage, counts))
        flows = {at: (stages[at].type, *flows[at][1:]) for at in left}
    output = scope.value()
    for at, repeat in repeats.items():
        variants[at].values[repeat.output] = output
        variants[at].types[repeat.output] = repeat.type
    shared = any(repeat.shared for repeat in repeats.values())
    return PlannedRepeat(
        name,
        runs,
        inputs,
        output,
        tuple(repeats),
        shared,
        lengths if varied else None,
    )


def _may_grow(repeat: Repeat) -> bool:
    """Whether the copies differ each from the last, as those of a dense block do."""
    alone = len(repeat.inputs) == 1 and not repeat.shared
    return alone and all(run.count == 1 for run in repeat.runs)


def _chosen(given: tuple[_T, ...], stage: Stage) -> tuple[_T, ...]:
    """Which of a repeat's inputs a copy takes."""
    return tuple(given[at] for at in stage.inputs)


def _copies(repeat: Repeat) -> Iterator[Stage]:
    for run in repeat.runs:
        for _ in range(run.count):
            yield run.stage


def _unrolled(
    scope: Scope,
    variants: dict[int, _Variant],
    repeats: dict[int, Repeat],
    name: str | None = None,
) -> list[Planned]:
    """The copies of a repeat that stand in the enclosing scope."""
    if len({repeat.count for repeat in repeats.values()}) != 1:
        raise MismatchError
    inputs = _agreed(
        tuple(variants[at].values[i] for i in repeat.inputs)
        for at, repeat in repeats.items()
    )
    types = {
        at: tuple(variants[at].types[i] for i in repeat.inputs)
        for at, repeat in repeats.items()
    }
    planned: list[Planned] = []
    for row in zip(*(_copies(repeat) for repeat in repeats.values()), strict=True):
        stages = dict(zip(repeats, row, strict=True))
        named = all(repeat.names is not None for repeat in repeats.values())
        groups = {
            at: stage.target
            for at, stage in stages.items()
            if isinstance(stage.target, Module) and stage.target.kind == "group"
        }
        if groups and not named:
            if len(groups) != len(stages):
                raise MismatchError
            inside: dict[int, _Variant] = {}
            for at, group in groups.items():
                variant = _Variant.__new__(_Variant)
                variant.names = variants[at].names
                variant.values = dict(enumerate(_chosen(inputs, stages[at])))
                variant.types = dict(enumerate(_chosen(types[at], stages[at])))
                variant.module = group
                inside[at] = variant
            planned += _merge(scope, inside, {at: g.nodes for at, g in groups.items()})
            flow = _agreed([inside[at].values[g.output] for at, g in groups.items()])
        else:
            stage = _planned_stage(
                scope,
                stages,
                dict.fromkeys(stages, name) if name else _names(variants, stages),
                [_chosen(inputs, stage) for stage in stages.values()],
                {at: _chosen(types[at], stage) for at, stage in stages.items()},
                False,
            )
            stage.labelled = named
            planned.append(stage)
            flow = stage.output
        inputs = (flow, *inputs[1:])
        types = {at: (stages[at].type, *types[at][1:]) for at in types}
    for at, repeat in repeats.items():
        variants[at].values[repeat.output] = inputs[0]
        variants[at].types[repeat.output] = repeat.type
    return planned
