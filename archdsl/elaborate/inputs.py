"""The inputs of a net: `input ids: T int`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from archdsl.elaborate.bodies import symbols_in
from archdsl.elaborate.evaluate import UNKNOWN, Result, SizeValue, describe, evaluate
from archdsl.elaborate.frame import NOTHING, Frame, Value
from archdsl.elaborate.words import DTYPES
from archdsl.shapes.expr import Const, InputSize, op
from archdsl.shapes.size import exceeds, is_symbolic, require
from archdsl.shapes.tensor import AXES, Dim, DType, TensorType
from archdsl.syntax import nodes as n

if TYPE_CHECKING:
    from archdsl.elaborate.walk import Walk


def declare_input(walk: Walk, stage: n.Stage, call: n.Call) -> Value:
    """The value of an `input` stage."""
    frame = walk.frame
    if frame.outer is not None or walk.report.in_block():
        walk.report.error(
            "E0307",
            "`input` stands in a net, outside of groups and blocks",
            stage,
        )
        return frame.value(None)
    if not frame.input_spans and frame.input_value is not NOTHING:
        # Something was amiss at the first stage, and was reported there.
        frame.restart()
    if not frame.is_fresh():
        walk.report.error(
            "E0307",
            "inputs stand at the beginning of a net",
            stage,
            hints=("`in` is the net's first input, wherever it is needed",),
        )
        return frame.input_value
    label = stage.label.name if stage.label is not None else None
    if frame.input_spans and (label is None or not frame.input_names[0]):
        walk.report.error(
            "E0307",
            "a net with several inputs names each of them",
            stage if label is None else frame.input_spans[0],
            hints=("as in `input ids: 16 int`",),
        )
    frame.input_names.append(label)
    frame.input_spans.append(walk.report.span(stage))
    tensor = _tensor(walk, stage, call)
    value = frame.value(tensor)
    if tensor is not None:
        frame.inputs.append(tensor)
    if frame.input_value is NOTHING:
        frame.input_value = value
    return value


def _tensor(walk: Walk, stage: n.Stage, call: n.Call) -> TensorType | None:
    """What an input holds, or None if that is wrong (reported)."""
    sizes, dtype = _split_dtype(call.args)
    symbols = [name for arg in sizes for name in symbols_in(arg.value)]
    if symbols:
        from archdsl.elaborate.unknowns import declare

        declare(walk.frame, symbols)
        walk.owner.symbols = walk.frame.facts
    dims = _joined(walk, sizes)
    if dims is None:
        return None
    if not dims:
        walk.report.error(
            "E0402",
            "`input` lacks its shape",
            stage,
            hints=("channels first, without the batch: `input 3x224x224`",),
        )
        return None
    if len(dims) > max(AXES):
        walk.report.error(
            "E0403",
            f"a shape has at most {max(AXES)} sizes, not {len(dims)}",
            call,
            hints=("leave the batch out: `3x224x224`",),
        )
        return None
    tensor = TensorType(_read_from_input(walk.frame, dims), dtype)
    if exceeds(tensor.elements, walk.report.limits.integer):
        walk.report.error("E0701", f"the value {tensor} is too large", call)
        return None
    return tensor


def _read_from_input(frame: Frame, dims: list[Dim]) -> tuple[Dim, ...]:
    """The sizes; those that are not known are read from the input's axes."""
    found: list[Dim] = []
    for axis, dim in enumerate(dims):
        if isinstance(dim.size, int):
            found.append(dim)
            continue
        place = InputSize(len(frame.inputs), axis)
        found.append(Dim(dim.size, dim.origin, place))
        for name, known in frame.symbols.items():
            if known.value is dim.size:
                frame.symbols[name] = Result(dim.size.renamed(place), place)
    return tuple(found)


def _split_dtype(args: tuple[n.Argument, ...]) -> tuple[list[n.Argument], DType]:
    """The sizes that an input is declared with, and what it holds."""
    dtype: DType = "float"
    sizes: list[n.Argument] = []
    for arg in args:
        node = arg.value
        if arg.key is None and isinstance(node, n.Name) and node.name in DTYPES:
            dtype = node.name  # type: ignore[assignment]
        else:
            sizes.append(arg)
    return sizes, dtype


def _joined(walk: Walk, args: Iterable[n.Argument]) -> list[Dim] | None:
    """Positional sizes, joined, as the sizes of a shape; None if reported."""
    dims: list[Dim] = []
    for arg in args:
        if arg.key is not None:
            walk.report.error("E0401", f"`input` has no argument `{arg.key}`", arg)
            return None
        found = sizes_of(walk.frame, arg.value)
        if found is None:
            return None
        dims += found
    return dims


def sizes_of(
    frame: Frame, node: n.Expression, restricts: bool = True
) -> list[Dim] | None:
    """The sizes that an expression stands for in a shape; None if reported.

    What only states a belief does not restrict the sizes that are not known.
    """
    report = frame.report
    result = evaluate(node, frame, report, restricts=restricts)
    span = report.span(node)
    value = result.value
    if value is UNKNOWN:
        return None
    parts: tuple[Any, ...] = value if isinstance(value, SizeValue) else (value,)
    dims = []
    for at, part in enumerate(parts):
        if is_symbolic(part) and (not restricts or require(part, ">=", 1)):
            dims.append(Dim(part, span))
            continue
        if isinstance(part, bool) or not isinstance(part, int) or part < 1:
            report.error(
                "E0404",
                f"a shape holds whole numbers of 1 or more, not {describe(part)}",
                node,
            )
            return None
        expr = result.expr
        if isinstance(value, SizeValue):
            expr = op("[]", part, expr, Const(at))
        dims.append(Dim(part, span, expr))
    return dims
