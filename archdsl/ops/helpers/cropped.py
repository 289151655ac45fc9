"""A crop around the centre."""

from torch import Tensor


def cropped(x: Tensor, *size: int) -> Tensor:
    """The middle of a map, a size for each axis."""
    for axis, length in enumerate(size, start=2):
        x = x.narrow(axis, (x.shape[axis] - length) // 2, length)
    return x
