"""Nets and blocks: each elaborated once for what it is given, and then shared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.diagnostics import Note
from archdsl.diagnostics.suggest import nearest
from archdsl.elaborate.arguments import Bindings
from archdsl.elaborate.asserted import hold_condition
from archdsl.elaborate.bind import Binder, split_repeat
from archdsl.elaborate.definitions import Defined, Definitions
from archdsl.elaborate.evaluate import UNKNOWN, Result, describe, evaluate
from archdsl.elaborate.frame import NOTHING, Frame, Labelled, Value
from archdsl.elaborate.known import Known
from archdsl.elaborate.labels import report_clash
from archdsl.elaborate.report import Entry, Located, Reporter
from archdsl.elaborate.unread import report_idle, report_unread
from archdsl.elaborate.walk import Walk
from archdsl.ir.network import Module, Repeat, Stage
from archdsl.ops import LAYERS
from archdsl.ops.record import Bound
from archdsl.shapes.expr import Const, Var
from archdsl.shapes.tensor import TensorType, as_input
from archdsl.source import Span
from archdsl.syntax import nodes as n

if TYPE_CHECKING:
    from archdsl.shapes.symbols import Facts


class Elaborator:
    """Elaborates the nets of one file; blocks are shared between them.

    With `remembers`, what calls of layers give is shared too, and findings may point to
    another place that is alike.
    """

    def __init__(
        self, definitions: Definitions, report: Reporter, remembers: bool = False
    ) -> None:
        self.definitions = definitions
        self.known = Known(remembers)
        # Stages that are being elaborated, one in another.
        self.depth = 0
        self._report = report
        report.enter(definitions)
        self._memo: dict[tuple[object, ...], Module | None] = {}
        # By file: what its `default` lines set, by how many of them.
        self._defaults: dict[str, list[dict[str, Bindings]]] = {}
        # Distinct stages so far.
        self.stages = 0
        # Layers of all nets so far, with copies counted.
        self._layers = 0
        # Whether parameters of the net at hand are set from outside.
        self._overridden: bool
        # Its symbols that are given a number.
        self._fixed: dict[str, object]
        self._full = False
        # What is known of the symbols of the net that was elaborated last.
        self.facts: Facts | None = None
        # And of that which is at hand, if it has some.
        self.symbols: Facts | None = None
        # The nets that others derive from.
        self._bases = {
            net.base.name
            for net in definitions.nets.values()
            if isinstance(net, n.Family)
        }

    def walk(self, frame: Frame, defaults: dict[str, Bindings]) -> Walk:
        """A walk into a frame."""
        return Walk(self, frame, defaults)

    # Nets and blocks

    def net(self, name: str, overrides: dict[str, object]) -> Module | None:
        """The net of that name with some parameters set, or None (reported)."""
        item = self.definitions.nets[name]
        chain: list[n.Family] = []
        while isinstance(item, n.Family):
            # A circle or a chain that is too long, which the definitions report.
            if len(chain) > self._report.limits.nesting:
                return None
            chain.append(item)
            following = self.definitions.nets.get(item.base.name)
            if following is None:
                return None
            item = following
        given: dict[str, Bound] = {}
        good = True
        outside = Frame(self._report, {})
        names = {param.name for param in item.params}
        written = self.definitions.symbols(item.body)
        symbols = [name for name in written if name not in names]
        known = (
            *item.params,
            *(_optional(symbol, item.name) for symbol in symbols),
        )
        for family in reversed(chain):
            binder = Binder(outside, self._report, None)
            span = self._report.span(family.base)
            # What a base has set already is no longer required.
            params = tuple(
                _optional(p.name, item.name) if p.name in given else p for p in known
            )
            bound, fine = binder.params(
                item.name.name,
                params,
                family.args,
                span,
                self._report.span(item.name),
                complete=False,
            )
            given |= bound
            good = good and fine
        at = chain[0].name if chain else item.name
        for key, value in overrides.items():
            if key not in names and key not in symbols:
                near = nearest(key, (*names, *symbols))
                self._report.error(
                    "E0401",
                    f"the net{f' `{name}`' if name else ''} has no parameter `{key}`",
                    at,
                    hints=(f"did you mean `{near}`?",) if near else (),
                )
                good = False
            else:
                given[key] = Bound(value, Const(value), None)
        fixed = {key: given.pop(key) for key in symbols if key in given}
        for key, bound_size in fixed.items():
            value = bound_size.value
            if value is UNKNOWN:
                continue  # What gives it was reported.
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                self._report.error(
                    "E0404",
                    f"`{key}` is a size, a whole number of 1 or more, not"
                    f" {describe(value)}",
                    bound_size.span or at,
                )
                good = False
            elif value > self._report.limits.integer:
                message = f"the value {value} is too large"
                self._report.error("E0701", message, at)
                good = False
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
        self._fixed = {key: bound.value for key, bound in fixed.items()}
        module = self._module(
            "net", name, item.params, (), item.body, given, (), defaults_of
        )
        self.symbols = None
        if chain:
            self._report.way_in.pop()
        if module is not None and not overrides:
            for family in chain:
                if family.body is not None:
                    self._family_asserts(family, module, item)
        return module

    def _has_family(self, name: str) -> bool:
        """Whether some net derives from the net of that name."""
        return name in self._bases

    def requires(self, name: str) -> list[str]:
        """The parameters of a net that nothing gives a value."""
        item = self.definitions.nets[name]
        given: set[str | None] = set()
        while isinstance(item, n.Family):
            given |= {arg.key for arg in item.args}
            item = self.definitions.nets[item.base.name]
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
                hold_condition(line, frame)

    def block(
        self,
        defined: Defined,
        given: dict[str, Bound],
        inputs: tuple[TensorType, ...],
        at: Span,
    ) -> Module | None:
        """The block's module for these arguments and inputs, elaborated once."""
        block = defined.item
        assert isinstance(block, n.Block)
        name = block.name.name
        key = (
            defined.key,
            tuple((k, _key(bound.value)) for k, bound in sorted(given.items())),
            inputs,
        )
        if key in self._memo:
            return self._memo[key]
        opened = self._report.open_blocks()
        if defined.key in opened:
            # A block's own text was searched before: a parameter led back here.
            round_ = (*opened[opened.index(defined.key) :], defined.key)
            circle = [step for _, step in round_]
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
        if len(opened) >= self._report.limits.nesting:
            self._report.error(
                "E0703",
                f"blocks are called more than {self._report.limits.nesting} deep",
                at,
                hints=("write some of these blocks as one",),
            )
            return None
        home = defined.home
        self._report.way_in.append(Entry("block", name, at, inputs, home.file))
        outside = self._report.enter(home)
        names = tuple(node.name for node in block.inputs)
        module = self._module(
            "block", name, block.params, names, block.body, given, inputs, name
        )
        self._report.enter(outside)
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
        if not self.count_stage(self._report.span(body)):
            return None
        frame = Frame(self._report, {})
        for param in params:
            bound = given.get(param.name)
            if bound is None:
                # What is missing was reported before.
                assert param.default is not None
                default = evaluate(param.default, frame, self._report)
                bound = Bound(default.value, default.expr, None)
            span = bound.span or self._report.span(param)
            frame.params[param.name] = Bound(bound.value, Var(param.name), span)
        seen = tuple(as_input(tensor, at) for at, tensor in enumerate(inputs))
        for at, tensor in enumerate(seen):
            value = frame.flows_in(tensor)
            if at == 0:
                frame.input_value = frame.current = value
            if input_names:
                frame.labels[0][input_names[at]] = Labelled(frame, value, None)
        for symbol, size in self._fixed.items() if kind == "net" else ():
            frame.symbols[symbol] = Result(size, Const(size))
        # The author's figures are those of the net as written.
        frame.as_written = kind == "block" or not self._overridden
        walk = self.walk(frame, self._defaults_for(defaults_of))
        result = walk.body(body, frame.current, module=True)
        if frame.input_value is NOTHING:
            if len(self._report.found) == before:
                self._report.error(
                    "E0306",
                    f"the net `{name}` has no input" if name else "there is no input",
                    Span(self._report.source, body.start, body.start + 1),
                    hints=("begin with its shape: `input 3x224x224`",),
                )
            return None
        if result.type is None or len(self._report.found) > before:
            return self._unfinished(kind, name, walk, body, result, before)
        frame.totals = frame.cost
        for line in body.lines:
            if (
                isinstance(line, n.AssertLine)
                and frame.as_written
                and not (frame.symbols and walk.assumes(line.condition))
            ):
                hold_condition(line, frame)
        # Of a block there is nothing, and its net is done after it.
        self.facts = frame.facts
        if frame.cost.layers > self._left(kind):
            self.too_many(self._report.span(body))
        if len(self._report.found) > before:
            return self._unfinished(kind, name, walk, body, result, before)
        if kind == "net":
            self._layers += frame.cost.layers
        made = Module(
            "net" if kind == "net" else "block",
            name,
            frame.params,
            input_names if kind == "block" else tuple(filter(None, frame.input_names)),
            tuple(frame.inputs),
            tuple(frame.nodes),
            result.id,
            result.type,
            frame.cost,
            frame.written,
            frozenset(frame.referenced),
            frozenset(frame.decided),
            self._report.span(body),
            *(frame.returned or ()),
        )
        order = tuple(
            label.name
            for line in body.lines
            if isinstance(line, n.OrderLine)
            for label in line.labels
        )
        made = made._replace(order=order)
        report_clash(made, self._report)
        read = report_unread(made, self._report)
        if kind == "net":
            report_idle(made, frame.input_spans, read, self._report)
        return made

    def _unfinished(
        self, kind: str, name: str, walk: Walk, body: n.Body, result: Value, before: int
    ) -> Module | None:
        """What is left of a net or block that is not whole: nothing, here.

        `before` it there were so many findings.
        """
        return None

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
        walk = self.walk(frame, self._defaults_for(block.name.name))
        walk.body(block.body, frame.current)

    def elaborated(self) -> set[object]:
        """The keys of the blocks that some net has called."""
        return {key[0] for key in self._memo}

    def _defaults_for(self, name: str) -> dict[str, Bindings]:
        """The arguments that `default` lines set for each layer at a definition."""
        home = self._report.home
        assert home is not None
        known = self._defaults.get(home.file)
        if known is None:
            known = self._defaults[home.file] = [{}]
            for line in home.default_lines:
                known.append(self._with_default(known[-1], line))
        return known[home.defaults[name]]

    def _with_default(
        self, known: dict[str, Bindings], line: n.Default
    ) -> dict[str, Bindings]:
        """What the lines so far set, and one more."""
        layer = LAYERS.get(line.layer.name)
        if layer is None:
            return known
        rest, repeats = split_repeat(line.args)
        for arg in repeats:
            self._report.error("E0401", "a default cannot repeat a layer", arg)
        binder = Binder(Frame(self._report, {}), self._report, None)
        here = known.get(layer.name, {})
        bound = binder.layer(layer, rest, here, self._report.span(line), complete=False)
        if bound is None:
            return known
        return {**known, layer.name: {**here, **bound}}

    def count_stage(self, at: Located | Span) -> bool:
        """Count one distinct stage; False, reported once, when there are too many."""
        self.stages += 1
        limits = self._report.limits
        if self.stages > limits.stages:
            message = f"there are more than {limits.stages:,} different layers"
            return self._refused("E0702", message, at)
        facts = self.symbols
        if facts is not None and len(facts.algebra.atoms) > limits.unknowns:
            return self._refused(
                "E0701",
                f"there are more than {limits.unknowns:,} formulas that differ, of"
                " sizes that are not known",
                at,
                ("give some sizes of the input as numbers",),
            )
        return True

    def _refused(
        self,
        code: str,
        message: str,
        at: Located | Span,
        hints: tuple[str, ...] = (),
    ) -> bool:
        if not self._full:
            self._full = True
            self._report.error(code, message, at, hints=hints)
        return False

    def _left(self, kind: str) -> int:
        """How many layers there may be, with those of the nets before counted."""
        return self._report.limits.layers - (self._layers if kind == "net" else 0)

    def too_many(self, at: Span) -> None:
        self._report.error(
            "E0702",
            f"written out, there are more than {self._report.limits.layers:,} layers",
            at,
            hints=("repeat fewer times",),
        )


def _optional(name: str, at: n.Name) -> n.Param:
    """What a derived net may set and may leave out; it is not asked what it is then."""
    return n.Param(name, at, at.start, at.end)


def _key(value: object) -> object:
    """A dictionary key that keeps 1, 1.0 and true apart."""
    if isinstance(value, tuple):
        return (type(value).__name__, *map(_key, value))
    return (type(value).__name__, value)
