"""One set of weights in two places: `share enc`, `tie tok`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.diagnostics import Note
from archdsl.elaborate.apply import Target, applied, count_inputs
from archdsl.elaborate.bind import Binder
from archdsl.elaborate.frame import Value
from archdsl.elaborate.labels import label_text, names_a_label
from archdsl.elaborate.words import RESERVED_LABELS, SHARE
from archdsl.ir.network import Cost, Module, Node, Repeat, Stage
from archdsl.ops.record import Bound, Site, form_of
from archdsl.ops.tied import TIED
from archdsl.shapes.expr import Const
from archdsl.shapes.tensor import TensorType
from archdsl.syntax import nodes as n

if TYPE_CHECKING:
    from archdsl.elaborate.walk import Walk


def label_of(call: n.Call, walk: Walk | None = None) -> n.Argument | None:
    """The argument of `share` or `tie` that names a label."""
    return next((arg for arg in call.args if names_a_label(arg)), None)


def share(walk: Walk, stage: n.Stage, call: n.Call, current: Value) -> Value:
    """Apply a labelled stage again, with its weights."""
    frame = walk.frame
    inputs = walk.inputs(call, current)
    unknown = frame.value(None)
    node = _labelled(walk, call)
    if node is None or any(value.type is None for value in inputs):
        return unknown
    types = tuple(value.type for value in inputs if value.type is not None)
    again = _again(walk, node, types, call)
    if again is None:
        return unknown
    output = frame.value(again.type)
    walk.spend(again.cost, stage)
    ids = tuple(value.id for value in inputs)
    frame.nodes.append(again._replace(inputs=ids, output=output.id))
    return output


def _labelled(walk: Walk, call: n.Call) -> Stage | Repeat | None:
    """The stage that has the label; None if there is none to share (reported)."""
    arg = label_of(call)
    word = call.callee.name
    if arg is None:
        return None  # reported with the names
    label = label_text(arg)
    found = None if label in RESERVED_LABELS else walk.frame.fetch(label)
    node: Node | None = walk.frame.sharable.get(label)
    if found is not None and isinstance(node, Stage | Repeat):
        return node
    if found is None:
        # Reported with the names, unless its line is not taken.
        walk.frame.report_skipped(label, arg.value)  # type: ignore[arg-type]
        return None
    if found.value.type is None:
        # What it labels was wrong, and was reported there.
        return None
    walk.report.error(
        "E0317",
        f"`{label}` is no stage of this body that could be used again",
        arg,
        notes=(f"`{word}` names a labelled layer, block or group of the same body",),
        hints=(f"label the stage itself: `{label}: fc 10 | … | {word} {label}`",),
    )
    return None


def _again(
    walk: Walk, node: Stage | Repeat, types: tuple[TensorType, ...], call: n.Call
) -> Stage | Repeat | None:
    """The stage for these inputs, its weights not counted again."""
    span = walk.report.span(call)
    if not node.cost.params:
        walk.report.error(
            "E0317",
            f"`{node.label}` has no weights to share",
            call,
            related=(Note(node.span, "it stands here"),),
            hints=("write the stage again",),
        )
        return None
    if isinstance(node, Stage) and isinstance(node.target, Site):
        first = node.target
        layer = Target(first.layer, None, None)
        if not count_inputs(walk, layer, len(types), call):
            return None
        made = applied(walk, layer, node.args, types, call)
        if made is None:
            return None
        assert isinstance(made.made, Site)
        weights = made.made.layer.weights(made.made, made.type)
        if weights != node.weights or _class(made.made) != _class(first):
            _other_shape(walk, node, first.ins, types, call)
            return None
        return node._replace(
            target=made.made,
            type=made.type,
            cost=_uncounted(made.cost),
            span=span,
            shared=True,
        )
    known = node.runs[0].stage.target if isinstance(node, Repeat) else node.target
    assert isinstance(known, Module | Site)
    before = known.inputs if isinstance(known, Module) else known.ins
    if tuple(before) != types:
        _other_shape(walk, node, tuple(before), types, call)
        return None
    return node._replace(cost=_uncounted(node.cost), span=span, shared=True)


def _class(site: Site) -> str:
    """The class that PyTorch applies here, as there is for all that has weights."""
    module = form_of(site).module
    assert module is not None
    return module.function


def _uncounted(cost: Cost) -> Cost:
    return cost._replace(params=0, trainable=0)


def _other_shape(
    walk: Walk,
    node: Stage | Repeat,
    before: tuple[TensorType, ...],
    types: tuple[TensorType, ...],
    call: n.Call,
) -> None:
    shown = " and ".join(map(str, types))
    walk.report.error(
        "E0318",
        f"`{node.label}` was built for {' and '.join(map(str, before))}, but"
        f" {shown} {'arrives' if len(types) == 1 else 'arrive'}",
        call,
        related=(Note(node.span, "it stands here"),),
        notes=("its weights would have other shapes",)
        if isinstance(node, Stage) and isinstance(node.target, Site)
        else ("a block or group is shared at one shape only",),
        hints=("share it with a value of the same shape",),
    )


def tie(walk: Walk, stage: n.Stage, call: n.Call, current: Value) -> Value:
    """A linear map by the table of an embedding, as at the end of a language model."""
    frame = walk.frame
    inputs = walk.inputs(call, current)
    frame.current = current
    ordinal = frame.ordinal(TIED.name)
    unknown = frame.value(None)
    node = _labelled(walk, call)
    if node is None or any(value.type is None for value in inputs):
        return unknown
    arg = label_of(call)
    assert arg is not None
    target = node.target if isinstance(node, Stage) else None
    if not isinstance(target, Site) or target.layer.name != "embedding":
        walk.report.error(
            "E0317",
            f"`{node.label}` is no embedding",
            call,
            related=(Note(node.span, "it stands here"),),
            hints=(f"to use other weights again: `{SHARE} {node.label}`",),
        )
        return unknown
    binder = Binder(frame, walk.report, None)
    rest = [each for each in call.args if each is not arg]
    span = walk.report.span(call)
    bound = binder.layer(TIED, rest, {}, span)
    if bound is None:
        return unknown
    label = label_text(arg)
    labelled = stage.label is not None
    bound |= {
        "of": Bound(label, Const(label), walk.report.span(arg)),
        "rows": target.args["n"],
        "width": target.args["size"],
        "labelled": Bound(labelled, Const(labelled), None),
    }
    types = tuple(value.type for value in inputs if value.type is not None)
    tied = Target(TIED, None, None)
    if not count_inputs(walk, tied, len(types), call):
        return unknown
    built = applied(walk, tied, bound, types, call)
    if built is None:
        return unknown
    ids = tuple(value.id for value in inputs)
    return walk.append(stage, built, ids, ordinal)
