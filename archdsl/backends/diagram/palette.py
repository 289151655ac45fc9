"""Colours of boxes, in every format that has some."""

from __future__ import annotations

from archdsl.ops.record import Look

# Paul Tol's light scheme, by the kind of operation (personal.sron.nl/~pault).
COLOURS: dict[Look, str] = {
    "convolution": "#77AADD",
    "linear": "#FFAABB",
    "pooling": "#99DDFF",
    "normalisation": "#44BB99",
    "activation": "#EE8866",
    "regularisation": "#EEDD88",
    "merge": "#BBCC33",
    "shape": "#DDDDDD",
}
PLAIN = "#FFFFFF"
# What is wrong, from his vibrant scheme; what was not checked, and the text of that.
WRONG = "#CC3311"
UNKNOWN = "#F4F4F4"
FAINT, FAINT_TEXT = "#AAAAAA", "#666666"
# What is new and what is not as it was, of his bright and vibrant schemes; what is gone
# has the colour of what is wrong.
ADDED, CHANGED = "#228833", "#EE7733"
