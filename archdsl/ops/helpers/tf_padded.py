"""Padding as TensorFlow has it."""

from torch import Tensor, nn
from torch.nn import functional as F


def tf_padded(layer: nn.Module) -> nn.Module:
    """The convolution, its input padded so that ⌈in/stride⌉ numbers come out.

    This is TensorFlow's "SAME": how many zeros there are depends on the input's size,
    and of an odd number of them the greater part is at the end.
    """
    layer.register_forward_pre_hook(pad_as_tf)
    return layer


def pad_as_tf(layer: nn.Module, inputs: tuple[Tensor]) -> Tensor:
    """The input of a convolution with the zeros that it needs, the last axis first."""
    assert isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d)
    pads: list[int] = []
    for axis in reversed(range(len(layer.kernel_size))):
        size, step = inputs[0].shape[axis + 2], layer.stride[axis]
        reach = layer.dilation[axis] * (layer.kernel_size[axis] - 1) + 1
        missing = max(0, (-(-size // step) - 1) * step + reach - size)
        pads += [missing // 2, missing - missing // 2]
    return F.pad(inputs[0], pads)
