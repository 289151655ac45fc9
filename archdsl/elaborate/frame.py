"""One body being elaborated: its values, labels and nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.diagnostics import Note
from archdsl.elaborate.evaluate import FAILED, Result
from archdsl.elaborate.report import Reporter
from archdsl.elaborate.words import BLOCK_INPUT, CURRENT, INDEX, TOTALS
from archdsl.ir.network import Cost, LayerRef, Node
from archdsl.ops.record import Bound
from archdsl.shapes.expr import Const, Expr, InputSize, Var, depends
from archdsl.shapes.tensor import AXES, TensorType
from archdsl.source import Span
from archdsl.syntax import nodes as n
from archdsl.tuples import NamedTuple, made

if TYPE_CHECKING:
    from archdsl.elaborate.outputs import Returned
    from archdsl.shapes.symbols import Facts


class Value(NamedTuple):
    """A value of a frame: its number, and its shape if it is known."""

    id: int
    type: TensorType | None


NOTHING = Value(-1, None)


class Labelled(NamedTuple):
    """What a label stands for: a value of a frame, and the cost of its stage."""

    frame: Frame
    value: Value
    cost: Cost | None


class Frame:
    """A body being elaborated.

    A group that becomes a module of its own is a frame inside another: what it
    fetches from outside is captured as an extra input.
    """

    def __init__(
        self,
        report: Reporter,
        params: dict[str, Bound],
        outer: Frame | None = None,
        index: int | None = None,
    ) -> None:
        self.report = report
        self.params = params
        self.outer = outer
        self.index = index
        # Whether assertions hold here: not in a net whose parameters were set from
        # outside.
        self.as_written: bool = outer.as_written if outer else True
        self.nodes: list[Node] = []
        self.labels: list[dict[str, Labelled]] = [{}]
        self.written: dict[str, int] = {}
        self.referenced: set[int] = set()
        self.decided: set[Var | InputSize] = set()
        self.inputs: list[TensorType] = []
        self.input_value = NOTHING
        self.current = NOTHING
        self.cost = Cost()
        self.totals: Cost | None = None
        # Whether labels were not looked up together with the other names.
        self.trusting = False
        self.index_used = False
        self.captured: dict[tuple[int, int], tuple[Value, Value]] = {}
        # How they are called inside.
        self.captured_ids: set[int] = set()
        # Where the net's inputs stand, and what they are called.
        self.input_spans: list[Span] = []
        self.input_names: list[str | None] = []
        self.returned: Returned | None = None
        # The sizes that are not known, by name, and what is known of them.
        self.symbols: dict[str, Result] = {}
        self.facts: Facts | None = None
        # Labelled stages, which may be used again.
        self.sharable: dict[str, Node] = {}
        # Labels in lines that were skipped, and where they stand.
        self.skipped: dict[str, Span] = {}
        self._next = 0

    def value(self, tensor: TensorType | None) -> Value:
        """A new value."""
        number = self._next
        self._next = number + 1
        return made(Value, (number, tensor))

    def flows_in(self, tensor: TensorType | None) -> Value:
        """A new value that enters a block or group; in pictures, an unknown one too."""
        self.inputs.append(tensor or TensorType(()))
        return self.value(tensor)

    def restart(self) -> None:
        """Forget all values: what made them was amiss."""
        self._next = 0
        self.nodes = []
        self.input_value = NOTHING

    def is_fresh(self) -> bool:
        """Whether there is no value yet but inputs."""
        return self._next == len(self.input_spans)

    def ordinal(self, kind: str, count: int = 1) -> int:
        """The number of the next stage of this kind, `count` being written."""
        before = self.written.get(kind, 0)
        self.written[kind] = before + count
        return before + 1

    def decide(self, expr: Expr) -> None:
        """The structure depends on this formula."""
        self.decided |= depends(expr)

    def capture(self, frame: Frame, value: Value) -> Value:
        """A value of this frame or one outside, as this frame sees it."""
        if frame is self:
            return value
        key = (id(frame), value.id)
        found = self.captured.get(key)
        if found is None:
            assert self.outer is not None
            outside = self.outer.capture(frame, value)
            inside = self.flows_in(value.type)
            found = self.captured[key] = (outside, inside)
            self.captured_ids.add(inside.id)
        return found[1]

    def fetch(self, name: str) -> Labelled | None:
        """What a label, `id` or `in` stands for."""
        if name == CURRENT:
            return Labelled(self, self.current, None)
        frame: Frame | None = self
        while frame is not None:
            if name == BLOCK_INPUT and frame.outer is None:
                return Labelled(frame, frame.input_value, None)
            for labels in reversed(frame.labels):
                if name in labels:
                    return labels[name]
            frame = frame.outer
        return None

    def report_skipped(self, name: str, at: n.Name | n.Attribute) -> None:
        """Report a label whose line was skipped, if it is one."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.skipped:
                self.report.error(
                    "E0215",
                    f"the label `{name}` stands in a line that is skipped here",
                    at,
                    related=(Note(frame.skipped[name], "its line is not taken"),),
                    hints=("use it under the same condition only",),
                )
                return
            frame = frame.outer

    # What names mean in expressions.

    def lookup(self, node: n.Name) -> Result:
        """The value of a name in an expression."""
        name = node.name
        bound = self.params.get(name)
        if bound is not None:
            return Result(bound.value, bound.expr)
        if name == INDEX:
            frame: Frame | None = self
            while frame is not None:
                if frame.index is not None:
                    frame.index_used = True
                    return Result(frame.index, Const(frame.index))
                frame = frame.outer
            return FAILED
        symbol = self.symbol(name)
        if symbol is not None:
            return symbol
        if self.totals is not None and name in TOTALS:
            value = getattr(self.totals, name)
            return Result(value, Const(value))
        from archdsl.ops import LAYERS

        if name in LAYERS:
            ref = LayerRef(name)
            return Result(ref, Const(ref))
        return self._reference(name)

    def _reference(self, name: str) -> Result:
        """A block or extern as an argument."""
        defined = self.report.definition(name)
        if defined is None:
            return FAILED
        return Result(defined.ref, Const(defined.ref))

    def is_label(self, name: str) -> bool:
        """Whether a label has the name, be its line skipped or not."""
        if self.fetch(name) is not None:
            return True
        frame: Frame | None = self
        while frame is not None and name not in frame.skipped:
            frame = frame.outer
        return frame is not None

    def symbol(self, name: str) -> Result | None:
        """A size of the net that is not known, if the name stands for one."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.symbols:
                return frame.symbols[name]
            frame = frame.outer
        return None

    def attribute(self, base: str, node: n.Attribute) -> Result:
        """A size or total of a value."""
        found = self.fetch(base)
        if found is None:
            used = self._reference(f"{base}.{node.name}")
            if used is not FAILED:
                return used
            self.report_skipped(base, node)
            if self.trusting:
                self.report.error(
                    "E0202", f"the base has no label `{base}` in its body", node.base
                )
            return FAILED
        if found.value is NOTHING:
            self.report.error(
                "E0306",
                f"there is no value for `{base}` yet",
                node,
                hints=("begin with the shape of the input: `input 3x224x224`",),
            )
            return FAILED
        if self.totals is not None and node.name in TOTALS:
            if found.cost is None:
                self.report.error(
                    "E0505", f"`{base}` is a value and has no {node.name}", node
                )
                return FAILED
            value = getattr(found.cost, node.name)
            return Result(value, Const(value))
        tensor = found.value.type
        if tensor is None:
            return FAILED
        axes = AXES.get(tensor.rank, {})
        if node.name not in axes:
            known = ", ".join(f"`.{axis}`" for axis in axes)
            self.report.error(
                "E0505",
                f"a value of {tensor} has no size `.{node.name}`",
                node,
                hints=(f"`.{node.name}` is known in `assert` lines only",)
                if node.name in TOTALS
                else (f"it has {known}",),
            )
            return FAILED
        dim = tensor.dims[axes[node.name]]
        return Result(dim.size, dim.expr)
