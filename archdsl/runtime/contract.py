"""A layer's record held against what it names in PyTorch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from archdsl.ops.form import Form, Input
from archdsl.ops.record import Layer, Problem, Site
from archdsl.runtime.matching import BATCH, MismatchError, Operations
from archdsl.runtime.stages import evaluated
from archdsl.shapes.tensor import TensorType

# Most uses of some layers are refused: windows that do not fit, sizes that do not
# divide. Among so many there have to be enough.
MOST_DRAWS = 20_000
# One in so many is also computed, on the CPU.
COMPUTED = 10


def hold(layer: Layer, uses: Iterator[Site], examples: int) -> None:
    """Hold so many uses that the shape rule accepts. Raises MismatchError."""
    seen: set[str] = set()
    for site in (next(uses, None) for _ in range(MOST_DRAWS)):
        if site is None or len(seen) == examples:
            break
        out = layer.shape(site)
        values = {name: bound.value for name, bound in site.args.items()}
        key = f"{site.ins} {values}"
        if isinstance(out, Problem) or key in seen:
            continue
        seen.add(key)
        if layer.gives is not None:
            out = out._replace(dtype=layer.gives)
        inputs = " and ".join(map(str, site.ins))
        try:
            hold_use(site, out)
            if len(seen) % COMPUTED == 1:
                hold_forms(site)
        except MismatchError as problem:
            raise MismatchError(
                f"`{layer.name}` with {values} on {inputs}: {problem}"
            ) from None
    if not seen:
        raise MismatchError(f"the shape rule of `{layer.name}` accepted no use")


def constructed(form: Form) -> nn.Module:
    """The layer as a module."""
    made = _value(form.module, [])
    assert isinstance(made, nn.Module)
    return made


def applied(form: Form, inputs: list[Tensor]) -> Tensor:
    """The layer applied without a module."""
    result = _value(form.function, inputs)
    assert isinstance(result, Tensor)
    return result


def _value(code: Any, inputs: list[Tensor]) -> Any:
    if isinstance(code, Input):
        # Here the same for all samples has a batch of one.
        x = inputs[code.number]
        if code.bare:
            return x[0]
        x = x[(..., *([None] * code.axes))] if code.axes else x
        return x[(slice(None), *([None] * code.front))] if code.front else x
    return evaluated(code, inputs, lambda inner: _value(inner, inputs))


def hold_use(site: Site, out: TensorType, device: str = "meta") -> None:
    """Shape, weights and multiply-adds of one use. Raises MismatchError.

    The last are counted on meta: PyTorch knows no count for attention on the CPU.
    """
    layer = site.layer
    form = layer.torch(site)
    weights = layer.weights(site, out)
    with warnings.catch_warnings(), torch.no_grad(), torch.device(device):
        warnings.simplefilter("ignore")
        inputs = inputs_of(site)
        module = constructed(form) if form.module is not None else None
        if module is not None and layer.counted:
            _hold_weights(module, {w.name: tuple(w.shape) for w in weights})
            learned = {name for name, _ in module.named_parameters()}
            _same("what learns", {w.name for w in weights if w.parameter}, learned)
        elif module is None and weights:
            raise MismatchError("there are weights, but no module")
        with Operations() as counter:
            result = module(*inputs) if module is not None else applied(form, inputs)
    batch = BATCH if any(tensor.batched for tensor in site.ins) else 1
    _same("the output", (batch, *out.sizes), tuple(result.shape))
    if layer.counted and device == "meta":
        _same("multiply-adds", layer.macs(site, out), counter.total / 2 / batch)


def _hold_weights(module: nn.Module, weights: dict[str, tuple[Any, ...]]) -> None:
    there = {name: tuple(t.shape) for name, t in module.state_dict().items()}
    _same("the state_dict", weights, there)


def _same(what: str, expected: object, found: object) -> None:
    if expected != found:
        raise MismatchError(f"{what} is to be {expected}, and in PyTorch it is {found}")


def hold_forms(site: Site) -> None:
    """Module and function compute the same, on the CPU. Raises MismatchError."""
    form = site.layer.torch(site)
    if form.module is None or form.function is None:
        return
    with torch.no_grad():
        inputs = inputs_of(site)
        expected = constructed(form).eval()(*inputs)
        found = applied(form, inputs)
    if expected.dtype != found.dtype:
        raise MismatchError(
            "the module and the function give different kinds of numbers"
        )
    if found.is_floating_point():
        same = torch.allclose(found, expected, equal_nan=True, rtol=1e-5, atol=1e-6)
    else:
        same = torch.equal(found, expected)
    if not same:
        raise MismatchError("the module and the function give different numbers")


def filled(tensor: TensorType) -> Tensor:
    """Random numbers of that shape and kind."""
    batch = BATCH if tensor.batched else 1
    numbers = torch.empty(batch, *map(int, tensor.sizes)).normal_()
    if tensor.dtype == "bool":
        return numbers > -1
    return numbers.abs().to(torch.int64) if tensor.dtype == "int" else numbers


def inputs_of(site: Site) -> list[Tensor]:
    """Random inputs; whole numbers stand in the table that they are places of."""
    if site.layer.name == "embedding":
        return [filled(site.x) % site.whole("n")]
    if site.layer.name == "index":
        table, places = map(filled, site.ins)
        return [table, places % table.shape[1]]
    return [filled(tensor) for tensor in site.ins]
