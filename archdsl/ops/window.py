"""Windows that slide: the arithmetic shared by convolutions and pools."""

from __future__ import annotations

from archdsl.diagnostics import Hint
from archdsl.ops.record import Problem, Sight, Site
from archdsl.shapes.expr import Const, opaque
from archdsl.shapes.size import Size, require, smallest
from archdsl.shapes.tensor import Dim, TensorType


def window(size: Size, k: int, s: int, p: int, d: int, ceil: bool) -> Size:
    """The output size of a sliding window, 0 if it does not fit.

    ⌊(size + 2p - d(k-1) - 1) / s⌋ + 1 (Dumoulin and Visin 2016, relationship 14).
    With `ceil` the last window may hang over the end, but never starts beyond the
    input and its left padding, as in PyTorch.
    """
    span = size + 2 * p - d * (k - 1) - 1
    if not require(span, ">=", 0):
        return 0
    if not ceil:
        return span // s + 1
    return smallest(-(-span // s) + 1, -(-(size + p) // s))


def strided(site: Site) -> tuple[int, ...]:
    """The stride; of a pool that names none, its kernel."""
    if site.args["s"].value is None:
        return site.sizes("k")
    return site.sizes("s")


def checked_window(
    site: Site,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    ceil: bool = False,
) -> tuple[Dim, ...] | Problem:
    """The spatial sizes that a window leaves, or why it does not fit."""
    dims: list[Dim] = []
    used = opaque(None, *[site.args[name].expr for name in "kspd" if name in site.args])
    for dim, k, s, p, d in zip(
        site.x.dims[1:], kernel, stride, padding, dilation, strict=True
    ):
        if s == 1 and 2 * p == d * (k - 1) and _for_every_value(site):
            dims.append(dim)
            continue
        out = window(dim.size, k, s, p, d, ceil)
        if out == 0:
            reach = d * (k - 1) + 1
            padded = dim.size + 2 * p
            what = f"a window of {reach}" if d > 1 else f"a kernel of {k}"
            return Problem(
                "E0302",
                f"{what} is larger than the {dim.size} that arrives"
                + (f", padded to {padded}" if p else ""),
                at="k",
                label=f"{reach} is more than {padded}",
                dims=((dim, f"the {dim.size} comes from here"),),
                hints=_hints(site, kernel, reach - dim.size),
            )
        dims.append(site.fresh(out, dim.expr, used))
    return tuple(dims)


def _hints(site: Site, kernel: tuple[int, ...], lacking: Size) -> tuple[str, ...]:
    from archdsl.ops.fixes import give, side_by_side

    channels = site.args.get("c")
    c = channels.value if channels is not None else None
    if isinstance(c, int) and c < _LARGE_KERNEL <= max(kernel):
        swapped = f"`{site.layer.name} {max(kernel)} {c}x{c}`"
        at = side_by_side(site, "c", "k")
        instead = f"{max(kernel)} {c}x{c}"
        return (Hint.writing(f"the channels come first: {swapped}?", at, instead),)
    if not isinstance(lacking, int):
        return ("use a smaller kernel, or allow larger sizes",)
    fitting = f"p{-(-lacking // 2)}"
    text = f"use a smaller kernel, or {fitting} or more"
    return (Hint(text, *give(site, "p", fitting)),)


# Numbers of this size are channels more often than kernels.
_LARGE_KERNEL = 16


def _for_every_value(site: Site) -> bool:
    """Whether the window keeps the size whatever the block's parameters are."""
    stride, padding = site.args["s"], site.args.get("p")
    dilation = site.args.get("d")
    fixed_stride = isinstance(stride.expr, Const)
    if padding is not None and padding.value == "same":
        return fixed_stride
    return (
        fixed_stride
        and (padding is None or isinstance(padding.expr, Const))
        and isinstance(site.args["k"].expr, Const)
        and (dilation is None or isinstance(dilation.expr, Const))
    )


def padding(site: Site) -> tuple[int, ...]:
    """The padding on each side, `same` worked out for odd kernels."""
    if site.is_word("p", "same"):
        return tuple(
            d * (k - 1) // 2
            for k, d in zip(site.sizes("k"), site.sizes("d"), strict=True)
        )
    return site.sizes("p")


def own_window(site: Site, out: TensorType) -> tuple[Sight, ...] | None:
    """What a place sees through the layer's own window."""
    pads = padding(site) if "p" in site.args else (0,) * site.spatial
    dilation = site.sizes("d") if "d" in site.args else (1,) * site.spatial
    windows = zip(site.sizes("k"), strided(site), pads, dilation, strict=True)
    return tuple(Sight(-p, d * (k - 1) - p, s) for k, s, p, d in windows)
