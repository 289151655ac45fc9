"""The layers of the language, one record each.

A family is imported when one of its layers is first asked for: most specs need few.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archdsl.ops.record import Layer

# By title, and by module: what stands where.
_FAMILIES: tuple[tuple[str, dict[str, str]], ...] = (
    (
        "Convolution",
        {
            "conv": "conv dwconv upconv",
        },
    ),
    (
        "Linear",
        {
            "linear": "fc",
            "embedding": "embedding",
        },
    ),
    (
        "Recurrent",
        {
            "recurrent": "rnn lstm gru",
        },
    ),
    (
        "Attention",
        {
            "attention": "attention sdpa rotary",
        },
    ),
    (
        "Pooling",
        {
            "pool": "maxpool avgpool lppool adaptive adaptivemax gap gmp",
        },
    ),
    (
        "Normalisation and regularisation",
        {
            "norm": (
                "bn ln gn instancenorm rms lrn l2norm layerscale dropout "
                "dropchannels alphadropout droppath"
            ),
        },
    ),
    (
        "Activation",
        {
            "activation": (
                "relu relu6 leaky prelu elu celu selu gelu silu mish "
                "hardswish hardsigmoid hardtanh tanh sigmoid softplus softmax "
                "logsoftmax glu swiglu scaled_tanh"
            ),
        },
    ),
    (
        "Merging",
        {
            "merge": "add sub mul div concat stack matmul",
            "einsum": "einsum",
        },
    ),
    (
        "Shape",
        {
            "reshape": (
                "flatten unflatten reshape permute tokens decimate padchannels"
            ),
            "along": "mean amax take slice chunk split roll",
            "rearrange": "rearrange",
        },
    ),
    (
        "Size of a map",
        {
            "resize": (
                "pad crop upsample pixelshuffle pixelunshuffle channelshuffle unfold"
            ),
        },
    ),
    (
        "Tensors of their own",
        {
            "constant": "param buffer index",
        },
    ),
    (
        "LeNet-5 as published",
        {
            "classic": "subsample rbf",
        },
    ),
)

_HOME = {
    name: module
    for _, modules in _FAMILIES
    for module, names in modules.items()
    for name in names.split()
}

# Those whose parameters are a `weight` and perhaps a `bias`, to be set one by one.
_INITIALISED = (
    "conv",
    "dwconv",
    "upconv",
    "fc",
    "embedding",
    "bn",
    "ln",
    "gn",
    "instancenorm",
    "rms",
)


class _Layers(dict[str, "Layer"]):
    """All layers by name. It holds those that were asked for, and knows the others."""

    def __missing__(self, name: str) -> Layer:
        found = import_module(f"{__name__}.{_HOME[name]}").LAYERS
        for layer in found:
            if layer.name in _INITIALISED:
                from archdsl.ops.initialise import with_initialiser

                layer = with_initialiser(layer)
            self.setdefault(layer.name, layer)
        return self[name]

    def get(self, name: str, default: Layer | None = None) -> Layer | None:  # type: ignore[override]
        return self[name] if name in _HOME else default

    def __contains__(self, name: object) -> bool:
        return name in _HOME

    def __iter__(self) -> Iterator[str]:
        return iter(_HOME)

    def __len__(self) -> int:
        return len(_HOME)

    def keys(self) -> KeysView[str]:
        return _HOME.keys()  # type: ignore[return-value]

    def values(self) -> ValuesView[Layer]:
        return {name: self[name] for name in _HOME}.values()  # type: ignore[return-value]

    def items(self) -> ItemsView[str, Layer]:
        return {name: self[name] for name in _HOME}.items()  # type: ignore[return-value]


LAYERS = _Layers()


def families() -> tuple[tuple[str, tuple[Layer, ...]], ...]:
    """All layers under the titles of their families."""
    return tuple(
        (
            title,
            tuple(LAYERS[n] for names in modules.values() for n in names.split()),
        )
        for title, modules in _FAMILIES
    )


__all__ = ["LAYERS", "families"]
