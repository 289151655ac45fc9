"""Stages and numbers in words: `conv 64x7x7 s2`, `25.56 M`."""

from __future__ import annotations

import unicodedata

from archdsl.ir.network import LayerRef, Module, Network, Repeat, Stage
from archdsl.ir.signature import inputs_text, outputs_text
from archdsl.ops.record import Bound, Site, plain
from archdsl.ops.tied import TIED
from archdsl.ops.values import IndexFormula
from archdsl.shapes.size import Size

_UNITS = ("", " k", " M", " G", " T", " P", " E")
# The longest that the formula of a tensor's values gets.
_MAX_FORMULA = 20
# What joins letters or keeps them apart in Persian, in Indic scripts and in emoji.
_JOINERS = "\u200c\u200d"


def title(network: Network, batch: int = 1) -> str:
    """What flows in and out: `n: ids: 16 int → out: 10, aux: 4 (in training)`."""
    root = network.root
    samples = "" if batch == 1 else f", a batch of {batch:,}"
    name = network.name or network.source_name
    return f"{name}: {inputs_text(root)} → {outputs_text(root)}{samples}"


def bytes_text(number: Size) -> str:
    """A number of bytes: `16.49 kB`, or a formula of sizes not known."""
    if not isinstance(number, int) or number < 1000:
        return f"{bracketed(number)} B"
    return f"{human(number)}B"


def bracketed(number: Size) -> str:
    """A number before a unit; a formula with several terms is put in brackets."""
    text = f"{number:,}"
    return f"({text})" if " " in text else text


def human(number: float) -> str:
    """Four significant digits and a unit in powers of 1000: `25.56 M`."""
    value = float(number)
    unit = 0
    # 999,950 would else be shown as 1000 k.
    while value >= 999.95 and unit < len(_UNITS) - 1:
        value /= 1000
        unit += 1
    if unit == 0:
        return f"{number:.0f}"
    return (
        f"{value:.{max(0, 4 - len(str(int(value))))}f}"[:5].rstrip(".") + _UNITS[unit]
    )


def value_text(value: object) -> str:
    """A value as the language writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, LayerRef):
        return value.name
    if isinstance(value, IndexFormula):
        return shortened(one_line(value.text), _MAX_FORMULA)
    if isinstance(value, tuple):
        if value and type(value) is not tuple:
            return "x".join(map(value_text, value))
        return "[" + ",".join(map(value_text, value)) + "]"
    return str(value)


def shortened(text: str, width: int) -> str:
    """The text, cut where it would be wider than that; its last bracket stays."""
    if len(text) <= width:
        return text
    end = "…)" if text.startswith("(") and text.endswith(")") else "…"
    return text[: width - len(end)].rstrip() + end


def formula_text(number: Size, width: int) -> str:
    """A number, or a formula that leaves out terms where it would be wider."""
    text = f"{number:,}"
    if len(text) <= width:
        return text
    head, plus, _ = text[: width - 3].rpartition(" + ")
    return f"{head} + …" if plus else shortened(text, width)


def visible(text: str, kept: str = "") -> str:
    """The text as it is seen: what is not is U+FFFD, and all blanks are spaces.

    Marks that turn the direction of text go too, as they would let a name be read as
    what stands beside it. Letters of scripts from right to left stay, and so do the
    joiners that some scripts are written with. Signs in `kept` are left alone.
    """
    return "".join(
        c if c.isprintable() or c in _JOINERS or c in kept else _seen(c) for c in text
    )


def _seen(c: str) -> str:
    return " " if unicodedata.category(c) == "Zs" else "\N{REPLACEMENT CHARACTER}"


def one_line(text: str) -> str:
    """Source text without its line ends."""
    return " ".join(text.split()).replace("( ", "(").replace(" )", ")")


def shared_call(node: Stage | Repeat) -> str:
    """Another use of a stage, as it is written: `share enc`."""
    return f"share {node.label}"


def call(stage: Stage) -> str:
    """The stage as it could be written, with the values that its arguments have.

    Arguments that a `default` line set and those equal to the layer's defaults are
    left out. A group is `{…}`.
    """
    if stage.shared:
        return shared_call(stage)
    if isinstance(stage.target, Module) or not stage.target.layer.counted:
        words = _block_words(stage)
        return " ".join(("{…}" if stage.kind == "{}" else stage.kind, *words))
    return " ".join((stage.kind, *_layer_words(stage, stage.target)))


def _block_words(stage: Stage) -> list[str]:
    positional: list[tuple[int, str]] = []
    keyed: list[tuple[int, str]] = []
    for name, bound in stage.args.items():
        if bound.span is None:
            continue
        text = bound.span.text
        value = value_text(bound.value)
        after = text[len(name) :].lstrip()[:1]
        if text.startswith(name) and (after == "=" or after.isdigit()):
            keyed.append((bound.span.start, _keyed(name, value)))
        else:
            positional.append((bound.span.start, value))
    return [word for _, word in sorted(positional) + sorted(keyed)]


def _layer_words(stage: Stage, site: Site) -> list[str]:
    words: list[str] = []
    if site.layer is TIED:
        words.append(str(site.args["of"].value))
    shown: set[str] = set()
    joined = any(name.startswith("*") for name in site.layer.positional)
    for starred in site.layer.positional:
        name = starred.lstrip("*")
        bound = site.args[name]
        if not _given(site, bound):
            break
        shown.add(name)
        if joined and words and isinstance(bound.value, tuple):
            words.append("x".join(map(str, site.sizes(name))))
        elif isinstance(bound.value, str) and bound.value not in site.layer.words:
            words.append(f'"{bound.value}"')
        else:
            words.append(_argument(bound.value))
    if joined and words:
        # Channels and kernel are read joined.
        words = ["x".join(words)]
    for arg in site.layer.args:
        value = site.args[arg.name].value
        if (
            arg.name in shown
            or not _given(site, site.args[arg.name])
            or plain(value) == plain(arg.default)
        ):
            continue
        if arg.type.kind in ("lists", "strings"):
            words.append(f"{arg.name}=[…]")
        elif value is True and site.layer is not TIED:
            words.append(arg.name)
        elif value in arg.type.words and not arg.keyed:
            words.append(str(value))
        else:
            words.append(_keyed(arg.name, _argument(value)))
    if site.layer.free_keys is not None:
        own = {arg.name for arg in site.layer.args}
        free = {name: b for name, b in site.args.items() if name not in own}
        words += [_keyed(name, _argument(b.value)) for name, b in free.items()]
    return words


def _given(site: Site, bound: Bound) -> bool:
    """Whether the argument stands at the stage itself."""
    at, span = site.span, bound.span
    return bool(at and span) and at.start <= span.start < at.end  # type: ignore[union-attr]


def _argument(value: object) -> str:
    """A layer's argument; sizes are plain tuples there."""
    if isinstance(value, tuple) and value and isinstance(value[0], int):
        return str(value[0]) if len(set(value)) == 1 else "x".join(map(str, value))
    return value_text(value)


def _keyed(name: str, text: str) -> str:
    is_flag = len(name) == 1 and text.replace("x", "").isdigit()
    return f"{name}{text}" if is_flag else f"{name}={text}"
