"""Changes of the text that make a layer fit."""

from __future__ import annotations

import re
from string import ascii_letters, digits

from archdsl.diagnostics import Edit, Fix
from archdsl.ops.record import Site
from archdsl.shapes.expr import Const
from archdsl.source import Span

# What parts two sizes in a row: blanks, or the sign of `3x20x20`.
_BETWEEN = re.compile(r"[ \tx]*")
_IN_LABEL = f"{ascii_letters}{digits}_."


def give(site: Site, name: str, text: str) -> tuple[Fix, ...]:
    """Give an argument as `text`, in place of what it is now.

    None where it hangs on a parameter, which other uses may set otherwise.
    """
    if site.span is None or name not in site.args:
        return ()
    at = site.given(name)
    if at is None:
        # A default, be it the layer's or that of a `default` line.
        end = site.span.end
        at = Span(site.span.source, end, end)
        return (Fix(f"add `{text}`", (Edit(at, f" {text}"),)),)
    if not isinstance(site.args[name].expr, Const):
        return ()
    return (Fix(f"write `{text}` instead of `{at.text}`", (Edit(at, text),)),)


def leave_out(site: Site, name: str) -> tuple[Fix, ...]:
    """Take an argument out of the call that gives it."""
    at = site.given(name)
    if at is None:
        return ()
    text = at.source.text
    start = at.start
    while text[start - 1] in " \t":
        start -= 1
    return (Fix(f"leave `{at.text}` out", (Edit(Span(at.source, start, at.end), ""),)),)


def put_before(site: Site, *layers: str) -> tuple[Fix, ...]:
    """Put one of some layers before this one, and before its label."""
    if site.span is None:
        return ()
    source, start = site.span.source, site.span.start
    start = _labelled(source.text, start)
    at = Span(source, start, start)
    return tuple(
        Fix(f"put `{name}` before it", (Edit(at, f"{name} | "),)) for name in layers
    )


def side_by_side(site: Site, first: str, second: str) -> Span | None:
    """The text of two arguments that a call gives with nothing between them."""
    one, other = site.given(first), site.given(second)
    if one is None or other is None or other.start < one.start:
        return None
    between = one.source.text[one.end : other.start]
    whole = Span(one.source, one.start, other.end)
    return whole if _BETWEEN.fullmatch(between) else None


def _labelled(text: str, start: int) -> int:
    """Where the label before a stage begins, or the stage if it has none."""
    colon = _behind(text, start, " \t") - 1
    if text[colon : colon + 1] != ":":
        return start
    end = _behind(text, colon, " \t")
    if text[end - 1] == '"':
        return text.rindex('"', 0, end - 1)
    return _behind(text, end, _IN_LABEL)


def _behind(text: str, end: int, characters: str) -> int:
    """Where the characters begin that end at a place."""
    while end and text[end - 1] in characters:
        end -= 1
    return end
