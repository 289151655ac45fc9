"""Which stages one kernel computes: a convolution, and what follows it alone.

A batch normalisation goes into the weights of the layer before it. An addition and an
activation become part of the convolution. Where anything else reads what stands
between them, or the weights are used again, the stages stay apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from archdsl.backends.inference import parts_of as parts
from archdsl.ir.network import Module, Repeat, Stage
from archdsl.ops.record import Site, form_of


class Item(NamedTuple):
    """A stage or labelled repeat, its values, and its path in the `state_dict`."""

    node: Stage | Repeat
    inputs: tuple[int, ...]
    output: int
    path: str

    @property
    def site(self) -> Site | None:
        """The layer, if it is one."""
        if isinstance(self.node, Repeat) or isinstance(self.node.target, Module):
            return None
        return self.node.target

    @property
    def reads(self) -> frozenset[str]:
        """The labels of stages whose tensors the layer computes with."""
        site = self.site
        if site is None or site.layer.name != "tie":
            return frozenset()
        return frozenset(parts.members(form_of(site).function))

    @property
    def has_module(self) -> bool:
        """Whether something is held for it, and no function does it alone."""
        site = self.site
        if site is None or not site.layer.counted:
            return True
        form = form_of(site)
        held = form.attribute is not None or form.function is None
        assert isinstance(self.node, Stage)
        return held or (bool(self.node.weights) and form.module is not None)


def fused(items: Sequence[Item], results: Sequence[int]) -> list[Item]:
    """The items of a scope that returns `results`, fewer where they are fused."""
    return _Fusion(items, results).items()


class _Fusion:
    def __init__(self, items: Sequence[Item], results: Sequence[int]) -> None:
        self._items: list[Item | None] = list(items)
        # Where the parts stand that are made.
        self._made: set[int] = set()
        self._uses = Counter(results)
        self._reader: dict[int, int] = {}
        self._paths = Counter(item.path for item in items)
        for at, item in enumerate(items):
            self._uses.update(item.inputs)
            self._reader.update(dict.fromkeys(item.inputs, at))

    def items(self) -> list[Item]:
        # A normalisation is a part of its own only where no layer takes it on.
        for kinds in (("conv2d", "conv", "linear"), ("norm",)):
            for at in range(len(self._items)):
                self._take_on(at, kinds)
        return [item for item in self._items if item is not None]

    def _take_on(self, at: int, kinds: Sequence[str]) -> None:
        """Let the layer at a place take on what follows it, if it is of these kinds."""
        item = self._items[at]
        if item is None or item.site is None or at in self._made:
            return
        kind = parts.kind_of(item.site)
        if kind not in kinds or not self._is_alone(item):
            return
        assert kind is not None
        places, norm, other, act = [at], None, None, None
        reader = self._next(places[-1])
        if reader is not None and kind != "norm" and self._folds(item, reader):
            norm = self._at(reader)
            places.append(reader)
            reader = self._next(reader)
        if reader is not None and kind == "conv2d":
            other = self._other(reader, places[-1])
            if other is not None:
                places.append(reader)
                reader = self._next(reader)
        if reader is not None and kind != "conv":
            act = self._activation(reader, other is not None)
            if act is not None:
                places.append(reader)
        stages = [self._stage(place) for place in places]
        stage = parts.part(kind, stages, norm.path if norm else None, act)
        self._put(places, stage, item, other)

    def _put(
        self, places: Sequence[int], stage: Stage, item: Item, other: int | None
    ) -> None:
        """Put a part where the last of those stood that it does the work of."""
        last = places[-1]
        inputs = item.inputs if other is None else (*item.inputs, other)
        output = self._at(last).output
        for place in places:
            self._items[place] = None
        self._items[last] = Item(stage, inputs, output, item.path)
        self._made.add(last)
        for value in inputs:
            if self._reader.get(value) in places:
                self._reader[value] = last

    def _at(self, at: int) -> Item:
        item = self._items[at]
        assert item is not None
        return item

    def _stage(self, at: int) -> Stage:
        stage = self._at(at).node
        assert isinstance(stage, Stage)
        return stage

    def _is_alone(self, item: Item) -> bool:
        """Whether nothing else computes with the item's weights."""
        return self._paths[item.path] == 1 and not item.node.shared

    def _next(self, at: int) -> int | None:
        """The only item that reads what this one computes, if it is a layer."""
        output = self._at(at).output
        if self._uses[output] != 1 or output not in self._reader:
            return None
        reader = self._reader[output]
        item = self._items[reader]
        return reader if item is not None and item.site is not None else None

    def _folds(self, item: Item, norm_at: int) -> bool:
        norm = self._at(norm_at)
        assert item.site is not None
        assert norm.site is not None
        return self._is_alone(norm) and parts.folds(item.site, norm.site)

    def _other(self, added_at: int, last: int) -> int | None:
        """What is added to a convolution's map, if that is all the item does."""
        added = self._at(added_at)
        assert added.site is not None
        if not parts.adds_maps(added.site):
            return None
        output = self._at(last).output
        others = [value for value in added.inputs if value != output]
        return others[0] if len(others) == 1 else None

    def _activation(self, at: int, after_addition: bool) -> Site | None:
        site = self._at(at).site
        assert site is not None
        known = parts.is_activation(site, after_addition)
        return site if known else None
