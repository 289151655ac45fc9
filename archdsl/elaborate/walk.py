"""Tree to network, in one walk.

Conditions read shapes, so evaluating arguments, expanding blocks and inferring shapes
cannot be apart. A block is elaborated once for each set of arguments and input shapes
and then shared; a repeat goes through its copies only as long as they differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from archdsl.diagnostics import Note
from archdsl.diagnostics.suggest import nearest
from archdsl.elaborate import limits
from archdsl.elaborate.bind import Binder, Bindings, split_repeat
from archdsl.elaborate.evaluate import UNKNOWN, Result, SizeValue, describe, evaluate
from archdsl.elaborate.frame import NOTHING, Frame, Labelled, Value
from archdsl.elaborate.labels import fill_in, report_clash
from archdsl.elaborate.names import INPUT_STAGE, Definitions
from archdsl.elaborate.report import Entry, Reporter
from archdsl.ir.network import (
    BYTES_PER_NUMBER,
    Choice,
    Cost,
    LayerRef,
    Module,
    Node,
    Repeat,
    Run,
    Stage,
)
from archdsl.ops import LAYERS, Layer
from archdsl.ops.record import WHERE, Bound, Problem, Site
from archdsl.shapes.expr import Const, Expr, Var, op, substitute
from archdsl.shapes.tensor import Dim, InputOrigin, TensorType, as_input
from archdsl.source import Span
from archdsl.syntax import nodes as n


class _Target(NamedTuple):
    """What a call names."""

    layer: Layer | None
    block: n.Block | None
    chosen_by: str | None

    @property
    def kind(self) -> str:
        return self.layer.name if self.layer else self.block.name.name  # type: ignore[union-attr]


class Elaborator:
    """Elaborates the nets of one file; blocks are shared between them."""

    def __init__(self, definitions: Definitions, report: Reporter) -> None:
        self._definitions = definitions
        self._report = report
        report.blocks = definitions.blocks
        self._memo: dict[object, Module | None] = {}
        self._defaults: dict[tuple[n.Default, ...], dict[str, Bindings]] = {}
        self._stages = 0
        self._overridden = False
        self._full = False

    # Nets and blocks

    def net(self, name: str, overrides: dict[str, object]) -> Module | None:
        """The net of that name with some parameters set, or None (reported)."""
        item = self._definitions.nets[name]
        chain: list[n.Family] = []
        seen: set[str] = set()
        while isinstance(item, n.Family):
            if item.name.name in seen:
                return None
            seen.add(item.name.name)
            chain.append(item)
            following = self._definitions.nets.get(item.base.name)
            if following is None:
                return None
            item = following
        given: dict[str, Bound] = {}
        good = True
        outside = Frame(self._report, {})
        for family in reversed(chain):
            binder = Binder(outside, self._report, None)
            span = self._report.span(family.base)
            optional = tuple(
                p
                if p.default is not None or p.name not in given
                # What a base has set already is no longer required.
                else p._replace(default=n.Boolean(True, p.start, p.end))
                for p in item.params
            )
            bound, fine = binder.params(
                item.name.name,
                optional,
                list(family.args),
                span,
                self._report.span(item.name),
                complete=False,
            )
            given |= bound
            good = good and fine
        at = chain[0].name if chain else item.name
        for key, value in overrides.items():
            if key not in {param.name for param in item.params}:
                near = nearest(key, (param.name for param in item.params))
                self._report.error(
                    "E0401",
                    f"the net `{name}` has no parameter `{key}`",
                    at,
                    hints=(f"did you mean `{near}`?",) if near else (),
                )
                good = False
            else:
                given[key] = Bound(value, Const(value), None)
        missing = [
            p.name for p in item.params if p.default is None and p.name not in given
        ]
        if missing and not overrides and (not chain or self._has_family(name)):
            # A net with required parameters is checked through what derives from it.
            if not self._has_family(name):
                self.unused(item)
            return None
        if missing:
            self._report.error(
                "E0402",
                f"`{name}` lacks " + ", ".join(f"`{m}`" for m in missing),
                chain[0].base if chain else item.name,
                related=(
                    Note(
                        self._report.span(item.name), f"`{item.name.name}` asks for it"
                    ),
                )
                if chain
                else (),
            )
            good = False
        if not good:
            return None
        defaults_of = item.name.name
        if chain:
            entry = Entry("net", name, self._report.span(chain[0].name))
            self._report.way_in.append(entry)
        self._overridden = bool(overrides)
        module = self._module(
            "net", name, item.params, (), item.body, given, (), defaults_of
        )
        if chain:
            self._report.way_in.pop()
        if module is not None and not overrides:
            for family in reversed(chain):
                if family.body is not None:
                    self._family_asserts(family, module, item)
        return module

    def _has_family(self, name: str) -> bool:
        """Whether some net derives from the net of that name."""
        return any(
            isinstance(net, n.Family) and net.base.name == name
            for net in self._definitions.nets.values()
        )

    def requires(self, name: str) -> list[str]:
        """The parameters of a net that nothing gives a value."""
        item = self._definitions.nets[name]
        given: set[str | None] = set()
        while isinstance(item, n.Family):
            given |= {arg.key for arg in item.args}
            following = self._definitions.nets.get(item.base.name)
            if following is None:
                return []
            item = following
        required = (p.name for p in item.params if p.default is None)
        return [name for name in required if name not in given]

    def _family_asserts(self, family: n.Family, module: Module, base: n.Net) -> None:
        frame = Frame(self._report, module.params)
        frame.totals = module.cost
        frame.trusting = True
        for stage in module.nodes:
            if isinstance(stage, Stage | Repeat) and stage.label is not None:
                value = Value(stage.output, stage.type)
                frame.labels[0][stage.label] = Labelled(frame, value, stage.cost)
        assert family.body is not None
        for line in family.body.lines:
            if isinstance(line, n.AssertLine):
                self._assert(line, frame)

    def _block(
        self,
        block: n.Block,
        given: dict[str, Bound],
        inputs: tuple[TensorType, ...],
        at: Span,
    ) -> Module | None:
        """The block's module for these arguments and inputs, elaborated once."""
        name = block.name.name
        key = (
            name,
            tuple((k, _key(bound.value)) for k, bound in sorted(given.items())),
            inputs,
        )
        if key in self._memo:
            return self._memo[key]
        opened = self._report.open_blocks()
        if name in opened:
            # A block's own text was searched before: a parameter led back here.
            circle = [*opened[opened.index(name) :], name]
            self._report.error(
                "E0210",
                f"the block `{name}` contains itself",
                at,
                notes=("the way round: " + " → ".join(circle),)
                if len(circle) > 2
                else (),
                hints=("give its parameter another layer",),
            )
            return None
        if len(opened) >= limits.MAX_CALL_DEPTH:
            self._report.error(
                "E0703",
                f"blocks are called more than {limits.MAX_CALL_DEPTH} deep",
                at,
                hints=("write some of these blocks as one",),
            )
            return None
        self._report.way_in.append(Entry("block", name, at, inputs))
        names = tuple(node.name for node in block.inputs)
        module = self._module(
            "block", name, block.params, names, block.body, given, inputs, name
        )
        self._report.way_in.pop()
        self._memo[key] = module
        return module

    def _module(
        self,
        kind: str,
        name: str,
        params: tuple[n.Param, ...],
        input_names: tuple[str, ...],
        body: n.Body,
        given: dict[str, Bound],
        inputs: tuple[TensorType, ...],
        defaults_of: str,
    ) -> Module | None:
        before = len(self._report.found)
        frame = Frame(self._report, {})
        for param in params:
            bound = given.get(param.name)
            if bound is None and param.default is not None:
                default = evaluate(param.default, frame, self._report)
                bound = Bound(default.value, default.expr, None)
            if bound is None or bound.value is UNKNOWN:
                frame.params[param.name] = Bound(UNKNOWN, Const(None), None)
                continue
            span = bound.span or self._report.span(param)
            frame.params[param.name] = Bound(bound.value, Var(param.name), span)
        seen = tuple(as_input(tensor, at) for at, tensor in enumerate(inputs))
        for at, tensor in enumerate(seen):
            value = frame.value(tensor)
            frame.inputs.append(tensor)
            if at == 0:
                frame.input_value = frame.current = value
            if input_names:
                frame.labels[0][input_names[at]] = Labelled(frame, value, None)
        # The author's figures are those of the net as written.
        frame.as_written = kind == "block" or not self._overridden
        walk = _Walk(self, frame, self._defaults_for(defaults_of))
        result = walk.body(body, frame.current, module=True)
        if kind == "net" and frame.input_value is NOTHING:
            if len(self._report.found) == before:
                self._report.error(
                    "E0306",
                    f"the net `{name}` has no input" if name else "there is no input",
                    Span(self._report.source, body.start, body.start + 1)
                    if body.end > body.start
                    else body,
                    hints=("begin with its shape: `input 3x224x224`",),
                )
            return None
        if result.type is None or len(self._report.found) > before:
            return None
        frame.totals = frame.cost
        for line in body.lines:
            if isinstance(line, n.AssertLine) and frame.as_written:
                self._assert(line, frame)
        if frame.cost.layers > limits.MAX_EXPANDED_LAYERS:
            self._too_many(self._report.span(body))
            return None
        if len(self._report.found) > before:
            return None
        made = Module(
            "net" if kind == "net" else "block",
            name,
            frame.params,
            input_names,
            tuple(frame.inputs),
            tuple(frame.nodes),
            result.id,
            result.type,
            frame.cost,
            frame.written,
            frozenset(frame.referenced),
            frozenset(frame.decided),
            self._report.span(body),
        )
        report_clash(made, self._report)
        return made

    def unused(self, block: n.Block | n.Net) -> None:
        """Check the arguments in what no net calls or derives from, shapes unknown."""
        frame = Frame(self._report, {})
        for param in block.params:
            if param.default is not None:
                evaluate(param.default, frame, self._report)
            frame.params[param.name] = Bound(UNKNOWN, Const(None), None)
        if isinstance(block, n.Block):
            for name in block.inputs:
                frame.labels[0][name.name] = Labelled(frame, frame.value(None), None)
            frame.input_value = frame.value(None)
            frame.current = frame.input_value
        walk = _Walk(self, frame, self._defaults_for(block.name.name))
        walk.body(block.body, frame.current, module=True)

    def elaborated(self) -> set[str]:
        """The names of the blocks that some net has called."""
        return {str(key[0]) for key in self._memo if isinstance(key, tuple)}

    def _assert(self, line: n.AssertLine, frame: Frame) -> None:
        node = line.condition
        result = evaluate(node, frame, self._report)
        if result.value is UNKNOWN or result.value is True:
            return
        if result.value is not False:
            self._report.error(
                "E0503",
                f"{describe(result.value)} is neither true nor false",
                node,
                hints=("compare it: `assert params == 61706`",),
            )
            return
        notes: list[str] = []
        for operand in _compared(node):
            text = self._report.span(operand).text
            value = evaluate(operand, frame, self._report).value
            if isinstance(value, int) and not isinstance(value, bool):
                notes.append(f"{text} is {value:,}")
        notes = list(dict.fromkeys(notes))
        if len(notes) == 1 and isinstance(node, n.Comparison):
            message = f"this does not hold: {notes[0]}"
            notes = []
        else:
            message = "this does not hold"
        self._report.error("E0602", message, node, notes=tuple(notes))

    def _defaults_for(self, name: str) -> dict[str, Bindings]:
        """The arguments that `default` lines set for each layer at a definition."""
        lines = self._definitions.defaults.get(name, ())
        found = self._defaults.get(lines)
        if found is not None:
            return found
        found = {}
        frame = Frame(self._report, {})
        for line in lines:
            layer = LAYERS.get(line.layer.name)
            if layer is None:
                continue
            rest, repeats = split_repeat(line.args)
            for arg in repeats:
                self._report.error("E0401", "a default cannot repeat a layer", arg)
            optional = layer._replace(
                args=tuple(arg._replace(default=None) for arg in layer.args)
            )
            binder = Binder(frame, self._report, None)
            bound = binder.layer(
                optional, rest, found.get(layer.name, {}), self._report.span(line)
            )
            if bound is not None:
                known = found.setdefault(layer.name, {})
                known |= {
                    key: value for key, value in bound.items() if value.span is not None
                }
        self._defaults[lines] = found
        return found

    def count_stage(self, at: Span) -> bool:
        """Count one distinct stage; False, reported once, when there are too many."""
        self._stages += 1
        if self._stages <= limits.MAX_DISTINCT_STAGES:
            return True
        if not self._full:
            self._full = True
            self._report.error(
                "E0702",
                f"there are more than {limits.MAX_DISTINCT_STAGES:,} different layers",
                at,
            )
        return False

    def _too_many(self, at: Span) -> None:
        self._report.error(
            "E0702",
            f"written out, there are more than {limits.MAX_EXPANDED_LAYERS:,} layers",
            at,
            hints=("repeat fewer times",),
        )


class _Walk:
    """Walks one body into one frame."""

    def __init__(
        self, owner: Elaborator, frame: Frame, defaults: dict[str, Bindings]
    ) -> None:
        self._owner = owner
        self._report = frame.report
        self._frame = frame
        self._defaults = defaults

    def body(self, body: n.Body, current: Value, module: bool = False) -> Value:
        """The value that leaves a body."""
        if not module:
            self._frame.labels.append({})
        for line in body.lines:
            if isinstance(line, n.Line):
                current = self._line(line, current)
        if not module:
            self._frame.labels.pop()
        return current

    def _line(self, line: n.Line, current: Value) -> Value:
        if line.condition is None:
            return self._chain(line.chain, current)
        frame = self._frame
        frame.current = current
        condition = evaluate(line.condition, frame, self._report)
        if condition.value is UNKNOWN:
            # Check the arguments of both arms; their shapes stay unknown.
            unknown = frame.value(None)
            self._chain(line.chain, unknown)
            if line.otherwise:
                self._chain(line.otherwise, unknown)
            return frame.value(None)
        if not isinstance(condition.value, bool):
            self._report.error(
                "E0503",
                f"{describe(condition.value)} is neither true nor false",
                line.condition,
                hints=("compare it: `s > 1`, `in.c != c`",),
            )
            return frame.value(None)
        taken, skipped = line.chain, line.otherwise
        if not condition.value:
            taken, skipped = skipped, taken  # type: ignore[assignment]
        if isinstance(condition.expr, Const):
            if condition.value:
                result = self._arm(taken, current)
                self._count_written(skipped)
            else:
                self._count_written(skipped)
                result = self._arm(taken, current)
            return result
        frame.decide(condition.expr)
        outside, frame.nodes = frame.nodes, []
        if condition.value:
            result = self._arm(taken, current)
            self._count_written(skipped)
        else:
            self._count_written(skipped)
            result = self._arm(taken, current)
        inside, frame.nodes = frame.nodes, outside
        if result.type is None:
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
                self._report.span(line),
            )
        )
        return output

    def _arm(self, chain: n.Chain | None, current: Value) -> Value:
        return self._chain(chain, current) if chain else current

    def _count_written(self, chain: n.Chain | None) -> None:
        """Count the stages of an arm not taken, so that it renames nothing."""
        for stage in chain.stages if chain else ():
            atom = stage.atom
            if stage.label is not None:
                span = self._report.span(stage.label)
                self._frame.skipped[stage.label.name] = span
                if isinstance(atom, n.Group):
                    continue
            count = 1
            for arg in atom.args:
                if arg.key == "x" and isinstance(arg.value, n.Number):
                    count = int(arg.value.value)
            if isinstance(atom, n.Group):
                before = dict(self._frame.written)
                for line in atom.body.lines:
                    if isinstance(line, n.Line):
                        self._count_written(line.chain)
                        self._count_written(line.otherwise)
                for kind, number in self._frame.written.items():
                    added = number - before.get(kind, 0)
                    self._frame.written[kind] += added * (count - 1)
                continue
            for line in atom.inputs or ():
                self._count_written(line.chain)
                self._count_written(line.otherwise)
            target = self._target(atom)
            if target is not None:
                self._frame.ordinal(target.kind, count)

    def _chain(self, chain: n.Chain, current: Value) -> Value:
        for stage in chain.stages:
            current = self._stage(stage, current)
        return current

    def _stage(self, stage: n.Stage, current: Value) -> Value:
        frame = self._frame
        cost_before = frame.cost
        atom = stage.atom
        rest, repeats = split_repeat(atom.args)
        if repeats:
            result = self._repeat(stage, rest, repeats, current)
        elif isinstance(atom, n.Group):
            if stage.label is None:
                result = self.body(atom.body, current)
            else:
                result = self._group(stage, atom, current)
        else:
            result = self._call(stage, atom, current)
        frame.current = result
        if stage.asserted is not None and result.type is not None and frame.as_written:
            self._asserted(stage.asserted, stage, result)
        if stage.label is not None:
            spent = Cost(*(a - b for a, b in zip(frame.cost, cost_before, strict=True)))
            frame.labels[-1][stage.label.name] = Labelled(frame, result, spent)
        return result

    # Calls

    def _target(self, call: n.Call) -> _Target | None:
        name = call.callee.name
        bound = self._frame.params.get(name)
        if bound is not None:
            if isinstance(bound.value, LayerRef):
                return self._named(bound.value.name, name)
            return None
        return self._named(name, None) if name != INPUT_STAGE else None

    def _named(self, name: str, chosen_by: str | None) -> _Target | None:
        block = self._owner._definitions.blocks.get(name)
        if block is not None:
            return _Target(None, block, chosen_by)
        layer = LAYERS.get(name)
        if layer is not None:
            return _Target(layer, None, chosen_by)
        return None

    def _call(self, stage: n.Stage, call: n.Call, current: Value) -> Value:
        name = call.callee.name
        frame = self._frame
        if name == INPUT_STAGE:
            return self._input(stage, call)
        target = self._target(call)
        if target is None:
            return self._fetched(call)
        if frame.input_value is NOTHING and call.inputs is None:
            self._no_input(stage)
            frame.input_value = frame.value(None)
        inputs = self._inputs(call, current)
        frame.current = current
        ordinal = frame.ordinal(target.kind)
        built, _ = self._build(stage, call, target, call.args, inputs, None)
        if built is None:
            return frame.value(None)
        return self._append(stage, built, inputs, ordinal)

    def _no_input(self, stage: n.Stage) -> None:
        self._report.error(
            "E0306",
            "nothing flows into the first stage",
            stage,
            hints=("begin with the shape of the input: `input 3x224x224`",),
        )

    def _inputs(self, call: n.Call, current: Value) -> list[Value]:
        if call.inputs is None:
            return [current]
        values = []
        for line in call.inputs:
            self._frame.current = current
            values.append(self._line(line, current))
        return values

    def _fetched(self, call: n.Call) -> Value:
        frame = self._frame
        name = call.callee.name
        bound = frame.params.get(name)
        if bound is not None:
            if bound.value is not UNKNOWN:
                self._report.error(
                    "E0408",
                    f"`{name}` is {describe(bound.value)}, not a layer",
                    call.callee,
                    related=()
                    if bound.span is None
                    else (Note(bound.span, "its value comes from here"),),
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
                self._report.error(
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

    def _input(self, stage: n.Stage, call: n.Call) -> Value:
        frame = self._frame
        if frame.outer is not None or self._report.in_block():
            self._report.error(
                "E0307",
                "`input` stands in a net, outside of groups and blocks",
                stage,
            )
            return frame.value(None)
        if frame.input_value is not NOTHING and frame.input_value.type is None:
            # Something was amiss at the first stage, and was reported there.
            frame.input_value = NOTHING
        if frame.input_value is not NOTHING:
            self._report.error(
                "E0307",
                "a net has one `input`, at its beginning",
                stage,
                hints=("`in` is the net's input, wherever it is needed",),
            )
            return frame.input_value
        dims = self._sizes(call.args)
        tensor = TensorType(tuple(dims)) if dims else None
        if dims == []:
            self._report.error(
                "E0402",
                "`input` lacks its shape",
                stage,
                hints=("channels first, without the batch: `input 3x224x224`",),
            )
        if dims and len(dims) > limits.MAX_SIZES_IN_SHAPE:
            self._report.error(
                "E0403",
                f"a shape has at most {limits.MAX_SIZES_IN_SHAPE} sizes,"
                f" not {len(dims)}",
                call,
                hints=("leave the batch out: `3x224x224`",),
            )
            tensor = None
        if tensor is not None and tensor.elements > limits.MAX_INTEGER:
            self._report.error("E0701", f"the value {tensor} is too large", call)
            tensor = None
        value = frame.value(tensor)
        frame.input_value = value
        if tensor is not None:
            frame.inputs.append(tensor)
        return value

    def _sizes(self, args: Iterable[n.Argument]) -> list[Dim] | None:
        """Positional sizes, joined, as the sizes of a shape; None if reported."""
        dims: list[Dim] = []
        for arg in args:
            if arg.key is not None:
                self._report.error("E0401", f"`input` has no argument `{arg.key}`", arg)
                return None
            found = self._size(arg.value)
            if found is None:
                return None
            dims += found
        return dims

    def _size(self, node: n.Expression) -> list[Dim] | None:
        result = evaluate(node, self._frame, self._report)
        span = self._report.span(node)
        value = result.value
        if value is UNKNOWN:
            return None
        parts = value if isinstance(value, SizeValue) else (value,)
        dims = []
        for at, part in enumerate(parts):
            if isinstance(part, bool) or not isinstance(part, int) or part < 1:
                self._report.error(
                    "E0404",
                    f"a shape holds whole numbers of 1 or more, not {describe(part)}",
                    node,
                )
                return None
            expr = result.expr
            if isinstance(value, SizeValue):
                expr = op("[]", part, expr, Const(at))
            dims.append(Dim(part, span, expr))
        return dims

    def _build(
        self,
        stage: n.Stage,
        call: n.Call,
        target: _Target,
        args: Iterable[n.Argument],
        inputs: list[Value],
        copy: int | None,
    ) -> tuple[_Built | None, int]:
        """Bind and apply; with how many leading copies may differ by their lists."""
        binder = Binder(self._frame, self._report, copy)
        rest, _ = split_repeat(args)
        span = self._report.span(call)
        if target.layer is not None:
            defaults = self._defaults.get(target.layer.name, {})
            bound = binder.layer(target.layer, rest, defaults, span)
            types = self._types(inputs)
            good = self._count_inputs(target, len(inputs), call)
            if bound is None or types is None or not good:
                return None, binder.varied
            return self._apply(target, bound, types, call), binder.varied
        assert target.block is not None
        block = target.block
        given, good = binder.params(
            block.name.name,
            block.params,
            rest,
            span,
            self._report.span(block.name),
            block.inputs,
        )
        good = self._count_inputs(target, len(inputs), call) and good
        types = self._types(inputs)
        if not good or types is None:
            return None, binder.varied
        module = self._owner._block(block, given, types, span)
        if module is None:
            return None, binder.varied
        variables = {
            name: given[name].expr if name in given else Const(bound.value)
            for name, bound in module.params.items()
        }
        for name in module.params:
            if name not in given:
                param = next(p for p in block.params if p.name == name)
                variables[name] = _default_expr(param, module, variables)
        return (
            _Built(
                target,
                module,
                given,
                _called_type(module, variables, types),
                module.cost,
            ),
            binder.varied,
        )

    def _types(self, inputs: list[Value]) -> tuple[TensorType, ...] | None:
        types = tuple(value.type for value in inputs if value.type is not None)
        return types if len(types) == len(inputs) else None

    def _count_inputs(self, target: _Target, count: int, call: n.Call) -> bool:
        if target.layer is not None:
            least, most = target.layer.inputs
            example = target.layer.example.split("|")[-1].strip()
        else:
            assert target.block is not None
            least = most = max(1, len(target.block.inputs))
            names = ", ".join(name.name for name in target.block.inputs) or "…"
            example = f"{target.kind}({names})"
        if least <= count and (most is None or count <= most):
            return True
        wanted = f"{least}" if least == most else f"{least} or more"
        noun = "input" if wanted == "1" else "inputs"
        self._report.error(
            "E0407",
            f"`{target.kind}` takes {wanted} {noun}, not {count}",
            call,
            hints=(f"as in `{example}`",),
        )
        return False

    def _apply(
        self,
        target: _Target,
        bound: Bindings,
        types: tuple[TensorType, ...],
        call: n.Call,
    ) -> _Built | None:
        layer = target.layer
        assert layer is not None
        span = self._report.span(call)
        site = Site(layer, types, bound, span)
        problem: TensorType | Problem
        wrong_rank = [t for t in types if t.rank not in layer.ranks]
        if wrong_rank:
            problem = _wrong_rank(layer, wrong_rank[0])
        else:
            problem = _wrong_sizes(site) or layer.shape(site)
        if isinstance(problem, Problem):
            self._refuse(problem, site, call)
            return None
        out = problem
        if out.elements > limits.MAX_INTEGER:
            self._report.error("E0701", f"the value {out} is too large", span)
            return None
        weights = layer.weights(site, out)
        params = sum(weight.elements for weight in weights if weight.parameter)
        macs = layer.macs(site, out)
        if layer.connections is not None:
            connections = layer.connections(site, out)
        else:
            has_bias = any(weight.name == "bias" for weight in weights) and macs
            connections = macs + (out.elements if has_bias else 0)
        cost = Cost(
            params, params, macs, out.elements * BYTES_PER_NUMBER, connections, 1
        )
        if max(cost) > limits.MAX_INTEGER:
            self._report.error("E0701", "this layer is too large to count", span)
            return None
        if not self._owner.count_stage(span):
            return None
        return _Built(target, site, bound, out, cost)

    def _refuse(self, problem: Problem, site: Site, call: n.Call) -> None:
        span = self._report.span(call)
        if isinstance(problem.at, str):
            bound = site.args.get(problem.at)
            if bound is not None and bound.span is not None:
                span = bound.span
        elif isinstance(problem.at, int) and call.inputs is not None:
            span = self._report.span(call.inputs[problem.at])
        related: list[Note] = []
        for dim, text in problem.dims:
            related += self._report.came_from(dim, text, unless=span)
        value = " and ".join(str(tensor) for tensor in site.ins)
        what = "value here is" if len(site.ins) == 1 else "values here are"
        notes = (f"the {what} {value}", *problem.notes)
        where = ""
        if related and related[0].span.line != span.line:
            where = f" in line {related[0].span.line}"
        hints = tuple(hint.replace(WHERE, where) for hint in problem.hints)
        self._report.error(
            problem.code,
            problem.message,
            span,
            problem.label,
            tuple(dict.fromkeys(related)),
            notes if problem.code not in _SHAPES_SAID else problem.notes,
            hints,
        )

    def _append(
        self, stage: n.Stage, built: _Built, inputs: list[Value], ordinal: int
    ) -> Value:
        frame = self._frame
        label = _label(stage)
        if stage.label is not None and _has_index(stage):
            label = fill_in(stage.label, frame, self._report)
            if label is None:
                return frame.value(None)
        value = frame.value(built.type)
        frame.nodes.append(
            built.stage(
                tuple(v.id for v in inputs),
                value.id,
                label,
                ordinal,
                self._report.span(stage),
            )
        )
        self._spend(built.cost, stage)
        return value

    def _spend(self, cost: Cost, at: n.Stage) -> None:
        total = self._frame.cost.plus(cost)
        if max(total) > limits.MAX_INTEGER:
            self._report.error("E0701", "the totals are too large to count", at)
            total = Cost()
        self._frame.cost = total

    # Groups

    def _group(self, stage: n.Stage, group: n.Group, current: Value) -> Value:
        if current is NOTHING:
            self._no_input(stage)
            self._frame.input_value = self._frame.value(None)
            return self._frame.value(None)
        built = self._grouped(group.body, stage, current, None)
        if built is None:
            return self._frame.value(None)
        module, captured = built
        inputs = [current, *captured]
        return self._append(
            stage,
            _Built(None, module, {}, module.type, module.cost),
            inputs,
            0,
        )

    def _grouped(
        self, body: n.Body, stage: n.Stage, current: Value, copy: int | None
    ) -> tuple[Module, list[Value]] | None:
        """A group as a module of its own, and what it captures from outside."""
        outer = self._frame
        frame = Frame(self._report, outer.params, outer, copy)
        before = len(self._report.found)
        frame.input_value = frame.current = frame.value(current.type)
        if current.type is not None:
            frame.inputs.append(current.type)
        walk = _Walk(self._owner, frame, self._defaults)
        result = walk.body(body, frame.current, module=True)
        outer.decided |= frame.decided
        self._index_used = frame.index_used
        if frame.index is None and frame.index_used:
            outer.index_used = True
        if result.type is None or len(self._report.found) > before:
            return None
        nodes, result_id, referenced = in_input_order(
            frame.nodes,
            result.id,
            frame.referenced,
            [inside.id for _, inside in frame.captured.values()],
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
            self._report.span(body),
        )
        if stage.label is not None:
            report_clash(module, self._report)
        return module, [outside for outside, _ in frame.captured.values()]

    # Repeats

    def _count(self, repeats: list[n.Argument]) -> Result | None:
        if len(repeats) > 1:
            self._report.error(
                "E0406",
                "`x` is given twice",
                repeats[1],
                related=(Note(self._report.span(repeats[0]), "first given here"),),
            )
            return None
        result = evaluate(repeats[0].value, self._frame, self._report)
        value = result.value
        if value is UNKNOWN:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self._report.error(
                "E0404",
                "the number of copies is a whole number of 0 or more,"
                f" not {describe(value)}",
                repeats[0],
            )
            return None
        if value > limits.MAX_EXPANDED_LAYERS:
            self._report.error(
                "E0702",
                f"{value:,} copies are more than the {limits.MAX_EXPANDED_LAYERS:,}"
                " layers that a net may have",
                repeats[0],
                hints=("repeat fewer times",),
            )
            return None
        return result

    def _repeat(
        self,
        stage: n.Stage,
        args: list[n.Argument],
        repeats: list[n.Argument],
        current: Value,
    ) -> Value:
        frame = self._frame
        count = self._count(repeats)
        atom = stage.atom
        if frame.input_value is NOTHING:
            self._no_input(stage)
            frame.input_value = frame.value(None)
            return frame.value(None)
        if count is None:
            return frame.value(None)
        frame.decide(count.expr)
        total = count.value
        assert isinstance(total, int)
        target: _Target | None = None
        extra: list[Value] = []
        if isinstance(atom, n.Call):
            if atom.inputs is None or _all_references(atom):
                target = self._target(atom)
                if target is None:
                    self._report.error(
                        "E0403", "a value cannot be repeated", repeats[0]
                    )
                    return frame.value(None)
                extra = self._inputs(atom, current)[1:] if atom.inputs else []
                first = atom.inputs[0].chain.stages[0].atom if atom.inputs else None
                if isinstance(first, n.Call) and first.callee.name != "id":
                    target = None
            if target is None:
                body = n.Body(
                    (_as_line(stage, atom._replace(args=tuple(args))),),
                    atom.start,
                    atom.end,
                )
            else:
                ordinal = frame.ordinal(target.kind, total)
        else:
            body = atom.body
        runs: list[Run] = []
        names: list[str] | None = [] if _has_index(stage) else None
        if names is not None and total and not self._copy_names(stage, 0, 1):
            return frame.value(None)
        value = current
        copies: list[_Built] = []
        written: dict[str, int] = {}
        own: dict[str, int] = {}
        outer_index, frame_index_used = frame.index, frame.index_used
        at = 0
        while at < total:
            # Copies that differ take time each, also those of a known block.
            if not self._owner.count_stage(self._report.span(stage)):
                return frame.value(None)
            frame.current = value
            self._report.way_in.append(
                Entry("copy", f"copy {at + 1} of {total}", self._report.span(stage))
            )
            taken = list(range(1, 1 + len(extra)))
            frame.index, frame.index_used = at, False
            varied = 0
            built: _Built | None
            if target is not None:
                assert isinstance(atom, n.Call)
                built, varied = self._build(
                    stage, atom, target, args, [value, *extra], at
                )
                own_index = frame.index_used
            else:
                frame.index = outer_index
                grouped = self._grouped(body, stage, value, at)
                own_index = self._index_used
                built = None
                if grouped is not None:
                    module, captured = grouped
                    taken = []
                    for outside in captured:
                        if outside not in extra:
                            extra.append(outside)
                        taken.append(1 + extra.index(outside))
                    own = module.written
                    built = _Built(None, module, {}, module.type, module.cost)
            frame.index, frame.index_used = outer_index, frame_index_used
            self._report.way_in.pop()
            if built is None:
                return frame.value(None)
            # The rest is alike once nothing that a copy sees still changes.
            settled = (
                at >= varied
                and not own_index
                and value.type is not None
                and _same_formula(built.type, value.type)
            )
            alike = total - at if settled else 1
            stage_built = built.stage(
                (0, *taken),
                0,
                None,
                0,
                self._report.span(stage),
            )
            expr: Expr = Const(alike)
            if settled:
                expr = op("-", alike, count.expr, Const(at)) if at else count.expr
            self._join(runs, stage_built, built, alike, expr, copies, value.type)
            if names is not None:
                names += self._copy_names(stage, at, alike)
            for kind, number in own.items():
                written[kind] = written.get(kind, 0) + number * alike
            value = Value(value.id, built.type)
            at += alike
        if total == 0:
            return current
        before: dict[str, int] = {}
        if target is None:
            ordinal = 0
            if stage.label is None:
                before = {kind: frame.written.get(kind, 0) for kind in written}
                for kind, number in written.items():
                    frame.ordinal(kind, number)
        output = frame.value(value.type)
        assert value.type is not None
        cost = Cost()
        for run in runs:
            cost = cost.plus(run.stage.cost.times(run.count))
        frame.nodes.append(
            Repeat(
                None if names is not None else _label(stage),
                tuple(names) if names is not None else None,
                tuple(runs),
                total,
                (current.id, *(v.id for v in extra)),
                output.id,
                value.type,
                cost,
                ordinal,
                self._report.span(stage),
                before,
            )
        )
        if cost.layers > limits.MAX_EXPANDED_LAYERS:
            self._owner._too_many(self._report.span(repeats[0]))
            return frame.value(None)
        self._spend(cost, stage)
        return output

    def _join(
        self,
        runs: list[Run],
        stage: Stage,
        built: _Built,
        alike: int,
        expr: Expr,
        copies: list[_Built],
        flows: TensorType | None,
    ) -> None:
        """Add copies to the last run if they equal it, else as a new one."""
        if runs and copies[-1].equals(built):
            last = runs[-1]
            count = op("+", last.count + alike, last.count_expr, expr)
            runs[-1] = Run(last.stage, last.count + alike, count)
        else:
            runs.append(Run(stage, alike, expr))
            copies.append(built)

    def _copy_names(self, stage: n.Stage, first: int, count: int) -> list[str]:
        assert stage.label is not None
        names: list[str] = []
        for copy in range(first, first + min(count, limits.MAX_DISTINCT_STAGES)):
            name = self._fill_in(stage.label, copy)
            if name is None:
                return names
            names.append(name)
        return names

    def _fill_in(self, label: n.Label, copy: int) -> str | None:
        """A quoted label with `{…}` worked out for one copy."""
        frame = self._frame
        before, frame.index = frame.index, copy
        name = fill_in(label, frame, self._report)
        frame.index = before
        return name

    # Assertions

    def _asserted(self, asserted: n.Asserted, stage: n.Stage, value: Value) -> None:
        from archdsl.elaborate.asserted import hold

        hold(asserted, stage, value, self._frame, self._report, self._size)

    _index_used = False


def in_input_order(
    nodes: list[Node], result: int, referenced: set[int], captured: list[int]
) -> tuple[tuple[Node, ...], int, frozenset[int]]:
    """A group's nodes with its values numbered anew, what it captures coming first."""
    wanted = [0, *captured]
    if wanted == list(range(len(wanted))):
        return tuple(nodes), result, frozenset(referenced)
    numbers = {value: at for at, value in enumerate(wanted)}

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


class _Built(NamedTuple):
    """A stage that is bound and applied, but not yet placed."""

    target: _Target | None
    made: Site | Module
    args: dict[str, Bound]
    type: TensorType
    cost: Cost

    def stage(
        self,
        inputs: tuple[int, ...],
        output: int,
        label: str | None,
        ordinal: int,
        span: Span,
    ) -> Stage:
        weights = ()
        if isinstance(self.made, Site):
            weights = self.made.layer.weights(self.made, self.type)  # type: ignore[assignment]
        return Stage(
            self.target.kind if self.target else "{}",
            self.made,
            self.args,
            inputs,
            output,
            self.type,
            self.cost,
            label,
            ordinal,
            span,
            self.target.chosen_by if self.target else None,
            weights,
        )

    def equals(self, other: _Built) -> bool:
        """Whether two copies are alike in value and in formula."""
        if isinstance(self.made, Module) or isinstance(other.made, Module):
            if self.made is not other.made:
                return False
            if not isinstance(self.made, Module) or self.made.kind == "group":
                return False
        elif self.made.ins != other.made.ins or any(
            not _same_formula(a, b)
            for a, b in zip(self.made.ins, other.made.ins, strict=True)
        ):
            return False
        return all(
            key in other.args
            and other.args[key].value == bound.value
            and other.args[key].expr == bound.expr
            for key, bound in self.args.items()
        ) and len(self.args) == len(other.args)


def _compared(node: n.Expression) -> list[n.Expression]:
    """What a condition compares and a reader cannot see the value of, in order."""
    found: list[n.Expression] = []
    stack = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, n.Comparison):
            found += [
                operand
                for operand in part.operands
                if isinstance(operand, n.Name | n.Attribute | n.Binary)
            ]
        elif isinstance(part, n.Boolean2):
            stack += (part.right, part.left)
        elif isinstance(part, n.Not):
            stack.append(part.operand)
    return found


def _key(value: object) -> object:
    """A dictionary key that keeps 1, 1.0 and true apart."""
    if isinstance(value, tuple):
        return (type(value).__name__, *map(_key, value))
    return (type(value).__name__, value)


def _label(stage: n.Stage) -> str | None:
    return stage.label.name if stage.label else None


def _has_index(stage: n.Stage) -> bool:
    return stage.label is not None and stage.label.quoted and "{" in stage.label.name


def _all_references(call: n.Call) -> bool:
    """Whether each input is a bare name, so that all copies get the same values."""
    return all(
        line.condition is None
        and len(line.chain.stages) == 1
        and line.chain.stages[0].label is None
        and isinstance(line.chain.stages[0].atom, n.Call)
        and line.chain.stages[0].atom.inputs is None
        and not line.chain.stages[0].atom.args
        for line in call.inputs or ()
    )


def _as_line(stage: n.Stage, call: n.Call) -> n.Line:
    inner = n.Stage(None, call, None, call.start, call.end)
    chain = n.Chain((inner,), call.start, call.end)
    return n.Line(chain, None, None, call.start, call.end)


def _same_formula(a: TensorType, b: TensorType) -> bool:
    return a.sizes == b.sizes and all(
        x.expr == y.expr for x, y in zip(a.dims, b.dims, strict=True)
    )


def _default_expr(param: n.Param, module: Module, known: dict[str, Expr]) -> Expr:
    """The formula of a parameter left at its default."""
    from archdsl.shapes.expr import opaque

    value = module.params[param.name].value
    if isinstance(param.default, n.Name) and param.default.name in known:
        return known[param.default.name]
    if isinstance(param.default, n.Number | n.Boolean | n.String | n.Size | n.ListOf):
        return Const(value)
    return opaque(value, *known.values())


def _called_type(
    module: Module, variables: dict[str, Expr], inputs: tuple[TensorType, ...]
) -> TensorType:
    """The output's shape as the caller sees it."""
    sizes = tuple(tuple(dim.expr for dim in tensor.dims) for tensor in inputs)
    dims = []
    for dim in module.type.dims:
        origin = dim.origin
        if isinstance(origin, InputOrigin):
            origin = inputs[origin.input].dims[origin.axis].origin
        expr = substitute(dim.expr, variables, sizes, dim.size)
        dims.append(Dim(dim.size, origin, expr))
    return TensorType(tuple(dims))


# Their messages name the shapes.
_SHAPES_SAID = ("E0301", "E0304", "E0305")

_RANKS = {
    (1,): "a vector",
    (3,): "a 2-D map such as 3x32x32",
    (2, 3, 4): "a map: channels and 1 to 3 spatial sizes",
}


def _wrong_rank(layer: Layer, tensor: TensorType) -> Problem:
    wanted = _RANKS.get(layer.ranks, "another number of sizes")
    return Problem(
        "E0301",
        f"{layer.name} needs {wanted}, but {_a_value(tensor)} arrives",
        dims=((tensor.dims[0], "it comes from here"),),
        hints=("put it before `flatten` or `gap`",)
        if tensor.rank == 1
        else ("put `flatten` or `gap` before it",)
        if layer.ranks == (1,)
        else (),
    )


def _a_value(tensor: TensorType) -> str:
    return f"a vector of {tensor}" if tensor.rank == 1 else f"a map of {tensor}"


def _wrong_sizes(site: Site) -> Problem | None:
    """A size that has another number of parts than there are spatial axes."""
    for arg in site.layer.args:
        value = site.args[arg.name].value
        if not isinstance(value, tuple) or arg.type.kind != "sizes":
            continue
        if len(value) not in (1, site.spatial):
            return Problem(
                "E0404",
                f"{len(value)} numbers are given for the {arg.doc.split(';')[0]}"
                f" of a map with {site.spatial} spatial"
                f" {'axis' if site.spatial == 1 else 'axes'}",
                at=arg.name,
                hints=(f"give one number, or {site.spatial}",)
                if site.spatial > 1
                else ("give one number",),
            )
    return None
