"""How a text is refused, once and at one place, or right, and with which shape."""

from __future__ import annotations

import archdsl
from archdsl.pipeline import check
from archdsl.source import Source


def assert_refused(text: str, code: str, about: str) -> None:
    """There is one finding, with that code, about that part of the text."""
    (finding,) = check(Source("t.arch", text)).diagnostics
    assert finding.code == code
    assert finding.span is not None
    assert finding.span.text == about


def assert_right(text: str, shape: str) -> None:
    """The text is one net with an output of that shape, and has source."""
    checked = check(Source("t.arch", text))
    assert checked.diagnostics == []
    (network,) = checked.networks.values()
    assert str(network.root.type) == shape
    compile(archdsl.compile(text), "made", "exec")
