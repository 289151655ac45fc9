"""Write huggingface_names.json: the tensors of Hugging Face's models and their shapes.

    pip install --group zoo
    python tests/data/make_huggingface_names.py

`folded_names` says how they are written.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1]))
from folded_names import Folded, folded, shapes_of, written_out
from huggingface import MODELS, model

TARGET = Path(__file__).with_name("huggingface_names.json")


def main() -> None:
    """Build each model without memory for its tensors, and write their shapes."""
    found: dict[str, Folded] = {}
    for net, reference in MODELS.items():
        with torch.device("meta"):
            shapes = shapes_of(model(reference).state_dict().items())
        found[net] = folded(shapes)
        assert list(written_out(found[net]).items()) == list(shapes.items())
    TARGET.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
