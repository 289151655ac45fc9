"""Random changes of a text, as somebody who types makes them."""

from __future__ import annotations

import random

from archdsl.editor.moved import Change

EDITED = """\
# 😀 a comment
default conv bias=false

block unit c s=1 act=relu {
  conv c 3x3 p1 s=s | bn | act
  conv c 1x1 if s > 1 else id   # 𝄞 of two units
}

net toy n=2 {
  input 3x32x32
  "stém": conv 8 3 p1 | relu   -> 8x32x32
  skip: unit 16 s=2
  {unit 16} x=n
  add(id, skip | conv 16 1x1)
  gap | head: fc 10
  assert params > 100
}

net sized { input 3xHxW | conv 8 3 p1 | gap | fc 10 }
"""

_PIECES = (
    *("\n", " ", "{", "}", "(", ")", "|", "\r\n", '"', "#", ":", "->", "=", "😀", "é"),
    *("conv 8 3 p1", "relu", "unit 16", "\n  relu\n", "stem: ", " x2", "input 3x8x8"),
    *("add(id, skip)", " if n > 1", "net b {", "block c d {\n  fc d\n}\n", "s2", "1"),
)


def random_change(rng: random.Random, text: str, whole: str = EDITED) -> Change:
    """A small change, or from time to time one that takes a text back."""
    if rng.random() < 0.08:
        return Change(0, len(text), whole)
    start = rng.randrange(len(text) + 1)
    end = start
    if rng.random() < 0.5:
        end = min(len(text), start + rng.choice((1, 1, 2, 5, 20)))
    piece = "".join(rng.choice(_PIECES) for _ in range(rng.choice((0, 1, 1, 2))))
    return Change(start, end, piece)
