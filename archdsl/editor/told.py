"""Layers, blocks and arguments in words, as Markdown."""

from __future__ import annotations

from archdsl.ops.record import REQUIRED, Arg, Layer, Site
from archdsl.source import Source
from archdsl.syntax import nodes as n


def layer_text(layer: Layer, arguments: bool = True) -> str:
    """A layer's documentation, its arguments and an example."""
    parts = [f"**{layer.name}**: {layer.doc}" if arguments else layer.doc]
    if layer.args:
        parts.append("\n".join(f"- {_argument(layer, arg)}" for arg in layer.args))
    if arguments:
        parts.append(f"```arch\n{layer.example}\n```")
    return "\n\n".join(parts)


def argument_text(layer: Layer, name: str) -> str:
    """What is known of an argument, given by its name or by one of its words."""
    arg = layer.arg(name)
    if arg is None:
        found = (each for each in layer.args if name in each.type.words)
        arg = next(found, None)
    if arg is None:
        return ""
    return f"{_argument(layer, arg)}  \nan argument of `{layer.name}`"


def _argument(layer: Layer, arg: Arg) -> str:
    default = "required" if arg.default is REQUIRED else _value(arg.default)
    place = arg.name in (name.lstrip("*") for name in layer.positional)
    name = f"**{arg.name}**" if place else f"`{arg.name}=`"
    said = f", {default}" if default else ""
    return f"{name}: {arg.doc} ({arg.type.describe()}{said})"


def _value(default: object) -> str:
    if default is None:
        return ""
    if isinstance(default, bool):
        return f"{str(default).lower()} if left out"
    if isinstance(default, tuple):
        return f"{'x'.join(map(str, default))} if left out"
    return f"{default} if left out"


def call_text(site: Site) -> str:
    """A call with its arguments as they are here, without those left at a default."""
    said = [site.layer.name]
    for arg in site.layer.args:
        bound = site.args.get(arg.name)
        if bound is not None and bound.value != arg.default:
            said.append(f"{arg.name}={_written(bound.value)}")
    return " ".join(said)


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        if all(isinstance(part, int) for part in value):
            return "x".join(map(str, value))
        return "[" + ",".join(map(_written, value)) + "]"
    return str(value)


def block_head(item: n.Block | n.Extern, source: Source) -> tuple[str, str]:
    """The line that defines a block, and the comment that stands above it."""
    number = source.position(item.start)[0]
    comment: list[str] = []
    for above in range(number - 1, 0, -1):
        line = source.line(above).strip()
        if not line.startswith("#"):
            break
        comment.insert(0, line.removeprefix("#").strip())
    if isinstance(item, n.Block):
        head = source.text[item.start : item.body.start]
    else:
        head = source.text[item.start : item.end]
    head = " ".join(head.removesuffix("{").split())
    return head, "\n".join(comment)
