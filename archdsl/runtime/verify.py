"""Whether a net is a reference implementation: names, values, gradients.

The reference's parameters are all drawn, batch normalisation learns its statistics,
the weights are copied over, and both get the same inputs. Where they part, the stage
is looked for (`archdsl.runtime.parting`).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from archdsl.api import Checked, checked
from archdsl.ir.flat import MAX_LISTED
from archdsl.ir.network import Network
from archdsl.runtime.comparison import (
    BATCH,
    PASSES,
    TOLERANCE,
    Comparison,
    Options,
)
from archdsl.runtime.reference import VerifyError, reference_of
from archdsl.runtime.renames import Renames, renames_of
from archdsl.runtime.verified import Verified


def verify(
    path_or_text: str | Path | Checked,
    reference: str | nn.Module | Callable[..., nn.Module],
    net: str | None = None,
    *,
    kwargs: Mapping[str, object] | None = None,
    rename: str | os.PathLike[str] | Mapping[str, str] | None = None,
    params: Mapping[str, object] | None = None,
    tolerance: float = TOLERANCE,
    passes: int = PASSES,
    batch: int = BATCH,
    seed: int = 0,
    device: str = "cpu",
    dropout: bool = True,
    double: bool = False,
    order: bool = True,
) -> Verified:
    """Compare a net with a PyTorch module that is to compute the same.

    `reference` is `package.module:name` or `file.py:name`, or what that names: a class
    or function, called with `kwargs`, or a module, which has its weights back in the
    end. `rename` tells what its tensors are called in the net, as for `load`. `params`
    set the net's parameters. Parameters and inputs are drawn `passes` times, `batch`
    samples each, with `seed`; `dropout=False` leaves out what random layers draw,
    `double=True` computes in float64, and `order=False` lets the state_dict be in
    another order. The result is true if state_dicts agree and all relative errors are
    within `tolerance`; its text tells what differs.

    Raises SpecError, OSError, ValueError and KeyError as `load` does, RenameError for
    renames that cannot be used, RunError if sizes of inputs are not known or memory
    does not suffice, and VerifyError if the reference cannot be made or run.
    """
    network = checked(path_or_text, net, params or {}).network(net)
    options = Options(tolerance, passes, batch, seed, device, dropout, double, order)
    module, name = reference_of(reference, kwargs or {})
    with _restored(module):
        return compared(network, module, name, renames_of(rename), options)


def compared(
    network: Network,
    reference: nn.Module,
    name: str,
    renames: Renames,
    options: Options,
) -> Verified:
    """Compare a checked net with a module, whose parameters are drawn anew.

    Raises what `verify` does, but for what is wrong with the spec.
    """
    layers = network.root.cost.layers
    if layers > MAX_LISTED:
        raise VerifyError(
            f"the net has {layers:,} layers, and {MAX_LISTED:,} at most are compared"
        )
    if not 0 <= options.tolerance < float("inf"):
        raise VerifyError("the tolerance is a number of 0 or more")
    with _reproducible():
        return Comparison(network, reference, name, renames, options).run()


@contextlib.contextmanager
def _restored(module: nn.Module) -> Iterator[None]:
    """The module has its tensors, gradients, device and modes back in the end."""

    def tensors() -> dict[str, Tensor]:
        found = dict(module.named_parameters())
        return {**found, **dict(module.named_buffers())}

    before = tensors()
    values = {name: tensor.detach().clone() for name, tensor in before.items()}
    grads = {name: tensor.grad for name, tensor in before.items()}
    modes = {part: part.training for part in module.modules()}
    try:
        yield
    finally:
        for tensor in values.values():
            if tensor.is_floating_point():
                module.to(tensor.device, tensor.dtype)
                break
        with torch.no_grad():
            for name, tensor in tensors().items():
                tensor.copy_(values[name])
                tensor.grad = grads[name]
        for part, mode in modes.items():
            part.training = mode


@contextlib.contextmanager
def _reproducible() -> Iterator[None]:
    """One thread, whole float32, one algorithm, gradients; all is put back in the end.

    An import of the reference may have asked for something else.
    """
    threads = torch.get_num_threads()
    dtype, device = torch.get_default_dtype(), torch.get_default_device()
    backends = torch.backends
    state = torch.get_rng_state()
    before = (
        backends.cuda.matmul.allow_tf32,
        backends.cudnn.allow_tf32,
        backends.cudnn.deterministic,
        backends.cudnn.benchmark,
    )
    try:
        torch.set_num_threads(1)
        backends.cuda.matmul.allow_tf32 = backends.cudnn.allow_tf32 = False
        backends.cudnn.deterministic, backends.cudnn.benchmark = True, False
        torch.set_default_dtype(torch.float32)
        if device.type != "cpu":
            torch.set_default_device(None)
        with torch.enable_grad():
            yield
    finally:
        torch.set_num_threads(threads)
        torch.set_default_dtype(dtype)
        if device.type != "cpu":
            torch.set_default_device(device)
        (
            backends.cuda.matmul.allow_tf32,
            backends.cudnn.allow_tf32,
            backends.cudnn.deterministic,
            backends.cudnn.benchmark,
        ) = before
        torch.set_rng_state(state)
