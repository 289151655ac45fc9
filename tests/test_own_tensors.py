"""`param` and `buffer` against PyTorch: what the module holds, and what flows."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch

from archdsl.api import check
from archdsl.ir.flat import state_dict_names
from archdsl.ir.network import Network
from archdsl.runtime.load import load

ON_META, ON_CPU = 200, 20
INITS = ("zeros", "ones", "normal", "trunc_normal", "uniform", "xavier", "orthogonal")
MATRICES = ("xavier", "orthogonal")
FORMULAS = (
    "3",
    "(ax0)",
    "(2 * ax0 - 1)",
    "(ax0 // 2 % 3)",
    "(sin(ax0 / 7) if ax0 % 2 == 0 else 0.5)",
    "(max(ax0, 2) ** 2)",
)


def drawn(r: random.Random) -> tuple[str, str, tuple[int, ...], bool]:
    """The shape of a value, the stage that makes it, and how it is stored."""
    sizes = tuple(r.choice((1, 2, 3, 5, 8)) for _ in range(r.randint(1, 4)))
    batch = r.random() < 0.4
    stored = (1, *sizes) if batch else sizes
    text = "x".join(map(str, stored)) if len(stored) > 1 else str(stored[0])
    stage = f"{text}{' batch' if batch else ''}"
    if r.random() < 0.5:
        stage = f"buffer {stage} value={r.choice(FORMULAS)}"
        persistent = r.random() < 0.5
        stage += "" if persistent else " persistent=false"
    else:
        init = r.choice(INITS)
        if init in MATRICES and len(stored) < 2:
            init = "normal"
        stage = f"param {stage} init={init}"
        persistent = True
    return "x".join(map(str, sizes)), stage, stored, persistent


def built(r: random.Random) -> tuple[str, Any, tuple[int, ...], bool, Network]:
    shape, stage, stored, persistent = drawn(r)
    text = f"input {shape} | add(id, t: {stage})"
    return stage, load(text), stored, persistent, check(text).network("")


@pytest.mark.parametrize(("device", "count"), [("meta", ON_META), ("cpu", ON_CPU)])
def test_holds(device: str, count: int) -> None:
    r = random.Random(device)
    for _ in range(count):
        with torch.device(device):
            stage, module, stored, persistent, network = built(r)
            x = torch.zeros(2, *network.root.type.numbers)
            out = module(x)
        assert out.shape == x.shape, stage
        assert tuple(module.t.shape) == stored, stage
        there = {name: tuple(t.shape) for name, t in module.state_dict().items()}
        assert there == ({"t": stored} if persistent else {}), stage
        assert there == {name: w.shape for name, w in state_dict_names(network)}
        learned = sum(p.numel() for p in module.parameters())
        assert network.root.cost.params == learned, stage
        assert network.root.cost.macs == 0
        if device == "cpu":
            # The same for both samples.
            kept = module.t[0] if len(stored) > out.dim() - 1 else module.t
            assert torch.equal(out[0], kept.expand(out.shape[1:])), stage
            assert torch.equal(out[0], out[1])


@pytest.mark.parametrize("stage", ["param", "buffer"])
def test_examples(stage: str) -> None:
    from archdsl.ops import LAYERS

    example = LAYERS[stage].example
    network = check(example).network("")
    x = torch.zeros(2, *network.root.inputs[0].numbers)
    assert load(example)(x).shape == (2, *network.root.type.numbers)
