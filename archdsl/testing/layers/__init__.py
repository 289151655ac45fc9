"""How each layer of the language is drawn, one record each; merges are apart."""

from __future__ import annotations

from archdsl.testing.layers import axes, pointwise, resizing, vectors, windows
from archdsl.testing.layers.use import Use

# One family is drawn first and then a layer of it: there are many activations.
FAMILIES: tuple[tuple[Use, ...], ...] = (
    pointwise.ACTIVATIONS,
    windows.USES,
    vectors.USES,
    pointwise.NORMS,
    axes.USES,
    resizing.USES,
    windows.USES,
)

__all__ = ["FAMILIES", "Use"]
