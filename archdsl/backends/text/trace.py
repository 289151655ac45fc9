"""The shapes of a net, stage by stage, as data: also of one whose check failed.

`archdsl/schemas/shapes.json` describes it.
"""

from __future__ import annotations

from archdsl.backends.text.summary import plain_shape, plain_size
from archdsl.backends.text.wording import call, one_line, shared_call
from archdsl.diagnostics.render import plain_span
from archdsl.ir.network import Module, Network
from archdsl.ir.outline import Item, Outline, Scope
from archdsl.ir.unchecked import Unchecked
from archdsl.shapes.tensor import TensorType


def shape_trace(network: Network) -> dict[str, object]:
    """The net with its stages, copies that are alike once, and so are shared bodies.

    Shapes are lists without the batch, null where they are not known; sizes and costs
    that are no numbers are formulas as text. Costs are for one sample and all copies
    of a stage.
    """
    root, cost = network.root, network.root.cost
    names = root.input_names or (None,) * len(root.inputs)
    outputs = [(each.name, each.type, each.training) for each in root.outputs]
    outputs = outputs or [(None, root.type, False)]
    return {
        "net": network.name,
        "ok": not network.wrong,
        "inputs": [
            {"name": name, "shape": plain_shape(tensor), "dtype": tensor.dtype}
            for name, tensor in zip(names, root.inputs, strict=False)
        ],
        "outputs": [
            {"name": name, "shape": _known(tensor), "dtype": tensor.dtype}
            | {"training": training}
            for name, tensor, training in outputs
        ],
        "params": cost.params,
        "macs": plain_size(cost.macs),
        "layers": cost.layers,
        "constraints": list(network.facts.constraints() if network.facts else ()),
        "stages": _Trace(network).stages(),
    }


class _Trace:
    """One pass over the outline of a net."""

    def __init__(self, network: Network) -> None:
        self._outline = Outline(network)
        # Where each body was shown; it is shown once.
        self._shown: dict[int, str] = {}

    def stages(self) -> list[dict[str, object]]:
        return self._body(self._outline.root(), "")

    def _body(self, scope: Scope, path: str) -> list[dict[str, object]]:
        return [
            self._stage(item, scope, path, at in scope.flat.training)
            for at, item in self._outline.items(scope)
        ]

    def _stage(
        self, item: Item, scope: Scope, path: str, training: bool = False
    ) -> dict[str, object]:
        stage = item.stage
        target = stage.target
        own = f"{path}{item.name}" if item.name else path.rstrip(".")
        found: dict[str, object] = {
            "path": own,
            "kind": stage.kind,
            "label": item.label,
            "text": _text(item),
            "count": item.count,
            "state": "checked",
            "in": [_known(tensor) for tensor in item.ins],
            "out": _known(item.out),
            "params": item.cost.params,
            "macs": plain_size(item.cost.macs),
            "training": training,
            "span": plain_span(item.node.span),
        }
        if isinstance(target, Unchecked):
            fault = target.fault
            found["state"] = "wrong" if fault else "unknown"
            if fault is not None:
                found["code"] = fault.code
        elif not item.out.dims:
            found["state"] = "unknown"
        inner = path + item.prefix
        if item.parts:
            found["stages"] = [
                self._stage(part, scope, inner)
                for part in self._outline.copies(item.node, item.parts, scope)  # type: ignore[arg-type]
            ]
        elif isinstance(item.module, Module):
            first = self._shown.setdefault(id(item.module), own)
            body = self._outline.inside(item, scope)
            if first != own and not item.inline:
                found["same_as"] = first
            elif body is not None:
                found["stages"] = self._body(body, inner)
        return found


def _text(item: Item) -> str:
    stage = item.stage
    if item.node.shared:
        return shared_call(item.node)
    if isinstance(stage.target, Unchecked):
        return one_line(stage.target.text)
    return call(stage)


def _known(tensor: TensorType) -> list[int | str] | None:
    return plain_shape(tensor) if tensor.dims else None
