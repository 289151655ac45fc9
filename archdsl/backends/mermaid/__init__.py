"""Network to Mermaid text, for Markdown."""

from archdsl.backends.mermaid.flowchart import flowchart

__all__ = ["flowchart"]
