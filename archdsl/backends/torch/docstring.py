"""Docstrings: what the class is, and the table of its shapes."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.backends.torch.formula import quoted
from archdsl.ir.names import children
from archdsl.ir.network import Module, Repeat
from archdsl.ops.record import Site

_WIDEST = 80
# A table with more rows than this says less than the code.
_MOST_ROWS = 60


def table(module: Module, indent: int) -> list[str]:
    """Rows of stage, output shape and parameters, aligned."""
    rows = _inputs(module)
    rows += list(_rows(module))
    if len(rows) > _MOST_ROWS:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    numbers = max(len(row[2]) for row in rows)
    lines = []
    for name, shape, params in rows:
        line = f"{name:<{widths[0]}}  {shape:<{widths[1]}}  {params:>{numbers}}"
        lines.append(f"{' ' * indent}{line}".rstrip())
    if any(len(line) > _WIDEST for line in lines):
        return []
    return lines


def _inputs(module: Module) -> list[tuple[str, str, str]]:
    """A row for each input that has a name, or one for all."""
    shapes = [
        str(tensor) if tensor.dtype == "float" else f"{tensor} {tensor.dtype}"
        for tensor in module.inputs
    ]
    if module.kind != "net" or not module.input_names:
        return [("input", " and ".join(shapes), "")]
    pairs = zip(module.input_names, shapes, strict=True)
    return [(f"input {plain(name)}", shape, "") for name, shape in pairs]


def _rows(module: Module) -> Iterator[tuple[str, str, str]]:
    previous: tuple[str, str, str] | None = None
    for child in children(module, module.kind == "group"):
        node = child.node
        if isinstance(node, Repeat):
            name = f"{plain(child.name)} ×{node.count}"
        elif isinstance(node.target, Site) and node.target.layer.look == "activation":
            continue
        else:
            name = plain(child.name)
        if node.shared:
            name = f"{name} (shared)"
        elif child.training:
            name = f"{name} (in training)"
        params = f"{node.cost.params:,}" if node.cost.params else ""
        row = (name, str(node.type), params)
        if row != previous:
            yield row
        previous = row


def plain(text: str) -> str:
    """Text of a spec as it can stand in a docstring."""
    return quoted(text)[1:-1].replace('"', "'")
