"""Values of arguments that are neither numbers nor words."""

from __future__ import annotations

from archdsl.ops.form import Code, Lambda
from archdsl.tuples import NamedTuple


class IndexFormula(NamedTuple):
    """What each number of a tensor is, as a formula of its places.

    `axes` tells how many axes the formula speaks of: 0 for one number everywhere.
    `text` is the formula as it is written.
    """

    code: Code
    axes: int
    text: str

    def function(self, rank: int) -> Lambda:
        """The formula as a function of `rank` places."""
        return Lambda(", ".join(f"ax{axis}" for axis in range(rank)), self.code)
