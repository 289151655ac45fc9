"""Network to SVG, with a layout of its own: no Graphviz is needed."""

from archdsl.backends.svg.graph import font_points, graph, graph_drawing

__all__ = ["font_points", "graph", "graph_drawing"]
