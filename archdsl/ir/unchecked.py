"""What stands in a net whose check failed: stages that are wrong, and those after them.

Only pictures show such a net. A stage that could not be checked is a `Stage` like any
other, whose target is an `Unchecked` and whose type is `UNKNOWN`.
"""

from __future__ import annotations

from archdsl.ir.network import Choice, Cost, Module, Node, Repeat, Stage
from archdsl.ops.form import Form, apply
from archdsl.ops.record import ANY_DTYPE, Bound, Layer, Look, Site
from archdsl.shapes.expr import Const
from archdsl.shapes.tensor import TensorType
from archdsl.source import Span
from archdsl.tuples import NamedTuple

# The shape of a value that is not known.
UNKNOWN = TensorType(())

_LAYER = Layer(
    name="unchecked",
    doc="A stage that is wrong, or whose input is not known.",
    example="",
    look="shape",
    shape=lambda site: UNKNOWN,
    torch=lambda site: Form(apply("nn.Identity")),
    inputs=(0, None),
    dtypes=ANY_DTYPE,
    counted=False,
)


class Fault(NamedTuple):
    """Why a stage is wrong, in short.

    `at` is the number of the input that it refuses and `unlike` that of the input
    which that one does not agree with, each None if there is none. `claimed` is the
    shape that the text says it has, as written.
    """

    code: str
    message: str
    where: str
    at: int | None = None
    unlike: int | None = None
    claimed: str = ""


class Unchecked(Site):
    """A stage as it is written, and its fault if it has one.

    `look` is that of its layer, if it is one.
    """

    __slots__ = ()

    @property
    def text(self) -> str:
        """The stage in the text of the spec."""
        return str(self.args["text"].value)

    @property
    def look(self) -> Look | None:
        """What kind of operation it is."""
        return self.args["look"].value  # type: ignore[return-value]

    @property
    def fault(self) -> Fault | None:
        """What is wrong with it; None if it only comes after something wrong."""
        found = self.args["fault"].value
        return found if isinstance(found, Fault) else None


def unchecked(
    text: str,
    look: Look | None,
    ins: tuple[TensorType, ...],
    fault: Fault | None,
    span: Span,
) -> Unchecked:
    """A stage that was not checked, or in vain."""
    held = {"text": text, "look": look, "fault": fault}
    args = {key: Bound(value, Const(value), None) for key, value in held.items()}
    return Unchecked(_LAYER, ins, args, span)


def placed(
    kind: str,
    target: Unchecked | Module,
    inputs: tuple[int, ...],
    output: int,
    label: str | None,
    ordinal: int,
    span: Span,
    type: TensorType = UNKNOWN,
) -> Stage:
    """A stage whose target is not whole."""
    cost = target.cost if isinstance(target, Module) else Cost()
    return Stage(
        kind, target, {}, inputs, output, type, cost, label, ordinal, span, None
    )


def fault_of(stage: Stage) -> Fault | None:
    """What is wrong with a stage itself; None if nothing is."""
    return stage.target.fault if isinstance(stage.target, Unchecked) else None


def is_whole(module: Module) -> bool:
    """Whether all stages of a module, and of those in it, were checked."""
    seen = {id(module)}
    left: list[Node] = list(module.nodes)
    while left:
        node = left.pop()
        if isinstance(node, Choice):
            left += node.nodes
        elif isinstance(node, Repeat):
            left += (run.stage for run in node.runs)
        elif isinstance(node.target, Unchecked):
            return False
        elif isinstance(node.target, Module) and id(node.target) not in seen:
            seen.add(id(node.target))
            left += node.target.nodes
    return True
