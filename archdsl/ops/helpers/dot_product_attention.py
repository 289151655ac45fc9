"""Attention without weights."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class DotProductAttention(nn.Module):
    """Each query's mean of the values, weighed by its likeness to their keys.

    Vaswani et al. 2017, section 3.2.1, in some heads. With fewer heads of keys and
    values several heads of queries share one: Ainslie et al. 2023 (GQA). Where the
    mask is false, nothing is attended to.
    """

    def __init__(
        self,
        heads: int,
        kv_heads: int | None = None,
        dropout: float = 0.0,
        causal: bool = False,
        scale: float | None = None,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.kv_heads = heads if kv_heads is None else kv_heads
        self.dropout = dropout
        self.causal = causal
        self.scale = scale

    def forward(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None
    ) -> Tensor:
        q = torch.unflatten(q, -1, (self.heads, -1)).transpose(1, 2)
        k = torch.unflatten(k, -1, (self.kv_heads, -1)).transpose(1, 2)
        v = torch.unflatten(v, -1, (self.kv_heads, -1)).transpose(1, 2)
        if self.kv_heads != self.heads:
            k = k.repeat_interleave(self.heads // self.kv_heads, 1)
            v = v.repeat_interleave(self.heads // self.kv_heads, 1)
        if mask is not None and mask.dim() < 4:
            mask = mask[:, None, None] if mask.dim() == 2 else mask[:, None]
        if mask is not None:
            # A mask of its own for each sample, the queries perhaps alike for all.
            q = q.expand(max(len(q), len(mask)), *q.shape[1:])
        if self.causal:
            past = q.new_ones(q.shape[2], k.shape[2], dtype=torch.bool).tril()
            mask = past if mask is None else mask & past
        rate = self.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(
            q, k, v, mask, dropout_p=rate, scale=self.scale
        )
        return mixed.transpose(1, 2).flatten(2)
