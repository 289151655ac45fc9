"""What is measured, the more important before the less."""

from __future__ import annotations

from typing import NamedTuple

CHANNELS_LAST, CONTIGUOUS = "channels_last", "contiguous"
# Each precision, and what it means for inference and for training.
PRECISIONS = {
    "bf16": "weights and activations in bf16",
    "autocast": "float32 weights, bf16 autocast",
    "tf32": "float32, matrix products in TF32",
    "fp32": "float32 throughout",
}
MODES = {
    "eager": "the module as it is",
    "compiled": "`torch.compile`, in its default mode",
    "graph": "the eager module in a CUDA graph; a replay copies its input in",
    "compiled graph": "the compiled module in a CUDA graph",
    "inference": "what `archdsl compile --for inference --device cuda` makes",
    "inference graph": "the same, prepared with `graph=True`",
    "max-autotune": '`torch.compile(mode="max-autotune")`',
}
COMPILED = ("compiled", "compiled graph", "max-autotune")


class Setting(NamedTuple):
    """One net at one task; its modes and both peers are measured in turn.

    `seconds` is about what it takes with compiled code in the cache. A setting that
    the time left does not hold is skipped.
    """

    net: str
    train: bool
    batch: int
    precision: str
    modes: tuple[str, ...]
    layout: str = CHANNELS_LAST
    seconds: float = 8.0

    @property
    def name(self) -> str:
        """What is written in tables and asked for by `--only`."""
        task = "training" if self.train else "inference"
        return f"{self.net} {task} b{self.batch} {self.precision} {self.layout}"

    @property
    def warm(self) -> bool:
        """Whether compiling ahead, beside other settings, is of use.

        What `max-autotune` measures while it compiles would be disturbed.
        """
        return bool({"compiled", "compiled graph"}.intersection(self.modes))


def _infer(
    net: str,
    batch: int,
    *modes: str,
    precision: str = "bf16",
    layout: str = CHANNELS_LAST,
    seconds: float = 8.0,
) -> Setting:
    return Setting(net, False, batch, precision, modes, layout, seconds)


def _train(
    net: str,
    batch: int,
    *modes: str,
    precision: str = "autocast",
    layout: str = CHANNELS_LAST,
    seconds: float = 10.0,
) -> Setting:
    return Setting(net, True, batch, precision, modes, layout, seconds)


_OURS = ("inference", "inference graph")
_SIMPLE = ("eager", "graph", *_OURS)
_ALL = ("eager", "compiled", "graph", "compiled graph", *_OURS)
_OTHERS = ("vgg16", "googlenet", "alexnet", "resnet18")

SETTINGS: tuple[Setting, ...] = (
    _infer("resnet50", 256, *_ALL, seconds=20),
    _train("resnet50", 256, "eager", "compiled", seconds=30),
    _infer("resnet1202", 1, *_SIMPLE, seconds=25),
    _infer("resnet50", 32, *_ALL, seconds=20),
    _infer("resnet50", 1, *_ALL, seconds=20),
    *(_infer(net, 256, *_SIMPLE) for net in _OTHERS),
    _infer("vit_b_16", 256, "eager", "compiled", *_OURS, seconds=20),
    *(_infer(net, 1, *_SIMPLE, seconds=6) for net in (*_OTHERS, "vit_b_16")),
    *(_train(net, 256, "eager") for net in _OTHERS),
    _infer("resnet50", 256, "eager", *_OURS, precision="tf32"),
    _infer("resnet50", 256, "eager", *_OURS, precision="fp32"),
    _train("resnet50", 256, "eager", precision="tf32"),
    _train("resnet50", 32, "eager", "compiled", seconds=20),
    _train("resnet50", 1, "eager", "compiled", seconds=20),
    _train("vit_b_16", 256, "eager", seconds=15),
    *(_infer(net, 32, *_SIMPLE) for net in (*_OTHERS, "vit_b_16")),
    *(_train(net, 32, "eager", seconds=6) for net in (*_OTHERS, "vit_b_16")),
    *(_train(net, 1, "eager", seconds=6) for net in (*_OTHERS, "vit_b_16")),
    _infer("resnet50", 256, "eager", "graph", layout=CONTIGUOUS),
    _train("resnet50", 256, "eager", layout=CONTIGUOUS),
    _train("resnet50", 256, "eager", precision="bf16"),
    _infer("resnet1202", 1, *_SIMPLE, precision="fp32", seconds=20),
    *(
        _infer(net, 256, "eager", "inference", precision=precision)
        for net in (*_OTHERS, "vit_b_16")
        for precision in ("tf32", "fp32")
    ),
    _train("vit_b_16", 256, "eager", "compiled", seconds=70),
    # Captured last, and apart: with others before it, a step was seen to lose the card.
    _train("resnet50", 32, "graph", seconds=15),
    _train("resnet50", 256, "compiled graph", seconds=40),
    _train("googlenet", 256, "eager", "compiled", seconds=60),
    _infer("resnet50", 256, "eager", "compiled", "max-autotune", *_OURS, seconds=400),
)


def tiny() -> tuple[Setting, ...]:
    """Every path that needs no GPU, in a minute."""
    return (
        _infer("resnet18", 2, *_SIMPLE),
        _infer("resnet18", 2, "eager", precision="fp32", layout=CONTIGUOUS),
        _infer("googlenet", 2, *_SIMPLE),
        _infer("vgg16", 1, "eager", "inference"),
        _infer("alexnet", 2, "eager", "inference"),
        _infer("vit_b_16", 1, "eager"),
        _infer("resnet1202", 1, "eager", "inference", precision="fp32"),
        _train("resnet18", 2, "eager", "graph"),
        _train("googlenet", 2, "eager"),
    )
