"""Recurrent layers, over a sequence of vectors."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.ops.axes import rank_problem
from archdsl.ops.form import Code, Form, apply
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
from archdsl.shapes.expr import Const, op
from archdsl.shapes.size import Size
from archdsl.shapes.tensor import Dim, TensorType
from archdsl.tuples import NamedTuple

# Of layers one on top of the other; deeper ones are not trained in practice.
MAX_LAYERS = 1000


class _Cell(NamedTuple):
    """One layer in one direction: what it reads and what it gives in each step."""

    suffix: str
    reads: Size
    gives: Size


def _is_projected(site: Site) -> bool:
    return "proj" in site.args and site.args["proj"].value is not None


def _given(site: Site) -> Dim:
    """The numbers that one direction gives in each step."""
    return site.dim("proj" if _is_projected(site) else "hidden")


def _directions(site: Site) -> int:
    return 2 if site.truth("bidirectional") else 1


def _cells(site: Site) -> Iterator[_Cell]:
    gives, directions = _given(site).size, _directions(site)
    for layer in range(site.whole("layers")):
        reads = gives * directions if layer else site.x.dims[1].size
        yield _Cell(f"l{layer}", reads, gives)
        if directions > 1:
            yield _Cell(f"l{layer}_reverse", reads, gives)


def _shape(site: Site) -> TensorType | Problem:
    if site.x.rank != 2:
        hints = ("`tokens` makes a sequence of a map",) if site.x.rank != 1 else ()
        return rank_problem(site, "a sequence of vectors", *hints)
    given, hidden = _given(site), site.whole("hidden")
    if _is_projected(site) and given.size >= hidden:
        return Problem(
            "E0405",
            f"`proj` has to be less than the {hidden} hidden numbers, not {given.size}",
            at="proj",
        )
    problem = _wrong_states(site)
    if problem is not None:
        return problem
    if _directions(site) > 1:
        size = 2 * given.size
        given = Dim(size, site.span, op("*", size, Const(2), given.expr))
    return TensorType((given,) if site.truth("last") else (site.x.dims[0], given))


def _wrong_states(site: Site) -> Problem | None:
    """A state to begin with that is not one vector for each layer and direction."""
    states = site.ins[1:]
    # Only an lstm has two, and it needs both.
    if site.layer.inputs[1] == 3 and len(states) == 1:
        return Problem(
            "E0407",
            "lstm takes two states, the output and the cell, or none",
            hints=("as in `lstm(x, h, c) 512`",),
        )
    count = site.whole("layers") * _directions(site)
    sizes = (_given(site).size, site.whole("hidden"))
    for number, (state, size) in enumerate(zip(states, sizes, strict=False), start=1):
        fits = state.sizes == (count, size) or (count == 1 and state.sizes == (size,))
        if not fits:
            wanted = f"{size}" if count == 1 else f"{count}x{size}"
            return Problem(
                "E0304",
                f"{site.layer.name} begins from a state of {wanted} here, but"
                f" {state} arrives",
                at=number,
                label=f"this is {state}",
                dims=((state.dims[0], f"{state} comes from here"),),
                hints=("a state has a vector for each layer and direction",)
                if count > 1
                else (),
            )
        if state.batched and not site.x.batched:
            return Problem(
                "E0304",
                "the state differs between samples, but the sequence is the same for"
                " all of them",
                at=number,
            )
    return None


def _weights(gates: int, site: Site) -> tuple[Weight, ...]:
    hidden = site.whole("hidden")
    found: list[Weight] = []
    for suffix, reads, gives in _cells(site):
        found.append(Weight(f"weight_ih_{suffix}", (gates * hidden, reads)))
        found.append(Weight(f"weight_hh_{suffix}", (gates * hidden, gives)))
        if site.truth("bias"):
            found.append(Weight(f"bias_ih_{suffix}", (gates * hidden,)))
            found.append(Weight(f"bias_hh_{suffix}", (gates * hidden,)))
        if _is_projected(site):
            found.append(Weight(f"weight_hr_{suffix}", (gives, hidden)))
    return tuple(found)


def _macs(gates: int, site: Site) -> Size:
    """Of the matrix products: each gate reads the step and the output before it."""
    hidden = site.whole("hidden")
    total: Size = 0
    for _, reads, gives in _cells(site):
        total += gates * hidden * (reads + gives)
        if _is_projected(site):
            total += hidden * gives
    return total * site.x.dims[0].size


def _connections(gates: int, site: Site) -> Size:
    """The MACs, and two biases for each gate in each step."""
    if not site.truth("bias"):
        return _macs(gates, site)
    cells = site.whole("layers") * _directions(site)
    biases = 2 * gates * site.whole("hidden") * cells
    return _macs(gates, site) + biases * site.x.dims[0].size


def _torch(site: Site) -> Form:
    keywords: dict[str, Code] = {"num_layers": site.slot("layers", 1)}
    if "nonlinearity" in site.args:
        keywords["nonlinearity"] = site.slot("nonlinearity", "tanh")
    keywords |= {
        "bias": site.slot("bias", True),
        "dropout": site.slot("dropout", 0.0),
        "bidirectional": site.slot("bidirectional", False),
    }
    if "proj" in site.args:
        keywords["proj_size"] = site.slot("proj")
    keywords["last"] = site.slot("last", False)
    name = site.layer.name
    width, hidden = dim_slot(site.x.dims[1]), site.slot("hidden")
    return Form(apply(name.upper(), width, hidden, **keywords), helper=name)


_HIDDEN = Arg(
    "hidden",
    ArgType("whole", 1),
    REQUIRED,
    "numbers of the state, for each direction",
    ("units",),
)
_SHARED = (
    Arg(
        "layers",
        ArgType("whole", 1, MAX_LAYERS),
        1,
        "layers, each over the output of the one before",
    ),
    Arg(
        "bidirectional",
        ArgType("truth"),
        False,
        "read the sequence from both ends and join the outputs",
    ),
    Arg("dropout", ArgType("number", 0, 1), 0.0, "share set to zero between layers"),
    Arg("bias", ArgType("truth"), True, "add learned biases"),
    Arg(
        "last",
        ArgType("truth"),
        False,
        "give the last output alone, of each direction the one that it ends with",
    ),
)


def _recurrent(
    name: str, doc: str, gates: int, source: str, states: int = 1, *more: Arg
) -> Layer:
    begin = {1: "a second input is the state", 2: "two more are output and cell"}
    return Layer(
        name=name,
        doc=f"{doc} Without further inputs it begins with zeros; {begin[states]} to"
        " begin with, one vector or, of several layers and directions, one for each.",
        example=f"input 128x300 | {name} 512",
        look="linear",
        inputs=(1, 1 + states),
        args=(_HIDDEN, *_SHARED, *more),
        positional=("hidden",),
        shape=_shape,
        weights=lambda site, out: _weights(gates, site),
        macs=lambda site, out: _macs(gates, site),
        connections=lambda site, out: _connections(gates, site),
        torch=_torch,
        source=source,
    )


RNN = _recurrent(
    "rnn",
    "A recurrent layer: each output is made of the input and the output before.",
    1,
    "Elman 1990",
    1,
    Arg(
        "nonlinearity",
        ArgType("word", words=("tanh", "relu")),
        "tanh",
        "what is applied to each output",
    ),
)

LSTM = _recurrent(
    "lstm",
    "A recurrent layer with long short-term memory: gates guard a cell.",
    4,
    "Hochreiter and Schmidhuber 1997; Gers et al. 2000; for `proj`, Sak et al. 2014",
    2,
    Arg(
        "proj",
        ArgType("whole", 1),
        None,
        "numbers that each output is projected to",
        ("proj_size",),
    ),
)

GRU = _recurrent(
    "gru",
    "A recurrent layer with gates that keep or renew its state.",
    3,
    "Cho et al. 2014",
)

LAYERS = tuple(map(with_initialiser, (RNN, LSTM, GRU)))
