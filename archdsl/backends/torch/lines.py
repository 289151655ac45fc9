"""Lines of a class: signatures, annotations, docstrings."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backends.torch import code as c
from archdsl.backends.torch import docstring
from archdsl.backends.torch.expressions import Argument
from archdsl.backends.torch.namespace import Namespace
from archdsl.ir.network import Module


def wrapped(text: str) -> list[str]:
    """Text of a docstring in lines; formulas are parted at their blanks."""
    from textwrap import wrap

    return wrap(
        text, c.WIDTH - c.INDENT, break_long_words=False, break_on_hyphens=False
    )


def shapes(module: Module, title: str) -> list[str]:
    """The table of shapes in a docstring, if it is short enough."""
    rows = docstring.table(module, c.INDENT)
    return ["", title, "", *rows] if rows else []


def declared(namespace: Namespace) -> list[str]:
    """The types of the constants that a class holds."""
    lines = [f"{' ' * c.INDENT}{name}: Tensor" for name in namespace.tensors]
    return [*lines, ""] if lines else []


def kept(namespace: Namespace) -> list[str]:
    """The statements that keep constructor arguments for `forward`."""
    return [
        line
        for argument, attribute in namespace.kept.items()
        for line in c.assign(f"self.{attribute}", c.Text(argument), 2 * c.INDENT)
    ]


def _parameter(argument: Argument) -> str:
    text = f"{argument.name}: {argument.annotation}"
    return text if argument.default is None else f"{text} = {argument.default}"


def init_signature(arguments: list[Argument]) -> list[str]:
    """`def __init__(self, …) -> None:`."""
    return c.signature("__init__", parameters(arguments), "None", c.INDENT)


def parameters(arguments: list[Argument]) -> list[str]:
    """`self` and the arguments, with their types and defaults."""
    return ["self", *map(_parameter, arguments)]


def init(
    arguments: list[Argument], built: list[str], with_super: bool = True
) -> list[str]:
    """The constructor, if there is anything to say in it."""
    if not built and not arguments:
        return []
    first = ["        super().__init__()"] if with_super else []
    return [*init_signature(arguments), *first, *built]


def forward(
    inputs: list[str],
    body: list[str],
    result: str = "Tensor",
    sizes: Sequence[str] = (),
) -> list[str]:
    """`forward` with that body; `sizes` are told beside the tensors."""
    tensors = (f"{name}: Tensor" for name in inputs)
    parameters = ["self", *tensors, *(f"{name}: int" for name in sizes)]
    return [*c.signature("forward", parameters, result, c.INDENT), *body]
