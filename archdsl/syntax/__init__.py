"""Text to tree and back."""

from archdsl.syntax.parser import parse

__all__ = ["parse"]
