"""What `load` does to a module beside building it: asked for by name, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import nn

from archdsl.diagnostics.suggest import did_you_mean
from archdsl.ir.flat import layers
from archdsl.ir.names import children, copies
from archdsl.ir.network import Module, Network, Repeat, Stage
from archdsl.ops.record import Site

# A net is computed with its channels last if this share of its multiply-adds is in
# convolutions of maps: docs/decisions/020-training.md.
LEAST_CONVOLVED = 0.5
COMPILE = (False, True, "whole", "auto")
MEMORY_FORMATS = (None, "auto", "contiguous", "channels_last")

_CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


class OptionError(ValueError):
    """An option of `load` that cannot be had; its text says why and what to try."""


def check_choice(name: str, given: object, known: tuple[object, ...]) -> None:
    """Raise OptionError if an option is none of those that there are."""
    if any(given is one or (given == one and one is not True) for one in known):
        return
    shown = ", ".join(map(repr, known))
    words = [word for word in known if isinstance(word, str)]
    hint = did_you_mean(given, words) if isinstance(given, str) else ()
    raise OptionError("; ".join((f"{name}={given!r} is none of {shown}", *hint)))


# Parts of a net, by the names of their modules


def parts(network: Network) -> dict[str, Stage | Repeat]:
    """The submodules of a net by their paths, labelled repeats among them."""
    return dict(_parts(network.root, ""))


def _parts(module: Module, prefix: str) -> Iterator[tuple[str, Stage | Repeat]]:
    for child in children(module):
        if not child.registered:
            continue
        path = prefix + child.name
        yield path, child.node
        if isinstance(child.node, Repeat):
            for copy in copies(child.node):
                yield f"{path}.{copy.name}", copy.node
                yield from _inside(copy.node, f"{path}.{copy.name}.")
        else:
            yield from _inside(child.node, f"{path}.")


def _inside(node: Stage | Repeat, prefix: str) -> Iterator[tuple[str, Stage | Repeat]]:
    if isinstance(node, Stage) and isinstance(node.target, Module):
        yield from _parts(node.target, prefix)


def checkpointed_parts(
    network: Network, asked: bool | str | Iterable[str]
) -> list[str]:
    """The paths of the modules that `checkpoint=` is about.

    A name is that of a block, a group, a layer, or of a repeat, which stands for each
    of its copies. True stands for all blocks, and copies of labelled repeats, that
    are in no other. Raises OptionError for a name that the net does not have.
    """
    if asked is False:
        return []
    known = parts(network)
    if asked is True:
        found = list(_outermost(network.root, ""))
        if not found:
            raise OptionError(
                f"{_called(network)} has no blocks: name what is to be checkpointed"
            )
        return found
    names = [asked] if isinstance(asked, str) else list(asked)
    found = []
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known)
            text = f"checkpoint: {_called(network)} has no part `{name}`"
            raise OptionError("; ".join((text, *hint)))
        node = known[name]
        if isinstance(node, Repeat):
            found += [f"{name}.{number}" for number in range(node.count)]
        else:
            found.append(name)
    return list(dict.fromkeys(found))


def _outermost(module: Module, prefix: str) -> Iterator[str]:
    for child in children(module):
        if not child.registered:
            continue
        path, node = prefix + child.name, child.node
        if isinstance(node, Repeat):
            yield from (f"{path}.{number}" for number in range(node.count))
        elif isinstance(node.target, Module):
            if node.target.kind == "block":
                yield path
            else:
                yield from _outermost(node.target, f"{path}.")


def _called(network: Network) -> str:
    return f"`{network.name}`" if network.name else "the net"


# Memory formats


def set_memory_format(module: nn.Module, network: Network, asked: str | None) -> None:
    """Lay the weights of convolutions out as asked; the maps they make follow them."""
    if asked is None:
        return
    last = is_convolutional(network) if asked == "auto" else asked == "channels_last"
    layout = torch.channels_last if last else torch.contiguous_format
    for part in module.modules():
        if isinstance(part, _CONVOLUTIONS):
            weight = part.weight
            weight.data = weight.data.contiguous(memory_format=layout)


def is_convolutional(network: Network) -> bool:
    """Whether a net mostly computes convolutions of maps, by its multiply-adds.

    By its parameters where the multiply-adds depend on sizes that are not known.
    """
    found = list(layers(network))
    known = all(isinstance(layer.macs, int) for layer in found)
    total = maps = 0
    for layer in found:
        cost = layer.macs if known else layer.params
        assert isinstance(cost, int)
        total += cost
        maps += cost * _convolves_maps(layer.stage)
    return 0 < LEAST_CONVOLVED * total <= maps


def _convolves_maps(stage: Stage) -> bool:
    site = stage.target
    assert isinstance(site, Site)
    return site.layer.look == "convolution" and site.x.rank == 3
