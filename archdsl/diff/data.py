"""A difference as plain data, as `archdsl/schemas/diff.json` describes it."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backends.text.summary import plain_shape, plain_size
from archdsl.diagnostics.render import plain_span
from archdsl.diff.changes import Change, Detail, Difference, Side, Tensors
from archdsl.ir.network import Network


def as_data(differences: Sequence[Difference], old: str, new: str) -> dict[str, object]:
    """All nets of two specs, which are called `old` and `new`."""
    return {
        "version": 1,
        "old": old,
        "new": new,
        "same": not any(each.any for each in differences),
        "nets": [_net(each) for each in differences],
    }


def _net(difference: Difference) -> dict[str, object]:
    return {
        "old": _totals(difference.old),
        "new": _totals(difference.new),
        "same": not difference.any,
        "interface": [_detail(each) for each in difference.interface],
        "stages": [_change(each) for each in difference.changes],
        "state_dict": _tensors(difference.tensors),
    }


def _totals(net: Network | None) -> dict[str, object] | None:
    if net is None:
        return None
    cost = net.root.cost
    return {
        "net": net.name,
        "params": cost.params,
        "trainable": cost.trainable,
        "macs": plain_size(cost.macs),
        "activation_bytes": plain_size(cost.activation_bytes),
        "layers": cost.layers,
    }


def _detail(detail: Detail) -> dict[str, object]:
    return {"what": detail.what, "old": detail.old, "new": detail.new}


def _change(change: Change) -> dict[str, object]:
    return {
        "kind": change.kind,
        "block": change.block or None,
        "places": change.places,
        "details": [_detail(each) for each in change.details],
        "old": _side(change.old),
        "new": _side(change.new),
    }


def _side(side: Side | None) -> dict[str, object] | None:
    if side is None:
        return None
    return {
        "path": side.path,
        "text": side.text,
        "count": side.count,
        "in": [plain_shape(tensor) for tensor in side.ins],
        "out": plain_shape(side.out),
        "params": side.cost.params,
        "macs": plain_size(side.cost.macs),
        "span": plain_span(side.span),
    }


def _tensors(tensors: Tensors) -> dict[str, object]:
    return {
        "listed": not tensors.left_out,
        "added": {name: list(shape) for name, shape in tensors.added.items()},
        "removed": {name: list(shape) for name, shape in tensors.removed.items()},
        "renamed": tensors.renamed,
        "reshaped": {
            name: {"old": list(old), "new": list(new)}
            for name, (old, new) in tensors.reshaped.items()
        },
    }
