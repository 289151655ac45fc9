"""Values of a net's parameters from outside: `--set` and keyword arguments."""

from __future__ import annotations

from collections.abc import Collection

from archdsl.diagnostics.suggest import did_you_mean
from archdsl.elaborate.evaluate import FAILED, UNKNOWN, Result, SizeValue, evaluate
from archdsl.elaborate.report import Reporter
from archdsl.ir.network import LayerRef
from archdsl.ops import LAYERS
from archdsl.shapes.expr import Const
from archdsl.source import Source
from archdsl.syntax import nodes as n
from archdsl.syntax import parse


class SettingError(ValueError):
    """A value that no parameter can have; its text says why."""


class _Outside:
    """Names where there are no parameters: those of layers and blocks."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def lookup(self, node: n.Name) -> Result:
        if node.name in LAYERS or node.name in blocks(self._source):
            ref = LayerRef(node.name)
            return Result(ref, Const(ref))
        return FAILED

    def attribute(self, base: str, node: n.Attribute) -> Result:
        return FAILED


def blocks(source: Source) -> Collection[str]:
    """The names of the blocks that a text defines."""
    tree, _ = parse(source)
    items = tree.items if tree else ()
    return [item.name.name for item in items if isinstance(item, n.Block)]


def parsed(text: str, source: Source) -> object:
    """A value as the language writes it, its names being layers and source's blocks.

    Raises SettingError.
    """
    tree, _ = parse(Source("--set", f"id value={text}"))
    node = _only_argument(tree)
    if node is None:
        raise SettingError("this is not a value of the language")
    report = Reporter(Source("--set", f"id value={text}"))
    value = evaluate(node, _Outside(source), report).value
    if report.found:
        raise SettingError(report.found[0].message)
    if value is UNKNOWN:
        name = node.name if isinstance(node, n.Name) else text.strip()
        hints = did_you_mean(name, (*LAYERS, *blocks(source)))
        more = hints or ('a string stands in quotes: "…"',)
        raise SettingError(f"there is no layer or block `{name}`; {more[0]}")
    return value


def _only_argument(tree: n.File | None) -> n.Expression | None:
    if tree is None or len(tree.items) != 1:
        return None
    item = tree.items[0]
    if not isinstance(item, n.Net) or len(item.body.lines) != 1:
        return None
    line = item.body.lines[0]
    if not isinstance(line, n.Line) or line.condition or len(line.chain.stages) != 1:
        return None
    stage = line.chain.stages[0]
    atom = stage.atom
    if stage.asserted or not isinstance(atom, n.Call) or len(atom.args) != 1:
        return None
    return atom.args[0].value


def converted(value: object, source: Source) -> object:
    """A Python value as the language has it.

    Strings that name a layer or block mean that, and `"3x3"` is a size; lists may be
    nested. Raises SettingError for values of other types.
    """
    if isinstance(value, bool | int | float | SizeValue | LayerRef):
        return value
    if isinstance(value, str):
        parts = value.split("x")
        if len(parts) > 1 and all(part.isdecimal() for part in parts):
            return SizeValue(map(int, parts))
        if value in LAYERS or value in blocks(source):
            return LayerRef(value)
        return value
    if isinstance(value, list | tuple):
        return tuple(converted(item, source) for item in value)
    raise SettingError(f"a parameter cannot be a {type(value).__name__}")
