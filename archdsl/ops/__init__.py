"""The layers of the language, one record each.

A family is imported when one of its layers is first asked for: most specs need few.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
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
            "linear": "fc affine",
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
                "logsoftmax glu swiglu scale abs exp clamp scaled_tanh"
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


class _Layers(MutableMapping[str, "Layer"]):
    """All layers by name. It holds those that were asked for, and knows the others."""

    def __init__(self) -> None:
        self._made: dict[str, Layer] = {}

    def __getitem__(self, name: str) -> Layer:
        if name not in self._made:
            self._import(_HOME[name])
        return self._made[name]

    def _import(self, family: str) -> None:
        for layer in import_module(f"{__name__}.{family}").LAYERS:
            self._made.setdefault(layer.name, layer)

    def get(self, name: str, default: Layer | None = None) -> Layer | None:  # type: ignore[override]
        return self[name] if name in _HOME else default

    def __contains__(self, name: object) -> bool:
        return name in _HOME

    def __setitem__(self, name: str, layer: Layer) -> None:
        self._made[name] = layer

    def __delitem__(self, name: str) -> None:
        del self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_HOME)

    def __len__(self) -> int:
        return len(_HOME)


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
