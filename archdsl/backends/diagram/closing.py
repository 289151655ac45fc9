"""Which blocks are closed in a picture that would be too large to read.

Blocks of one class are those that one definition gives. Their uses that have the same
layers, whatever the numbers, have one outline. A class is closed in three steps: all
uses but the first of each outline, all but the first of the outline that is most of the
net, and all. Deeper classes come before those around them.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from archdsl.ir.fold import Folder
from archdsl.ir.network import Module, Stage
from archdsl.source import Source

# A definition: its source and where it begins there.
Class: TypeAlias = tuple[Source, int]


def class_of(module: Module) -> Class:
    """The definition that a module was made of."""
    return module.span.source, module.span.start


class Closing(NamedTuple):
    """What is closed: blocks of these classes but for the first of each outline, of
    these but for a single one, and all that lie deeper than `depth`.
    """

    once: frozenset[Class] = frozenset()
    single: frozenset[Class] = frozenset()
    depth: int | None = None


OPEN = Closing()


class Closer:
    """Decides for one network which blocks are closed, at first none.

    The picture that is all open tells it which classes there are.
    """

    def __init__(self) -> None:
        self.folder = Folder(rates=True)
        self.names: dict[Class, str] = {}
        self.level: dict[Class, int] = {}
        self.uses: dict[Class, int] = {}
        # How many layers each outline of a class stands for.
        self.layers: dict[Class, dict[int, int]] = {}
        self._outlines: dict[object, int] = {}
        self._of: dict[int, int] = {}
        self.begin(OPEN)

    def begin(self, closing: Closing) -> None:
        """Close so much in the next picture."""
        self._closing = closing
        self._seen: set[tuple[Class, int]] = set()
        self._once: set[Class] = set()

    def opens(self, module: Module, layers: int, level: int) -> bool:
        """Whether a block is opened that stands for so many layers of the net."""
        key = class_of(module)
        closing = self._closing
        outline = self.outline(module)
        if closing is OPEN:
            self._add(module, layers, level)
            return True
        if closing.depth is not None and level > closing.depth:
            return False
        if key in closing.single:
            opened = key not in self._once and outline == self._main(key)
        else:
            opened = key not in closing.once or (key, outline) not in self._seen
        if opened:
            self.see(module)
        return opened

    def see(self, module: Module) -> None:
        """Take note of a block that is drawn open."""
        key = class_of(module)
        self._once.add(key)
        self._seen.add((key, self.outline(module)))

    def _add(self, module: Module, count: int, level: int) -> None:
        key = class_of(module)
        self.names[key] = module.name if module.kind == "block" else ""
        self.level[key] = max(level, self.level.get(key, 0))
        self.uses[key] = self.uses.get(key, 0) + 1
        layers = self.layers.setdefault(key, {})
        outline = self.outline(module)
        layers[outline] = layers.get(outline, 0) + count

    def _main(self, key: Class) -> int:
        """The outline that is most of the net."""
        layers = self.layers[key]
        return max(layers, key=lambda outline: layers[outline])

    def outline(self, module: Module) -> int:
        """A number for the layers of a module and how they are joined."""
        found = self._of.get(id(module))
        if found is None:
            flat = self.folder.flat(module)
            parts: list[object] = [class_of(module), flat.sources, flat.outputs]
            for node in flat.nodes:
                stages = (
                    (node,)
                    if isinstance(node, Stage)
                    else [run.stage for run in node.runs]
                )
                parts.append(frozenset(map(self._part, stages)))
            found = self._outlines.setdefault(tuple(parts), len(self._outlines))
            self._of[id(module)] = found
        return found

    def _part(self, stage: Stage) -> tuple[str, int]:
        target = stage.target
        if isinstance(target, Module):
            return "", self.outline(target)
        return target.layer.name, 0


class Steps:
    """The pictures of a network from the one that is all open to the one that is all
    closed, by number.
    """

    def __init__(self, closer: Closer) -> None:
        named = [key for key, name in closer.names.items() if name]
        named.sort(key=lambda key: -closer.level[key])
        uses, layers = closer.uses, closer.layers
        self._once = [key for key in named if uses[key] > len(layers[key])]
        self._single = [key for key in named if len(layers[key]) > 1]
        self._deepest = max(closer.level.values(), default=0)

    def __len__(self) -> int:
        return 1 + len(self._once) + len(self._single) + self._deepest

    def __getitem__(self, number: int) -> Closing:
        if number >= len(self):
            raise IndexError(number)
        once = frozenset(self._once[:number])
        number -= len(self._once)
        single = frozenset(self._single[: max(number, 0)])
        number -= len(self._single)
        depth = self._deepest - number if number > 0 else None
        return Closing(once, single, depth)

    def less(self, closing: Closing) -> list[Class]:
        """The classes that might be opened again, the outermost first."""
        return [
            key
            for key in reversed(self._once)
            if key in closing.once and key not in closing.single
        ]
