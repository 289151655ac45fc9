"""Tree to network, in one walk.

Conditions read shapes, so evaluating arguments, expanding blocks and inferring shapes
cannot be apart. A block is elaborated once for each set of arguments and input shapes
and then shared; a repeat goes through its copies only as long as they differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archdsl.diagnostics import Note
from archdsl.elaborate.apply import Built, build, target_of
from archdsl.elaborate.arguments import Bindings
from archdsl.elaborate.asserted import hold
from archdsl.elaborate.bind import REPEAT_KEY, split_repeat
from archdsl.elaborate.evaluate import UNKNOWN, describe, evaluate
from archdsl.elaborate.frame import NOTHING, Frame, Labelled, Value
from archdsl.elaborate.inputs import declare_input, sizes_of
from archdsl.elaborate.labels import fill_in, has_index, report_clash
from archdsl.elaborate.repeat import repeat
from archdsl.elaborate.report import Unheard
from archdsl.elaborate.unread import report_unread
from archdsl.elaborate.words import INPUT_STAGE, OUTPUT_STAGE, SHARE, SPECIAL
from archdsl.ir.network import Choice, Cost, Module, Node, Run
from archdsl.shapes.expr import Const
from archdsl.shapes.tensor import Dim
from archdsl.syntax import nodes as n

if TYPE_CHECKING:
    from archdsl.elaborate.nets import Elaborator


class Walk:
    """Walks one body into one frame."""

    def __init__(
        self, owner: Elaborator, frame: Frame, defaults: dict[str, Bindings]
    ) -> None:
        self.owner = owner
        self.report = frame.report
        self.frame = frame
        self.defaults = defaults
        self.text = frame.report.source.text
        self._largest = frame.report.limits.integer
        self._known = owner.known.calls(defaults)

    def body(self, body: n.Body, current: Value, module: bool = False) -> Value:
        """The value that leaves a body."""
        self.frame.labels.append({})
        for line in body.lines:
            if isinstance(line, n.Line):
                current = self._line(line, current)
            elif (
                isinstance(line, n.AssertLine)
                and self.frame.symbols
                and self.assumes(line.condition)
            ):
                from archdsl.elaborate.unknowns import assume

                assume(line.condition, self.frame)
        if not module:
            self.frame.labels.pop()
        return current

    def _line(self, line: n.Line, current: Value) -> Value:
        if line.condition is None:
            return self.chain(line.chain, current)
        frame = self.frame
        frame.current = current
        condition = evaluate(line.condition, frame, self.report)
        if condition.value is UNKNOWN:
            # Check the arguments of both arms; their shapes stay unknown.
            unknown = Value(current.id, None)
            self.chain(line.chain, unknown)
            if line.otherwise:
                self.chain(line.otherwise, unknown)
            return frame.value(None)
        if not isinstance(condition.value, bool):
            self.report.error(
                "E0503",
                f"{describe(condition.value)} is neither true nor false",
                line.condition,
                hints=("compare it: `s > 1`, `in.c != c`",),
            )
            return frame.value(None)
        if isinstance(condition.expr, Const):
            return self._arms(line, condition.value, current)
        frame.decide(condition.expr)
        outside, frame.nodes = frame.nodes, []
        result = self._arms(line, condition.value, current)
        inside, frame.nodes = frame.nodes, outside
        if result.type is None:
            frame.nodes += inside
            return result
        output = frame.value(result.type)
        frame.nodes.append(
            Choice(
                condition.expr,
                condition.value,
                tuple(inside),
                current.id,
                result.id,
                output.id,
                self.report.span(line),
            )
        )
        return output

    def _arms(self, line: n.Line, first: bool, current: Value) -> Value:
        """Take one arm and count the other, in the order in which they stand."""
        if first:
            result = self.chain(line.chain, current)
            self._count_written(line.otherwise)
            return result
        self._count_written(line.chain)
        return self.chain(line.otherwise, current) if line.otherwise else current

    def _count_written(self, chain: n.Chain | None) -> None:
        """Count the stages of an arm not taken, so that it renames nothing."""
        for stage in chain.stages if chain else ():
            atom = stage.atom
            if stage.label is not None:
                span = self.report.span(stage.label)
                self.frame.skipped[stage.label.name] = span
                if isinstance(atom, n.Group):
                    continue
            count = self._skipped_copies(atom.args)
            if isinstance(atom, n.Group):
                before = dict(self.frame.written)
                skipped = dict(self.frame.skipped)
                for line in atom.body.lines:
                    if isinstance(line, n.Line):
                        self._count_written(line.chain)
                        self._count_written(line.otherwise)
                for kind, number in self.frame.written.items():
                    added = number - before.get(kind, 0)
                    self.frame.written[kind] += added * (count - 1)
                # The labels in it are not seen outside, skipped or not.
                self.frame.skipped = skipped
                continue
            for line in atom.inputs or ():
                self._count_written(line.chain)
                self._count_written(line.otherwise)
            target = target_of(self, atom)
            if target is not None:
                self.frame.ordinal(target.kind, count)

    def _skipped_copies(self, args: tuple[n.Argument, ...]) -> int:
        """How many copies a skipped stage would have had, 1 if that is unknown."""
        count: object = 1
        # What is skipped may be wrong: n[3] of a list of three, say.
        with Unheard(self.report):
            for arg in args:
                if arg.key == "x":
                    count = evaluate(arg.value, self.frame, self.report).value
        return count if isinstance(count, int) and count >= 0 else 1

    def chain(self, chain: n.Chain, current: Value) -> Value:
        """The value of a chain that begins from `current`."""
        for stage in chain.stages:
            current = self._stage(stage, current)
        return current

    def _stage(self, stage: n.Stage, current: Value) -> Value:
        frame = self.frame
        frame.current = current
        cost_before = frame.cost
        atom = stage.atom
        known = None
        if type(atom) is n.Call and atom.callee.name not in frame.params:
            said = self.text[atom.start : atom.end]
            known = self._known.get((said, id(current.type)))
            if known is not None:
                name = atom.callee.name
                result = self._again(stage, known, name, (current.id,))
        if known is None:
            result = self._elaborated(stage, atom, current)
        frame.current = result
        if stage.asserted is not None and result.type is not None and frame.as_written:
            self._asserted(stage.asserted, stage, result)
        if stage.label is not None:
            spent = frame.cost.minus(cost_before)
            frame.labels[-1][stage.label.name] = Labelled(frame, result, spent)
        return result

    def _elaborated(
        self, stage: n.Stage, atom: n.Call | n.Group, current: Value
    ) -> Value:
        """The value of a stage that is not known yet."""
        owner, most = self.owner, self.report.limits.nesting
        if owner.depth > most:
            # Each level is some of Python's calls as well, which end.
            self.report.error(
                "E0703",
                f"stages are nested more than {most} deep, with the blocks around them",
                stage,
                hints=("give inner stages names, or write some blocks as one",),
            )
            return self.frame.value(None)
        owner.depth += 1
        try:
            for arg in atom.args:
                if arg.key == REPEAT_KEY:
                    rest, repeats = split_repeat(atom.args)
                    return repeat(self, stage, rest, repeats, current)
            if not isinstance(atom, n.Group):
                return self._call(stage, atom, current)
            if stage.label is None:
                return self.body(atom.body, current)
            return self._group(stage, atom, current)
        finally:
            owner.depth -= 1

    # Calls

    def _call(self, stage: n.Stage, call: n.Call, current: Value) -> Value:
        name = call.callee.name
        frame = self.frame
        if name == INPUT_STAGE:
            return declare_input(self, stage, call)
        if name in SPECIAL and (call.inputs or call.args):
            return self._special(stage, call, current)
        target = target_of(self, call)
        if target is None:
            return self._fetched(call)
        needs = target.layer is None or target.layer.inputs != (0, 0)
        if frame.input_value is NOTHING and call.inputs is None:
            self.no_input(stage)
            frame.input_value = frame.value(None)
        inputs = self.inputs(call, current) if needs or call.inputs else []
        frame.current = current
        ids = tuple([value.id for value in inputs])
        owner = self.owner
        symbolic = owner.symbols is not None
        key = owner.known.key(call, self.text, target, inputs, frame.params, symbolic)
        if key in self._known:
            assert key is not None
            return self._again(stage, self._known[key], name, ids)
        ordinal = frame.ordinal(target.kind)
        built, _ = build(self, call, target, call.args, inputs, None)
        if built is None:
            return frame.value(None)
        if key is not None:
            built = self._known[key] = owner.known.keep(built, owner.stages)
        return self.append(stage, built, ids, ordinal)

    def _again(
        self, stage: n.Stage, known: Built, name: str, inputs: tuple[int, ...]
    ) -> Value:
        """Place what such a call of the layer of that name gave before."""
        # One too many ends the trial in which calls are known.
        self.owner.count_stage(stage)
        return self.append(stage, known, inputs, self.frame.ordinal(name))

    def _special(self, stage: n.Stage, call: n.Call, current: Value) -> Value:
        """An `output`, `share` or `tie`."""
        if current is NOTHING:
            self.no_input(stage)
            self.frame.input_value = self.frame.value(None)
            return self.frame.input_value
        if call.callee.name == OUTPUT_STAGE:
            from archdsl.elaborate.outputs import output

            return output(self, call, current)
        from archdsl.elaborate.shared import share, tie

        again = share if call.callee.name == SHARE else tie
        return again(self, stage, call, current)

    def assumes(self, condition: n.Expression) -> bool:
        """Whether an asserted condition restricts the symbols of the net."""
        from archdsl.elaborate.unknowns import assumes

        return assumes(condition, self.frame)

    def no_input(self, stage: n.Stage) -> None:
        self.report.error(
            "E0306",
            "nothing flows into the first stage",
            stage,
            hints=("begin with the shape of the input: `input 3x224x224`",),
        )

    def inputs(self, call: n.Call, current: Value) -> list[Value]:
        if call.inputs is None:
            return [current]
        return [self._line(line, current) for line in call.inputs]

    def _fetched(self, call: n.Call) -> Value:
        frame = self.frame
        name = call.callee.name
        bound = frame.params.get(name)
        if bound is not None:
            if bound.value is not UNKNOWN:
                assert bound.span is not None
                self.report.error(
                    "E0408",
                    f"`{name}` is {describe(bound.value)}, not a layer",
                    call.callee,
                    related=(Note(bound.span, "its value comes from here"),),
                    hints=(f"give it one: `{name}=relu`",),
                )
            return frame.value(None)
        found = frame.fetch(name)
        if found is None:
            frame.report_skipped(name, call.callee)
        if found is None and frame.input_value is NOTHING:
            # Reported with the names; it may have been meant as the input.
            frame.input_value = frame.value(None)
        if found is None or found.value is NOTHING:
            if found is not None:
                self.report.error(
                    "E0306",
                    f"there is no value for `{name}` yet",
                    call,
                    hints=("begin with the shape of the input: `input 3x224x224`",),
                )
                frame.input_value = frame.value(None)
            return frame.value(None)
        value = frame.capture(found.frame, found.value)
        if name != "id":
            frame.referenced.add(value.id)
            found.frame.referenced.add(found.value.id)
        return value

    def append(
        self, stage: n.Stage, built: Built, inputs: tuple[int, ...], ordinal: int
    ) -> Value:
        """Place a stage; its value flows on."""
        frame = self.frame
        label = None
        if stage.label is not None:
            label = stage.label.name
            if has_index(stage):
                label = fill_in(stage.label, frame, self.report)
                if label is None:
                    return frame.value(None)
        value = frame.value(built.type)
        span = self.report.span(stage)
        made = built.stage(inputs, value.id, label, ordinal, span)
        frame.nodes.append(made)
        if label is not None:
            frame.sharable[label] = made
        self.spend(built.cost, stage)
        return value

    def spend(self, cost: Cost, at: n.Stage) -> None:
        total = self.frame.cost.plus(cost)
        if total.largest > self._largest:
            self.report.error("E0701", "the totals are too large to count", at)
            total = Cost()
        self.frame.cost = total

    # Groups

    def _group(self, stage: n.Stage, group: n.Group, current: Value) -> Value:
        if current is NOTHING:
            self.no_input(stage)
            self.frame.input_value = self.frame.value(None)
            return self.frame.value(None)
        built = self.grouped(group.body, stage, current, None)
        if built is None:
            return self.frame.value(None)
        module, captured, _ = built
        inputs = tuple([value.id for value in (current, *captured)])
        whole = Built(None, module, {}, module.type, module.cost)
        return self.append(stage, whole, inputs, 0)

    def grouped(
        self, body: n.Body, stage: n.Stage, current: Value, copy: int | None
    ) -> tuple[Module, list[Value], bool] | None:
        """A group as a module, what it captures, and whether it uses the index `i`."""
        outer = self.frame
        frame = Frame(self.report, outer.params, outer, copy)
        before = len(self.report.found)
        frame.input_value = frame.current = frame.flows_in(current.type)
        walk = self.owner.walk(frame, self.defaults)
        result = walk.body(body, frame.current)
        outer.decided |= frame.decided
        if result.type is None or len(self.report.found) > before:
            walk.unfinished(body, stage, result)
            return None
        nodes, result_id, referenced = in_input_order(
            frame.nodes,
            result.id,
            frame.referenced,
            [0, *(inside.id for _, inside in frame.captured.values())],
        )
        module = Module(
            "group",
            stage.label.name if stage.label else "",
            outer.params,
            (),
            tuple(frame.inputs),
            nodes,
            result_id,
            result.type,
            frame.cost,
            frame.written,
            referenced,
            frozenset(frame.decided),
            self.report.span(body),
        )
        if stage.label is not None:
            report_clash(module, self.report)
        report_unread(module, self.report)
        captured = [outside for outside, _ in frame.captured.values()]
        return module, captured, frame.index_used

    # What is not whole is dropped here; `archdsl.elaborate.sketch` keeps it.

    def unfinished(self, body: n.Body, stage: n.Stage, result: Value) -> None:
        """A group is not whole; this is the walk through it."""

    def cut(
        self,
        runs: Sequence[Run],
        at: int,
        total: int,
        extra: Sequence[Value],
        names: tuple[str, ...] | None,
    ) -> None:
        """Copy `at` of a repeat is wrong, and `runs` are those before it."""

    # Assertions

    def _sizes_of(self, node: n.Expression) -> list[Dim] | None:
        return sizes_of(self.frame, node, restricts=False)

    def _asserted(self, asserted: n.Asserted, stage: n.Stage, value: Value) -> None:
        hold(asserted, stage, value, self.frame, self.report, self._sizes_of)


def in_input_order(
    nodes: list[Node], result: int, referenced: set[int], inputs: list[int]
) -> tuple[tuple[Node, ...], int, frozenset[int]]:
    """A module's nodes with its values numbered anew, the inputs coming first."""
    if inputs == list(range(len(inputs))):
        return tuple(nodes), result, frozenset(referenced)
    numbers = {value: at for at, value in enumerate(inputs)}

    def number(value: int) -> int:
        return numbers.setdefault(value, len(numbers))

    def renumbered(node: Node) -> Node:
        if isinstance(node, Choice):
            entered = number(node.input)
            inside = tuple(map(renumbered, node.nodes))
            return node._replace(
                nodes=inside,
                input=entered,
                result=number(node.result),
                output=number(node.output),
            )
        inputs = tuple(map(number, node.inputs))
        return node._replace(inputs=inputs, output=number(node.output))

    made = tuple(map(renumbered, nodes))
    return made, number(result), frozenset(map(number, referenced))
