"""The text itself: characters and their order."""

from __future__ import annotations

from archdsl.diagnostics.codes.record import Code

TEXT = (
    Code(
        "E0101",
        "characters that mean nothing",
        """
Outside of strings and comments a spec is made of ASCII letters, digits and the signs
of the language. This character, word or string is none of them. Often it came along
from a paper or a word processor: `×` between sizes, `→` before a shape, curly quotes.
A name begins with a letter, a size is numbers joined by `x`, and a string ends on the
line on which it begins. Comments, after `#`, may hold what can be seen: no control
characters but tabs, and none that change the direction of text.
""",
        "input 3×32×32\n",
        "input 3x32x32\n",
    ),
    Code(
        "E0102",
        "out of order",
        """
The words are known, but not in this order. A line is stages joined by `|`; a stage is
a layer and its arguments, perhaps with `label:` before it and `-> shape` behind it; an
`if` ends the line. Arguments are separated by spaces, the inputs of a call by commas.
The message says what could have stood there. After such a mistake checking goes on at
the next `net`, `block` or `default`.
""",
        "input 3x32x32 | conv 16, 3x3\n",
        "input 3x32x32 | conv 16 3x3\n",
    ),
    Code(
        "E0103",
        "brackets that do not match",
        """
Each `{`, `(` and `[` is closed by its own kind, and the one opened last is closed
first. Braces hold stages, parentheses the inputs of a call or arithmetic, and square
brackets a list.
""",
        "net lenet {\n  input 1x32x32\n  conv 6x5x5\n",
        "net lenet {\n  input 1x32x32\n  conv 6x5x5\n}\n",
    ),
    Code(
        "E0104",
        "not text",
        """
A spec is a UTF-8 text file. This file holds bytes that are no UTF-8: it may be an
image, a compiled file, or a text saved in another encoding. Save it as UTF-8.
""",
        "$ archdsl check weights.pt",
        "$ archdsl check lenet.arch",
    ),
    Code(
        "E0105",
        "nothing to check",
        """
The text holds no net. A net is `net name { … }`, or a bare pipeline that begins with
`input`. Comments and `default` lines alone describe nothing.
""",
        "# LeNet-5, to be written\n",
        "# LeNet-5\ninput 1x32x32 | conv 6x5x5 | tanh | avgpool 2\n",
    ),
)
