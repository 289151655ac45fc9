"""Trees of PyTorch code, as `archdsl.ops.form` has them, while they are written."""

from __future__ import annotations

import re

from archdsl.backends.torch import code as c
from archdsl.ops.form import Apply, Infix, Input, Keyword, Listed, Slot
from archdsl.ops.form import Code as FormCode
from archdsl.ops.record import unknown


def with_axes(given: c.Code, wanted: Input) -> c.Code:
    """A tensor with the axes that it needs beside others."""
    text = c.flat(given)
    if (wanted.loose or wanted.bare) and text.endswith("[None]"):
        # Tensors of the module have no batch, and PyTorch adds axes in front.
        return c.Text(text.removesuffix("[None]"))
    if not (wanted.bare or wanted.axes or wanted.front):
        return given
    if not isinstance(given, c.Text | c.Call):
        text = f"({text})"
    if wanted.bare:
        return c.Text(f"{text}[0]")
    if wanted.axes:
        return c.Text(f"{text}[..., {', '.join(['None'] * wanted.axes)}]")
    return c.Text(f"{text}[:, {', '.join(['None'] * wanted.front)}]")


def keyword(argument: FormCode | Keyword) -> str | None:
    """The name of an argument, if it has one."""
    return argument.name if isinstance(argument, Keyword) else None


def argument_code(apply: Apply, number: int) -> FormCode:
    """An argument of a call, without its name."""
    argument = apply.arguments[number]
    return argument.code if isinstance(argument, Keyword) else argument


def slots(code: FormCode | None) -> list[Slot]:
    """The numbers to be filled in."""
    if isinstance(code, Slot):
        return [code]
    if isinstance(code, Listed):
        return [slot for item in code.items for slot in slots(item)]
    if isinstance(code, Apply):
        parts = [argument_code(code, at) for at in range(len(code.arguments))]
        return [slot for part in parts for slot in slots(part)]
    if isinstance(code, Infix):
        return [slot for part in code.operands for slot in slots(part)]
    return []


def known_values(code: FormCode | None) -> list[object]:
    """The numbers in the code; those that the tensors tell are all alike."""
    return [None if unknown(slot) else slot.value for slot in slots(code)]


def bracketed(code: c.Text, operator: str) -> c.Text:
    """A number or formula as it may stand beside an operator."""
    text = code.text
    plain = text.replace(".", "").replace("_", "").isalnum()
    power = operator != "**" and text.replace("**", "", 1).isidentifier()
    compared = operator in _LOOSE and not _LOOSER.search(text)
    return code if plain or power or compared else c.Text(f"({text})")


# Beside these, sums and products need no brackets.
_LOOSE = frozenset(("==", "!=", "<", "<=", ">", ">="))
_LOOSER = re.compile(r"[<>=&|]|\b(and|or|not|if|lambda)\b")
