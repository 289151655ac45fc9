"""Findings: as values, as a table of codes, and as text."""

from archdsl.diagnostics.diagnostic import Diagnostic, Note, in_order

__all__ = ["Diagnostic", "Note", "in_order"]
