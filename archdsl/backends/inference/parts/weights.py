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

    def raw(self, name: str) -> Tensor:
        """A tensor as it was trained. Raises KeyError if there is none."""
        name = self.prefix + name
        if name not in self.state:
            raise KeyError(f"the weights lack {name}")
        self.used.add(name)
        return self.state[name].detach()

    def cast(self, tensor: Tensor) -> Tensor:
        """The tensor on the device, and in the net's type if it holds real numbers."""
        dtype = self.dtype if tensor.is_floating_point() else tensor.dtype
        return tensor.detach().to(self.device, dtype)

    def tensor(self, name: str) -> Tensor:
        """A parameter or buffer."""
        return self.cast(self.raw(name))

    def norm(self, path: str, eps: float, affine: bool) -> tuple[Tensor, Tensor]:
        """The scale and the shift that batch normalisation is after training."""
        mean = self.raw(f"{path}.running_mean").double()
        scale = torch.rsqrt(self.raw(f"{path}.running_var").double() + eps)
        if not affine:
            return scale, -mean * scale
        scale = scale * self.raw(f"{path}.weight")
        return scale, self.raw(f"{path}.bias") - mean * scale

    def folded(
        self,
        path: str,
        bias: bool,
        norm: str | None,
        eps: float,
        affine: bool,
        transposed: int = 0,
    ) -> tuple[Tensor, Tensor | None]:
        """Weight and bias of a layer, the batch normalisation after it folded in.

        A convolution that is `transposed`, which counts its groups, has its output
        channels on the second axis of the weight, those of one group.
        """
        weight = self.raw(f"{path}.weight")
        shift = self.raw(f"{path}.bias") if bias else None
        if norm is not None:
            scale, more = self.norm(norm, eps, affine)
            shift = more if shift is None else more + shift * scale
            parts = weight.double().unflatten(0, (transposed or 1, -1))
            if transposed:
                scale = scale.view(transposed, 1, -1)
            scale = scale.view(*scale.shape, *[1] * (parts.dim() - max(scale.dim(), 2)))
            weight = (parts * scale).flatten(0, 1)
        return self.cast(weight), None if shift is None else self.cast(shift)

    def module(self, path: str, module: nn.Module) -> nn.Module:
        """A module with its weights."""
        names = module.state_dict().keys()
        module.load_state_dict({name: self.raw(f"{path}.{name}") for name in names})
        module.eval().requires_grad_(False)
        return module.to(self.device, self.dtype)

    def call(
        self,
        path: str,
        module: nn.Module,
        norm: str | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ) -> Callable[..., Any]:
        """What a module with its weights does, past the hooks of nn.Module.

        A batch normalisation `norm` that follows a convolution is folded into it.
        """
        module = self.module(path, module)
        if norm is not None:
            convolution: Any = module
            groups = convolution.groups if convolution.transposed else 0
            weight, shift = self.folded(
                path, module.bias is not None, norm, eps, affine, groups
            )
            assert shift is not None
            module.weight = nn.Parameter(weight, requires_grad=False)
            module.bias = nn.Parameter(shift, requires_grad=False)
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
            and not f"{name}.".startswith(training)
        ]
        if left:
            more = f" and {len(left) - 1} more" if len(left) > 1 else ""
            raise ValueError(f"the net has no {left[0]}{more}")
