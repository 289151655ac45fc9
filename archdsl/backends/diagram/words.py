"""What is written in a diagram: layers, shapes and counts in few characters."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backends.diagram.channels import unsure
from archdsl.backends.diagram.options import Options, Order, Shown
from archdsl.backends.diagram.picture import Box
from archdsl.backends.text.wording import formula_text, one_line, shortened
from archdsl.ir.network import Network, Repeat, Stage
from archdsl.ir.unchecked import Fault, Unchecked
from archdsl.ops.record import Bound, Site
from archdsl.ops.tied import TIED
from archdsl.ops.values import IndexFormula
from archdsl.shapes.size import Size
from archdsl.shapes.tensor import TensorType

# Arguments that a reader needs even where they are not positional, and how they read.
SHORT = {"s": "/{}", "d": "dilation {}", "g": "groups {}"}
# Layers whose stride makes maps larger: `/2` would say the opposite.
_ENLARGES = ("upconv",)
LONGEST = 60
# Arguments that say how many channels come out: the first of these that a layer has.
_CHANNELS: dict[str, tuple[str, ...]] = {
    "convolution": ("c",),
    "linear": ("size", "hidden", "n"),
}
# The sign of what is wrong, which the usual fonts have, and what is said of it.
SIGN = "‼"
AMISS = "refused; grey boxes: not checked"
# In which order shapes are, and the same for nets of pictures.
ORDER_TEXT: dict[tuple[Order, bool], str] = {
    ("chw", True): "channels × height × width",
    ("chw", False): "channels first",
    ("hwc", True): "height × width × channels",
    ("hwc", False): "channels of maps last",
}
# So much is shown of a formula of places.
_FORMULA = 24


def layer(site: Site, *, channels: bool = True) -> str:
    """A layer as papers write it: `conv 3×3, 64, /2`, or `conv 3×3, /2`."""
    if isinstance(site, Unchecked):
        return short(one_line(site.text))
    if site.layer is TIED:
        return short(f"{site.layer.name} {site.args['of'].value}")
    if not site.ins:
        return _tensor(site)
    size = ""
    words: list[str] = []
    of_channels = _CHANNELS.get(site.layer.look, ())
    left = next((n for n in of_channels if n in site.layer.positional), None)
    for written in site.layer.positional:
        name = written.lstrip("*")
        record = site.layer.arg(name)
        bound = site.args[name]
        if record is None or bound.value is None:
            continue
        if not channels and name == left:
            continue
        if record.type.kind == "sizes" and isinstance(bound.value, tuple):
            size = sizes(site.sizes(name)) if site.spatial else ""
        elif _is_number(bound.value) or bound.value != record.default:
            words.append(value(bound.value))
    if size:
        words.insert(0, size)
    if not site.layer.counted:
        given = (b.value for b in site.args.values() if b.span is not None)
        return short(" ".join((site.layer.name, ", ".join(map(value, given)))).strip())
    placed = {written.lstrip("*") for written in site.layer.positional}
    for name, form in SHORT.items():
        if name in site.args and name not in placed and not site.layer.free_keys:
            step = _step(site, name, site.args[name])
            if step and name == "s" and site.layer.name in _ENLARGES:
                form = "stride {}"
            if step:
                words.append(form.format(step))
    return short(" ".join((site.layer.name, ", ".join(words))).strip())


def layers(stages: Sequence[Stage]) -> str:
    """A layer in all its variants: of a rate that differs, the range."""
    sites = [stage.target for stage in stages if isinstance(stage.target, Site)]
    text = layer(sites[0])
    if len(sites) > 1 and sites[0].layer.look == "regularisation":
        for name in sites[0].layer.positional:
            rates = [site.args[name].value for site in sites]
            known = [rate for rate in rates if isinstance(rate, int | float)]
            if len(known) == len(rates):
                low, high = f"{min(known):.2g}", f"{max(known):.2g}"
                text = f"{sites[0].layer.name} {span(low, high)}"
    return text


def _tensor(site: Site) -> str:
    """A learned tensor or a constant: `param 1×197×768`."""
    stored = site.args["shape"].value
    assert isinstance(stored, tuple)
    text = f"{site.layer.name} {sizes(stored)}"
    values = site.args["value"].value
    if isinstance(values, IndexFormula):
        text += f", {shortened(one_line(values.text), _FORMULA)}"
    return short(text)


def again(node: Stage | Repeat) -> str:
    """Another use of a stage."""
    return short(f"share {node.label}")


def held(name: str, tensor: TensorType) -> str:
    """The name of an input or output, and what it holds if not real numbers."""
    return short(name if tensor.dtype == "float" else f"{name}: {tensor.dtype}")


def _step(site: Site, name: str, bound: Bound) -> str:
    """A stride, dilation or number of groups, unless it is one."""
    given = bound.value
    if given is None and name == "s" and "k" in site.args:
        # The stride of a pool is its window where none is given.
        given = site.args["k"].value
    if isinstance(given, tuple):
        if set(given) == {1}:
            return ""
        return str(given[0]) if len(set(given)) == 1 else sizes(given)
    return "" if given in (None, 1) else value(given)


def _is_number(found: object) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)


def value(found: object) -> str:
    """An argument's value."""
    if isinstance(found, float):
        return f"{found:g}"
    if isinstance(found, tuple):
        return "…"
    return str(found)


def sizes(found: Sequence[Size]) -> str:
    """A shape: `64×56×56`, `64×⌈H/2⌉×(W-4)`."""
    if len(found) == 1:
        return str(found[0])
    return "×".join(
        str(size) if isinstance(size, int) or size.atomic else f"({size})"
        for size in found
    )


def shape(found: Sequence[tuple[Size, ...]], channel: int | None = None) -> str:
    """The shape of all copies, a size that differs as a range: `64–224×56×56`.

    That axis of maps and volumes comes last, if one is given.
    """
    if channel is not None:
        found = [_turned(one, channel) if len(one) > 2 else one for one in found]
    if len(found) == 1 or any(len(one) != len(found[0]) for one in found):
        return sizes(found[-1])
    return "×".join(_range(axis) for axis in zip(*found, strict=True))


def _turned(one: tuple[Size, ...], channel: int) -> tuple[Size, ...]:
    return (*one[:channel], *one[channel + 1 :], one[channel])


def _range(axis: tuple[Size, ...]) -> str:
    known = [size for size in axis if isinstance(size, int)]
    if len(known) == len(axis):
        return span(min(known), max(known))
    # Which one is the larger may not be known.
    return span(sizes((axis[0], 1))[:-2], sizes((axis[-1], 1))[:-2])


def span(low: object, high: object) -> str:
    """One number or name, or the range from one to another."""
    return str(low) if low == high else f"{low}–{high}"


def count(number: Size, longest: int = LONGEST) -> str:
    """A number of parameters or operations, to three digits: `9.41 k`."""
    if not isinstance(number, int):
        return formula_text(number, longest)
    if number < 1000:
        return str(number)
    scaled, units = number / 1000, iter("kMGTPE")
    unit = next(units)
    while scaled >= 999.5:
        scaled, unit = scaled / 1000, next(units)
    digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
    return f"{scaled:.{digits}f} {unit}"


def counts(low: Size, high: Size) -> str:
    """A number of parameters or operations, or the range over the copies."""
    first, last = count(low), count(high)
    if first == last:
        return first
    numbers = isinstance(low, int) and isinstance(high, int)
    if numbers and first.split()[1:] == last.split()[1:]:
        first = first.split()[0]
    return f"{first}–{last}"


def lines(box: Box) -> list[str]:
    """What stands in a box, but for its note; a closed one tells how many it is."""
    if box.shape == "closed" and box.times > 1:
        return [f"{box.lines[0]} ×{box.times:,}", *box.lines[1:]]
    return list(box.lines)


def note(box: Box, show: Sequence[Shown]) -> str:
    """What a box tells of its size: `×3, 9.41 k each`."""
    told = []
    both = "params" in show and "macs" in show
    if "params" in show and box.params[1]:
        told.append(counts(*box.params) + " params" * both)
    if "macs" in show and box.macs != (0, 0):
        told.append(counts(*box.macs) + " MACs" * both)
    text = ", ".join(told)
    if box.times > 1 and box.shape == "closed":
        # The line of its name has the number, like the title of a frame.
        return f"{text} each" if text else ""
    if box.times > 1:
        text = f"×{box.times}, {text} each" if text else f"×{box.times}"
    return text


def cost(box: Box) -> str:
    """All that a box costs, in words: `9.41 k parameters, 118 M MACs`."""
    told = []
    if box.params[1]:
        told.append(f"{counts(*box.params)} parameters")
    if box.macs != (0, 0):
        told.append(f"{counts(*box.macs)} MACs")
    text = ", ".join(told)
    return f"{text} each" if text and box.times > 1 else text


def order(network: Network, options: Options) -> str:
    """In which order the sizes of a shape are told."""
    rank = network.root.inputs[0].rank if network.root.inputs else 0
    text = ORDER_TEXT[options.order, rank == 3]
    if options.order == "hwc" and unsure(network):
        text += " where known"
    return text


def legend(network: Network, options: Options) -> list[str]:
    """What the numbers of a picture are, in lines."""
    lines = []
    if "shapes" in options.show:
        lines.append(f"on edges: {order(network, options)}")
    if inside(network, options):
        lines.append(f"in boxes: {inside(network, options)}")
    if any(output.training for output in network.root.outputs):
        lines.append("dashed boxes: in training only")
    if network.wrong:
        lines.append(f"{SIGN}: {AMISS}")
    return lines + needs(network)


def inside(network: Network, options: Options) -> str:
    """What the numbers in boxes are."""
    cost = network.root.cost
    found = ["parameters"] if cost.params and "params" in options.show else []
    found += ["MACs"] if cost.macs != 0 and "macs" in options.show else []
    return " and ".join(found)


def refused(
    fault: Fault, ins: Sequence[TensorType], channels: Sequence[int | None] = ()
) -> str:
    """What flows into a stage that refuses it: `64×56×56 ≠ 128×28×28 · E0304`.

    `channels` are the axes of the inputs that are told last.
    """
    turned = channels or [None] * len(ins)
    if fault.at is None:
        return fault.code
    told = shape([ins[fault.at].sizes], turned[fault.at])
    if fault.claimed:
        told += f" ≠ {_claimed(fault.claimed)}"
    elif fault.unlike is not None:
        other = ins[fault.unlike].sizes
        told += f" ≠ {shape([other], turned[fault.unlike])}" if other else ""
    return f"{told} · {fault.code}" if told else fault.code


def _claimed(text: str) -> str:
    """A shape as the text has it, its sizes joined as they are elsewhere."""
    digits = text.replace("x", "").replace("_", "")
    return short(text.replace("x", "×") if digits.isdigit() else one_line(text))


def needs(network: Network) -> list[str]:
    """What sizes that are not known must fulfil, in a line if there is anything."""
    if network.facts is None or not network.facts.constraints():
        return []
    return [short(f"needs {', '.join(network.facts.constraints())}")]


def totals(network: Network, longest: int = LONGEST) -> str:
    """All parameters and MACs of a net, or that it is none.

    No number is longer than `longest`; formulas lose terms.
    """
    if network.wrong:
        first, more = network.wrong[0], len(network.wrong) - 1
        others = f" and {more} more" if more else ""
        return short(f"{SIGN} check failed: {first.code} in {first.where}{others}")
    cost = network.root.cost
    params, macs = (count(number, longest) for number in (cost.params, cost.macs))
    return f"{params} parameters, {macs} MACs"


def short(text: str) -> str:
    """The text, cut where it would make the picture too wide."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
