"""Activation checkpointing: blocks that keep their inputs alone for the backward pass.

What is inside such a block is computed again when the gradients come, by
`torch.utils.checkpoint`, with the random numbers that were drawn the first time.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from archdsl.runtime.reclassed import made, reduced, subclass


def set_checkpoints(module: nn.Module, paths: Iterable[str]) -> None:
    """Let the submodules with these paths be computed again in the backward pass.

    Their class becomes one that is called alike. Copies and pickles have it, too.
    """
    for path in paths:
        part = module.get_submodule(path)
        plain: Any = type(part)
        part.__class__ = _checkpointed(plain)


@functools.cache
def _checkpointed(cls: Any) -> type[nn.Module]:
    """A subclass that checkpoints itself wherever gradients are wanted."""

    def forward(self: nn.Module, *inputs: Any) -> Any:
        if not torch.is_grad_enabled():
            return cls.forward(self, *inputs)
        run = functools.partial(cls.forward, self)
        if torch.compiler.is_compiling():
            # The compiler repeats what the gradients need, and that is no statistics.
            return checkpoint(run, *inputs, use_reentrant=False)
        contexts = functools.partial(_contexts, self)
        return checkpoint(run, *inputs, use_reentrant=False, context_fn=contexts)

    def reduce(self: nn.Module, protocol: Any) -> Any:
        _, arguments, *rest = reduced(self, cls, protocol)
        return (_blank, arguments, *rest)

    return subclass(cls, forward, reduce)


def _blank(make: Callable[..., nn.Module], arguments: tuple[Any, ...]) -> nn.Module:
    """An instance without its state, which copying and unpickling then set."""
    blank = made(make, arguments)
    plain: Any = type(blank)
    blank.__class__ = _checkpointed(plain)
    return blank


Context = contextlib.AbstractContextManager[None]


def _contexts(module: nn.Module) -> tuple[Context, Context]:
    """What surrounds the first computation, and what the second."""
    return contextlib.nullcontext(), _buffers_set_aside(module)


@contextlib.contextmanager
def _buffers_set_aside(module: nn.Module) -> Iterator[None]:
    """Meanwhile buffers are copies of themselves.

    Batch normalisation would else move its statistics twice by the same batch.
    """
    kept: list[tuple[dict[str, Tensor | None], str, Tensor]] = []
    for part in module.modules():
        if part.training:
            buffers = part._buffers
            kept += [(buffers, k, v) for k, v in buffers.items() if v is not None]
    for buffers, name, tensor in kept:
        buffers[name] = tensor.clone()
    try:
        yield
    finally:
        for buffers, name, tensor in kept:
            buffers[name] = tensor
