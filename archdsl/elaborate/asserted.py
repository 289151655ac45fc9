"""`-> 96x27x27`: what the author believes, held against what was computed."""

from __future__ import annotations

from collections.abc import Callable

from archdsl.diagnostics import Edit, Fix, Hint, Note, fixes_of
from archdsl.elaborate.evaluate import UNKNOWN, describe, evaluate
from archdsl.elaborate.frame import Frame, Value
from archdsl.elaborate.report import Reporter
from archdsl.elaborate.words import ORDERS
from archdsl.ops.window import window
from archdsl.shapes.size import Size
from archdsl.shapes.tensor import Dim, TensorType, shown
from archdsl.source import Span
from archdsl.syntax import nodes as n

_ANY = "_"

# How many paddings and strides are tried for a hint.
_TRIED = 1000


def hold(
    asserted: n.Asserted,
    stage: n.Stage,
    value: Value,
    frame: Frame,
    report: Reporter,
    sizes_of: Callable[[n.Expression], list[Dim] | None],
) -> None:
    """Report an assertion that does not hold, and what would make it hold."""
    tensor = value.type
    assert tensor is not None
    believed: list[Size | None] = []
    order = "chw"
    for part in asserted.parts:
        if isinstance(part, n.Name) and part.name in ORDERS:
            order = part.name
        elif isinstance(part, n.Name) and part.name == _ANY:
            believed.append(None)
        elif isinstance(part, n.Size):
            for size in part.parts:
                if size == _ANY:
                    believed.append(None)
                    continue
                if type(size) is int and 1 <= size <= report.limits.integer:
                    believed.append(size)
                    continue
                dims = sizes_of(part._replace(parts=(size,)))
                if dims is None:
                    return
                believed += [dim.size for dim in dims]
        else:
            dims = sizes_of(part)
            if dims is None:
                return
            believed += [dim.size for dim in dims]
    written = believed
    if order == "hwc" and believed:
        believed = _rolled(believed)
    if len(believed) == tensor.rank and _fits(believed, tensor):
        return
    sizes = tensor.sizes
    there = shown((*sizes[1:], sizes[0]) if order == "hwc" else sizes)
    said = shown(tuple(_ANY if b is None else b for b in written))
    related: list[Note] = []
    hints: tuple[str, ...] = ()
    span = report.span(asserted)
    if len(believed) == tensor.rank:
        if order == "chw" and _fits(_rolled(believed), tensor):
            text = "for height x width x channels, write `hwc` after it"
            end = Span(span.source, span.end, span.end)
            hints = (Hint.writing(text, end, " hwc"),)
        for axis, (b, dim) in enumerate(zip(believed, tensor.dims, strict=True)):
            if b is None or b == dim.size:
                continue
            related += report.came_from(
                dim, f"the {dim.size} comes from here", unless=span
            )
            if axis and not hints:
                fitting = _what_would_fit(frame, value, axis, b)
                hints = (fitting,) if fitting is not None else ()
        differs = believed[0] not in (None, tensor.sizes[0])
        if not hints and differs and tensor.rank > 1:
            at = related[0].span
            where = "" if at.line == span.line else f" in line {at.line}"
            if at.source is not span.source:
                where = f" in line {at.line} of {at.source.name}"
            hints = (f"write {there} here, or {believed[0]} channels{where}",)
    elif order == "chw":
        hints = ("a shape is written channels first, without the batch",)
    hints = _with_the_shape(hints, span, there, order)
    report.error(
        "E0601",
        f"this is {there}, not {said}" if said else f"this is {there}",
        span,
        related=tuple(dict.fromkeys(related)),
        hints=hints,
    )


def _with_the_shape(
    hints: tuple[str, ...], at: Span, there: str, order: str
) -> tuple[str, ...]:
    """The hints, the first of them with the change that claims the shape there is."""
    # Sizes that are not known may be formulas, which blanks part.
    if not there.isalnum():
        return hints
    text = there + (" hwc" if order == "hwc" else "")
    fix = Fix(f"write `{text}`", (Edit(at, text),))
    first, *rest = hints or (f"write {there} here",)
    return (Hint(first, *fixes_of(first), fix), *rest)


def _rolled(believed: list[Size | None]) -> list[Size | None]:
    """The channels, which are last, before the height and the width."""
    return [believed[-1], *believed[:-1]]


def _fits(believed: list[Size | None], tensor: TensorType) -> bool:
    return all(
        b is None or b == dim.size for b, dim in zip(believed, tensor.dims, strict=True)
    )


def _what_would_fit(frame: Frame, value: Value, axis: int, wanted: Size) -> Hint | None:
    """The padding, stride or input with which the last window gives that size."""
    from archdsl.ir.network import Module, Stage
    from archdsl.ops.fixes import give
    from archdsl.ops.record import Site
    from archdsl.ops.window import padding, strided

    nodes = list(frame.nodes)
    while nodes:
        node = nodes.pop()
        if isinstance(node, Stage) and isinstance(node.target, Module):
            nodes += node.target.nodes
        elif isinstance(node, Stage) and all(key in node.args for key in "ksp"):
            break
    else:
        return None
    site = node.target
    assert isinstance(site, Site)
    if node.type.rank <= axis or node.type.dims[axis] != value.type.dims[axis]:  # type: ignore[union-attr]
        return None
    at = axis - 1
    size = site.x.dims[axis].size
    if not isinstance(size, int) or not isinstance(wanted, int):
        return None
    if site.is_word("p", "tf"):
        return None
    k, s = site.sizes("k")[at], strided(site)[at]
    p = padding(site)[at]
    d = site.sizes("d")[at] if "d" in site.args else 1
    ceil = "ceil" in site.args and site.truth("ceil")
    name = site.layer.name
    found: list[str] = []
    fixes: list[Fix] = []

    def fits(size: int, s: int, p: int, ceil: bool) -> bool:
        return window(size, k, s, p, d, ceil) == wanted

    for other in range(min(k, _TRIED)):
        if fits(size, s, other, ceil):
            found.append(f"p{other}")
            fixes += give(site, "p", f"p{other}")
            break
    if "ceil" in site.args and fits(size, s, p, True):
        found.append("`ceil`")
        fixes += give(site, "ceil", "ceil")
    for other in range(1, min(2 * k + s, _TRIED)):
        if fits(size, other, p, ceil):
            found.append(f"s{other}")
            fixes += give(site, "s", f"s{other}")
            break
    least = (wanted - 1) * s + d * (k - 1) + 1 - 2 * p
    nearest = min(max(size, least), least + s - 1)
    if nearest > 0 and fits(nearest, s, p, ceil):
        found.append(f"an input of {nearest} instead of {size}")
    if not found:
        return None
    choices = " or ".join(found)
    return Hint(f"`{name}` with {choices} would give {wanted}", *fixes)


def hold_condition(line: n.AssertLine, frame: Frame) -> None:
    """Report a condition that is false, with the values it compares."""
    report = frame.report
    node = line.condition
    result = evaluate(node, frame, report)
    if result.value is UNKNOWN or result.value is True:
        return
    if result.value is not False:
        report.error(
            "E0503",
            f"{describe(result.value)} is neither true nor false",
            node,
            hints=("compare it: `assert params == 61706`",),
        )
        return
    notes: list[str] = []
    for operand in _compared(node):
        text = report.span(operand).text
        value = evaluate(operand, frame, report).value
        if isinstance(value, int) and not isinstance(value, bool):
            notes.append(f"{text} is {value:,}")
    notes = list(dict.fromkeys(notes))
    if len(notes) == 1 and isinstance(node, n.Comparison):
        message = f"this does not hold: {notes[0]}"
        notes = []
    else:
        message = "this does not hold"
    report.error("E0602", message, node, notes=tuple(notes))


def _compared(node: n.Expression) -> list[n.Expression]:
    """What a condition compares and a reader cannot see the value of, in order."""
    found: list[n.Expression] = []
    stack = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, n.Comparison):
            found += [
                operand
                for operand in part.operands
                if isinstance(operand, n.Name | n.Attribute | n.Binary)
            ]
        elif isinstance(part, n.Boolean2):
            stack += (part.right, part.left)
        elif isinstance(part, n.Not):
            stack.append(part.operand)
    return found
