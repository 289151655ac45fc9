"""Changes of the text that make a layer fit."""

from __future__ import annotations

import re

from archdsl.diagnostics import Edit, Fix
from archdsl.ops.record import Site
from archdsl.shapes.expr import Const
from archdsl.source import Span

# The label that a stage begins with, up to its call, from its end to its beginning.
_LABEL = re.compile(r'[ \t]*:[ \t]*(?:[A-Za-z0-9_.]+|"[^"\n]*")')
# What parts two sizes in a row: blanks, or the sign of `3x20x20`.
_BETWEEN = re.compile(r"[ \tx]*")


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
    label = _LABEL.match(source.text[:start][::-1])
    if label is not None:
        start -= label.end()
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
