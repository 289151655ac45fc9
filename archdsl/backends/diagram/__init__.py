"""Network to picture: what is drawn, before it is laid out or written.

The boxes, frames and edges are the same for Graphviz, for the built-in layout and for
text formats.
"""

from archdsl.backends.diagram.plan import plan

__all__ = ["plan"]
