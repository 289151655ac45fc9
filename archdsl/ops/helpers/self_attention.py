"""Self-attention."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SelfAttention(nn.Module):
    """Each vector of a sequence as a mean of all, weighed by likeness, in some heads.

    Vaswani et al. 2017, section 3.2. The weights are those of nn.MultiheadAttention,
    by the same names. Where the mask is false, nothing is attended to; it has a row
    for each place of x, or one for all, and may have these for each head.
    """

    in_proj_bias: nn.Parameter | None

    def __init__(
        self,
        width: int,
        heads: int,
        dropout: float = 0.0,
        causal: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.causal = causal
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width)) if bias else None
        self.out_proj = nn.Linear(width, width, bias)
        nn.init.xavier_uniform_(self.in_proj_weight)
        if bias:
            nn.init.zeros_(self.out_proj.bias)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        packed = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        packed = packed.reshape(*x.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = packed.unbind()
        if mask is not None:
            if mask.dim() < 4:
                mask = mask[:, None, None] if mask.dim() == 2 else mask[:, None]
            if self.causal:
                mask = mask & mask.new_ones(x.shape[1], x.shape[1]).tril()
            # A mask of its own for each sample, x perhaps the same for all.
            q = q.expand(max(len(q), len(mask)), *q.shape[1:])
        rate = self.dropout if self.training else 0.0
        causal = self.causal and mask is None
        mixed = F.scaled_dot_product_attention(
            q, k, v, mask, dropout_p=rate, is_causal=causal
        )
        out: Tensor = self.out_proj(mixed.transpose(1, 2).flatten(2))
        return out
