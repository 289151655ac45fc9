"""Published weights load unchanged: names and shapes are those of torchvision.

`data/make_torchvision_names.py` wrote the names, so that no test needs torchvision.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import archdsl

SPECS = Path(__file__).parents[1] / "specs" / "classics"
NAMES = Path(__file__).parent / "data" / "torchvision_names.json"

Shapes = dict[str, str]
MODELS: dict[str, dict[str, str | Shapes]] = json.loads(NAMES.read_text())


def written_out(tensors: dict[str, str | Shapes]) -> Shapes:
    """The shapes with `layer1.1-2` as the blocks 1 and 2."""
    shapes: Shapes = {}
    for name, shape in tensors.items():
        if isinstance(shape, str):
            shapes[name] = shape
            continue
        layer, numbers = name.split(".")
        first, _, last = numbers.partition("-")
        for number in range(int(first), int(last or first) + 1):
            for rest, inner in shape.items():
                shapes[f"{layer}.{number}.{rest}"] = inner
    return shapes


@pytest.mark.parametrize("model", MODELS)
def test_the_state_dict_is_torchvisions(model: str) -> None:
    file = SPECS / ("vgg.arch" if model.startswith("vgg") else "resnet.arch")
    with torch.device("meta"):
        state = archdsl.load(file, net=model).state_dict()
    shapes = {name: "x".join(map(str, tensor.shape)) for name, tensor in state.items()}
    assert shapes == written_out(MODELS[model])
