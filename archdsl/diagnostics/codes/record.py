"""What a code is."""

from __future__ import annotations

from archdsl.tuples import NamedTuple

# An example that begins so is a command, not a spec.
COMMAND = "$ "


class Code(NamedTuple):
    """One kind of mistake.

    `wrong` is a spec that raises exactly this code, once, and `right` one that is
    clean. Codes about files have commands there instead, each after `$`.
    """

    code: str
    title: str
    explanation: str
    wrong: str
    right: str = ""
