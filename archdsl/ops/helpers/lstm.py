"""A recurrent layer with long short-term memory that gives its outputs alone."""

import torch
from torch import Tensor, nn


class LSTM(nn.LSTM):
    """nn.LSTM over (batch, step, number), giving the outputs without the state.

    It may begin from an output and a cell, each (batch, number) or (batch, layer and
    direction, number). With `last` it gives the output that each direction ends with.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        last: bool = False,
    ) -> None:
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            bias,
            True,
            dropout,
            bidirectional,
            proj_size,
        )
        self.last = last

    def forward(self, x: Tensor, *state: Tensor) -> Tensor:  # type: ignore[override]
        begin = []
        for s in state:
            s = s.reshape(s.shape[0], -1, s.shape[-1]).transpose(0, 1)
            begin.append(s.expand(-1, x.shape[0], -1).contiguous())
        out: Tensor = super().forward(x, (begin[0], begin[1]) if begin else None)[0]
        if not self.last:
            return out
        if not self.bidirectional:
            return out[:, -1]
        forward, backward = out.chunk(2, 2)
        return torch.cat([forward[:, -1], backward[:, 0]], 1)
