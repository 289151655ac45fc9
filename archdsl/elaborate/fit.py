"""Which values an argument takes, by its type, and why it refuses others."""

from __future__ import annotations

from collections.abc import Callable

from archdsl.elaborate.values import SizeValue, describe, is_list
from archdsl.ops.record import ArgType, Kind
from archdsl.shapes.size import is_symbolic, require

LIST_OR_SIZE = (
    "a list gives one entry to each copy of a repeat (`x2`); a size is written `3x3`"
)


def fit(value: object, wanted: ArgType) -> object | None:
    """The value as an argument of that type holds it, or None if it does not fit."""
    if wanted.kind == "sizes":
        value = tuple(value) if isinstance(value, SizeValue) else (value,)
    elif wanted.kind == "whole" and isinstance(value, SizeValue) and len(value) == 1:
        value = value[0]
    return value if _FITS[wanted.kind](value, wanted) else None


def _all_whole(value: object, wanted: ArgType) -> bool:
    assert isinstance(value, tuple)
    return all(_bounded(part, wanted, whole=True) for part in value)


def _is_text(value: object, wanted: ArgType) -> bool:
    return isinstance(value, str)


# What fits each kind. Words are looked at before.
_FITS: dict[Kind, Callable[[object, ArgType], bool]] = {
    "truth": lambda value, wanted: isinstance(value, bool),
    "axis": _is_text,
    "text": _is_text,
    "word": lambda value, wanted: False,
    "formula": lambda value, wanted: True,
    "whole": lambda value, wanted: _bounded(value, wanted, whole=True),
    "number": lambda value, wanted: _bounded(value, wanted, whole=False),
    "sizes": _all_whole,
    "strings": lambda value, wanted: (
        is_list(value) and all(isinstance(part, str) for part in value)
    ),
    "list": lambda value, wanted: is_list(value) and _all_whole(value, wanted),
    "lists": lambda value, wanted: (
        is_list(value)
        and all(is_list(row) and _all_whole(row, wanted) for row in value)
    ),
}


def _bounded(value: object, wanted: ArgType, whole: bool) -> bool:
    if type(value) is not int and is_symbolic(value):
        if not whole and wanted.most is not None:
            # A share, say of what is dropped: no size is one.
            return False
        if wanted.least is not None and not require(value, ">=", int(wanted.least)):  # type: ignore[arg-type]
            return False
        return wanted.most is None or require(value, "<=", int(wanted.most))  # type: ignore[arg-type]
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return False
    if wanted.least is not None and value < wanted.least:
        return False
    return wanted.most is None or value <= wanted.most


def misfit(value: object, wanted: ArgType) -> tuple[str, str, tuple[str, ...]]:
    """The code, words and hints for a value that does not fit."""
    in_range = fit(value, wanted._replace(least=None, most=None))
    hints: tuple[str, ...] = ()
    if isinstance(value, float) and wanted.kind in ("whole", "sizes"):
        hints = (
            "a product with a fraction is no whole number:"
            " `round(…)` or `divisible(…, 8)` makes one of it",
        )
    elif is_list(value) and wanted.kind in ("whole", "sizes", "number"):
        hints = (LIST_OR_SIZE,)
    first = value[0] if isinstance(value, SizeValue) else None
    if isinstance(first, int) and first < 0 and not wanted.words:
        hints = ("a minus after a space is a sign; to subtract: `16 - 1`",)
    code = "E0405" if in_range is not None else "E0404"
    return code, f"{wanted.describe()}, not {_shown(value)}", hints


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return describe(value)
    return str(value) if isinstance(value, int | float) else describe(value)
