"""What each name refers to, before any value is known.

One pass over the text, also over what no net uses and no condition takes: unknown
names, names defined twice or never used, and blocks that contain themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from archdsl.diagnostics import Note
from archdsl.diagnostics.suggest import did_you_mean
from archdsl.elaborate.report import Reporter
from archdsl.ops import LAYERS, Layer
from archdsl.shapes.arithmetic import FUNCTIONS
from archdsl.shapes.tensor import AXES
from archdsl.syntax import nodes as n

CURRENT, BLOCK_INPUT, INDEX = "id", "in", "i"
INPUT_STAGE = "input"
ORDERS = ("chw", "hwc")

AXIS_NAMES = tuple(dict.fromkeys(name for axes in AXES.values() for name in axes))

RESERVED = frozenset((CURRENT, BLOCK_INPUT, INDEX, "x", INPUT_STAGE))

# What `assert` can speak of: totals of the module, or of a labelled stage.
TOTALS = ("params", "trainable", "macs", "connections", "activation_bytes", "layers")


class Definitions(NamedTuple):
    """The blocks and nets of a file, with the `default` lines in force at each."""

    blocks: dict[str, n.Block]
    nets: dict[str, n.Net | n.Family]
    defaults: dict[str, tuple[n.Default, ...]]


def definitions(tree: n.File, report: Reporter) -> Definitions:
    """The definitions of a file; what is defined twice is reported."""
    blocks: dict[str, n.Block] = {}
    nets: dict[str, n.Net | n.Family] = {}
    defaults: dict[str, tuple[n.Default, ...]] = {}
    seen: dict[str, n.Name] = {}
    current: tuple[n.Default, ...] = ()
    for item in tree.items:
        if isinstance(item, n.Default):
            current = (*current, item)
            _check_default(item, report)
            continue
        name = item.name.name
        where = seen.get(name)
        if where is not None:
            report.error(
                "E0209",
                f"`{name}` is defined twice",
                item.name,
                related=(Note(report.span(where), "first defined here"),),
                hints=("give one of them another name",),
            )
            continue
        seen[name] = item.name
        if isinstance(item, n.Block):
            if name in LAYERS or name in RESERVED:
                report.error(
                    "E0213",
                    f"`{name}` is a name of the language",
                    item.name,
                    hints=(f"choose another name, such as `my_{name}`",),
                )
                continue
            blocks[name] = item
        else:
            nets[name] = item
        defaults[name] = current
    return Definitions(blocks, nets, defaults)


def _check_default(item: n.Default, report: Reporter) -> None:
    if item.layer.name not in LAYERS:
        report.error(
            "E0201",
            f"there is no layer `{item.layer.name}`",
            item.layer,
            hints=_elsewhere(item.layer.name)
            or did_you_mean(item.layer.name, LAYERS)
            or ("`default` sets arguments of a layer, such as `default conv same`",),
        )


def check_names(definitions: Definitions, report: Reporter) -> bool:
    """Report what is wrong with names. False if nothing can be elaborated."""
    calls: dict[str, dict[str, n.Name]] = {}
    sound = True
    for name, block in definitions.blocks.items():
        scope = _Scope(definitions, report, block.params, block.inputs)
        scope.module(block.body)
        calls[name] = scope.called
        sound = sound and scope.sound
    circles: set[str] = set()
    for net in definitions.nets.values():
        if isinstance(net, n.Net):
            scope = _Scope(definitions, report, net.params, ())
            scope.module(net.body)
            sound = sound and scope.sound
        else:
            _check_family(net, definitions, report, circles)
    return _no_recursion(calls, report) and sound


def _check_family(
    family: n.Family, definitions: Definitions, report: Reporter, circles: set[str]
) -> None:
    """Check the names of a derived net; `circles` are those found to be in one."""
    seen = [family.name.name]
    base: n.Net | n.Family | None = family
    while isinstance(base, n.Family):
        name = base.base.name
        if name in seen:
            if name == seen[0] and name not in circles:
                way = " → ".join((*seen, name))
                report.error(
                    "E0210",
                    f"the net `{name}` is derived from itself",
                    family.base,
                    notes=(f"the way round: {way}",) if len(seen) > 1 else (),
                    hints=("derive it from a net that has a body `{…}`",),
                )
                circles.update(seen)
            return
        seen.append(name)
        following = definitions.nets.get(name)
        if following is None and base is family:
            report.error(
                "E0211",
                f"there is no net `{name}`",
                family.base,
                hints=did_you_mean(name, definitions.nets)
                or _there_are(definitions.nets, (family.name.name,)),
            )
        base = following
    scope = _Scope(definitions, report, (), ())
    for arg in family.args:
        scope.expression(arg.value)
    for line in family.body.lines if family.body else ():
        if isinstance(line, n.AssertLine):
            if isinstance(base, n.Net):
                known = {param.name for param in base.params}
                scope.params |= dict.fromkeys(known, family.base)
                scope.used |= known
            # The labels are the base's: looked up when its value is known.
            scope.asserted(line.condition, trust_labels=True)
        else:
            report.error(
                "E0214",
                "a derived net adds assertions only",
                line,
                hints=("give the base a parameter for what differs",),
            )


def _no_recursion(calls: dict[str, dict[str, n.Name]], report: Reporter) -> bool:
    """Whether no block reaches itself; each circle is reported once."""
    done: set[str] = set()
    good = True
    for start in calls:
        # Depth first with a stack of iterators: blocks may be many and deep.
        path = [start]
        stack = [iter(calls[start].items())]
        while stack:
            if path[-1] in done and len(path) == len(stack):
                stack.pop()
                path.pop()
                continue
            for name, node in stack[-1]:
                if name in path:
                    circle = [*path[path.index(name) :], name]
                    report.error(
                        "E0210",
                        f"the block `{name}` contains itself",
                        node,
                        notes=("the way round: " + " → ".join(circle),)
                        if len(circle) > 2
                        else (),
                        hints=("repeat a block with `x`: `unit 64 x3`",),
                    )
                    good = False
                elif name in calls and name not in done:
                    path.append(name)
                    stack.append(iter(calls[name].items()))
                    break
            else:
                done.add(path.pop())
                stack.pop()
    return good


def is_flag(name: str) -> bool:
    """Whether a name reads as a flag, such as `s2`."""
    return name[0].islower() and name[1:].replace("x", "").isdigit()


def _there_are(names: Iterable[str], but: Collection[str] = ()) -> tuple[str, ...]:
    shown = [f"`{name}`" for name in names if name and name not in but]
    return (f"there are: {', '.join(shown)}",) if 0 < len(shown) <= 12 else ()


class _Scope:
    """The names visible in one block or net."""

    def __init__(
        self,
        definitions: Definitions,
        report: Reporter,
        params: tuple[n.Param, ...],
        inputs: tuple[n.Name, ...],
    ) -> None:
        self._definitions = definitions
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
        if len(self._labels) > 2:
            self._labels.pop()
        self._later.pop()

    def _line(self, line: n.Line) -> None:
        if line.condition is not None:
            self.expression(line.condition)
        for chain in (line.chain, line.otherwise):
            for stage in chain.stages if chain else ():
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
            self._label(stage.label, nameless)

    def _label(self, label: n.Label, nameless: bool) -> None:
        labels = self._labels[-1]
        name = label.name
        if not label.quoted and name in RESERVED:
            self._report.error(
                "E0213",
                f"`{name}` is a name of the language, and cannot be a label",
                label,
                hints=(f"choose another name, such as `{name}_`",),
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
        for line in call.inputs or ():
            if isinstance(line, n.Line):
                self._line(line)
                continue
            # An input is a line to the grammar, which lets an assertion pass.
            self.sound = False
            self._report.error(
                "E0102",
                "an assertion stands on a line of its own, not among inputs",
                line,
            )
        name = call.callee.name
        layer = LAYERS.get(name)
        words: tuple[str, ...] = ()
        nameless = False
        if name in (CURRENT, BLOCK_INPUT, INPUT_STAGE):
            nameless = True
            if name != INPUT_STAGE:
                self._no_arguments(call, f"`{name}`")
        elif name in self.params:
            self.used.add(name)
        elif name in self._definitions.blocks:
            self.called.setdefault(name, call.callee)
        elif layer is not None:
            nameless = layer.inputs != (1, 1)
            words = tuple(
                word
                for arg in layer.args
                for word in (
                    *arg.type.words,
                    *((arg.name,) if arg.type.kind == "truth" else ()),
                    *(AXIS_NAMES if arg.type.kind == "axis" else ()),
                )
            )
        elif self._fetch(name):
            nameless = True
            self._no_arguments(call, f"the label `{name}`")
        else:
            self._unknown(call)
            self._use(call.args)
            return False
        for arg in call.args:
            if isinstance(arg.value, n.Name):
                if arg.key is None and arg.value.name in words:
                    continue
                if arg.key is not None and self._is_word(layer, arg):
                    continue
                if layer is not None and arg.key is None:
                    self._argument(arg.value, layer, words)
                    continue
            self.expression(arg.value)
        return nameless

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
        known = {*self.params, *words}
        if name in self.params or name in self._definitions.blocks or name in LAYERS:
            self._name(node, totals=False)
            return
        hints = did_you_mean(name, known)
        if layer.arg(name) is not None:
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
            *self._definitions.blocks,
            *self.params,
            *self._inputs,
            *(label for labels in self._labels for label in labels),
            *(CURRENT, BLOCK_INPUT, INPUT_STAGE),
        }
        what = "layer, block or label"
        hints = did_you_mean(name, known)
        if name in self._definitions.nets:
            hints = ("a net cannot stand inside another; make it a `block`",)
        else:
            hints = _elsewhere(name) or hints
        self._report.error(
            "E0201", f"there is no {what} `{name}`", call.callee, hints=hints
        )

    def asserted(self, node: n.Expression, trust_labels: bool) -> None:
        """Check an asserted expression, which may speak of totals."""
        self.expression(node, totals=True, trust_labels=trust_labels)

    def expression(
        self, node: n.Expression, totals: bool = False, trust_labels: bool = False
    ) -> None:
        """Check the names in an expression."""
        stack: list[object] = [node]
        while stack:
            part = stack.pop()
            if isinstance(part, n.Name):
                self._name(part, totals)
            elif isinstance(part, n.Attribute):
                if isinstance(part.base, n.Name):
                    if not trust_labels:
                        self._attribute_base(part.base)
                else:
                    stack.append(part.base)
            elif isinstance(part, n.Function):
                stack.extend(reversed(part.arguments))
                if part.name not in FUNCTIONS:
                    self._report.error(
                        "E0206",
                        f"there is no function `{part.name}`",
                        part,
                        hints=did_you_mean(part.name, FUNCTIONS)
                        or _there_are(FUNCTIONS),
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
            name in LAYERS
            or name in self._definitions.blocks
            or (totals and name in TOTALS)
            or (name == INDEX and self._copies)
        ):
            return
        else:
            hints = did_you_mean(name, {*self.params, *(TOTALS if totals else ())})
            if not hints:
                known = (*_CONSTANTS, *LAYERS, *self._definitions.blocks)
                hints = did_you_mean(name, known)
            if name in TOTALS:
                hints = (f"`{name}` is known in `assert` lines only",)
            if name == INDEX:
                hints = ("`i` counts the copies of a repeat, and is known inside one",)
            elif self._fetch(name) or name in (CURRENT, BLOCK_INPUT):
                hints = (f"`{name}` is a value; its sizes are numbers: `{name}.c`",)
            self._report.error(
                "E0206",
                f"there is no parameter or layer `{name}`",
                node,
                hints=hints,
            )

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


def _elsewhere(name: str) -> tuple[str, ...]:
    """A hint for a name that other tools have for one of our layers."""
    return (f"here it is called `{_ELSEWHERE[name]}`",) if name in _ELSEWHERE else ()


_CONSTANTS = ("true", "false")

# What other tools call our layers.
_ELSEWHERE = {
    "linear": "fc",
    "dense": "fc",
    "Linear": "fc",
    "Conv2d": "conv",
    "conv2d": "conv",
    "convolution": "conv",
    "BatchNorm2d": "bn",
    "batchnorm": "bn",
    "batch_norm": "bn",
    "MaxPool2d": "maxpool",
    "AvgPool2d": "avgpool",
    "ReLU": "relu",
    "cat": "concat",
    "identity": "id",
    "globalavgpool": "gap",
}
