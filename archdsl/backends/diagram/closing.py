"""Which blocks are closed in a picture that would be too large to read.

Blocks of one class are those that one definition gives. Their uses that have the same
layers, whatever the numbers, have one outline. A class is closed in three steps: all
uses but the first of each outline, all but the first of the outline that is most of the
net, and all. Deeper classes come before those around them, and what is little of the
net before what is much of it.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    """What is closed.

    Blocks of the classes in `once` are closed but for the first of each outline, those
    in `single` but for one of all, and those in `whole` without exception.
    """

    once: frozenset[Class] = frozenset()
    single: frozenset[Class] = frozenset()
    whole: frozenset[Class] = frozenset()

    def without(self, other: Closing) -> Closing:
        """Less of it."""
        return Closing(*(mine - its for mine, its in zip(self, other, strict=True)))


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
        if key in closing.whole:
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
    """The pictures of a network by number, from all open to all closed."""

    def __init__(self, closer: Closer) -> None:
        layers = closer.layers
        total = {key: sum(counts.values()) for key, counts in layers.items()}
        found = sorted(closer.level, key=lambda key: (-closer.level[key], total[key]))
        named = [key for key in found if closer.names[key]]
        self._once = [key for key in named if closer.uses[key] > len(layers[key])]
        self._single = [key for key in named if len(layers[key]) > 1]
        self._whole = found

    def __len__(self) -> int:
        return 1 + len(self._once) + len(self._single) + len(self._whole)

    def __getitem__(self, number: int) -> Closing:
        taken = []
        for keys in (self._once, self._single, self._whole):
            taken.append(frozenset(keys[: max(number, 0)]))
            number -= len(keys)
        return Closing(*taken)

    def wider(self, closing: Closing) -> Iterator[Closing]:
        """What opens one class again, the outermost first."""
        for key in reversed(self._whole):
            if key in closing.whole:
                yield Closing(whole=frozenset((key,)))
        for key in reversed(self._once):
            if key in closing.once - closing.single - closing.whole:
                yield Closing(once=frozenset((key,)))
