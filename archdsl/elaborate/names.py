"""What each name in a block or net refers to, before any value is known.

One pass over the text, also over what no net uses and no condition takes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from archdsl.diagnostics.suggest import did_you_mean
from archdsl.elaborate.arguments import (
    LITERALS,
    is_formula,
    is_unknown_key,
    is_word,
    names_nothing,
)
from archdsl.elaborate.bodies import last_atom, scope_labels
from archdsl.elaborate.labels import label_text, names_a_label
from archdsl.elaborate.report import Located, Reporter
from archdsl.elaborate.visible import Visible
from archdsl.elaborate.words import (
    BLOCK_INPUT,
    CURRENT,
    DICT,
    DTYPES,
    INDEX,
    INPUT_STAGE,
    ORDERS,
    OUTPUT_STAGE,
    SHARE,
    SPECIAL,
    TIE,
    TOTALS,
    TRAINING,
    place,
)
from archdsl.ops import LAYERS
from archdsl.ops.record import Layer
from archdsl.shapes.arithmetic import FUNCTIONS, OF_LISTS
from archdsl.shapes.tensor import AXIS_NAMES
from archdsl.syntax import nodes as n


class Scope:
    """Checks the names in one block or net."""

    def __init__(
        self,
        blocks: Mapping[str, object],
        nets: Collection[str],
        report: Reporter,
        params: tuple[n.Param, ...],
        inputs: tuple[n.Name, ...],
        net: bool = False,
    ) -> None:
        self._is_net = net
        self._report = report
        self._text = report.source.text
        self._visible = Visible(blocks, nets, report)
        # The call that ends the net, which may be its `output(…)`.
        self._last: n.Call | n.Group | None = None
        assert report.home is not None
        self._home = report.home
        self._plain = report.home.plain
        self._copies = 0
        # How many labelled groups are open.
        self._groups = 0
        # The blocks that it calls, without those of the standard library.
        self.called: dict[str, n.Name] = {}
        # Whether all of the body can be elaborated.
        self.sound = True
        most = report.limits.parameters
        names: list[Located] = [*inputs, *params]
        self._crowded = len(names) > most
        if self._crowded:
            report.error(
                "E0707",
                f"a block or net has at most {most:,} inputs and parameters, and this"
                f" has {len(names):,}",
                names[most],
                hints=("numbers of one kind can be one list: `n=[3,4,6,3]`",),
            )
        for name in inputs:
            self._visible.add_input(name)
        for param in params:
            self._visible.check_param(param)
            if param.default is not None:
                self.expression(param.default)
            self._visible.params[param.name] = param

    def assume(self, names: Iterable[str], at: n.Name) -> None:
        """Let parameters be named that are defined, and used, elsewhere."""
        self._visible.assume(names, at)

    def module(self, body: n.Body) -> None:
        """Check a whole block or net."""
        if self._crowded:
            return
        if self._is_net:
            symbols = frozenset(self._home.symbols(body))
            self._visible.symbols = symbols - self._visible.params.keys()
        self._last = last_atom(body) if self._is_net else None
        self._body(body)
        for line in body.lines:
            if isinstance(line, n.AssertLine):
                self.asserted(line.condition, trust_labels=False)
            elif isinstance(line, n.OrderLine):
                self._visible.check_order(line, tuple(scope_labels(body)))
        self._visible.report_unused()

    def _body(self, body: n.Body) -> None:
        self._visible.enter(body)
        for line in body.lines:
            if isinstance(line, n.Line):
                self._line(line)
            elif isinstance(line, n.OrderLine):
                self._order(line)
            elif self._visible.in_group:
                self._report.error(
                    "E0217",
                    "an assertion stands in a block or net, outside of its groups",
                    line,
                    hints=("label the group: `assert stem.params == 9408`",),
                )
        self._visible.leave()

    def _order(self, line: n.OrderLine) -> None:
        if self._visible.in_group:
            self._report.error(
                "E0221",
                "`order` stands in a block or net, outside of its groups",
                line,
                notes=("a group's submodules are in the order of the text",),
                hints=("make the group a block",),
            )

    def _line(self, line: n.Line, output: bool = False) -> None:
        if line.condition is not None:
            for part in n.conjuncts(line.condition):
                if not (output and isinstance(part, n.Name) and part.name == TRAINING):
                    self.expression(part)
            self._no_input_under_a_condition(line)
        if output and line.otherwise is not None:
            self._report.error(
                "E0314",
                "an output has no `else`",
                line.otherwise,
                hints=("give both as outputs, each with its condition",),
            )
        if line.otherwise is None:
            self._chain(line.chain)
        else:
            # Only one arm is taken: both may define a label.
            before = self._visible.count_labels()
            self._chain(line.chain)
            taken = self._visible.take_labels(before)
            self._chain(line.otherwise)
            self._visible.give_labels(taken)

    def _no_input_under_a_condition(self, line: n.Line) -> None:
        for chain in (line.chain, line.otherwise):
            for stage in chain.stages if chain else ():
                atom = stage.atom
                if isinstance(atom, n.Call) and atom.callee.name == INPUT_STAGE:
                    self.sound = False
                    self._report.error(
                        "E0307",
                        "an input cannot depend on a condition",
                        stage,
                        notes=("`if` governs its whole line",),
                        hints=("give the input a line of its own",),
                    )

    def _chain(self, chain: n.Chain) -> None:
        for stage in chain.stages:
            self._stage(stage)

    def _stage(self, stage: n.Stage) -> None:
        atom = stage.atom
        nameless = None
        if type(atom) is n.Call and atom.callee.name not in self._visible.params:
            # What was found of such a call before, if it names nothing.
            nameless = self._plain.get(self._text[atom.start : atom.end])
        if nameless is None:
            nameless = self._atom(stage, atom)
        for part in stage.asserted.parts if stage.asserted else ():
            if not (isinstance(part, n.Name) and part.name in ("_", *ORDERS)):
                self.expression(part)
        if stage.label:
            is_input = isinstance(atom, n.Call) and atom.callee.name == INPUT_STAGE
            if stage.label.start > atom.start and not is_input:
                self._report.error(
                    "E0102",
                    "a label stands before its stage",
                    stage.label,
                    hints=(f"as in `{stage.label.name}: conv 64x7x7`",),
                )
            # An input that nothing uses is found with the values.
            nameless = nameless and not is_input
            may_nest = self._groups == 0 and not is_input
            self._visible.add_label(stage.label, nameless, may_nest)

    def _atom(self, stage: n.Stage, atom: n.Call | n.Group) -> bool:
        """Check what a stage does; True if a label could name no submodule of it."""
        repeated = any(arg.key == "x" for arg in atom.args)
        self._copies += repeated
        if isinstance(atom, n.Group):
            self._groups += stage.label is not None
            self._body(atom.body)
            self._groups -= stage.label is not None
            for arg in atom.args:
                if arg.key != "x":
                    self._report.error(
                        "E0403",
                        "a group takes no argument but `x`, the number of copies",
                        arg,
                    )
                self.expression(arg.value)
            nameless = False
        else:
            nameless = self._call(atom)
        self._copies -= repeated
        return nameless

    def _call(self, call: n.Call) -> bool:
        """Check a call; True if it makes no submodule that a label could name."""
        name = call.callee.name
        self._call_inputs(call)
        layer = LAYERS.get(name)
        nameless = False
        if name in SPECIAL and (call.inputs or call.args):
            if name == OUTPUT_STAGE:
                self._output(call)
                return True
            return self._applied_again(call) and name == SHARE
        if name in (CURRENT, BLOCK_INPUT, INPUT_STAGE):
            nameless = True
            if name != INPUT_STAGE:
                self._no_arguments(call, f"`{name}`")
        elif name in self._visible.params:
            self._visible.used.add(name)
        elif name in self._visible.blocks:
            self.called.setdefault(name, call.callee)
        elif layer is not None:
            nameless = layer.look == "merge"
            if call.inputs is None and names_nothing(layer, call.args):
                self._plain[self._text[call.start : call.end]] = nameless
        elif self._visible.fetch(name):
            nameless = True
            self._no_arguments(call, f"the label `{name}`")
        elif self._report.definition(name) is None:
            self._visible.report_stage(call.callee)
            self._use(call.args)
            return False
        if name == INPUT_STAGE:
            for arg in call.args:
                if not (isinstance(arg.value, n.Name) and arg.value.name in DTYPES):
                    self.expression(arg.value)
        else:
            self.arguments(call.args, layer)
        return nameless

    def _call_inputs(self, call: n.Call) -> None:
        is_output = call.callee.name == OUTPUT_STAGE
        for line in call.inputs or ():
            if isinstance(line, n.Line):
                if line.key is not None and not is_output:
                    self._report.error(
                        "E0403",
                        f"the inputs of `{call.callee.name}` have no names",
                        line.key,
                        hints=("arguments follow behind the parentheses",),
                    )
                self._line(line, is_output)
                continue
            # An input is a line to the grammar, which lets an assertion pass.
            self.sound = False
            self._report.error(
                "E0102",
                "`order` stands on a line of its own, not among inputs"
                if isinstance(line, n.OrderLine)
                else "an assertion stands on a line of its own, not among inputs",
                line,
            )

    def _output(self, call: n.Call) -> None:
        """Check that an `output` has values and ends the net."""
        if not call.inputs:
            self._report.error(
                "E0314",
                "`output` lacks its values",
                call,
                hints=("as in `output(id, aux=head)`",),
            )
        elif call is not self._last:
            self._report.error(
                "E0314",
                "`output` stands at the end of a net",
                call.callee,
                notes=("outside of blocks, groups and conditions",),
                hints=("label the value, and name it in the last line",),
            )
            self.sound = False
        for arg in call.args:
            if not _names(arg, DICT):
                self._report.error(
                    "E0403",
                    "`output` has no use for this",
                    arg,
                    hints=(f"`{DICT}` behind it returns a dictionary",),
                )

    def _applied_again(self, call: n.Call) -> bool:
        """Check the label behind a `share` or `tie`; whether there is one."""
        name = call.callee.name
        labels = [arg for arg in call.args if names_a_label(arg)]
        for arg in labels[:1]:
            text = label_text(arg)
            if not self._visible.fetch(text):
                self._visible.report_unlabelled(n.Name(text, arg.start, arg.end), name)
        if not labels:
            called = next((a.value for a in call.args), None)
            self._report.error(
                "E0402",
                f"`{name}` lacks the label of a stage",
                call,
                hints=(f"inputs stand behind `{name}`: `{name}(…) {called.name}`",)
                if isinstance(called, n.Function)
                else (f"as in `enc: fc 64 | … | {name} enc`",),
            )
            return False
        for arg in call.args:
            keyed = arg.key is not None or _names(arg, "bias")
            if arg not in labels[:1] and not (name == TIE and keyed):
                self._report.error(
                    "E0403", f"`{name}` takes one label, and no more", arg
                )
        return True

    def arguments(self, args: tuple[n.Argument, ...], layer: Layer | None) -> None:
        """Check the names in a call's arguments; some are words of the layer."""
        for arg in args:
            if layer is not None and is_unknown_key(layer, arg.key):
                # The key is reported where it is bound.
                self._use((arg,))
                continue
            if layer is not None and isinstance(arg.value, n.Name):
                if is_word(layer, arg):
                    continue
                if arg.key is None:
                    self._argument(arg.value, layer)
                    continue
                record = layer.arg(arg.key)
                if record is not None and record.type.words:
                    self._name(arg.value, totals=False, words=record.type.words)
                    continue
            self.expression(arg.value, places=is_formula(layer, arg.key))

    def _use(self, args: tuple[n.Argument, ...]) -> None:
        """Count the parameters in arguments as used, and report nothing."""
        for part in (part for arg in args for part in n.parts(arg.value)):
            if isinstance(part, n.Name):
                self._visible.used.add(part.name)
                self._visible.fetch(part.name)

    def _argument(self, node: n.Name, layer: Layer) -> None:
        """Check a name that stands for an argument of a layer."""
        name, here = node.name, self._visible
        is_known = (
            name in here.params
            or name in here.symbols
            or layer.has_word(name)
            or name in here.blocks
            or name in LAYERS
        )
        hints = () if is_known else self._argument_hints(node, layer)
        if not hints:
            self._name(node, totals=False)
            return
        self._report.error(
            "E0206", f"`{layer.name}` has no argument `{node.name}`", node, hints=hints
        )

    def _argument_hints(self, node: n.Name, layer: Layer) -> tuple[str, ...]:
        """What may have been meant by a name that means nothing; often nothing."""
        name, here = node.name, self._visible
        meant = (*here.params, *here.symbols, *layer.words)
        known = () if self._report.many else meant
        hints = did_you_mean(name, known, self._report.editable(node))
        if name == "same" and layer.arg("p") is not None:
            hints = (
                f"only `conv` knows `same`; give `{layer.name}` its padding: `p1`",
            )
        elif layer.arg(name) is not None:
            hints = (f"give it a value: `{name}=…`",)
        elif not hints and any(arg.type.kind == "axis" for arg in layer.args):
            hints = (f"the axes are {', '.join(AXIS_NAMES)}",)
        return hints

    def _no_arguments(self, call: n.Call, what: str) -> None:
        rest = [arg for arg in call.args if arg.key != "x"]
        if rest:
            self._report.error(
                "E0403",
                f"{what} is a value and takes no arguments",
                rest[0],
                hints=("put `|` before what follows",),
            )
        elif call.inputs:
            self._report.error(
                "E0403", f"{what} is a value and takes no inputs", call.inputs[0]
            )

    def asserted(self, node: n.Expression, trust_labels: bool) -> None:
        """Check an asserted expression, which may speak of totals."""
        self.expression(node, totals=True, trust_labels=trust_labels)

    def expression(
        self,
        node: n.Expression,
        totals: bool = False,
        trust_labels: bool = False,
        places: bool = False,
    ) -> None:
        """Check the names in an expression.

        It may speak of `totals` or of `places` in a tensor.
        """
        stack: list[tuple[object, ...]] = [node]
        while stack:
            part = stack.pop()
            if type(part) in LITERALS:
                continue
            if isinstance(part, n.Name):
                if not (places and place(part.name) is not None):
                    self._name(part, totals)
            elif isinstance(part, n.Attribute):
                base = n.dotted(part.base)
                if base is None:
                    stack.append(part.base)
                elif not trust_labels and not self._is_used(part):
                    self._attribute_base(base)
            elif isinstance(part, n.Size):
                self._visible.used.update(str(size) for size in part.parts)
            elif isinstance(part, n.Function):
                stack.extend(part.arguments)
                if part.name not in FUNCTIONS and part.name not in OF_LISTS:
                    end = part.start + len(part.name)
                    word = self._report.editable(n.Name(part.name, part.start, end))
                    known = (*FUNCTIONS, *OF_LISTS)
                    self._report.error(
                        "E0206",
                        f"there is no function `{part.name}`",
                        part,
                        hints=did_you_mean(part.name, known, word),
                    )
            else:
                stack += [child for child in part if isinstance(child, tuple)]

    def _name(self, node: n.Name, totals: bool, words: tuple[str, ...] = ()) -> None:
        name = node.name
        visible = self._visible
        if name in visible.params:
            visible.used.add(name)
            return
        known = (
            name in visible.symbols
            or name in LAYERS
            or name in visible.blocks
            or (totals and name in TOTALS)
            or (name == INDEX and self._copies > 0)
        )
        if known:
            return
        if visible.fetch(name) or self._report.definition(name) is None:
            visible.report_expression(node, totals, words)

    def _is_used(self, part: n.Attribute) -> bool:
        """Whether `b.up` is a used file's block, or was meant as one (reported)."""
        home = self._report.home
        assert home is not None
        if not isinstance(part.base, n.Name) or self._visible.fetch(part.base.name):
            return False
        if part.base.name not in home.prefixes:
            return False
        if f"{part.base.name}.{part.name}" not in self._visible.blocks:
            from archdsl.elaborate.used import report_unknown

            report_unknown(part, home, self._report)
        return True

    def _attribute_base(self, base: n.Name) -> None:
        is_value = base.name in (CURRENT, BLOCK_INPUT)
        if not is_value and not self._visible.fetch(base.name):
            self._visible.report_value(base)


def _names(arg: n.Argument, word: str) -> bool:
    return isinstance(arg.value, n.Name) and arg.value.name == word
