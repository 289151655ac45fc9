"""What each name in a block or net refers to, before any value is known.

One pass over the text, also over what no net uses and no condition takes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from archdsl.diagnostics import Note
from archdsl.diagnostics.suggest import did_you_mean
from archdsl.elaborate.labels import label_text
from archdsl.elaborate.report import Reporter
from archdsl.elaborate.words import (
    BLOCK_INPUT,
    CONSTANTS,
    CURRENT,
    DICT,
    DTYPES,
    INDEX,
    INPUT_STAGE,
    ORDERS,
    OUTPUT_STAGE,
    RESERVED,
    RESERVED_LABELS,
    SHARE,
    SPECIAL,
    TIE,
    TOTALS,
    TRAINING,
    elsewhere,
    is_flag,
    is_symbol,
    place,
    there_are,
)
from archdsl.ops import LAYERS
from archdsl.ops.record import Layer
from archdsl.reading import standard_names
from archdsl.shapes.arithmetic import FUNCTIONS, OF_LISTS
from archdsl.shapes.tensor import AXIS_NAMES
from archdsl.syntax import nodes as n

# `train()` and `eval()` assign this attribute, so it cannot hold a submodule.
_FLAG_OF_MODULES = "training"


class Scope:
    """The names visible in one block or net."""

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
        self.symbols: frozenset[str] = frozenset()
        # The call that ends the net, which may be its `output(…)`.
        self._last: n.Call | None = None
        self._blocks = blocks
        self._nets = nets
        self._report = report
        self.called: dict[str, n.Name] = {}
        # Whether all of the body can be elaborated.
        self.sound = True
        self.params: dict[str, n.Param | n.Name] = {}
        self.used: set[str] = set()
        self._inputs = {name.name for name in inputs}
        # One entry for each open body: its labels, and those that come later.
        self._labels: list[dict[str, n.Label]] = [{}]
        self._later: list[dict[str, n.Label]] = [{}]
        self._fetched: set[int] = set()
        self._nameless: list[n.Label] = []
        self._copies = 0
        seen: dict[str, n.Name] = {}
        for name in inputs:
            self._define(name, name.name, seen)
        for param in params:
            self._check_param(param)
            first = seen.get(param.name) or self.params.get(param.name)
            if first is not None:
                report.error(
                    "E0209",
                    f"the parameter `{param.name}` is defined twice",
                    param,
                    related=(Note(report.span(first), "first defined here"),),
                    hints=("give one of them another name",),
                )
            if param.default is not None:
                self.expression(param.default)
            self.params[param.name] = param

    def _define(self, node: n.Name, name: str, seen: dict[str, n.Name]) -> None:
        if name in RESERVED and name != "x":
            self._report.error(
                "E0213",
                f"`{name}` is a name of the language, and cannot be an input",
                node,
                hints=(f"choose another name, such as `{name}_`",),
            )
        elif name in seen:
            self._report.error(
                "E0209",
                f"the input `{name}` is defined twice",
                node,
                related=(Note(self._report.span(seen[name]), "first defined here"),),
                hints=("give one of them another name",),
            )
        seen[name] = node

    def _check_param(self, param: n.Param) -> None:
        name = param.name
        if is_flag(name):
            self.used.add(name)
            self._report.error(
                "E0208",
                f"a parameter cannot be named `{name}`: that is short for"
                f" `{name[0]}={name[1:]}`",
                param,
                hints=(f"use two letters or more, such as `{name[0] * 2}{name[1:]}`",),
            )
        elif name in RESERVED:
            self.used.add(name)
            self._report.error(
                "E0213",
                f"`{name}` is a name of the language, and cannot be a parameter",
                param,
                hints=(f"choose another name, such as `{name}_`",),
            )

    def module(self, body: n.Body) -> None:
        """Check a whole block or net."""
        if self._is_net:
            self.symbols = frozenset(declared(body)) - self.params.keys()
        self._last = _last_call(body) if self._is_net else None
        self.body(body)
        for line in body.lines:
            if isinstance(line, n.AssertLine):
                self.asserted(line.condition, trust_labels=False)
        for label in self._nameless:
            if id(label) not in self._fetched:
                self._report.error(
                    "E0205",
                    f"the label `{label.name}` is never used",
                    label,
                    notes=(
                        "what it labels has no weights and makes no submodule,"
                        " so the label names nothing",
                    ),
                    hints=("use it as a value later, or remove it",),
                )
        for name, param in self.params.items():
            if name not in self.used and isinstance(param, n.Param):
                self._report.error(
                    "E0207",
                    f"the parameter `{name}` is never used",
                    param,
                    hints=("use it in the body, or remove it",),
                )

    def body(self, body: n.Body) -> None:
        later: dict[str, n.Label] = {}
        for line in body.lines:
            if isinstance(line, n.Line):
                for chain in (line.chain, line.otherwise):
                    for stage in chain.stages if chain else ():
                        if stage.label:
                            later.setdefault(stage.label.name, stage.label)
        self._labels.append({})
        self._later.append(later)
        for line in body.lines:
            if isinstance(line, n.Line):
                self._line(line)
            elif len(self._labels) > 2:
                self._report.error(
                    "E0217",
                    "an assertion stands in a block or net, outside of its groups",
                    line,
                    hints=("label the group: `assert stem.params == 9408`",),
                )
        if len(self._labels) > 2:
            self._labels.pop()
        self._later.pop()

    def _line(self, line: n.Line, output: bool = False) -> None:
        if line.condition is not None:
            self.expression(line.condition, training=output)
            self._no_input_under_a_condition(line)
        if output and line.otherwise is not None:
            self._report.error(
                "E0314",
                "an output has no `else`",
                line.otherwise,
                hints=("give both as outputs, each with its condition",),
            )
        outside = dict(self._labels[-1])
        self._chain(line.chain)
        if line.otherwise is not None:
            # Only one arm is taken: both may define a label.
            taken, self._labels[-1] = self._labels[-1], outside
            self._chain(line.otherwise)
            self._labels[-1] = taken | self._labels[-1]

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
        repeated = any(arg.key == "x" for arg in atom.args)
        self._copies += repeated
        if isinstance(atom, n.Group):
            self.body(atom.body)
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
            self._label(stage.label, nameless and not is_input)

    def _label(self, label: n.Label, nameless: bool) -> None:
        labels = self._labels[-1]
        name = label.name
        if not label.quoted and name in RESERVED_LABELS:
            self._report.error(
                "E0213",
                f"`{name}` is a name of the language, and cannot be a label",
                label,
                hints=(f"choose another name, such as `{name}_`",),
            )
            nameless = False
        elif name == _FLAG_OF_MODULES:
            self._report.error(
                "E0216",
                f"`{name}` is what PyTorch calls the mode of every module",
                label,
                hints=(f"choose another label, such as `{name}_`",),
            )
        elif not name.strip() or "." in _without_fields(name):
            self._report.error(
                "E0216",
                "a submodule's name cannot be empty or hold a dot",
                label,
                notes=("dots part the names of nested submodules",),
                hints=("use `_` or `-` instead of the dot",) if "." in name else (),
            )
        if name in labels:
            self._report.error(
                "E0204",
                f"the label `{name}` is defined twice",
                label,
                related=(Note(self._report.span(labels[name]), "first defined here"),),
                hints=("give one of them another name",),
            )
        labels[name] = label
        if nameless:
            self._nameless.append(label)

    def _call(self, call: n.Call) -> bool:
        """Check a call; True if it makes no submodule that a label could name."""
        name = call.callee.name
        for line in call.inputs or ():
            if isinstance(line, n.Line):
                if line.key is not None and name != OUTPUT_STAGE:
                    self._report.error(
                        "E0403",
                        f"the inputs of `{name}` have no names",
                        line.key,
                        hints=("arguments follow behind the parentheses",),
                    )
                self._line(line, output=name == OUTPUT_STAGE)
                continue
            # An input is a line to the grammar, which lets an assertion pass.
            self.sound = False
            self._report.error(
                "E0102",
                "an assertion stands on a line of its own, not among inputs",
                line,
            )
        layer = LAYERS.get(name)
        nameless = False
        if name in SPECIAL and (call.inputs or call.args):
            return self._special(call)
        if name in (CURRENT, BLOCK_INPUT, INPUT_STAGE):
            nameless = True
            if name != INPUT_STAGE:
                self._no_arguments(call, f"`{name}`")
        elif name in self.params:
            self.used.add(name)
        elif name in self._blocks:
            self.called.setdefault(name, call.callee)
        elif layer is not None:
            nameless = layer.look == "merge"
        elif self._fetch(name):
            nameless = True
            self._no_arguments(call, f"the label `{name}`")
        elif self._report.definition(name) is not None:
            self.called.setdefault(name, call.callee)
        else:
            self._unknown(call)
            self._use(call.args)
            return False
        if name == INPUT_STAGE:
            for arg in call.args:
                if not (isinstance(arg.value, n.Name) and arg.value.name in DTYPES):
                    self.expression(arg.value)
        else:
            self.arguments(call.args, layer)
        return nameless

    def _special(self, call: n.Call) -> bool:
        """Check an `output`, `share` or `tie`; True if it can have no label."""
        name = call.callee.name
        if name == OUTPUT_STAGE:
            if not call.inputs:
                self._report.error(
                    "E0314",
                    "`output` lacks its values",
                    call,
                    hints=("as in `output(id, aux=head)`",),
                )
                self.sound = False
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
            return True
        labels = [arg for arg in call.args if _names_a_label(arg)]
        for arg in labels[:1]:
            self._fetch(label_text(arg))
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
            self.sound = False
            return False
        for arg in call.args:
            keyed = arg.key is not None or _names(arg, "bias")
            if arg not in labels[:1] and not (name == TIE and keyed):
                self._report.error(
                    "E0403", f"`{name}` takes one label, and no more", arg
                )
        return name == SHARE

    def arguments(self, args: tuple[n.Argument, ...], layer: Layer | None) -> None:
        """Check the names in a call's arguments; some are words of the layer."""
        words = layer.words if layer is not None else ()
        for arg in args:
            if layer is not None and _is_unknown_key(layer, arg.key):
                # The key is reported where it is bound.
                self._use((arg,))
                continue
            if isinstance(arg.value, n.Name):
                if arg.key is None and arg.value.name in words:
                    continue
                if arg.key is not None and self._is_word(layer, arg):
                    continue
                if layer is not None and arg.key is None:
                    self._argument(arg.value, layer, words)
                    continue
            self.expression(arg.value, places=_is_formula(layer, arg.key))

    def _use(self, args: tuple[n.Argument, ...]) -> None:
        """Count the parameters in arguments as used, and report nothing."""
        stack: list[object] = [arg.value for arg in args]
        while stack:
            part = stack.pop()
            if isinstance(part, n.Name):
                self.used.add(part.name)
                self._fetch(part.name)
            elif isinstance(part, tuple):
                stack.extend(child for child in part if isinstance(child, tuple))

    def _argument(self, node: n.Name, layer: Layer, words: tuple[str, ...]) -> None:
        """Check a name that stands for an argument of a layer."""
        name = node.name
        known = {*self.params, *self.symbols, *words}
        if name in known or name in self._blocks or name in LAYERS:
            self._name(node, totals=False)
            return
        hints = did_you_mean(name, known)
        if name == "same" and layer.arg("p") is not None:
            hints = (
                f"only `conv` knows `same`; give `{layer.name}` its padding: `p1`",
            )
        elif layer.arg(name) is not None:
            hints = (f"give it a value: `{name}=…`",)
        elif not hints and any(arg.type.kind == "axis" for arg in layer.args):
            hints = (f"the axes are {', '.join(AXIS_NAMES)}",)
        if not hints:
            self._name(node, totals=False)
            return
        self._report.error(
            "E0206", f"`{layer.name}` has no argument `{name}`", node, hints=hints
        )

    def _is_word(self, layer: Layer | None, arg: n.Argument) -> bool:
        if layer is None or not isinstance(arg.value, n.Name):
            return False
        record = layer.arg(arg.key or "")
        return record is not None and (
            arg.value.name in record.type.words or record.type.kind == "axis"
        )

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

    def _fetch(self, name: str) -> bool:
        if name in self._inputs:
            return True
        for labels in reversed(self._labels):
            if name in labels:
                self._fetched.add(id(labels[name]))
                return True
        return False

    def _unknown(self, call: n.Call) -> None:
        name = call.callee.name
        for later in reversed(self._later):
            if name in later:
                self._report.error(
                    "E0203",
                    f"the label `{name}` is used before its definition",
                    call.callee,
                    related=(Note(self._report.span(later[name]), "defined here"),),
                    hints=("values flow forward: a label reaches back only",),
                )
                self._fetched.add(id(later[name]))
                return
        known = {
            *LAYERS,
            *self._blocks,
            *standard_names(),
            *self.params,
            *self._inputs,
            *(label for labels in self._labels for label in labels),
            *(CURRENT, BLOCK_INPUT, INPUT_STAGE),
        }
        what = "layer, block or label"
        hints = did_you_mean(name, known)
        if name in self._nets:
            hints = ("a net cannot stand inside another; make it a `block`",)
        else:
            hints = elsewhere(name) or hints
        self._report.error(
            "E0201", f"there is no {what} `{name}`", call.callee, hints=hints
        )

    def asserted(self, node: n.Expression, trust_labels: bool) -> None:
        """Check an asserted expression, which may speak of totals."""
        self.expression(node, totals=True, trust_labels=trust_labels)

    def expression(
        self,
        node: n.Expression,
        totals: bool = False,
        trust_labels: bool = False,
        training: bool = False,
        places: bool = False,
    ) -> None:
        """Check the names in an expression.

        It may speak of `totals`, of the `training` mode or of `places` in a tensor.
        """
        stack: list[object] = [node]
        while stack:
            part = stack.pop()
            if isinstance(part, n.Name):
                if (training and part.name == TRAINING) or (
                    places and place(part.name) is not None
                ):
                    continue
                self._name(part, totals)
            elif isinstance(part, n.Attribute):
                if isinstance(part.base, n.Name):
                    if not trust_labels and not self._is_used(part):
                        self._attribute_base(part.base)
                else:
                    stack.append(part.base)
            elif isinstance(part, n.Size):
                self.used.update(str(size) for size in part.parts)
            elif isinstance(part, n.Function):
                stack.extend(reversed(part.arguments))
                if part.name not in FUNCTIONS and part.name not in OF_LISTS:
                    self._report.error(
                        "E0206",
                        f"there is no function `{part.name}`",
                        part,
                        hints=did_you_mean(part.name, (*FUNCTIONS, *OF_LISTS))
                        or there_are((*FUNCTIONS, *OF_LISTS)),
                    )
            elif isinstance(part, tuple):
                stack.extend(
                    child for child in reversed(part) if isinstance(child, tuple)
                )

    def _name(self, node: n.Name, totals: bool) -> None:
        name = node.name
        if name in self.params:
            self.used.add(name)
        elif (
            name in self.symbols
            or (
                name in LAYERS
                or name in self._blocks
                or (totals and name in TOTALS)
                or (name == INDEX and self._copies)
            )
            or (not self._fetch(name) and self._report.definition(name) is not None)
        ):
            return
        else:
            hints = did_you_mean(name, {*self.params, *(TOTALS if totals else ())})
            if not hints:
                known = (*CONSTANTS, *LAYERS, *self._blocks, *standard_names())
                hints = did_you_mean(name, known)
            if name in TOTALS:
                hints = (f"`{name}` is known in `assert` lines only",)
            if name == TRAINING:
                hints = (
                    "`if training` stands behind an output: `output(id, aux=… if"
                    " training)`; layers such as `dropout` know the mode themselves",
                )
            elif place(name) is not None:
                hints = (f"`{name}` is known in `value=` of `param` and `buffer`",)
            elif name == INDEX:
                hints = ("`i` counts the copies of a repeat, and is known inside one",)
            elif self._fetch(name) or name in (CURRENT, BLOCK_INPUT):
                hints = (f"`{name}` is a value; its sizes are numbers: `{name}.c`",)
            self._report.error(
                "E0206",
                f"there is no parameter or layer `{name}`",
                node,
                hints=hints,
            )

    def _is_used(self, part: n.Attribute) -> bool:
        """Whether `b.up` is a used file's block, or was meant as one (reported)."""
        home = self._report.home
        if not isinstance(part.base, n.Name) or self._fetch(part.base.name):
            return False
        if home is None or part.base.name not in home.prefixes:
            return False
        if f"{part.base.name}.{part.name}" not in self._blocks:
            from archdsl.elaborate.used import report_unknown

            report_unknown(part, home, self._report)
        return True

    def _attribute_base(self, base: n.Name) -> None:
        name = base.name
        if name in (CURRENT, BLOCK_INPUT) or self._fetch(name):
            return
        for later in reversed(self._later):
            if name in later:
                self._report.error(
                    "E0203",
                    f"the label `{name}` is used before its definition",
                    base,
                    related=(Note(self._report.span(later[name]), "defined here"),),
                    hints=("values flow forward: a label reaches back only",),
                )
                return
        known = {CURRENT, BLOCK_INPUT, *(x for labels in self._labels for x in labels)}
        self._report.error(
            "E0202",
            f"there is no value `{name}`",
            base,
            hints=did_you_mean(name, known),
        )


def declared(body: n.Body) -> tuple[str, ...]:
    """The symbols in the `input` lines of a net, and perhaps some of its parameters."""
    found: dict[str, None] = {}
    for line in body.lines:
        for stage in line.chain.stages if isinstance(line, n.Line) else ():
            atom = stage.atom
            if isinstance(atom, n.Call) and atom.callee.name == INPUT_STAGE:
                for arg in atom.args:
                    found |= dict.fromkeys(symbols_in(arg.value))
    return tuple(found)


def symbols_in(node: n.Expression) -> Iterator[str]:
    """What is written as a symbol in one of the sizes of an input."""
    if isinstance(node, n.Size):
        yield from (
            part for part in node.parts if isinstance(part, str) and part != "_"
        )
    elif isinstance(node, n.Name) and is_symbol(node.name):
        yield node.name


def _last_call(body: n.Body) -> n.Call | None:
    """The call at the end of a body, unless a condition governs it."""
    lines = [line for line in body.lines if isinstance(line, n.Line)]
    if not lines or lines[-1].condition is not None:
        return None
    atom = lines[-1].chain.stages[-1].atom
    return atom if isinstance(atom, n.Call) else None


def _without_fields(label: str) -> str:
    """A quoted label without its `{…}`, which hold formulas."""
    for field in label.split("{")[1:]:
        inside, closed, _ = field.partition("}")
        if closed:
            label = label.replace(f"{{{inside}}}", "", 1)
    return label


def _is_formula(layer: Layer | None, key: str | None) -> bool:
    record = layer.arg(key) if layer is not None and key is not None else None
    return record is not None and record.type.kind == "formula"


def _names(arg: n.Argument, word: str) -> bool:
    return isinstance(arg.value, n.Name) and arg.value.name == word


def _names_a_label(arg: n.Argument) -> bool:
    return arg.flag or (arg.key is None and isinstance(arg.value, n.Name | n.String))


def _is_unknown_key(layer: Layer, key: str | None) -> bool:
    return key is not None and key != "x" and layer.arg(key) is None
