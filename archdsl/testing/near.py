"""Texts that are nearly specs."""

from __future__ import annotations

from archdsl.testing.drawing import Drawing

# What specs are made of, and what strangers may put between it.
WORDS = (
    *r"{ } ( ) [ ] | , : = -> + - * / // % ** == != < <= > >= . # \ $ @ ; ' é".split(),
    *"net block input output use as extern from default assert order if else".split(),
    *"and or not true false id in i x x2 x=3 x0 s2 p1 conv relu fc add concat".split(),
    *"share tie param buffer 3 0 -1 1.5 1e9 3x3 3xHxW 1x2x3x4x5 name_1 H − “ ”".split(),
    *(" ", "  ", "\n", "\n  ", "\t", "\r\n", '"', '"{i}"', "# a comment\n", "9" * 20),
    *("\0", "\u202e", "\ufeff", "\u2028", "\u00a0"),
)


def near(d: Drawing, text: str) -> str:
    """The text with a few pieces cut out, doubled, moved or put in."""
    for _ in range(d.whole(1, 4)):
        # A byte is too little for an offset.
        start = (d.whole(0, 255) * 256 + d.whole(0, 255)) % (len(text) + 1)
        end = min(len(text), start + d.whole(0, 12))
        piece = d.pick(WORDS) if d.chance(2) else text[start:end] * d.whole(0, 2)
        at = start * d.whole(0, 3) // 3 if d.chance(3) else start
        text = text[:start] + text[end:]
        text = text[:at] + piece + text[at:]
    return text
