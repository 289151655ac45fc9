"""The parts that a source for inference carries along."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_FILES = {"Linear": "linear", "BatchNorm": "batch_norm"}


def sources(used: list[str], device: str) -> list[str]:
    """The definitions of these parts, and of what they need."""
    names = ["weights"]
    if used:
        names.append("activation")
    if "Linear" in used or ("Conv2d" in used and device == "cpu"):
        names.append("is_faster")
    names += [_FILES.get(name, f"conv2d_{device}") for name in used]
    return [_source(name) for name in names]


@cache
def _source(name: str) -> str:
    """The definitions of a file, without its docstring and imports."""
    folder = files("archdsl.backends.inference").joinpath("parts")
    text = folder.joinpath(f"{name}.py").read_text("utf-8").splitlines()
    begin = next(
        at for at, line in enumerate(text) if line.startswith(("class ", "def "))
    )
    return "\n".join(text[begin:]).rstrip()
