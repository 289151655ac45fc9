"""Words that the language gives a meaning, and what to say of others."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from archdsl.diagnostics import Hint
from archdsl.source import Span

CURRENT, BLOCK_INPUT, INDEX = "id", "in", "i"
INPUT_STAGE = "input"
OUTPUT_STAGE, DICT, TRAINING = "output", "dict", "training"
SHARE, TIE = "share", "tie"
SPECIAL = (OUTPUT_STAGE, SHARE, TIE)
ORDERS = ("chw", "hwc")
# What an input or a constant may hold.
DTYPES = ("float", "int", "bool")

# What cannot be a label, and what cannot be a parameter or block.
RESERVED_LABELS = frozenset((CURRENT, BLOCK_INPUT, INDEX, "x", INPUT_STAGE))
RESERVED = RESERVED_LABELS | {*SPECIAL, TRAINING}

# What `assert` can speak of: totals of the module, or of a labelled stage.
TOTALS = ("params", "trainable", "macs", "connections", "activation_bytes", "layers")


def is_flag(name: str) -> bool:
    """Whether a name reads as a flag, such as `s2`."""
    return name[0].islower() and name[1:].replace("x", "").isdigit()


def place(name: str) -> int | None:
    """The axis whose places a name stands for: 1 for `ax1`."""
    digits = name.removeprefix("ax")
    return int(digits) if digits != name and digits in tuple("0123456789") else None


def is_symbol(name: str) -> bool:
    """Whether a name is written as a symbol is: in capitals."""
    return name.isupper() and name.isalnum()


def there_are(names: Iterable[str], but: Collection[str] = ()) -> tuple[str, ...]:
    """A hint that lists what there is, unless it is too much."""
    shown = [f"`{name}`" for name in names if name and name not in but]
    return (f"there are: {', '.join(shown)}",) if 0 < len(shown) <= 12 else ()


def elsewhere(name: str, at: Span | None) -> tuple[str, ...]:
    """A hint for a name, standing there, that other tools have for our layers."""
    here = _ELSEWHERE.get(name)
    return (Hint.writing(f"here it is called `{here}`", at, here),) if here else ()


CONSTANTS = ("true", "false")

# What other tools call our layers.
_ELSEWHERE = {
    "linear": "fc",
    "dense": "fc",
    "Linear": "fc",
    "Conv2d": "conv",
    "conv2d": "conv",
    "convolution": "conv",
    "BatchNorm2d": "bn",
    "batchnorm": "bn",
    "batch_norm": "bn",
    "MaxPool2d": "maxpool",
    "AvgPool2d": "avgpool",
    "ReLU": "relu",
    "cat": "concat",
    "identity": "id",
    "globalavgpool": "gap",
    "LayerNorm": "ln",
    "layernorm": "ln",
    "GroupNorm": "gn",
    "groupnorm": "gn",
    "RMSNorm": "rms",
    "rmsnorm": "rms",
    "ConvTranspose2d": "upconv",
    "deconv": "upconv",
    "depthwise": "dwconv",
    "Upsample": "upsample",
    "Flatten": "flatten",
    "Dropout": "dropout",
    "GELU": "gelu",
    "SiLU": "silu",
    "swish": "silu",
    "LeakyReLU": "leaky",
}
