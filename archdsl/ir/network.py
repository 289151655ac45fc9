"""The checked network: a graph of modules, with repeats kept as `×n`.

A module is elaborated once for each distinct set of arguments and input shapes and
then shared by all its uses. Values inside a module are numbered; the first numbers
are its inputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

from archdsl.ops.record import Bound, Site, Weight
from archdsl.shapes.expr import Expr, InputSize, Var
from archdsl.shapes.size import Size
from archdsl.shapes.tensor import TensorType
from archdsl.source import Span
from archdsl.tuples import NamedTuple, made

if TYPE_CHECKING:
    from archdsl.ir.unchecked import Fault
    from archdsl.shapes.symbols import Facts

BYTES_PER_NUMBER = 4

T = TypeVar("T")


def _by_identity(cls: type[T]) -> type[T]:
    """Nodes are shared: each is equal to itself alone, whatever it holds.

    They are tuples because importing `dataclasses` takes as long as parsing does.
    """
    for name in ("__eq__", "__ne__", "__hash__"):
        setattr(cls, name, getattr(object, name))
    return cls


class Cost(NamedTuple):
    """Totals of a stage or module, for one sample.

    `macs` are multiply-adds of convolutions, linear maps and matrix products;
    `activation_bytes` is the size of all outputs in float32; `connections` counts as
    LeCun et al. 1998 do; `layers` counts the layers when every repeat is written out.
    """

    params: int = 0
    trainable: int = 0
    macs: Size = 0
    activation_bytes: Size = 0
    connections: Size = 0
    layers: int = 0

    @property
    def largest(self) -> int:
        """The largest of the numbers that are known."""
        if type(self.macs) is int and type(self.activation_bytes) is int:
            return max(self)  # type: ignore[return-value]
        return max(part for part in self if isinstance(part, int))

    def times(self, count: int) -> Cost:
        return Cost(*(count * part for part in self))  # type: ignore[arg-type]

    def minus(self, other: Cost) -> Cost:
        a, b = self, other
        return Cost(
            a[0] - b[0], a[1] - b[1], a[2] - b[2], a[3] - b[3], a[4] - b[4], a[5] - b[5]
        )

    def plus(self, other: Cost) -> Cost:
        a, b, c, d, e, f = self
        p, q, r, s, t, u = other
        return made(Cost, (a + p, b + q, c + r, d + s, e + t, f + u))


class LayerRef(NamedTuple):
    """A layer or block as an argument: `unit=bottleneck`.

    `file` tells blocks of used files apart, as `archdsl.elaborate.definitions` does;
    it is empty for layers and for what stands in the spec itself.
    """

    name: str
    file: str = ""


@_by_identity
class Stage(NamedTuple):
    """One layer, block call or labelled group, and the values it connects.

    `kind` is the layer's or block's name, `{}` for a group. `ordinal` counts the
    stages of that kind in their scope, as written. `chosen_by` names the parameter
    that held the layer, if one did. With `shared` it is another use of the stage that
    has this label before it, with its weights.
    """

    kind: str
    target: Site | Module
    args: dict[str, Bound]
    inputs: tuple[int, ...]
    output: int
    type: TensorType
    cost: Cost
    label: str | None
    ordinal: int
    span: Span
    chosen_by: str | None
    weights: tuple[Weight, ...] = ()
    shared: bool = False


class Run(NamedTuple):
    """Equal neighbouring copies. `count_expr` is their number as a formula."""

    stage: Stage
    count: int  # type: ignore[assignment]  # hides the method of tuples
    count_expr: Expr


@_by_identity
class Repeat(NamedTuple):
    """Copies of a stage, each fed by the one before.

    Each copy takes the flowing value as its first input; `inputs` holds the value
    that enters the first copy, then what else every copy gets. Without a label the
    copies stand in the enclosing scope. `names` are the copies' own labels where the
    label held the index (`"denselayer{i+1}"`). `ordinal` is that of the first copy;
    groups have 0, and `before` instead: how many stages of each kind come earlier in
    their scope. `archdsl.ir.names` makes names of it.
    """

    label: str | None
    names: tuple[str, ...] | None
    runs: tuple[Run, ...]
    count: int  # type: ignore[assignment]  # hides the method of tuples
    inputs: tuple[int, ...]
    output: int
    type: TensorType
    cost: Cost
    ordinal: int
    span: Span
    before: dict[str, int]
    shared: bool = False


@_by_identity
class Choice(NamedTuple):
    """A line with a condition that other uses of the block may decide otherwise.

    Only the arm that was taken is elaborated; it begins from the value `input`. With
    `training` the condition is the mode of the module: the nodes make an output that
    exists in training only.
    """

    condition: Expr
    taken: bool
    nodes: tuple[Node, ...]
    input: int
    result: int
    output: int
    span: Span
    training: bool = False


Node: TypeAlias = Stage | Repeat | Choice


class Output(NamedTuple):
    """A value that a net returns, its name, and whether it is so in training only."""

    name: str | None
    value: int
    type: TensorType
    training: bool
    span: Span


OutputForm = Literal["tensor", "tuple", "named", "dict"]


@_by_identity
class Module(NamedTuple):
    """A net, a block with given arguments and input shapes, or a group.

    `written` counts stages by kind as they stand in the text. `referenced` are the
    values that some label or `in` fetched. `decided` are the parameters and input
    sizes on which the structure depends. `outputs` is empty unless a net ends in
    `output(…)`; `output` and `type` are then those of the first one that is always
    there. `order` names submodules that are registered in this order, and not in that
    of the text.
    """

    kind: Literal["net", "block", "group"]
    name: str
    params: dict[str, Bound]
    input_names: tuple[str, ...]
    inputs: tuple[TensorType, ...]
    nodes: tuple[Node, ...]
    output: int
    type: TensorType
    cost: Cost
    written: dict[str, int]
    referenced: frozenset[int]
    decided: frozenset[Var | InputSize]
    span: Span
    outputs: tuple[Output, ...] = ()
    output_form: OutputForm = "tensor"
    order: tuple[str, ...] = ()


class Network(NamedTuple):
    """A checked net; `facts` tells what sizes its symbols may have, if it has some.

    One whose check failed is there for pictures only; `wrong` tells why.
    """

    name: str
    root: Module
    source_name: str
    facts: Facts | None = None
    wrong: tuple[Fault, ...] = ()
