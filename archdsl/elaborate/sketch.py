"""A net whose check fails, as far as it is known: for pictures.

It is elaborated as ever, and what would be dropped is kept: the stage that is wrong,
and those that cannot be checked since their inputs are not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from archdsl.diagnostics import Diagnostic, in_order
from archdsl.elaborate.apply import target_of
from archdsl.elaborate.bind import Bindings
from archdsl.elaborate.definitions import Definitions
from archdsl.elaborate.frame import Frame, Value
from archdsl.elaborate.labels import has_index
from archdsl.elaborate.nets import Elaborator
from archdsl.elaborate.report import Reporter
from archdsl.elaborate.walk import Walk, in_input_order
from archdsl.ir.network import (
    Choice,
    Cost,
    Module,
    Network,
    Node,
    Repeat,
    Run,
)
from archdsl.ir.unchecked import UNKNOWN, Fault, Unchecked, placed, unchecked
from archdsl.ops.record import Bound
from archdsl.shapes.expr import Const
from archdsl.source import Span
from archdsl.syntax import nodes as n
from archdsl.tuples import NamedTuple

# Codes of values that do not go together.
_UNEQUAL = ("E0301", "E0304", "E0309")
# So many findings at most stand at the end of a body.
_MOST = 4
_NO_FAULT = Bound(None, Const(None), None)


class _Left(NamedTuple):
    """A block or group that is not whole, and what a group gets from outside."""

    module: Module
    captured: tuple[Value, ...] = ()


class _Cut(NamedTuple):
    """A repeat up to the copy that is wrong."""

    runs: tuple[Run, ...]
    at: int
    total: int
    extra: tuple[Value, ...]
    names: tuple[str, ...]
    left: _Left | None


class Sketcher(Elaborator):
    """Elaborates one net, and keeps what is wrong in it."""

    def __init__(self, definitions: Definitions, report: Reporter) -> None:
        super().__init__(definitions, report)
        self.report = report
        # What was found before, when names were looked up.
        self.early = tuple(report.found)
        # The findings that some stage in the picture tells.
        self.told: set[object] = set()
        self.left: _Left | None = None
        self._root: Module | None = None

    def network(self, name: str, overrides: dict[str, object]) -> Network | None:
        """The net of that name; None if nothing of it is known."""
        begun = len(self.report.found)
        root = self.net(name, overrides) or self._root
        if root is None:
            return None
        item = self.definitions.nets[name]
        text = Span(self.definitions.source, item.start, item.end)
        late = self.report.found[begun:]
        if not self.told:
            late = [each for each in self.early if _within(each.span, text)] + late
        root = self.ended(root, late)
        wrong = tuple(self.fault(each) for each in in_order(self.report.found))
        source = self.definitions.source
        return Network(name, root, source.name, self.facts, wrong)

    def walk(self, frame: Frame, defaults: dict[str, Bindings]) -> Walk:
        """A walk that keeps what is wrong."""
        return _Sketch(self, frame, defaults)

    def _unfinished(
        self, kind: str, name: str, walk: Walk, body: n.Body, result: Value, before: int
    ) -> None:
        assert isinstance(walk, _Sketch)
        frame = walk.frame
        if kind == "net":
            inputs = set(range(len(frame.input_spans)))
        else:
            inputs = set(range(len(frame.inputs)))
        nodes, output = walk.closed(inputs, result)
        module = Module(
            "net" if kind == "net" else "block",
            name,
            frame.params,
            tuple(filter(None, frame.input_names)),
            tuple(frame.inputs),
            tuple(nodes),
            output,
            result.type or UNKNOWN,
            frame.cost,
            frame.written,
            frozenset(),
            frozenset(),
            self.report.span(body),
        )
        module = self.ended(module, self.report.found[before:])
        if kind == "net":
            self._root = module
        else:
            self.left = _Left(module)

    def ended(self, module: Module, found: list[Diagnostic]) -> Module:
        """The module with stages at its end for findings that no other stage tells."""
        nodes, output = list(module.nodes), module.output
        fresh = max([output, len(module.inputs), *_outputs(nodes)])
        late = {key(each): each for each in found if key(each) not in self.told}
        for each in list(late.values())[:_MOST]:
            if each.span is None:
                continue
            fresh += 1
            self.told.add(key(each))
            claim = each.span.text
            # An assertion is found where its condition stands.
            text = f"assert {claim}" if each.code == "E0602" else claim
            fault = self.fault(each)._replace(at=0)
            target = unchecked(text, None, (module.type,), fault, each.span)
            nodes.append(
                placed(
                    "check", target, (output,), fresh, None, 1, each.span, module.type
                )
            )
            output = fresh
        return module._replace(nodes=tuple(nodes), output=output)

    def fault(self, found: Diagnostic) -> Fault:
        """A finding in short."""
        where = ""
        if found.span is not None:
            source = found.span.source
            where = f"line {found.span.line}"
            if source is not self.definitions.source:
                where = f"{source.name}:{found.span.line}"
        return Fault(found.code, found.message, where)


def key(found: Diagnostic) -> object:
    """What findings have in common that are shown as one."""
    return (found.code, found.span)


class _Sketch(Walk):
    """Walks one body, and places what is wrong in it."""

    owner: Sketcher

    def __init__(
        self, owner: Sketcher, frame: Frame, defaults: dict[str, Bindings]
    ) -> None:
        super().__init__(owner, frame, defaults)
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
        before, told, cost = len(report.found), set(self.owner.told), frame.cost
        outside, frame.nodes = frame.nodes, []
        result = super()._line(line, current)
        inside, frame.nodes = frame.nodes, outside
        if not self._is_lost(result):
            frame.nodes += inside
            return result
        self.owner.told, frame.cost = told, cost
        made: set[int] = set()
        used = dict.fromkeys((current.id,) if current.id >= 0 else ())
        _gather(inside, made, used)
        inputs = tuple(value for value in used if value not in made)
        self._instead |= dict.fromkeys(made, result.id)
        late = [each for each in report.found[before:] if key(each) not in told]
        fault = None
        if late:
            self.owner.told.add(key(late[0]))
            fault = self.owner.fault(late[0])._replace(at=0 if inputs else None)
        span = report.span(line)
        types = (current.type or UNKNOWN, *(UNKNOWN for _ in inputs[1:]))
        target = unchecked(span.text, None, types[: len(inputs)], fault, span)
        frame.nodes.append(placed("line", target, inputs, result.id, None, 1, span))
        return result

    def _stage(self, stage: n.Stage, current: Value) -> Value:
        before = len(self.report.found)
        if not self.frame.nodes:
            # Values may have been forgotten.
            self._instead.clear()
        self.owner.left = self._cut = self._claim = None
        result = super()._stage(stage, current)
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
        names: tuple[str, ...],
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
            nodes, output, set(), [value.id for value in inside]
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
        self.owner.left = _Left(module, tuple(value for value, _ in captured))

    # What is kept

    def _is_lost(self, value: Value) -> bool:
        """Whether no stage has made a value."""
        frame = self.frame
        if value.type is not None or value.id < 0:
            return False
        if any(value.id == node.output for node in reversed(frame.nodes)):
            return False
        if frame.outer is not None and value.id == frame.input_value.id:
            return False
        return all(value.id != mine.id for _, mine in frame.captured.values())

    def _keep(self, stage: n.Stage, current: Value, result: Value, before: int) -> None:
        atom = stage.atom
        label = stage.label.name if stage.label is not None else None
        if has_index(stage):
            label = None
        span = self.report.span(stage)
        inputs = self._inputs(atom, current)
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
                for value in cut.left.captured:
                    if value not in extra:
                        extra.append(value)
                taken = tuple(1 + extra.index(value) for value in cut.left.captured)
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
        self.owner.told.add(key(found))
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
        """What flows into a stage, as far as there is anything."""
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
        early = [each for each in self.owner.early if _within(each.span, span)]
        for found in (*late, *early):
            if key(found) in self.owner.told:
                continue
            self.owner.told.add(key(found))
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
        if isinstance(atom, n.Call) and atom.inputs is not None:
            for at, line in enumerate(atom.inputs):
                if _within(found.span, self.report.span(line)):
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


def _within(inner: Span | None, outer: Span) -> bool:
    return (
        inner is not None
        and inner.source is outer.source
        and outer.start <= inner.start
        and inner.end <= outer.end
    )


def _gather(nodes: Iterable[Node], made: set[int], used: dict[int, None]) -> None:
    """The values that nodes make, and those that they read."""
    for node in nodes:
        made.add(node.output)
        if isinstance(node, Choice):
            used |= dict.fromkeys((node.input, node.result))
            _gather(node.nodes, made, used)
        else:
            used |= dict.fromkeys(node.inputs)


def _outputs(nodes: Iterable[Node]) -> Iterator[int]:
    for node in nodes:
        yield node.output
        if isinstance(node, Choice):
            yield from _outputs(node.nodes)


def _around(target: Unchecked) -> Module:
    """A group that holds a stage alone, as one of several copies of a group."""
    assert target.span is not None
    inside = placed("stage", target, (0,), 1, None, 1, target.span)
    return Module(
        *("group", "", {}, (), target.ins[:1] or (UNKNOWN,), (inside,), 1, UNKNOWN),
        *(Cost(), {}, frozenset(), frozenset(), target.span),
    )
