"""Volumes as a LaTeX document, drawn by TikZ."""

from archdsl.backends.tikz.document import document

__all__ = ["document"]
