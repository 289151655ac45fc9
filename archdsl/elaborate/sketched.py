"""A walk into a body whose check fails, which places what is wrong and what follows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING

from archdsl.diagnostics import Diagnostic
from archdsl.elaborate.apply import target_of
from archdsl.elaborate.arguments import Bindings
from archdsl.elaborate.frame import Frame, Value
from archdsl.elaborate.labels import has_index
from archdsl.elaborate.repeat import taken_from
from archdsl.elaborate.walk import Walk, in_input_order
from archdsl.elaborate.words import INPUT_STAGE
from archdsl.ir.network import Choice, Cost, Module, Node, Repeat, Run
from archdsl.ir.unchecked import UNKNOWN, Fault, Unchecked, placed, unchecked
from archdsl.ops.record import Bound
from archdsl.shapes.expr import Const
from archdsl.source import Source, Span
from archdsl.syntax import nodes as n
from archdsl.tuples import NamedTuple

if TYPE_CHECKING:
    from archdsl.elaborate.sketch import Sketcher

_START = itemgetter(0)
# Codes of values that do not go together.
_UNEQUAL = ("E0301", "E0304", "E0309")
_NO_FAULT = Bound(None, Const(None), None)


class Left(NamedTuple):
    """A block or group that is not whole, and what a group gets from outside."""

    module: Module
    captured: tuple[Value, ...] = ()


class _Cut(NamedTuple):
    """A repeat up to the copy that is wrong."""

    runs: tuple[Run, ...]
    at: int
    total: int
    extra: tuple[Value, ...]
    names: tuple[str, ...] | None
    left: Left | None


def key(found: Diagnostic) -> object:
    """What findings have in common that are shown as one."""
    return (found.code, found.span)


def within(inner: Span | None, outer: Span) -> bool:
    """Whether a place is in another."""
    return (
        inner is not None
        and inner.source is outer.source
        and outer.start <= inner.start
        and inner.end <= outer.end
    )


class Early:
    """Findings by their places, so that not all are looked at for each stage."""

    def __init__(self, found: Iterable[Diagnostic]) -> None:
        self._by_source: dict[Source, list[tuple[int, int, Diagnostic]]] = {}
        for number, each in enumerate(found):
            # What has no place is told where the text is read.
            assert each.span is not None
            places = self._by_source.setdefault(each.span.source, [])
            places.append((each.span.start, number, each))
        for places in self._by_source.values():
            places.sort(key=_START)

    def within(self, span: Span) -> list[Diagnostic]:
        """Those in a place, in the order in which they were found."""
        places = self._by_source.get(span.source, [])
        begin = bisect_left(places, span.start, key=_START)
        end = bisect_right(places, span.end, begin, key=_START)
        near = sorted(places[begin:end], key=itemgetter(1))
        return [each for *_, each in near if within(each.span, span)]


class Sketched(Walk):
    """Walks one body, and places what is wrong in it."""

    owner: Sketcher

    def __init__(
        self, owner: Sketcher, frame: Frame, defaults: dict[str, Bindings]
    ) -> None:
        super().__init__(owner, frame, defaults)
        # Values that are not known, and are made by a stage all the same.
        self._made: set[int] = set()
        # Values in lines that may not be taken, and the line's own.
        self._instead: dict[int, int] = {}
        # What the lines and chains that are inputs of a call gave, by the node.
        self._gave: dict[int, Value] = {}
        self._claim: n.Asserted | None = None
        self._cut: _Cut | None = None

    # What the walk goes through

    def chain(self, chain: n.Chain, current: Value) -> Value:
        result = self._gave[id(chain)] = super().chain(chain, current)
        return result

    def _line(self, line: n.Line, current: Value) -> Value:
        if not isinstance(line, n.Line):
            # What is no stage was refused with the names.
            result = self.frame.value(None)
        elif line.condition is None:
            result = super()._line(line, current)
        else:
            result = self._conditional(line, current)
        self._gave[id(line)] = result
        return result

    def _conditional(self, line: n.Line, current: Value) -> Value:
        """A line with a condition; where that cannot be told, it is one stage."""
        frame, report = self.frame, self.report
        before, cost = len(report.found), frame.cost
        told = len(self.owner.told)
        here: list[Node] = []
        outside, frame.nodes = frame.nodes, here
        result = super()._line(line, current)
        inside, frame.nodes = frame.nodes, outside
        # The first input of all may stand in it: others before it were forgotten.
        forgotten = inside is not here
        if forgotten:
            outside.clear()
        if not self._is_lost(result):
            frame.nodes += inside
            return result
        frame.cost = cost
        while len(self.owner.told) > told:
            self.owner.told.popitem()
        made: set[int] = set()
        flows = current.id >= 0 and not forgotten
        used = dict.fromkeys((current.id,) if flows else ())
        _gather(inside, made, used)
        inputs = tuple(value for value in used if value not in made)
        self._instead |= dict.fromkeys(made, result.id)
        late = [
            each for each in report.found[before:] if key(each) not in self.owner.told
        ]
        fault = None
        if late:
            self.owner.told[key(late[0])] = None
            fault = self.owner.fault(late[0])._replace(at=0 if inputs else None)
        span = report.span(line)
        types = (current.type or UNKNOWN, *(UNKNOWN for _ in inputs[1:]))
        target = unchecked(span.text, None, types[: len(inputs)], fault, span)
        frame.nodes.append(placed("line", target, inputs, result.id, None, 1, span))
        self._made.add(result.id)
        return result

    def _stage(self, stage: n.Stage, current: Value) -> Value:
        before = len(self.report.found)
        self.owner.left = self._cut = self._claim = None
        result = super()._stage(stage, current)
        first = self.frame.input_spans[:1] == [self.report.span(stage)]
        if first and _is_input(stage.atom):
            # The first value of all: others before it were forgotten.
            self._made.clear()
            self._instead.clear()
            self._gave.clear()
        if self._is_lost(result):
            self._keep(stage, current, result, before)
        if self._claim is not None:
            result = self._claimed(self._claim, result)
        self.owner.left = self._cut = self._claim = None
        return result

    def _asserted(self, asserted: n.Asserted, stage: n.Stage, value: Value) -> None:
        before = len(self.report.found)
        super()._asserted(asserted, stage, value)
        self._claim = asserted if len(self.report.found) > before else None

    def cut(
        self,
        runs: Sequence[Run],
        at: int,
        total: int,
        extra: Sequence[Value],
        names: tuple[str, ...] | None,
    ) -> None:
        left, self.owner.left = self.owner.left, None
        self._cut = _Cut(tuple(runs), at, total, tuple(extra), names, left)

    def unfinished(self, body: n.Body, stage: n.Stage, result: Value) -> None:
        frame = self.frame
        captured = tuple(frame.captured.values())
        inside = [value for _, value in captured]
        inputs = [frame.input_value, *inside]
        nodes, output = self.closed({value.id for value in inputs}, result)
        ordered, output, _ = in_input_order(
            nodes, output, set(), [value.id for value in inputs]
        )
        module = Module(
            "group",
            stage.label.name if stage.label else "",
            frame.params,
            (),
            tuple(value.type or UNKNOWN for value in inputs),
            ordered,
            output,
            result.type or UNKNOWN,
            frame.cost,
            frame.written,
            frozenset(),
            frozenset(),
            self.report.span(body),
        )
        self.owner.left = Left(module, tuple(value for value, _ in captured))

    # What is kept

    def _is_lost(self, value: Value) -> bool:
        """Whether no stage has made a value."""
        frame = self.frame
        if value.type is not None or value.id < 0:
            return False
        if value.id in self._made:
            return False
        if frame.outer is not None and value.id == frame.input_value.id:
            return False
        return value.id not in frame.captured_ids

    def _keep(self, stage: n.Stage, current: Value, result: Value, before: int) -> None:
        atom = stage.atom
        label = stage.label.name if stage.label is not None else None
        if has_index(stage):
            label = None
        span = self.report.span(stage)
        # Values of before the first input are forgotten: their numbers are used again.
        inputs = [each for each in self._inputs(atom, current) if each.id < result.id]
        kind, look = "{}", None
        if isinstance(atom, n.Call):
            target = target_of(self, atom)
            kind = target.kind if target is not None else atom.callee.name
            look = target.layer.look if target and target.layer else None
        left = self._cut.left if self._cut is not None else self.owner.left
        # What is wrong inside is told there.
        fault = self._fault(stage, inputs, before) if left is None else None
        types = tuple(value.type or UNKNOWN for value in inputs)
        lost = unchecked(self._text(atom), look, types, fault, span)
        node: Node
        if self._cut is not None:
            node = self._repeat(self._cut, kind, lost, label, current, result, span)
        else:
            ids = tuple(value.id for value in inputs)
            whole: Module | Unchecked = lost
            if left is not None:
                whole = left.module
                if isinstance(atom, n.Group):
                    ids = (current.id, *(value.id for value in left.captured))
            ordinal = self._ordinal(kind, 1)
            node = placed(kind, whole, ids, result.id, label, ordinal, span)
        self.frame.nodes.append(node)
        self.frame.cost = self.frame.cost.plus(node.cost)
        self._made.add(result.id)

    def _repeat(
        self,
        cut: _Cut,
        kind: str,
        lost: Unchecked,
        label: str | None,
        current: Value,
        result: Value,
        span: Span,
    ) -> Repeat:
        """Copies that are whole, the one that is wrong, and those after it."""
        extra = list(cut.extra)
        taken = tuple(range(1, 1 + len(extra)))
        target: Module | Unchecked = lost
        if cut.left is not None:
            target = cut.left.module
            if kind == "{}" or target.kind == "group":
                taken = taken_from(extra, cut.left.captured)
        grouped = cut.runs and cut.runs[0].stage.kind == "{}"
        if grouped or (isinstance(target, Module) and target.kind == "group"):
            kind = "{}"
        runs = list(cut.runs)
        rest = cut.total - cut.at
        # Where nothing is known from the beginning, no copy is the wrong one.
        known = bool(cut.runs) or current.type is not None
        first = 1 if known or lost.fault is not None else rest
        if kind == "{}" and isinstance(target, Unchecked):
            target = _around(target)
        inputs = (0, *taken)
        broken = placed(kind, target, inputs, 0, None, 0, span)
        runs.append(Run(broken, first, Const(first)))
        if rest > first:
            after = lost._replace(args={**lost.args, "fault": _NO_FAULT})
            later: Module | Unchecked = after
            if kind == "{}":
                later = _around(after)
            stage = placed(kind, later, (0,), 0, None, 0, span)
            runs.append(Run(stage, rest - first, Const(rest - first)))
        cost = Cost()
        for run in runs:
            cost = cost.plus(run.stage.cost.times(run.count))
        return Repeat(
            label,
            cut.names or None,
            tuple(runs),
            cut.total,
            (current.id, *(value.id for value in extra)),
            result.id,
            UNKNOWN,
            cost,
            self._ordinal(kind, cut.total) if kind != "{}" else 0,
            span,
            {},
        )

    def _claimed(self, claim: n.Asserted, value: Value) -> Value:
        """A stage that stands for a shape which the text claims in vain."""
        found = self.report.found[-1]
        span = self.report.span(claim)
        told = span.text.removeprefix("->").strip()
        self.owner.told[key(found)] = None
        fault = self.owner.fault(found)._replace(at=0, claimed=told)
        assert value.type is not None
        target = unchecked(f"-> {told}", None, (value.type,), fault, span)
        output = self.frame.value(value.type)
        self.frame.nodes.append(
            placed("claim", target, (value.id,), output.id, None, 1, span, value.type)
        )
        self.frame.current = output
        return output

    def _inputs(self, atom: n.Call | n.Group, current: Value) -> list[Value]:
        """What flows into a stage, as far as there is anything: never into an input."""
        if _is_input(atom):
            return []
        found = [current]
        if isinstance(atom, n.Call) and atom.inputs is not None:
            found = [
                self._gave.get(id(line)) or self._gave.get(id(line.chain), current)
                for line in atom.inputs
                if isinstance(line, n.Line)  # type: ignore[redundant-expr]
            ]
        return [value for value in found if value.id >= 0]

    def _fault(self, stage: n.Stage, inputs: list[Value], before: int) -> Fault | None:
        """What was found at a stage and is told by no other; None if nothing was."""
        span = self.report.span(stage)
        late = self.report.found[before:]
        for found in (*late, *self.owner.early(span)):
            if key(found) in self.owner.told:
                continue
            self.owner.told[key(found)] = None
            fault = self.owner.fault(found)
            at = self._refused(stage.atom, inputs, found)
            if at is None:
                return fault
            unlike = None
            if found.code in _UNEQUAL and len(inputs) > 1:
                unlike = 0 if at else 1
            return fault._replace(at=at, unlike=unlike)
        return None

    def _refused(
        self, atom: n.Call | n.Group, inputs: list[Value], found: Diagnostic
    ) -> int | None:
        """The number of the input that a finding is about."""
        if len(inputs) < 2:
            return 0 if inputs else None
        assert isinstance(atom, n.Call)
        for at, line in enumerate(atom.inputs or ()):
            if within(found.span, self.report.span(line)):
                return at
        sizes = [value.type.sizes if value.type else () for value in inputs]
        return next((at for at, each in enumerate(sizes) if each != sizes[0]), 0)

    def _text(self, atom: n.Call | n.Group) -> str:
        """A stage as it is written, without its inputs."""
        words = ["{…}"] if isinstance(atom, n.Group) else [atom.callee.name]
        words += [self.report.span(arg).text for arg in atom.args if arg.key != "x"]
        return " ".join(" ".join(words).split())

    def _ordinal(self, kind: str, count: int) -> int:
        written = self.frame.written.get(kind, 0)
        return written - count + 1 if written >= count else 1

    def closed(self, inputs: set[int], result: Value) -> tuple[list[Node], int]:
        """The nodes, and their result: each value is an input or made by one of them.

        What was never made, such as the input of a net that has none, comes from a
        stage without inputs.
        """
        nodes = [self._read(node) for node in self.frame.nodes]
        output = self._instead.get(result.id, result.id)
        made, used = set(inputs), {output: None}
        _gather(nodes, made, used)
        span = Span(self.report.source, 0, 0)
        if nodes:
            span = nodes[0].span
        lacking = [value for value in used if value not in made]
        for value in lacking:
            nothing = unchecked("?", None, (), None, span)
            nodes.insert(0, placed("unknown", nothing, (), value, None, 1, span))
        return nodes, output

    def _read(self, node: Node) -> Node:
        """A node that reads what stands for the values of lines that are not taken."""
        if not self._instead:
            return node
        if isinstance(node, Choice):
            return node._replace(
                nodes=tuple(map(self._read, node.nodes)),
                input=self._instead.get(node.input, node.input),
                result=self._instead.get(node.result, node.result),
            )
        inputs = tuple(self._instead.get(value, value) for value in node.inputs)
        return node._replace(inputs=inputs)


def _is_input(atom: n.Call | n.Group) -> bool:
    return isinstance(atom, n.Call) and atom.callee.name == INPUT_STAGE


def _gather(nodes: Iterable[Node], made: set[int], used: dict[int, None]) -> None:
    """The values that nodes make, and those that they read."""
    for node in nodes:
        made.add(node.output)
        if isinstance(node, Choice):
            used |= dict.fromkeys((node.input, node.result))
            _gather(node.nodes, made, used)
        else:
            used |= dict.fromkeys(node.inputs)


def _around(target: Unchecked) -> Module:
    """A group that holds a stage alone, as one of several copies of a group."""
    assert target.span is not None
    inside = placed("stage", target, (0,), 1, None, 1, target.span)
    return Module(
        *("group", "", {}, (), target.ins[:1] or (UNKNOWN,), (inside,), 1, UNKNOWN),
        *(Cost(), {}, frozenset(), frozenset(), target.span),
    )
