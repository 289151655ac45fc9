"""Network to spine: the tensors along its way, shortcuts, and what is repeated.

Blocks that are rows of layers, with shortcuts at most, are opened. Any other block is
one volume. All layers are in some volume: those that change no size, such as
normalisations, are in the one before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal, NamedTuple, TypeAlias

from archdsl.backends.diagram import words
from archdsl.backends.diagram.copies import Unfolder
from archdsl.backends.diagram.fuse import SMALL
from archdsl.backends.diagram.options import Options, PlanError
from archdsl.backends.diagram.place import Part
from archdsl.backends.volumes.paths import Bypass, Step, Way, elements, look, way
from archdsl.ir.fold import Flat, Folder
from archdsl.ir.network import Cost, Module, Network, Repeat, Stage
from archdsl.ir.unchecked import UNKNOWN, Unchecked
from archdsl.ops.record import Look, Site
from archdsl.shapes.size import Size
from archdsl.source import Span

Sizes: TypeAlias = tuple[Size, ...]
Kind: TypeAlias = Look | Literal["input", "closed", "wrong", "unchecked"]

# Up to so many volumes every copy of a repeat is drawn.
_FEW = 30
# More are not drawn where closing blocks helps, and never more than the most.
_MANY, _MOST = 60, 400
# Layers that give no volume are many where blocks or copies hold each other.
_STEPS = 30_000
# Blocks are closed from this depth on, one level after the other.
_DEEPEST = 4


class Slice(NamedTuple):
    """A part of a concatenated volume: its channels, and whether a shortcut gave it."""

    channels: Size
    copied: bool
    kind: Kind


@dataclass(slots=True, eq=False)
class Volume:
    """A tensor. `sizes` are those of all copies for which it stands.

    `text` is the operation that gave it; `cost` is what it and the layers in it add to
    the totals. `slices` are the parts of a concatenation. `fault` says what is wrong
    with what arrives; where nothing is known, the sizes are those that were known last.
    """

    kind: Kind
    text: str
    sizes: list[Sizes]
    tooltip: str
    cost: Cost = field(default_factory=Cost)
    slices: tuple[Slice, ...] = ()
    fault: str = ""


class Skip(NamedTuple):
    """A value that passes by, from one volume to another; it may be projected."""

    source: int
    target: int
    projects: bool
    text: str


class Repetition(NamedTuple):
    """The volumes from `first` to `last` stand for so many copies of them."""

    first: int
    last: int
    times: int


class Spine(NamedTuple):
    """All that is drawn, in order."""

    volumes: list[Volume]
    skips: list[Skip]
    repetitions: list[Repetition]


class _Scope(NamedTuple):
    """The variants of a body that is drawn, and for how many copies each stands.

    `once` tells that what came before is used by what follows alone.
    """

    flats: Sequence[Flat]
    weights: tuple[int, ...]
    way: Way
    port: Callable[[int], int]
    once: bool

    def nodes(self, at: int) -> list[Stage | Repeat]:
        """A node in all its variants."""
        return [flat.nodes[at] for flat in self.flats]

    def said(self, bypass: Bypass) -> str:
        """The operations that a shortcut passes."""
        nodes = (
            self.flats[0].nodes[at] for u in bypass.units for at in self.way.units[u]
        )
        stages = [n for n in nodes if isinstance(n, Stage) and look(n) not in SMALL]
        return " · ".join(_operation(stage) for stage in stages)


class _TooManyError(Exception):
    """More volumes than are wanted."""


def spine(network: Network, options: Options) -> Spine:
    """Decide what is drawn as a volume.

    Raises PlanError for a net that is more than one row: with several inputs or
    outputs, or with parts side by side.
    """
    root = network.root
    name = network.name or "the net"
    for what, count in (("inputs", root.inputs), ("outputs", root.outputs)):
        if len(count) > 1:
            raise PlanError(
                f"`{name}` has {len(count)} {what}, and volumes stand in one row;"
                " try --view graph"
            )
    bodies = _Bodies(Folder())
    if bodies.way(root, 0) is None:
        raise PlanError(
            f"`{name}` has parts side by side that are no blocks, and volumes stand in"
            " one row; make them a block, or try --view graph"
        )
    tries: list[tuple[bool, int | None, int]]
    if not options.fold:
        tries = [(True, options.depth, _MOST)]
    elif options.depth is not None:
        tries = [(True, options.depth, _FEW), (False, options.depth, _MOST)]
    else:
        tries = [(True, None, _FEW), (False, None, _MANY)]
        tries += [(False, depth, _MANY) for depth in range(_DEEPEST, -1, -1)]
        tries.append((False, 0, _MOST))
    for every, depth, most in tries:
        try:
            each = _Bodies(Unfolder(most)) if every else bodies
            return _Builder(network, each, depth, most).spine()
        except _TooManyError:
            continue
    remedy = "try --view graph"
    if options.depth:
        remedy = f"close more blocks with --depth {options.depth - 1}, or {remedy}"
    elif not options.fold:
        remedy = f"leave --no-fold away, or {remedy}"
    what = f"more than {_MOST} volumes or shortcuts in a row"
    raise PlanError(f"`{name}` has {what}; {remedy}")


class _Bodies:
    """What stands in modules, and the ways through them; each is looked at once."""

    def __init__(self, folder: Folder) -> None:
        self.flat = folder.flat
        self.folded = folder.folded
        self._ways: dict[tuple[int, int], Way | None] = {}

    def way(self, module: Module, entry: int) -> Way | None:
        """The way through a module from one of its inputs, if it is a row."""
        key = (id(module), entry)
        if key not in self._ways:
            self._ways[key] = way(self.flat(module), entry)
        return self._ways[key]


class _Builder:
    def __init__(
        self, network: Network, bodies: _Bodies, depth: int | None, most: int
    ) -> None:
        self._network = network
        self._bodies = bodies
        self._depth = depth
        self._most = most
        self._steps = 0
        self._made = Spine([], [], [])

    def spine(self) -> Spine:
        root = self._network.root
        held = root.inputs[0]
        name = root.input_names[0] if root.input_names else "input"
        text = words.held(name, held)
        self._volume("input", text, [held.sizes], root.span)
        try:
            self._body([root], (1,), 0, (0,), 0)
        except PlanError:
            # So many copies would be drawn.
            raise _TooManyError from None
        return self._made

    # Bodies

    def _body(
        self,
        modules: Sequence[Module],
        weights: tuple[int, ...],
        entry: int,
        ports: Sequence[int],
        level: int,
    ) -> None:
        """Draw what stands in a module whose inputs are the volumes `ports`."""
        flats = [self._bodies.flat(module) for module in modules]
        found = self._bodies.way(modules[0], entry)
        assert found is not None
        made: dict[int, int] = {}

        def port(source: int) -> int:
            return made[source] if source >= 0 else ports[-1 - source]

        uses = _uses(flats[0])
        before = -1
        self._steps += 1 + len(found.steps)
        if self._steps > _STEPS:
            raise _TooManyError
        for step in found.steps:
            node = flats[0].nodes[step.nodes[0]]
            current = self._last
            if isinstance(node, Stage) and isinstance(node.target, Site):
                once = before < 0 or uses[found.units[before][-1]] == 1
                self._layers(_Scope(flats, weights, found, port, once), step)
            else:
                taken = [current] * len(node.inputs)
                for bypass in step.bypasses:
                    if bypass.source is not None:
                        taken[bypass.argument] = port(bypass.source)
                if isinstance(node, Repeat):
                    repeats = [flat.nodes[step.nodes[0]] for flat in flats]
                    self._repeat(repeats, weights, step.argument, taken, level)
                else:
                    stages = tuple(flat.nodes[step.nodes[0]] for flat in flats)
                    part = Part(
                        tuple(s for s in stages if isinstance(s, Stage)), weights
                    )
                    self._stage(part, step.argument, taken, level)
            for bypass in step.bypasses:
                self._count(flats, weights, [found.units[u] for u in bypass.units])
            made[step.unit] = self._last
            before = step.unit

    def _repeat(
        self,
        nodes: Sequence[Stage | Repeat],
        weights: tuple[int, ...],
        argument: int,
        ports: list[int],
        level: int,
    ) -> None:
        repeats = [node for node in nodes if isinstance(node, Repeat)]
        folded = [self._bodies.folded(repeat) for repeat in repeats]
        for number, fold in enumerate(folded[0]):
            stages: list[Stage] = []
            counts: list[int] = []
            for weight, folds in zip(weights, folded, strict=True):
                stages += folds[number].stages
                counts += [weight * count for count in folds[number].counts]
            taken = [ports[k] if k else self._last for k in fold.stages[0].inputs]
            begun = len(self._made.volumes)
            first = list(fold.stages[0].inputs)
            flow = first.index(0) if 0 in first else argument
            part = Part(tuple(stages), tuple(counts))
            self._stage(part, flow, taken, level, repeats[0].label)
            if fold.count > 1 and len(self._made.volumes) > begun:
                self._repeated(begun, fold.count)

    def _repeated(self, first: int, times: int) -> None:
        """Note copies; copies of nothing but copies are told as one number."""
        found = self._made.repetitions
        if found and found[-1][:2] == (first, self._last):
            times *= found.pop().times
        found.append(Repetition(first, self._last, times))

    def _stage(
        self,
        part: Part,
        argument: int,
        ports: Sequence[int],
        level: int,
        name: str | None = None,
    ) -> None:
        """A layer, or a block: opened if it is a row, else one volume.

        The copies of a repeat have its name.
        """
        stage = part.first
        modules = [s.target for s in part.stages if isinstance(s.target, Module)]
        if not modules:
            self._layer(part, None)
            return
        block = stage.kind != "{}" or stage.label is not None
        level += block
        closed = self._depth is not None and level > self._depth
        if not closed and self._bodies.way(modules[0], argument) is not None:
            self._body(modules, part.weights, argument, ports, level)
            return
        sizes = [each.type.sizes for each in part.stages]
        if any(each.type is UNKNOWN for each in part.stages):
            sizes = self._made.volumes[-1].sizes
        text = words.short(name or stage.label or stage.kind)
        self._volume("closed", text, sizes, stage.span)
        self._add(part.cost)
        for at, port in enumerate(ports):
            if at != argument:
                self._skip(port, False, "")

    # Layers

    def _layers(self, scope: _Scope, step: Step) -> None:
        """A layer, and the small ones that share a box with it."""
        parts = []
        for at in step.nodes:
            stages = tuple(s for s in scope.nodes(at) if isinstance(s, Stage))
            parts.append(Part(stages, scope.weights))
        joined = [each for each in step.bypasses if each.source is not None]
        site = parts[0].first.target
        if isinstance(site, Unchecked):
            self._unchecked(site, parts[0].first.span)
            for bypass in joined:
                assert bypass.source is not None
                self._skip(scope.port(bypass.source), bypass.projects, "")
            return
        lead = next((p for p in parts if look(p.first) not in SMALL), parts[-1])
        if not joined or step.kind == "gate":
            self._layer(lead, step)
            if any(bypass.projects for bypass in joined):
                self._made.volumes[-1].text += ", with gate"
        else:
            self._merge(scope, lead, step, joined)
        for part in parts:
            if part is not lead:
                self._add(part.cost)

    def _unchecked(self, site: Unchecked, span: Span) -> None:
        """A stage that is wrong, or comes after one that is."""
        sizes = self._made.volumes[-1].sizes
        text = words.layer(site)
        if site.fault is None:
            self._volume("unchecked", text, sizes, span)
            return
        told = words.short(f"{site.fault.code}: {site.fault.message}")
        self._volume("wrong", f"{text}\n{told}", sizes, span)
        refused = words.refused(site.fault, site.ins)
        self._made.volumes[-1].fault = f"{words.SIGN} {refused}"

    def _layer(self, part: Part, step: Step | None) -> None:
        """A volume for a layer, if it changes how many numbers there are."""
        site = part.first.target
        assert isinstance(site, Site)
        if isinstance(site, Unchecked):
            self._unchecked(site, part.first.span)
            return
        kind = site.layer.look
        after = part.first.type.sizes
        before = site.ins[step.argument if step else 0].sizes if site.ins else ()
        moves = kind == "shape" or (kind == "merge" and step is not None)
        if kind not in SMALL and not (moves and elements(before) == elements(after)):
            sizes = [stage.type.sizes for stage in part.stages]
            self._volume(kind, _operation(part.first), sizes, part.first.span)
        self._add(part.cost)

    def _merge(
        self, scope: _Scope, part: Part, step: Step, joined: list[Bypass]
    ) -> None:
        """Where shortcuts end: a thin volume, or one of as many slices as values."""
        sizes = [stage.type.sizes for stage in part.stages]
        sources = [scope.port(b.source) for b in joined if b.source is not None]
        slices: tuple[Slice, ...] = ()
        own = False
        before = self._made.volumes[-1]
        if step.kind == "concat":
            own = scope.once and self._is_free(sources)
            own = own and before.sizes[0][1:] == sizes[0][1:]
            slices = self._slices(part.first, step, before.kind if own else "merge")
        text = part.first.kind
        if own:
            # What the way brings is one of the slices: it is not drawn twice.
            before.sizes = sizes
            text = f"{before.text}\n{text}"
            before.text = text
        else:
            self._volume("merge", text, sizes, part.first.span)
        self._made.volumes[-1].slices = slices
        self._add(part.cost)
        for bypass, source in zip(joined, sources, strict=True):
            passed = "" if bypass.projects else scope.said(bypass)
            self._skip(source, bypass.projects, words.short(passed))

    @staticmethod
    def _slices(stage: Stage, step: Step, kind: Kind) -> tuple[Slice, ...]:
        site = stage.target
        assert isinstance(site, Site)
        beside = {bypass.argument for bypass in step.bypasses}
        return tuple(
            Slice(tensor.sizes[0], at in beside, "merge" if at in beside else kind)
            for at, tensor in enumerate(site.ins)
        )

    def _is_free(self, sources: list[int]) -> bool:
        """Whether nothing else begins or ends at the last volume."""
        last, made = self._last, self._made
        ends = [0, *sources, *(skip.source for skip in made.skips)]
        ends += [repetition.last for repetition in made.repetitions]
        return last not in ends and not made.volumes[last].slices

    # Values

    @property
    def _last(self) -> int:
        return len(self._made.volumes) - 1

    def _volume(self, kind: Kind, text: str, sizes: list[Sizes], span: Span) -> None:
        if len(self._made.volumes) >= self._most:
            raise _TooManyError
        tooltip = f"{span.source.name}:{span.line}"
        self._made.volumes.append(Volume(kind, text, sizes, tooltip))

    def _skip(self, source: int, projects: bool, text: str) -> None:
        if len(self._made.skips) >= self._most:
            raise _TooManyError
        self._made.skips.append(Skip(source, self._last, projects, text))

    def _add(self, cost: Cost) -> None:
        volume = self._made.volumes[-1]
        volume.cost = volume.cost.plus(cost)

    def _count(
        self,
        flats: Sequence[Flat],
        weights: tuple[int, ...],
        passed: list[tuple[int, ...]],
    ) -> None:
        """Add what is passed on a shortcut."""
        for unit in passed:
            for at in unit:
                for flat, weight in zip(flats, weights, strict=True):
                    self._add(flat.nodes[at].cost.times(weight))


def _uses(flat: Flat) -> Counter[int]:
    """How often the value of each node is used."""
    return Counter(chain(*flat.sources, flat.outputs))


def _operation(stage: Stage) -> str:
    """What a layer does, without the channels it makes: `conv 3×3, /2`."""
    if isinstance(stage.target, Module):
        return words.short(stage.label or stage.kind)
    return words.layer(stage.target, channels=False)
