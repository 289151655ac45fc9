"""Sums of products, by a pattern."""

from __future__ import annotations

from string import ascii_letters

from archdsl.ops.form import Form, Input, apply
from archdsl.ops.rearrange import misfit
from archdsl.ops.record import REQUIRED, Arg, ArgType, Layer, Problem, Site
from archdsl.shapes.size import Size
from archdsl.shapes.tensor import AXES, Dim, TensorType
from archdsl.tuples import NamedTuple


class Equation(NamedTuple):
    """The letters of each input's axes, and those of the output's."""

    operands: tuple[str, ...]
    out: str


def parsed(text: str) -> Equation | Problem:
    """The equation in a text such as `t d, d e -> t e`."""
    sides = "".join(text.split()).split("->")
    if len(sides) != 2:
        return misfit(
            "an equation has one arrow, with the letters of the output after it",
            "pattern",
            'as in `einsum(id, w) "td, de -> te"`',
        )
    operands, out = tuple(sides[0].split(",")), sides[1]
    letters = [letter for side in (*operands, out) for letter in side]
    for letter in letters:
        if letter not in ascii_letters:
            return misfit(
                f"`{letter}` is no letter from a to z or A to Z",
                "pattern",
                "each letter is one axis; the batch is not in the equation",
            )
    for at, letter in enumerate(out):
        if letter in out[:at]:
            return misfit(f"the output names `{letter}` twice")
        if not any(letter in operand for operand in operands):
            return misfit(f"the output has `{letter}`, which no input has")
    if not set(ascii_letters).difference(letters):
        return misfit("no letter is left for the batch")
    if len(out) not in AXES:
        return misfit(f"a value has 1 to {max(AXES)} axes, not {len(out)}")
    return Equation(operands, out)


def _equation(site: Site) -> Equation | Problem:
    text = site.args["pattern"].value
    assert isinstance(text, str)
    return parsed(text)


def _letters(site: Site, operands: tuple[str, ...]) -> dict[str, Dim]:
    """The size of each letter."""
    return {
        letter: dim
        for letters, tensor in zip(operands, site.ins, strict=True)
        for letter, dim in zip(letters, tensor.dims, strict=True)
    }


def _shape(site: Site) -> TensorType | Problem:
    equation = _equation(site)
    if isinstance(equation, Problem):
        return equation
    if len(equation.operands) != len(site.ins):
        return misfit(
            f"the equation has {len(equation.operands)} inputs, but {len(site.ins)}"
            f" {'arrives' if len(site.ins) == 1 else 'arrive'}"
        )
    sizes: dict[str, Dim] = {}
    for number, (letters, tensor) in enumerate(
        zip(equation.operands, site.ins, strict=True)
    ):
        if len(letters) != tensor.rank:
            return misfit(
                f"`{letters}` has {len(letters)} letters, but {tensor} arrives",
                "pattern",
                "the batch is not in the equation",
            )._replace(dims=((tensor.dims[0], f"{tensor} comes from here"),))
        for letter, dim in zip(letters, tensor.dims, strict=True):
            first = sizes.setdefault(letter, dim)
            if first != dim:
                return Problem(
                    "E0313",
                    f"`{letter}` is {first.size} and also {dim.size}",
                    at=number,
                    label=f"this is {tensor}",
                    dims=(
                        (first, f"the {first.size} comes from here"),
                        (dim, f"the {dim.size} comes from here"),
                    ),
                )
    return TensorType(tuple(sizes[letter] for letter in equation.out))


def _macs(site: Site, out: TensorType) -> Size:
    """Of the matrix products that the inputs are joined by, from left to right.

    A letter of one input alone that is summed over is summed before; where none is
    summed over, or only axes of 1 are, there is no matrix product.
    """
    equation = _equation(site)
    assert isinstance(equation, Equation)
    sizes = _letters(site, equation.operands)
    total: Size = 0
    held = set(equation.operands[0])
    for number, operand in enumerate(equation.operands[1:], start=2):
        wanted = set(equation.out).union(*equation.operands[number:])
        shared = held & set(operand)
        if any(sizes[letter].size != 1 for letter in shared - wanted):
            count: Size = 1
            for letter in shared | ((held | set(operand)) & wanted):
                count *= sizes[letter].size
            total += count
        held |= set(operand)
    return total


def _torch(site: Site) -> Form:
    equation = _equation(site)
    assert isinstance(equation, Equation)
    used = {letter for operand in equation.operands for letter in operand}
    batch = next(letter for letter in "b" + ascii_letters if letter not in used)
    before = ",".join(batch + operand for operand in equation.operands)
    inputs = (Input(number) for number in range(len(site.ins)))
    return Form(
        None,
        apply("torch.einsum", f'"{before}->{batch}{equation.out}"', *inputs),
    )


EINSUM = Layer(
    name="einsum",
    doc="The sum of products that an equation names, a letter for each axis, without"
    " the batch: letters that the output lacks are summed over. Of more than two inputs"
    " the first two are multiplied first, as PyTorch does.",
    example='input 64x49 | einsum(id, id) "c n, d n -> c d"',
    look="merge",
    args=(Arg("pattern", ArgType("text"), REQUIRED, "equation", ("equation",)),),
    positional=("pattern",),
    inputs=(1, None),
    shape=_shape,
    macs=_macs,
    torch=_torch,
)

LAYERS = (EINSUM,)
