"""What becomes a class: stages, repeats and choices, as each variant has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

from archdsl.ir.names import arranged
from archdsl.ir.network import Stage
from archdsl.ops.form import Attribute, Form
from archdsl.ops.record import Site, form_of, unknown
from archdsl.shapes.expr import Expr
from archdsl.shapes.tensor import TensorType
from archdsl.source import Span

# A branch of at most this many stages stands inside the merge that takes it.
_SHORT_BRANCH = 4


class MismatchError(Exception):
    """These uses of a block cannot share a class."""


class UnwrittenError(MismatchError):
    """A size that is not known cannot be written where it is needed.

    Its formula is `too_long`, or it is known only when tensors arrive. `span` is the
    stage that needs it.
    """

    def __init__(self, size: object, too_long: bool) -> None:
        super().__init__()
        self.size = size
        self.too_long = too_long
        self.span: Span | None = None


@contextmanager
def writing(span: Span) -> Iterator[None]:
    """Inside, the stage at that place is written."""
    try:
        yield
    except UnwrittenError as problem:
        problem.span = problem.span or span
        raise


@dataclass(eq=False)
class PlannedStage:
    """A layer, block call or group, as each variant has it.

    `names` holds what each variant calls it; where they differ, `name` is settled
    when the scope is whole. `inputs` and `output` are numbers of planned values.
    `inner` is the plan of a group. `fetched` tells that its label is used as a value,
    `inplace` that it may overwrite its input.
    """

    stages: dict[int, Stage]
    name: str
    names: dict[int, str]
    inputs: tuple[int, ...]
    output: int
    types: dict[int, tuple[TensorType, ...]]
    inner: Scope | None
    labelled: bool
    fetched: bool
    inplace: bool = False

    @property
    def any(self) -> Stage:
        """The stage in one of the variants."""
        return next(iter(self.stages.values()))

    @property
    def site(self) -> Site | None:
        """The layer, if it is one."""
        target = self.any.target
        return target if isinstance(target, Site) else None

    @property
    def chosen_by(self) -> str | None:
        """The parameter that holds the layer in every variant, if one does."""
        found = {stage.chosen_by for stage in self.stages.values()}
        return found.pop() if len(found) == 1 and self.site is not None else None

    @property
    def is_stateless(self) -> bool:
        """Whether nothing in the `state_dict` bears the name of the submodule."""
        return all(
            isinstance(stage.target, Site)
            and stage.target.layer.counted
            and not stage.weights
            for stage in self.stages.values()
        )

    @property
    def makes_module(self) -> bool:
        """Whether a submodule can stand for the stage in every variant."""
        return self.site is None or all(
            form.module is not None and form.attribute is None
            for form in self.forms.values()
        )

    @property
    def shared(self) -> bool:
        """Whether another stage before it has built the submodule."""
        return self.any.shared

    @property
    def attribute(self) -> Attribute | None:
        """What kind of tensor the stage is, if it is one that the module holds."""
        if self.site is None:
            return None
        return next(iter(self.forms.values())).attribute

    @property
    def can_be_item(self) -> bool:
        """Whether it can stand in an `nn.Sequential`, where only the next reads it."""
        alone = not self.fetched and not self.shared
        return self.makes_module and alone and not self.needs_sizes

    @property
    def needs_sizes(self) -> bool:
        """Whether it is to be told sizes that are known only when tensors are there."""
        if self.inner is not None:
            return self.inner.needs_sizes
        return self.site is not None and any(
            form.function is not None and unknown(form.function) is not None
            for form in self.forms.values()
        )

    @cached_property
    def forms(self) -> dict[int, Form]:
        """How each variant builds the layer; asked for again and again."""
        found = {}
        for variant, stage in self.stages.items():
            assert isinstance(stage.target, Site)
            found[variant] = form_of(stage.target)
        return found


@dataclass(eq=False)
class PlannedRun:
    """Equal copies: one of them, and how many in each variant."""

    stage: PlannedStage
    counts: dict[int, tuple[int, Expr]]


@dataclass(eq=False)
class PlannedRepeat:
    """A labelled repeat: a list of modules.

    `lengths` is how many copies each variant has, where one run after the other grows
    and not all variants have them all.
    """

    name: str
    runs: list[PlannedRun]
    inputs: tuple[int, ...]
    output: int
    variants: tuple[int, ...]
    shared: bool
    lengths: dict[int, int] | None = None

    def copies(self) -> Iterator[PlannedStage]:
        """The copies one by one, as the first variant has them."""
        for run in self.runs:
            for _ in range(run.counts[self.variants[0]][0]):
                yield run.stage


@dataclass(eq=False)
class PlannedChoice:
    """A condition that the variants decide differently."""

    conditions: dict[int, tuple[bool, Expr]]
    then: list[Planned]
    then_result: int
    otherwise: list[Planned]
    otherwise_result: int
    input: int
    output: int
    span: Span


@dataclass(eq=False)
class PlannedTraining:
    """What makes an output that exists in training only."""

    nodes: list[Planned]
    result: int
    output: int


Planned: TypeAlias = PlannedStage | PlannedRepeat | PlannedChoice | PlannedTraining


class PlannedOutput(NamedTuple):
    """What a net returns; `name` is None where the outputs have no names."""

    name: str | None
    value: int
    training: bool


def flat(planned: list[Planned]) -> Iterator[PlannedStage | PlannedRepeat]:
    """The stages and repeats in order, those of each arm among them."""
    nodes = list(reversed(planned))
    while nodes:
        node = nodes.pop()
        if isinstance(node, PlannedChoice):
            nodes += reversed([*node.then, *node.otherwise])
        elif isinstance(node, PlannedTraining):
            nodes += reversed(node.nodes)
        else:
            yield node


def _names(node: Planned) -> Iterator[str]:
    return (inner.name for inner in flat([node]))


def count_uses(nodes: list[Planned]) -> Counter[int]:
    """How often each value is read."""
    uses: Counter[int] = Counter()
    for node in nodes:
        if isinstance(node, PlannedChoice):
            uses += count_uses(node.then)
            uses += count_uses(node.otherwise)
            uses[node.then_result] += 1
            uses[node.otherwise_result] += 1
        elif isinstance(node, PlannedTraining):
            uses += count_uses(node.nodes)
        else:
            uses.update(node.inputs)
    return uses


@dataclass(eq=False)
class Scope:
    """What becomes one class or one `nn.Sequential`.

    `chain` tells that the children follow each other as in an `nn.Sequential`, and
    whether they are called by their positions there or by names.
    """

    nodes: list[Planned] = field(default_factory=list)
    inputs: int = 0
    output: int = 0
    values: int = 0
    outputs: tuple[PlannedOutput, ...] = ()
    order: tuple[str, ...] = ()
    chain: Literal["positions", "names"] | None = None

    @property
    def registered(self) -> list[Planned]:
        """The nodes in the order in which their submodules are registered."""
        return list(arranged(self.nodes, self.order, _names))

    def value(self) -> int:
        """A new planned value."""
        self.values += 1
        return self.values - 1

    def flat(self) -> Iterator[PlannedStage | PlannedRepeat]:
        """The stages and repeats of the scope, as `flat` has them."""
        return flat(self.nodes)

    def names(self) -> frozenset[str]:
        """What the submodules are called, those of each arm among them."""
        return frozenset(node.name.partition(".")[0] for node in self.flat())

    @property
    def needs_sizes(self) -> bool:
        """Whether some stage is to be told sizes that only the tensors tell."""
        for node in self.flat():
            if isinstance(node, PlannedRepeat):
                stages = [run.stage for run in node.runs]
            else:
                stages = [node]
            if any(stage.needs_sizes for stage in stages):
                return True
        return False

    @property
    def is_expression(self) -> bool:
        """Whether `nn.Sequential(…)` of some modules says it all."""
        return self.chain is not None and not any(
            isinstance(node, PlannedChoice) for node in self.nodes
        )

    @property
    def is_nested(self) -> bool:
        """Whether there are groups among children with names."""
        return self.chain == "names" and any(
            isinstance(node, PlannedStage) and node.inner is not None
            for node in self.nodes
        )


def short_branches(scope: Scope, uses: Counter[int]) -> frozenset[int]:
    """The values inside short branches, from a fork to the merge that takes them."""
    stages = [node for node in scope.nodes if isinstance(node, PlannedStage)]
    made_by = {stage.output: stage for stage in stages}
    inline: set[int] = set()
    for merge in stages:
        if merge.site is None or merge.site.layer.look != "merge":
            continue
        for value in merge.inputs:
            chain: list[int] = []
            at = value
            while at in made_by and uses[at] == 1:
                stage = made_by[at]
                if len(stage.inputs) != 1 or stage.fetched:
                    break
                chain.append(at)
                at = stage.inputs[0]
            if len(chain) <= _SHORT_BRANCH and uses[at] > 1:
                inline.update(chain)
    return frozenset(inline)
