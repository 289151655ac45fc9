"""A net held against its own module on PyTorch's meta device, which computes shapes.

Nothing of a size is allocated there, and PyTorch counts the operations of attention
there, as it does not on the CPU.
"""

from __future__ import annotations

import random
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from archdsl.backends.torch.emit import emit, net_class
from archdsl.ir.flat import layers, state_dict_names, uncounted
from archdsl.ir.network import Network
from archdsl.shapes.size import Size

BATCH = 2
# Symbols stand for sizes up to this where the net allows it.
MOST = 9


class Operations(TorchDispatchMode):
    """Counts operations by PyTorch's own formulas.

    `FlopCounterMode` has the same ones, but takes every other operation apart in
    search of more, which takes most of the time that small nets need.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func.overloadpacket)
        if formula is not None:
            self.total += formula(*args, **(kwargs or {}), out_val=out)
        return out


class MismatchError(AssertionError):
    """What the checker says of a net is not what its module is."""


def fresh_class(source: str, name: str) -> type[nn.Module]:
    """A class of a source text, which nothing holds when it is no longer used."""
    namespace: dict[str, Any] = {"__name__": "archdsl_matched"}
    exec(compile(source, "<matched>", "exec"), namespace)
    found = namespace[name]
    assert isinstance(found, type)
    assert issubclass(found, nn.Module)
    return found


def sampled(network: Network, seed: str) -> dict[str, int]:
    """Numbers for the sizes that are not known, the same for the same seed."""
    if network.facts is None:
        return {}
    return network.facts.sample(random.Random(seed), MOST)


def at(size: Size, sizes: Mapping[str, int]) -> int:
    """A size as a number."""
    return size if isinstance(size, int) else size.at(sizes)


def drawn_inputs(
    network: Network, sizes: Mapping[str, int], device: str, batch: int = BATCH
) -> list[Tensor]:
    """A batch for every input; a mask lets each query see something."""
    made: list[Tensor] = []
    for tensor in network.root.inputs:
        shape = [batch, *(at(size, sizes) for size in tensor.sizes)]
        if tensor.dtype == "int":
            # The first entry of every table, since arithmetic may come before it.
            made.append(torch.zeros(shape, dtype=torch.long, device=device))
        elif tensor.dtype == "bool":
            mask = torch.rand(shape, device=device) > 0.3
            mask[..., 0] = True
            made.append(mask)
        else:
            made.append(torch.empty(shape, device=device).uniform_(-1, 1))
    return made


def tensors(network: Network, out: Any) -> list[Tensor]:
    """The outputs as they are written, without those left out in evaluation."""
    if isinstance(out, Tensor):
        return [out]
    if isinstance(out, Mapping):
        return list(out.values())
    if hasattr(out, "_fields"):
        # Those of training alone stand last there.
        order = sorted(network.root.outputs, key=lambda each: each.training)
        by_value = dict(zip(map(id, order), out, strict=True))
        out = [by_value[id(each)] for each in network.root.outputs]
    return [value for value in out if value is not None]


def match(network: Network, seed: str = "") -> None:
    """Hold names, shapes, parameters and multiply-adds against those of the module.

    The shapes are those of the weights, of each submodule's value, and of the outputs
    in evaluation and in training. Sizes that are not known are drawn, from `seed`.
    Raises MismatchError.
    """
    made = fresh_class(emit(network), net_class(network.name))
    with warnings.catch_warnings(), torch.no_grad(), torch.device("meta"):
        # Of windows longer than a stride that skips positions, and the like.
        warnings.simplefilter("ignore")
        try:
            _match(network, made, seed)
        except (RuntimeError, ValueError, TypeError, IndexError) as problem:
            raise MismatchError(f"PyTorch refuses it: {problem}") from problem


def _match(network: Network, made: type[nn.Module], seed: str) -> None:
    module = made()
    _match_weights(network, module)
    sizes = sampled(network, seed)
    inputs = drawn_inputs(network, sizes, "meta")
    _match_run(network, module.eval(), inputs, sizes)
    if any(output.training for output in network.root.outputs):
        out = tensors(network, module.train()(*inputs))
        _match_outputs(network, out, sizes, training=True)


def _match_weights(network: Network, module: nn.Module) -> None:
    if uncounted(network):
        # What an extern learns is not known.
        return
    expected = [(name, weight.shape) for name, weight in state_dict_names(network)]
    held = [(name, tuple(t.shape)) for name, t in module.state_dict().items()]
    for one, other in zip(expected, held, strict=False):
        if one != other:
            raise MismatchError(
                f"the state_dict is to have {_named(one)}, PyTorch has {_named(other)}"
            )
    if len(expected) != len(held):
        more = (expected, held)[len(held) > len(expected)][
            min(len(held), len(expected))
        ]
        side = "only the checker" if len(expected) > len(held) else "only PyTorch"
        raise MismatchError(f"{side} has {_named(more)} in the state_dict")
    counted = sum(parameter.numel() for parameter in module.parameters())
    if counted != network.root.cost.params:
        raise MismatchError(
            f"{network.root.cost.params:,} parameters are counted, PyTorch has"
            f" {counted:,}"
        )


def _match_run(
    network: Network,
    module: nn.Module,
    inputs: Sequence[Tensor],
    sizes: Mapping[str, int],
) -> None:
    seen: dict[str, list[tuple[int, ...]]] = defaultdict(list)
    paths = dict(module.named_modules())
    expected: dict[str, list[tuple[int, ...]]] = defaultdict(list)
    for layer in layers(network):
        if not layer.training and layer.path in paths:
            batch = BATCH if layer.out.batched else 1
            shape = (batch, *(at(size, sizes) for size in layer.out.sizes))
            expected[layer.path].append(shape)
    # What is the same for all samples is computed once, whatever the batch.
    alone = any(not layer.out.batched for layer in layers(network))
    for path in expected:
        shapes = seen[path]

        def note(
            module: nn.Module,
            given: Any,
            out: Any,
            shapes: list[tuple[int, ...]] = shapes,
        ) -> None:
            shapes.append(tuple(out.shape))

        paths[path].register_forward_hook(note)
    with Operations() as counter:
        out = tensors(network, module(*inputs))
    for path, shapes in expected.items():
        # A stage that is shared is in the text as often as it is computed, but
        # perhaps in another order.
        if sorted(seen[path]) != sorted(shapes):
            raise MismatchError(
                f"`{path}` is to give {_listed(shapes)}, PyTorch gives"
                f" {_listed(seen[path])}, batch first"
            )
    _match_outputs(network, out, sizes, training=False)
    if uncounted(network):
        return
    macs = at(network.root.cost.macs, sizes)
    counted = counter.total / BATCH
    if alone:
        larger = Operations()
        with larger:
            module(*drawn_inputs(network, sizes, "meta", BATCH + 1))
        # What a batch of one would need, and some layers take no such batch.
        more = larger.total - counter.total
        counted = counter.total - (BATCH - 1) * more
    counted /= 2
    if counted != macs:
        raise MismatchError(
            f"{macs:,} multiply-adds are counted, PyTorch counts {counted:,.10g}"
        )


def _match_outputs(
    network: Network, out: Sequence[Tensor], sizes: Mapping[str, int], training: bool
) -> None:
    root = network.root
    types = [each.type for each in root.outputs if training or not each.training]
    expected = [
        (BATCH, *(at(size, sizes) for size in each.sizes))
        for each in types or [root.type]
    ]
    found = [tuple(tensor.shape) for tensor in out]
    if found != expected:
        raise MismatchError(
            f"the outputs are to be {_listed(expected)}, PyTorch gives"
            f" {_listed(found)}, batch first"
        )


def _named(tensor: tuple[str, tuple[Size, ...]]) -> str:
    return f"`{tensor[0]}` of {'x'.join(map(str, tensor[1]))}"


def _listed(shapes: Sequence[tuple[int, ...]]) -> str:
    return " and ".join("x".join(map(str, shape)) for shape in shapes) or "nothing"
