"""Random chains of stages whose shapes are known while they are written.

`random_specs` writes what comes to mind; here every stage fits what arrives, so that
constructs with many conditions (shared weights, tensors, sizes that are symbols) are
valid almost always. The same seed gives the same text.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Literal, NamedTuple

# Python and PyTorch have other meanings for these.
HOSTILE = ("self", "class", "F", "Tensor", "lambda", "torch", "_hidden")

Kind = Literal["map", "sequence", "vector"]


class Value(NamedTuple):
    """What flows: its kind, channels as they are written, and a name of its places.

    Two values have the same places if and only if these have the same name.
    """

    kind: Kind
    width: str
    places: str = ""

    def wide(self, width: str) -> Value:
        return self._replace(width=width)

    @property
    def even(self) -> bool:
        return self.width.isdigit() and int(self.width) % 2 == 0


class Sharable(NamedTuple):
    """A labelled stage with weights; a layer fits every place."""

    label: str
    given: Value
    made: Value
    layer: bool


class Block(NamedTuple):
    """A block, which keeps the places; without `width` it keeps the channels too."""

    name: str
    kind: Kind
    inputs: int
    params: tuple[str, ...]


class Body:
    """What is known in braces while their stages are written."""

    def __init__(self, given: Value, params: tuple[str, ...] = ()) -> None:
        self.given = given
        self.params = params
        self.labels: list[tuple[str, Value]] = []
        self.sharable: list[Sharable] = []
        # Labels would stand in copies of a stage, or in lines that may be skipped.
        self.unlabelled = False

    def inner(self, unlabelled: bool) -> Body:
        """Braces inside: they see the labels around them, and keep their own."""
        body = Body(self.given, self.params)
        body.labels = list(self.labels)
        body.unlabelled = unlabelled
        return body


Stage = Callable[[Body, Value, int], tuple[str, Value]]


class Bodies:
    """Writes chains of stages."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.blocks: list[Block] = []
        self._labels = 0
        self._hostile = list(HOSTILE)

    def label(self, plain: bool = False) -> str:
        """A name that is not yet taken."""
        r = self.random
        self._labels += 1
        if self._hostile and not plain and r.random() < 0.1:
            return self._hostile.pop(r.randrange(len(self._hostile)))
        return f"{r.choice(['part', 'stage', 'side'])}_{self._labels}"

    def width(self, body: Body) -> str:
        widths = ["4", "8", "8", "8", "12"]
        widths += ["width"] * 4 * ("width" in body.params)
        return self.random.choice(widths)

    def chain(self, body: Body, value: Value, count: int, depth: int = 2) -> str:
        """Stages that change the value; `flow` tells what has become of it."""
        return self.flow(body, value, count, depth)[0]

    def flow(
        self, body: Body, value: Value, count: int, depth: int = 2
    ) -> tuple[str, Value]:
        texts = []
        for _ in range(count):
            text, value = self._stage(body, value, depth)
            texts.append(text)
        return " | ".join(texts), value

    def kept(self, body: Body, value: Value, depth: int = 1) -> str:
        """A chain at whose end the value has the shape that it had before."""
        text, made = self.flow(body, value, self.random.randint(1, 2), depth)
        return text if made == value else f"{text} | {self._back(made, value)}"

    def _back(self, made: Value, value: Value) -> str:
        layer = {"map": "conv {} 1x1", "sequence": "fc {}", "vector": "fc {}"}
        text = layer[value.kind].format(value.width)
        if made.places != value.places:
            text += f" | slice 0 {value.places.removeprefix('length ')} t"
        return text

    # Stages

    def _stage(self, body: Body, value: Value, depth: int) -> tuple[str, Value]:
        r = self.random
        stages: list[Stage] = [self._layer] * 9
        if depth > 0:
            stages += [self._merge, self._merge, self._group, self._group]
            stages += [self._conditional] * bool(body.params)
            stages += [self._lines] * bool(body.params)
            stages += [self._call] * 3
        stages += [self._tensor, self._tensor, self._share, self._share, self._fetch]
        return r.choice(stages)(body, value, depth)

    def _layer(self, body: Body, value: Value, depth: int) -> tuple[str, Value]:
        text, made, learns = self._drawn(body, value)
        if body.unlabelled or not learns or self.random.random() < 0.5:
            copies = made == value and text != "act" and self.random.random() < 0.15
            return (f"{text} x{self.random.randint(0, 3)}" if copies else text), made
        label = self.label()
        if made == value and self.random.random() < 0.15:
            return f'"{label}_{{i}}": {text} x{self.random.randint(1, 3)}', made
        body.sharable.append(Sharable(label, value, made, True))
        body.labels.append((label, made))
        return f"{label}: {text}", made

    def _drawn(self, body: Body, value: Value) -> tuple[str, Value, bool]:
        """A layer, what it makes, and whether it has weights."""
        r = self.random
        width = self.width(body)
        wide = value.wide(width)
        any_kind = [("relu", value, False), ("gelu", value, False)]
        any_kind += [("dropout 0.1", value, False), ("tanh", value, False)]
        if "act" in body.params:
            any_kind += [("act", value, False)] * 2
        if value.even:
            half, rest = int(value.width) // 2, int(value.width) - 1
            axis = "c" if value.kind == "map" else "d"
            any_kind += [
                (f"chunk 2 {r.randint(0, 1)} {axis}", value.wide(str(half)), False),
                (f"split [1, {rest}] 1 {axis}", value.wide(str(rest)), False),
            ]
        if value.kind == "map":
            layers = [
                (f"conv {width} 3x3 p1", wide, True),
                (f"conv {width} 1x1 init=kaiming bias_init=0", wide, True),
                ("dwconv 3x3 p1", value, True),
                ("bn", value, True),
                ("gn 1", value, True),
                ("layerscale 0.5", value, True),
                ("maxpool 3 s1 p1", value, False),
                ("roll 1 h", value, False),
                ("lrn 3", value, False),
                ("maxpool 2 | upsample size=size(in.h, in.w)", value, False),
            ]
            if value.places != body.given.places:
                layers.pop()
        elif value.kind == "sequence":
            layers = [
                (f"fc {width}", wide, True),
                ("ln", value, True),
                ("rms", value, True),
                (f"gru {width}", wide, True),
                (f"lstm {width} layers=2", wide, True),
                ("attention 1", value, True),
                ("attention 1 causal", value, True),
                ("sdpa(id, id, id) 1", value, False),
                ("softmax", value, False),
            ]
        else:
            layers = [
                (f"fc {width}", wide, True),
                (f"fc {width} bias=false init=orthogonal", wide, True),
                ("bn", value, True),
                ("ln", value, True),
                ("l2norm", value, False),
                ("softmax", value, False),
            ]
        return r.choice(layers + r.choices(any_kind, k=len(layers) // 2))

    def _merge(self, body: Body, value: Value, depth: int) -> tuple[str, Value]:
        r = self.random
        if r.random() < 0.7:
            kind = r.choice(["add", "mul", "sub"])
            other = self.kept(body, value, depth - 1)
            return f"{kind}(id, {other})", value
        inner, made = self.flow(body, value, r.randint(1, 2), depth - 1)
        axis = "c" if value.kind == "map" else "d"
        widths = value.width, made.width
        if all(width.isdigit() for width in widths):
            total = str(sum(map(int, widths)))
        else:
            total = "+".join(widths)
        return f"concat(id, {inner}) {axis}", value.wide(total)

    def _group(self, body: Body, value: Value, depth: int) -> tuple[str, Value]:
        r = self.random
        labelled = not body.unlabelled and r.random() < 0.6
        copies = r.random() < 0.5
        inner = body.inner(body.unlabelled or not labelled)
        # What stands in other braces cannot be fetched for a value used again.
        inner.labels.clear()
        if copies:
            text, made = self.kept(inner, value, depth - 1), value
        else:
            text, made = self.flow(inner, value, r.randint(1, 3), depth - 1)
        text = f"{{{text}}}" + (f" x{r.randint(1, 3)}" if copies else "")
        if not labelled:
            return text, made
        label = self.label()
        body.labels.append((label, made))
        if " in." not in text and "(in." not in text and "fc " in text:
            body.sharable.append(Sharable(label, value, made, False))
        return f"{label}: {text}", made

    def _conditional(self, body: Body, value: Value, depth: int) -> tuple[str, Value]:
        r = self.random
        conditions = []
        if body.given.places == "given":
            # A net's first input may have a symbol there, or another rank.
            conditions += [f"{body.given.width} > 6", f"{body.given.width} != 8"]
        conditions += ["deep", "not deep"] * 2 * ("deep" in body.params)
        conditions += ["last != false", "last == false"] * ("last" in body.params)
        if "last" in body.params and r.random() < 0.3:
            return "{last if last != false}", value
        arms = []
        for _ in range(2):
            inner = body.inner(True)
            arms.append(self.kept(inner, value, depth - 1))
        text = f"{arms[0]} if {r.choice(conditions)}"
        text += f" else {r.choice([arms[1], 'id'])}" if r.random() < 0.5 else ""
        return f"{{{text}}}", value

    def _lines(self, body: Body, value: Value, depth: int) -> tuple[str, Value]:
        """A labelled group in lines, some of which have a condition."""
        r = self.random
        if body.unlabelled:
            return self._conditional(body, value, depth)
        lines = []
        for _ in range(r.randint(2, 4)):
            inner = body.inner(True)
            inner.labels.clear()
            if r.random() < 0.5:
                lines.append(self._conditional(inner, value, depth - 1)[0][1:-1])
            else:
                lines.append(self.kept(inner, value, 0))
        label = self.label()
        return f"{label}: {{\n    " + "\n    ".join(lines) + "\n  }", value

    def _call(self, body: Body, value: Value, depth: int) -> tuple[str, Value]:
        r = self.random
        fitting = [block for block in self.blocks if block.kind == value.kind]
        others = [name for name, other in body.labels if other == value]
        if not fitting:
            return self._layer(body, value, depth)
        block = r.choice(fitting)
        made = value
        given = ""
        if block.inputs == 2:
            given = f"(id, {r.choice([*others, 'id'])})"
        args = []
        if "width" in block.params:
            made = value.wide(self.width(body))
            args.append(made.width)
        if "deep" in block.params and r.random() < 0.6:
            args.append(f"deep={r.choice(['true', 'false'])}")
        if "act" in block.params and r.random() < 0.6:
            held = ["act"] * 3 * ("act" in body.params)
            args.append(f"act={r.choice(['relu', 'tanh', 'gelu', *held])}")
        if "last" in block.params and r.random() < 0.6:
            held = ["last"] * 3 * ("last" in body.params)
            args.append(f"last={r.choice(['relu', 'tanh', 'false', *held])}")
        if made == value and r.random() < 0.3:
            args.append(f"x{r.randint(1, 3)}")
        text = f"{block.name}{given} {' '.join(args)}".rstrip()
        if body.unlabelled or r.random() < 0.6:
            return text, made
        label = self.label()
        body.labels.append((label, made))
        return f"{label}: {text}", made

    def _tensor(self, body: Body, value: Value, depth: int) -> tuple[str, Value]:
        """A merge with a tensor of the module's own."""
        r = self.random
        named = "" if body.unlabelled or r.random() < 0.5 else f"{self.label(True)}: "
        width = value.width if value.width.isidentifier() else f"({value.width})"
        width = "id.c" if value.width.startswith("in.") else width
        if value.kind == "sequence":
            length = value.places.removeprefix("length ")
            if not length.isdigit():
                return self._layer(body, value, depth)
            kind = r.choice(["param", "buffer", "index", "token"])
            if kind == "index":
                table = f"param 5 {width} init=normal std=0.5"
                places = f"buffer {length} dtype=int value=(ax0 % 5)"
                return f"add(id, index({named}{table}, {places}))", value
            if kind == "token":
                grown = value._replace(places=f"length {int(length) + 1}")
                return f"concat({named}param 1 1 {width} batch, id) t", grown
            shape = f"{length} {width}"
            formula = "(sin(ax0 / 9**(ax1 / 4)) if ax1 % 2 == 0 else cos(ax0) - ax1)"
        else:
            kind = r.choice(["param", "buffer"])
            shape = width
            formula = "((ax0 + 1) * 0.5 if ax0 % 3 != 1 else -ax0 // 2)"
            if "width" in body.params:
                formula = r.choice([formula, "(ax0 / (width + 1) + 1)"])
        merge = r.choice(["add", "mul", "sub"])
        if kind == "buffer":
            kept = r.choice(["", " persistent=false"])
            return f"{merge}(id, {named}buffer {shape} value={formula}{kept})", value
        value_or_init = r.choice(["", " init=ones", " value=0.5"])
        return f"{merge}(id, {named}param {shape}{value_or_init})", value

    def _share(self, body: Body, value: Value, depth: int) -> tuple[str, Value]:
        """A stage of the same braces once more."""
        r = self.random
        r.shuffle(body.sharable)
        for label, given, made, layer in body.sharable:
            if value == given:
                return f"share {label}", made
            if layer and value.places == given.places and value.kind == given.kind:
                return f"{self._back(value, given)} | share {label}", made
            if layer and value.kind == given.kind and value.width == given.width:
                return f"share {label}", made._replace(places=value.places)
        return self._layer(body, value, depth)

    def _fetch(self, body: Body, value: Value, depth: int) -> tuple[str, Value]:
        """An earlier value beside this one."""
        others = [name for name, other in body.labels if other == value]
        others += ["in"] * (value == body.given)
        if not others:
            return self._layer(body, value, depth)
        return f"add(id, {self.random.choice(others)})", value
