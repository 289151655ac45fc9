"""What each name of a text means, and where that is defined."""

from __future__ import annotations

from typing import Literal

from archdsl.elaborate.bodies import declared
from archdsl.elaborate.definitions import Defined, Definitions
from archdsl.elaborate.labels import label_text, names_a_label
from archdsl.elaborate.words import (
    BLOCK_INPUT,
    CURRENT,
    INPUT_STAGE,
    OUTPUT_STAGE,
    SHARE,
    SPECIAL,
    TIE,
    TOTALS,
)
from archdsl.ops import LAYERS
from archdsl.ops.record import Layer
from archdsl.reading import UseError
from archdsl.syntax import nodes as n
from archdsl.tuples import NamedTuple

Kind = Literal[
    "layer",
    "block",
    "extern",
    "net",
    "parameter",
    "input",
    "label",
    "symbol",
    "prefix",
    "file",
    "value",
    "word",
    "key",
    "function",
    "attribute",
    "total",
]

# What a person can give another name.
RENAMED = ("block", "extern", "net", "parameter", "input", "label", "prefix")


class Target(NamedTuple):
    """Where something is defined.

    `file` is the empty string for the text itself, otherwise as
    `archdsl.elaborate.definitions` tells files apart.
    """

    kind: Kind
    file: str
    start: int
    end: int


class Occurrence(NamedTuple):
    """A name in the text.

    `target` is None for what the language defines. `within` is the layer or block
    whose argument it is the key of.
    """

    start: int
    end: int
    kind: Kind
    name: str
    target: Target | None = None
    defines: bool = False
    within: str = ""


def occurrences(tree: n.File, home: Definitions, text: str) -> tuple[Occurrence, ...]:
    """All names of a text whose meaning is known, in order."""
    found = _Names(home, text)
    for item in tree.items:
        found.item(item)
    return tuple(sorted(found.found))


class _Names:
    """Goes through a text as `archdsl.elaborate.names` does, and keeps what it sees."""

    def __init__(self, home: Definitions, text: str) -> None:
        self.found: list[Occurrence] = []
        self._home = home
        self._text = text
        # Those of the block or net at hand.
        self._known: dict[str, Target] = {}
        self._labels: list[dict[str, Target]] = [{}]
        # The labels of each net, of which its families can speak.
        self._of_nets: dict[str, dict[str, Target]] = {}

    # Definitions

    def item(self, item: n.Item) -> None:
        self._known, self._labels = {}, [{}]
        if isinstance(item, n.Default):
            self._add(item.layer, "layer")
            self._arguments(item.args, item.layer.name)
        elif isinstance(item, n.Use):
            self._use(item)
        elif isinstance(item, n.Family):
            self._family(item)
        elif isinstance(item, n.Extern):
            self._define(item.name, "extern")
            self._head(item.inputs, item.params)
            for part in item.shape.parts:
                self._expression(part)
        elif isinstance(item, n.Net):
            if item.name.name:
                self._define(item.name, "net")
            self._head((), item.params)
            for symbol in declared(item.body):
                self._known.setdefault(symbol, Target("symbol", "", 0, 0))
            self._body(item.body)
            self._of_nets[item.name.name] = self._labels[0]
        else:
            self._define(item.name, "block")
            self._head(item.inputs, item.params)
            self._body(item.body)

    def _head(self, inputs: tuple[n.Name, ...], params: tuple[n.Param, ...]) -> None:
        for name in inputs:
            self._known[name.name] = self._define(name, "input")
        for param in params:
            if param.default is not None:
                self._expression(param.default)
            self._known[param.name] = self._define(_name_of(param), "parameter")

    def _use(self, item: n.Use) -> None:
        home = self._home
        target = None
        files, place = home.library.files, home.place
        if files is not None and place is not None:
            try:
                file = files.resolve(item.path.value, place).file
            except UseError:
                file = ""
            target = Target("file", file, 0, 0) if file else None
        self._put(item.path.start, item.path.end, "file", item.path.value, target)
        if item.prefix is not None:
            self._define(item.prefix, "prefix")

    def _family(self, item: n.Family) -> None:
        self._define(item.name, "net")
        self._net(item.base)
        base: n.Net | n.Family | None = self._home.nets.get(item.base.name)
        seen = 0
        while isinstance(base, n.Family) and seen < self._home.source.limits.nesting:
            base, seen = self._home.nets.get(base.base.name), seen + 1
        root = base if isinstance(base, n.Net) else None
        self._given(item.args, root, "")
        if root is not None:
            self._labels = [self._of_nets.get(root.name.name, {})]
            for param in root.params:
                self._known[param.name] = _target(_name_of(param), "parameter")
        for line in item.body.lines if item.body else ():
            if isinstance(line, n.AssertLine):
                self._expression(line.condition)

    # Bodies

    def _body(self, body: n.Body) -> None:
        for line in body.lines:
            if isinstance(line, n.Line):
                self._line(line)
            elif isinstance(line, n.OrderLine):
                for label in line.labels:
                    self._label_named(label.name, label.start, label.end)
        for line in body.lines:
            # They stand for the whole: they see all labels.
            if isinstance(line, n.AssertLine):
                self._expression(line.condition)

    def _line(self, line: n.Line) -> None:
        if line.condition is not None:
            self._expression(line.condition)
        for chain in (line.chain, line.otherwise):
            for stage in chain.stages if chain else ():
                self._stage(stage)

    def _stage(self, stage: n.Stage) -> None:
        atom = stage.atom
        if isinstance(atom, n.Group):
            self._labels.append({})
            self._body(atom.body)
            self._labels.pop()
            self._arguments(atom.args, "")
        else:
            self._call(atom)
        for part in stage.asserted.parts if stage.asserted else ():
            self._expression(part)
        if stage.label is not None:
            self._define_label(stage.label)

    def _define_label(self, label: n.Label) -> None:
        start, end = _inside(label)
        known = self._labels[-1].get(label.name)
        # Both arms of a condition may have it.
        target = known or Target("label", "", start, end)
        self._put(start, end, "label", label.name, target, defines=True)
        self._labels[-1][label.name] = target

    def _call(self, call: n.Call) -> None:
        for line in call.inputs or ():
            self._line(line)
        name = call.callee.name
        if name in SPECIAL and (call.inputs or call.args):
            self._add(call.callee, "word")
            if name != OUTPUT_STAGE:
                self._applied_again(call)
            return
        if name in (CURRENT, BLOCK_INPUT):
            self._add(call.callee, "value")
        elif name == INPUT_STAGE:
            self._add(call.callee, "word")
        elif name in self._known:
            self._add(call.callee, self._known[name].kind, self._known[name])
        elif not self._block(call.callee, standard=False):
            label = self._fetch(name)
            if name in LAYERS:
                self._add(call.callee, "layer")
            elif label is not None:
                self._add(call.callee, "label", label)
            else:
                self._block(call.callee)
        self._arguments(call.args, name)

    def _applied_again(self, call: n.Call) -> None:
        labels = [arg for arg in call.args if names_a_label(arg)][:1]
        for arg in labels:
            self._label_named(label_text(arg), arg.start, arg.end)
        for arg in call.args:
            if arg not in labels and call.callee.name in (SHARE, TIE):
                self._expression(arg.value)

    # Arguments

    def _arguments(self, args: tuple[n.Argument, ...], callee: str) -> None:
        layer = LAYERS.get(callee) if callee and callee not in self._known else None
        if layer is not None and callee not in self._home.visible:
            for arg in args:
                self._layer_argument(arg, layer)
            return
        defined = self._home.find(callee) if callee else None
        block = defined.item if defined is not None else None
        self._given(args, block, defined.home.file if defined else "", callee)

    def _layer_argument(self, arg: n.Argument, layer: Layer) -> None:
        if arg.key is not None:
            self._key(arg, None, layer.name)
            record = layer.arg(arg.key)
            words = record.type.words if record is not None else ()
        else:
            words = layer.words
        value = arg.value
        if isinstance(value, n.Name) and value.name in words:
            if arg.key is None and value.name in self._known:
                words = ()
            self._put(value.start, value.end, "word", value.name, within=layer.name)
        elif not arg.flag:
            self._expression(value)

    def _given(
        self,
        args: tuple[n.Argument, ...],
        item: n.Block | n.Extern | n.Net | None,
        file: str,
        callee: str = "",
    ) -> None:
        """The arguments of a block or net, whose parameters have a place."""
        params = {param.name: param for param in item.params} if item else {}
        for arg in args:
            if arg.key is not None:
                param = params.get(arg.key)
                target = None
                if param is not None:
                    target = _target(_name_of(param), "parameter", file)
                self._key(arg, target, callee)
            if not arg.flag:
                self._expression(arg.value)

    def _key(self, arg: n.Argument, target: Target | None, within: str) -> None:
        assert arg.key is not None
        end = arg.end if arg.flag else arg.start + len(arg.key)
        kind: Kind = "parameter" if target is not None else "key"
        self._put(arg.start, end, kind, arg.key, target, within=within)

    # Expressions

    def _expression(self, node: n.Expression) -> None:
        stack: list[object] = [node]
        while stack:
            part = stack.pop()
            if isinstance(part, n.Name):
                self._name(part)
            elif isinstance(part, n.Attribute):
                base = n.dotted(part.base)
                if base is None:
                    stack.append(part.base)
                else:
                    self._attribute(part, base)
            elif isinstance(part, n.Size):
                self._size(part)
            elif isinstance(part, n.Function):
                end = part.start + len(part.name)
                self._put(part.start, end, "function", part.name)
                stack.extend(part.arguments)
            elif isinstance(part, tuple):
                stack.extend(child for child in part if isinstance(child, tuple))

    def _name(self, node: n.Name) -> None:
        name = node.name
        if name in self._known:
            self._add(node, self._known[name].kind, self._known[name])
        elif name in LAYERS and name not in self._home.visible:
            self._add(node, "layer")
        elif not self._block(node, standard=self._fetch(name) is None):
            label = self._fetch(name)
            if label is not None:
                self._add(node, "label", label)
            elif name in TOTALS:
                self._add(node, "total")
            elif name in (CURRENT, BLOCK_INPUT):
                self._add(node, "value")

    def _attribute(self, node: n.Attribute, base: n.Name) -> None:
        whole = f"{base.name}.{node.name}"
        value = self._fetch(base.name)
        if value is None and whole in self._home.visible:
            self._block(n.Name(whole, node.start, node.end))
            return
        if base.name in (CURRENT, BLOCK_INPUT):
            self._add(base, "value")
        elif value is not None:
            self._add(base, value.kind, value)
        self._put(node.end - len(node.name), node.end, "attribute", node.name)

    def _size(self, node: n.Size) -> None:
        at = node.start
        for written in self._text[node.start : node.end].split("x"):
            known = self._known.get(written)
            if known is not None:
                self._put(at, at + len(written), known.kind, written, known)
            at += len(written) + 1

    # What names stand for

    def _fetch(self, name: str) -> Target | None:
        known = self._known.get(name)
        if known is not None and known.kind == "input":
            return known
        for labels in reversed(self._labels):
            if name in labels:
                return labels[name]
        return None

    def _label_named(self, name: str, start: int, end: int) -> None:
        label = self._fetch(name)
        if label is not None:
            quoted = self._text[start : start + 1] == '"'
            self._put(start + quoted, end - quoted, label.kind, name, label)

    def _block(self, node: n.Name, standard: bool = True) -> bool:
        """Keep the name of a block or extern; whether it is one."""
        home = self._home
        defined = home.visible.get(node.name)
        if defined is None and standard:
            defined = home.library.standard(node.name)
        if defined is None:
            return False
        prefix, dot, _ = node.name.rpartition(".")
        start = node.start
        use = home.prefixes.get(prefix) if dot else None
        if use is not None and use.prefix is not None:
            target = _target(use.prefix, "prefix")
            self._put(start, start + len(prefix), "prefix", prefix, target)
            start = node.end - len(defined.item.name.name)
        kind, target = _defined(defined)
        self._put(start, node.end, kind, defined.item.name.name, target)
        return True

    def _net(self, node: n.Name) -> None:
        item = self._home.nets.get(node.name)
        self._add(node, "net", _target(item.name, "net") if item else None)

    # Keeping

    def _define(self, node: n.Name, kind: Kind) -> Target:
        target = _target(node, kind)
        self._put(node.start, node.end, kind, node.name, target, defines=True)
        return target

    def _add(self, node: n.Name, kind: Kind, target: Target | None = None) -> None:
        self._put(node.start, node.end, kind, node.name, target)

    def _put(
        self,
        start: int,
        end: int,
        kind: Kind,
        name: str,
        target: Target | None = None,
        defines: bool = False,
        within: str = "",
    ) -> None:
        if kind == "symbol":
            # It is defined wherever it is written.
            target = None
        if start < end:
            self.found.append(
                Occurrence(start, end, kind, name, target, defines, within)
            )


def _defined(defined: Defined) -> tuple[Kind, Target]:
    kind: Kind = "block" if isinstance(defined.item, n.Block) else "extern"
    return kind, _target(defined.item.name, kind, defined.home.file)


def _target(node: n.Name, kind: Kind, file: str = "") -> Target:
    return Target(kind, file, node.start, node.end)


def _name_of(param: n.Param) -> n.Name:
    return n.Name(param.name, param.start, param.start + len(param.name))


def _inside(label: n.Label) -> tuple[int, int]:
    """The text of a label, without its quotes."""
    return label.start + label.quoted, label.end - label.quoted
