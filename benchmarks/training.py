"""Options of `archdsl.load` for training: layout, checkpoints, compiling by regions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.measure import (
    MemoryRatio,
    Parts,
    Ratio,
    Result,
    Series,
    Task,
    call,
    in_turn,
)
from benchmarks.modules import ROUNDS, need_torchvision

# Each with its batch, and the share of torchvision's time that is aimed at.
LAYOUT = {
    "googlenet": (4, 0.70),
    "mobilenet_v2": (8, 0.70),
    "resnet18": (8, 0.88),
}
# What is checkpointed of ResNet-50: the maps are the largest there.
EARLY = ("layer1", "layer2")

ABOUT = """\
What options of `archdsl.load` change in a step of training, on one thread; a step is
that of the table above. `auto` is `memory_format="auto"`, beside torchvision's module
as it comes, and `by hand` is that one with `.to(memory_format=torch.channels_last)`.
With one thread and fewer than 16 pictures PyTorch does not give convolutions of one
place to oneDNN, whatever the layout: of MobileNetV2 these are 34 of 52. `by oneDNN` is
by hand with these too: a dilation, which means nothing for one place, makes PyTorch do
so. The last table but one is by PyTorch's profiler, and tells what bounds the ratio: of
GoogLeNet the layout makes pools faster, of MobileNetV2 convolutions, and the rest takes
as long as before. For better ratios PyTorch's own kernels would have to be faster in
that layout. In training it also copies each map before a ReLU6 in place, of
torchvision's module as of ours.
`checkpoint` is beside the same module without: of ResNet-50 `["layer1", "layer2"]`, of
ResNet-1202 all blocks. Memory is what a step adds at its peak to a process that has the
module; `kept` is what `archdsl.kept_bytes` tells of it. `compile` is `preresnet n=21`,
which has 63 bottlenecks, for eight pictures of 32x32: the first step, with an empty
cache and one thread to compile, measured once, and later ones.
`python -m benchmarks.compiling 111` does the same with 333 bottlenecks, in some ten
minutes."""


def measure(rounds: int = 5, quick: bool = False) -> Result:
    """Measure the options; with `quick` the layout of one net alone.

    Raises NotInstalledError without torchvision.
    """
    need_torchvision("the layout is")
    from benchmarks import eager

    series: list[Series] = []
    ratios: list[Ratio] = []
    parts: list[Parts] = []
    with eager.one_thread():
        for name, (batch, target) in LAYOUT.items():
            if not quick or name == "mobilenet_v2":
                size = 1 if quick else batch
                runs = rounds if quick else ROUNDS
                net = eager.NETS[name]
                parts += _layout(series, ratios, net, size, target, runs)
        if not quick:
            _checkpointed(series, ratios, rounds)
            _compiled(series, ratios, rounds)
    memory = () if quick or not eager.measures_memory() else _memory()
    return Result(
        "training",
        "Training",
        ABOUT,
        rounds,
        tuple(series),
        tuple(ratios),
        memory=memory,
        parts=tuple(parts),
    )


def _steps(net: Any, batch: int, modules: Mapping[str, Any]) -> dict[str, Task]:
    from benchmarks import eager

    x = net.pictures(batch)
    return {
        name: call(eager.work(eager.STEP, module, x))
        for name, module in modules.items()
    }


def _layout(
    series: list[Series],
    ratios: list[Ratio],
    net: Any,
    batch: int,
    target: float,
    rounds: int,
) -> list[Parts]:
    import torch

    from benchmarks.step_parts import parts

    text = f"{net.name} b{batch}"
    by_hand = net.reference().to(memory_format=torch.channels_last)
    by_onednn = net.reference().to(memory_format=torch.channels_last)
    for layer in by_onednn.modules():
        if isinstance(layer, torch.nn.Conv2d) and layer.kernel_size == (1, 1):
            layer.dilation = (2, 2)
    modules = {
        f"{text}, auto": net.load(memory_format="auto"),
        f"{text}, torchvision": net.reference(),
        f"{text}, torchvision by hand": by_hand,
        f"{text}, torchvision by oneDNN": by_onednn,
    }
    found = in_turn(_steps(net, batch, modules), rounds)
    ours, theirs, hand, onednn = found.values()
    series += found.values()
    ratios.append(Ratio(f"{ours.name} / torchvision", ours, theirs, target))
    ratios.append(Ratio(f"{text}, by hand / torchvision", hand, theirs))
    ratios.append(Ratio(f"{text}, by oneDNN / torchvision", onednn, theirs))
    x = net.pictures(batch)
    return [parts(name, module, x) for name, module in modules.items()]


def _checkpointed(series: list[Series], ratios: list[Ratio], rounds: int) -> None:
    from benchmarks import eager

    for name, batch, parts, target in (
        ("resnet50", 4, EARLY, 1.25),
        ("resnet1202", 4, True, None),
    ):
        net = eager.NETS[name]
        modules = {
            f"{name} b{batch}, checkpoint": net.load(checkpoint=parts),
            f"{name} b{batch}": net.load(),
        }
        found = in_turn(_steps(net, batch, modules), rounds)
        ours, plain = found.values()
        series += found.values()
        ratios.append(Ratio(f"{ours.name} / without", ours, plain, target))


def _memory() -> tuple[MemoryRatio, ...]:
    import torch

    import archdsl
    from benchmarks import eager

    found: list[MemoryRatio] = []
    for name, batch, parts, target in (
        ("resnet50", 8, EARLY, 0.70),
        ("resnet1202", 16, True, 0.55),
    ):
        net = eager.NETS[name]
        options = {"checkpoint": parts}
        text = f"{name} b{batch}, checkpoint"
        of, to = (
            eager.peak(name, eager.OURS, eager.STEP, batch, given)
            for given in (options, {})
        )
        found.append(MemoryRatio(f"{text} / without", of, to, target))
        x = torch.empty(batch, 3, net.side, net.side, device="meta")
        kept, whole = (
            archdsl.kept_bytes(net.load(**given).train(), x) for given in (options, {})
        )
        found.append(MemoryRatio(f"{text}, kept / without", kept, whole))
    return tuple(found)


def _compiled(series: list[Series], ratios: list[Ratio], rounds: int) -> None:
    from benchmarks import compiling

    found = compiling.compared(21, rounds)
    series += found.values()
    cold, cold_whole, step, step_whole = found.values()
    ratios.append(Ratio(f"{cold.name} / whole", cold, cold_whole))
    ratios.append(Ratio(f"{step.name} / whole", step, step_whole, 1.10))
