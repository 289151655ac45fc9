"""Which axis of a value holds its channels, as far as the layers tell.

Inputs have their channels first. Layers that work on maps read them so; `last` and
`channels` say where they stand; `permute` and `rearrange` move them, if they are not
split. What multiplies matrices or looks up entries leaves it open.
"""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.ir.fold import Folder
from archdsl.ir.network import Module, Network, Repeat, Stage
from archdsl.ops.rearrange import Pattern, parsed
from archdsl.ops.record import Site

# Layers that read channels first, beside convolutions and pools.
_FIRST = {
    *("bn", "gn", "instancenorm", "lrn", "dropchannels", "upsample", "pixelshuffle"),
    *("pixelunshuffle", "channelshuffle", "padchannels", "decimate"),
    "subsample",
}
# Layers that leave the axes as they are, beside activations and regularisation.
_SAME = {
    *("slice", "chunk", "split", "roll", "pad", "crop", "rotary", "l2norm"),
    "layerscale",
}
_SUMS = {"add", "sub", "mul", "div", "concat"}
# What works over the last axis.
_LAST = {"fc", "affine", "ln", "rms", "embedding", "attention", "sdpa"}


class Channels:
    """Follows the channels through a network."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._known: dict[tuple[int, tuple[int | None, ...]], int | None] = {}
        self.unsure = False

    def after(self, node: Stage | Repeat, ins: Sequence[int | None]) -> int | None:
        """The axis of the channels of what comes out, if it is known."""
        if isinstance(node, Stage):
            return self._stage(node, ins)
        flow = ins[0]
        for run in node.runs:
            for _ in range(min(run.count, 2)):
                taken = [ins[k] if k else flow for k in run.stage.inputs]
                flow = self._stage(run.stage, taken)
        return flow

    def _stage(self, stage: Stage, ins: Sequence[int | None]) -> int | None:
        if isinstance(stage.target, Module):
            return self._module(stage.target, tuple(ins))
        found = _after(stage.target, ins, stage.type.rank)
        self.unsure |= found is None and stage.type.rank > 2
        return found

    def _module(self, module: Module, ins: tuple[int | None, ...]) -> int | None:
        key = id(module), ins
        if key not in self._known:
            flat = self._folder.flat(module)
            made: list[int | None] = []
            for node, sources in zip(flat.nodes, flat.sources, strict=True):
                taken = [made[s] if s >= 0 else ins[-1 - s] for s in sources]
                made.append(self.after(node, taken))
            out = flat.output
            self._known[key] = made[out] if out >= 0 else ins[-1 - out]
        return self._known[key]


def unsure(network: Network) -> bool:
    """Whether there are maps of which it is not known where their channels stand."""
    channels = Channels(Folder())
    channels._module(network.root, (0,) * len(network.root.inputs))
    return channels.unsure


def _after(site: Site, ins: Sequence[int | None], rank: int) -> int | None:
    layer, look = site.layer.name, site.layer.look
    before = ins[0] if ins else None
    if layer in _LAST:
        channels = "channels" in site.args and site.truth("channels")
        return 0 if channels else rank - 1
    if look in ("convolution", "pooling") or layer in _FIRST:
        # A mean may be over any axis.
        return before if layer in ("mean", "amax") and rank > 2 else 0
    if look in ("activation", "regularisation") or layer in _SAME:
        return before
    if layer in _SUMS:
        # Inputs of fewer axes are spread over the others.
        ranks = [tensor.rank for tensor in site.ins]
        found = {at for at, r in zip(ins, ranks, strict=True) if r == rank}
        found -= {None}
        return found.pop() if len(found) == 1 else None
    if layer == "permute" and before is not None:
        order = [b.value for b in site.args.values() if isinstance(b.value, int)]
        return order.index(before)
    if layer == "rearrange" and before is not None:
        pattern = parsed(str(site.args["pattern"].value))
        if isinstance(pattern, Pattern):
            parts = set(pattern.before[before])
            found_at = [n for n, axis in enumerate(pattern.after) if parts <= set(axis)]
            return found_at[0] if found_at else None
    if layer == "tokens":
        return 1
    if layer in ("reshape", "unflatten") and (before == 0 or site.x.rank < 3):
        return 0
    return 0 if rank == 1 else None
