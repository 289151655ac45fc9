"""Network to picture: which boxes there are, in which frames, and what joins them.

Every copy that is drawn stands for `times` copies. Copies that differ only in the
sizes that arrive are drawn once too: they are followed together, as variants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from archdsl.backends.graphviz import words
from archdsl.ir.fold import Flat, Folder
from archdsl.ir.names import children, is_inline
from archdsl.ir.network import Cost, Module, Network, Repeat, Stage
from archdsl.ops.record import Look, Site
from archdsl.source import Span

# A picture with more boxes than this shows further blocks closed, as one box.
MAX_BOXES = 4000
# A block nested deeper than this is shown closed.
MAX_DEPTH = 40
# So many operations at most are written in one box.
MAX_FUSED = 6

SMALL = frozenset(("normalisation", "activation", "regularisation"))
LEADS = frozenset(("convolution", "linear", "merge"))

Shape = Literal["box", "merge", "end", "closed", "title", "fork"]


@dataclass(slots=True)
class Box:
    """A node of the picture. `cost` counts all the copies that it stands for."""

    id: str
    shape: Shape
    lines: list[str]
    look: Look | None
    tooltip: str
    params: tuple[int, int]
    cost: Cost
    depth: int
    shown: str
    times: int = 1
    sums: bool = False


@dataclass(slots=True)
class Frame:
    """A cluster: a block or labelled group, or copies of something.

    Its title is its first box: an edge goes in through the title, and never across.
    """

    id: str
    tooltip: str
    times: int
    items: list[Box | Frame] = field(default_factory=list)


@dataclass(slots=True)
class Edge:
    """A line from one box to another; `spine` edges pull the picture straight."""

    tail: Box
    head: Box
    label: str
    skip: bool = False
    spine: bool = False
    hidden: bool = False
    projects: bool = False


class Picture(NamedTuple):
    """All that is drawn."""

    root: Frame
    edges: list[Edge]


class Port(NamedTuple):
    """A value in the picture: the box that makes it, and its shape in words."""

    box: Box
    shape: str


class _Part(NamedTuple):
    """A stage in all its variants, and for how many copies each of them stands."""

    stages: tuple[Stage, ...]
    weights: tuple[int, ...]

    @property
    def cost(self) -> Cost:
        total = Cost()
        for stage, weight in zip(self.stages, self.weights, strict=True):
            total = total.plus(stage.cost.times(weight))
        return total


def plan(network: Network, source_name: str | None = None) -> Picture:
    """Decide what is drawn."""
    return _Planner(network, source_name).picture()


class _Planner:
    def __init__(self, network: Network, source_name: str | None) -> None:
        self._network = network
        self._source_name = source_name or network.source_name
        self._folder = Folder()
        self._edges: list[Edge] = []
        self._ids: set[str] = set()
        self._boxes = 0

    def picture(self) -> Picture:
        module = self._network.root
        root = Frame("", self._place(module.span), 1)
        ports = []
        for number, tensor in enumerate(module.inputs):
            names = module.input_names
            name = names[number] if number < len(names) else "input"
            box = self._box(root, "end", [name], None, (name,), module.span)
            ports.append(Port(box, words.sizes(tensor.sizes)))
        out = self._body((module,), (1,), ports, root, (), 0)
        end = self._box(root, "end", ["output"], None, ("output",), module.span)
        self._join(out, end)
        mark(self._edges)
        return Picture(root, self._edges)

    # Bodies

    def _body(
        self,
        modules: tuple[Module, ...],
        weights: tuple[int, ...],
        ports: Sequence[Port],
        frame: Frame,
        path: tuple[str, ...],
        depth: int,
    ) -> Port:
        """Draw what stands in a module, and give its output."""
        flats = [self._folder.flat(module) for module in modules]
        flat = flats[0]
        units = _units(flat)
        made: list[Port | None] = [None] * len(flat.nodes)

        def port(source: int) -> Port:
            found = ports[-1 - source] if source < 0 else made[source]
            assert found is not None
            return found

        for unit in units:
            first, last = unit[0], unit[-1]
            node = flat.nodes[first]
            inputs = [port(source) for source in flat.sources[first]]
            if isinstance(node, Repeat):
                repeats = [f.nodes[first] for f in flats]
                made[first] = self._repeat(
                    tuple(r for r in repeats if isinstance(r, Repeat)),
                    weights,
                    inputs,
                    frame,
                    path,
                    depth,
                )
                continue
            parts = []
            for at in unit:
                stages = tuple(
                    stage for f in flats if isinstance(stage := f.nodes[at], Stage)
                )
                parts.append(_Part(stages, weights))
            name = (*path, node.label or f"{node.kind}{node.ordinal}")
            title = _title(node.label, node.kind, node.ordinal)
            made[last] = self._parts(parts, inputs, frame, name, title, 1, depth)
        return port(flat.output)

    def _parts(
        self,
        parts: list[_Part],
        inputs: list[Port],
        frame: Frame,
        path: tuple[str, ...],
        title: str,
        times: int,
        depth: int,
    ) -> Port:
        """Draw one stage, or several in one box."""
        stage = parts[0].stages[0]
        target = stage.target
        if isinstance(target, Site):
            return self._layers(parts, inputs, frame, path, times)
        part = parts[0]
        if self._boxes >= MAX_BOXES or depth >= MAX_DEPTH:
            return self._closed(part, inputs, frame, path, title, times)
        frame_id = self._id(("cluster", *path))
        inner = Frame(frame_id, self._place(stage.span), times)
        begun = len(self._edges)
        modules = tuple(s.target for s in part.stages if isinstance(s.target, Module))
        entering = self._enter(modules, inputs, inner, path, title, stage.span)
        head = inner.items[0]
        assert isinstance(head, Box)
        out = self._body(modules, part.weights, entering, inner, path, depth + 1)
        if len(inner.items) == 1:
            # Nothing is in it: what goes in comes out.
            self._unframe(head, begun)
            return inputs[entering.index(out)]
        if len(inner.items) == 2 and isinstance(only := inner.items[1], Box):
            # A frame around a single box says nothing.
            self._unframe(head, begun)
            if stage.label and not stage.label.isdigit():
                only.lines[0] = words.short(f"{stage.label}: {only.lines[0]}")
            only.times *= times
            frame.items.append(only)
        else:
            self._anchor(head, begun)
            frame.items.append(inner)
        if len(part.stages) > 1:
            return Port(out.box, words.sizes(part.stages[-1].type.sizes))
        return out

    def _enter(
        self,
        modules: tuple[Module, ...],
        inputs: list[Port],
        frame: Frame,
        path: tuple[str, ...],
        title: str,
        span: Span,
    ) -> list[Port]:
        """The first input goes in by the title; others that branch do so inside."""
        flat = self._folder.flat(modules[0])
        entering = []
        for k, port in enumerate(inputs):
            used = sum(sources.count(-1 - k) for sources in flat.sources)
            used += flat.output == -1 - k
            if k and used < 2:
                entering.append(port)
                continue
            if k:
                box = self._box(frame, "fork", [], None, (*path, f"in{k + 1}"), span)
            else:
                box = self._box(frame, "title", [title], None, (*path, "in"), span)
                box.times = frame.times
            if used:
                self._join(port, box)
            box.shown = words.shape([module.inputs[k].sizes for module in modules])
            entering.append(Port(box, box.shown))
        return entering

    def _unframe(self, head: Box, begun: int) -> None:
        """Take a title out again: what left it leaves what came before it."""
        entry = next((e for e in self._edges[begun:] if e.head is head), None)
        if entry is None:
            return
        label = entry.label
        self._edges.remove(entry)
        for edge in self._edges[begun:]:
            if edge.tail is head:
                edge.tail = entry.tail
                edge.label, label = label or edge.label, ""
        if label:
            entry.tail.shown = ""

    def _anchor(self, head: Box, begun: int) -> None:
        """Hold a title that nothing leaves above the rest of its frame."""
        inside = self._edges[begun:]
        if any(edge.tail is head for edge in inside):
            return
        first = next((e.head for e in inside if e.head is not head), None)
        if first is not None:
            self._edges.append(Edge(head, first, "", hidden=True))

    def _repeat(
        self,
        repeats: tuple[Repeat, ...],
        weights: tuple[int, ...],
        inputs: list[Port],
        frame: Frame,
        path: tuple[str, ...],
        depth: int,
    ) -> Port:
        repeat = repeats[0]
        folded = [self._folder.folded(each) for each in repeats]
        several = len(folded[0]) > 1
        flow = inputs[0]
        at = 0
        for number, fold in enumerate(folded[0]):
            stages: list[Stage] = []
            counts: list[int] = []
            for weight, folds in zip(weights, folded, strict=True):
                stages += folds[number].stages
                counts += [weight * count for count in folds[number].counts]
            part = _Part(tuple(stages), tuple(counts))
            name, title = _copies(repeat, fold.stages[0], at, fold.count, several)
            flow = self._parts(
                [part],
                [flow, *inputs[1:]],
                frame,
                (*path, *name),
                title,
                fold.count,
                depth,
            )
            at += fold.count
        return flow

    # Boxes

    def _layers(
        self,
        parts: list[_Part],
        inputs: list[Port],
        frame: Frame,
        path: tuple[str, ...],
        times: int,
    ) -> Port:
        """One box for a layer and the small ones fused with it."""
        lines: list[str] = []
        look: Look = "activation"
        lead = parts[0].stages[0]
        smalls: list[str] = []
        for part in parts:
            stage = part.stages[0]
            assert isinstance(stage.target, Site)
            text = words.layer(stage.target)
            if stage.target.layer.look in SMALL:
                smalls.append(text)
                continue
            if smalls:
                lines.append(" · ".join(smalls))
                smalls = []
            if stage.target.layer.look == "merge":
                text = f"{SIGNS.get(stage.kind, '')} {text}".strip()
            lines.append(text)
            lead = stage
        if smalls:
            lines.append(" · ".join(smalls))
        assert isinstance(lead.target, Site)
        look = lead.target.layer.look
        if lead.label and not lead.label.isdigit():
            lines[0] = words.short(f"{lead.label}: {lines[0]}")
        merges = look == "merge"
        box = self._box(
            frame, "merge" if merges else "box", lines, look, path, lead.span
        )
        box.sums = lead.kind == "add"
        self._count(box, parts, times)
        for port in inputs:
            self._join(port, box, merges)
        shapes = [stage.type.sizes for stage in parts[-1].stages]
        return Port(box, words.shape(shapes))

    def _closed(
        self,
        part: _Part,
        inputs: list[Port],
        frame: Frame,
        path: tuple[str, ...],
        title: str,
        times: int,
    ) -> Port:
        """A block as one box."""
        stage = part.stages[0]
        layers = f"{stage.cost.layers:,} layers"
        lines = [title, layers] if title else [layers]
        box = self._box(frame, "closed", lines, None, path, stage.span)
        self._count(box, [part], times)
        for port in inputs:
            self._join(port, box)
        return Port(box, words.sizes(part.stages[-1].type.sizes))

    def _count(self, box: Box, parts: list[_Part], times: int) -> None:
        box.times = times
        for part in parts:
            box.cost = box.cost.plus(part.cost)
        each = [
            sum(part.stages[variant].cost.params for part in parts)
            for variant in range(len(parts[0].stages))
        ]
        box.params = min(each), max(each)

    def _box(
        self,
        frame: Frame,
        shape: Shape,
        lines: list[str],
        look: Look | None,
        path: tuple[str, ...],
        span: Span,
    ) -> Box:
        tooltip = self._place(span)
        if shape != "end":
            tooltip += " " + ".".join(path)
        name = self._id(path)
        box = Box(name, shape, lines, look, tooltip, (0, 0), Cost(), 0, "")
        frame.items.append(box)
        self._boxes += 1
        return box

    def _join(self, port: Port, head: Box, merges: bool = False) -> None:
        """An edge; it tells the shape when that was not yet told on the way."""
        tail = port.box
        label = ""
        if port.shape != tail.shown and not merges:
            label = tail.shown = port.shape
        head.depth = max(head.depth, tail.depth + 1)
        if not head.shown:
            head.shown = tail.shown
        self._edges.append(Edge(tail, head, label))

    def _id(self, path: tuple[str, ...]) -> str:
        """A name for Graphviz that no other thing has."""
        plain = ".".join(
            "".join(c if c.isascii() and c.isalnum() else "_" for c in part)
            for part in path
        )
        name, number = plain, 1
        while name in self._ids:
            number += 1
            name = f"{plain}-{number}"
        self._ids.add(name)
        return name

    def _place(self, span: Span) -> str:
        name = span.source.name
        if name == self._network.source_name:
            name = self._source_name
        return f"{name}:{span.line}"


SIGNS = {"add": "+", "mul": "×", "concat": "‖"}


def _title(label: str | None, kind: str, ordinal: int) -> str:
    """A frame's title: its name, and the block's where the name does not tell it."""
    if kind == "{}":
        return label or ""
    return f"{label}: {kind}" if label else f"{kind}{ordinal or ''}"


def _copies(
    repeat: Repeat, stage: Stage, first: int, count: int, several: bool
) -> tuple[tuple[str, ...], str]:
    """The path and the title of equal copies of a repeat."""
    kind = "" if stage.kind == "{}" else stage.kind
    last = first + count - 1
    if repeat.names is not None:
        names = repeat.names[first : last + 1] or (kind,)
        named = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
        return (names[0],), f"{named}: {kind}" if kind else named
    if repeat.label is not None:
        which = f"{repeat.label}.{words.span(first, last)}" if several else repeat.label
        name = (repeat.label, str(first))
        return name, f"{which}: {kind}" if kind else which
    if kind:
        begin = repeat.ordinal + first
        named = f"{kind}{begin}"
        title = named if count == 1 else f"{named} … {kind}{begin + count - 1}"
        return (named,), title
    return (), ""


def _units(flat: Flat) -> list[list[int]]:
    """Which nodes share a box: a layer and the small ones before or after it."""
    uses = [0] * len(flat.nodes)
    for sources in (*flat.sources, (flat.output,)):
        for source in sources:
            if source >= 0:
                uses[source] += 1
    looks: list[Look | None] = [
        node.target.layer.look
        if isinstance(node, Stage) and isinstance(node.target, Site)
        else None
        for node in flat.nodes
    ]
    before = _acts_first(looks)
    units: list[list[int]] = []
    unit_of: list[list[int]] = []
    for at, look in enumerate(looks):
        sources = flat.sources[at]
        unit = [at]
        if look is not None and len(sources) == 1 and sources[0] >= 0:
            source = sources[0]
            known = unit_of[source]
            begun = looks[known[0]]
            alone = uses[source] == 1 and len(known) < MAX_FUSED
            if look in SMALL:
                joins = begun in SMALL and looks[known[-1]] in SMALL
                joins = joins or (begun in LEADS and not (before and begun != "merge"))
            else:
                joins = before and look in LEADS and looks[known[-1]] in SMALL
                joins = joins and begun in SMALL
            if alone and joins:
                known.append(at)
                unit = known
        if unit[0] == at:
            units.append(unit)
        unit_of.append(unit)
    return units


def _acts_first(looks: list[Look | None]) -> bool:
    """Whether a body normalises and activates before it convolves."""
    for at, look in enumerate(looks):
        if look not in SMALL:
            return look in LEADS and look != "merge" and "activation" in looks[:at]
    return False


def mark(edges: list[Edge]) -> None:
    """Tell the spine from the skips, where values are merged."""
    entering: dict[str, list[Edge]] = {}
    leaving: dict[str, set[str]] = {}
    for edge in edges:
        if not edge.hidden:
            entering.setdefault(edge.head.id, []).append(edge)
            leaving.setdefault(edge.tail.id, set()).add(edge.head.id)
    for arriving in entering.values():
        main = max(arriving, key=lambda edge: edge.tail.depth)
        main.spine = True
        for edge in arriving:
            if edge.tail.depth == main.tail.depth:
                continue
            if len(leaving[edge.tail.id]) > 1:
                edge.skip = True
            elif edge.head.sums:
                _project(edge, entering, leaving)


def _project(
    edge: Edge, entering: dict[str, list[Edge]], leaving: dict[str, set[str]]
) -> None:
    """A shorter branch of a sum, back to where it begins, is a skip too."""
    branch = [edge]
    while len(leaving[branch[-1].tail.id]) == 1:
        before = entering.get(branch[-1].tail.id, ())
        if len(before) != 1:
            return
        branch.append(before[0])
    for part in branch:
        part.projects, part.spine = True, False
