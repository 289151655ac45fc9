"""Which of several ways is taken on a GPU."""

from collections.abc import Callable

import torch
from torch import Tensor


def fastest(
    ways: list[Callable[..., Tensor]], *arguments: Tensor | None
) -> Callable[..., Tensor]:
    """The way that takes the GPU the least time, in the least of five runs."""
    least = [float("inf")] * len(ways)
    for _ in range(5):
        for at, way in enumerate(ways):
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            way(*arguments)
            end.record()
            end.synchronize()
            least[at] = min(least[at], begin.elapsed_time(end))
    return ways[least.index(min(least))]
