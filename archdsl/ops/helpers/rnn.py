"""A recurrent layer that gives its outputs alone."""

import torch
from torch import Tensor, nn


class RNN(nn.RNN):
    """nn.RNN over (batch, step, number), giving the outputs without the state.

    It may begin from a state, (batch, number) or (batch, layer and direction, number).
    With `last` it gives the output that each direction ends with.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        dropout: float = 0.0,
        bidirectional: bool = False,
        last: bool = False,
    ) -> None:
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            nonlinearity,
            bias,
            True,
            dropout,
            bidirectional,
        )
        self.last = last

    def forward(self, x: Tensor, *state: Tensor) -> Tensor:  # type: ignore[override]
        begin = None
        for h in state:
            h = h.reshape(h.shape[0], -1, h.shape[-1]).transpose(0, 1)
            begin = h.expand(-1, x.shape[0], -1).contiguous()
        out: Tensor = super().forward(x, begin)[0]
        if not self.last:
            return out
        if not self.bidirectional:
            return out[:, -1]
        forward, backward = out.chunk(2, 2)
        return torch.cat([forward[:, -1], backward[:, 0]], 1)
