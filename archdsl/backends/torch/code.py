"""Python expressions as trees, laid out as `ruff format` lays them out.

A small pretty-printer (Wadler 2003, "A prettier printer"): a group is set on one line
if it fits, and broken at its line breaks if it does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

WIDTH = 88
INDENT = 4


class Text(NamedTuple):
    """An expression that is never broken: a name, a number, a string."""

    text: str


class Keyword(NamedTuple):
    """An argument with its name."""

    name: str
    code: Code


class Call(NamedTuple):
    """A call."""

    function: Code
    arguments: tuple[Code | Keyword, ...]


class Listing(NamedTuple):
    """`[a, b]`."""

    items: tuple[Code, ...]


class Star(NamedTuple):
    """`*items`."""

    items: Code


class Comprehension(NamedTuple):
    """`[item for name in items]`, or without brackets as the argument of a call."""

    item: Code
    name: str
    items: Code
    brackets: bool = True


class Conditional(NamedTuple):
    """`then if condition else otherwise`."""

    then: Code
    condition: str
    otherwise: Code


class Infix(NamedTuple):
    """Operands joined by one operator."""

    operator: str
    operands: tuple[Code, ...]


class Dictionary(NamedTuple):
    """`{"a": x}`; the keys are Python already."""

    pairs: tuple[tuple[str, Code], ...]


class Several(NamedTuple):
    """`a, b` behind `return`."""

    items: tuple[Code, ...]


class Lambda(NamedTuple):
    """`lambda parameters: body`."""

    parameters: str
    body: Code


Code: TypeAlias = (
    Text
    | Lambda
    | Call
    | Listing
    | Star
    | Comprehension
    | Conditional
    | Infix
    | Dictionary
    | Several
)

# Documents: what the printer understands.


class _Line(NamedTuple):
    flat: str


class _Group(NamedTuple):
    parts: tuple[_Doc, ...]


class _Indent(NamedTuple):
    parts: tuple[_Doc, ...]


class _IfBroken(NamedTuple):
    text: str


_Doc: TypeAlias = str | _Line | _Group | _Indent | _IfBroken

_SOFT, _SPACE = _Line(""), _Line(" ")


def _joined(items: Sequence[tuple[_Doc, ...]]) -> tuple[_Doc, ...]:
    parts: list[_Doc] = []
    for at, item in enumerate(items):
        if at:
            parts += [",", _SPACE]
        parts.extend(item)
    return (*parts, _IfBroken(","))


def _brackets(opening: str, inner: tuple[_Doc, ...], closing: str) -> _Group:
    return _Group((opening, _Indent((_SOFT, *inner)), _SOFT, closing))


def _document(code: Code) -> tuple[_Doc, ...]:
    if isinstance(code, Text):
        return (code.text,)
    if isinstance(code, Call):
        function = _document(code.function)
        if not code.arguments:
            return (*function, "()")
        lone = code.arguments[0] if len(code.arguments) == 1 else None
        if isinstance(lone, Comprehension) and not lone.brackets:
            return (*function, _brackets("(", _looped(lone), ")"))
        arguments: list[tuple[_Doc, ...]] = [
            (f"{a.name}=", *_document(a.code))
            if isinstance(a, Keyword)
            else _document(a)
            for a in code.arguments
        ]
        # Arguments first move to a line of their own, then to one line each.
        return (*function, _brackets("(", (_Group(_joined(arguments)),), ")"))
    if isinstance(code, Listing):
        if not code.items:
            return ("[]",)
        return (_brackets("[", _joined([_document(i) for i in code.items]), "]"),)
    if isinstance(code, Lambda):
        return (f"lambda {code.parameters}: ", *_statement(code.body))
    if isinstance(code, Dictionary):
        pairs: list[tuple[_Doc, ...]] = [
            (f"{key}: ", *_document(value)) for key, value in code.pairs
        ]
        return (_brackets("{", _joined(pairs), "}"),)
    if isinstance(code, Several):
        several = _joined([_document(item) for item in code.items])
        inner = (_IfBroken("("), _Indent((_SOFT, *several)), _SOFT, _IfBroken(")"))
        return (_Group(inner),)
    if isinstance(code, Star):
        return ("*", *_document(code.items))
    if isinstance(code, Comprehension):
        return (_brackets("[", _looped(code), "]"),)
    if isinstance(code, Conditional):
        either: tuple[_Doc, ...] = (
            *_document(code.then),
            _SPACE,
            f"if {code.condition}",
            _SPACE,
            "else ",
            *_document(code.otherwise),
        )
        return (_Group(either),)
    power = code.operator == "**"
    if power and all(isinstance(o, Text) and is_simple(o.text) for o in code.operands):
        return ("**".join(o.text for o in code.operands if isinstance(o, Text)),)
    parts: list[_Doc] = []
    for at, operand in enumerate(code.operands):
        if at:
            parts += [_SPACE, f"{code.operator} "]
        parts += _operand(operand, code.operator, at == 0)
    return (_Group(tuple(parts)),)


# How tightly Python's operators bind.
_BINDING = {
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), 1),
    **{"|": 2, "&": 3},
    **dict.fromkeys("+-", 4),
    **dict.fromkeys(("*", "/", "//", "%"), 5),
    "**": 6,
}


def _operand(operand: Code, operator: str, first: bool) -> tuple[_Doc, ...]:
    """An operand, in brackets where Python would read it otherwise."""
    if isinstance(operand, Infix):
        tight, tighter = _BINDING[operator], _BINDING[operand.operator]
        # Sums of floats are not associative: only on the left is the order the same.
        if first and tight == tighter and tight not in (1, 6):
            # One chain, which is broken at every operator or at none.
            (chain,) = _document(operand)
            return chain.parts if isinstance(chain, _Group) else (chain,)
        if tighter > tight:
            return _document(operand)
    if isinstance(operand, Conditional | Infix | Lambda):
        return (_brackets("(", _document(operand), ")"),)
    return _document(operand)


def _looped(code: Comprehension) -> tuple[_Doc, ...]:
    item, items = _document(code.item), _document(code.items)
    return (_Group((*item, _SPACE, f"for {code.name} in ", *items)),)


def is_simple(text: str) -> bool:
    """Whether `ruff format` hugs a `**` beside this: `x`, `a.b`, `-2`."""
    return text.removeprefix("-").replace(".", "").replace("_", "").isalnum()


def _statement(code: Code) -> tuple[_Doc, ...]:
    """The right side of an assignment: operands in brackets only when broken."""
    if isinstance(code, Infix | Conditional):
        inner = _document(code)
        return (
            _Group(
                (
                    _IfBroken("("),
                    _Indent((_SOFT, *inner)),
                    _SOFT,
                    _IfBroken(")"),
                )
            ),
        )
    return _document(code)


_Parts: TypeAlias = list[tuple[int, bool, _Doc]]


def _fits(group: _Parts, after: _Parts, room: int) -> bool:
    """Whether a group and what comes up to the next line break fits, innermost last."""
    # What comes after it may be long, and is looked at as far as there is room.
    rest, left = list(group), len(after)
    while room >= 0 and (rest or left):
        if not rest:
            left -= 1
            rest.append(after[left])
        indent, flat, doc = rest.pop()
        if isinstance(doc, str):
            room -= len(doc)
        elif isinstance(doc, _Line):
            if not flat:
                return True
            room -= len(doc.flat)
        elif isinstance(doc, _IfBroken):
            room -= 0 if flat else len(doc.text)
        else:
            rest += [(indent, flat, part) for part in reversed(doc.parts)]
    return room >= 0


def _print(parts: tuple[_Doc, ...], indent: int) -> list[str]:
    lines: list[str] = []
    current = " " * indent
    rest: _Parts = [(indent, False, part) for part in reversed(parts)]
    while rest:
        level, flat, doc = rest.pop()
        if isinstance(doc, str):
            current += doc
        elif isinstance(doc, _Line):
            if flat:
                current += doc.flat
            else:
                lines.append(current)
                current = " " * level
        elif isinstance(doc, _IfBroken):
            current += "" if flat else doc.text
        elif isinstance(doc, _Indent):
            rest += [(level + INDENT, flat, part) for part in reversed(doc.parts)]
        else:
            flattened: _Parts = [(level, True, part) for part in reversed(doc.parts)]
            if flat or _fits(flattened, rest, WIDTH - len(current)):
                rest += flattened
            else:
                rest += [(level, False, part) for part in reversed(doc.parts)]
    lines.append(current)
    return lines


def assign(target: str, code: Code, indent: int, operator: str = "=") -> list[str]:
    """`target = code`, in as many lines as it takes."""
    return _print((f"{target} {operator} ", *_statement(code)), indent)


def returned(code: Code, indent: int) -> list[str]:
    """`return code`."""
    return _print(("return ", *_statement(code)), indent)


def expression(code: Code, indent: int) -> list[str]:
    """An expression as a statement."""
    return _print(_document(code), indent)


def header(text: str, condition: str, indent: int) -> list[str]:
    """`if condition:`, in brackets when it is too long."""
    whole = " " * indent + f"{text} {condition}:"
    if len(whole) <= WIDTH:
        return [whole]
    inner = " " * (indent + INDENT)
    return [f"{' ' * indent}{text} (", f"{inner}{condition}", f"{' ' * indent}):"]


def signature(
    name: str, parameters: Sequence[str], result: str, indent: int
) -> list[str]:
    """`def name(parameters) -> result:`."""
    inner = _Group(_joined([(parameter,) for parameter in parameters]))
    return _print(
        (f"def {name}", _brackets("(", (inner,), ")"), f" -> {result}:"), indent
    )


def flat(code: Code) -> str:
    """The expression on one line, however long."""
    parts = _document(code)
    text = ""
    rest: list[_Doc] = list(reversed(parts))
    while rest:
        doc = rest.pop()
        if isinstance(doc, str):
            text += doc
        elif isinstance(doc, _Line):
            text += doc.flat
        elif not isinstance(doc, _IfBroken):
            rest += reversed(doc.parts)
    return text
