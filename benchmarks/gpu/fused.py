"""Convolutions with what follows them, for inference.

Batch normalisation is folded into the convolution. ReLU, and the addition before it,
become part of cuDNN's kernel by `torch.cudnn_convolution_relu` and `…_add_relu`, where
that is faster: for few channels, for instance, it is not. This shows what emission for
inference has to gain on a GPU.
"""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from benchmarks.gpu.nets import difference
from benchmarks.gpu.timing import Clock

# Of the trial: runs, seconds of each, and the difference that rounding makes at most.
_TRIALS, _LEAST, _SAME = 5, 2e-4, 0.05
_TOLD = 160
_ADDITIONS = (operator.add, operator.iadd, torch.add, "add", "add_")
_RELUS = (F.relu, torch.relu, torch.relu_, "relu", "relu_")


class FusedConv(nn.Module):
    """ReLU of a convolution, or of its sum with a second input."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.weight = conv.weight
        # cuDNN's kernels want one.
        none = conv.weight.new_zeros(conv.out_channels)
        self.bias = nn.Parameter(none) if conv.bias is None else conv.bias
        assert not isinstance(conv.padding, str)
        self.window = conv.stride, conv.padding, conv.dilation, conv.groups

        # Found out by trial at the first call.
        self.by_cudnn: bool | None = None
        self.problem: str | None = None

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        if self.by_cudnn is None:
            self.by_cudnn = x.is_cuda and self._is_faster(x, other)
        return self._by_cudnn(x, other) if self.by_cudnn else self._plain(x, other)

    def _plain(self, x: Tensor, other: Tensor | None) -> Tensor:
        out = F.conv2d(x, self.weight, self.bias, *self.window)
        return (out if other is None else out.add_(other)).relu_()

    def _by_cudnn(self, x: Tensor, other: Tensor | None) -> Tensor:
        if other is None:
            return torch.cudnn_convolution_relu(x, self.weight, self.bias, *self.window)
        return torch.cudnn_convolution_add_relu(
            x, self.weight, other, 1.0, self.bias, *self.window
        )

    def _is_faster(self, x: Tensor, other: Tensor | None) -> bool:
        clock = Clock(x.device, rounds=_TRIALS, least=_LEAST)
        try:
            found, wanted = self._by_cudnn(x, other), self._plain(x, other)
            if difference(found, wanted) > _SAME:
                self.problem = "cuDNN's kernel computes something else"
                return False
            spans = clock.in_turn(
                {
                    "cudnn": lambda: self._by_cudnn(x, other),
                    "plain": lambda: self._plain(x, other),
                }
            )
        except RuntimeError as problem:
            self.problem = str(problem).partition("\n")[0][:_TOLD]
            return False
        return spans["cudnn"].median < spans["plain"].median


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        # What has no parameters has no convolution either.
        plain = next(m.parameters(), None) is None
        return plain or super().is_leaf_module(m, module_qualified_name)


@torch.no_grad()
def folded(module: nn.Module, fuse: bool) -> nn.Module:
    """The same function, of the module's own parameters where nothing was folded.

    Raises what torch.fx does if the module cannot be traced.
    """
    module = module.eval()
    traced = fx.GraphModule(module, _Tracer().trace(module))
    parts = dict(traced.named_modules())
    for node in list(traced.graph.nodes):
        if isinstance(_called(node, parts), nn.Conv2d):
            _fold(node, parts)
    for node in list(traced.graph.nodes):
        conv = _called(node, parts)
        if fuse and isinstance(conv, nn.Conv2d) and not isinstance(conv.padding, str):
            _fuse(traced, node, conv, parts)
    traced.graph.eliminate_dead_code()
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced.eval()


def report(module: nn.Module) -> dict[str, Any]:
    """How many convolutions run with ReLU in cuDNN's kernel, and why others do not."""
    parts = [part for part in module.modules() if isinstance(part, FusedConv)]
    problems = [part.problem for part in parts if part.problem]
    found = {"fusible": len(parts), "by_cudnn": sum(bool(p.by_cudnn) for p in parts)}
    return {**found, "cudnn_says": problems[0]} if problems else found


def _called(node: fx.Node, parts: dict[str, nn.Module]) -> nn.Module | None:
    return parts.get(str(node.target)) if node.op == "call_module" else None


def _only_user(node: fx.Node) -> fx.Node | None:
    return next(iter(node.users)) if len(node.users) == 1 else None


def _set(parts: dict[str, nn.Module], path: str, part: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(parts[parent], name, part)
    parts[path] = part


def _fold(node: fx.Node, parts: dict[str, nn.Module]) -> None:
    user = _only_user(node)
    norm = _called(user, parts) if user else None
    if user is None or not isinstance(norm, nn.BatchNorm2d):
        return
    conv: Any = _called(node, parts)
    _set(parts, str(node.target), fuse_conv_bn_eval(conv, norm))
    user.replace_all_uses_with(node)
    node.graph.erase_node(user)


def _fuse(
    traced: fx.GraphModule, node: fx.Node, conv: nn.Conv2d, parts: dict[str, nn.Module]
) -> None:
    relu, inputs = _only_user(node), [node.args[0]]
    if relu is not None and relu.target in _ADDITIONS and len(relu.args) == 2:
        others = [arg for arg in relu.args if arg is not node]
        if len(others) != 1 or not isinstance(others[0], fx.Node):
            return
        inputs.append(others[0])
        relu = _only_user(relu)
    if relu is None or not _is_relu(relu, parts):
        return
    _set(parts, str(node.target), FusedConv(conv))
    # Where the ReLU stands, both inputs are there.
    with traced.graph.inserting_before(relu):
        made = traced.graph.call_module(str(node.target), tuple(inputs))
    relu.replace_all_uses_with(made)
    traced.graph.erase_node(relu)


def _is_relu(node: fx.Node, parts: dict[str, nn.Module]) -> bool:
    return isinstance(_called(node, parts), nn.ReLU) or node.target in _RELUS
