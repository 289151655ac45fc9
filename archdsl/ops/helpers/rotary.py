"""Rotary position embedding."""

import torch
from torch import Tensor, nn


class Rotary(nn.Module):
    """Turns each pair of numbers by an angle that grows with the place.

    Su et al. 2021 (RoFormer), section 3.2.2: at place t pair i of a head of width d
    turns by t · base^(-2i/d). In the style "halves" number i is paired with number
    i + d/2, in the style "pairs", the paper's, 2i with 2i + 1.
    """

    def __init__(
        self, heads: int, base: float = 10000.0, style: str = "halves"
    ) -> None:
        super().__init__()
        self.heads = heads
        self.base = base
        self.style = style

    def forward(self, x: Tensor) -> Tensor:
        split = torch.unflatten(x, -1, (self.heads, -1))
        width = split.shape[-1]
        speeds = 1 / self.base ** (torch.arange(0, width, 2, device=x.device) / width)
        angles = torch.arange(x.shape[1], device=x.device)[:, None, None] * speeds
        cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        if self.style == "halves":
            a, b = split.chunk(2, -1)
            turned = torch.cat((a * cos - b * sin, b * cos + a * sin), -1)
        else:
            a, b = torch.unflatten(split, -1, (-1, 2)).unbind(-1)
            turned = torch.stack((a * cos - b * sin, b * cos + a * sin), -1)
        return turned.reshape(x.shape)
