"""Random specs that use every construct of the language together.

Most are valid; those that are not (an `add` of unequal shapes, say) are for the
caller to skip. The same seed gives the same text.
"""

from __future__ import annotations

import random

PARAMS = {
    "width": "",
    "stride": "=1",
    "deep": "=false",
    "act": "=relu",
    "last": "=tanh",
}
_USES = {
    "width": "conv width 1x1",
    "stride": "avgpool 1 s=stride",
    "deep": "relu if deep",
    "act": "act",
    "last": "last if last != false",
}


class Writer:
    """Writes one spec: some blocks, and a net called `top` that uses them."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._labels = 0
        # Inside `add` and `mul`, stages keep the shape.
        self._keeping = False
        self._blocks: list[tuple[str, list[str], int]] = []

    def spec(self) -> str:
        """The text of the spec."""
        r = self._random
        out = []
        if r.random() < 0.8:
            out.append("default conv same" + r.choice(["", " bias=false"]))
        for number in range(r.randint(0, 3)):
            name = f"unit{'abc'[number]}"
            numbered = r.random() < 0.3
            out.append(self._numbered(name) if numbered else self._block(name))
        lines = self._lines([], [], r.randint(2, 6))
        if self._blocks and r.random() < 0.5:
            # Uses of one block, those that differ one after the other.
            self._blocks = [r.choice(self._blocks)]
            calls = [self._call([], []) for _ in range(r.randint(3, 6))]
            lines += "\n  " + " | ".join(calls)
        out.append("net top {\n  input 8x32x32\n" + lines + "\n}")
        return "\n".join(out) + "\n"

    def _block(self, name: str) -> str:
        r = self._random
        params = [param for param in PARAMS if r.random() < 0.6]
        inputs = r.choice([1, 1, 1, 2])
        lines = self._lines(params, ["one", "two"] * (inputs - 1), r.randint(1, 4))
        for param in params:
            if param not in lines:
                lines += f"\n  {_USES[param]}"
        self._blocks.append((name, params, inputs))
        signature = "".join(f" {param}{PARAMS[param]}" for param in params)
        named = "(one, two)" if inputs == 2 else ""
        return f"block {name}{named}{signature} {{\n{lines}\n}}"

    def _numbered(self, name: str) -> str:
        """A block whose stages are called as those of an `nn.Sequential` are."""
        r = self._random
        params = [param for param in PARAMS if r.random() < 0.6]
        stride = " s=stride" if "stride" in params else ""
        width = "width" if "width" in params else "in.c"
        lines = [f"0: conv {width} 3x3{stride}", "1: bn"]
        lines += [_USES[param] for param in ("deep", "act", "last") if param in params]
        if r.random() < 0.3:
            lines.insert(r.randint(0, len(lines)), r.choice(["relu", "dropout 0.1"]))
        if r.random() < 0.3:
            lines.append(f"{r.choice([2, 3])}: {self._layer(params)}")
        if r.random() < 0.2:
            lines.append("add(id, conv id.c 1x1)")
        self._blocks.append((name, params, 1))
        signature = "".join(f" {param}{PARAMS[param]}" for param in params)
        return f"block {name}{signature} {{\n  " + "\n  ".join(lines) + "\n}"

    def _lines(self, params: list[str], labels: list[str], count: int) -> str:
        return "\n".join(f"  {self._line(params, labels, 2)}" for _ in range(count))

    def _line(self, params: list[str], labels: list[str], depth: int) -> str:
        r = self._random
        text = self._chain(params, labels, depth)
        if "last" in params and r.random() < 0.1:
            return f"{text} | last if last != false"
        if not params or r.random() > 0.35:
            return text
        conditions = ["in.c > 8", "in.c != 8"]
        conditions += ["stride > 1"] * 2 * ("stride" in params)
        conditions += ["deep"] * 3 * ("deep" in params)
        conditions += ["in.c != width"] * ("width" in params)
        conditions += ["last != false", "last == false"] * ("last" in params)
        text += f" if {r.choice(conditions)}"
        if not self._keeping and r.random() < 0.5:
            other = self._chain(params, list(labels), depth - 1)
            text += f" else {r.choice(['in', 'id', other])}"
        return text

    def _chain(self, params: list[str], labels: list[str], depth: int) -> str:
        stages = []
        for _ in range(self._random.randint(1, 4)):
            text, label = self._stage(params, labels, depth)
            stages.append(text)
            if label:
                labels.append(label)
        return " | ".join(stages)

    def _stage(
        self, params: list[str], labels: list[str], depth: int
    ) -> tuple[str, str | None]:
        r = self._random
        label = None
        if r.random() < 0.2:
            self._labels += 1
            label = f"lab_{'abcdefghij'[self._labels % 10]}{self._labels}"
        choice = r.random()
        if choice < 0.5 or depth <= 0:
            text = self._layer(params)
            if r.random() < 0.12:
                text += f" x{r.randint(1, 4)}"
        elif choice < 0.6:
            inside = self._chain(params, list(labels), depth - 1)
            if params and r.random() < 0.5:
                # Lines of their own, so that each may have a condition.
                lines = [self._line(params, list(labels), depth - 1) for _ in "abc"]
                inside = "\n    " + "\n    ".join(lines) + "\n  "
            text = "{" + inside + "}"
            if r.random() < 0.6:
                text += f" x{r.randint(1, 4)}"
        elif choice < 0.75:
            return self._merge(params, labels, depth), None
        elif self._blocks and not self._keeping:
            text = self._call(params, labels)
        else:
            text = self._layer(params)
        if label is None:
            return text, None
        if text[-2:-1] == "x" and r.random() < 0.2:
            return f'"{label}_{{i+1}}": {text}', None
        return f"{label}: {text}", label

    def _merge(self, params: list[str], labels: list[str], depth: int) -> str:
        r = self._random
        kind = r.choice(["add", "concat", "add", "mul"])
        kept, self._keeping = self._keeping, self._keeping or kind != "concat"
        inputs = []
        for _ in range(r.randint(2, 3)):
            choice = r.random()
            if choice < 0.3:
                inputs.append("id")
            elif choice < 0.4 and kind == "concat":
                inputs.append("in")
            elif choice < 0.5 and labels and r.random() < 0.3:
                inputs.append(r.choice(labels))
            else:
                inputs.append(self._line(params, labels, depth - 1))
        self._keeping = kept
        return f"{kind}({', '.join(inputs)})"

    def _call(self, params: list[str], labels: list[str]) -> str:
        r = self._random
        name, known, inputs = r.choice(self._blocks)
        args = [self._width(params)] if "width" in known else []
        if "stride" in known and r.random() < 0.5:
            args.append("stride=" + r.choice(["2", "1", "[2,1]"]))
        if "deep" in known and r.random() < 0.5:
            args.append("deep=" + r.choice(["true", "false"]))
        if "act" in known and r.random() < 0.6:
            held = ["act"] * 4 * ("act" in params)
            args.append("act=" + r.choice(["relu", "tanh", "gelu", *held]))
        if "last" in known and r.random() < 0.6:
            held = ["last"] * 4 * ("last" in params)
            args.append("last=" + r.choice(["relu", "tanh", "false", *held]))
        if "stride=[2,1]" in args or r.random() < 0.4:
            args.append(f"x{r.randint(1, 4)}")
        given = f"(id, {r.choice([*labels, 'in', 'id'])})" if inputs == 2 else ""
        return f"{name}{given} {' '.join(args)}".rstrip()

    def _width(self, params: list[str]) -> str:
        widths = [str(self._random.choice([4, 8, 8, 8, 16])), "in.c"]
        widths += ["width"] * 3 * ("width" in params)
        widths += ["2*width"] * ("width" in params)
        return self._random.choice(widths)

    def _layer(self, params: list[str]) -> str:
        r = self._random
        if self._keeping:
            layers = ["conv id.c 3x3", "conv id.c 1x1", "bn", "relu", "lrn 3"]
            layers += ["conv id.c 3x3 g=2", "dropout 0.1", "maxpool 3 s1 p1"]
            layers += ["scaled_tanh", "act" if "act" in params else "tanh"]
            return r.choice(layers)
        choice = r.random()
        if choice < 0.35:
            strides = ["", "", "", "", " s=stride" if "stride" in params else " s2"]
            kernel = r.choice(["1x1", "3x3", "3x3", "5x5"])
            groups = r.choice(["", "", "", " g=4"])
            return f"conv {self._width(params)} {kernel}{r.choice(strides)}{groups}"
        if choice < 0.5:
            return "bn"
        if choice < 0.7:
            return r.choice(["relu", "tanh", "hardswish"])
        if choice < 0.75 and "act" in params:
            return "act"
        if choice < 0.8:
            layers = ["maxpool 3 s1 p1", "avgpool 2", "lrn 3", "dropout 0.3"]
            return r.choice([*layers, "scaled_tanh"])
        return "padchannels 64" if choice < 0.85 else "relu"


def spec(seed: int) -> str:
    """The spec of that seed."""
    return Writer(seed).spec()
