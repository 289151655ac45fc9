"""How wide text is in Helvetica or Arial, without asking a font."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

# Advance widths in thousandths of the font size, from the Adobe font metrics of
# Helvetica, which Arial shares.
_BY_WIDTH = {
    222: "ijl",
    260: "|",
    278: " !,./:;I[\\]ft·",
    333: "()-`r•",
    355: '"',
    389: "*",
    469: "^",
    500: "Jckrsvxyz",
    556: "#$?0123456789L_abdeghnopqu–",
    584: "+<=>~×−",
    611: "FTZ",
    667: "&ABEKPSVXY",
    722: "CDHNRUw",
    778: "GOQ",
    833: "Mm",
    889: "%",
    944: "W",
    1000: "…",
    1015: "@",
}
_WIDTHS = {c: width for width, letters in _BY_WIDTH.items() for c in letters}
_WIDTHS.update({"'": 191, "r": 333, "{": 334, "}": 334, "‖": 500})
# Letters that the table lacks, and those that fill a square: the widest that is usual.
_OTHER = 800
_WIDE = 1050
_BOLD = 1.09


@lru_cache(maxsize=4096)
def width(text: str, size: float, bold: bool = False) -> float:
    """The width of one line of text in pixels, at a font size in pixels."""
    total = sum(_WIDTHS.get(c) or _unknown(c) for c in text)
    return total * size / 1000 * (_BOLD if bold else 1)


def _unknown(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    if unicodedata.east_asian_width(letter) in "FW":
        return _WIDE
    return _OTHER
