"""The gallery: pictures of networks beside their specs, and how large they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from archdsl.backends.diagram.options import Options
from archdsl.backends.svg import graph
from archdsl.backends.volumes import volumes
from archdsl.ir.network import Network
from archdsl.pipeline import check
from archdsl.source import Source

TOP = Path(__file__).resolve().parent.parent

# A slide of 13.33 by 7.5 inches, and the small text of a picture, in pixels of CSS.
SLIDE = (1280.0, 720.0)
SMALL = 10.0
POINTS = 72 / 96


class Entry(NamedTuple):
    """A picture: which net of which spec, how it is drawn, and what to look at."""

    title: str
    spec: str
    net: str
    view: str
    look: str

    @property
    def file(self) -> str:
        """The picture's path under `docs/`."""
        return f"pictures/{self.net}{'-volumes' if self.view == 'volumes' else ''}.svg"

    @property
    def command(self) -> str:
        """What draws it."""
        view = " --view volumes" if self.view == "volumes" else ""
        return f"archdsl draw {self.spec} --net {self.net}{view} -o {self.net}.svg"


_RESNET = "specs/classics/resnet.arch"
VOLUMES = "The tensors, from left to right, for slides and papers."
GRAPHS = (
    "The layers, for review: a convolution, its normalisation and its activation share"
    " a box, and equal blocks are drawn once."
)
ENTRIES = (
    Entry(
        "LeNet-5",
        "specs/classics/lenet.arch",
        "lenet5",
        "volumes",
        "Six maps, sixteen maps, and three linear maps.",
    ),
    Entry(
        "AlexNet",
        "specs/classics/alexnet.arch",
        "alexnet_2012",
        "volumes",
        "The network of 2012. Its two towers are groups of two where they do not see"
        " each other.",
    ),
    Entry(
        "VGG-16",
        "specs/classics/vgg.arch",
        "vgg16",
        "volumes",
        "Column D of the paper: thirteen convolutions in five parts.",
    ),
    Entry(
        "U-Net",
        "specs/segmentation/unet.arch",
        "unet",
        "volumes",
        "Down and up again. Convolutions are not padded, so that what is copied is"
        " cropped first.",
    ),
    Entry(
        "34 layers, plain",
        _RESNET,
        "plain34",
        "graph",
        "The network that the residual one is compared with.",
    ),
    Entry(
        "ResNet-34",
        _RESNET,
        "resnet34",
        "graph",
        "The same with shortcuts; those that change the shape are projections.",
    ),
    Entry(
        "ResNet-50",
        _RESNET,
        "resnet50",
        "graph",
        "Bottlenecks: 3, 4, 6 and 3 of them, of which the first projects.",
    ),
    Entry(
        "ResNet-152",
        _RESNET,
        "resnet152",
        "graph",
        "The same picture with other numbers: 3, 8, 36 and 3.",
    ),
    Entry(
        "GoogLeNet",
        "specs/classics/googlenet.arch",
        "googlenet",
        "graph",
        "Nine inception blocks with four branches each.",
    ),
    Entry(
        "DenseNet-121",
        "specs/torchvision/densenet.arch",
        "densenet121",
        "graph",
        "Each layer sees all before it: shapes grow, and are told as ranges.",
    ),
    Entry(
        "MobileNetV3-Large",
        "specs/torchvision/mobilenet_v3.arch",
        "mobilenet_v3_large",
        "graph",
        "Inverted residuals, some with a gate.",
    ),
    Entry(
        "ViT-B/16",
        "specs/torchvision/vit.arch",
        "vit_b_16",
        "graph",
        "Patches, a class token, and twelve equal blocks.",
    ),
    Entry(
        "ResNet-1202",
        "specs/classics/resnet_cifar.arch",
        "resnet1202",
        "graph",
        "No larger than that of 20 layers.",
    ),
)


def gallery() -> dict[str, str]:
    """The page and its pictures, by their paths under `docs/`."""
    made: dict[str, str] = {}
    parts = [
        "# Gallery",
        "Every picture here is drawn by `archdsl draw` from the spec beside it, and by"
        " nothing else: no Graphviz, no LaTeX. They follow the reader's light or dark"
        " setting. A name with its file and line stands behind each box.",
    ]
    rows = []
    view = ""
    for entry in ENTRIES:
        if entry.view != view:
            view = entry.view
            parts += [
                f"## {view.capitalize()}",
                VOLUMES if view == "volumes" else GRAPHS,
            ]
        made[entry.file] = text = picture(entry.spec, entry.net, entry.view)
        source = (TOP / entry.spec).read_text(encoding="utf-8")
        parts += [
            f"### {entry.title}",
            entry.look,
            f"![{entry.title}]({entry.file})",
            f"`{entry.command}`",
            f"<details><summary>{entry.spec}</summary>\n\n```arch\n{source}```\n\n"
            "</details>",
        ]
        rows.append(_row(entry, text))
    parts += [
        "## Sizes",
        "Points are those of the smallest text when the picture fills a slide of 13.33"
        " by 7.5 inches.",
        "| picture | pixels | width : height | KB | points |\n"
        "| --- | --- | --- | --- | --- |\n" + "\n".join(rows),
    ]
    made["gallery.md"] = "\n\n".join(parts) + "\n"
    return made


def _row(entry: Entry, text: str) -> str:
    wide, high = size(text)
    points = SMALL * POINTS * min(SLIDE[0] / wide, SLIDE[1] / high)
    name = f"[{entry.title}, {entry.view}]({entry.file})"
    return (
        f"| {name} | {wide:.0f} × {high:.0f} | {wide / high:.2f} |"
        f" {len(text.encode()) / 1024:.1f} | {points:.1f} |"
    )


def size(text: str) -> tuple[float, float]:
    """The natural width and height of a picture in pixels."""
    found = re.search(r'width="([0-9.]+)" height="([0-9.]+)"', text)
    assert found is not None
    return float(found[1]), float(found[2])


def network(spec: str, net: str) -> Network:
    """A net of a spec, whose path is relative to the top."""
    source = Source(spec, (TOP / spec).read_text(encoding="utf-8"))
    return check(source).networks[net]


def picture(spec: str, net: str, view: str) -> str:
    """A net of a spec as `archdsl draw` has it."""
    made = network(spec, net)
    if view == "volumes":
        return volumes(made, options=Options(show=("shapes",)))
    return graph(made, spec)
