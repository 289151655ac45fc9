"""Definitions that a source carries along, for layers that PyTorch lacks."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_FOLDER = files("archdsl.ops").joinpath("helpers")

# Each file of the folder is a helper: a new one needs no second edit.
HELPERS = frozenset(
    entry.name.removesuffix(".py")
    for entry in _FOLDER.iterdir()
    if entry.name.endswith(".py") and entry.name != "__init__.py"
)


@cache
def helper_class(name: str) -> str:
    """The class or function that a helper file defines."""
    head = helper_source(name).partition("(")[0].rstrip(":")
    return head.split()[1]


@cache
def helper_source(name: str) -> str:
    """A helper's definitions, without its docstring and imports."""
    text = _FOLDER.joinpath(f"{name}.py").read_text("utf-8")
    lines = text.splitlines()
    begin = next(
        at for at, line in enumerate(lines) if line.startswith(("class ", "def "))
    )
    return "\n".join(lines[begin:]).rstrip()
