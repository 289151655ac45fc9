"""How drawn numbers, words and conditions are written.

A number may stand as itself, as a size that is equal to it, as arithmetic, or as a
parameter that has this value. All ways mean the same, so that they never decide
whether a spec is valid.
"""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.testing.drawing import Drawing, Size, Value, text_of

# Layers that need no arguments and keep every shape; a parameter may hold one.
PLAIN_ACTIVATIONS = (
    *("relu", "tanh", "gelu", "silu", "sigmoid", "relu6", "elu", "selu", "celu"),
    *("mish", "hardswish", "hardsigmoid", "softplus", "abs", "exp", "scaled_tanh"),
    *("leaky", "hardtanh"),
)
_PARAMETERS = {
    "number": ("width", "depth", "reach", "amount", "extent"),
    "truth": ("deep", "wide", "late"),
    "word": ("manner", "style_of"),
    "layer": ("act", "gate_by", "then_by"),
    "size": ("tile", "field"),
    "list": ("widths", "entries"),
}
# Python and PyTorch have other meanings for these.
_HOSTILE = ("self", "F", "Tensor", "torch", "lambda", "_hidden", "nn", "training_")
_LABELS = ("stem", "part", "side", "Tower", "head")
MOST_PARAMETERS = 6


class Param:
    """A parameter: what it is in this use, and whether every use may choose.

    `choices` are the other values that mean the same shapes.
    """

    __slots__ = ("choices", "kind", "name", "required", "value")

    def __init__(self, name: str, kind: str, value: str, required: bool) -> None:
        self.name = name
        self.kind = kind
        self.value = value
        self.required = required
        self.choices: tuple[str, ...] = ()


class Definition:
    """A block or net while its text is written."""

    def __init__(self, name: str, block: bool) -> None:
        self.name = name
        self.block = block
        self.params: list[Param] = []
        self.inputs: tuple[str, ...] = ()


class Body:
    """What is known between braces while their stages are written.

    `labels` are the values that can be fetched, `shared` the stages that can be used
    again. Labels are no longer possible with `unlabelled`: in copies of a stage, and
    in lines that may be skipped. What is not `active` is never computed.
    """

    def __init__(self, given: Value, definition: Definition) -> None:
        self.given = given
        self.definition = definition
        self.labels: list[tuple[str, Value]] = []
        self.shared: list[tuple[str, Value, Value]] = []
        self.tables: list[tuple[str, int, Size]] = []
        self.unlabelled = False
        self.scope = True
        self.active = True
        self.indexed = False

    def inner(self, unlabelled: bool = False) -> Body:
        """Braces inside: they see the labels around them, and keep their own."""
        body = Body(self.given, self.definition)
        body.labels = list(self.labels)
        body.unlabelled = self.unlabelled or unlabelled
        body.scope = self.scope
        body.active = self.active
        body.indexed = self.indexed
        return body


class Keep:
    """That a stage keeps the shape, but for the axis `free`, if there is one."""

    __slots__ = ("free",)

    def __init__(self, free: int | None = None) -> None:
        self.free = free

    def frees(self, axis: int, rank: int) -> bool:
        """Whether this axis may change."""
        return self.free is not None and self.free % rank == axis % rank


class Writer(Drawing):
    """Draws and writes; `value` is the value that flows, `body` where it does."""

    def __init__(self, tape: bytes) -> None:
        super().__init__(tape)
        self.body = Body(Value((1,)), Definition("", False))
        self.value = Value((1,))
        self.keep: Keep | None = None
        self.defaults: dict[tuple[str, str], str] = {}
        # Of the embedding that was written last.
        self.entries = 0
        self._taken = 0
        self._hostile = list(_HOSTILE)

    # Names

    def fresh(self) -> str:
        """The name of a size that no other size is known to be equal to."""
        self._taken += 1
        return f"?{self._taken}"

    def label(self, plain: bool = False) -> str:
        """A label that nothing else has."""
        self._taken += 1
        name = f"{self.pick(_LABELS)}_{self._taken}"
        form = 0 if plain else self.whole(0, 19)
        if form == 16 and self.body.scope:
            return str(self._taken)
        if form == 17 and self._hostile:
            return self._hostile.pop()
        if form == 18:
            return f'"{name}-a"'
        if form == 19 and self.body.scope:
            return f"nest{self._taken}.{name}"
        return name

    # Numbers

    def number(self, number: int) -> str:
        """The number as it stands among arguments."""
        form = self.whole(0, 15)
        if form < 9 or number < 0:
            return str(number)
        if form < 11:
            names = self._sizes(number)
            return self.pick(names) if names else str(number)
        if form < 14:
            return self.lifted("number", str(number))
        if form == 14 and self.body.indexed:
            return f"{number}+0*i"
        return self._arithmetic(number)

    def _sizes(self, number: int) -> list[str]:
        """The sizes that are equal to a number."""
        found = [("id", self.value), ("in", self.body.given)]
        found += [each for each in self.body.labels if each[0].isidentifier()]
        return [
            f"{name}.{axis}"
            for name, value in found
            for at, size in enumerate(value.sizes)
            if size == number
            for axis in value.names(at)[:1]
        ]

    def _arithmetic(self, number: int) -> str:
        k = self.whole(1, 4)
        forms = [
            f"{number + k}-{k}",
            f"{number * k}//{k}",
            f"({number * k} / {k})",
            f"({number} if {k} > 0 else {k})",
            f"max({number}, {min(k, number)})",
            f"min({number}, {number + k})",
            f"[{k}, {number}][1]",
            f"{number}%{number + k}",
            f"ceil({2 * number}/2.0)",
            f"round({number}.25)",
            f"(-{k} + {number + k})",
            f"len([{', '.join(map(str, range(number)))}])"
            if number < 9
            else f"abs(-{number})",
            f"size({k}, {number})[1]",
            f"{number}**1",
            f"sum([{number}, {k}][:1])",
        ]
        if number == 0:
            forms = forms[:7]
        return self.pick(forms)

    def sizes(self, sizes: Sequence[int], axes: int) -> str:
        """A size for so many axes: one number for all, or one for each."""
        if len(sizes) == 1 or (len(set(sizes)) == 1 and not self.chance(4)):
            return self.number(sizes[0]) if axes else str(sizes[0])
        form = self.whole(0, 9)
        if form == 9:
            return f"size({', '.join(map(str, sizes))})"
        if form == 8:
            return self.lifted("size", text_of(sizes))
        return text_of(sizes)

    # Parameters

    def lifted(
        self, kind: str, value: str, choices: tuple[str, ...] = (), force: bool = False
    ) -> str:
        """A parameter with this value, a new one or one that has it already."""
        params = self.body.definition.params
        for param in params:
            if param.kind == kind and param.value == value:
                param.choices = tuple(c for c in param.choices if c in choices)
                return param.name
        if len(params) >= MOST_PARAMETERS and not force:
            return value
        base = self.pick(_PARAMETERS[kind])
        taken = {param.name for param in params}
        name = base if base not in taken else f"{base}_{len(params)}"
        required = self.body.definition.block and self.chance(2)
        param = Param(name, kind, value, required)
        param.choices = choices
        params.append(param)
        return name

    # Conditions

    def condition(self, soft: bool) -> tuple[str, bool]:
        """A condition and whether it holds; `soft` if it may hold or not."""
        form = self.whole(0, 5)
        if form < 3:
            holds = self.pick((True, False))
            value = str(holds).lower()
            other = str(not holds).lower()
            name = self.lifted("truth", value, (other,) if soft else (), force=True)
            if form == 2:
                return f"not {name}", not holds
            return name, holds
        bound = self.whole(0, 8)
        axis = self.whole(0, self.body.given.rank - 1)
        size = self.body.given.sizes[axis]
        if isinstance(size, str):
            size, text = 3, "3"
        else:
            text = f"in.{self.body.given.names(axis)[0]}"
        if form == 3:
            return f"{text} > {bound}", size > bound
        if form == 4:
            return f"{text} != {bound} and {bound} < 9", size != bound
        return f"({bound} < {text} <= 5 or false)", bound < size <= 5


class Call:
    """One use of a layer while its arguments are written."""

    def __init__(self, writer: Writer, layer: str) -> None:
        self.writer = writer
        self.layer = layer
        self._plain: list[str] = []
        self._keyed: list[str] = []

    def number(self, number: int) -> Call:
        """A number without a key."""
        self._plain.append(self.writer.number(number))
        return self

    def plain(self, text: str) -> Call:
        """What needs no key, as it is."""
        self._plain.append(text)
        return self

    def window(self, sizes: Sequence[int], axes: int) -> Call:
        """A size without a key, which comes last of those."""
        self._plain.append(self.writer.sizes(sizes, axes))
        return self

    def key(self, name: str, text: str) -> Call:
        """What has a key, as it is."""
        self._keyed.append(f"{name}={text}")
        return self

    def option(self, name: str, sizes: Sequence[int], axes: int, default: int) -> Call:
        """A size with a key, or as a flag; often left out when it is the default."""
        w = self.writer
        known = w.defaults.get((self.layer, name))
        default = int(known) if known is not None else default
        if all(size == default for size in sizes) and not w.chance(6):
            return self
        if len(name) == 1 and not w.chance(3):
            written = sizes[:1] if len(set(sizes)) == 1 else sizes
            self._keyed.append(name + text_of(written))
            return self
        return self.key(name, w.sizes(sizes, axes))

    def truth(self, name: str, value: bool, default: bool) -> Call:
        """A truth value; left out when it is the default."""
        w = self.writer
        known = w.defaults.get((self.layer, name))
        default = known == "true" if known is not None else default
        if value is default and not w.chance(8):
            return self
        if w.chance(6):
            return self.key(name, w.lifted("truth", str(value).lower()))
        if value and not w.chance(3):
            self._keyed.append(name)
            return self
        return self.key(name, str(value).lower())

    def word(self, name: str, value: str, default: str = "") -> Call:
        """A word, by its key; left out when it is the default."""
        w = self.writer
        if value == default:
            return self
        if w.chance(6) or not value.isidentifier():
            return self.key(name, w.lifted("word", f'"{value}"'))
        return self.key(name, value)

    def some(self, name: str, texts: Sequence[str], of: int = 5) -> Call:
        """One of several values, or none most times."""
        if self.writer.chance(of):
            self.key(name, self.writer.pick(texts))
        return self

    def initialised(self, matrix: bool, bias: bool) -> Call:
        """How the weights begin, sometimes."""
        w = self.writer
        if not w.chance(8):
            return self
        forms = ["init=zeros", "init=0.5", "init=normal std=0.02", "init=uniform"]
        forms += ["init=trunc_normal", "init=uniform bound=0.5", "init=ones"]
        if matrix:
            forms += ["init=kaiming fan=out", "init=xavier gain=2", "init=orthogonal"]
            forms += ["init=kaiming_uniform", "init=xavier_uniform"]
        self._keyed += w.pick(forms).split()
        if bias and w.chance(2):
            self._keyed.append("bias_init=0.25")
        return self

    def text(self) -> str:
        """The call as it is written."""
        return " ".join((self.layer, *self._plain, *self._keyed))
