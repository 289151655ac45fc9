"""TensorFlow's padding of convolutions, which depends on the size of the input."""

from __future__ import annotations

from archdsl.ops.form import Apply, Form, apply
from archdsl.ops.record import Problem, Sight, Site
from archdsl.ops.window import own_window
from archdsl.shapes.expr import Const
from archdsl.shapes.tensor import Dim, TensorType


def _before(site: Site, out: TensorType) -> tuple[int, ...] | None:
    """The zeros that `tf` adds before each axis, None where a size is not known.

    Half of (out - 1)·s + d(k-1) + 1 - in, rounded down, or none (TensorFlow,
    `tf.nn.convolution`, "SAME").
    """
    sizes = zip(
        site.x.sizes[1:],
        out.sizes[1:],
        site.sizes("k"),
        site.sizes("s"),
        site.sizes("d"),
        strict=True,
    )
    found: list[int] = []
    for size, left, k, s, d in sizes:
        lacking = (left - 1) * s + d * (k - 1) + 1 - size
        if not isinstance(lacking, int):
            return None
        found.append(max(0, lacking // 2))
    return tuple(found)


def tf_or_own_window(site: Site, out: TensorType) -> tuple[Sight, ...] | None:
    """What a place sees; of an odd number of zeros `tf` has less at the beginning."""
    if not site.is_word("p", "tf"):
        return own_window(site, out)
    before = _before(site, out)
    if before is None:
        return None
    windows = zip(
        site.sizes("k"), site.sizes("s"), site.sizes("d"), before, strict=True
    )
    return tuple(Sight(-zeros, d * (k - 1) - zeros, s) for k, s, d, zeros in windows)


def tf_window(site: Site) -> tuple[Dim, ...] | Problem:
    """The sizes that `tf` keeps: ⌈in/s⌉."""
    if not site.is_word("mode", "zeros"):
        return Problem("E0405", "the padding `tf` goes with zeros only", at="mode")
    if "table" in site.args and site.args["table"].value is not None:
        return Problem("E0405", "a connection table has no padding `tf`", at="p")
    stride = site.args["s"]
    return tuple(
        dim
        if s == 1 and isinstance(stride.expr, Const)
        else site.fresh(-(-dim.size // s), dim.expr, stride.expr)
        for dim, s in zip(site.x.dims[1:], site.sizes("s"), strict=True)
    )


def padded(site: Site, module: Apply) -> Form:
    """The layer, with the padding that its constructor does not know."""
    if site.is_word("p", "tf"):
        return Form(apply("tf_padded", module), helper="tf_padded")
    return Form(module)
