"""Network to DOT, the language of Graphviz."""

from archdsl.backends.graphviz.dot import dot

__all__ = ["dot"]
