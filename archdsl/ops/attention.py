"""Attention."""

from __future__ import annotations

from archdsl.ops.axes import positive, rank_problem
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
    dim_slot,
)
from archdsl.shapes.expr import op
from archdsl.shapes.size import Size, divides
from archdsl.shapes.tensor import Dim, TensorType


def _no_sequence(site: Site, tensors: tuple[TensorType, ...]) -> Problem | None:
    """Why a value that is no sequence of vectors is refused."""
    for tensor in tensors:
        if tensor.rank != 2:
            of_map = ("`tokens` makes a sequence of a map",)
            hints = () if tensor.rank == 1 else of_map
            return rank_problem(site, "a sequence of vectors", *hints, tensor=tensor)
    return None


def _unequal_heads(site: Site, width: Dim, heads: str = "heads") -> Problem | None:
    """Why vectors cannot be cut into that many heads."""
    count = site.whole(heads)
    if divides(count, width.size):
        return None
    return Problem(
        "E0405",
        f"{count} heads do not divide vectors of {width.size}",
        at=heads,
        label=f"{width.size} is not a multiple of {count}",
        dims=((width, f"the {width.size} comes from here"),),
    )


def _mask_problem(
    site: Site, number: int, queries: TensorType, keys: TensorType
) -> Problem | None:
    """Why the mask in input `number` does not fit its queries and keys."""
    if len(site.ins) <= number:
        return None
    mask, heads = site.ins[number], site.whole("heads")
    t, s = queries.dims[0].size, keys.dims[0].size
    if mask.sizes == (heads, t, s)[-mask.rank :]:
        return None
    return Problem(
        "E0311",
        f"a mask for {t} queries and {s} keys in {heads} heads is {s}, {t}x{s} or"
        f" {heads}x{t}x{s}, but {mask} arrives",
        at=number,
        label=f"this is {mask}",
        dims=(
            (mask.dims[-1], "the mask comes from here"),
            (keys.dims[0], f"the {s} keys come from here"),
        ),
    )


# Attention with weights


def _memory(site: Site) -> TensorType | None:
    """The sequence that is attended to, if it is another one."""
    if len(site.ins) > 1 and site.ins[1].dtype != "bool":
        return site.ins[1]
    return None


def _shape(site: Site) -> TensorType | Problem:
    memory = _memory(site)
    if len(site.ins) > 2 and memory is None:
        return Problem(
            "E0309",
            "attention takes one mask, and nothing after it",
            at=1,
            dims=((site.ins[1].dims[0], "the mask comes from here"),),
            hints=("as in `attention(x, memory, mask) 8`",),
        )
    sequences = (site.x,) if memory is None else (site.x, memory)
    mask = len(sequences)
    return (
        _no_sequence(site, sequences)
        or _unequal_heads(site, site.x.dims[1])
        or _mask_problem(site, mask, site.x, sequences[-1])
        or site.x
    )


def _weights(site: Site, out: TensorType) -> tuple[Weight, ...]:
    width = site.x.sizes[1]
    memory = _memory(site)
    projections: tuple[Weight, ...]
    if memory is not None and memory.dims[1] != site.x.dims[1]:
        given = memory.sizes[1]
        projections = (
            Weight("q_proj_weight", (width, width)),
            Weight("k_proj_weight", (width, given)),
            Weight("v_proj_weight", (width, given)),
        )
    else:
        projections = (Weight("in_proj_weight", (3 * width, width)),)
    last = Weight("out_proj.weight", (width, width))
    if not site.truth("bias"):
        return *projections, last
    biases = Weight("in_proj_bias", (3 * width,)), Weight("out_proj.bias", (width,))
    return *projections, biases[0], last, biases[1]


def _macs(site: Site, out: TensorType) -> Size:
    length, width = site.x.sizes
    places, given = (_memory(site) or site.x).sizes
    projections = 2 * length * width * width + 2 * places * given * width
    return projections + 2 * length * places * width


def _torch(site: Site) -> Form:
    memory, width = _memory(site), site.x.dims[1]
    keywords = {
        "dropout": site.slot("dropout", 0.0),
        "causal": site.slot("causal", False),
        "bias": site.slot("bias", True),
    }
    if memory is None:
        module = apply("SelfAttention", dim_slot(width), site.slot("heads"), **keywords)
        return Form(module, helper="self_attention")
    if memory.dims[1] != width:
        keywords = {"memory_width": dim_slot(memory.dims[1]), **keywords}
    module = apply("CrossAttention", dim_slot(width), site.slot("heads"), **keywords)
    return Form(module, helper="cross_attention")


_HEADS = Arg("heads", ArgType("whole", 1), REQUIRED, "heads", ("num_heads",))
_DROPOUT = Arg("dropout", ArgType("number", 0, 1), 0.0, "share of weights set to zero")
_CAUSAL = Arg("causal", ArgType("truth"), False, "see what came before only")

ATTENTION = Layer(
    name="attention",
    doc="Attention with the weights of nn.MultiheadAttention: over a sequence itself,"
    " `attention 8`, or from one to another, `attention(x, memory) 8`, which may have"
    " another width. A last input of truth values is a mask, false where nothing is to"
    " be attended to: one for each key, each query and key, or each head, query and"
    " key.",
    example="input 197x768 | attention 12",
    look="linear",
    args=(_HEADS, _DROPOUT, _CAUSAL, Arg("bias", ArgType("truth"), True, "add biases")),
    positional=("heads",),
    inputs=(1, 3),
    shape=_shape,
    weights=_weights,
    macs=_macs,
    torch=_torch,
    source="Vaswani et al. 2017, section 3.2",
    dtypes=(("float",), ("float", "bool"), ("bool",)),
)


# Attention without weights


def _key_heads(site: Site) -> str:
    """The argument that has the number of heads of keys and values."""
    return "heads" if site.args["kv"].value is None else "kv"


def _sdpa_shape(site: Site) -> TensorType | Problem:
    q, k, v = site.ins[:3]
    heads, shared = site.whole("heads"), site.whole(_key_heads(site))
    problem = (
        _no_sequence(site, (q, k, v))
        or _unequal_heads(site, q.dims[1])
        or _unequal_heads(site, v.dims[1], _key_heads(site))
    )
    if problem:
        return problem
    if heads % shared:
        return Problem(
            "E0405",
            f"{shared} heads of keys cannot be shared alike by {heads} of queries",
            at="kv",
            label=f"{heads} is not a multiple of {shared}",
        )
    width = q.dims[1].size // heads * shared
    if k.dims[1].size != width:
        return Problem(
            "E0304",
            f"sdpa needs keys of {width} numbers, as many in each head as the queries"
            f" have, but gets {q} and {k}",
            at=1,
            label=f"this is {k}",
            dims=(
                (q.dims[1], f"the {q.dims[1].size} comes from here"),
                (k.dims[1], f"the {k.dims[1].size} comes from here"),
            ),
        )
    if k.dims[0] != v.dims[0]:
        return Problem(
            "E0304",
            f"sdpa needs a value for each key, but gets {k} and {v}",
            at=2,
            label=f"this is {v}",
            dims=(
                (k.dims[0], f"the {k.dims[0].size} comes from here"),
                (v.dims[0], f"the {v.dims[0].size} comes from here"),
            ),
        )
    return _mask_problem(site, 3, q, k) or TensorType((q.dims[0], _sdpa_width(site)))


def _sdpa_width(site: Site) -> Dim:
    """How many numbers come out for each query."""
    keys, width = site.ins[1].dims[1], site.ins[2].dims[1]
    heads, shared = site.whole("heads"), site.whole(_key_heads(site))
    if heads == shared:
        return width
    # Two formulas that are not kept are alike, whatever they are worth.
    if width == keys and width.expr == keys.expr:
        # As wide as the keys: each head is as wide as one of the queries.
        return site.x.dims[1]
    each = op("//", width.size // shared, width.expr, site.args["kv"].expr)
    size = width.size // shared * heads
    return Dim(size, site.span, op("*", size, each, site.args["heads"].expr))


SDPA = Layer(
    name="sdpa",
    doc="Attention without weights: `sdpa(q, k, v) 8` takes sequences of queries, keys"
    " and values, each vector already made of that many heads, and"
    " `sdpa(q, k, v, mask) 8` a mask as `attention` does. With `kv` there are fewer"
    " heads of keys and values, each shared by several heads of queries.",
    example="input 197x768 | sdpa(id, id, id) 12",
    look="linear",
    args=(
        _HEADS,
        Arg(
            "kv",
            ArgType("whole", 1),
            None,
            "heads of the keys and values; as many when left out",
            ("num_kv_heads",),
        ),
        _CAUSAL,
        _DROPOUT,
        Arg(
            "scale",
            ArgType("number"),
            None,
            "factor of the products; 1/√(width of a head) when left out",
        ),
    ),
    positional=("heads",),
    inputs=(3, 4),
    shape=_sdpa_shape,
    macs=lambda site, out: (
        site.x.dims[0].size
        * site.ins[1].dims[0].size
        * (site.x.dims[1].size + out.dims[1].size)
    ),
    torch=lambda site: Form(
        apply(
            "DotProductAttention",
            site.slot("heads"),
            kv_heads=site.slot("kv"),
            dropout=site.slot("dropout", 0.0),
            causal=site.slot("causal", False),
            scale=site.slot("scale"),
        ),
        helper="dot_product_attention",
    ),
    source="Vaswani et al. 2017, section 3.2.1, and Ainslie et al. 2023 (GQA)",
    dtypes=(("float",), ("float",), ("float",), ("bool",)),
)


# Places


def _rotary_shape(site: Site) -> TensorType | Problem:
    width, heads = site.x.dims[1], site.whole("heads")
    problem = positive(site, "base") or _unequal_heads(site, width)
    if problem:
        return problem
    if not divides(2 * heads, width.size):
        return Problem(
            "E0405",
            f"rotary turns pairs of numbers, but a head of {width.size // heads} has"
            " one left over",
            at="heads",
            dims=((width, f"the {width.size} comes from here"),),
            hints=("make each head an even number of numbers",),
        )
    return site.x


ROTARY = Layer(
    name="rotary",
    doc="Rotary position embedding of a sequence of queries or keys: each pair of"
    " numbers of a head turns by an angle that grows with the place.",
    example="input 197x768 | rotary 12",
    look="shape",
    args=(
        _HEADS,
        Arg("base", ArgType("number", 0), 10000.0, "base of the angles", ("theta",)),
        Arg(
            "style",
            ArgType("word", words=("halves", "pairs")),
            "halves",
            "pairs of a head's halves, or of neighbours as in the paper",
        ),
    ),
    positional=("heads",),
    ranks=(2,),
    shape=_rotary_shape,
    torch=lambda site: Form(
        apply(
            "Rotary",
            site.slot("heads"),
            base=site.slot("base", 10000.0),
            style=site.slot("style", "halves"),
        ),
        helper="rotary",
    ),
    source="Su et al. 2021 (RoFormer), section 3.2",
)

LAYERS = (with_initialiser(ATTENTION), SDPA, ROTARY)
