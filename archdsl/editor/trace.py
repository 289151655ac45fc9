"""What flows through each stage of a text, seen as it is elaborated."""

from __future__ import annotations

from collections.abc import Callable

from archdsl.elaborate.arguments import Bindings
from archdsl.elaborate.definitions import Definitions
from archdsl.elaborate.frame import Frame, Value
from archdsl.elaborate.nets import Elaborator
from archdsl.elaborate.report import Reporter
from archdsl.elaborate.walk import Walk
from archdsl.ir.network import Cost, Node
from archdsl.shapes.tensor import TensorType
from archdsl.syntax import nodes as n
from archdsl.tuples import NamedTuple


class CancelledError(Exception):
    """Nobody waits for the result any more."""


class Seen(NamedTuple):
    """What went through a stage, or a line, once.

    A shape that is not known is None. `node` is what the stage became, if it became
    something; `outputs` are the shapes that an `output` returns.
    """

    arrives: TensorType | None
    leaves: TensorType | None
    cost: Cost
    node: Node | None = None
    outputs: tuple[TensorType, ...] = ()


class Trace:
    """What went through the stages and lines of all texts of a check.

    A block is gone through once for each set of arguments and shapes that it gets, and
    copies of a repeat as long as they differ: a stage is seen as often.
    """

    def __init__(self) -> None:
        # By identity. Nodes that stand in no tree are kept, so that no other node can
        # get theirs.
        self._seen: dict[int, tuple[object, dict[object, Seen]]] = {}

    def add(self, node: n.Stage | n.Line, seen: Seen) -> None:
        """Remember what went through a stage or line."""
        held = self._seen.get(id(node))
        if held is None:
            held = self._seen[id(node)] = node, {}
        held[1].setdefault((_key(seen.arrives), _key(seen.leaves), seen.cost), seen)

    def of(self, node: n.Stage | n.Line) -> tuple[Seen, ...]:
        """What went through, each thing once, in the order of the text."""
        held = self._seen.get(id(node))
        return tuple(held[1].values()) if held is not None else ()


def _key(tensor: TensorType | None) -> object:
    return tensor and (tensor.sizes, tensor.dtype)


class Tracer(Elaborator):
    """Elaborates as ever, and looks on. `cancelled` is asked at every stage."""

    def __init__(
        self, definitions: Definitions, report: Reporter, cancelled: Callable[[], bool]
    ) -> None:
        super().__init__(definitions, report)
        self.trace = Trace()
        self.cancelled = cancelled
        # Whether it has begun: names may be such that nothing can be elaborated.
        self.begun = False

    def walk(self, frame: Frame, defaults: dict[str, Bindings]) -> Walk:
        """A walk that is looked at."""
        self.begun = True
        return _Watched(self, frame, defaults)


class _Watched(Walk):
    owner: Tracer

    def _stage(self, stage: n.Stage, current: Value) -> Value:
        owner, frame = self.owner, self.frame
        if owner.cancelled():
            raise CancelledError
        before = frame.cost
        result = super()._stage(stage, current)
        cost = frame.cost.minus(before)
        nodes = frame.nodes
        node = nodes[-1] if nodes and nodes[-1].output == result.id else None
        if node is not None and node.span.end != stage.end:
            # What a label or a group without one gives was made by another stage.
            node = None
        outputs: tuple[TensorType, ...] = ()
        if frame.returned is not None and _is_output(stage):
            outputs = tuple(output.type for output in frame.returned.outputs)
        owner.trace.add(stage, Seen(current.type, result.type, cost, node, outputs))
        return result

    def _line(self, line: n.Line, current: Value) -> Value:
        before = self.frame.cost
        result = super()._line(line, current)
        if isinstance(line, n.Line) and line.condition is not None:  # type: ignore[redundant-expr]
            cost = self.frame.cost.minus(before)
            self.owner.trace.add(line, Seen(current.type, result.type, cost))
        return result


def _is_output(stage: n.Stage) -> bool:
    return isinstance(stage.atom, n.Call) and stage.atom.callee.name == "output"
