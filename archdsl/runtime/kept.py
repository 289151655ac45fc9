"""How much a module keeps for the backward pass, without computing anything."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks


def kept_bytes(module: nn.Module, *inputs: Tensor) -> int:
    """The bytes that one forward pass leaves in memory for the backward pass.

    These are the tensors that autograd saves, each storage once: activations, masks,
    and inputs that are needed again; not the module's own parameters and buffers. The
    pass runs on PyTorch's meta device, on a copy in the mode that the module is in:
    it takes no memory, changes no statistics, and draws no random numbers. What is
    computed again, as with `load(…, checkpoint=…)`, does not count.
    """
    shapes: dict[int, Any] = {}
    for tensor in (*module.parameters(), *module.buffers()):
        shapes[id(tensor)] = _on_meta(tensor)
    own = {_storage(tensor) for tensor in shapes.values()}
    probe = copy.deepcopy(module, shapes)
    # Kept alive, so that no two have one address.
    saved: dict[int, torch.UntypedStorage] = {}

    def pack(tensor: Tensor) -> Tensor:
        if _storage(tensor) not in own:
            saved[_storage(tensor)] = tensor.untyped_storage()
        return tensor

    with torch.enable_grad(), saved_tensors_hooks(pack, lambda tensor: tensor):
        outputs = probe(*(_on_meta(each) for each in inputs))
    del outputs
    return sum(storage.nbytes() for storage in saved.values())


def _on_meta(tensor: Tensor) -> Tensor:
    made = tensor.detach().to("meta")
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(made, tensor.requires_grad)
    return made.requires_grad_(tensor.requires_grad)


def _storage(tensor: Tensor) -> int:
    address: int = tensor.untyped_storage()._cdata
    return address
