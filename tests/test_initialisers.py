"""What weights begin with."""

from __future__ import annotations

import math

import pytest
import torch
from oneliners import built, codes, network
from torch import nn

from archdsl.backends.torch.emit import emit
from archdsl.pipeline import check
from archdsl.runtime.load import execute
from archdsl.source import Source


def initialised(text: str) -> nn.Module:
    torch.manual_seed(0)
    module = built(text)
    (layer,) = module.children()
    return layer


@pytest.mark.parametrize(
    ("args", "mean", "deviation"),
    [
        ("init=kaiming", 0, math.sqrt(2 / (64 * 9))),
        ("init=kaiming fan=out", 0, math.sqrt(2 / (128 * 9))),
        ("init=kaiming_uniform fan=in", 0, math.sqrt(2 / (64 * 9))),
        ("init=xavier", 0, math.sqrt(2 / (192 * 9))),
        ("init=xavier_uniform gain=2", 0, 2 * math.sqrt(2 / (192 * 9))),
        ("init=normal std=0.03", 0, 0.03),
        ("init=normal", 0, 1),
        ("init=trunc_normal std=0.02", 0, 0.02),
        ("init=uniform bound=0.3", 0, 0.3 / math.sqrt(3)),
        ("init=uniform", 0.5, 1 / math.sqrt(12)),
        ("init=zeros", 0, 0),
        ("init=ones", 1, 0),
        ("init=0.25", 0.25, 0),
    ],
)
def test_initialisers(args: str, mean: float, deviation: float) -> None:
    layer = initialised(f"input 64x8x8 | conv 128x3x3 {args} bias_init=0.5")
    weight = layer.get_parameter("weight").detach()
    bias = layer.get_parameter("bias")
    assert abs(float(weight.mean()) - mean) < 0.02 * max(deviation, 1e-6)
    assert abs(float(weight.std()) - deviation) < 0.02 * max(deviation, 1e-6)
    assert (bias == 0.5).all()


def test_orthogonal_weights() -> None:
    weight = initialised("input 16 | fc 8 init=orthogonal gain=3").get_parameter(
        "weight"
    )
    assert torch.allclose(weight @ weight.T, 9 * torch.eye(8), atol=1e-4)


@pytest.mark.parametrize("padding", [0, -1])
def test_the_entry_for_padding_begins_with_zeros(padding: int) -> None:
    text = f"input 4 int | embedding 9 5 padding={padding} init=normal std=3"
    weight = initialised(text).get_parameter("weight")
    assert not weight[padding].any()
    assert weight.any(1).sum() == 8


@pytest.mark.parametrize(
    ("args", "mean", "deviation"),
    [
        ("init=kaiming", 0, math.sqrt(2 / 300)),
        ("init=kaiming fan=out", 0, math.sqrt(2 / 200)),
        ("init=xavier gain=3", 0, 3 * math.sqrt(2 / 500)),
        ("init=uniform bound=0.3", 0, 0.3 / math.sqrt(3)),
        ("init=normal std=2", 0, 2),
        ("init=ones", 1, 0),
        ("value=0.5", 0.5, 0),
        ("", 0, 0),
    ],
)
def test_tensors_of_the_module(args: str, mean: float, deviation: float) -> None:
    torch.manual_seed(0)
    module = built(f"input 200x300 | add(id, t: param 200x300 {args})")
    t = module.get_parameter("t").detach()
    assert float(t.mean()) == pytest.approx(mean, abs=0.02 * max(deviation, 1e-6))
    assert float(t.std()) == pytest.approx(deviation, rel=0.02)


@pytest.mark.parametrize("args", ["std=2", "init=zeros std=2", "init=normal fan=out"])
def test_options_that_mean_nothing_to_a_tensor(args: str) -> None:
    assert codes(f"input 2x3 | add(id, param 2x3 {args})") == ["E0405"]


def test_initialiser_of_a_default_line() -> None:
    text = (
        "default conv init=kaiming fan=out bias_init=0\n"
        "default bn init=0\n"
        "net n {\n  input 3x8x8\n  stem: {conv 32x3x3 | bn | relu} x3\n  gap\n"
        "  fc 4 bias_init=-2\n}\n"
    )
    found = check(Source("t.arch", text))
    assert not found.diagnostics
    source = emit(found.networks["n"])
    assert source.count("def initialised(") == 1
    assert 'mode="fan_out", nonlinearity="relu"' in " ".join(source.split())
    module = execute(source).N()
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            assert layer.bias is not None
            assert not layer.bias.any()
        if isinstance(layer, nn.BatchNorm2d):
            assert not layer.weight.any()
            assert not layer.bias.any()
        if isinstance(layer, nn.Linear):
            assert (layer.bias == -2).all()


def test_source_without_initialiser_has_none() -> None:
    source = emit(network("input 3x8x8 | conv 4x3x3 | bn | gap | fc 2"))
    assert "initialised" not in source


def test_padded_and_initialised_together() -> None:
    source = emit(network("input 3x8x8 | conv 4x3x3 s2 p=tf init=zeros"))
    assert "tf_padded(" in source
    out = execute(source).Net()(torch.randn(2, 3, 8, 8))
    assert out.shape == (2, 4, 4, 4)


@pytest.mark.parametrize(
    "stage",
    [
        "conv 4x3x3 fan=in",
        "conv 4x3x3 init=zeros gain=2",
        "conv 4x3x3 init=0.5 std=1",
        "conv 4x3x3 bias=false bias_init=0",
        "bn init=kaiming",
        "bn affine=false init=1",
        "conv 4x3x3 init=normal std=-1",
    ],
)
def test_initialisers_refuse(stage: str) -> None:
    assert codes(f"input 3x8x8 | {stage}") == ["E0405"]


def test_words_of_initialisers_stay_free_for_parameters() -> None:
    text = (
        "net n out=4 normal=5 {\n  input 3x8x8\n  conv out 3x3\n  conv normal 3x3\n}\n"
    )
    found = check(Source("t.arch", text))
    assert not found.diagnostics
    assert found.networks["n"].root.type.sizes == (5, 4, 4)
