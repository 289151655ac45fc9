"""Text that means nothing to Mermaid, nor to the Markdown that it reads in labels."""

from __future__ import annotations

import re

from archdsl.backends.text.wording import visible

# What may stand as it is, besides letters and digits.
_SAFE = frozenset(" ,()×·–‖…⌈⌉")
# Where a line would be an item of a list.
_ITEM = re.compile(r"[0-9]+([.)])(?= |$)")


def escape(text: str) -> str:
    """Text for a quoted label: all but harmless signs are written as `#43;`.

    Mermaid looks for directives, comments, styles and entities before it knows what is
    quoted, and takes what is quoted as Markdown. Lines become `<br/>`.
    """
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = visible(text, kept="\n")
    return "<br/>".join(_line(line.strip()) for line in text.split("\n"))


def _line(line: str) -> str:
    item = _ITEM.match(line)
    stop = item.start(1) if item else -1
    out = []
    for at, c in enumerate(line):
        after = line[at + 1 : at + 2]
        plain = c.isalnum() or c in _SAFE
        if c == ":":
            # `style a:#b;` is looked for in all of the text.
            plain = after == " "
        elif c == "/":
            plain = after != "/" and line[at - 1 : at] != "/"
        elif c == ".":
            plain = line[at - 1 : at].isdigit() and after.isdigit()
        elif c in "-+":
            plain = at > 0 and line[at - 1].isalnum()
        if at == stop:
            plain = False
        out.append(c if plain else f"#{ord(c)};")
    return "".join(out)
