"""`python -m benchmarks.torchinfo_summary NET SIDE`: what torchinfo says of a net.

NET is a model of torchvision. It is built and run on the meta device, so that nothing
is computed.
"""

from __future__ import annotations

import sys

from benchmarks.torchview_pictures import model


def main(name: str, side: str) -> None:
    """Print the summary for pictures of that many pixels a side."""
    import torchinfo

    size = (1, 3, int(side), int(side))
    torchinfo.summary(model(name), input_size=size, device="meta")


if __name__ == "__main__":
    main(*sys.argv[1:])
