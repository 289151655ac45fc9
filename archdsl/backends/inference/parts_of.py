"""Which part of a net for inference does what a layer does, and how it is built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from archdsl.ir.network import Cost, Stage
from archdsl.ops.conv import padding_slot
from archdsl.ops.form import Apply, Code, Form, Keyword, Member, Slot
from archdsl.ops.record import Site
from archdsl.shapes.expr import Const
from archdsl.shapes.size import is_known

# `conv2d`, `linear` and `norm` have a part of their own. Other convolutions are those
# of training, with other numbers.
Kind = Literal["conv2d", "conv", "linear", "norm"]

PARTS = {"conv2d": "Conv2d", "linear": "Linear", "norm": "BatchNorm"}

# Parts compute these, and oneDNN's kernels too. The slope is an argument.
ACTIVATIONS = {
    "relu": "relu",
    "relu6": "relu6",
    "silu": "silu",
    "hardswish": "hardswish",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "gelu": "gelu",
    "leaky": "leaky_relu",
}


def kind_of(site: Site) -> Kind | None:
    """What kind of part computes the layer, if one does."""
    name = site.layer.name
    if name in ("conv", "dwconv"):
        if site.is_word("p", "tf"):
            # It is padded by a hook, so its module is used as it is.
            return None
        plain = site.spatial == 2 and site.is_word("mode", "zeros")
        if name == "conv" and site.args["table"].value is not None:
            return None
        return "conv2d" if plain else "conv"
    if name == "upconv":
        return "conv"
    if name == "fc":
        return "linear"
    if name == "bn" and site.truth("track"):
        return "norm"
    return None


def folds(site: Site, norm: Site) -> bool:
    """Whether a normalisation can go into the weights of the layer before it."""
    if norm.layer.name != "bn" or not norm.truth("track"):
        return False
    # Of a sequence the first axis is normalised, and a linear map makes the last.
    return kind_of(site) != "linear" or norm.x.rank == 1


def adds_maps(site: Site) -> bool:
    """Whether the layer is the sum of two maps of one shape."""
    if site.layer.name != "add" or len(site.ins) != 2 or site.truth("broadcast"):
        return False
    one, other = site.ins
    same = one.sizes == other.sizes and one.batched and other.batched
    return same and all(map(is_known, one.sizes))


def is_activation(site: Site, after_addition: bool) -> bool:
    """Whether the part before it can compute this activation too."""
    name = site.layer.name
    if after_addition:
        return name == "relu"
    return name in ACTIVATIONS and (
        name != "gelu" or site.is_word("approximate", "none")
    )


def part(
    kind: Kind, taken: Sequence[Stage], norm_path: str | None, act: Site | None
) -> Stage:
    """The stage that does what all of `taken` do.

    The second of them is a normalisation if `norm_path` tells where its weights are.
    """
    first, last = taken[0], taken[-1]
    site = first.target
    norm = first.target if kind == "norm" else taken[1].target if norm_path else None
    assert isinstance(site, Site)
    assert isinstance(norm, Site | None)
    cost = Cost()
    for stage in taken:
        cost = cost.plus(stage.cost)

    def torch(here: Site) -> Form:
        more: dict[str, Code] = {}
        if norm_path is not None:
            more["norm"] = _text(norm_path)
        if kind in ("conv2d", "linear"):
            more["bias"] = site.slot("bias", norm_path is None)
        if norm is not None:
            more["eps"] = norm.slot("eps", 1e-5)
            more["affine"] = norm.slot("affine", True)
        if kind == "conv":
            module = _plain(site.layer.torch(site)).module
            assert module is not None
            return Form(_called("weights.call", module, more))
        if kind == "conv2d":
            more["stride"] = site.slot("s", 1)
            more["padding"] = padding_slot(site)
            more["dilation"] = site.slot("d", 1)
        if act is not None:
            more["act"] = _text(ACTIVATIONS[act.layer.name])
            if act.layer.name == "leaky":
                more["slope"] = act.slot("slope")
        return Form(_called(PARTS[kind], None, more))

    layer = site.layer._replace(torch=torch)
    return first._replace(
        target=site._replace(layer=layer), type=last.type, cost=cost, chosen_by=None
    )


def _called(function: str, first: Code | None, named: Mapping[str, Code]) -> Apply:
    arguments = () if first is None else (first,)
    return Apply(function, (*arguments, *(Keyword(k, c) for k, c in named.items())))


def generic(site: Site) -> Site:
    """The layer of training, without what is for training only."""
    made = site.layer

    def torch(here: Site) -> Form:
        return _plain(made.torch(here))

    return site._replace(layer=made._replace(torch=torch))


def members(code: Code | Keyword | None) -> Iterator[str]:
    """The labels of the stages whose tensors the code reads."""
    if isinstance(code, Member):
        yield code.label
    elif isinstance(code, Apply):
        for argument in code.arguments:
            yield from members(argument)


def reading(site: Site, label: str, attribute: str) -> Site:
    """The layer, where what it reads of the stage `label` is called otherwise."""
    made = site.layer

    def torch(here: Site) -> Form:
        form = made.torch(here)
        call = form.function
        if not isinstance(call, Apply):
            return form
        arguments = tuple(
            a._replace(label=attribute) if isinstance(a, Member) else a
            for a in call.arguments
        )
        return form._replace(function=call._replace(arguments=arguments))

    return site._replace(layer=made._replace(torch=torch))


def _plain(form: Form) -> Form:
    """The form without the weights to begin with."""
    module = form.module
    if module is None or module.function != "initialised":
        return form
    inner = module.arguments[0]
    assert isinstance(inner, Apply)
    helpers = tuple(name for name in form.more_helpers if name != "initialised")
    return form._replace(module=inner, more_helpers=helpers)


def _text(text: str) -> Slot:
    return Slot(text, Const(text))
