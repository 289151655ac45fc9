"""Mistakes, one at a time: what is put into a valid spec, and what is said of it.

Between « and » stands what the error points at.
"""

from __future__ import annotations

from collections.abc import Callable

from archdsl.testing.bodies import Mark
from archdsl.testing.drawing import Drawing
from archdsl.testing.nets import Written
from archdsl.tuples import NamedTuple


class InvalidSpec(NamedTuple):
    """A spec with one mistake: its code, the offsets it is at, and what was done."""

    text: str
    code: str
    start: int
    end: int
    mutation: str


class Mutation(NamedTuple):
    """A mistake in a stage that is added behind another one.

    `stage` is the text of it, or makes it of what flows there; `fits` tells where that
    is a mistake.
    """

    name: str
    code: str
    stage: str | Callable[[Mark], str]
    fits: Callable[[Mark], bool] = lambda mark: True


def _is_real(mark: Mark) -> bool:
    return mark.value.dtype == "float"


def _is_vector(mark: Mark) -> bool:
    return _is_real(mark) and mark.value.rank == 1


def _is_picture(mark: Mark) -> bool:
    """Two places at least, and fewer than the mistakes below ask for."""
    sizes = mark.value.sizes
    return (
        _is_real(mark)
        and len(sizes) > 1
        and isinstance(sizes[0], int)
        and all(isinstance(size, int) and size < 90 for size in sizes)
    )


def _is_tall(mark: Mark) -> bool:
    return _is_picture(mark) and mark.value.rank > 2


def _is_named(mark: Mark) -> bool:
    return mark.labels


def _is_open(mark: Mark) -> bool:
    return _is_real(mark) and mark.labels


def _has_several(mark: Mark) -> bool:
    """A first axis with several entries."""
    first = mark.value.sizes[0]
    return _is_real(mark) and isinstance(first, int) and first > 1


def _can_share(mark: Mark) -> bool:
    known = _is_vector(mark) and mark.value.known
    return known and mark.labels and mark.value.sizes != (3,)


def _is_known(mark: Mark) -> bool:
    return mark.value.known


def _asserted(mark: Mark) -> str:
    """A shape that is one off in its last size."""
    *sizes, last = mark.value.numbers
    return f"id -> «{'x'.join(map(str, (*sizes, last + 1)))}»"


def _asserted_rank(mark: Mark) -> str:
    shape = "x".join(["_"] * (mark.value.rank - 1 or 2))
    return f"id -> «{shape}»"


STAGES = (
    Mutation("a layer that does not exist", "E0201", "«convolve» 8 3x3"),
    Mutation("a value that does not exist", "E0202", "{id if «nowhere».c > 1}"),
    Mutation("a name that does not exist", "E0206", "{id if «unheard» > 1}"),
    Mutation("a label twice", "E0204", "two_a: relu | «two_a»: relu", _is_open),
    Mutation("a label on nothing", "E0205", "«idle_a»: id", _is_named),
    Mutation("a reserved word as a label", "E0213", "«in»: relu", _is_open),
    Mutation("copies of one name", "E0212", "{«same_a: relu»} x2", _is_open),
    Mutation("a vector under a window", "E0301", "«maxpool 2»", _is_vector),
    Mutation("a kernel that is too large", "E0302", "conv 2 «99»", _is_picture),
    Mutation("an even kernel", "E0303", "conv 2 «4» same", _is_picture),
    Mutation("unequal branches", "E0304", "add(id, «slice 0 1 c»)", _has_several),
    Mutation("a linear layer on a map", "E0305", "«fc 3»", _is_tall),
    Mutation("real numbers as places", "E0309", "«embedding 3 4»", _is_real),
    Mutation("groups that do not divide", "E0312", "conv 7 1 «g=2»", _is_picture),
    Mutation(
        "an equation with too little",
        "E0313",
        'einsum(id) «"a b c d e -> a"»',
        _is_real,
    ),
    Mutation("nothing to share", "E0317", "still_a: relu | «share still_a»", _is_open),
    Mutation(
        "shared at another shape", "E0318", "fits_a: fc 3 | «share fits_a»", _can_share
    ),
    Mutation("an unknown argument", "E0401", "concat(id) «zig=1»"),
    Mutation("a missing argument", "E0402", "«droppath»", _is_real),
    Mutation("an argument too many", "E0403", "relu «3»", _is_real),
    Mutation("a truth value for a number", "E0404", "dropout «true»", _is_real),
    Mutation("a rate above 1", "E0405", "dropout «1.5»", _is_real),
    Mutation("an argument twice", "E0406", "dropout rate=0.1 «rate=0.2»", _is_real),
    Mutation("an input too many", "E0407", "«relu(id, id)»", _is_real),
    Mutation("a division with a rest", "E0501", "{id if «7/2» > 1}"),
    Mutation("a division by zero", "E0502", "{id if 7/«0» > 1}"),
    Mutation("a number for a condition", "E0503", "{id if «3»}"),
    Mutation("an entry that is not there", "E0504", "{id if [1, 2][«5»] > 1}"),
    Mutation("an attribute that is not there", "E0505", "{id if «id.q» > 1}"),
    Mutation("a size that is one off", "E0601", _asserted, _is_known),
    Mutation("another number of sizes", "E0601", _asserted_rank),
    Mutation("a number that is too large", "E0701", "{id if «10**30» > 1}"),
    Mutation("too many layers", "E0702", "{relu} «x1000000001»", _is_real),
    Mutation("a character without a meaning", "E0101", "«$»"),
    Mutation("nothing between two pipes", "E0102", "«|» id"),
)


class Definition(NamedTuple):
    """A mistake in a definition that is added at the end."""

    name: str
    code: str
    text: str


DEFINITIONS = (
    Definition("a bracket that opens nothing", "E0103", "block odd_a { relu } «)»"),
    Definition("a bracket that is not closed", "E0103", "block odd_a «{» relu"),
    Definition(
        "a label before its stage",
        "E0203",
        "block odd_a {\n  add(id, «soon»)\n  soon: bn\n}",
    ),
    Definition("an unused parameter", "E0207", "block odd_a «unread» { relu }"),
    Definition("a parameter like a flag", "E0208", "block odd_a «c1» { relu }"),
    Definition(
        "a block twice", "E0209", "block odd_a { relu }\nblock «odd_a» { relu }"
    ),
    Definition("a block in itself", "E0210", "block odd_a { relu | «odd_a» }"),
    Definition("a net of no net", "E0211", "net odd_a = «nowhere»"),
    Definition("a block like a layer", "E0213", "block «relu» { tanh }"),
    Definition(
        "a label that is skipped",
        "E0215",
        "net odd_a deep=false {\n  input 4\n  far: fc 4 if deep\n  add(id, «far»)\n}",
    ),
    Definition("no input", "E0306", "net odd_a {\n  «relu»\n}"),
    Definition(
        "an input too late", "E0307", "net odd_a {\n  input 4\n  relu\n  «input 4»\n}"
    ),
    Definition(
        "a value that is lost",
        "E0308",
        "net odd_a {\n  input 4\n  «fc 3»\n  in | relu\n}",
    ),
    Definition(
        "a symbol for a number",
        "E0310",
        "net odd_a {\n  input 3xH\n  flatten\n  «fc 3»\n}",
    ),
    Definition(
        "something behind the outputs",
        "E0314",
        "net odd_a {\n  input 4\n  «output»(fc 2, fc 3)\n  relu\n}",
    ),
    Definition(
        "an output of no input",
        "E0315",
        "net odd_a {\n  input 4\n  output(id, «param 4»)\n}",
    ),
    Definition(
        "an idle input", "E0316", "net odd_a {\n  «input a: 4»\n  input b: 4\n  relu\n}"
    ),
    Definition(
        "what no size fulfils",
        "E0319",
        "net odd_a {\n  input 3xH\n  assert H % 2 == 0\n  assert «H % 2 == 1»\n}",
    ),
    Definition(
        "a total that is not so",
        "E0602",
        "net odd_a {\n  input 4\n  fc 3\n  assert «params == 16»\n}",
    ),
)


def _placed(text: str, at: int, insert: str) -> tuple[str, int, int]:
    """The text with something put in, and what stands between « and » there."""
    before, _, rest = insert.partition("«")
    inner, _, behind = rest.partition("»")
    start = at + len(before)
    text = text[:at] + before + inner + behind + text[at:]
    return text, start, start + len(inner)


def mutated(d: Drawing, spec: Written) -> InvalidSpec:
    """The spec with one mistake, drawn."""
    if not spec.marks or d.chance(3):
        added = d.pick(DEFINITIONS)
        text, start, end = _placed(spec.text, len(spec.text), f"{added.text}\n")
        return InvalidSpec(text, added.code, start, end, added.name)
    at, mark = d.pick(spec.marks)
    mutation = d.pick([each for each in STAGES if each.fits(mark)])
    stage = mutation.stage if isinstance(mutation.stage, str) else mutation.stage(mark)
    text, start, end = _placed(spec.text, at, f" | {stage}")
    return InvalidSpec(text, mutation.code, start, end, mutation.name)
