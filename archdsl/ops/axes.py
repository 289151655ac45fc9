"""Axes that an argument names, and the ranks that a layer takes."""

from __future__ import annotations

from archdsl.ops.form import Slot, fixed
from archdsl.ops.record import Arg, ArgType, Bound, Problem, Site
from archdsl.shapes.expr import Const, op
from archdsl.shapes.tensor import AXES, Dim, TensorType


def axis_arg(doc: str, default: object = "c") -> Arg:
    """An argument that names an axis."""
    return Arg("axis", ArgType("axis"), default, doc, ("dim",))


def axis(site: Site) -> int | Problem:
    """The axis that `axis` names, the batch not counted."""
    name = site.args["axis"].value
    axes = AXES[site.x.rank]
    if name not in axes:
        return Problem(
            "E0405",
            f"a value of {site.x} has no axis `{name}`",
            at="axis",
            hints=("its axes are " + ", ".join(axes),),
        )
    return axes[str(name)]


def torch_axis(site: Site) -> Slot:
    """The axis as PyTorch counts it, the batch first."""
    found = axis(site)
    assert isinstance(found, int)
    return fixed(1 + found)


def same_on_axis(site: Site) -> TensorType | Problem:
    """The shape rule of a layer that keeps the shape and works along an axis."""
    found = axis(site)
    return found if isinstance(found, Problem) else site.x


def replaced(tensor: TensorType, at: int, *dims: Dim) -> TensorType:
    """The shape with one size replaced by others, or left out."""
    return TensorType((*tensor.dims[:at], *dims, *tensor.dims[at + 1 :]))


def rank_problem(
    site: Site, wanted: str, *hints: str, tensor: TensorType | None = None
) -> Problem:
    """Why a value of this rank is refused."""
    tensor = tensor or site.x
    kind = {1: "a vector", 2: "a sequence"}.get(tensor.rank, "a map")
    return Problem(
        "E0301",
        f"{site.layer.name} needs {wanted}, but {kind} of {tensor} arrives",
        dims=((tensor.dims[0], "it comes from here"),),
        hints=hints,
    )


def positive(site: Site, *names: str) -> Problem | None:
    """Why a number that must be above zero is refused."""
    for name in names:
        if site.number(name) <= 0:
            return Problem("E0405", f"`{name}` has to be above 0", at=name)
    return None


def each(site: Site, name: str) -> tuple[Slot, ...]:
    """A size argument as numbers, one for each spatial axis."""
    return numbers(site.args[name], site.sizes(name))


def numbers(bound: Bound, sizes: tuple[int, ...]) -> tuple[Slot, ...]:
    """The numbers of a size, each with its formula; one may stand for all `sizes`."""
    assert isinstance(bound.value, tuple)
    if len(bound.value) == 1:
        return tuple(Slot(size, bound.expr) for size in sizes)
    return tuple(
        Slot(size, op("[]", size, bound.expr, Const(at)))
        for at, size in enumerate(sizes)
    )


def together(slots: tuple[Slot, ...], default: object = None) -> Slot:
    """One number if all agree in value and formula, else the size that they make."""
    first = slots[0]
    if all(slot == first for slot in slots):
        return first._replace(default=default)
    value = tuple(slot.value for slot in slots)
    return Slot(value, op("tuple", value, *(slot.expr for slot in slots)), default)
