"""The parts that a source for inference carries along."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_FILES = {"Conv2d": "conv2d_{}", "Linear": "linear_{}", "BatchNorm": "batch_norm"}
# The parts that choose between ways of computing.
_CHOOSE = {"cpu": {"Conv2d", "Linear"}, "cuda": {"Conv2d"}}


def chooses(used: list[str], device: str) -> bool:
    """Whether one of these parts chooses between ways at its first call."""
    return not _CHOOSE[device].isdisjoint(used)


def sources(used: list[str], device: str, graph: bool) -> list[str]:
    """The definitions of these parts, what they need, and what `prepare` calls."""
    names = ["weights"]
    if used:
        names.append("activation")
    if chooses(used, device):
        names.append(f"fastest_{device}")
        if "Conv2d" in used and device == "cpu":
            names.append("alone")
    names += [_FILES[name].format(device) for name in used]
    if graph:
        names.append("graph")
    if device == "cpu":
        names.append("memory")
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
