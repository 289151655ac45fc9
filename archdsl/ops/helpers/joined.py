"""Joining values of which some are the same for all samples."""

import torch
from torch import Tensor


def joined(tensors: list[Tensor], dim: int) -> Tensor:
    """The tensors joined along an axis, those with a batch of one for each sample."""
    batch = next((x.shape[0] for x in tensors if x.shape[0] != 1), 1)
    return torch.cat([x.expand(batch, *x.shape[1:]) for x in tensors], dim)
