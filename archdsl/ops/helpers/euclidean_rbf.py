"""Distances to fixed centres."""

import torch
from torch import Tensor, nn


class EuclideanRBF(nn.Module):
    """The squared distance to each of some fixed centres of -1 and 1.

    LeCun et al. 1998, section II-B, equation 7, and figure 3. `centres` holds pictures
    side by side, in rows: each string has one piece for each output, parted by a blank,
    with `#` for 1 and `.` for -1. Without it the centres are random.
    """

    centres: Tensor

    def __init__(
        self, in_features: int, out_features: int, centres: list[str] | None = None
    ) -> None:
        super().__init__()
        if centres is None:
            signs = torch.randint(0, 2, (out_features, in_features))
        else:
            pictures = zip(*(row.split() for row in centres), strict=True)
            pixels = ["".join(picture) for picture in pictures]
            signs = torch.tensor([[pixel == "#" for pixel in row] for row in pixels])
        if signs.shape != (out_features, in_features):
            raise ValueError(f"{out_features} centres of {in_features} are needed")
        self.register_buffer("centres", 2 * signs.to(torch.get_default_dtype()) - 1)

    def forward(self, x: Tensor) -> Tensor:
        return (x.unsqueeze(-2) - self.centres).square().sum(-1)
