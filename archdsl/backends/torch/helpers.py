"""Definitions that a source carries along, for layers that PyTorch lacks."""

from __future__ import annotations

from importlib.resources import files

HELPERS = frozenset(
    "euclidean_rbf global_avg_pool make_divisible partial_conv2d scaled_tanh"
    " scaled_tanh_module subsample2d zero_pad_channels".split()
)

_HELPER_CLASSES = {
    "euclidean_rbf": "EuclideanRBF",
    "global_avg_pool": "GlobalAvgPool",
    "partial_conv2d": "PartialConv2d",
    "scaled_tanh_module": "ScaledTanh",
    "subsample2d": "Subsample2d",
    "zero_pad_channels": "ZeroPadChannels",
}


def helper_class(name: str) -> str:
    """The class that a helper file defines."""
    return _HELPER_CLASSES.get(name, name)


def helper_source(name: str) -> str:
    """A helper's definitions, without its docstring and imports."""
    text = files("archdsl.ops").joinpath(f"helpers/{name}.py").read_text("utf-8")
    lines = text.splitlines()
    begin = next(
        at for at, line in enumerate(lines) if line.startswith(("class ", "def "))
    )
    return "\n".join(lines[begin:]).rstrip()
