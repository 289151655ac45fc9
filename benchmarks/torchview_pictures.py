"""`python -m benchmarks.torchview_pictures NET FORM OUT`: what torchview draws.

NET is a model of torchvision, or a file of source that archdsl emitted and its class:
`resnet1202.py:ResNet1202`. It is built and run without numbers, on the meta device, so
that drawing is all there is to do. FORM is `dot` for its text, or `svg`, which it has
the program of Graphviz make.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any


def model(name: str) -> Any:
    """The module that is drawn, on the meta device."""
    import torch

    path, colon, wanted = name.partition(":")
    with torch.device("meta"):
        if not colon:
            from benchmarks.torchvision_cpu import import_torchvision

            return getattr(import_torchvision().models, name)(weights=None)
        spec = importlib.util.spec_from_file_location("emitted", path)
        assert spec is not None
        assert spec.loader is not None
        emitted = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(emitted)
        return getattr(emitted, wanted)()


def main(name: str, form: str, out: str, side: str) -> None:
    """Draw a model for pictures of that many pixels a side."""
    import torchview

    size = (1, 3, int(side), int(side))
    made = torchview.draw_graph(model(name), input_size=size, device="meta")
    graph = made.visual_graph
    data = graph.source.encode() if form == "dot" else graph.pipe(format=form)
    Path(out).write_bytes(data)


if __name__ == "__main__":
    main(*sys.argv[1:])
