"""Formulas as Python: their value for given arguments, and their text."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import reduce
from typing import NamedTuple

from archdsl.backends.torch.code import is_simple
from archdsl.ir.network import LayerRef
from archdsl.shapes.arithmetic import ARITHMETIC, COMPARE, FUNCTIONS, equal
from archdsl.shapes.expr import Const, Expr, InputSize, Op, Opaque, Var
from archdsl.shapes.size import is_symbolic, largest, smallest

Known = Mapping[Var | InputSize, object]


class NoValueError(Exception):
    """The formula is not kept, or does not hold for these arguments."""


def value(expr: Expr, known: Known) -> object:
    """What a formula is worth. Raises NoValueError if that cannot be said."""
    if isinstance(expr, Const):
        return expr.value
    if isinstance(expr, Var | InputSize):
        if expr not in known:
            raise NoValueError
        return known[expr]
    if isinstance(expr, Opaque):
        raise NoValueError
    operands = [value(operand, known) for operand in expr.operands]
    try:
        return _apply(expr.operator, operands)
    except (ArithmeticError, TypeError, IndexError, ValueError) as wrong:
        raise NoValueError from wrong


def _apply(operator: str, v: list[object]) -> object:
    if operator in ARITHMETIC:
        return reduce(ARITHMETIC[operator], v)  # type: ignore[arg-type]
    if operator in COMPARE:
        return COMPARE[operator](v[0], v[1])
    if operator in ("max", "min") and any(map(is_symbolic, v)):
        return reduce(largest if operator == "max" else smallest, v)  # type: ignore[arg-type]
    if operator in FUNCTIONS:
        return FUNCTIONS[operator][2](*v)
    if operator == "==":
        return equal(v[0], v[1])
    if operator == "!=":
        return not equal(v[0], v[1])
    if operator == "and":
        return bool(v[0] and v[1])
    if operator == "or":
        return bool(v[0] or v[1])
    if operator == "not":
        return not v[0]
    if operator == "neg":
        return -v[0]  # type: ignore[operator]
    if operator == "[]":
        return v[0][v[1]]  # type: ignore[index]
    if operator in ("tuple", "list"):
        return tuple(v)
    raise NoValueError


class Written(NamedTuple):
    """The text of a formula and how tightly its last operator binds."""

    text: str
    binding: int


_BINDING = {
    "or": 1,
    "and": 2,
    "not": 3,
    "==": 4,
    "!=": 4,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "//": 6,
    "%": 6,
    "neg": 7,
    "**": 8,
}
_TIGHTEST = 9

# What needs a function of its own in the source, and what has another name there.
HELPERS = {"divisible": "make_divisible"}
_MATH = {
    name: f"math.{name}"
    for name in ("ceil", "floor", "sqrt", "exp", "log", "sin", "cos")
}


def written(
    expr: Expr,
    names: Mapping[Var | InputSize, str],
    known: Known,
    layers: Collection[Var | InputSize] = (),
) -> Written:
    """The formula as Python, with the names that its parts have there.

    `layers` are those that hold a layer or None. Raises NoValueError for what has no
    name in Python.
    """
    if isinstance(expr, Const):
        text = literal(expr.value)
        return Written(text, 7 if text.startswith("-") else _TIGHTEST)
    if isinstance(expr, Var | InputSize):
        if expr in layers:
            # Only whether there is one can be asked.
            raise NoValueError
        return Written(names[expr], _TIGHTEST)
    assert isinstance(expr, Op)
    operator = expr.operator
    if operator in ("==", "!="):
        asked = _whether_there(operator, expr.operands, names, layers)
        if asked is not None:
            return asked
    parts = [written(operand, names, known, layers) for operand in expr.operands]
    if operator == "[]":
        return Written(f"{_tight(parts[0], _TIGHTEST)}[{parts[1].text}]", _TIGHTEST)
    if operator in ("tuple", "list"):
        inner = ", ".join(part.text for part in parts)
        if operator == "list":
            return Written(f"[{inner}]", _TIGHTEST)
        return Written(f"({inner},)" if len(parts) == 1 else f"({inner})", _TIGHTEST)
    if operator in FUNCTIONS:
        inner = ", ".join(part.text for part in parts)
        name = HELPERS.get(operator) or _MATH.get(operator) or operator
        return Written(f"{name}({inner})", _TIGHTEST)
    binding = _BINDING[operator]
    if operator in ("==", "!="):
        plain = _without_truth(operator, expr.operands, parts)
        if plain is not None:
            return plain
    if operator == "not":
        return Written(f"not {_tight(parts[0], binding)}", binding)
    if operator == "neg":
        return Written(f"-{_tight(parts[0], binding)}", binding)
    if operator == "/" and isinstance(value(expr, known), int):
        # Exact in the language: both sides are whole and the remainder is 0.
        operator = "//"
    left = _tight(parts[0], binding + (operator == "**"))
    if operator == "+":
        return Written(_sum(left, parts[1:], binding), binding)
    if operator == "**" and all(is_simple(text) for text in (left, parts[1].text)):
        return Written(f"{left}**{parts[1].text}", binding)
    texts = [left]
    for part in parts[1:]:
        commutes = operator in ("+", "*", "and", "or")
        texts.append(_tight(part, binding if commutes else binding + 1))
    return Written(f" {operator} ".join(texts), binding)


def _whether_there(
    operator: str,
    operands: tuple[Expr, ...],
    names: Mapping[Var | InputSize, str],
    layers: Collection[Var | InputSize],
) -> Written | None:
    """A comparison of a layer with false as Python has it: `x is None`."""
    for operand, other in zip(operands, reversed(operands), strict=True):
        if isinstance(other, Const) and other.value is False and operand in layers:
            assert isinstance(operand, Var | InputSize)
            word = "is" if operator == "==" else "is not"
            return Written(f"{names[operand]} {word} None", _BINDING[operator])
    return None


def _without_truth(
    operator: str, operands: tuple[Expr, ...], parts: list[Written]
) -> Written | None:
    """A comparison with true or false as Python has it: `x` or `not x`."""
    for operand, other in zip(operands, reversed(parts), strict=True):
        if isinstance(operand, Const) and isinstance(operand.value, bool):
            if operand.value is (operator == "=="):
                return other
            return Written(f"not {_tight(other, _BINDING['not'])}", _BINDING["not"])
    return None


def _sum(text: str, parts: list[Written], binding: int) -> str:
    """Terms joined by their signs."""
    for part in parts:
        term = _tight(part, binding)
        text += f" - {term[1:]}" if term.startswith("-") else f" + {term}"
    return text


def _tight(part: Written, binding: int) -> str:
    return part.text if part.binding >= binding else f"({part.text})"


def needs_math(expr: Expr) -> bool:
    """Whether a formula calls functions of Python's `math`."""
    return not functions_in(expr).isdisjoint(_MATH)


def functions_in(expr: Expr) -> set[str]:
    """The functions that a formula calls."""
    if not isinstance(expr, Op):
        return set()
    found = {expr.operator} & FUNCTIONS.keys()
    for operand in expr.operands:
        found |= functions_in(operand)
    return found


def literal(value: object) -> str:
    """A value as Python source, numbers and quotes as `ruff format` has them."""
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, int | float):
        return repr(value).replace("e+", "e")
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, LayerRef):
        raise NoValueError
    if isinstance(value, tuple):
        inner = ", ".join(map(literal, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    raise NoValueError


def quoted(text: str) -> str:
    """A string literal in ASCII, in double quotes unless it holds some."""
    plain = ascii(text)
    if plain[0] == "'" and '"' not in plain:
        return f'"{plain[1:-1]}"'
    return plain
