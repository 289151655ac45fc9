"""Random nets with several inputs and outputs, symbols, shared weights and tensors."""

from __future__ import annotations

from random_bodies import Block, Bodies, Body, Kind, Value

_BLOCK_PARAMS = {"width": "", "deep": "=false", "act": "=relu", "last": "=tanh"}
# What reads a parameter that no other stage has read.
_READS = {
    ("width", "map"): "conv width 1x1",
    ("width", "sequence"): "fc width",
    ("width", "vector"): "fc width",
    ("deep", "any"): "relu if deep",
    ("act", "any"): "act",
    ("last", "any"): "last if last != false",
}
_KINDS: tuple[Kind, ...] = ("map", "sequence", "vector")


class Nets(Bodies):
    """Writes one spec: some blocks, and a net called `top` that uses them."""

    def spec(self) -> str:
        """The text of the spec."""
        r = self.random
        written = [self._block(number) for number in range(r.randint(0, 3))]
        return "\n".join([*written, self._net()]) + "\n"

    def _block(self, number: int) -> str:
        r = self.random
        kind = r.choice(_KINDS)
        params = tuple(name for name in _BLOCK_PARAMS if r.random() < 0.5)
        inputs = r.choice([1, 1, 2])
        value = Value(kind, "in.c" if kind != "sequence" else "in.d", "given")
        body = Body(value, params)
        if inputs == 2:
            body.labels += [("one", value), ("two", value)]
        lines = []
        for _ in range(r.randint(1, 3)):
            text, value = self.flow(body, value, r.randint(1, 3))
            lines.append(text)
        if inputs == 2 and not any("two" in line for line in lines):
            lines[0] = f"add(id, two) | {lines[0]}"
        for name in params:
            reads = {"act": ("act",), "deep": ("if deep", "not deep")}
            words = " ".join(lines).replace("act=", "")
            if name != "width" and not any(
                read in words for read in reads.get(name, (f"{name} ",))
            ):
                lines.append(_READS[name, "any"])
        width = "width" if "width" in params else body.given.width
        if value.width != width:
            lines.append(self._back(value, value.wide(width)))
        elif "width" in params and not any("width" in line for line in lines):
            lines.append(_READS["width", kind])
        name = r.choice(["unit", "cell", "Tower"]) + "abc"[number]
        self.blocks.append(Block(name, kind, inputs, params))
        named = "(one, two)" if inputs == 2 else ""
        signature = "".join(f" {param}{_BLOCK_PARAMS[param]}" for param in params)
        inside = "\n".join(f"  {line}" for line in lines)
        return f"block {name}{named}{signature} {{\n{inside}\n}}"

    def _net(self) -> str:
        r = self.random
        params = ("width", "deep") if r.random() < 0.5 else ()
        signature = " width=8 deep=true" if params else ""
        count = r.choice([1, 1, 2, 3])
        inputs, ends, lines = [], [], []
        body: Body | None = None
        for _ in range(count):
            name = self.label()
            shape, start, value = self._input(name)
            inputs.append(f"input {name}: {shape}")
            if body is None:
                # `in` is the first input, which not every value is like.
                body = Body(Value("vector", "", "none"), params)
            first, value = self._features(body, value)
            end = self.label()
            lines.append(f"{name} | {start}{first}")
            lines.append(f"{end}: id")
            ends.append((end, value))
        assert body is not None
        together = self.label()
        merged = ", ".join(end for end, _ in ends)
        if count > 1:
            lines.append(f"concat({merged}) | {together}: fc 8")
            value = Value("vector", "8")
        else:
            value = ends[0][1]
            # The label has to be read.
            lines.append(f"add(id, {ends[0][0]})")
        text, value = self.flow(body, value, r.randint(1, 3))
        lines.append(text)
        if params:
            lines.append("{fc width | relu} if deep")
            value = value.wide("width")
        lines.append(self._output(body, value))
        asserted = ["assert H % 2 == 0"] if "xHxW" in " ".join(inputs) else []
        if asserted and r.random() < 0.5:
            asserted = []
        inside = "\n".join(f"  {line}" for line in [*inputs, *asserted, *lines])
        return f"net top{signature} {{\n{inside}\n}}"

    def _input(self, name: str) -> tuple[str, str, Value]:
        """A shape, the stages that make numbers of it, and the value then."""
        r = self.random
        choice = r.randrange(6)
        if choice == 0:
            return "3x8x8", "", Value("map", "3", "8x8")
        if choice == 1:
            return "3xHxW", "", Value("map", "3", "HxW")
        if choice == 2:
            return "6 int", f"{self.label()}: embedding 9 8 | ", _sequence("6")
        if choice == 3:
            return "T int", "embedding 9 8 | ", _sequence("T")
        if choice == 4:
            return "Sx8", "", _sequence("S")
        return "8", "", Value("vector", "8")

    def _features(self, body: Body, value: Value) -> tuple[str, Value]:
        """Stages, and at their end a vector."""
        r = self.random
        text, value = self.flow(body, value, r.randint(1, 3))
        if value.kind == "map" and r.random() < 0.3:
            more, value = self._sequence_of(body, value)
            text += more
        if value.kind == "map":
            text += r.choice([" | gap", " | gmp", " | mean h w"])
        elif value.kind == "sequence":
            text += r.choice([" | mean t", " | take -1 t", " | amax t"])
        return text, Value("vector", value.width)

    def _sequence_of(self, body: Body, value: Value) -> tuple[str, Value]:
        length = "64" if value.places == "8x8" else f"of {value.places}"
        made = _sequence(length).wide(value.width)
        text, made = self.flow(body, made, self.random.randint(1, 2))
        return f" | tokens | {text}", made

    def _output(self, body: Body, value: Value) -> str:
        r = self.random
        named = r.random() < 0.6
        form = " dict" if named and r.random() < 0.4 else ""
        parts = []
        for number in range(r.randint(1, 3)):
            inner = body.inner(True)
            text = self.chain(inner, value, r.randint(1, 2), 1)
            training = number > 0 and r.random() < 0.5
            # A word alone would name the output.
            text = text if named or " " in text else f"{text} | relu"
            key = f"{self.label()}=" if named else ""
            parts.append(f"{key}{text}{' if training' if training else ''}")
        return f"output({', '.join(parts)}){form}"


def _sequence(length: str) -> Value:
    return Value("sequence", "8", f"length {length}")


def spec(seed: int) -> str:
    """The spec of that seed."""
    return Nets(seed).spec()
