"""The operators and functions of formulas."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any


def divisible(v: int | float, by: int | float) -> int:
    """The multiple of `by` nearest to v, at least `by`, never under 0.9·v.

    Howard et al. 2019 (MobileNetV3) and its reference code.
    """
    step = int(by)
    near = max(step, int(v + by / 2) // step * step)
    return near + step if near < 0.9 * v else near


_MANY = 64

# Each function with the least and the most arguments it takes.
FUNCTIONS: dict[str, tuple[int, int, Callable[..., int | float]]] = {
    "min": (2, _MANY, min),
    "max": (2, _MANY, max),
    "ceil": (1, 1, math.ceil),
    "floor": (1, 1, math.floor),
    "round": (1, 1, round),
    "divisible": (2, 2, divisible),
    "abs": (1, 1, abs),
    "sqrt": (1, 1, math.sqrt),
    "exp": (1, 1, math.exp),
    "log": (1, 1, math.log),
    "sin": (1, 1, math.sin),
    "cos": (1, 1, math.cos),
}

# Functions of other things than numbers: sizes from numbers; lengths, sums of lists.
OF_LISTS = ("size", "len", "sum")

ARITHMETIC: dict[str, Callable[[int | float, int | float], int | float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a // b if isinstance(a, int) and isinstance(b, int) else a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: a**b,
}

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def equal(a: object, b: object) -> bool:
    """Whether two values are equal; a truth value never equals a number."""
    if isinstance(a, bool) is not isinstance(b, bool):
        return False
    return a == b
