"""Tensors that belong to the module itself: learned ones, and constants."""

from __future__ import annotations

from archdsl.ops.axes import numbers
from archdsl.ops.form import (
    Apply,
    Attribute,
    Code,
    Form,
    Keyword,
    Listed,
    Slot,
    X,
    apply,
)
from archdsl.ops.form import Input as InputCode
from archdsl.ops.initialise import (
    FUNCTIONS,
    OF_MATRICES,
    OPTIONS,
    option_alone,
    options_of,
)
from archdsl.ops.record import (
    REQUIRED,
    Arg,
    ArgType,
    Layer,
    Problem,
    Site,
    Weight,
)
from archdsl.ops.values import IndexFormula
from archdsl.shapes.expr import Const
from archdsl.shapes.tensor import AXES, Dim, DType, TensorType

MAX_SIZES = max(AXES)

# The initialisers by name, the plainest first.
_INITS = (
    "zeros",
    "ones",
    "normal",
    "trunc_normal",
    "uniform",
    "xavier",
    "xavier_uniform",
    "kaiming",
    "kaiming_uniform",
    "orthogonal",
)

_SHAPE = Arg("shape", ArgType("sizes", 1), REQUIRED, "sizes", ("size",))
_BATCH = Arg("batch", ArgType("truth"), False, "the first size, 1, is the batch")
_VALUE = Arg(
    "value",
    ArgType("formula"),
    None,
    "what each number is; `ax0`, `ax1`, … are its places along the axes",
)


def _slots(site: Site) -> tuple[Slot, ...]:
    """The sizes as they are stored."""
    return numbers(site.args["shape"], _stored(site))


def _stored(site: Site) -> tuple[int, ...]:
    sizes = site.args["shape"].value
    assert isinstance(sizes, tuple)
    return sizes


def _shape(site: Site) -> TensorType | Problem:
    slots = _slots(site)
    if site.truth("batch"):
        if slots[0].value != 1 or len(slots) == 1:
            return Problem(
                "E0405",
                "with `batch`, 1 comes first and other sizes follow it",
                at="shape",
                hints=("as in `param 1x197x768 batch`",),
            )
        slots = slots[1:]
    if len(slots) > MAX_SIZES:
        return Problem(
            "E0405",
            f"a value has at most {MAX_SIZES} sizes, not {len(slots)}",
            at="shape",
        )
    value = site.args["value"].value
    if isinstance(value, IndexFormula) and value.axes > len(slots):
        return Problem(
            "E0405",
            f"`ax{value.axes - 1}` is one axis too many for {len(slots)} of them",
            at="value",
            hints=("axes are counted from 0, without the batch",),
        )
    init = site.args["init"].value if "init" in site.args else None
    if init is not None and value is not None:
        return Problem("E0405", "`init` and `value` exclude each other", at="init")
    problem = option_alone(site) if "init" in site.args else None
    if problem is not None:
        return problem
    if init in OF_MATRICES and len(_stored(site)) < 2:
        return Problem(
            "E0405",
            f"`init={init}` is for two sizes or more",
            at="init",
            hints=("a vector is drawn by `init=normal` or `init=uniform`",),
        )
    span = site.args["shape"].span
    # Without the batch.
    sizes = _stored(site)[-len(slots) :]
    dims = tuple(
        Dim(size, span, slot.expr) for size, slot in zip(sizes, slots, strict=True)
    )
    dtype: DType = "float"
    if "dtype" in site.args:
        dtype = site.args["dtype"].value  # type: ignore[assignment]
    return TensorType(dims, dtype)


def _value(site: Site, dtype: str) -> Code:
    """The tensor that the module is made with."""
    slots = _slots(site)
    value = site.args["value"].value
    if isinstance(value, IndexFormula):
        if value.axes == 0:
            assert isinstance(value.code, Slot)
            return _filled(slots, value.code, dtype)
        inner = slots[1:] if site.truth("batch") else slots
        made = apply("indexed", value.function(len(inner)), *inner)
        if dtype != "float":
            holds = Keyword("dtype", f"torch.{_TORCH[dtype]}")
            made = Apply(made.function, (*made.arguments, holds))
        if site.truth("batch"):
            return Apply("torch.unsqueeze", (made, 0))
        return made
    init = str(site.args["init"].value or "zeros") if "init" in site.args else "zeros"
    if init == "zeros":
        return Apply("torch.zeros", slots)
    if init == "ones":
        return Apply("torch.ones", slots)
    given = [Keyword(name, slot) for name, slot in options_of(site, init).items()]
    return Apply(f"nn.init.{FUNCTIONS[init][0]}", (Apply("torch.empty", slots), *given))


_TORCH = {"int": "long", "bool": "bool", "float": "float"}


def _filled(slots: tuple[Slot, ...], number: Slot, dtype: str) -> Code:
    if dtype == "float":
        if number.value == 0 and isinstance(number.expr, Const):
            return Apply("torch.zeros", slots)
        if number.value == 1 and isinstance(number.expr, Const):
            return Apply("torch.ones", slots)
    kind = f"torch.{_TORCH[dtype]}"
    return Apply("torch.full", (Listed(slots), number, Keyword("dtype", kind)))


def _param_torch(site: Site) -> Form:
    attribute = Attribute("parameter", True, site.truth("batch"))
    value = site.args["value"].value
    computed = isinstance(value, IndexFormula) and value.axes > 0
    return Form(
        apply("nn.Parameter", _value(site, "float")),
        attribute=attribute,
        helper="indexed" if computed else None,
    )


PARAM = Layer(
    name="param",
    doc="A learned tensor. It takes no input and is the same for all samples.",
    example="input 197x768 | add(id, param 197x768 init=trunc_normal std=0.02)",
    look="linear",
    inputs=(0, 0),
    args=(
        _SHAPE,
        _BATCH,
        Arg(
            "init",
            ArgType("word", words=_INITS),
            None,
            "how it begins; zeros when left out",
        ),
        *OPTIONS,
        _VALUE,
    ),
    positional=("*shape",),
    shape=_shape,
    weights=lambda site, out: (Weight("", _stored(site)),),
    torch=_param_torch,
)


def _buffer_torch(site: Site) -> Form:
    value = site.args["value"].value
    dtype = str(site.args["dtype"].value)
    computed = isinstance(value, IndexFormula) and value.axes > 0
    return Form(
        apply("buffer", _value(site, dtype)),
        attribute=Attribute("buffer", site.truth("persistent"), site.truth("batch")),
        helper="indexed" if computed else None,
    )


def _buffer_weights(site: Site, out: TensorType) -> tuple[Weight, ...]:
    if not site.truth("persistent"):
        return ()
    return (Weight("", _stored(site), parameter=False),)


BUFFER = Layer(
    name="buffer",
    doc="A constant tensor, computed from a formula of its places.",
    example="input 16x8 | add(id, buffer 16x8 value=(sin(ax0 / 10000**(ax1 / 8))))",
    look="shape",
    inputs=(0, 0),
    args=(
        _SHAPE,
        _BATCH,
        _VALUE,
        Arg(
            "dtype",
            ArgType("word", words=("float", "int", "bool")),
            "float",
            "what it holds",
        ),
        Arg("persistent", ArgType("truth"), True, "whether it is in the state_dict"),
    ),
    positional=("*shape",),
    shape=_shape,
    weights=_buffer_weights,
    torch=_buffer_torch,
)


def _index_shape(site: Site) -> TensorType | Problem:
    table, places = site.ins
    rank = table.rank - 1 + places.rank
    if rank > MAX_SIZES:
        return Problem(
            "E0301", f"the result would have {rank} sizes; {MAX_SIZES} are the most"
        )
    if table.batched:
        return Problem(
            "E0301",
            "index looks up a table, a `param` or `buffer`, that is the same for all"
            " samples",
            at=0,
        )
    return TensorType((*places.dims, *table.dims[1:]))


def _index_torch(site: Site) -> Form:
    return Form(
        None,
        apply("look_up", X, InputCode(1)),
        function_helper="look_up",
    )


INDEX = Layer(
    name="index",
    doc="The entries of a table, its first axis, at the places given.",
    example="input 49 int | index(param 100x8, id)",
    look="merge",
    inputs=(2, 2),
    shape=_index_shape,
    torch=_index_torch,
    dtypes=(("float", "int", "bool"), ("int",)),
)

LAYERS = (PARAM, BUFFER, INDEX)
