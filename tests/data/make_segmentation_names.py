"""Write segmentation_names.json: tensors of torchvision's networks, and their shapes.

The networks without an auxiliary head have the same tensors but for those of the head.

    pip install --no-deps torchvision==0.28.0
    python tests/data/make_segmentation_names.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1]))
from folded_names import Folded, folded, shapes_of, written_out

from benchmarks.torchvision_cpu import import_torchvision

MODELS = "fcn_resnet50 fcn_resnet101 deeplabv3_resnet50 deeplabv3_resnet101".split()
TARGET = Path(__file__).with_name("segmentation_names.json")


def main() -> None:
    """Build each model without memory for its tensors, and write their shapes."""
    models = import_torchvision().models.segmentation
    found: dict[str, Folded] = {}
    for name in MODELS:
        with torch.device("meta"):
            bare = getattr(models, name)(weights_backbone=None)
            made = getattr(models, name)(weights_backbone=None, aux_loss=True)
        shapes = shapes_of(made.state_dict().items())
        kept = [item for item in shapes.items() if not item[0].startswith("aux_")]
        assert list(shapes_of(bare.state_dict().items()).items()) == kept
        found[f"{name}_aux"] = folded(shapes)
        assert [*written_out(found[f"{name}_aux"]).items()] == [*shapes.items()]
    TARGET.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
