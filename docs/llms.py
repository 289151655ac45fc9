"""`docs/llms.txt`: the text of `docs/llms.in`, with the lists of layers and blocks."""

from __future__ import annotations

from pathlib import Path

from archdsl.ops import families
from archdsl.ops.record import REQUIRED, Layer
from archdsl.reading import standard_names

_SOURCE = Path(__file__).resolve().parent / "llms.in"
# Arguments that many layers have; the text speaks of them.
_COMMON = ("init", "fan", "gain", "std", "bound", "bias_init", "table")


def llms() -> str:
    """The whole language on a page for language models."""
    lists = "\n".join(
        f"{title}: {', '.join(map(_call, layers))}." for title, layers in families()
    )
    text = _SOURCE.read_text(encoding="utf-8")
    blocks = ", ".join(standard_names())
    return text.replace("LAYERS\n", f"{lists}\n").replace("BLOCKS", blocks)


def _call(layer: Layer) -> str:
    """A layer with its arguments, as in `leaky slope?`, `conv c *k (s p)`."""
    places = {name.lstrip("*"): name for name in layer.positional}
    first = [
        written if arg is None or arg.default is REQUIRED else f"{written}?"
        for written in places.values()
        for arg in [layer.arg(written.lstrip("*"))]
    ]
    others = [
        arg.name
        for arg in layer.args
        if arg.name not in places and arg.name not in _COMMON
    ]
    keys = f" ({' '.join(others)})" if others else ""
    return f"{' '.join((layer.name, *first))}{keys}"
