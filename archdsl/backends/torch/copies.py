"""Copies of submodules as comprehensions, where their arguments follow a rule."""

from __future__ import annotations

from collections.abc import Callable

from archdsl.backends.torch import code as c

# From so many copies on, a comprehension is shorter than the copies.
_WORTH_A_LOOP = 3


def folded(elements: list[tuple[c.Code, str]]) -> tuple[c.Code, ...]:
    """Equal copies as comprehensions, and copies whose numbers grow evenly too."""
    items: list[c.Code] = []
    at = 0
    while at < len(elements):
        code, count = elements[at]
        if count != "1":
            counted = c.Call(c.Text("range"), (c.Text(count),))
            items.append(c.Star(c.Comprehension(code, "_", counted)))
            at += 1
            continue
        growing, length = _growing([e for e, n in elements[at:] if n == "1"])
        if length >= _WORTH_A_LOOP and all(
            n == "1" for _, n in elements[at : at + length]
        ):
            counted = c.Call(c.Text("range"), (c.Text(str(length)),))
            items.append(c.Star(c.Comprehension(growing, "i", counted)))
            at += length
        else:
            items.append(code)
            at += 1
    return tuple(items)


def _growing(codes: list[c.Code]) -> tuple[c.Code, int]:
    """The longest start of the list whose arguments grow by equal steps."""
    first = codes[0]
    if not isinstance(first, c.Call):
        return first, 1
    alike = [first]
    for code in codes[1:]:
        if not isinstance(code, c.Call) or _outline(code) != _outline(first):
            break
        alike.append(code)
    length = len(alike)
    templates: list[c.Code] = []
    for number in range(len(first.arguments)):
        column = [_bare(call.arguments[number]) for call in alike]
        template, fitting = _progression(column)
        templates.append(template)
        length = min(length, fitting)
    if length < _WORTH_A_LOOP or all(call == first for call in alike[:length]):
        return first, 1
    arguments: list[c.Code | c.Keyword] = []
    for argument, template in zip(first.arguments, templates, strict=True):
        if isinstance(argument, c.Keyword):
            arguments.append(c.Keyword(argument.name, template))
        else:
            arguments.append(template)
    return c.Call(first.function, tuple(arguments)), length


def _outline(call: c.Call) -> tuple[object, ...]:
    names = (a.name if isinstance(a, c.Keyword) else None for a in call.arguments)
    return (call.function, *names)


def _bare(argument: c.Code | c.Keyword) -> c.Code:
    return argument.code if isinstance(argument, c.Keyword) else argument


def _progression(column: list[c.Code]) -> tuple[c.Code, int]:
    """The argument as a formula of the copy `i`, and for how many copies it holds."""
    first = column[0]
    if len(column) < _WORTH_A_LOOP or column[1] == first:
        return first, _while(column, lambda i: first)
    if not isinstance(first, c.Text) or not isinstance(column[1], c.Text):
        return first, 1
    base, second = first.text, column[1].text
    if base.isdigit() and second.isdigit():
        start, step = int(base), int(second) - int(base)
        sign = "+" if step > 0 else "-"
        scale = f"{abs(step)} * i" if abs(step) != 1 else "i"
        held = _while(column, lambda i: c.Text(str(start + step * i)))
        return c.Text(f"{base} {sign} {scale}"), held
    if (
        second.startswith(f"{base} + ")
        and second.removeprefix(f"{base} + ").isidentifier()
    ):
        name = second.removeprefix(f"{base} + ")
        plain = (base, second)
        held = _while(
            column,
            lambda i: c.Text(plain[i] if i < 2 else f"{base} + {i} * {name}"),
        )
        return c.Text(f"{base} + i * {name}"), held
    return first, 1


def _while(column: list[c.Code], expected: Callable[[int], c.Code]) -> int:
    """How many entries of the column, from its start, are as expected."""
    for i, code in enumerate(column):
        if code != expected(i):
            return i
    return len(column)
