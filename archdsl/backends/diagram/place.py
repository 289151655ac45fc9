"""Where things are drawn, how they are called there, and what is drawn as one."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from archdsl.backends.diagram import words
from archdsl.backends.diagram.closing import class_of
from archdsl.backends.diagram.opening import Paths, step, step_numbered
from archdsl.backends.diagram.picture import Box, Frame
from archdsl.ir.names import is_inline
from archdsl.ir.network import Cost, Module, Repeat, Stage
from archdsl.shapes.size import Size

# By node, and by the copies of anonymous repeats that it stands in.
Names: TypeAlias = dict[tuple[int, tuple[int, ...]], str]


class Port(NamedTuple):
    """A value in the picture: the box that makes it, and its shape in words.

    `channel` is the axis of its channels, where that is known and asked for.
    """

    box: Box
    shape: str
    channel: int | None = None


class Place(NamedTuple):
    """Where something is drawn, and how it is called there.

    `names` are those of the innermost scope, `copies` the copies of anonymous repeats
    passed since. What is in `training` exists only then. `depth` counts all that is
    entered, `level` blocks and labelled groups; `wanted` are those to be opened.
    """

    frame: Frame
    path: tuple[str, ...]
    names: Names
    copies: tuple[int, ...] = ()
    depth: int = 0
    training: bool = False
    level: int = 0
    wanted: Paths = ()

    def name(self, node: Stage | Repeat, *copy: int) -> str:
        """What a node, or one copy of it, is called."""
        found = self.names.get((id(node), (*self.copies, *copy)))
        if found is not None:
            return found
        if isinstance(node, Stage):
            return node.label or f"{node.kind}{node.ordinal}"
        return node.label or "copies"

    def inside(self, *names: str) -> Place:
        """For a box that belongs to what is drawn here."""
        return self._replace(path=(*self.path, *names))

    def at(self, name: str) -> Place:
        """For the stage of that name."""
        wanted = step(self.wanted, (name,))
        return self._replace(path=(*self.path, name), wanted=wanted)


class Part(NamedTuple):
    """A stage in all its variants, and for how many copies each of them stands."""

    stages: tuple[Stage, ...]
    weights: tuple[int, ...]

    @property
    def first(self) -> Stage:
        return self.stages[0]

    @property
    def cost(self) -> Cost:
        total = Cost()
        for stage, weight in zip(self.stages, self.weights, strict=True):
            total = total.plus(stage.cost.times(weight))
        return total

    def with_(self, other: Part) -> Part:
        """This and further variants."""
        return Part(self.stages + other.stages, self.weights + other.weights)


class Called(NamedTuple):
    """How a stage is presented: its label, the title of its frame, how many it is.

    The stages of an inline group are named in the scope around it.
    """

    label: str
    title: str
    times: int = 1
    inline: bool = False


def copies(
    repeat: Repeat, stage: Stage, first: int, count: int, alone: bool, place: Place
) -> tuple[Place, Called]:
    """Where equal copies of a repeat are drawn, and how they are presented."""
    if is_inline(repeat):
        place = place._replace(copies=(*place.copies, first))
        return place, Called("", "", count, True)
    kind = "" if stage.kind == "{}" else f": {stage.kind}"
    last = first + count - 1
    if repeat.label is not None:
        label = place.name(repeat)
        which = label if alone else f"{label}.{words.span(first, last)}"
        at = place.at(label)
        # The path of a repeat is that of all its copies.
        whole = tuple(each for each in at.wanted if not each.rest)
        wanted = whole + step_numbered(at.wanted, "", first, count)
        at = at.inside(str(first))._replace(wanted=wanted)
        return at, Called(which, which + kind, count)
    name = place.name(stage, first)
    if repeat.names is not None:
        named = words.span(name, repeat.names[last])
        wanted = step(place.wanted, repeat.names[first : last + 1])
        at = place.inside(name)._replace(wanted=wanted)
        return at, Called(named, named + kind, count)
    if name.isdigit():
        # In a labelled group the copies are called by position.
        stem, begin = "", int(name)
        title = words.span(begin, begin + count - 1) + kind
    else:
        stem, begin = stage.kind, int(name.removeprefix(stage.kind))
        title = stem + words.span(begin, begin + count - 1)
    wanted = step_numbered(place.wanted, stem, begin, count)
    return place.inside(name)._replace(wanted=wanted), Called("", title, count)


class Copies(NamedTuple):
    """Copies of a repeat that are drawn as one: the first of them, and how many.

    `ends` is what comes out of the last.
    """

    part: Part
    first: int
    number: int
    ends: list[tuple[Size, ...]]
    opened: bool

    def placed(self, repeat: Repeat, alone: bool, place: Place) -> tuple[Place, Called]:
        """Where they are drawn, and how they are presented."""
        first = self.part.first
        return copies(repeat, first, self.first, self.number, alone, place)


def alike(one: Copies, other: Copies) -> bool:
    """Whether copies that are closed look alike: one definition, and equal sizes."""
    if one.opened or other.opened or one.ends != other.ends:
        return False
    stages = (*one.part.stages, *other.part.stages)
    modules = [s.target for s in stages if isinstance(s.target, Module)]
    first = modules[0]
    return all(stage.inputs == stages[0].inputs for stage in stages) and all(
        class_of(module) == class_of(first) and module.inputs == first.inputs
        for module in modules
    )


def tally(box: Box, parts: list[Part], times: int) -> None:
    """Write into a box what its layers cost, in one copy and in all."""
    box.times = times
    box.stages = tuple(stage for part in parts for stage in part.stages)
    for part in parts:
        box.count(part.cost)
    zero: Size = 0
    each = [
        sum(part.stages[variant].cost.params for part in parts)
        for variant in range(len(parts[0].stages))
    ]
    box.params = min(each), max(each)
    macs = [
        sum((part.stages[variant].cost.macs for part in parts), start=zero)
        for variant in range(len(parts[0].stages))
    ]
    known = [number for number in macs if isinstance(number, int)]
    if not box.training:
        # Which of two formulas is the larger may not be known.
        ordered = len(known) == len(macs)
        box.macs = (min(known), max(known)) if ordered else (macs[0], macs[-1])


class Ids:
    """Names for Graphviz, each of one thing alone."""

    def __init__(self) -> None:
        self._uses: dict[str, int] = {}

    def name(self, path: tuple[str, ...]) -> str:
        """A name for what has this path."""
        plain = ".".join(
            "".join(c if c.isascii() and c.isalnum() else "_" for c in part)
            for part in path
        )
        number = self._uses[plain] = self._uses.get(plain, 0) + 1
        # No path holds a `-`.
        return plain if number == 1 else f"{plain}-{number}"


def label(box: Box, text: str) -> None:
    """Put a label before what a box says, unless it only counts or repeats that."""
    line = box.lines[0]
    if text and not text.isdigit() and text not in line.split():
        box.lines[0] = f"{words.short(text)}: {line}"
