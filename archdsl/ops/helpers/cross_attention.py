"""Attention from one sequence to another."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class CrossAttention(nn.Module):
    """Each vector of a sequence as a mean of another sequence's, in some heads.

    Vaswani et al. 2017, section 3.2. The weights are those of nn.MultiheadAttention,
    by the same names. Where the mask is false, nothing is attended to; it has a row
    for each place of x, or one for all, and may have these for each head.
    """

    in_proj_bias: nn.Parameter | None

    def __init__(
        self,
        width: int,
        heads: int,
        memory_width: int | None = None,
        dropout: float = 0.0,
        causal: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.packed = memory_width is None
        self.dropout = dropout
        self.causal = causal
        if memory_width is None:
            self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        else:
            self.q_proj_weight = nn.Parameter(torch.empty(width, width))
            self.k_proj_weight = nn.Parameter(torch.empty(width, memory_width))
            self.v_proj_weight = nn.Parameter(torch.empty(width, memory_width))
        for weight in self.parameters():
            nn.init.xavier_uniform_(weight)
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width)) if bias else None
        self.out_proj = nn.Linear(width, width, bias)
        if bias:
            nn.init.zeros_(self.out_proj.bias)

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        if self.packed:
            weights = self.in_proj_weight.chunk(3)
        else:
            weights = self.q_proj_weight, self.k_proj_weight, self.v_proj_weight
        bias = self.in_proj_bias
        biases = (None,) * 3 if bias is None else bias.chunk(3)
        given = zip((x, memory, memory), weights, biases, strict=True)
        q, k, v = (
            torch.unflatten(F.linear(*one), -1, (self.heads, -1)).transpose(1, 2)
            for one in given
        )
        if mask is not None and mask.dim() < 4:
            mask = mask[:, None, None] if mask.dim() == 2 else mask[:, None]
        if mask is not None:
            # A mask of its own for each sample, x perhaps the same for all.
            q = q.expand(max(len(q), len(mask)), *q.shape[1:])
        if self.causal:
            past = q.new_ones(q.shape[2], k.shape[2], dtype=torch.bool).tril()
            mask = past if mask is None else mask & past
        rate = self.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(q, k, v, mask, dropout_p=rate)
        out: Tensor = self.out_proj(mixed.transpose(1, 2).flatten(2))
        return out
