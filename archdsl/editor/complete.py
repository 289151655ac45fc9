"""What could be written at a place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from archdsl.editor.analysis import Analysis
from archdsl.editor.context import Context, context
from archdsl.editor.document import Document
from archdsl.editor.told import argument_text, block_head, layer_text
from archdsl.editor.tree import item_at
from archdsl.elaborate.definitions import Definitions
from archdsl.elaborate.words import DTYPES, TOTALS
from archdsl.ops import LAYERS
from archdsl.ops.record import Layer
from archdsl.reading import standard_names
from archdsl.shapes.arithmetic import FUNCTIONS, OF_LISTS
from archdsl.shapes.tensor import AXIS_NAMES
from archdsl.syntax import nodes as n
from archdsl.tuples import NamedTuple

_LABEL = re.compile(r"(?<![\w.])([A-Za-z][\w.]*)[ \t]*:(?!:)")
_TOP = ("net", "block", "default", "use", "extern", "input")
_STAGES = {
    "id": "the current value",
    "in": "the input of the net or block",
    "input": "what flows into a net, with its shape",
    "output": "what a net returns",
    "share": "a stage again, with the weights that it has",
    "tie": "a linear map with the weights of an embedding",
}


class Completion(NamedTuple):
    """What could be written: `kind` is what it is, `rank` what comes first."""

    name: str
    kind: str
    detail: str = ""
    rank: int = 5


class Completions(NamedTuple):
    """All that could be written, and the stretch that it takes the place of.

    `callee` is the layer or block whose arguments they are.
    """

    start: int
    end: int
    items: list[Completion]
    callee: str = ""


def complete(document: Document, offset: int, paths: Iterable[str] = ()) -> Completions:
    """What could be written at an offset; `paths` are files that could be used."""
    found = context(document.text, offset)
    view = document.good or document.last
    analysis = view.analysis if view is not None else None
    if analysis is not None and analysis.tree is None:
        analysis = None
    scope = _Scope(document, offset, analysis)
    once: dict[str, Completion] = {}
    for item in _items(found, scope, paths):
        once.setdefault(item.name, item)
    return Completions(found.start, found.end, list(once.values()), found.callee)


def documentation(document: Document, kind: str, name: str, within: str) -> str:
    """What is told of a completion when it is pointed at."""
    if kind == "layer" and name in LAYERS:
        return layer_text(LAYERS[name])
    if kind in ("key", "word") and within in LAYERS:
        return argument_text(LAYERS[within], name.rstrip("="))
    view = document.good or document.last
    definitions = view.analysis.definitions if view is not None else None
    if kind == "block" and definitions is not None:
        defined = definitions.find(name)
        if defined is not None:
            head, comment = block_head(defined.item, defined.home.source)
            return f"```arch\n{head}\n```\n\n{comment}"
    return ""


class _Scope:
    """What is known at the place."""

    def __init__(
        self, document: Document, offset: int, analysis: Analysis | None
    ) -> None:
        self._document = document
        self._offset = offset
        self.analysis = analysis
        self.item: n.Item | None = None
        self._old = offset
        view = document.good or document.last
        if analysis is not None and analysis.tree is not None and view is not None:
            self._old = view.moved.back(offset)
            self.item = item_at(analysis.tree, self._old)

    @property
    def definitions(self) -> Definitions | None:
        return self.analysis.definitions if self.analysis is not None else None

    def labels(self) -> Iterator[str]:
        """Those before the place, also in lines that were written just now."""
        names: dict[str, None] = {}
        if self.analysis is not None and self.item is not None:
            for label in self.analysis.labels_within(self.item.start, self._old):
                names[label.name] = None
        view = self._document.good or self._document.last
        text = self._document.text
        stretches = view.moved.stretches() if view is not None else [(0, len(text))]
        for start, end in stretches:
            begin = text.rfind("\n", 0, start) + 1
            for match in _LABEL.finditer(text, begin, min(end, self._offset)):
                names[match.group(1)] = None
        return (name for name in names if re.fullmatch(r"[A-Za-z_][\w.]*", name))

    def parameters(self) -> Iterator[str]:
        item = self.item
        if isinstance(item, n.Block | n.Net | n.Extern):
            yield from (param.name for param in item.params)
        if isinstance(item, n.Net):
            assert self.analysis is not None
            yield from self.analysis.symbols.get(item.name.name, ())

    def inputs(self) -> Iterator[str]:
        if isinstance(self.item, n.Block):
            yield from (name.name for name in self.item.inputs)

    def layer(self, callee: str) -> Layer | None:
        if self.definitions is not None and callee in self.definitions.visible:
            return None
        return LAYERS.get(callee)

    def parameters_of(self, callee: str) -> tuple[n.Param, ...]:
        """The parameters of a block, extern or net."""
        definitions = self.definitions
        if definitions is None:
            return ()
        defined = definitions.find(callee)
        if defined is not None:
            return defined.item.params
        item = definitions.nets.get(callee)
        seen = 0
        while isinstance(item, n.Family) and seen < len(definitions.nets):
            item, seen = definitions.nets.get(item.base.name), seen + 1
        return item.params if isinstance(item, n.Net) else ()


def _items(found: Context, scope: _Scope, paths: Iterable[str]) -> Iterator[Completion]:
    expected = found.expected
    if expected == "top":
        yield from (Completion(word, "keyword", rank=1) for word in _TOP)
    elif expected in ("stage", "line"):
        yield from _stages(scope)
        if expected == "line":
            yield Completion("assert", "keyword", "a total that is believed")
            yield Completion("order", "keyword", "the order of the state_dict")
    elif expected == "argument":
        yield from _arguments(found, scope)
    elif expected == "value":
        yield from _values(found, scope)
    elif expected == "label":
        yield from (Completion(name, "label", rank=1) for name in scope.labels())
    elif expected == "attribute":
        yield from _attributes(found, scope)
    elif expected == "expression":
        yield from _expression(found, scope)
    elif expected == "default":
        yield from (Completion(name, "layer") for name in LAYERS)
    elif expected == "net" and scope.definitions is not None:
        nets = scope.definitions.nets
        yield from (Completion(name, "net") for name in nets if name)
    elif expected == "path":
        yield from (Completion(path, "file") for path in paths)


def _stages(scope: _Scope) -> Iterator[Completion]:
    for name in (*scope.labels(), *scope.inputs()):
        yield Completion(name, "label", "a value", rank=2)
    for name in scope.parameters():
        yield Completion(name, "parameter", "a parameter, if it is a layer", rank=4)
    yield from _blocks(scope)
    for name in LAYERS:
        yield Completion(name, "layer", rank=3)
    for name, text in _STAGES.items():
        yield Completion(name, "keyword", text, rank=4)


def _blocks(scope: _Scope) -> Iterator[Completion]:
    if scope.definitions is not None:
        for name in scope.definitions.visible:
            yield Completion(name, "block", "a block", rank=1)
    for name in standard_names():
        yield Completion(name, "block", "a block of the standard library", rank=4)


def _arguments(found: Context, scope: _Scope) -> Iterator[Completion]:
    callee = found.callee
    layer = scope.layer(callee)
    if layer is not None:
        words = set(layer.words)
        for arg in layer.args:
            if arg.name in found.given:
                continue
            detail = arg.doc.partition(";")[0]
            if arg.type.kind == "truth":
                yield Completion(arg.name, "word", detail, rank=2)
            else:
                yield Completion(f"{arg.name}=", "key", detail, rank=1)
            for word in arg.type.words:
                if word in words:
                    yield Completion(word, "word", detail, rank=2)
            if arg.type.kind == "axis":
                for axis in AXIS_NAMES:
                    yield Completion(axis, "word", detail, rank=2)
    elif callee == "input":
        yield from (Completion(word, "word", "what it holds") for word in DTYPES)
        return
    else:
        for param in scope.parameters_of(callee):
            if param.default is not None and param.name not in found.given:
                yield Completion(f"{param.name}=", "key", "a parameter", rank=1)
    yield Completion("x=", "key", "the number of copies", rank=4)
    for name in scope.parameters():
        yield Completion(name, "parameter", "a parameter", rank=3)
    for word, text in (("if", "only if this holds"), ("else", "otherwise")):
        yield Completion(word, "keyword", text, rank=5)
    for name in ("in", "id"):
        yield Completion(name, "keyword", "for its sizes", rank=5)


def _values(found: Context, scope: _Scope) -> Iterator[Completion]:
    layer = scope.layer(found.callee)
    arg = layer.arg(found.key) if layer is not None else None
    if arg is not None:
        for word in arg.type.words:
            yield Completion(word, "word", rank=1)
        if arg.type.kind == "truth":
            yield from (Completion(word, "word", rank=1) for word in ("true", "false"))
        if arg.type.kind == "axis":
            yield from (Completion(axis, "word", rank=1) for axis in AXIS_NAMES)
    else:
        yield from _blocks(scope)
        yield from (Completion(name, "layer", rank=3) for name in LAYERS)
        yield from (Completion(word, "word", rank=4) for word in ("true", "false"))
    yield from _expression(found, scope)


def _attributes(found: Context, scope: _Scope) -> Iterator[Completion]:
    definitions = scope.definitions
    prefix = f"{found.callee}."
    if definitions is not None and found.callee in definitions.prefixes:
        for name in definitions.visible:
            if name.startswith(prefix):
                yield Completion(name.removeprefix(prefix), "block", rank=1)
        return
    for axis in AXIS_NAMES:
        yield Completion(axis, "attribute", "a size", rank=1)
    for total in TOTALS:
        yield Completion(total, "total", "in an assertion", rank=3)
    for label in scope.labels():
        if label.startswith(prefix):
            yield Completion(label.removeprefix(prefix), "label", rank=2)


def _expression(found: Context, scope: _Scope) -> Iterator[Completion]:
    for name in scope.parameters():
        yield Completion(name, "parameter", "a parameter", rank=2)
    for name in ("in", "id"):
        yield Completion(name, "keyword", "for its sizes", rank=3)
    for name in (*scope.labels(), *scope.inputs()):
        yield Completion(name, "label", "for its sizes", rank=3)
    if found.callee == "assert":
        yield from (Completion(total, "total", rank=1) for total in TOTALS)
    if found.callee != "->":
        for name in (*FUNCTIONS, *OF_LISTS):
            yield Completion(name, "function", rank=4)
        yield from (
            Completion(word, "keyword", rank=5) for word in ("and", "or", "not")
        )
