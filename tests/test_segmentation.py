"""Networks that segment images, as their papers and torchvision have them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from folded_names import shapes_of, written_out
from test_emit import assert_agrees
from test_modern import assert_learns
from torch import Tensor, nn

import archdsl
from archdsl.ir.flat import state_dict_names
from archdsl.pipeline import Checked, check
from archdsl.source import Source
from archdsl.syntax.format import format_source
from benchmarks.torchvision_cpu import import_torchvision

SPECS = Path(__file__).parents[1] / "specs" / "segmentation"
NAMES = json.loads((Path(__file__).parent / "data/segmentation_names.json").read_text())
# In torchvision's tables of weights, which have the head of the third stage.
PUBLISHED = {
    "fcn_resnet50_aux": 35_322_218,
    "fcn_resnet101_aux": 54_314_346,
    "deeplabv3_resnet50_aux": 42_004_074,
    "deeplabv3_resnet101_aux": 60_996_202,
}
FILE = "fcn_deeplabv3.arch"
SMALL = "fcn_resnet50", "deeplabv3_resnet50"


def checked(file: str) -> Checked:
    return check(Source(file, (SPECS / file).read_text(encoding="utf-8")))


def loaded(net: str, **parameters: Any) -> nn.Module:
    torch.manual_seed(0)
    return archdsl.load(SPECS / FILE, net=net, **parameters)


# What the checker says


@pytest.mark.parametrize("path", sorted(SPECS.iterdir()), ids=lambda path: path.name)
def test_the_specs_are_clean_and_formatted(path: Path) -> None:
    assert checked(path.name).diagnostics == []
    text = path.read_text(encoding="utf-8")
    assert format_source(Source(path.name, text)) == (text, [])


def test_each_net_has_its_names() -> None:
    bare = {net.removesuffix("_aux") for net in NAMES}
    assert set(checked(FILE).networks) == NAMES.keys() | bare


@pytest.mark.parametrize("suffix", ["", "_aux"])
@pytest.mark.parametrize("net", [net.removesuffix("_aux") for net in NAMES])
def test_the_state_dict_is_torchvisions(net: str, suffix: str) -> None:
    expected = written_out(NAMES[f"{net}_aux"])
    net += suffix
    if not suffix:
        expected = {n: s for n, s in expected.items() if not n.startswith("aux_")}
    network = checked(FILE).networks[net]
    with torch.device("meta"):
        module = loaded(net)
    assert list(shapes_of(module.state_dict().items()).items()) == [*expected.items()]
    assert [name for name, _ in state_dict_names(network)] == list(expected)
    params = sum(p.numel() for p in module.parameters())
    assert network.root.cost.params == params
    assert params == PUBLISHED.get(net, params)


def test_the_unet_agrees() -> None:
    network = checked("unet.arch").networks["unet"]
    root = network.root
    assert (root.inputs[0].sizes, root.type.sizes) == ((1, 572, 572), (2, 388, 388))
    # PyTorch counts as many multiply-adds.
    assert (root.cost.params, root.cost.macs) == (31_030_658, 150_428_424_448)
    assert_agrees(network)


# What comes out


def test_the_unet_learns() -> None:
    """With all its weights, on the smallest picture that leaves something."""
    text = (SPECS / "unet.arch").read_text(encoding="utf-8")
    text = re.sub(r" +-> .*", "", text.replace("1x572x572", "1x188x188"))
    torch.manual_seed(0)
    module = archdsl.load(text)
    assert sum(p.numel() for p in module.parameters()) == 31_030_658
    assert_learns(module, torch.randn(1, 1, 188, 188), (2, 4, 4))


def test_the_skip_of_the_unet_is_the_middle_and_stands_first() -> None:
    text = "input 1x20x20\nhigh: conv 2x1x1\nmaxpool 2\nup(id, high) 4"
    text = text.replace("maxpool 2", "maxpool 2 | crop 8x8")
    spec = (SPECS / "unet.arch").read_text(encoding="utf-8")
    blocks, _, _ = spec.partition("\nnet ")
    torch.manual_seed(0)
    module = archdsl.load(f"{blocks}\n{text}\n")
    seen: list[Tensor] = []
    unit = module.get_submodule("up1")
    unit.get_submodule("double1").register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0])
    )
    x = torch.randn(1, 1, 20, 20)
    with torch.no_grad():
        out = module(x)
        high = module.get_submodule("high")(x)
    assert out.shape == (1, 4, 12, 12)
    assert seen[0].shape == (1, 6, 16, 16)
    assert torch.equal(seen[0][:, :2], high[:, :, 2:18, 2:18])


@pytest.mark.parametrize("net", SMALL)
def test_there_is_a_map_for_each_class(net: str) -> None:
    module = loaded(net, classes=4)
    out = module(torch.randn(2, 3, 33, 41))
    assert {name: tuple(x.shape) for name, x in out.items()} == {"out": (2, 4, 33, 41)}


@pytest.mark.parametrize("net", SMALL)
def test_every_parameter_learns(net: str) -> None:
    module = loaded(f"{net}_aux", classes=4)
    out = module(torch.randn(2, 3, 33, 41))
    assert list(out) == ["out", "aux"]
    sum(x.square().mean() for x in out.values()).backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_the_last_stages_dilate() -> None:
    module = loaded("fcn_resnet50")
    found = {
        name: (part.stride[0], part.dilation[0])
        for name, part in module.named_modules()
        if isinstance(part, nn.Conv2d) and part.kernel_size == (3, 3)
    }
    stages = {
        f"backbone.layer{stage}.{copy}.conv2": steps
        for stage, first, steps in (
            (2, (2, 1), (1, 1)),
            (3, (1, 1), (1, 2)),
            (4, (1, 2), (1, 4)),
        )
        for copy, steps in ((0, first), (1, steps))
    }
    assert {name: found[name] for name in stages} == stages


# What torchvision says


def reference(net: str) -> nn.Module:
    try:
        models = import_torchvision().models.segmentation
    except ImportError:
        pytest.skip("torchvision is not installed")
    make = getattr(models, net)
    made: nn.Module = make(weights_backbone=None, aux_loss=True, num_classes=4)
    return made


@pytest.mark.parametrize("net", SMALL)
def test_numbers_and_gradients_are_torchvisions(net: str) -> None:
    found = archdsl.verify(
        SPECS / FILE,
        reference(net),
        f"{net}_aux",
        params={"classes": 4, "H": 33, "W": 41},
        batch=2,
    )
    assert found, str(found)
    for measure in (found.evaluation, found.training):
        assert measure is not None
        assert measure.equal, str(found)
        assert measure.outputs.tensors == 2
