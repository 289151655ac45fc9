"""Changes of the text that make a layer fit."""

from __future__ import annotations

import re

from archdsl.diagnostics import Edit, Fix
from archdsl.ops.record import Bound, Site
from archdsl.shapes.expr import Const
from archdsl.source import Span

# The label that a stage begins with, up to its call.
_LABEL = re.compile(r'(?:[A-Za-z0-9_.]+|"[^"\n]*")[ \t]*:[ \t]*\Z')
# What parts two sizes in a row: blanks, or the sign of `3x20x20`.
_BETWEEN = re.compile(r"[ \tx]*")
# Labels are sought so far before the call.
_REACH = 500


def give(site: Site, name: str, text: str) -> tuple[Fix, ...]:
    """Give an argument as `text`, in place of what it is now.

    None where it hangs on a parameter, which other uses may set otherwise.
    """
    bound = site.args.get(name)
    if site.span is None or bound is None:
        return ()
    at = _within(bound, site.span)
    if at is None:
        # A default, be it the layer's or that of a `default` line.
        end = site.span.end
        at = Span(site.span.source, end, end)
        return (Fix(f"add `{text}`", (Edit(at, f" {text}"),)),)
    if not isinstance(bound.expr, Const):
        return ()
    return (Fix(f"write `{text}` instead of `{at.text}`", (Edit(at, text),)),)


def leave_out(site: Site, name: str) -> tuple[Fix, ...]:
    """Take an argument out of the call that gives it."""
    at = _within(site.args[name], site.span)
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
    label = _LABEL.search(source.text[max(0, start - _REACH) : start])
    if label is not None:
        start -= label.end() - label.start()
    at = Span(source, start, start)
    return tuple(
        Fix(f"put `{name}` before it", (Edit(at, f"{name} | "),)) for name in layers
    )


def side_by_side(site: Site, first: str, second: str) -> Span | None:
    """The text of two arguments that a call gives with nothing between them."""
    one, other = (_within(site.args[name], site.span) for name in (first, second))
    if one is None or other is None or other.start < one.start:
        return None
    between = one.source.text[one.end : other.start]
    whole = Span(one.source, one.start, other.end)
    return whole if _BETWEEN.fullmatch(between) else None


def _within(bound: Bound, call: Span | None) -> Span | None:
    """Where a call gives an argument itself."""
    at = bound.span
    if at is None or call is None or at.source is not call.source:
        return None
    return at if call.start <= at.start and at.end <= call.end else None
