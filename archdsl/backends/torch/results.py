"""What a net's `forward` returns: a tensor, several, or several with names."""

from __future__ import annotations

from typing import NamedTuple

from archdsl.backends.torch import code as c
from archdsl.backends.torch.formula import quoted
from archdsl.backends.torch.forward import Returns
from archdsl.backends.torch.reserved import safe_name
from archdsl.ir.network import Module


class ClassSource(NamedTuple):
    """A class as the template lays it out: lines without a common indentation."""

    name: str
    base: str
    doc: list[str]
    init: list[str]
    forward: list[str]


class Result(NamedTuple):
    """The annotation of `forward`, what puts outputs together, and a class for them."""

    annotation: str
    returns: Returns | None
    source: ClassSource | None


def of(root: Module, class_name: str) -> Result:
    """How a net's outputs are returned; a named tuple would have that class."""
    form = root.output_form
    always = [output for output in root.outputs if not output.training]
    if form == "tensor":
        return Result("Tensor", None, None)
    if form == "dict":
        return Result("dict[str, Tensor]", _dictionary, None)
    if form == "tuple":
        return _tuple(len(root.outputs), len(always))
    fields = [
        f"    {_field(output.name or '')}: "
        + ("Tensor | None = None" if output.training else "Tensor")
        for output in sorted(root.outputs, key=lambda output: output.training)
    ]
    doc = [f"What {class_name.removesuffix('Output')} returns."]
    if len(always) == 1:
        doc = [f"What {class_name.removesuffix('Output')} returns in training."]
    annotation = class_name
    if len(always) == 1:
        annotation = f"Tensor | {class_name}"

    def returns(names: list[str | None], codes: list[c.Code]) -> c.Code:
        if len(codes) == 1:
            return codes[0]
        arguments = tuple(
            c.Keyword(_field(name or ""), code)
            for name, code in zip(names, codes, strict=True)
        )
        return c.Call(c.Text(class_name), arguments)

    source = ClassSource(class_name, "NamedTuple", doc, fields, [])
    return Result(annotation, returns, source)


def _field(name: str) -> str:
    """A name that a field of a named tuple may have."""
    return safe_name(name).lstrip("_") or "out"


def _dictionary(names: list[str | None], codes: list[c.Code]) -> c.Code:
    pairs = tuple(
        (quoted(name or ""), code) for name, code in zip(names, codes, strict=True)
    )
    return c.Dictionary(pairs)


def _tuple(count: int, always: int) -> Result:
    whole = f"tuple[{', '.join(['Tensor'] * count)}]"
    annotation = whole
    if always < count:
        rest = "Tensor" if always == 1 else f"tuple[{', '.join(['Tensor'] * always)}]"
        annotation = f"{rest} | {whole}"

    def returns(names: list[str | None], codes: list[c.Code]) -> c.Code:
        return codes[0] if len(codes) == 1 else c.Several(tuple(codes))

    return Result(annotation, returns, None)
