"""The weights of training, as the parts of a net for inference take them."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn


class Weights:
    """The weights of training, as one module sees them.

    With `public`, what is built of them uses only operators that PyTorch documents.
    """

    def __init__(
        self,
        state: Mapping[str, Tensor],
        device: torch.device | str,
        dtype: torch.dtype,
        public: bool,
        prefix: str = "",
        used: set[str] | None = None,
    ) -> None:
        self.state, self.device, self.dtype = state, device, dtype
        self.public, self.prefix = public, prefix
        self.used: set[str] = set() if used is None else used

    def at(self, path: str) -> "Weights":
        """The weights of a module inside."""
        prefix = f"{self.prefix}{path}."
        return Weights(
            self.state, self.device, self.dtype, self.public, prefix, self.used
        )

    def find(self, name: str) -> Tensor | None:
        """A tensor as it was trained; None if there is none of that name."""
        self.used.add(self.prefix + name)
        found = self.state.get(self.prefix + name)
        return None if found is None else found.detach()

    def raw(self, name: str) -> Tensor:
        """A tensor as it was trained. Raises KeyError if there is none."""
        found = self.find(name)
        if found is None:
            raise KeyError(f"the weights lack {self.prefix}{name}")
        return found

    def cast(self, tensor: Tensor) -> Tensor:
        """The tensor on the device, and in the net's type if it holds real numbers."""
        dtype = self.dtype if tensor.is_floating_point() else tensor.dtype
        return tensor.detach().to(self.device, dtype)

    def tensor(self, name: str) -> Tensor:
        """A parameter or buffer."""
        return self.cast(self.raw(name))

    def norm(self, path: str, eps: float) -> tuple[Tensor, Tensor]:
        """The scale and the shift that batch normalisation is after training."""
        mean = self.raw(f"{path}.running_mean").double()
        scale = torch.rsqrt(self.raw(f"{path}.running_var").double() + eps)
        gain, bias = self.find(f"{path}.weight"), self.find(f"{path}.bias")
        if gain is not None:
            scale = scale * gain
        shift = -mean * scale
        return scale, shift if bias is None else shift + bias

    def folded(
        self, path: str, norm: str | None, eps: float, axis: int = 0, groups: int = 1
    ) -> tuple[Tensor, Tensor | None]:
        """Weight and bias of a layer, the batch normalisation after it folded in.

        `axis` is that of the weight's output channels. If it is not the first, they
        are those of one of the groups.
        """
        weight, bias = self.raw(f"{path}.weight"), self.find(f"{path}.bias")
        if norm is not None:
            scale, shift = self.norm(norm, eps)
            shape = [1] * weight.dim()
            if axis == 0:
                shape[0] = -1
                weight = weight.double() * scale.view(shape)
            else:
                shape[:2] = groups, -1
                parted = weight.double().unflatten(0, (groups, -1))
                weight = (parted * scale.view(groups, 1, *shape[1:])).flatten(0, 1)
            bias = shift if bias is None else shift + bias.double() * scale
        return self.cast(weight), None if bias is None else self.cast(bias)

    def module(self, path: str, module: nn.Module) -> nn.Module:
        """A module with its weights."""
        names = module.state_dict().keys()
        module.load_state_dict({name: self.raw(f"{path}.{name}") for name in names})
        module.eval().requires_grad_(False)
        return module.to(self.device, self.dtype)

    def call(
        self, path: str, module: nn.Module, norm: str | None = None, eps: float = 1e-5
    ) -> Callable[..., Any]:
        """What a module with its weights does, past the hooks of nn.Module.

        A batch normalisation `norm` that follows a convolution is folded into it.
        """
        module = self.module(path, module)
        if norm is not None:
            transposed = bool(getattr(module, "transposed", False))
            groups = int(getattr(module, "groups", 1))
            axis = 1 if transposed else 0
            weight, bias = self.folded(path, norm, eps, axis, groups)
            assert bias is not None
            module.weight = nn.Parameter(weight, requires_grad=False)
            module.bias = nn.Parameter(bias, requires_grad=False)
        hooked = module._forward_pre_hooks or module._forward_hooks
        return module if hooked else module.forward

    def check(self, *training: str) -> None:
        """Raise ValueError for weights of another net; those under `training` are fine.

        The counts of batch normalisation are not used, and no mistake.
        """
        left = [
            name
            for name in self.state
            if name not in self.used
            and not name.endswith("num_batches_tracked")
            and not name.startswith(training)
        ]
        if left:
            more = f" and {len(left) - 1} more" if len(left) > 1 else ""
            raise ValueError(f"the net has no {left[0]}{more}")
