"""The table of codes: what each finding means, and how to mend it.

`archdsl explain CODE` prints these pages and `docs/errors/` holds them. Checking a
spec does not import this package.
"""

from __future__ import annotations

from archdsl.diagnostics.codes.bounds import ASSERTIONS, FILES, LIMITS
from archdsl.diagnostics.codes.names import NAMES
from archdsl.diagnostics.codes.nets import NETS
from archdsl.diagnostics.codes.record import COMMAND, Code
from archdsl.diagnostics.codes.text import TEXT
from archdsl.diagnostics.codes.values import ARGUMENTS, EXPRESSIONS, SHAPES


def page(code: str) -> str:
    """The code's page, as Markdown."""
    entry = CODES[code]
    language = "sh" if entry.wrong.startswith(COMMAND) else "arch"
    parts = [
        f"# {entry.code}: {entry.title}",
        entry.explanation.strip(),
        "Refused:",
        f"```{language}\n{entry.wrong.rstrip()}\n```",
    ]
    if entry.right:
        parts += ["Accepted:", f"```{language}\n{entry.right.rstrip()}\n```"]
    return "\n\n".join(parts) + "\n"


FAMILIES: tuple[tuple[str, tuple[Code, ...]], ...] = (
    ("The text", TEXT),
    ("Names", NAMES),
    ("Shapes", SHAPES),
    ("Inputs, outputs and symbols", NETS),
    ("Arguments", ARGUMENTS),
    ("Expressions", EXPRESSIONS),
    ("Assertions", ASSERTIONS),
    ("Limits", LIMITS),
    ("Files", FILES),
)

CODES: dict[str, Code] = {
    entry.code: entry for _, entries in FAMILIES for entry in entries
}

__all__ = ["CODES", "COMMAND", "FAMILIES", "Code", "page"]
