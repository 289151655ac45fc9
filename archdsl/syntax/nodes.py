"""The syntax tree. Each node holds the offsets `start` and `end` of its text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from archdsl.tuples import NamedTuple


class Number(NamedTuple):
    value: int | float
    start: int
    end: int


class Boolean(NamedTuple):
    value: bool
    start: int
    end: int


class String(NamedTuple):
    value: str
    start: int
    end: int


class Size(NamedTuple):
    """`3x224x224`; a part that is no number is a capital or `_`."""

    parts: tuple[int | str, ...]
    start: int
    end: int


class Name(NamedTuple):
    name: str
    start: int
    end: int


class Attribute(NamedTuple):
    """`in.c`, `stem.params`; `dotted` joins what stands before the last dot."""

    base: Expression
    name: str
    start: int
    end: int


class Index(NamedTuple):
    base: Expression
    index: Expression  # type: ignore[assignment]  # hides the method of tuples
    start: int
    end: int


class Slice(NamedTuple):
    """`n[1:3]`: the entries from the first up to, but not including, the last."""

    base: Expression
    first: Expression | None
    last: Expression | None
    start: int
    end: int


class Negate(NamedTuple):
    operand: Expression
    start: int
    end: int


class Not(NamedTuple):
    operand: Expression
    start: int
    end: int


class Binary(NamedTuple):
    operator: str
    left: Expression
    right: Expression
    start: int
    end: int


class Boolean2(NamedTuple):
    """`left and right`, `left or right`."""

    operator: str
    left: Expression
    right: Expression
    start: int
    end: int


class Comparison(NamedTuple):
    """`a < b <= c`: one operand more than there are operators."""

    operators: tuple[str, ...]
    operands: tuple[Expression, ...]
    start: int
    end: int


class Conditional(NamedTuple):
    """`then if condition else otherwise`."""

    then: Expression
    condition: Expression
    otherwise: Expression
    start: int
    end: int


class Function(NamedTuple):
    """`max(a, b)`."""

    name: str
    arguments: tuple[Expression, ...]
    start: int
    end: int


class ListOf(NamedTuple):
    items: tuple[Expression, ...]
    start: int
    end: int


Expression: TypeAlias = (
    Number
    | Boolean
    | String
    | Size
    | Name
    | Attribute
    | Index
    | Slice
    | Negate
    | Not
    | Binary
    | Boolean2
    | Comparison
    | Conditional
    | Function
    | ListOf
)


class Argument(NamedTuple):
    """An argument: positional when `key` is None; `flag` when written as `s2`."""

    key: str | None
    value: Expression
    flag: bool
    start: int
    end: int


class Call(NamedTuple):
    """`conv 64x3x3 s2`, `add(id, in)`; `inputs` is None without parentheses.

    The callee's name holds a dot where a block comes from a used file: `b.up`.
    """

    callee: Name
    inputs: tuple[Line, ...] | None
    args: tuple[Argument, ...]
    start: int
    end: int


class Group(NamedTuple):
    """`{…} x2`."""

    body: Body
    args: tuple[Argument, ...]
    start: int
    end: int


class Label(NamedTuple):
    """`quoted` when written as a string, which may hold `{i}`."""

    name: str
    quoted: bool
    start: int
    end: int


class Asserted(NamedTuple):
    """What stands after `->`: sizes to be joined, and perhaps an order."""

    parts: tuple[Expression, ...]
    start: int
    end: int


class Stage(NamedTuple):
    label: Label | None
    atom: Call | Group
    asserted: Asserted | None
    start: int
    end: int


class Chain(NamedTuple):
    stages: tuple[Stage, ...]
    start: int
    end: int


class Line(NamedTuple):
    """A chain, taken if `condition` holds (or is absent), else `otherwise`.

    `key` is the name that it has among a call's inputs: `output(aux=…)`.
    """

    chain: Chain
    condition: Expression | None
    otherwise: Chain | None
    start: int
    end: int
    key: Name | None = None


class AssertLine(NamedTuple):
    condition: Expression
    start: int
    end: int


class OrderLine(NamedTuple):
    """`order proj norm`: how these submodules come in the `state_dict`."""

    labels: tuple[Label, ...]
    start: int
    end: int


class Body(NamedTuple):
    lines: tuple[Line | AssertLine | OrderLine, ...]
    start: int
    end: int


class Param(NamedTuple):
    name: str
    default: Expression | None
    start: int
    end: int


class Default(NamedTuple):
    """`default conv same bias=false`."""

    layer: Name
    args: tuple[Argument, ...]
    start: int
    end: int


class Use(NamedTuple):
    """`use "blocks.arch" as b`."""

    path: String
    prefix: Name | None
    start: int
    end: int


class Extern(NamedTuple):
    """`extern warp(x, flow) k=3 -> x.c x.h x.w from "module:Class"`."""

    name: Name
    inputs: tuple[Name, ...]
    params: tuple[Param, ...]
    shape: Asserted
    place: String
    start: int
    end: int


class Block(NamedTuple):
    """`inputs` is empty for the common case of one unnamed input."""

    name: Name
    inputs: tuple[Name, ...]
    params: tuple[Param, ...]
    body: Body
    start: int
    end: int


class Net(NamedTuple):
    """A bare pipeline is a net whose name is the empty string."""

    name: Name
    params: tuple[Param, ...]
    body: Body
    start: int
    end: int


class Family(NamedTuple):
    """`net resnet18 = resnet unit=basic { assert params == 11689512 }`."""

    name: Name
    base: Name
    args: tuple[Argument, ...]
    body: Body | None
    start: int
    end: int


Item: TypeAlias = Default | Use | Extern | Block | Net | Family


class File(NamedTuple):
    items: tuple[Item, ...]
    start: int
    end: int


def parts(node: Expression) -> Iterator[object]:
    """The node and all that it consists of, in no order that matters."""
    stack: list[object] = [node]
    while stack:
        part = stack.pop()
        yield part
        if isinstance(part, tuple):
            stack.extend(child for child in part if isinstance(child, tuple))


def conjuncts(node: Expression) -> list[Expression]:
    """What is joined by `and` in a condition, in the order of the text."""
    found: list[Expression] = []
    stack = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, Boolean2) and part.operator == "and":
            stack += (part.right, part.left)
        else:
            found.append(part)
    return found


def dotted(node: Expression) -> Name | None:
    """`a.b.c` as one name, which may be that of a label; None for anything else."""
    names: list[str] = []
    part = node
    while isinstance(part, Attribute):
        names.append(part.name)
        part = part.base
    if not isinstance(part, Name):
        return None
    return Name(".".join((part.name, *reversed(names))), node.start, node.end)
