"""Real nets with one mistake each: what is changed, and what their pictures show."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

SPECS = Path(__file__).parents[1] / "specs"


class Failing(NamedTuple):
    """A net of a spec, a change of its text, and the mark in its picture.

    `at` is the id of the box that is wrong, `told` what its edge carries.
    """

    spec: str
    net: str
    change: tuple[str, str]
    at: str
    told: str

    @property
    def text(self) -> str:
        """The spec with the mistake in it."""
        whole = (SPECS / self.spec).read_text(encoding="utf-8")
        assert self.change[0] in whole, f"{self.spec} has no {self.change[0]!r}"
        return whole.replace(*self.change, 1)


FAILING = [
    Failing(
        "classics/resnet.arch",
        "resnet50",
        (
            "      if stride > 1 or in.c != 4*width else in",
            "      if stride > 1 else in",
        ),
        "layer1.0.add1",
        "64×56×56 ≠ 256×56×56 · E0304",
    ),
    Failing(
        "classics/resnet.arch",
        "resnet34",
        ("layer4: unit 512 stride=[2,1]", "layer4: unit 512"),
        "claim1",
        "512×14×14 ≠ _×7×7 · E0601",
    ),
    Failing(
        "classics/resnet_cifar.arch",
        "resnet1202",
        ("padchannels width}", "padchannels 64}"),
        "layer2.0.add1",
        "64×16×16 ≠ 32×16×16 · E0304",
    ),
    Failing(
        "classics/vgg.arch",
        "vgg16",
        ("  flatten   -> 25088\n", ""),
        "classifier.0",
        "512×7×7 · E0305",
    ),
    Failing(
        "classics/alexnet.arch",
        "alexnet",
        ("maxpool 3 s2                   -> 256x6x6", "maxpool 14 s2"),
        "maxpool3",
        "256×13×13 · E0302",
    ),
    Failing(
        "classics/alexnet.arch",
        "alexnet_2012",
        ("conv 256x5x5 p2 g2", "conv 256x5x5 p2 g5"),
        "conv2",
        "96×27×27 · E0312",
    ),
    Failing(
        "classics/googlenet.arch",
        "googlenet",
        ("conv ch3x3 3x3", "conv ch3x3 3x3 p0"),
        "inception3a.concat1",
        "128×26×26 ≠ 64×28×28 · E0304",
    ),
    Failing(
        "classics/lenet.arch",
        "lenet5",
        ("assert params == 61_706", "assert params == 61_705"),
        "check1",
        "10 · E0602",
    ),
    Failing(
        "segmentation/unet.arch",
        "unet",
        ("skip | crop larger.h larger.w", "skip"),
        "up1.concat1",
        "512×56×56 ≠ 512×64×64 · E0304",
    ),
    Failing(
        "torchvision/mobilenet_v2.arch",
        "mobilenet_v2",
        ("unit id.c 3 s=s g=id.c", "unit id.c 3 s=s g=48"),
        "features.1.conv.0.0",
        "32×112×112 · E0312",
    ),
    Failing(
        "torchvision/densenet.arch",
        "densenet121",
        ("conv2: conv growth 3x3", "conv2: conv growth 3x3 s2"),
        "features.denseblock1.denselayer1.concat1",
        "32×28×28 ≠ 64×56×56 · E0304",
    ),
    Failing(
        "torchvision/vit.arch",
        "vit_b_16",
        ("dropout 0 | fc in.d}", "dropout 0 | fc 700}"),
        "encoder.layers.encoder_layer_0.add2",
        "197×700 ≠ 197×768 · E0304",
    ),
    Failing(
        "torchvision/shufflenet.arch",
        "shufflenet_v2_x1_0",
        ("branch1: {dwconv s=s", "branch1: {dwconv s=1"),
        "stage2.0.concat1",
        "58×28×28 ≠ 58×56×56 · E0304",
    ),
    Failing(
        "modern/c3d.arch",
        "c3d",
        ("pool5: maxpool 2x2x2 ceil           -> 512x1x4x4\n  flatten  ", "  gap"),
        "claim1",
        "512 ≠ 8192 · E0601",
    ),
    Failing(
        "modern/transformer_base.arch",
        "transformer_base",
        ("relu | fc in.d | dropout rate) | ln", "rulu | fc in.d | dropout rate) | ln"),
        "memory.0.feed_forward1.rulu1",
        "S×2048 · E0201",
    ),
]
