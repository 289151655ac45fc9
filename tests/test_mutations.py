"""One thing is changed in each of many specs, and `verify` notices.

Each row has a spec, a module that computes the same, and a change of the spec's text.
The spec is clean and equal to the module as it stands; with the change it is clean
still, and differs. To be quick, and so that no assertion is what notices, inputs are
made small and the text's claims on shapes and totals are taken out first.

A row with the reference `SELF` is held against the spec's own source as it was: there
the change alone is tested. In all others the module is written without archdsl.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch_nets as nets
import torch_sequences as sequences
from torch import nn

import archdsl
from archdsl.runtime.verified import Verified
from benchmarks.torchvision_cpu import import_torchvision

SPECS = Path(__file__).parents[1] / "specs"

# Claims that a change would break: `-> 64x56x56`, `assert params == 1`.
_CLAIM = re.compile(
    r"\{\s*assert [^}]*\}|^\s*assert .*$|\s+->[^#\n|\"]*(?=[\n|#}])", re.MULTILINE
)

Change = tuple[str, str]
Reference = Callable[[], nn.Module]

# The spec's own source, before the change.
SELF = None


class Row(NamedTuple):
    """A spec, its reference, and what is changed.

    `change` is a text that stands in the spec and what takes its place. `at` is what
    is to be told: the stage at which the two part, or a tensor that differs. `shrink`
    are changes that make the net smaller, `params` values of its parameters, `names`
    the reference's names of tensors and the net's.
    """

    what: str
    spec: str
    net: str
    reference: Reference | None
    change: Change
    at: str
    shrink: tuple[Change, ...] = ()
    params: Mapping[str, Any] = {}
    names: dict[str, str] | None = None


def torchvision(model: str, **kwargs: Any) -> Reference:
    """A model of torchvision; its rows are skipped where that is not installed."""

    def made() -> nn.Module:
        try:
            models = import_torchvision().models
        except ImportError:
            pytest.skip("torchvision is not installed")
        found: nn.Module = getattr(models, model)(**kwargs)
        return found

    return made


def square(size: int) -> Change:
    """A smaller picture."""
    return ("input 3x224x224", f"input 3x{size}x{size}")


ONE_EACH = {"n": [1, 1, 1, 1], "classes": 10}
BASIC, DEEP = {**ONE_EACH, "unit": "basic"}, {**ONE_EACH, "unit": "bottleneck"}
ALEXNET = (("3x227x227", "3x67x67"), ("4096", "64"))
# With a sixteenth of the channels.
UNET = (
    ("1x572x572", "1x188x188"),
    *((f" {width}\n", f" {width // 16}\n") for width in (64, 128, 256, 512, 1024)),
)
C3D = (
    ("3x16x112x112", "3x16x48x48"),
    ("4096", "24"),
    *((f"conv {width}x", f"conv {width // 16}x") for width in (64, 128, 256, 512)),
)
SIAMESE = (
    ("1x105x105", "1x65x65"),
    ("fc 4096", "fc 32"),
    ("conv 64", "conv 4"),
    ("conv 128", "conv 6"),
    ("conv 256", "conv 8"),
)
POINTNET = ((" 1024", " 32"), ("shared 128", "shared 16"), (" 512", " 24"))
LSTM = {"width": 9, "rate": 0.5, "bound": 0.1, "vocabulary": 40, "T": 7}
SEQ2SEQ = {"n": 8, "words": 40, "rate": 0.2, "S": 5, "T": 6}
WAVENET = {"n": 4, "skips": 6, "stages": 1, "levels": 16, "T": 40}
TRANSFORMER = {"n": 2, "d": 12, "heads": 3, "hidden": 20, "rate": 0.1}
TRANSFORMER |= {"vocabulary": 40, "S": 5, "T": 6}
DDPM = {"c": 32, "H": 8, "W": 8}


C, M, T = "classics", "modern", "torchvision"
VGG = {"n": [1, 1, 1, 1, 1], "classes": 10}
VGG_SMALL = (square(32), ("4096", "64"))
TEN = {"classes": 10}

ROWS = [
    Row(
        "a missing activation",
        f"{C}/lenet.arch",
        "lenet5",
        nets.lenet,
        ("fc 84  | tanh", "fc 84"),
        "fc3",
    ),
    Row(
        "another kind of pool",
        f"{C}/lenet.arch",
        "lenet5",
        nets.lenet,
        ("avgpool 2", "maxpool 2"),
        "maxpool1",
    ),
    Row(
        "which maps are connected",
        f"{C}/lenet.arch",
        "lenet5_1998",
        SELF,
        ("[0,1,3,4]", "[0,1,3,5]"),
        "C3.sources",
    ),
    Row(
        "a stride",
        f"{C}/alexnet.arch",
        "alexnet",
        lambda: nets.alexnet(False),
        ("maxpool 3 s2\n  conv 384", "maxpool 3 s3 p1\n  conv 384"),
        "maxpool2",
        ALEXNET,
        TEN,
    ),
    Row(
        "a constant of a normalisation",
        f"{C}/alexnet.arch",
        "alexnet_2012",
        lambda: nets.alexnet(True),
        ("k=2", "k=1"),
        "lrn1",
        ALEXNET,
        TEN,
    ),
    Row(
        "groups",
        f"{C}/alexnet.arch",
        "alexnet_2012",
        lambda: nets.alexnet(True),
        ("conv 384x3x3 p1 g2", "conv 384x3x3 p1"),
        "conv4.weight",
        ALEXNET,
        TEN,
    ),
    Row(
        "a rate of dropout",
        f"{C}/vgg.arch",
        "vgg",
        nets.VGG,
        ("dropout 0.5", "dropout 0.4"),
        "classifier.2",
        VGG_SMALL,
        VGG,
    ),
    Row(
        "a pool that overlaps",
        f"{C}/vgg.arch",
        "vgg",
        nets.VGG,
        ("x=n[0] | maxpool 2", "x=n[0] | maxpool 3 s2 p1"),
        "features.2",
        VGG_SMALL,
        VGG,
    ),
    Row(
        "the order of sum and activation",
        f"{C}/resnet.arch",
        "resnet",
        lambda: nets.resnet(deep=False),
        ("conv width 3x3          | bn\n", "conv width 3x3 | bn | relu\n"),
        "layer1.0.relu2",
        (square(32),),
        BASIC,
    ),
    Row(
        "the stride in the second convolution of a bottleneck",
        f"{C}/resnet.arch",
        "resnet",
        lambda: nets.resnet(deep=True),
        (
            "width 1x1 s=stride | bn | relu\n  conv width 3x3 ",
            "width 1x1 | bn | relu\n  conv width 3x3 s=stride ",
        ),
        "layer2.0.conv1",
        (square(64),),
        DEEP,
    ),
    Row(
        "a momentum",
        f"{C}/resnet.arch",
        "resnet",
        lambda: nets.resnet(deep=False),
        ("conv 64x7x7 s2 | bn", "conv 64x7x7 s2 | bn momentum=0.01"),
        "bn1.running_mean",
        (square(32),),
        BASIC,
    ),
    Row(
        "a padding of another kind",
        f"{C}/resnet.arch",
        "resnet",
        lambda: nets.resnet(deep=False),
        ("conv 64x7x7 s2 |", "conv 64x7x7 s2 mode=reflect |"),
        "conv1",
        (square(32),),
        BASIC,
    ),
    Row(
        "an eps",
        f"{C}/resnet_cifar.arch",
        "resnet",
        nets.resnet_cifar,
        ("conv width 3x3          | bn\n", "conv width 3x3 | bn eps=1e-6\n"),
        "layer1.0.bn2",
        params={"n": 1},
    ),
    Row(
        "a residual from the wrong place",
        f"{C}/preresnet.arch",
        "preresnet",
        nets.preresnet,
        ("    active | shortcut", "    in | shortcut"),
        "layer1.0.shortcut",
        params={"n": 1},
    ),
    Row(
        "rounding of a pool",
        f"{C}/googlenet.arch",
        "googlenet",
        nets.googlenet,
        ("maxpool 3 s2 ceil", "maxpool 3 s2 p1"),
        "maxpool1",
        (square(68), ("avgpool 7 s1", "avgpool 2 s1")),
        TEN,
    ),
    Row(
        "a pool in a branch",
        f"{C}/googlenet.arch",
        "googlenet",
        nets.googlenet,
        ("{maxpool 3 s1 p1", "{avgpool 3 s1 p1"),
        "inception3a.branch_pool.0",
        (square(68), ("avgpool 7 s1", "avgpool 2 s1")),
        TEN,
    ),
    Row(
        "a wider layer",
        f"{M}/squeezenet.arch",
        "squeezenet1_1",
        nets.SqueezeNet,
        ("ceil\n    fire 48 192", "ceil\n    fire 56 192"),
        "features.9.squeeze.weight",
        (("3x227x227", "3x67x67"),),
        TEN,
    ),
    Row(
        "a pool that rounds down",
        f"{M}/squeezenet.arch",
        "squeezenet1_1",
        nets.SqueezeNet,
        ("maxpool 3 s2 ceil\n    fire 48", "maxpool 3 s2\n    fire 48"),
        "features.8",
        (("3x227x227", "3x67x67"),),
        TEN,
    ),
    Row(
        "what a dense layer puts first",
        f"{M}/densenet.arch",
        "densenet_bc",
        lambda: nets.DenseNet(4),
        (
            "    id,\n    {\n      norm1: bn | relu1: relu",
            "    id | early: relu,\n    {\n      norm1: bn | relu1: relu",
        ),
        "features.denseblock1.denselayer1.early",
        params={"depth": 16, "growth": 4},
    ),
    Row(
        "an activation before the end",
        f"{M}/densenet.arch",
        "densenet_bc",
        lambda: nets.DenseNet(4),
        ("  relu | gap | classifier", "  gap | classifier"),
        "gap1",
        params={"depth": 16, "growth": 4},
    ),
    Row(
        "dropout in another place",
        f"{M}/wrn.arch",
        "wrn",
        lambda: nets.wide_resnet(2, 0.3),
        (
            "bn | relu\n  dropout rate  if rate > 0\n  conv width 3x3\n",
            "bn | relu\n  conv width 3x3\n  dropout rate  if rate > 0\n",
        ),
        # All rates agree, and only what is drawn does not: there is no one stage.
        "",
        params={"depth": 10, "k": 2, "rate": 0.3},
    ),
    Row(
        "the squeezed by the wrong function",
        f"{M}/se_resnet.arch",
        "se_resnet",
        lambda: nets.resnet(deep=True, gated=True),
        ("fc in.c | sigmoid)", "fc in.c | hardsigmoid)"),
        "layer1.0.se.hardsigmoid1",
        (square(64),),
        ONE_EACH,
    ),
    Row(
        "channels in another order",
        "segmentation/unet.arch",
        "unet",
        nets.UNet,
        (
            "concat(skip | crop larger.h larger.w, larger)",
            "concat(larger, skip | crop larger.h larger.w)",
        ),
        "up1.concat1",
        UNET,
    ),
    Row(
        "a pool of time",
        f"{M}/c3d.arch",
        "c3d",
        nets.c3d,
        ("maxpool 1x2x2", "maxpool 3x2x2 s1x2x2 p1x0x0"),
        "pool1",
        C3D,
        TEN,
    ),
    Row(
        "dropout between layers",
        f"{M}/lstm_lm.arch",
        "lstm_lm",
        lambda: sequences.TorchLanguageModel(9, 0.5, 40),
        ("layers=2 dropout=rate", "layers=2"),
        "lstm1",
        params=LSTM,
    ),
    Row(
        "a scale of attention",
        f"{M}/seq2seq_attention.arch",
        "seq2seq",
        lambda: sequences.TorchSeq2Seq(8, 40, 0.2),
        ("e4, e4) 1 scale=1", "e4, e4) 1"),
        "sdpa1",
        params=SEQ2SEQ,
        names=sequences.seq2seq_names(),
    ),
    Row(
        "a dilation",
        f"{M}/wavenet.arch",
        "wavenet_of",
        lambda: sequences.TorchWaveNet(4, 6, 1, 16),
        ("layer 2**i n", "layer i+1 n"),
        "layers.0.2.pad1",
        params=WAVENET,
        names=sequences.wavenet_names(1),
    ),
    Row(
        "an absolute value",
        f"{M}/siamese.arch",
        "siamese",
        SELF,
        ("share twin) | abs", "share twin)"),
        "fc1",
        SIAMESE,
    ),
    Row(
        "an identity that is added",
        f"{M}/pointnet.arch",
        "pointnet",
        SELF,
        ("add(id, buffer in.c", "sub(id, buffer in.c"),
        "input_transform.sub1",
        POINTNET,
        {"N": 30, "classes": 5},
    ),
    Row(
        "a mask that is not there",
        f"{M}/transformer_base.arch",
        "transformer",
        SELF,
        ("attention heads causal", "attention heads"),
        "out.0.attention1",
        params=TRANSFORMER,
    ),
    Row(
        "a constant of the sinusoids",
        f"{M}/transformer_base.arch",
        "transformer",
        SELF,
        ("sin(ax0 / 10000**", "sin(ax0 / 9999**"),
        "places1.buffer1",
        params=TRANSFORMER,
    ),
    Row(
        "the eps of group normalisation",
        f"{M}/ddpm_unet.arch",
        "ddpm_unet",
        SELF,
        ("gn 32 eps=1e-6", "gn 32 eps=1e-5"),
        "a1.gn1",
        params=DDPM,
    ),
    Row(
        "a pool that is not padded",
        f"{C}/resnet.arch",
        "resnet18",
        torchvision("resnet18"),
        ("maxpool 3 s2 p1", "maxpool 2"),
        "maxpool1",
        (square(32),),
    ),
    Row(
        "a pool that is padded",
        f"{M}/squeezenet.arch",
        "squeezenet1_1",
        torchvision("squeezenet1_1"),
        ("maxpool 3 s2 ceil\n    fire 16", "maxpool 3 s2 p1\n    fire 16"),
        "features.2",
        (("3x227x227", "3x67x67"),),
    ),
    Row(
        "the width of a gate",
        f"{T}/regnet.arch",
        "regnet_y_400mf",
        torchvision("regnet_y_400mf"),
        ("round(in.c/4.0)", "round(in.c/2.0)"),
        "trunk_output.block1.block1-0.f.se.fc1.weight",
        (("side=224", "side=64"),),
    ),
    Row(
        "a small number in a variance",
        f"{T}/mobilenet_v3.arch",
        "mobilenet_v3_small",
        torchvision("mobilenet_v3_small"),
        ("eps=0.001", "eps=0.0001"),
        "features.0.1",
        (square(64),),
    ),
    Row(
        "a skip too many",
        f"{T}/mobilenet_v2.arch",
        "mobilenet_v2",
        torchvision("mobilenet_v2"),
        ("if s == 1 and in.c == c", "if s == 1 and in.c == c and c < 320 and c != 96"),
        "features.13.conv.0.0",
        (square(64),),
    ),
    Row(
        "how fast statistics follow",
        f"{T}/mnasnet.arch",
        "mnasnet0_5",
        torchvision("mnasnet0_5"),
        ("momentum=1-0.9997", "momentum=0.0004"),
        "layers.12.2.layers.7.running_var",
        (square(64),),
    ),
    Row(
        "groups that are shuffled",
        f"{T}/shufflenet.arch",
        "shufflenet_v2_x0_5",
        torchvision("shufflenet_v2_x0_5"),
        ("channelshuffle 2", "channelshuffle 4"),
        "stage2.0.channelshuffle1",
        (square(64),),
    ),
    Row(
        "a gate's activation",
        f"{T}/efficientnet.arch",
        "efficientnet_b0",
        torchvision("efficientnet_b0"),
        ("1x1 | silu | fc2", "1x1 | relu | fc2"),
        "features.1.0.block.1.relu1",
        (("side=224", "side=64"),),
    ),
    Row(
        "another form of an activation",
        f"{T}/convnext.arch",
        "convnext_tiny",
        torchvision("convnext_tiny"),
        ("gelu", "gelu tanh"),
        "features.1.0.block.4",
        (square(64),),
    ),
    Row(
        "what is masked",
        f"{T}/swin.arch",
        "swin_t",
        torchvision("swin_t"),
        ("-100 if", "-1 if"),
        "features.1.1.attn.buffer2",
        (),
    ),
]


def loosened(row: Row) -> str:
    """The spec's text without claims, and smaller."""
    text = _CLAIM.sub("", (SPECS / row.spec).read_text(encoding="utf-8"))
    for old, new in row.shrink:
        assert old in text, f"{row.spec} has no {old!r}"
        text = text.replace(old, new)
    return text


def changed(row: Row, text: str) -> str:
    old, new = row.change
    assert old in text, f"{row.spec} has no {old!r}"
    return text.replace(old, new, 1)


def compared(row: Row, text: str, reference: nn.Module) -> Verified:
    return archdsl.verify(
        text,
        reference,
        row.net,
        rename=row.names,
        params=row.params,
        batch=2,
        order=row.names is None,
    )


def told(found: Verified) -> set[str]:
    """The stages and tensors that a report names as different.

    Among them is a stage that gives the reference's numbers in another order.
    """
    names = {finding.name for finding in found.state.findings}
    cause = found.cause
    if cause is not None and cause.stage is not None:
        names.add(cause.stage.path)
        names |= {path for path, _, reordered in cause.stage.before if reordered}
    elif cause is not None:
        names.add(cause.name)
    return names


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.net}: {row.what}")
def test_a_change_is_noticed(row: Row) -> None:
    text = loosened(row)
    if row.reference is SELF:
        reference = archdsl.load(text, row.net, **row.params)
    else:
        reference = row.reference()
    same = compared(row, text, reference)
    assert same.ok, str(same)
    different = compared(row, changed(row, text), reference)
    assert not different.ok, str(different)
    assert row.at in told(different), str(different)


def test_there_are_enough() -> None:
    """Twenty specs, most of them against modules that archdsl did not write."""
    own = [row for row in ROWS if row.reference is not SELF]
    assert len({row.spec for row in ROWS}) >= 20
    assert len({row.net for row in own}) >= 15
