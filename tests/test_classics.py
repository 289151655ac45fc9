"""The classic networks: each as its paper has it, and as PyTorch counts it.

`data/classics.json` holds the shapes and totals that the papers and their reference
implementations give; no number in it comes from archdsl.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

import archdsl
from archdsl.ir.network import Network, Repeat, Stage
from archdsl.ops.helpers.euclidean_rbf import EuclideanRBF
from archdsl.ops.helpers.global_avg_pool import GlobalAvgPool
from archdsl.ops.helpers.partial_conv2d import PartialConv2d
from archdsl.ops.helpers.scaled_tanh_module import ScaledTanh
from archdsl.ops.helpers.subsample2d import Subsample2d
from archdsl.ops.helpers.zero_pad_channels import ZeroPadChannels
from archdsl.pipeline import Checked, check
from archdsl.source import Source
from archdsl.syntax.format import format_source

CLASSICS = Path(__file__).parents[1] / "specs" / "classics"
DATA = Path(__file__).parent / "data"

Facts = dict[str, Any]

TABLE: dict[str, dict[str, Facts]] = json.loads((DATA / "classics.json").read_text())
NETS = [(file, net) for file, nets in TABLE.items() for net in nets]
SMALL = [
    ("lenet.arch", "lenet5"),
    ("lenet.arch", "lenet5_1998"),
    ("resnet_cifar.arch", "resnet20"),
    ("resnet_cifar.arch", "plain20"),
    ("preresnet.arch", "preresnet164"),
    ("googlenet.arch", "googlenet"),
    ("resnet.arch", "resnet50"),
]


def checked(file: str) -> Checked:
    text = (CLASSICS / file).read_text()
    return check(Source(file, text))


def network(file: str, net: str) -> Network:
    return checked(file).networks[net]


# What the checker says


def test_each_file_has_a_table() -> None:
    assert sorted(TABLE) == sorted(path.name for path in CLASSICS.iterdir())


@pytest.mark.parametrize("file", TABLE)
def test_the_specs_are_clean(file: str) -> None:
    result = checked(file)
    assert result.diagnostics == []
    assert set(result.networks) == set(TABLE[file])


@pytest.mark.parametrize("file", TABLE)
def test_the_specs_are_formatted(file: str) -> None:
    text = (CLASSICS / file).read_text()
    assert format_source(Source(file, text)) == (text, [])


@pytest.mark.parametrize(("file", "net"), NETS)
def test_shapes_and_totals_are_the_published_ones(file: str, net: str) -> None:
    root = network(file, net).root
    facts = TABLE[file][net]
    assert [list(tensor.sizes) for tensor in root.inputs] == [facts["input"]]
    assert list(root.type.sizes) == facts["output"]
    assert root.cost.params == facts["params"]
    if "macs" in facts:
        assert root.cost.macs == facts["macs"]
    stages = {
        node.label: node.cost.macs
        for node in root.nodes
        if isinstance(node, Stage | Repeat)
    }
    for label, macs in facts.get("stages", {}).items():
        assert stages[label] == macs, label


def test_a_size_as_a_lecture_misprints_it_is_refused() -> None:
    text = (CLASSICS / "alexnet.arch").read_text()
    line = "conv 256x5x5 p2 | relu         -> "
    right, wrong = line + "256x27x27", line + "276x27x27"
    assert text.count(right) == 1
    found = check(Source("alexnet.arch", text.replace(right, wrong))).diagnostics
    assert [d.code for d in found] == ["E0601"]
    assert found[0].message.startswith("this is 256x27x27")
    places = [found[0].span, *(note.span for note in found[0].related)]
    assert [span and span.text for span in places] == ["276x27x27", "256x5x5"]


# What PyTorch says


def on_meta(file: str, net: str) -> nn.Module:
    with torch.device("meta"):
        return archdsl.load(CLASSICS / file, net=net).eval()


@pytest.mark.parametrize(("file", "net"), NETS)
def test_the_module_is_what_the_summary_says(file: str, net: str) -> None:
    root = network(file, net).root
    module = on_meta(file, net)
    parameters = list(module.parameters())
    assert sum(p.numel() for p in parameters) == root.cost.params
    assert all(p.requires_grad for p in parameters)
    x = torch.empty(1, *root.inputs[0].numbers, device="meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        out = module(x)
    assert out.shape == (1, *root.type.numbers)
    assert counter.get_total_flops() == 2 * root.cost.macs


@pytest.mark.parametrize(("file", "net"), SMALL)
def test_the_module_learns(file: str, net: str) -> None:
    torch.manual_seed(0)
    module = archdsl.load(CLASSICS / file, net=net)
    out = module(torch.randn(2, *TABLE[file][net]["input"]))
    assert out.shape == (2, *TABLE[file][net]["output"])
    assert out.isfinite().all()
    out.square().mean().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


# What the papers say about single layers


def test_connection_table_is_the_convolution_with_zeros_elsewhere() -> None:
    table = [[0, 1, 2], [1, 3], [2]]
    torch.manual_seed(0)
    layer = PartialConv2d(4, table, (3, 5), stride=2, padding=1)
    dense = torch.zeros(3, 4, 3, 5)
    kernels = iter(layer.weight.detach())
    for target, sources in enumerate(table):
        for source in sources:
            dense[target, source] = next(kernels)[0]
    x = torch.randn(2, 4, 9, 9)
    expected = F.conv2d(x, dense, layer.bias, stride=2, padding=1)
    torch.testing.assert_close(layer(x), expected)


def test_the_connection_table_of_lenet5_is_table_1() -> None:
    module = archdsl.load(CLASSICS / "lenet.arch", net="lenet5_1998")
    layer = module.get_submodule("C3")
    assert isinstance(layer, nn.Module)
    seen = [[0] * 16 for _ in range(6)]
    for source, target in zip(
        layer.get_buffer("sources").tolist(),
        layer.get_buffer("targets").tolist(),
        strict=True,
    ):
        seen[source][target] += 1
    assert ["".join(".X"[mark] for mark in row) for row in seen] == [
        "X...XXX..XXXX.XX",
        "XX...XXX..XXXX.X",
        "XXX...XXX..X.XXX",
        ".XXX..XXXX..X.XX",
        "..XXX..XXXX.XX.X",
        "...XXX..XXXX.XXX",
    ]


def test_each_digit_is_nearest_to_its_own_picture() -> None:
    module = archdsl.load(CLASSICS / "lenet.arch", net="lenet5_1998")
    output = module.get_submodule("output")
    centres = output.get_buffer("centres")
    assert centres.shape == (10, 84)
    assert torch.equal(centres.abs(), torch.ones(10, 84))
    distances: Tensor = output(centres)
    assert torch.equal(distances.diagonal(), torch.zeros(10))
    # Two pictures that differ in n pixels are 4n apart.
    differing = (centres[:, None] != centres).sum(-1)
    assert torch.equal(distances, 4.0 * differing)
    apart = differing[~torch.eye(10, dtype=torch.bool)]
    assert apart.min() >= 4


def test_pictures_stand_side_by_side_in_rows() -> None:
    layer = EuclideanRBF(4, 2, ["#. .#", "#. ##"])
    assert layer.centres.tolist() == [[1, -1, 1, -1], [-1, 1, 1, 1]]
    with pytest.raises(ValueError, match="2 centres of 5"):
        EuclideanRBF(5, 2, ["#. .#", "#. ##"])
    assert EuclideanRBF(84, 10).centres.abs().eq(1).all()


@pytest.mark.parametrize(
    ("centres", "message"),
    [
        ('["#. .#", "#."]', "row 2 of the centres has 1 pieces for 2 outputs"),
        ('["#. .#", "#. x#"]', "row 2 of the centres holds more than"),
        ('["#. .#"]', "centre 0 has 2 numbers, but 4 arrive"),
    ],
)
def test_pictures_that_do_not_fit_are_refused(centres: str, message: str) -> None:
    text = f"input 4 | rbf 2 centres={centres}"
    (found,) = check(Source("spec.arch", text)).diagnostics
    assert found.code == "E0405"
    assert found.message.startswith(message)


def test_subsampling_sums_scales_and_shifts() -> None:
    layer = Subsample2d(2, 2)
    x = torch.randn(3, 2, 5, 4)
    torch.testing.assert_close(layer(x), F.avg_pool2d(x, 2))
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([1.0, 2.0]))
        layer.bias.copy_(torch.tensor([0.0, 3.0]))
    out = layer(torch.ones(1, 2, 2, 2))
    assert out.flatten().tolist() == [4, 11]


def test_the_scaled_tanh_keeps_one() -> None:
    x = torch.tensor([-1.0, 0.0, 1.0])
    torch.testing.assert_close(ScaledTanh()(x), x, rtol=1e-4, atol=0)


@pytest.mark.parametrize("spatial", [(6,), (6, 5), (6, 5, 4)])
def test_maps_of_any_rank(spatial: tuple[int, ...]) -> None:
    x = torch.randn(2, 3, *spatial)
    mean = GlobalAvgPool()(x)
    torch.testing.assert_close(mean, x.flatten(2).mean(2))
    padded = ZeroPadChannels(5)(x)
    assert torch.equal(padded[:, :3], x)
    assert torch.equal(padded[:, 3:], torch.zeros(2, 2, *spatial))


def test_the_constants_of_alexnets_normalisation_are_the_papers() -> None:
    """B[i] = a[i] / (k + alpha * sum of a[j]^2 over n neighbours) ^ beta."""
    a = 30 * torch.randn(1, 7, 1, 1)
    flat = a.flatten()
    expected = [
        flat[i] / (2 + 1e-4 * flat[max(0, i - 2) : i + 3].square().sum()) ** 0.75
        for i in range(7)
    ]
    first = network("alexnet.arch", "alexnet_2012").root.nodes[2]
    assert isinstance(first, Stage)
    assert first.kind == "lrn"
    n, alpha, beta, k = (
        float(str(first.args[name].value)) for name in ("n", "alpha", "beta", "k")
    )
    out = F.local_response_norm(a, int(n), alpha, beta, k)
    torch.testing.assert_close(out.flatten(), torch.stack(expected))
