"""What expressions give: values, each with its formula."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from archdsl.ir.network import LayerRef
from archdsl.shapes.expr import Const, Expr, op
from archdsl.shapes.size import Size, is_symbolic
from archdsl.tuples import NamedTuple

if TYPE_CHECKING:
    from typing import Any, TypeAlias, TypeGuard

    from archdsl.shapes.symbols import Symbolic

    Number: TypeAlias = int | float | Symbolic


class Unknown:
    """The value of what could not be worked out. It raises no further finding."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


class Result(NamedTuple):
    """A value and its formula."""

    value: object
    expr: Expr


FAILED = Result(UNKNOWN, Const(None))


class SizeValue(tuple[Size, ...]):
    """The value of `3x3`, apart from a list."""

    __slots__ = ()


def describe(value: object) -> str:
    """A value's kind, for people."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}"
    if is_symbolic(value):
        return f"the size {value}"
    if isinstance(value, str):
        return f'the text "{value}"'
    if isinstance(value, SizeValue):
        return "the size " + "x".join(map(str, value))
    if is_list(value) or isinstance(value, list):
        return "a list"
    assert isinstance(value, LayerRef)
    return f"the layer `{value.name}`"


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether the value is an integer or float, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_size(value: object) -> TypeGuard[Number]:
    """Whether arithmetic takes the value: a number, or a size that is not known."""
    return is_number(value) or is_symbolic(value)


def is_list(value: object) -> TypeGuard[tuple[Any, ...]]:
    """Whether the value is a list of the language."""
    return isinstance(value, tuple) and not isinstance(value, SizeValue | LayerRef)


def pick(result: Result, copy: int | None) -> Result:
    """The entry of a list for one copy of a repeat, the last one staying."""
    value = result.value
    if copy is None or not is_list(value):
        return result
    if not value:
        return result
    at = min(copy, len(value) - 1)
    return Result(value[at], op("[]", value[at], result.expr, Const(at)))
