"""What stands in boxes and how much room it takes."""

from __future__ import annotations

from archdsl.backends.diagram import words
from archdsl.backends.diagram.picture import Box
from archdsl.backends.diagram.words import SIGN
from archdsl.backends.svg.metrics import width
from archdsl.backends.svg.theme import FONT, LINE, SMALL

_SIDE = 7.0
# The rounded ends of a merge take more room.
_ROUND = 10.0
_ABOVE = 3.5
# A layer's name and what it is share a line of at most this width.
_NAMED = 104.0
LABEL_HEIGHT = 12.0


def lines(box: Box) -> list[str]:
    """The lines of a box, the number of parameters last."""
    if box.shape == "fork":
        return []
    if box.shape == "title":
        title = box.lines[0]
        return [f"{title} ×{box.times}".strip() if box.times > 1 else title]
    together = box.shape == "merge" and box.state != "wrong"
    found = [" · ".join(box.lines)] if together else words.lines(box)
    name, colon, rest = found[0].partition(": ")
    if colon and box.shape == "layer" and width(found[0], FONT) > _NAMED:
        # A name of its own line keeps the box narrow.
        found[:1] = [name + ":", rest]
    if box.note:
        note = f"({box.note})"
        # A second line is short mostly: the number fits behind.
        behind = f"{found[-1]} {note}"
        most = max(90.0, *(width(line, FONT) for line in found))
        if len(found) > 1 and width(behind, FONT) <= most:
            found[-1] = behind
        else:
            found.append(note)
    return found


def size(box: Box) -> tuple[float, float]:
    """Width and height of a box in pixels."""
    if box.shape == "fork":
        return 5.0, 5.0
    bold = box.shape == "title"
    text = lines(box)
    wide = max(width(line, FONT, bold) for line in text)
    if bold:
        return wide + 8, LINE + 2
    side = _ROUND if box.shape == "merge" else _SIDE
    return max(wide + 2 * side, 36.0), len(text) * LINE + 2 * _ABOVE


def label_size(text: str) -> tuple[float, float]:
    """Width and height of a label on a line, in pixels."""
    bold = text.startswith(SIGN)
    return (width(text, SMALL, bold), LABEL_HEIGHT) if text else (0.0, 0.0)
