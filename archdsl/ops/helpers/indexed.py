"""A tensor computed from the places of its numbers."""

from collections.abc import Callable

import torch
from torch import Tensor


def indexed(
    formula: Callable[..., Tensor], *sizes: int, dtype: torch.dtype = torch.float
) -> Tensor:
    """The tensor of these sizes whose number at each place is `formula(*place)`."""
    places = torch.meshgrid(*(torch.arange(size) for size in sizes), indexing="ij")
    return formula(*places).to(dtype)
