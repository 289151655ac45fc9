"""What is said of a value that has too many sizes, or too few, for a layer."""

from __future__ import annotations

from archdsl.diagnostics import Hint
from archdsl.ops.fixes import put_before
from archdsl.ops.record import Problem, Site
from archdsl.shapes.tensor import TensorType

_RANKS = {
    (1,): "a vector",
    (2,): "a sequence of vectors",
    (1, 2, 3): "1 to 3 sizes",
    (3,): "a 2-D map such as 3x32x32",
    (2, 3, 4): "a map: channels and 1 to 3 spatial sizes",
}


def refused_rank(site: Site, tensor: TensorType) -> Problem:
    """Why a layer takes no value with so many sizes."""
    layer = site.layer
    wanted = _RANKS.get(layer.ranks, "another number of sizes")
    return Problem(
        "E0301",
        f"{layer.name} needs {wanted}, but {_a_value(tensor)} arrives",
        dims=((tensor.dims[0], "it comes from here"),),
        hints=("put it before `flatten` or `gap`",)
        if tensor.rank == 1
        else (
            Hint(
                "put `flatten` or `gap` before it",
                *put_before(site, "flatten", "gap"),
            ),
        )
        if layer.ranks == (1,)
        else (),
    )


def _a_value(tensor: TensorType) -> str:
    return f"a vector of {tensor}" if tensor.rank == 1 else f"a map of {tensor}"
