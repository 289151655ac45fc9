"""What is asked of a spec from outside: which net, with which values."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence

from archdsl.diagnostics.suggest import did_you_mean
from archdsl.elaborate.alone import only_argument
from archdsl.elaborate.definitions import Definitions, Library, definitions
from archdsl.elaborate.evaluate import evaluate
from archdsl.elaborate.report import Reporter
from archdsl.elaborate.values import FAILED, UNKNOWN, Result, SizeValue
from archdsl.ir.network import LayerRef
from archdsl.ops import LAYERS
from archdsl.reading import Files, standard_names
from archdsl.shapes.expr import Const
from archdsl.source import Source
from archdsl.syntax import nodes as n
from archdsl.syntax import parse


class ChoiceError(ValueError):
    """No net can be told from the others; its text says which there are."""


def all_nets(source: Source) -> tuple[str, ...]:
    """The names of all nets of a text, as they stand in it."""
    tree, _ = parse(source)
    items = tree.items if tree else ()
    return tuple(i.name.name for i in items if isinstance(i, n.Net | n.Family))


def net_names(source: Source, given: Collection[str] = ()) -> tuple[str, ...]:
    """The names of the nets of a text that can be built; none if it has mistakes.

    These are the nets whose parameters all have a value, those in `given` too; if
    there is no such net, all nets.
    """
    tree, _ = parse(source)
    nets = {
        item.name.name: item
        for item in (tree.items if tree else ())
        if isinstance(item, n.Net | n.Family)
    }
    whole = [name for name in nets if _is_whole(name, nets, given)]
    return tuple(whole or nets)


def _is_whole(
    name: str, nets: dict[str, n.Net | n.Family], given: Collection[str]
) -> bool:
    known = set(given)
    seen: set[str] = set()
    item = nets.get(name)
    while isinstance(item, n.Family) and item.base.name not in seen:
        seen.add(item.base.name)
        known |= {arg.key for arg in item.args if arg.key}
        # Required parameters of the base may be given in order.
        if any(arg.key is None for arg in item.args):
            return True
        item = nets.get(item.base.name)
    return not isinstance(item, n.Net) or all(
        param.default is not None or param.name in known for param in item.params
    )


def the_net(nets: Sequence[str], name: str) -> str | None:
    """The net that is meant where none is named; None if there are none.

    That is the only one, or the one called like the file `name` without its ending.
    Raises ChoiceError.
    """
    if len(nets) <= 1:
        return nets[0] if nets else None
    stem = os.path.splitext(os.path.basename(name))[0]
    if stem in nets:
        return stem
    shown = ", ".join(net or '"" (without a name)' for net in nets)
    raise ChoiceError(f"{name} has {len(nets)} nets; choose one of: {shown}")


class SettingError(ValueError):
    """A value that no parameter can have; its text says why."""


class _Outside:
    """Names where there are no parameters: those of layers and blocks."""

    def __init__(self, source: Source, files: Files | None) -> None:
        self._source = source
        self._files = files

    def lookup(self, node: n.Name) -> Result:
        return self._reference(node.name)

    def attribute(self, base: str, node: n.Attribute) -> Result:
        return self._reference(f"{base}.{node.name}")

    def _reference(self, name: str) -> Result:
        ref = _reference(name, self._source, self._files)
        return Result(ref, Const(ref)) if ref is not None else FAILED


def _home(source: Source, files: Files | None) -> Definitions | None:
    """What a text defines and uses; mistakes are found when it is checked."""
    tree, _ = parse(source)
    if tree is None:
        return None
    return definitions(tree, Definitions(source, Library(files)), Reporter(source))


def _reference(name: str, source: Source, files: Files | None) -> LayerRef | None:
    if name in LAYERS:
        return LayerRef(name)
    home = _home(source, files)
    defined = home.find(name) if home is not None else None
    return defined.ref if defined is not None else None


def blocks(source: Source, files: Files | None = None) -> Collection[str]:
    """The names of the blocks and externs that a text defines, and those it uses."""
    home = _home(source, files)
    return list(home.visible) if home is not None else []


def parsed(text: str, source: Source, files: Files | None = None) -> object:
    """A value as the language writes it, its names being layers and source's blocks.

    Raises SettingError.
    """
    tree, _ = parse(Source("--set", f"id value={text}"))
    argument = only_argument(tree)
    if argument is None:
        raise SettingError("this is not a value of the language")
    node = argument.value
    report = Reporter(Source("--set", f"id value={text}"))
    value = evaluate(node, _Outside(source, files), report).value
    if report.found:
        raise SettingError(report.found[0].message)
    if value is UNKNOWN:
        name = node.name if isinstance(node, n.Name) else text.strip()
        known = (*LAYERS, *blocks(source, files), *standard_names())
        hints = did_you_mean(name, known)
        more = hints or ('a string stands in quotes: "…"',)
        raise SettingError(f"there is no layer or block `{name}`; {more[0]}")
    return value


def converted(value: object, source: Source, files: Files | None = None) -> object:
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
        return _reference(value, source, files) or value
    if isinstance(value, list | tuple):
        return tuple(converted(item, source, files) for item in value)
    raise SettingError(f"a parameter cannot be a {type(value).__name__}")
