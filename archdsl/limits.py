"""What a spec may ask for: one table. Each limit is checked before the work is done.

A text carries its limits (`Source.limits`), so that every stage has them at hand. Who
runs the compiler may lower them; nothing in a spec can raise them.
"""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.tuples import NamedTuple

# Those of an expression, by anything but brackets: signs, powers, conditions.
MAX_EXPRESSION_DEPTH = 200
# The findings of a text that are told; the others are counted.
MAX_FINDINGS = 1000
# So many characters of a message are shown.
MAX_TOLD = 2000


class Limits(NamedTuple):
    """The limits of a text and of what it uses; see `MEANING`."""

    source: int = 2**20
    tokens: int = 300_000
    identifier: int = 128
    nesting: int = 64
    stages: int = 100_000
    layers: int = 10**9
    integer: int = 2**63 - 1
    parameters: int = 1000
    unknowns: int = 500
    use_depth: int = 8
    used_files: int = 64


MEANING: dict[str, str] = {
    "source": "bytes of a text, and of each file that it uses",
    "tokens": "words, numbers and signs in one text",
    "identifier": "characters of a name, and of each part of a label",
    "nesting": "brackets, calls and blocks in each other, nets derived from nets,"
    " parts of a label",
    "stages": "layers and blocks that differ, in all nets of a text together",
    "layers": "layers with all repeats written out, in all nets of a text together",
    "integer": "any whole number, on the way to a result too",
    "parameters": "inputs and parameters of a block or net, together",
    "unknowns": "formulas that differ, of sizes that are not known, in one net",
    "use_depth": "files that use each other, one below the other",
    "used_files": "files that are used, all together",
}

MOST = Limits()


class LimitsError(ValueError):
    """Limits that cannot be set so; the text is for people."""


def lowered(given: Mapping[str, int]) -> Limits:
    """The limits, those given lowered. Raises LimitsError."""
    known = MOST._asdict()
    for name, value in given.items():
        if name not in known:
            raise LimitsError(
                f"there is no limit `{name}`; there are {', '.join(known)}"
            )
        if type(value) is not int or value < 1:
            raise LimitsError(f"the limit `{name}` is a whole number of 1 or more")
        if value > known[name]:
            raise LimitsError(
                f"the limit `{name}` is {known[name]:,}, and can only be lowered"
            )
    return MOST._replace(**given)


def parsed(text: str) -> Limits:
    """The limits that a text such as `tokens=1000 stages=50` sets.

    Raises LimitsError.
    """
    given: dict[str, int] = {}
    for setting in text.replace(",", " ").split():
        name, equals, value = setting.partition("=")
        if not equals or not (value.isascii() and value.isdigit()) or len(value) > 19:
            raise LimitsError(f"`{setting[:40]}` is not NAME=NUMBER")
        given[name] = int(value)
    return lowered(given)
