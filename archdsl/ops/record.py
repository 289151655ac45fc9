"""What a layer is: one record, from which everything else about it is derived."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from archdsl.ops.form import (
    Apply,
    Code,
    Form,
    Infix,
    Keyword,
    Listed,
    Slot,
)
from archdsl.shapes.expr import Const, Expr, op, opaque
from archdsl.shapes.size import Size, UndecidedError, is_symbolic
from archdsl.shapes.tensor import AXIS_NAMES, Dim, DType, TensorType
from archdsl.source import Span
from archdsl.tuples import NamedTuple

Kind = Literal[
    "whole",  # an integer
    "number",  # an integer or a float
    "truth",  # true or false, or the bare key
    "sizes",  # one integer for all axes, or one for each
    "text",  # a string
    "strings",  # a list of strings
    "list",  # a list of integers
    "lists",  # a list of lists of integers
    "axis",  # the name of an axis
    "word",  # one of the words alone
    "formula",  # a formula of places: an IndexFormula
]


class ArgType(NamedTuple):
    """What may be given: a kind, bounds, and words that may stand instead."""

    kind: Kind
    least: float | None = None
    most: float | None = None
    words: tuple[str, ...] = ()

    def describe(self) -> str:
        """In words, for people."""
        others = [f"`{word}`" for word in self.words]
        if self.kind == "word":
            return ", or ".join(others)
        text = {
            "whole": "a whole number",
            "number": "a number",
            "truth": "true or false",
            "sizes": "a whole number",
            "text": "a text in quotes",
            "strings": "a list of strings",
            "list": "a list of whole numbers",
            "lists": "a list of lists of numbers",
            "axis": "an axis (c, h, w, t or d)",
            "formula": "a formula of places, such as `(ax0 + ax1)`",
        }[self.kind]
        if self.least is not None and self.most is not None:
            text += f" from {self.least} to {self.most}"
        elif self.least is not None:
            text += f" of {self.least} or more"
        if self.kind == "sizes":
            others.insert(0, "a size such as 3x3")
        return ", or ".join((text, *others))


class Required:
    """The default of an argument that has none."""

    def __repr__(self) -> str:
        return "required"


REQUIRED = Required()


class Arg(NamedTuple):
    """An argument of a layer.

    `also` holds names used elsewhere, for suggestions. The words of one that is
    `keyed` do not stand for it alone, since they may well name parameters.
    """

    name: str
    type: ArgType
    default: object
    doc: str
    also: tuple[str, ...] = ()
    keyed: bool = False


class Bound(NamedTuple):
    """An argument as given: its value, its formula and its place (None: default)."""

    value: object
    expr: Expr
    span: Span | None


# Becomes " in line 3", or nothing where the line is the problem's own.
WHERE = "{where}"


class Problem(NamedTuple):
    """Why a layer refuses what it got.

    `at` is the argument to point at, the input's number, or None for the stage;
    `dims` are sizes whose origin explains the matter, each with a text. In `hints`,
    `WHERE` stands for the line that the first of them comes from.
    """

    code: str
    message: str
    at: str | int | None = None
    label: str = ""
    dims: tuple[tuple[Dim, str], ...] = ()
    notes: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


class Site(NamedTuple):
    """One use of a layer: what flows in, and its arguments."""

    layer: Layer
    ins: tuple[TensorType, ...]
    args: dict[str, Bound]
    span: Span | None

    @property
    def x(self) -> TensorType:
        """The first input."""
        return self.ins[0]

    @property
    def spatial(self) -> int:
        """How many axes follow the channels of the first input."""
        return len(self.ins[0].dims) - 1

    def whole(self, name: str) -> int:
        """An integer argument."""
        value = self.args[name].value
        assert not isinstance(value, str | tuple)
        return value  # type: ignore[return-value]

    def number(self, name: str) -> float:
        """A numeric argument."""
        value = self.args[name].value
        if is_symbolic(value):
            raise UndecidedError(value, "float()")
        assert isinstance(value, int | float)
        return value

    def given(self, name: str) -> Span | None:
        """Where an argument is given here, and not by a `default` line for all."""
        at = self.args[name].span
        if at is None:
            return None
        assert self.span is not None
        # A `default` line stands before what it is for.
        return None if at.start < self.span.start else at

    def truth(self, name: str) -> bool:
        """A flag."""
        return self.args[name].value is True

    def sizes(self, name: str) -> tuple[int, ...]:
        """A size argument, one number for each spatial axis."""
        value = self.args[name].value
        assert isinstance(value, tuple)
        sizes: tuple[int, ...] = value
        return sizes if len(sizes) > 1 else sizes * self.spatial

    def is_word(self, name: str, word: str) -> bool:
        """Whether the argument is that word."""
        return self.args[name].value == word

    def dim(self, name: str) -> Dim:
        """A size that this argument binds."""
        bound = self.args[name]
        assert not isinstance(bound.value, str | tuple)
        return Dim(bound.value, bound.span, bound.expr)  # type: ignore[arg-type]

    def fresh(self, size: Size, *exprs: Expr) -> Dim:
        """A size that this stage computes."""
        if not isinstance(size, int):
            return Dim(size, self.span)

        return Dim(size, self.span, opaque(size, *exprs))

    def slot(self, name: str, default: object = None) -> Slot:
        """An argument for the constructor, left out when equal to `default`."""
        bound = self.args[name]
        return Slot(plain(bound.value), bound.expr, plain(default))


def plain(value: object) -> object:
    """A size as PyTorch takes it: one number when all axes agree."""
    if isinstance(value, tuple) and len(set(value)) == 1 and not _is_row(value[0]):
        return value[0]
    return value


def _is_row(value: object) -> bool:
    """Whether it is one of several rows, and not the number of an axis."""
    return isinstance(value, tuple | str)


def dim_slot(dim: Dim) -> Slot:
    """A size for the constructor."""
    return Slot(dim.size, dim.expr, None)


def half(kernel: Expr, dilation: Expr, value: object) -> Expr:
    """`dilation * (kernel - 1) // 2` of an odd kernel, as a person writes it.

    Of one axis; `value` is what it gives.
    """
    if dilation == Const(1):
        return op("//", value, kernel, Const(2))
    if isinstance(kernel, Const):
        assert isinstance(kernel.value, int)
        less: Expr = Const(kernel.value - 1)
    else:
        less = op("-", None, kernel, Const(1))
    return op("//", value, op("*", None, dilation, less), Const(2))


class Weight(NamedTuple):
    """A tensor that the layer owns. Only parameters are counted.

    Without a name the layer itself is the tensor. One that is `tied` belongs to
    another layer, where it is counted.
    """

    name: str
    shape: tuple[Size, ...]
    parameter: bool = True
    tied: bool = False

    @property
    def elements(self) -> Size:
        total: Size = 1
        for size in self.shape:
            total *= size
        return total


ANY_DTYPE: tuple[tuple[DType, ...], ...] = (("float", "int", "bool"),)

Look = Literal[
    "convolution",
    "linear",
    "pooling",
    "normalisation",
    "activation",
    "regularisation",
    "merge",
    "shape",
]


def no_weights(site: Site, out: TensorType) -> tuple[Weight, ...]:
    """Of a layer that learns nothing."""
    return ()


def no_macs(site: Site, out: TensorType) -> Size:
    """Of a layer that is neither convolution, linear nor matmul."""
    return 0


class Sight(NamedTuple):
    """Along an axis, place p of a map sees p·stride + first to p·stride + last."""

    first: int
    last: int
    stride: int


def unknown_sight(site: Site, out: TensorType) -> tuple[Sight, ...] | None:
    """Of a layer that makes no map, or whose places see unlike parts of theirs."""
    return None


def own_place(site: Site, out: TensorType) -> tuple[Sight, ...] | None:
    """Of a layer that computes each place of a map from the same place, evaluating."""
    return (Sight(0, 0, 1),) * site.spatial


class Layer(NamedTuple):
    """A layer of the language.

    `positional` names the arguments that need no key, in order; the last may be
    starred, and then takes all the numbers that are left as one size. `shape` gives
    the output's shape or says why there is none. `macs` counts multiply-adds of
    convolutions, linear maps and matrix products, for one sample. `connections`
    counts them the way LeCun et al. 1998 do, biases included; None means MACs plus
    one for each output that has a bias. `sees` tells what a place of the output map is
    computed from, None if that is not one window alike everywhere. `dtypes` says what
    each input may hold, its last entry standing for all further ones; `gives` is what
    the output holds, None for what the first input does. With `free_keys` any other key
    is an argument of that type too. If not `counted`, the layer has weights that
    nothing here knows of.
    """

    name: str
    doc: str
    example: str
    look: Look
    shape: Callable[[Site], TensorType | Problem]
    torch: Callable[[Site], Form]
    args: tuple[Arg, ...] = ()
    positional: tuple[str, ...] = ()
    inputs: tuple[int, int | None] = (1, 1)
    ranks: tuple[int, ...] = (1, 2, 3, 4)
    weights: Callable[[Site, TensorType], tuple[Weight, ...]] = no_weights
    macs: Callable[[Site, TensorType], Size] = no_macs
    connections: Callable[[Site, TensorType], Size] | None = None
    sees: Callable[[Site, TensorType], tuple[Sight, ...] | None] = unknown_sight
    source: str = ""
    dtypes: tuple[tuple[DType, ...], ...] = (("float",),)
    gives: DType | None = None
    free_keys: ArgType | None = None
    counted: bool = True

    @property
    def words(self) -> tuple[str, ...]:
        """The bare names that stand for arguments: `same`, `ceil`, an axis."""
        words: list[str] = []
        for arg in self.args:
            words += () if arg.keyed else arg.type.words
            if arg.type.kind == "truth":
                words.append(arg.name)
            elif arg.type.kind == "axis":
                words += AXIS_NAMES
        return tuple(words)

    def has_word(self, name: str) -> bool:
        """Whether it is one of the `words`."""
        for arg in self.args:
            kind = arg.type.kind
            if kind == "truth" and arg.name == name:
                return True
            if kind == "axis" and name in AXIS_NAMES:
                return True
            if name in arg.type.words and not arg.keyed:
                return True
        return False

    def arg(self, name: str) -> Arg | None:
        """The argument of that name."""
        for arg in self.args:
            if arg.name == name:
                return arg
        if self.free_keys is not None:
            return Arg(name, self.free_keys, None, name)
        return None


def form_of(site: Site) -> Form:
    """How the layer is built and called here.

    A module is made before sizes are known: where it would need a symbol, a layer
    that has a function is applied by that.
    """
    form = site.layer.torch(site)
    if form.function is not None and unknown(form.module):
        return form._replace(module=None, helper=None)
    return form


def unknown(code: Code | Keyword | None) -> Slot | None:
    """A number in the code that is not known before the layer is used."""
    if isinstance(code, Slot):
        values = code.value if isinstance(code.value, tuple) else (code.value,)
        return code if any(map(is_symbolic, values)) else None
    if isinstance(code, Keyword):
        return unknown(code.code)
    parts: tuple[Code | Keyword, ...] = ()
    if isinstance(code, Apply):
        parts = code.arguments
    elif isinstance(code, Infix):
        parts = code.operands
    elif isinstance(code, Listed):
        parts = code.items
    # The formulas of places in a function without a name hold no sizes of tensors.
    return next((slot for slot in map(unknown, parts) if slot is not None), None)


def same_shape(site: Site) -> TensorType | Problem:
    """The shape rule of a layer that works on each number alone."""
    return site.ins[0]
