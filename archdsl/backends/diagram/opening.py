"""Which blocks are opened, and which are one closed box."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from archdsl.backends.diagram.closing import Closer
from archdsl.backends.diagram.options import PlanError
from archdsl.backends.diagram.reach import drawn
from archdsl.diagnostics.suggest import did_you_mean
from archdsl.ir.fold import Folder
from archdsl.ir.network import Module

# So many paths are named in an error.
_NAMED = 4


class Wanted(NamedTuple):
    """A path to be opened, as given, and what is left of it in some scope."""

    path: str
    rest: str


Paths: TypeAlias = tuple[Wanted, ...]


def wanted(paths: Iterable[str], root: Module, folder: Folder | None) -> Paths:
    """The paths as they are seen in the net, where copies may be folded."""
    return tuple(
        Wanted(path, path if folder is None else drawn(root, path, folder))
        for path in paths
    )


def step(paths: Paths, names: Iterable[str]) -> Paths:
    """What is left of the paths in a stage of one of these names."""
    found = []
    for name in names if paths else ():
        for path, rest in paths:
            if rest == name:
                found.append(Wanted(path, ""))
            elif rest.startswith(f"{name}."):
                found.append(Wanted(path, rest[len(name) + 1 :]))
    return tuple(found)


def step_numbered(paths: Paths, stem: str, first: int, count: int) -> Paths:
    """The same for copies called `stem` and a number."""
    found = []
    for path, rest in paths:
        match = re.match(re.escape(stem) + r"(0|[1-9][0-9]*)(?:\.|$)", rest)
        # Longer numbers than any count has are not read.
        if match and len(match[1]) < 20 and first <= int(match[1]) < first + count:
            found.append(Wanted(path, rest[match.end() :]))
    return tuple(found)


class Block(NamedTuple):
    """What might be opened, and how many layers of the net it stands for."""

    module: Module
    layers: int


class Opener:
    """Decides for each block, and tells in the end whether all paths were found."""

    def __init__(
        self, depth: int | None, paths: tuple[str, ...], closer: Closer | None
    ) -> None:
        if paths and depth is None and closer is None:
            raise PlanError("all blocks are open already: a depth has to close them")
        self._depth = depth
        self._closer = closer
        self._paths = paths
        self._opened: set[str] = set()
        self._blocks: dict[str, None] = {}
        self._closed: dict[str, None] = {}

    def opens(self, level: int, path: str, paths: Paths, block: Block | None) -> bool:
        """Whether a block is opened that lies so deep: 1 is a block of the net.

        `block` is None for one that is a single box all the same.
        """
        if self._depth is None and self._closer is None:
            return True
        around, _, last = path.rpartition(".")
        if around and last.isdigit():
            # A repeat can be opened too.
            self._blocks[around] = None
        self._blocks[path] = None
        self._opened.update(found.path for found in paths if not found.rest)
        if self._depth is not None:
            return level <= self._depth or bool(paths)
        if self._closer is None or block is None:
            return True
        if paths:
            self._closer.see(block.module)
            return True
        opened = self._closer.opens(block.module, block.layers, level)
        if not opened:
            self._closed[block.module.name or last] = None
        return opened

    @property
    def closed(self) -> tuple[str, ...]:
        """The names of blocks that were closed without being asked for."""
        return tuple(self._closed)

    def check(self) -> None:
        """Raises PlanError if a path that was asked for is none of a block."""
        for path in self._paths:
            if path in self._opened:
                continue
            hints = did_you_mean(path, list(self._blocks))
            if not hints:
                known = [f"`{block}`" for block in self._blocks][:_NAMED]
                more = ", …" if len(self._blocks) > _NAMED else ""
                hints = (
                    f"there are {', '.join(known)}{more}"
                    if known
                    else "the net has no blocks",
                )
            raise PlanError(f"there is no block `{path}` to open; {hints[0]}")
