"""Findings: as values, as a table of codes, and as text."""

from archdsl.diagnostics.diagnostic import (
    Diagnostic,
    Edit,
    Fix,
    Hint,
    Note,
    filled,
    fixes_of,
    in_order,
)

__all__ = [
    "Diagnostic",
    "Edit",
    "Fix",
    "Hint",
    "Note",
    "filled",
    "fixes_of",
    "in_order",
]
