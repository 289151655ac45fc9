"""Receptive fields: which part of the input a number of a map is computed from.

A. Araujo, W. Norris and J. Sim (2019): Computing receptive fields of convolutional
neural networks. Distill. For a chain of windows with kernels k, strides s and
dilations d the receptive field is r = 1 + Σ_l d_l (k_l - 1) Π_{i<l} s_i and its stride
is Π s_l. Where branches meet it is the smallest that covers each of theirs, and they
need the same stride. Borders are not looked at: near them a part of the field is
padding.
"""

from __future__ import annotations

from typing import TypeAlias

from archdsl.ir.fold import Flat, Folder
from archdsl.ir.network import Module, Network, Repeat, Stage
from archdsl.ops.record import Sight, Site, own_place, unknown_sight
from archdsl.shapes.size import Size, UndecidedError
from archdsl.shapes.tensor import TensorType
from archdsl.tuples import NamedTuple

# Beyond this nothing is a size any more.
_MAX = 2**63
# Copies with several inputs are gone through one by one, up to so many.
_MAX_STEPS = 10_000


Field: TypeAlias = tuple[Sight, ...]


class Receptive(NamedTuple):
    """The receptive field of the last map, and what one step in it is there."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    type: TensorType


def receptive(network: Network) -> Receptive | None:
    """The receptive field of the last map on the way to the output.

    Pools over a whole map end the way, as `gap` and `flatten` do. None where the field
    is not known exactly or depends on sizes that are not known, where there are
    several inputs, and where there is no window at all.
    """
    root = network.root
    if len(root.inputs) != 1 or root.inputs[0].rank < 2:
        return None
    whole = (Sight(0, 0, 1),) * (root.inputs[0].rank - 1)
    try:
        found = _Fields().last(root, (whole,))
    except UndecidedError:
        return None
    if found is None:
        return None
    field, type_ = found
    if all(axis.first == axis.last and axis.stride == 1 for axis in field):
        return None
    size = tuple(axis.last - axis.first + 1 for axis in field)
    return Receptive(size, tuple(axis.stride for axis in field), type_)


class _Open(NamedTuple):
    """A module being looked through from its output back; `at` is the value's node."""

    module: Module
    flat: Flat
    ins: tuple[Field | None, ...]
    values: list[Field | None]
    at: int

    def back(self, source: int) -> _Open | None:
        """On to an input of the node; None where nothing flows in."""
        sources = self.flat.sources[self.at]
        return self._replace(at=sources[source]) if sources else None


class _Fields:
    """One pass over a network. What a module does to fields is found once."""

    def __init__(self) -> None:
        self._folder = Folder()
        self._known: dict[int, Field | None] = {}

    def last(
        self, root: Module, ins: tuple[Field | None, ...]
    ) -> tuple[Field, TensorType] | None:
        """The field and shape of the last map on the way to the output."""
        opened = [self._open(root, ins)]
        # The inputs that modules without a map get their output from.
        passed: dict[int, int] = {}
        while True:
            here = opened[-1]
            if here.at < 0:
                opened.pop()
                if not opened:
                    return None
                passed[id(here.module)] = -1 - here.at
                before = opened[-1].back(-1 - here.at)
                if before is None:
                    return None
                opened[-1] = before
                continue
            node = here.flat.nodes[here.at]
            if node.type.rank >= 2 and not _is_beyond(node):
                field = here.values[here.at]
                return (field, node.type) if field is not None else None
            stage = node.runs[-1].stage if isinstance(node, Repeat) else node
            inner = stage.target
            source: int | None = None
            if isinstance(inner, Site):
                source = _main(inner)
            elif id(inner) in passed:
                source = passed[id(inner)]
            if source is not None:
                before = here.back(source)
                if before is None:
                    return None
                opened[-1] = before
            else:
                assert isinstance(inner, Module)
                given = tuple(
                    None if isinstance(node, Repeat) else _value(here, came)
                    for came in here.flat.sources[here.at]
                )
                opened.append(self._open(inner, given))

    def _open(self, module: Module, ins: tuple[Field | None, ...]) -> _Open:
        flat = self._folder.flat(module)
        opened = _Open(module, flat, ins, [], flat.output)
        for node, sources in zip(flat.nodes, flat.sources, strict=True):
            given = tuple(_value(opened, source) for source in sources)
            opened.values.append(
                self._repeat(node, given)
                if isinstance(node, Repeat)
                else self._stage(node, given)
            )
        return opened

    def _stage(self, stage: Stage, ins: tuple[Field | None, ...]) -> Field | None:
        target = stage.target
        if isinstance(target, Site):
            return _layer(target, stage.type, ins)
        if len(ins) != 1 or ins[0] is None:
            return self._module(target, ins)
        # Relative to its one input, a module does the same everywhere.
        if id(target) not in self._known:
            self._known[id(target)] = self._module(target, (_unit(ins[0]),))
        return _after(ins[0], self._known[id(target)])

    def _module(self, module: Module, ins: tuple[Field | None, ...]) -> Field | None:
        if all(field is None for field in ins):
            return None
        opened = self._open(module, ins)
        return _value(opened, opened.at)

    def _repeat(self, repeat: Repeat, ins: tuple[Field | None, ...]) -> Field | None:
        field = ins[0]
        for run in repeat.runs:
            if field is None:
                return None
            if len(ins) == 1:
                once = self._stage(run.stage, (_unit(field),))
                field = _after(field, _power(once, run.count))
                continue
            for step in range(run.count):
                before = field
                field = self._stage(run.stage, (field, *ins[1:]))
                if field is None or step == _MAX_STEPS:
                    return None
                if field == before:
                    break
        return field


def _value(opened: _Open, source: int) -> Field | None:
    return opened.values[source] if source >= 0 else opened.ins[-1 - source]


def _is_beyond(node: Stage | Repeat) -> bool:
    """Whether no place is left: a pool over the whole map, or a layer after it."""
    if not isinstance(node, Stage) or not isinstance(node.target, Site):
        return False
    site = node.target
    if len(site.ins) != 1 or any(map(_several, node.type.sizes[1:])):
        return False
    layer = site.layer
    if layer.sees is own_place:
        return True
    pool = layer.look == "pooling" and layer.sees is not unknown_sight
    return pool and any(map(_several, site.x.sizes[1:]))


def _several(size: Size) -> bool:
    """Whether there may be several places."""
    return not isinstance(size, int) or size > 1


def _main(site: Site) -> int:
    """The first input that is not the same for all samples."""
    return next((at for at, x in enumerate(site.ins) if x.batched), 0)


def _layer(site: Site, out: TensorType, ins: tuple[Field | None, ...]) -> Field | None:
    if not ins:
        return None
    seen = site.layer.sees(site, out)
    if len(ins) == 1:
        return _after(ins[0], seen)
    # A map of one place may be added to all places of another.
    if seen is None or any(tensor.sizes[1:] != out.sizes[1:] for tensor in site.ins):
        return None
    # A learned tensor or a constant sees nothing.
    return _covering(
        tuple(field for field, x in zip(ins, site.ins, strict=True) if x.batched)
    )


def _covering(fields: tuple[Field | None, ...]) -> Field | None:
    """The smallest field that holds all of them, if they keep step."""
    found = fields[0] if fields else None
    for field in fields[1:]:
        if found is None or field is None or len(field) != len(found):
            return None
        if any(a.stride != b.stride for a, b in zip(found, field, strict=True)):
            return None
        found = tuple(
            Sight(min(a.first, b.first), max(a.last, b.last), a.stride)
            for a, b in zip(found, field, strict=True)
        )
    return found


def _unit(field: Field) -> Field:
    return (Sight(0, 0, 1),) * len(field)


def _after(field: Field | None, then: Field | None) -> Field | None:
    """The field of a map whose numbers see `then` of a map that sees `field`."""
    if field is None or then is None or len(field) != len(then):
        return None
    found = tuple(
        Sight(
            a.first + b.first * a.stride,
            a.last + b.last * a.stride,
            a.stride * b.stride,
        )
        for a, b in zip(field, then, strict=True)
    )
    if any(axis.stride > _MAX or axis.last - axis.first > _MAX for axis in found):
        return None
    return found


def _power(field: Field | None, count: int) -> Field | None:
    """So many copies, one after the other."""
    result = None if field is None else _unit(field)
    while count and result is not None:
        if count & 1:
            result = _after(result, field)
        count >>= 1
        if count:
            field = _after(field, field)
    return result
