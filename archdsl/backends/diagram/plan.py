"""Network to picture: which boxes there are, in which frames, and what joins them.

Copies that are alike are drawn once. Those that differ only in the sizes that arrive
are drawn once too: they are followed together, as variants of one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from archdsl.backends.diagram import words
from archdsl.backends.diagram.channels import Channels
from archdsl.backends.diagram.closing import Closer
from archdsl.backends.diagram.copies import Unfolder, too_many
from archdsl.backends.diagram.frames import anchor, bypass
from archdsl.backends.diagram.fuse import SMALL, look_of, units
from archdsl.backends.diagram.marked import has_fault, mark_unchecked
from archdsl.backends.diagram.opening import Block, Opener, wanted
from archdsl.backends.diagram.options import DEFAULT, Options, PlanError
from archdsl.backends.diagram.picture import Box, Edge, Frame, Picture, Shape, mark
from archdsl.backends.diagram.place import (
    Called,
    Copies,
    Ids,
    Names,
    Part,
    Place,
    Port,
    alike,
    label,
    tally,
)
from archdsl.backends.diagram.told import Told
from archdsl.ir.fold import Folder
from archdsl.ir.names import children
from archdsl.ir.network import Module, Network, Output, Repeat, Stage
from archdsl.ir.unchecked import Unchecked
from archdsl.ops.record import Look, Site
from archdsl.shapes.size import Size
from archdsl.source import Span

# A picture with more boxes than this shows further blocks closed, as one box.
MAX_BOXES = 4000
# A picture with more boxes than this, because no block can be closed, is not drawn.
MAX_DRAWN = 5000
# A block nested deeper than this is shown closed.
MAX_DEPTH = 40
# So many names are looked up in one scope.
MAX_NAMES = 10_000

SIGNS = {"add": "+", "mul": "×", "concat": "‖"}


def plan(
    network: Network,
    source_name: str | None = None,
    options: Options = DEFAULT,
    closer: Closer | None = None,
) -> Picture:
    """Decide what is drawn.

    Where the options set no depth, all is open but what the closer closes.
    Raises PlanError for a path to be opened that is none of a block, and where every
    copy is asked for and they are too many.
    """
    return _Planner(network, source_name, options, closer).picture()


class _Planner:
    def __init__(
        self,
        network: Network,
        source_name: str | None,
        options: Options,
        closer: Closer | None,
    ) -> None:
        self._network = network
        self._source_name = source_name or network.source_name
        self._options = options
        self._opener = Opener(options.depth, options.expand, closer)
        self._folder = Folder(rates=True) if options.fold else Unfolder(MAX_BOXES)
        if closer is not None:
            self._folder = closer.folder
        self._told = Told(network)
        self._channels = Channels(self._folder)
        self._names: dict[int, Names] = {}
        self._edges: list[Edge] = []
        self._spans: list[tuple[Box, Box]] = []
        self._ids = Ids()
        self._boxes = 0

    def picture(self) -> Picture:
        module = self._network.root
        place = Place(Frame("", "", 1), (), self._named(module))
        folder = self._folder if self._options.fold else None
        paths = wanted(self._options.expand, module, folder)
        place = place._replace(wanted=paths)
        at = module.span
        ports = []
        for number, tensor in enumerate(module.inputs):
            name = dict(enumerate(module.input_names)).get(number, "input")
            box = self._box(place.inside(name), "end", [words.held(name, tensor)], at)
            box.out = self._shape([tensor.sizes], 0)
            ports.append(Port(box, box.out, 0))
        ends = self._body((module,), (1,), ports, place)
        found = module.outputs or (Output(None, 0, module.type, False, at),)
        for number, (end, output) in enumerate(zip(ends, found, strict=True), 1):
            name = output.name or ("output" if len(ends) == 1 else f"output {number}")
            text = words.held(name, output.type)
            if output.training:
                text += ", in training"
            there = place.inside(name)._replace(training=output.training)
            box = self._box(there, "end", [text], at)
            box.out = self._shape([output.type.sizes], end.channel)
            box.state = "checked" if output.type.dims else "unknown"
            self._join(end, box)
        if not self._network.wrong:
            self._opener.check()
        self._note(place.frame)
        mark(self._edges, self._spans)
        return Picture(place.frame, self._edges, self._opener.closed)

    # Bodies

    def _body(
        self,
        modules: Sequence[Module],
        weights: tuple[int, ...],
        ports: Sequence[Port],
        place: Place,
    ) -> list[Port]:
        """Draw what stands in a module, and give its outputs."""
        flats = [self._folder.flat(module) for module in modules]
        flat = flats[0]
        made: list[Port | None] = [None] * len(flat.nodes)
        around = place

        def port(source: int) -> Port:
            found = ports[-1 - source] if source < 0 else made[source]
            assert found is not None
            return found

        for unit in units(flat):
            node = flat.nodes[unit[0]]
            inputs = [port(source) for source in flat.sources[unit[0]]]
            place = around
            if unit[0] in flat.training:
                place = around._replace(training=True)
            if node.shared and (
                isinstance(node, Repeat) or isinstance(node.target, Module)
            ):
                again = [each.nodes[unit[0]] for each in flats]
                made[unit[0]] = self._shared(again, weights, inputs, place)
                continue
            if isinstance(node, Repeat):
                variants = [each.nodes[unit[0]] for each in flats]
                repeats = [each for each in variants if isinstance(each, Repeat)]
                made[unit[0]] = self._repeat(repeats, weights, inputs, place)
                continue
            parts = []
            for at in unit:
                stages = (each.nodes[at] for each in flats)
                parts.append(
                    Part(tuple(s for s in stages if isinstance(s, Stage)), weights)
                )
            name = place.name(node)
            counted = name.startswith(node.kind) and name[len(node.kind) :].isdigit()
            title = name if node.kind == "{}" or counted else f"{name}: {node.kind}"
            called = Called(node.label or "", title)
            place = place.at(name)
            opened = self._opens(parts[0], place, called)
            made[unit[-1]] = self._parts(parts, inputs, place, called, opened)
        return [port(source) for source in flat.outputs]

    def _shared(
        self,
        nodes: Sequence[Stage | Repeat],
        weights: tuple[int, ...],
        inputs: list[Port],
        place: Place,
    ) -> Port:
        """Another use of a block, group or repeat: a box that says whose it is."""
        node = nodes[0]
        times = f" ×{node.count}" if isinstance(node, Repeat) else ""
        lines = [f"{words.again(node)}{times}", f"{node.cost.layers:,} layers"]
        box = self._box(place.inside(place.name(node)), "closed", lines, node.span)
        for each, weight in zip(nodes, weights, strict=True):
            box.count(each.cost.times(weight))
        for port in inputs:
            self._join(port, box)
        return self._port(box, node, [each.type.sizes for each in nodes], inputs)

    def _repeat(
        self,
        repeats: Sequence[Repeat],
        weights: tuple[int, ...],
        inputs: list[Port],
        place: Place,
    ) -> Port:
        folded = [self._folder.folded(repeat) for repeat in repeats]
        groups: list[Copies] = []
        passed = 0
        for number, fold in enumerate(folded[0]):
            stages: list[Stage] = []
            counts: list[int] = []
            for weight, folds in zip(weights, folded, strict=True):
                stages += folds[number].stages
                counts += [weight * count for count in folds[number].counts]
            part = Part(tuple(stages), tuple(counts))
            ends = [folds[number].stages[-1].type.sizes for folds in folded]
            found = Copies(part, passed, fold.count, ends, True)
            at, called = found.placed(repeats[0], len(folded[0]) == 1, place)
            found = found._replace(opened=self._opens(part, at, called))
            same = self._options.fold and not at.wanted
            if groups and same and alike(groups[-1], found):
                last, number = groups[-1], groups[-1].number + fold.count
                groups[-1] = last._replace(part=last.part.with_(part), number=number)
            else:
                groups.append(found)
            passed += fold.count
        flow = inputs[0]
        for group in groups:
            at, called = group.placed(repeats[0], len(groups) == 1, place)
            taken = [inputs[k] if k else flow for k in group.part.first.inputs]
            flow = self._parts([group.part], taken, at, called, group.opened)
            if len(group.part.stages) > len(repeats):
                # What comes out is what the last copy gives.
                shape = self._shape(group.ends, flow.channel)
                flow = flow._replace(shape=shape)
        return flow

    def _opens(self, part: Part, place: Place, called: Called) -> bool:
        """Whether a stage is drawn with what is in it."""
        module = part.first.target
        if not isinstance(module, Module):
            return True
        if place.depth >= MAX_DEPTH:
            return False
        if called.inline or self._is_wrong([stage.target for stage in part.stages]):
            return True
        # What is one box all the same says more than a name.
        bare = self._is_one_box(module)
        block = None if bare else Block(module, part.cost.layers)
        path = ".".join(place.path)
        return self._opener.opens(place.level + 1, path, place.wanted, block) or bare

    def _parts(
        self,
        parts: list[Part],
        inputs: list[Port],
        place: Place,
        called: Called,
        opened: bool,
    ) -> Port:
        """Draw a stage, or several stages in one box."""
        part = parts[0]
        modules = [s.target for s in part.stages if isinstance(s.target, Module)]
        if not modules:
            return self._layers(parts, inputs, place, called)
        if not opened or (self._boxes >= MAX_BOXES and self._options.fold):
            return self._closed(part, inputs, place, called)
        if not called.inline:
            place = place._replace(level=place.level + 1)
        if called.inline and called.times == 1:
            inner = place._replace(depth=place.depth + 1)
            return self._body(modules, part.weights, inputs, inner)[0]
        frame = Frame(
            self._ids.name(("cluster", *place.path)),
            self._at(part.first.span),
            called.times,
        )
        frame.training, frame.stages = place.training, part.stages
        inner = place._replace(frame=frame, depth=place.depth + 1)
        if not called.inline:
            inner = inner._replace(names=self._named(modules[0]), copies=())
        begun = len(self._edges)
        entering = self._enter(modules, inputs, inner, called.title, part.first.span)
        head = frame.items[0]
        assert isinstance(head, Box)
        out = self._body(modules, part.weights, entering, inner)[0]
        if len(frame.items) == 1:
            # Nothing is in it: what goes in comes out.
            self._boxes -= 1
            bypass(self._edges, head, begun)
            return inputs[entering.index(out)]
        only = frame.items[1]
        if len(frame.items) == 2 and isinstance(only, Box):
            # A frame around a single box says nothing.
            self._boxes -= 1
            bypass(self._edges, head, begun)
            label(only, called.label)
            only.times *= called.times
            only.stages += part.stages
            only.home = place.frame.id
            place.frame.items.append(only)
        else:
            anchor(self._edges, head, begun)
            head.out = out.shape
            if out.box.shape == "merge":
                self._spans.append((head, out.box))
            place.frame.items.append(frame)
        return out

    def _is_one_box(self, module: Module) -> bool:
        """Whether a block is one box at most, which says more than its name."""
        flat = self._folder.flat(module)
        layers = all(
            isinstance(node, Stage) and isinstance(node.target, Site)
            for node in flat.nodes
        )
        return layers and len(units(flat)) <= 1

    # Frames

    def _enter(
        self,
        modules: Sequence[Module],
        inputs: list[Port],
        place: Place,
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
                box = self._box(place.inside(f"in{k + 1}"), "fork", [], span)
            else:
                box = self._box(place.inside("in"), "title", [words.short(title)], span)
                box.times = place.frame.times
            if used:
                self._join(port, box)
            sizes = [module.inputs[k].sizes for module in modules]
            shape = self._shape(sizes, port.channel)
            box.shown = shape
            entering.append(Port(box, shape, port.channel))
        return entering

    def _is_wrong(self, modules: Sequence[Module | Site]) -> bool:
        """Whether a stage is wrong in one of these, which shows it then."""
        return bool(self._network.wrong) and any(map(has_fault, modules))

    # Boxes

    def _layers(
        self,
        parts: list[Part],
        inputs: list[Port],
        place: Place,
        called: Called,
    ) -> Port:
        """One box for a layer and the small ones fused with it."""
        lines: list[str] = []
        smalls: list[str] = []
        lead = parts[0].first
        for part in parts:
            stage = part.first
            assert isinstance(stage.target, Site)
            text = words.again(stage) if stage.shared else words.layers(part.stages)
            if look_of(stage.target) in SMALL:
                smalls.append(text)
                continue
            if smalls:
                lines.append(" · ".join(smalls))
                smalls = []
            sign = SIGNS.get(stage.kind, "") if stage.type.dims else ""
            lines.append(f"{sign} {text}".strip())
            lead = stage
        if smalls:
            lines.append(" · ".join(smalls))
        assert isinstance(lead.target, Site)
        look = look_of(lead.target)
        merges = look == "merge"
        if isinstance(lead.target, Unchecked):
            merges = lead.target.look == "merge"
        form: Shape = "merge" if merges else "layer" if lead.target.ins else "source"
        box = self._box(place, form, lines, lead.span, look)
        box.sums = lead.kind == "add"
        box.commutes = lead.kind in ("add", "mul")
        label(box, called.label if len(parts) == 1 else lead.label or "")
        tally(box, parts, called.times)
        for port in inputs:
            self._join(port, box, merges)
        if isinstance(lead.target, Unchecked):
            last = self._options.order == "hwc"
            channels = [port.channel if last else None for port in inputs]
            mark_unchecked(box, lead.target, self._edges, channels)
        for part in parts[:-1]:
            inputs = [self._port(box, part.first, [part.first.type.sizes], inputs)]
        sizes = [stage.type.sizes for stage in parts[-1].stages]
        port = self._port(box, parts[-1].first, sizes, inputs)
        if form == "source":
            # It says its shape itself.
            box.shown = port.shape
        return port

    def _closed(
        self, part: Part, inputs: list[Port], place: Place, called: Called
    ) -> Port:
        """A block as one box."""
        lines = self._told.lines(called.title, part.stages)
        box = self._box(place, "closed", lines, part.first.span)
        if not part.first.type.dims:
            box.state = "wrong" if self._is_wrong([part.first.target]) else "unknown"
        tally(box, [part], called.times)
        for port in inputs:
            self._join(port, box)
        sizes = [stage.type.sizes for stage in part.stages]
        return self._port(box, part.first, sizes, inputs)

    def _box(
        self,
        place: Place,
        shape: Shape,
        lines: list[str],
        span: Span,
        look: Look | None = None,
    ) -> Box:
        if self._boxes >= MAX_BOXES and not self._options.fold:
            raise too_many(MAX_BOXES)
        if self._boxes >= MAX_DRAWN:
            raise PlanError(
                f"there would be more than {MAX_DRAWN:,} boxes, which nobody can read;"
                " what belongs together can be a block, which --depth closes"
            )
        tooltip = self._at(span)
        if shape in ("layer", "merge", "closed", "source"):
            tooltip += " " + ".".join(place.path)
        box = Box(self._ids.name(place.path), shape, lines, look, tooltip)
        box.training = place.training
        box.home = place.frame.id
        place.frame.items.append(box)
        self._boxes += 1
        return box

    def _join(self, port: Port, head: Box, merges: bool = False) -> None:
        """An edge; it tells the shape when that was not yet told on the way."""
        tail = port.box
        label = ""
        told = "shapes" in self._options.show
        if port.shape != tail.shown and not merges and told:
            label = tail.shown = port.shape
        if not head.shown:
            head.shown = tail.shown
        self._edges.append(Edge(tail, head, label))

    def _note(self, frame: Frame) -> None:
        """Write in words what boxes tell of their size, when all is counted."""
        for item in frame.items:
            if isinstance(item, Frame):
                self._note(item)
            elif item.shape not in ("title", "fork"):
                item.note = words.note(item, self._options.show)
                item.tooltip = "; ".join(filter(None, (item.tooltip, words.cost(item))))

    def _port(
        self,
        box: Box,
        node: Stage | Repeat,
        sizes: Sequence[tuple[Size, ...]],
        inputs: list[Port],
    ) -> Port:
        """What comes out of a box."""
        channel = None
        if self._options.order == "hwc":
            channel = self._channels.after(node, [port.channel for port in inputs])
        box.out = self._shape(sizes, channel)
        return Port(box, box.out, channel)

    def _shape(self, found: Sequence[tuple[Size, ...]], channel: int | None) -> str:
        return words.shape(found, channel if self._options.order == "hwc" else None)

    # Names

    def _named(self, module: Module) -> Names:
        """The names of a scope."""
        found = self._names.get(id(module))
        if found is None:
            folder = self._folder if self._options.fold else None
            named = islice(children(module, folder=folder), MAX_NAMES)
            found = self._names[id(module)] = {
                (id(child.node), tuple(c.number for c in child.within)): child.name
                for child in named
            }
        return found

    def _at(self, span: Span) -> str:
        name = span.source.name
        if name == self._network.source_name:
            name = self._source_name
        return f"{name}:{span.line}"
