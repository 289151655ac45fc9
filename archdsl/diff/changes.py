"""What a comparison finds, before it is written as text, as data or as a picture."""

from __future__ import annotations

from typing import Literal

from archdsl.ir.network import Cost, Network
from archdsl.shapes.tensor import TensorType
from archdsl.source import Span
from archdsl.tuples import NamedTuple

# What follows from other changes: values of parameters, shapes, and costs.
Kind = Literal["added", "removed", "changed", "renamed", "follows"]


class Detail(NamedTuple):
    """One thing that differs, in words; `direct` if its own text says so."""

    what: str
    old: str
    new: str
    direct: bool = True


class Side(NamedTuple):
    """A stage as it stands in one of the nets.

    `path` is that in the `state_dict`, `text` how it could be written, `cost` that of
    all copies.
    """

    path: str
    text: str
    count: int  # type: ignore[assignment]  # hides the method of tuples
    ins: tuple[TensorType, ...]
    out: TensorType
    cost: Cost
    span: Span


class Change(NamedTuple):
    """A stage that is not as it was.

    `block` is the block in whose text it stands, empty in the net's own. A text that
    is used several times is told once: `old` and `new` are the first use, and `places`
    is how many there are in the net.
    """

    kind: Kind
    old: Side | None
    new: Side | None
    details: tuple[Detail, ...]
    block: str
    places: int

    @property
    def side(self) -> Side:
        """What is there now, or was."""
        found = self.new or self.old
        assert found is not None
        return found


class Rename(NamedTuple):
    """Tensors that have another name: what the names began with, and begin with."""

    old: str
    new: str
    tensors: int


class Tensors(NamedTuple):
    """How the `state_dict` differs; each name has its shape.

    `renamed` tensors belong to the same stage under another name, which also may have
    another shape; `left_out` tells that there are too many to be listed.
    """

    added: dict[str, tuple[int, ...]]
    removed: dict[str, tuple[int, ...]]
    renamed: dict[str, str]
    reshaped: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]
    left_out: bool = False

    @property
    def any(self) -> bool:
        """Whether there is a difference, as far as is known."""
        return bool(self.added or self.removed or self.renamed or self.reshaped)


class Difference(NamedTuple):
    """Two nets that belong together, or one alone, and what differs.

    `interface` is what the nets take and give, and the parameters of the nets
    themselves. `marks` are the stages that a picture marks, by identity, in both nets.
    """

    old: Network | None
    new: Network | None
    interface: tuple[Detail, ...] = ()
    changes: tuple[Change, ...] = ()
    tensors: Tensors = Tensors({}, {}, {}, {})
    marks: dict[int, Kind] = {}  # noqa: RUF012  # nobody writes to it

    @property
    def any(self) -> bool:
        """Whether the nets differ in anything."""
        if self.old is None or self.new is None:
            return True
        costs = not same_costs(self.old.root.cost, self.new.root.cost)
        return bool(self.interface or self.changes or self.tensors.any or costs)


def same_shapes(a: TensorType, b: TensorType) -> bool:
    """Whether two shapes read the same: their symbols are those of two nets."""
    return str(a) == str(b) and (a.dtype, a.batched) == (b.dtype, b.batched)


def same_costs(a: Cost, b: Cost) -> bool:
    """Whether two costs read the same."""
    return all(str(one) == str(two) for one, two in zip(a, b, strict=True))
