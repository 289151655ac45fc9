"""Write torchvision_names.json: the tensors of torchvision's models and their shapes.

    pip install --no-deps torchvision==0.28.0
    python tests/data/make_torchvision_names.py

Neighbouring blocks that are alike are written once, as `layer1.1-2`.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.torchvision_cpu import import_torchvision

MODELS = (
    "resnet18 resnet34 resnet50 resnet101 resnet152 vgg11 vgg13 vgg16 vgg19"
).split()
TARGET = Path(__file__).with_name("torchvision_names.json")
BLOCK = re.compile(r"(layer\d+)\.(\d+)\.(.+)")

Shapes = dict[str, str]


def folded(shapes: Shapes) -> dict[str, str | Shapes]:
    """The shapes with each run of equal blocks written once."""
    tensors: dict[str, str | Shapes] = {}
    blocks: list[tuple[str, int, Shapes]] = []
    for name, shape in shapes.items():
        match = BLOCK.fullmatch(name)
        if match is None:
            tensors[name] = shape
            continue
        layer, number, rest = match[1], int(match[2]), match[3]
        if not blocks or blocks[-1][:2] != (layer, number):
            blocks.append((layer, number, {}))
        blocks[-1][2][rest] = shape
    runs: list[tuple[str, int, int, Shapes]] = []
    for layer, number, block in blocks:
        if runs and runs[-1][0] == layer and runs[-1][3] == block:
            runs[-1] = (layer, runs[-1][1], number, block)
        else:
            runs.append((layer, number, number, block))
    for layer, first, last, block in runs:
        numbers = str(first) if first == last else f"{first}-{last}"
        tensors[f"{layer}.{numbers}"] = block
    return tensors


def main() -> None:
    """Build each model without memory for its tensors, and write their shapes."""
    torchvision = import_torchvision()
    found = {}
    for model in MODELS:
        with torch.device("meta"):
            net = torchvision.models.get_model(model, weights=None)
        state = net.state_dict()
        found[model] = folded(
            {name: "x".join(map(str, tensor.shape)) for name, tensor in state.items()}
        )
    TARGET.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
