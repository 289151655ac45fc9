"""Axes split, joined and put in another order."""

import torch
from torch import Tensor, nn


class Rearrange(nn.Module):
    """Axes split, joined and put in another order, by a pattern without the batch.

    Rogozhnikov 2022 (Einops: clear and reliable tensor manipulations). The lengths
    are those of the parts of an axis; one of them may be left out.
    """

    def __init__(self, pattern: str, /, **lengths: int) -> None:
        super().__init__()
        before, after = (self.axes(side) for side in pattern.split("->"))
        names = [name for axis in before for name in axis]
        self.split = [[lengths.get(name, -1) for name in axis] for axis in before]
        self.order = [0] + [1 + names.index(name) for axis in after for name in axis]
        self.join = [len(axis) for axis in after]

    @staticmethod
    def axes(side: str) -> list[list[str]]:
        found: list[list[str]] = []
        inside = False
        for word in side.replace("(", " ( ").replace(")", " ) ").split():
            if word in "()":
                inside = word == "("
                found += [[]] if inside else []
            elif inside:
                found[-1] += [word] if word != "1" else []
            else:
                found.append([word] if word != "1" else [])
        return found

    def forward(self, x: Tensor) -> Tensor:
        # From the last axis on, so that those before it keep their numbers.
        for axis, lengths in reversed(list(enumerate(self.split, start=1))):
            if not lengths:
                x = x.squeeze(axis)
            elif len(lengths) > 1:
                x = torch.unflatten(x, axis, lengths)
        x = x.permute(self.order)
        for axis, count in enumerate(self.join, start=1):
            x = x.flatten(axis, axis + count - 1) if count else x.unsqueeze(axis)
        return x
