"""Vectors for whole numbers."""

from __future__ import annotations

from archdsl.ops.axes import rank_problem
from archdsl.ops.form import Form, apply
from archdsl.ops.initialise import with_initialiser
from archdsl.ops.record import (
    REQUIRED,
    Arg,
    ArgType,
    Layer,
    Problem,
    Site,
    Weight,
)
from archdsl.shapes.tensor import AXES, TensorType

_MOST_SIZES = max(AXES)


def _shape(site: Site) -> TensorType | Problem:
    if site.x.rank == _MOST_SIZES:
        return rank_problem(site, f"less than {_MOST_SIZES} sizes: it adds one")
    padding, entries = site.args["padding"].value, site.whole("n")
    if isinstance(padding, int) and not -entries <= padding < entries:
        return Problem(
            "E0405",
            f"`padding` is {padding}, but the table has {entries} entries, counted"
            " from 0",
            at="padding",
        )
    return TensorType((*site.x.dims, site.dim("size")))


EMBEDDING = Layer(
    name="embedding",
    doc="A learned vector for each whole number: the entry of that number in a table.",
    example="input 128 int | embedding 30522 768",
    look="linear",
    args=(
        Arg(
            "n",
            ArgType("whole", 1),
            REQUIRED,
            "entries of the table",
            ("num_embeddings", "entries", "vocab"),
        ),
        Arg(
            "size",
            ArgType("whole", 1),
            REQUIRED,
            "numbers of each vector",
            ("embedding_dim", "dim", "width"),
        ),
        Arg(
            "padding",
            ArgType("whole"),
            None,
            "entry that starts as zeros and is not learned; from the end if below 0",
        ),
    ),
    positional=("n", "size"),
    shape=_shape,
    weights=lambda site, out: (
        Weight("weight", (site.whole("n"), site.whole("size"))),
    ),
    torch=lambda site: Form(
        apply(
            "nn.Embedding",
            site.slot("n"),
            site.slot("size"),
            padding_idx=site.slot("padding"),
        )
    ),
    source="Bengio et al. 2003, section 2",
    dtypes=(("int",),),
    gives="float",
)

LAYERS = (with_initialiser(EMBEDDING),)
