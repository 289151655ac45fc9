"""Axes split, joined and put in another order, by a pattern."""

from __future__ import annotations

from keyword import iskeyword

from archdsl.ops.form import Form, Keyword, apply
from archdsl.ops.record import (
    ANY_DTYPE,
    REQUIRED,
    Arg,
    ArgType,
    Layer,
    Problem,
    Site,
)
from archdsl.shapes.expr import op
from archdsl.shapes.size import divides
from archdsl.shapes.tensor import AXES, Dim, TensorType, product
from archdsl.tuples import NamedTuple

# The parts of one axis: the names that it is split into or joined of, none for a `1`.
Axis = tuple[str, ...]


class Pattern(NamedTuple):
    """The axes on both sides of the arrow."""

    before: tuple[Axis, ...]
    after: tuple[Axis, ...]


def misfit(message: str, at: str = "pattern", *hints: str) -> Problem:
    """Why a pattern is refused."""
    return Problem("E0313", message, at=at, hints=hints)


def _axes(side: str) -> tuple[Axis, ...] | Problem:
    """The axes of one side: names, `1`, and names in brackets."""
    axes: list[Axis] = []
    joined: list[str] | None = None
    for word in side.replace("(", " ( ").replace(")", " ) ").split():
        if word in "()":
            if (word == "(") is not (joined is None):
                return misfit(f"the brackets in `{side.strip()}` do not match")
            if joined is None:
                joined = []
            else:
                axes.append(tuple(joined))
                joined = None
        elif word != "1" and (not word.isidentifier() or iskeyword(word)):
            return misfit(
                f"`{word}` is no name for an axis",
                "pattern",
                "axes are names, `1`, or names in brackets, parted by blanks",
            )
        elif joined is not None:
            joined += [word] if word != "1" else []
        else:
            axes.append((word,) if word != "1" else ())
    if joined is not None:
        return misfit(f"the brackets in `{side.strip()}` do not match")
    return tuple(axes)


def parsed(text: str) -> Pattern | Problem:
    """The pattern in a text such as `c (h a) w -> (h w) (a c)`."""
    sides = text.split("->")
    if len(sides) != 2:
        return misfit(
            "a pattern has one arrow, with the axes before and after",
            "pattern",
            'as in `rearrange "c h w -> (h w) c"`',
        )
    before, after = _axes(sides[0]), _axes(sides[1])
    if isinstance(before, Problem):
        return before
    if isinstance(after, Problem):
        return after
    for axes in (before, after):
        names = [name for axis in axes for name in axis]
        twice = [name for at, name in enumerate(names) if name in names[:at]]
        if twice:
            return misfit(f"the pattern names `{twice[0]}` twice on one side")
    lone = {n for axis in before for n in axis} ^ {n for axis in after for n in axis}
    if lone:
        return misfit(f"the pattern names `{min(lone)}` on one side of its arrow only")
    return Pattern(before, after)


def _given(site: Site) -> Pattern | Problem:
    text = site.args["pattern"].value
    assert isinstance(text, str)
    return parsed(text)


def _lengths(site: Site) -> dict[str, Dim]:
    """The lengths that are given by key."""
    return {name: site.dim(name) for name in site.args if name != "pattern"}


def _shape(site: Site) -> TensorType | Problem:
    pattern = _given(site)
    if isinstance(pattern, Problem):
        return pattern
    if len(pattern.before) != site.x.rank:
        return misfit(
            f"the pattern has {len(pattern.before)} axes before its arrow, but"
            f" {site.x} arrives",
            "pattern",
            "the batch is not in the pattern",
        )
    if len(pattern.after) not in AXES:
        return misfit(f"a value has 1 to {max(AXES)} axes, not {len(pattern.after)}")
    sizes = _lengths(site)
    known = {name for axis in pattern.before for name in axis}
    for name in sizes:
        if name not in known:
            return misfit(
                f"the pattern has no axis `{name}`",
                name,
                f"its axes are {', '.join(sorted(known))}",
            )
    for axis, dim in zip(pattern.before, site.x.dims, strict=True):
        problem = _split(site, axis, dim, sizes)
        if problem:
            return problem
    return TensorType(
        tuple(
            product(tuple(sizes[name] for name in axis), site.span)
            for axis in pattern.after
        )
    )


def _split(site: Site, axis: Axis, dim: Dim, sizes: dict[str, Dim]) -> Problem | None:
    """Find the lengths of an axis's parts, or say why that cannot be."""
    from_here = ((dim, f"the {dim.size} comes from here"),)
    known = product(tuple(sizes[n] for n in axis if n in sizes), site.span)
    missing = [name for name in axis if name not in sizes]
    shown = f"`({' '.join(axis)})`" if len(axis) > 1 else f"`{(*axis, '1')[0]}`"
    if not missing:
        if known == dim:
            return None
        return misfit(f"{shown} is {known.size}, but {dim.size} arrives")._replace(
            dims=from_here
        )
    if len(missing) > 1:
        names = " or ".join(f"`{name}=…`" for name in missing)
        return misfit(
            f"{shown} can be split in more than one way", "pattern", f"give {names}"
        )
    if len(axis) == 1:
        sizes[axis[0]] = dim
        return None
    if not divides(known.size, dim.size):
        return misfit(
            f"{shown} cannot be {dim.size}: that is no multiple of {known.size}"
        )._replace(dims=from_here)
    rest = dim.size // known.size
    sizes[missing[0]] = Dim(rest, site.span, op("//", rest, dim.expr, known.expr))
    return None


def _torch(site: Site) -> Form:
    pattern = _given(site)
    assert isinstance(pattern, Pattern)
    # What an axis of one part is worth is only checked.
    parts = {name for axis in pattern.before for name in axis if len(axis) > 1}
    module = apply("Rearrange", site.slot("pattern"))
    lengths = tuple(
        Keyword(name, site.slot(name)) for name in _lengths(site) if name in parts
    )
    return Form(
        module._replace(arguments=(*module.arguments, *lengths)), helper="rearrange"
    )


REARRANGE = Layer(
    name="rearrange",
    doc="Axes split, joined and put in another order, by a pattern as in einops,"
    " without the batch. Brackets hold the parts of an axis, the last one running"
    " fastest; their lengths are arguments, and one for each axis may be left out.",
    example='input 3x224x224 | rearrange "c (h p) (w q) -> (h w) (p q c)" p=16 q=16',
    look="shape",
    args=(Arg("pattern", ArgType("text"), REQUIRED, "pattern"),),
    positional=("pattern",),
    free_keys=ArgType("whole", 1),
    shape=_shape,
    torch=_torch,
    source="Rogozhnikov 2022 (Einops)",
    dtypes=ANY_DTYPE,
)

LAYERS = (REARRANGE,)
