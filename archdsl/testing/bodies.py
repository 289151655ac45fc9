"""Chains of stages: layers, groups, repeats, conditions, calls, shared stages."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from archdsl.testing.drawing import Value
from archdsl.testing.layers import FAMILIES, Use
from archdsl.testing.merges import MERGES
from archdsl.testing.writer import Body, Definition, Keep, Param, Writer
from archdsl.tuples import NamedTuple

# Around these stands the number of a mark; no spec holds them.
MARK_OPENS, MARK_CLOSES = "\ue000", "\ue001"
MOST_BLOCKS = 3
# How often a stage is a layer, beside the kinds of stages that there are.
_LAYERS = 8


class Mark(NamedTuple):
    """A place behind a stage: what flows there, and whether labels can stand there."""

    value: Value
    labels: bool


class Block(NamedTuple):
    """A block that is written, and the shapes that it was written for."""

    name: str
    given: Value
    made: Value
    params: tuple[Param, ...]
    inputs: int
    kept: bool


@lru_cache(maxsize=4096)
def fitting(value: Value, keeping: bool) -> tuple[tuple[Use, ...], ...]:
    """The layers that can stand where this value flows, by family."""
    families = (
        tuple(use for use in uses if (use.keeps or not keeping) and use.fits(value))
        for uses in FAMILIES
    )
    return tuple(family for family in families if family)


class Bodies(Writer):
    """Writes chains of stages; each begins from `value` and leaves its own there."""

    def __init__(self, tape: bytes) -> None:
        super().__init__(tape)
        self.blocks: list[Block] = []
        self.definitions: list[str] = []
        self.marks: list[Mark] = []
        self._opened = 0
        self._named = -1

    # Chains

    def chain(self, count: int, depth: int) -> list[str]:
        """So many stages, one after the other."""
        return [self.stage(depth) for _ in range(count)]

    def stage(self, depth: int) -> str:
        """A stage, and perhaps what is asserted about it."""
        text = self._unasserted(depth)
        value = self.value
        if value.dtype == "float" and self.chance(8):
            text += f" -> {self._asserted(value)}"
        if self.body.active:
            text += f"{MARK_OPENS}{len(self.marks)}{MARK_CLOSES}"
            self.marks.append(Mark(value, not self.body.unlabelled))
        return text

    def _asserted(self, value: Value) -> str:
        sizes = [
            "_" if isinstance(size, str) or self.chance(6) else str(size)
            for size in value.sizes
        ]
        if value.rank > 2 and self.chance(4):
            return "x".join((*sizes[1:], sizes[0])) + " hwc"
        return "x".join(sizes)

    def _unasserted(self, depth: int) -> str:
        stages = self._small if depth <= 0 else self._large
        kind = self.whole(0, _LAYERS + len(stages) - 1)
        if kind < _LAYERS:
            return self.layer()
        found = stages[kind - _LAYERS](self, depth)
        return self.layer() if found is None else found

    # Layers

    def layer(self) -> str:
        """A layer that fits, perhaps with a label or repeated."""
        before = self.value
        families = fitting(before, self.keep is not None)
        if not families:
            # Whole numbers may be left as they are.
            return "id"
        use = self.pick(self.pick(families))
        text, self.value = use.write(self, before)
        if self.value == before and _repeatable(text, use.layer) and self.chance(8):
            text += self._copies(0)
        return self.labelled(text, before, use.layer)

    def _copies(self, least: int) -> str:
        count = self.whole(least, 3)
        if self.chance(4):
            return f" x={self.number(count)}"
        return f" x{count}"

    def labelled(self, text: str, before: Value, layer: str = "") -> str:
        """The stage with a label, sometimes; it can then be used again."""
        body = self.body
        if body.unlabelled or not self.chance(1 if layer == "embedding" else 3):
            return text
        copied = _COPIES.search(text) is not None
        if copied and self.chance(2):
            self._taken += 1
            return f'"copy{self._taken}-{{i}}": {text}'
        name = self.label()
        plain = name.isidentifier()
        if plain or "." in name:
            body.labels.append((name, self.value))
        if plain and not copied and layer in _WITH_WEIGHTS:
            body.shared.append((name, before, self.value))
            if self.value == before and self.chance(3):
                return f"{name}: {text} | share {name}"
        if plain and layer == "embedding":
            body.tables.append((name, self.entries, self.value.sizes[-1]))
        return f"{name}: {text}"

    # Braces

    def inside(
        self, body: Body, write: Callable[[], str], keep: Keep | None
    ) -> tuple[str, Value]:
        """What is written within other braces, and what flows at their end."""
        outer, before, kept = self.body, self.value, self.keep
        self.body, self.keep = body, keep
        text = write()
        made = self.value
        self.body, self.value, self.keep = outer, before, kept
        return text, made

    def _group(self, depth: int) -> str:
        body = self.body.inner()
        labelled = not self.body.unlabelled and self.chance(2)
        count = 1
        copied = self.chance(2)
        if copied:
            count = self.whole(1, 3) if not self.chance(8) else 0
            body.indexed = True
        body.active = body.active and count > 0
        if labelled:
            # Its stages are numbered, and it may be used again.
            body.labels = []
            body.scope = False
        else:
            body.unlabelled = True
        keep = Keep() if copied else self.keep
        text, made = self.inside(body, lambda: self._lines(depth - 1), keep)
        text = f"{{{text}}}"
        if copied:
            text += f" x{count}" if not self.chance(4) else f" x={self.number(count)}"
        if not copied:
            self.value = made
        if not labelled:
            return text
        name = self.label()
        if name.isidentifier() or "." in name:
            self.body.labels.append((name, self.value))
        return f"{name}: {text}"

    def _lines(self, depth: int) -> str:
        if self.chance(3):
            lines = [self.line(depth) for _ in range(self.whole(1, 3))]
            return "\n" + "\n".join(lines) + "\n"
        return " | ".join(self.chain(self.whole(1, 3), depth))

    # Conditions

    def line(self, depth: int) -> str:
        """A chain, which may have a condition."""
        if self.chance(4):
            return self._conditional_line(depth)
        return " | ".join(self.chain(self.whole(1, 3), depth))

    def _conditional_line(self, depth: int) -> str:
        before, body, keep = self.value, self.body, self.keep
        soft = keep is not None or self.chance(2)
        condition, holds = self.condition(soft)
        arms = [holds, not holds]
        with_else = self.chance(2)
        texts, made = [], []
        for taken in arms[: 1 + with_else]:
            inner = body.inner(unlabelled=True)
            inner.active = body.active and taken

            def write() -> str:
                return " | ".join(self.chain(self.whole(1, 2), depth - 1))

            arm_keep = (keep or Keep()) if soft else keep
            if soft and keep is not None and keep.free is not None:
                arm_keep = Keep()
            text, value = self.inside(inner, write, arm_keep)
            texts.append(text)
            made.append(value)
        text = f"{texts[0]} if {condition}"
        if with_else:
            text += f" else {texts[1]}"
        elif self.chance(5):
            text += " else id"
        self.value = made[0] if holds else made[1] if with_else else before
        return text

    def _conditional(self, depth: int) -> str:
        return "{" + self._conditional_line(depth) + "}"

    # Merges

    def branch(
        self, depth: int, keep: Keep | None, here: bool = False
    ) -> tuple[str, Value]:
        """An input of a merge, and its value; `here` if it begins from what flows."""
        before = self.value
        same = [
            name for name, value in self.body.labels if value == before and not here
        ]
        form = self.whole(0, 7)
        if form == 5:
            return "id", before
        if form == 6 and same:
            return self.pick(same), before
        if form == 7 and keep is not None and keep.free is None:
            return self.inside(
                self.body.inner(unlabelled=True),
                lambda: self._conditional_line(depth),
                keep,
            )
        start = [self.pick(same)] if same and self.chance(5) else []

        def write() -> str:
            return " | ".join((*start, *self.chain(self.whole(1, 2), depth)))

        return self.inside(self.body, write, keep)

    def _merge(self, depth: int) -> str | None:
        before = self.value
        fits = [
            merge
            for merge in MERGES
            if (merge.keeps or self.keep is None) and merge.fits(before)
        ]
        if not fits:
            return None
        text, self.value = self.pick(fits).write(self, before, depth - 1)
        return text

    # Repeats of which no copy is like the other

    def _stepped(self, depth: int) -> str | None:
        value = self.value
        if self.keep is not None or value.dtype != "float":
            return None
        count = self.whole(1, 3)
        step = self.pick((4, 2, 3))
        if value.rank in (1, 2) and isinstance(value.sizes[-1], int):
            layer, tail, axis = "fc", "", -1
        elif value.rank > 1 and isinstance(value.sizes[0], int):
            layer, tail, axis = "conv", " 1 p0", 0
        else:
            return None
        if self.chance(2):
            widths = [step * self.whole(1, 3) for _ in range(self.whole(1, count))]
            listed = "[" + ",".join(map(str, widths)) + "]"
            if self.chance(4):
                listed = self.lifted("list", listed)
            self.value = value.replaced(axis, widths[-1])
            text = f"{layer} {listed}{tail} x{count}"
        else:
            self.value = value.replaced(axis, step * count)
            text = f"{layer} {step}*(i+1){tail} x{count}"
        return self.labelled(text, value)

    # Stages used again

    def _share(self, depth: int) -> str | None:
        value = self.value
        fits = [
            (name, made)
            for name, given, made in self.body.shared
            if given == value and (self.keep is None or made == value)
        ]
        if not fits:
            return None
        name, self.value = self.pick(fits)
        return f"share {name}"

    def _tie(self, depth: int) -> str | None:
        value = self.value
        if self.keep is not None or value.dtype != "float" or value.rank > 2:
            return None
        fits = [table for table in self.body.tables if table[2] == value.sizes[-1]]
        if not fits:
            return None
        name, entries, _ = self.pick(fits)
        self.value = value.replaced(-1, entries)
        return f"tie {name}" + (" bias" if self.chance(3) else "")

    # Blocks

    def _call(self, depth: int) -> str | None:
        body = self.body
        fits = [
            block
            for block in self.blocks
            if block.given == self.value and (self.keep is None or block.kept)
        ]
        if fits and self.chance(2):
            return self._called(self.pick(fits), again=True)
        if not body.active or self._opened > 1 or self._named + 1 >= MOST_BLOCKS:
            return None
        block = self._block(depth)
        return self._called(block, again=False)

    def _called(self, block: Block, again: bool) -> str:
        before = self.value
        plain: list[str] = []
        keyed: list[str] = []
        for param in block.params:
            value = param.value
            if again and param.choices and self.chance(2):
                value = self.pick(param.choices)
            if param.kind == "number" and value.isdigit():
                value = self.number(int(value))
            if param.required and not keyed:
                plain.append(value)
            elif param.required or value != param.value or self.chance(4):
                keyed.append(f"{param.name}={value}")
        given = ""
        if block.inputs == 2:
            same = [name for name, other in self.body.labels if other == before]
            given = f"(id, {self.pick((*same, 'id'))})"
        self.value = block.made
        text = " ".join((block.name + given, *plain, *keyed))
        lists = any(param.kind == "list" for param in block.params)
        if block.made == before and not lists and self.chance(4):
            text += self._copies(1)
        return self.labelled(text, before, "block")

    def _block(self, depth: int) -> Block:
        """A new block for the value that flows here."""
        given, keep = self.value, self.keep
        self._named += 1
        name = self.pick(("unit", "cell", "Tower")) + "abcdefgh"[self._named]
        definition = Definition(name, block=True)
        body = Body(given, definition)
        two = self.chance(3)
        lines: list[str] = []
        if two:
            definition.inputs = ("one", "two")
            body.labels = [("one", given), ("two", given)]
            if given.dtype == "bool":
                lines.append("concat(id, two) | " + self._half(given))
            else:
                lines.append("add(id, two)")
        self._opened += 1

        def write() -> str:
            lines.extend(self.line(depth - 1) for _ in range(self.whole(1, 3)))
            if self.chance(6):
                lines.append("assert layers >= 0")
            return ""

        # In the block nothing outside of it is known.
        inner_keep = None if keep is None else Keep()
        _, made = self.inside(body, write, inner_keep)
        self._opened -= 1
        signature = "".join(f" {written(param)}" for param in definition.params)
        inputs = "(one, two)" if two else ""
        inside = "\n".join(f"  {line}" for line in lines)
        self.definitions.append(f"block {name}{inputs}{signature} {{\n{inside}\n}}")
        block = Block(
            name, given, made, tuple(definition.params), 1 + two, made == given
        )
        self.blocks.append(block)
        return block

    def _half(self, value: Value) -> str:
        return f"slice 0 {value.numbers[0]} {value.names(0)[0]}"

    # Blocks of the standard library

    def _standard(self, depth: int) -> str | None:
        value = self.value
        if not self.body.active or not self.chance(3):
            return None
        if value.rank == 2 and value.dtype == "float" and value.known:
            heads = self.pick([h for h in (1, 2, 4) if value.numbers[1] % h == 0])
            return f"transformer_encoder {heads} {self.number(6)}"
        if value.rank == 3 and value.dtype == "float" and value.known:
            return f"squeeze_excite hidden={self.number(4)}"
        return None

    def _rare(self, depth: int) -> str | None:
        return self._tie(depth) or self._standard(depth)

    _small = (_share, _merge)
    _large = (
        _share,
        _merge,
        _group,
        _merge,
        _conditional,
        _call,
        _stepped,
        _call,
        _rare,
        _share,
    )


# At the end of a stage: ` x2`, ` x=n`.
_COPIES = re.compile(r" x[\d=]")
_WITH_WEIGHTS = frozenset(
    (
        *("conv", "dwconv", "upconv", "fc", "rnn", "lstm", "gru", "attention"),
        *("embedding",),
    )
)


def _repeatable(text: str, layer: str) -> bool:
    """Whether copies are alike: each copy takes one entry of a list."""
    return layer != "split" and "table=" not in text


def written(param: Param) -> str:
    """A parameter where it is defined."""
    return param.name if param.required else f"{param.name}={param.value}"
