"""A tensor computed from the places of its numbers."""

from collections.abc import Callable

import torch
from torch import Tensor


def indexed(
    formula: Callable[..., Tensor], *sizes: int, dtype: torch.dtype = torch.float
) -> Tensor:
    """The tensor of these sizes whose number at each place is `formula(*place)`."""
    axes = [torch.arange(size, dtype=torch.double) for size in sizes]
    return formula(*torch.meshgrid(axes, indexing="ij")).to(dtype)
