"""Networks after the classics: each as its paper has it, and as PyTorch counts it.

The parameters in `TABLE` are those of the papers and of reference implementations. Few
print exact multiply-adds: here those of PyTorch's counter stand beside them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from test_emit import assert_agrees
from torch import Tensor

import archdsl
from archdsl.pipeline import Checked, check
from archdsl.source import Source
from archdsl.syntax.format import format_source

MODERN = Path(__file__).parents[1] / "specs" / "modern"


class Facts(NamedTuple):
    file: str
    input: tuple[int, ...]
    output: tuple[int, ...]
    params: int
    macs: int


CIFAR = (3, 32, 32)
IMAGENET = (3, 224, 224)
TABLE = {
    "densenet_bc_100_12": Facts("densenet.arch", CIFAR, (10,), 769_162, 287_929_692),
    "densenet_bc_250_24": Facts(
        "densenet.arch", CIFAR, (10,), 15_324_406, 5_418_785_724
    ),
    "densenet_bc_190_40": Facts(
        "densenet.arch", CIFAR, (10,), 25_624_430, 9_301_945_740
    ),
    "densenet121": Facts("densenet.arch", IMAGENET, (1000,), 7_978_856, 2_834_161_664),
    "wrn_28_10": Facts("wrn.arch", CIFAR, (10,), 36_479_194, 5_243_328_768),
    "wrn_28_10_dropout": Facts("wrn.arch", CIFAR, (10,), 36_479_194, 5_243_328_768),
    "se_resnet50": Facts(
        "se_resnet.arch", IMAGENET, (1000,), 28_088_024, 3_860_488_192
    ),
    "c3d": Facts("c3d.arch", (3, 16, 112, 112), (487,), 79_991_015, 38_548_959_232),
    "squeezenet1_0": Facts(
        "squeezenet.arch", (3, 227, 227), (1000,), 1_248_424, 832_667_936
    ),
    "squeezenet1_1": Facts(
        "squeezenet.arch", (3, 227, 227), (1000,), 1_235_496, 387_747_520
    ),
}
FILES = sorted({facts.file for facts in TABLE.values()})


def checked(file: str) -> Checked:
    text = (MODERN / file).read_text(encoding="utf-8")
    return check(Source(file, text))


# What the checker says


def test_each_file_is_in_the_table() -> None:
    import test_modern_maps
    import test_modern_sequences

    tested = {*FILES, *test_modern_maps.FILES, *test_modern_sequences.FILES}
    assert {path.name for path in MODERN.iterdir()} == tested


@pytest.mark.parametrize("file", FILES)
def test_the_specs_are_clean(file: str) -> None:
    result = checked(file)
    assert result.diagnostics == []
    assert set(result.networks) == {n for n in TABLE if TABLE[n].file == file}


@pytest.mark.parametrize("file", FILES)
def test_the_specs_are_formatted(file: str) -> None:
    text = (MODERN / file).read_text(encoding="utf-8")
    assert format_source(Source(file, text)) == (text, [])


@pytest.mark.parametrize("net", TABLE)
def test_shapes_and_totals(net: str) -> None:
    facts = TABLE[net]
    root = checked(facts.file).networks[net].root
    assert [tensor.sizes for tensor in root.inputs] == [facts.input]
    assert root.type.sizes == facts.output
    assert (root.cost.params, root.cost.macs) == (facts.params, facts.macs)


# What PyTorch says


@pytest.mark.parametrize("net", TABLE)
def test_the_module_agrees(net: str) -> None:
    assert_agrees(checked(TABLE[net].file).networks[net])


@pytest.mark.parametrize(
    ("net", "arguments", "batch"),
    [
        ("densenet_bc_100_12", {}, 2),
        ("densenet121", {}, 1),
        ("wrn", {"depth": 10, "k": 1, "rate": 0.3}, 2),
        ("wrn_28_10", {}, 1),
        ("c3d", {}, 1),
        ("se_resnet50", {}, 2),
        ("squeezenet1_0", {}, 1),
        ("squeezenet1_1", {}, 1),
    ],
)
def test_the_module_learns(net: str, arguments: dict[str, Any], batch: int) -> None:
    facts = TABLE.get(net) or TABLE["wrn_28_10"]
    torch.manual_seed(0)
    module = archdsl.load(MODERN / facts.file, net=net, **arguments)
    assert_learns(module, torch.randn(batch, *facts.input), facts.output)


def assert_learns(module: torch.nn.Module, x: Tensor, output: tuple[int, ...]) -> None:
    """Each parameter gets a gradient."""
    out = module(x)
    assert out.shape == (len(x), *output)
    assert out.isfinite().all()
    out.square().mean().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


# What the papers say about single parts


def part(file: str, text: str) -> torch.nn.Module:
    """A module of the blocks in a file and the lines of a net."""
    blocks, _, _ = (MODERN / file).read_text(encoding="utf-8").partition("\nnet ")
    torch.manual_seed(0)
    return archdsl.load(f"{blocks}\n{text}\n")


def test_a_dense_layer_appends_its_maps() -> None:
    module = part("densenet.arch", "input 5x4x4\ndense_layer 3 x2").eval()
    x = torch.randn(2, 5, 4, 4)
    out = module(x)
    assert out.shape == (2, 11, 4, 4)
    assert torch.equal(out[:, :5], x)


def test_the_gate_scales_each_channel() -> None:
    module = part("se_resnet.arch", "input 32x4x4\nse: squeeze_excite")
    x = torch.randn(2, 32, 4, 4)
    with torch.no_grad():
        gate = module(x) / x
    torch.testing.assert_close(gate, gate.mean((2, 3), keepdim=True).expand_as(x))
    assert ((gate > 0) & (gate < 1)).all()


# Published weights load unchanged: these are the names that torchvision has


def with_weights(net: str) -> list[str]:
    with torch.device("meta"):
        state = archdsl.load(MODERN / TABLE[net].file, net=net).state_dict()
    return [name.removesuffix(".weight") for name in state if name.endswith(".weight")]


def test_names_of_densenet121() -> None:
    names = ["conv0", "norm0"]
    for block, layers in enumerate([6, 12, 24, 16], 1):
        for layer in range(1, layers + 1):
            scope = f"denseblock{block}.denselayer{layer}"
            names += [f"{scope}.{m}" for m in ("norm1", "conv1", "norm2", "conv2")]
        if block < 4:
            names += [f"transition{block}.norm", f"transition{block}.conv"]
    names = [f"features.{name}" for name in [*names, "norm5"]]
    assert with_weights("densenet121") == [*names, "classifier"]


@pytest.mark.parametrize(
    ("net", "fires"),
    [
        ("squeezenet1_0", [3, 4, 5, 7, 8, 9, 10, 12]),
        ("squeezenet1_1", [3, 4, 6, 7, 9, 10, 11, 12]),
    ],
)
def test_names_of_squeezenet(net: str, fires: list[int]) -> None:
    parts = ("squeeze", "expand1x1", "expand3x3")
    names = [f"features.{fire}.{name}" for fire in fires for name in parts]
    assert with_weights(net) == ["features.0", *names, "classifier.1"]
