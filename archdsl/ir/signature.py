"""What flows into a net and out of it, in words."""

from __future__ import annotations

from archdsl.ir.network import Module
from archdsl.shapes.tensor import TensorType


def inputs_text(root: Module) -> str:
    """A net's inputs with their names, if they have some."""
    types = [tensor_text(tensor) for tensor in root.inputs]
    if root.input_names:
        pairs = zip(root.input_names, types, strict=True)
        types = [f"{name}: {text}" for name, text in pairs]
    return ", ".join(types)


def outputs_text(root: Module) -> str:
    """A net's outputs with their names, and which exist in training only."""
    if not root.outputs:
        return tensor_text(root.type)
    return ", ".join(
        f"{f'{output.name}: ' if output.name else ''}{tensor_text(output.type)}"
        f"{' (in training)' if output.training else ''}"
        for output in root.outputs
    )


def tensor_text(tensor: TensorType) -> str:
    """A shape, and what it holds if that is not real numbers: `16 int`."""
    return str(tensor) if tensor.dtype == "float" else f"{tensor} {tensor.dtype}"
