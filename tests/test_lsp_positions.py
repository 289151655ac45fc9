"""Positions as clients count them: in UTF-16, UTF-8 or whole characters."""

from __future__ import annotations

import pytest

pytest.importorskip("lsprotocol")

from lsprotocol import types

from archdsl.editor.document import Document
from archdsl.lsp.positions import Positions

TEXT = "# é 漢 😀 e\u0301\r\nconv 😀😀 x\rlast\n\x0bone\u2028line"
WIDTHS = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
UNIT = {"utf-8": 1, "utf-16": 2, "utf-32": 4}


@pytest.mark.parametrize("encoding", WIDTHS)
def test_each_offset_has_a_position_and_back(encoding: str) -> None:
    document = Document(TEXT)
    positions = Positions(encoding)
    assert len(document.line_starts) == 4
    for offset in range(len(TEXT) + 1):
        place = positions.position(document, offset)
        start = document.line_starts[place.line]
        before = TEXT[start:offset].encode(WIDTHS[encoding])
        assert place.character == len(before) // UNIT[encoding]
        if TEXT[offset - 1 : offset + 1] != "\r\n":
            # No place is between the two, or behind the first.
            assert positions.offset(document, place) == offset


@pytest.mark.parametrize("encoding", WIDTHS)
def test_what_lies_outside_is_at_the_edge(encoding: str) -> None:
    document = Document("ab😀\ncd\n")
    positions = Positions(encoding)
    for line, character, offset in ((0, 99, 3), (1, 99, 6), (2, 99, 7), (9, 0, 7)):
        assert positions.offset(document, types.Position(line, character)) == offset


def test_a_place_within_a_character_is_before_it() -> None:
    document = Document("a😀b")
    assert Positions("utf-16").offset(document, types.Position(0, 2)) == 1
    assert Positions("utf-8").offset(document, types.Position(0, 3)) == 1


def test_a_lone_surrogate_has_a_place() -> None:
    document = Document("a\ud800b")
    assert Positions("utf-8").position(document, 3).character == 5
    assert Positions("utf-16").position(document, 3).character == 3
