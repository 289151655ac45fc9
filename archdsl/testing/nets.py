"""Whole specs: blocks, nets with inputs and outputs, comments, lines."""

from __future__ import annotations

import re

from archdsl.testing.bodies import MARK_CLOSES, MARK_OPENS, Bodies, Mark, written
from archdsl.testing.drawing import Value, text_of
from archdsl.testing.layers.use import is_map
from archdsl.testing.writer import Body, Definition
from archdsl.tuples import NamedTuple

_MARKS = re.compile(f"{MARK_OPENS}(\\d+){MARK_CLOSES}")
_DEPTH = 2


class Written(NamedTuple):
    """The text of a spec, and the places of its marks in it."""

    text: str
    marks: tuple[tuple[int, Mark], ...]


class Specs(Bodies):
    """Writes one spec: some blocks, and a net called `top` that uses them."""

    def __init__(self, tape: bytes, most_stages: int = 8) -> None:
        super().__init__(tape)
        self._most = most_stages

    def spec(self) -> Written:
        """The text of a spec that checks clean."""
        lines = [self._default()] if self.chance(5) else []
        net = self._net()
        text = "\n".join([*lines, *self._ordered(net)])
        return _unmarked(self._commented(text) + "\n", self.marks)

    def _default(self) -> str:
        form = self.whole(0, 2)
        if form == 0:
            self.defaults["conv", "bias"] = "false"
            return "default conv bias=false"
        if form == 1:
            self.defaults["conv", "p"] = "1"
            return "default conv p1"
        return "default bn eps=0.001"

    def _ordered(self, net: list[str]) -> list[str]:
        """Blocks before the nets or behind them."""
        if self.definitions and self.chance(4) and net[0].startswith("net"):
            return [*net, *self.definitions]
        return [*self.definitions, *net]

    # Nets

    def _net(self) -> list[str]:
        definition = Definition("top", block=False)
        inputs = [self._input() for _ in range(self.pick((1, 1, 1, 2, 3)))]
        labelled = len(inputs) > 1 or self.chance(4)
        names = [f"given_{at}" for at in range(len(inputs))]
        self.body = Body(inputs[0], definition)
        lines = [
            f"input {f'{name}: ' if labelled else ''}{_shape(value)}"
            for name, value in zip(names, inputs, strict=True)
        ]
        lines += self._asserted_symbols(inputs)
        self.value = inputs[0]
        if labelled:
            self.body.labels = list(zip(names, inputs, strict=True))
        if len(inputs) > 1:
            lines += self._together(list(zip(names, inputs, strict=True)))
        count = self.whole(min(3, self._most), self._most)
        while count > 0:
            some = self.whole(1, min(count, 4))
            lines.append(self._net_line(some))
            count -= some
        tied = self._tie(1) if self.body.tables and self.chance(2) else None
        lines += [tied] if tied is not None else []
        lines += self._end()
        symbols = any(isinstance(s, str) for value in inputs for s in value.sizes)
        lines += self._assertions(symbols)
        return self._as_net(definition, lines, bare=len(inputs) == 1)

    def _net_line(self, count: int) -> str:
        if self.chance(6):
            return self._conditional_line(_DEPTH)
        pipe = "\n    | " if self.chance(5) else " | "
        return pipe.join(self.chain(count, _DEPTH))

    def _input(self) -> Value:
        form = self.whole(0, 14)
        if form < 6:
            return Value((self.pick((3, 4, 1, 6)), self.whole(1, 12), self.whole(1, 9)))
        if form == 13:
            return Value((self.whole(1, 24),))
        if form == 14:
            return Value((self.whole(1, 5), self.pick((8, 4, 6, 12, 5))))
        if form == 6:
            sizes = (self.pick((2, 4)), self.whole(1, 5), self.whole(1, 6), 4)
            return Value(sizes)
        if form == 7:
            return Value((self.pick((3, 4)), "H", self.pick(("W", "H2", "W"))))
        if form == 8:
            return Value(("T",), "int")
        if form == 9:
            return Value(("S", self.pick((8, 6))))
        if form in (10, 12):
            return Value((self.whole(1, 6),), self.pick(("int", "int", "int", "bool")))
        return Value((self.pick((4, 8)), "W"))

    def _asserted_symbols(self, inputs: list[Value]) -> list[str]:
        symbols = [s for v in inputs for s in v.sizes if isinstance(s, str)]
        if not symbols or not self.chance(3):
            return []
        return [f"assert {self.pick(symbols)} % 2 == 0"]

    def _together(self, inputs: list[tuple[str, Value]]) -> list[str]:
        """Lines in which all inputs come together."""
        value = inputs[0][1]
        if all(other == value for _, other in inputs) and value.dtype == "float":
            names = ", ".join(name for name, _ in inputs)
            return [f"{self.pick(('add', 'mul'))}({names})"]
        lines: list[str] = []
        ends: list[str] = []
        total = 0
        for name, given in inputs:
            text, length = self._vector(given)
            end = self.label(plain=True)
            lines += [f"{name} | {text}", f"{end}: id"]
            ends.append(end)
            total += length
        self.value = Value((total,))
        return [*lines, f"concat({', '.join(ends)})"]

    def _vector(self, given: Value) -> tuple[str, int]:
        """Stages that make a vector of real numbers of an input, and its length."""
        self.value = given
        stages: list[str] = []
        if given.dtype == "bool":
            # Truth values count nothing; they tell where something is.
            length = given.numbers[0]
            stages.append(f"attention(buffer {length} 4 value=(ax0), id) 2")
            self.value = Value((length, 4))
        if given.dtype == "int":
            if self.chance(2):
                stages.append("index(param 9 4 init=normal, id)")
            else:
                name = self.label(plain=True)
                stages.append(f"{name}: embedding 9 4")
                self.body.tables.append((name, 9, 4))
            self.value = Value((*given.sizes, 4))
        stages += self.chain(self.whole(0, 2), 1)
        value = self.value
        kept = next(
            (at for at, size in enumerate(value.sizes) if isinstance(size, int)), 0
        )
        if value.rank > 1 and kept == 0 and is_map(value) and self.chance(2):
            stages.append(self.pick(("gap", "gmp")))
        elif value.rank > 1:
            gone = [value.names(at)[0] for at in range(value.rank) if at != kept]
            stages.append(f"mean {' '.join(gone)}")
        size = value.sizes[kept]
        if isinstance(size, str):
            stages.append("slice 0 1")
            size = 1
        return " | ".join(stages or ["id"]), size

    def _end(self) -> list[str]:
        form = self.whole(0, 7)
        value = self.value
        if form < 5 or value.dtype != "float":
            return []
        if form == 5:
            # The label of a last stage would be the output's name.
            self.body = self.body.inner(unlabelled=True)
            first, _ = self.branch(1, None, here=True)
            second, _ = self.branch(1, None, here=True)
            return [f"output({first} | tanh, {second} | tanh)"]
        first, _ = self.branch(1, None, here=True)
        second, _ = self.branch(1, None)
        training = self.pick(("", " if training"))
        tail = self.pick(("", " dict"))
        return [f"output(main={first}, aux={second}{training}){tail}"]

    def _assertions(self, symbols: bool) -> list[str]:
        lines = []
        if self.chance(5):
            lines.append(self.pick(("assert params >= 0", "assert layers < 10**6")))
        if self.chance(8):
            # The sign of a long formula is not always found.
            counted = "layers" if symbols else "macs"
            lines.append(f"assert trainable == params and {counted} >= 0")
        return lines

    def _as_net(
        self, definition: Definition, lines: list[str], bare: bool
    ) -> list[str]:
        params = definition.params
        inside = "\n".join(f"  {line}" for line in lines)
        if not params and bare and self.chance(6):
            return ["\n".join(lines)]
        if params and self.chance(4):
            # Another net gives the values.
            keys = [f"{param.name}={param.value}" for param in params]
            for param in params:
                param.required = self.chance(2)
            needed = sorted(params, key=lambda param: not param.required)
            signature = "".join(f" {written(param)}" for param in needed)
            tail = self.pick(("", " { assert params >= 0 }"))
            return [
                f"net general{signature} {{\n{inside}\n}}",
                f"net top = general {' '.join(keys)}{tail}",
            ]
        signature = "".join(f" {written(param)}" for param in params)
        return [f"net top{signature} {{\n{inside}\n}}"]

    # The text

    def _commented(self, text: str) -> str:
        """With comments and empty lines, sometimes."""
        if not self.chance(3):
            return text
        lines = text.split("\n")
        for _ in range(self.whole(1, 3)):
            at = self.whole(0, len(lines) - 1)
            comment = self.pick(("# why", "#", "#  a | b {", '# "x', "# é → ×"))
            form = self.whole(0, 2)
            if form == 0 and "#" not in lines[at]:
                lines[at] += f"  {comment}"
            elif form == 1:
                lines.insert(at, comment)
            else:
                lines.insert(at, "")
        return "\n".join(lines)


def _shape(value: Value) -> str:
    sizes = value.sizes
    # A symbol of two characters does not stand in `3xH2xW`.
    apart = any(isinstance(size, str) and len(size) > 1 for size in sizes)
    shape = " ".join(map(str, sizes)) if apart else text_of(sizes)
    return shape if value.dtype == "float" else f"{shape} {value.dtype}"


def _unmarked(text: str, marks: list[Mark]) -> Written:
    parts: list[str] = []
    found: list[tuple[int, Mark]] = []
    at = length = 0
    for match in _MARKS.finditer(text):
        part = text[at : match.start()]
        parts.append(part)
        length += len(part)
        found.append((length, marks[int(match.group(1))]))
        at = match.end()
    parts.append(text[at:])
    return Written("".join(parts), tuple(found))
