"""Copies of submodules as comprehensions, where their arguments follow a rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from archdsl.backends.torch import code as c
from archdsl.backends.torch.formula import quoted

# From so many copies on, a comprehension is shorter than the copies.
_WORTH_A_LOOP = 3
# Powers are a rule only if there are some of them.
_WORTH_POWERS = 4

# What counts the copies: no parameter is called so.
_INDEX = "i"


class _Run(NamedTuple):
    """So many copies that follow a rule: one of them, and how its arguments grow."""

    code: c.Code
    length: int
    grows: bool


def folded(
    elements: Sequence[tuple[c.Code, str]], most: int | None = None
) -> tuple[c.Code, ...]:
    """Equal copies as comprehensions, and copies whose numbers grow evenly too.

    No more than `most` of their arguments, if it is a number.
    """
    items: list[c.Code] = []
    at = 0
    while at < len(elements):
        code, count = elements[at]
        if count != "1":
            items.append(c.Star(_loop(code, "_", count)))
            at += 1
            continue
        alone = [count for _, count in elements[at:]]
        length = next((n for n, count in enumerate(alone) if count != "1"), len(alone))
        run = _longest([code for code, _ in elements[at : at + length]], most)
        if run.length >= _WORTH_A_LOOP:
            name = _INDEX if run.grows else "_"
            items.append(c.Star(_loop(run.code, name, str(run.length))))
            at += run.length
        else:
            items.append(code)
            at += 1
    return tuple(items)


def counted(codes: list[c.Code], count: Callable[[int], str]) -> tuple[c.Code, ...]:
    """As many copies as a variant has, all but perhaps the first in a comprehension.

    `count` writes their number, less those that stand before. Raises ValueError if the
    copies follow no rule.
    """
    for before in (0, 1):
        run = _longest(codes[before:])
        if before + run.length == len(codes) and run.length >= _WORTH_A_LOOP:
            name = _INDEX if run.grows else "_"
            loop = c.Star(_loop(run.code, name, count(before)))
            return (*codes[:before], loop)
    raise ValueError


def named(pairs: Sequence[tuple[str, c.Code]]) -> c.Call:
    """An OrderedDict of submodules, those whose names are counted in a loop."""
    items: list[c.Code] = []
    at = 0
    while at < len(pairs):
        name, code = pairs[at]
        run = _named_alike(pairs[at:])
        if run.length < _WORTH_A_LOOP:
            items.append(c.Call(c.Text(""), (c.Text(quoted(name)), code)))
            at += 1
            continue
        start = _number(name)
        count, number = f"{start}, {start + run.length}", _INDEX
        if run.grows or not start:
            # Arguments that grow are counted from 0.
            count, number = str(run.length), f"{_INDEX} + {start}" if start else _INDEX
        before = name.removesuffix(str(start))
        pair = c.Call(c.Text(""), (c.Text(f'f"{before}{{{number}}}"'), run.code))
        items.append(c.Star(_loop(pair, _INDEX, count)))
        at += run.length
    if len(items) == 1 and isinstance(items[0], c.Star):
        (loop,) = items
        assert isinstance(loop, c.Star)
        assert isinstance(loop.items, c.Comprehension)
        generated = loop.items._replace(brackets=False)
        return c.Call(c.Text("OrderedDict"), (generated,))
    return c.Call(c.Text("OrderedDict"), (c.Listing(tuple(items)),))


# A name with a number at its end, as counting writes it.
_NUMBERED = re.compile(r"([A-Za-z0-9_.-]*?)(0|[1-9][0-9]{0,6})")


def _number(name: str) -> int:
    found = _NUMBERED.fullmatch(name)
    return int(found[2]) if found is not None else 0


def _named_alike(pairs: Sequence[tuple[str, c.Code]]) -> _Run:
    """The longest start of the pairs with names that count on, and like modules."""
    name, code = pairs[0]
    found = _NUMBERED.fullmatch(name)
    if found is None:
        return _Run(code, 1, False)
    names = [name for name, _ in pairs]
    alike = _while(names, lambda n: f"{found[1]}{int(found[2]) + n}")
    return _longest([code for _, code in pairs[:alike]])


def _loop(code: c.Code, name: str, count: str) -> c.Comprehension:
    return c.Comprehension(code, name, c.Call(c.Text("range"), (c.Text(count),)))


def _longest(codes: list[c.Code], most: int | None = None) -> _Run:
    """The longest start of the list whose arguments are equal or grow by a rule."""
    first = codes[0]
    equal = _while(codes, lambda _: first)
    if equal > 1 or not isinstance(first, c.Call):
        return _Run(first, equal, False)
    alike: list[c.Call] = []
    for code in codes:
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
    growing = sum(
        t != _bare(a) for t, a in zip(templates, first.arguments, strict=True)
    )
    if length < _WORTH_A_LOOP or (most is not None and growing > most):
        return _Run(first, 1, False)
    arguments: list[c.Code | c.Keyword] = []
    for argument, template in zip(first.arguments, templates, strict=True):
        if isinstance(argument, c.Keyword):
            arguments.append(c.Keyword(argument.name, template))
        else:
            arguments.append(template)
    return _Run(c.Call(first.function, tuple(arguments)), length, True)


def _outline(call: c.Call) -> tuple[object, ...]:
    names = (a.name if isinstance(a, c.Keyword) else None for a in call.arguments)
    return (call.function, *names)


def _bare(argument: c.Code | c.Keyword) -> c.Code:
    return argument.code if isinstance(argument, c.Keyword) else argument


def _progression(column: list[c.Code]) -> tuple[c.Code, int]:
    """The argument as a formula of the copy, and for how many copies it holds."""
    first = column[0]
    if len(column) < _WORTH_A_LOOP or column[1] == first:
        return first, _while(column, lambda _: first)
    if not isinstance(first, c.Text) or not isinstance(column[1], c.Text):
        return first, 1
    base, second = first.text, column[1].text
    if base.isdigit() and second.isdigit():
        start, step = int(base), int(second) - int(base)
        ratio = int(second) // int(base) if int(base) else 0
        powers = _while(column, lambda i: c.Text(str(start * ratio**i)))
        if ratio > 1 and powers >= _WORTH_POWERS:
            scaled = f"{ratio}**{_INDEX}"
            return c.Text(scaled if start == 1 else f"{base} * {scaled}"), powers
        sign = "+" if step > 0 else "-"
        scale = _times(abs(step))
        held = _while(column, lambda i: c.Text(str(start + step * i)))
        return c.Text(f"{base} {sign} {scale}" if start else scale), held
    one, other = _ADDED.fullmatch(base), _ADDED.fullmatch(second)
    if one is not None and other is not None and one[1] == other[1]:
        begin, step = int(one[2]), int(other[2]) - int(one[2])
        held = _while(column, lambda i: c.Text(f"{one[1]} + {begin + step * i}"))
        return c.Text(f"{base} + {_times(step)}"), held if step > 0 else 1
    added = second.removeprefix(f"{base} + ")
    if second != f"{base} + {added}":
        return first, 1
    if added.isdigit():
        held = _while(column[1:], lambda i: c.Text(f"{base} + {int(added) * (i + 1)}"))
        return c.Text(f"{base} + {_times(int(added))}"), 1 + held
    if added.isidentifier():
        terms = (base, second)
        held = _while(
            column,
            lambda i: c.Text(terms[i] if i < 2 else f"{base} + {i} * {added}"),
        )
        return c.Text(f"{base} + {_INDEX} * {added}"), held
    return first, 1


# A sum that ends in a number.
_ADDED = re.compile(r"(.*) \+ ([0-9]+)")


def _times(step: int) -> str:
    return f"{step} * {_INDEX}" if step != 1 else _INDEX


def _while(column: Sequence[object], expected: Callable[[int], object]) -> int:
    """How many entries of the column, from its start, are as expected."""
    for i, code in enumerate(column):
        if code != expected(i):
            return i
    return len(column)
