"""A convolution in which each output map sees some of the input maps."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PartialConv2d(nn.Module):
    """Convolution by a connection table: `table[i]` lists the maps that output i sees.

    LeCun et al. 1998, section II-B, layer C3 and table I. Each connection has a kernel
    of its own.
    """

    sources: Tensor
    targets: Tensor
    bias: nn.Parameter | None

    def __init__(
        self,
        in_channels: int,
        table: list[list[int]],
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        kernel = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
        sources = [source for row in table for source in row]
        targets = [target for target, row in enumerate(table) for _ in row]
        if any(not 0 <= source < in_channels for source in sources):
            raise ValueError(f"the table names other maps than the {in_channels}")
        self.out_channels = len(table)
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.register_buffer("sources", torch.tensor(sources))
        self.register_buffer("targets", torch.tensor(targets))
        # As in nn.Conv2d: uniform, by how many numbers each output sees.
        area = kernel[0] * kernel[1]
        bound = torch.tensor([(area * len(row)) ** -0.5 for row in table])
        weight = 2 * torch.rand(len(sources), 1, *kernel) - 1
        self.weight = nn.Parameter(weight * bound[self.targets][:, None, None, None])
        shift = (2 * torch.rand(len(table)) - 1) * bound
        self.bias = nn.Parameter(shift) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        x = x.index_select(1, self.sources)
        groups = self.weight.shape[0]
        window = self.stride, self.padding, self.dilation
        x = F.conv2d(x, self.weight, None, *window, groups)
        out = x.new_zeros(x.shape[0], self.out_channels, *x.shape[2:])
        out = out.index_add(1, self.targets, x)
        if self.bias is not None:
            out = out + self.bias.to(out.dtype)[:, None, None]
        return out
