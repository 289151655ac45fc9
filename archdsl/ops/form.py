"""How a layer is built and called in PyTorch, as a tree that backends lay out."""

from __future__ import annotations

from typing import Literal, TypeAlias

from archdsl.shapes.expr import Const, Expr
from archdsl.tuples import NamedTuple


class Slot(NamedTuple):
    """A number to be filled in: its value, its formula, and when to leave it out."""

    value: object
    expr: Expr
    default: object = None


class Input(NamedTuple):
    """The tensor that flows in, by number.

    `axes` are added at its end, `front` behind its batch. One that is `loose` may come
    without its batch of one and the axes behind it: what it meets has them. One that
    is `bare`, the same for all samples, comes without its batch.
    """

    number: int
    axes: int = 0
    front: int = 0
    loose: bool = False
    bare: bool = False


class Inputs(NamedTuple):
    """All tensors that flow in, as a list."""


class Keyword(NamedTuple):
    """An argument with its name."""

    name: str
    code: Code


class Apply(NamedTuple):
    """A call."""

    function: str
    arguments: tuple[Code | Keyword, ...]


class Infix(NamedTuple):
    """Operands joined by an operator."""

    operator: str
    operands: tuple[Code, ...]


class Member(NamedTuple):
    """A tensor of the submodule that has this label."""

    label: str
    tensor: str


class Listed(NamedTuple):
    """A list."""

    items: tuple[Code, ...]


class Lambda(NamedTuple):
    """A function without a name."""

    parameters: str
    body: Code


Code: TypeAlias = (
    Slot | Input | Inputs | Apply | Infix | Listed | Member | Lambda | int | str
)


class Attribute(NamedTuple):
    """A tensor that a module holds itself; `batch` tells that its first axis is it."""

    kind: Literal["parameter", "buffer"]
    persistent: bool
    batch: bool


class Form(NamedTuple):
    """`module` constructs the layer; `function` applies it without a module.

    A layer with neither weights nor state may have both. `helper` and
    `function_helper` name files of `archdsl/ops/helpers` whose definition the source
    then carries along, `more_helpers` those that a constructor needs besides. With
    `attribute`, `module` is not called but is the tensor's value. `ties` names tensors
    of the module that are those of another one: `("weight", "tok")`. `imports`
    are the Python module and the class there that `module` constructs.
    """

    module: Apply | None
    function: Code | None = None
    helper: str | None = None
    function_helper: str | None = None
    more_helpers: tuple[str, ...] = ()
    attribute: Attribute | None = None
    ties: tuple[tuple[str, str], ...] = ()
    imports: tuple[str, str] | None = None


def apply(function: str, *arguments: Code, **keywords: Code) -> Apply:
    """A call with positional, then keyword arguments."""
    named = (Keyword(name, code) for name, code in keywords.items())
    return Apply(function, (*arguments, *named))


def fixed(value: object, default: object = None) -> Slot:
    """A value that no parameter has a say in."""
    return Slot(value, Const(value), default)


X = Input(0)
