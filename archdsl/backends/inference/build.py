"""The body of a part's `__init__`: how each child gets its weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archdsl.backends.inference.lower import Lowered
from archdsl.backends.inference.parts_of import PARTS
from archdsl.backends.torch import code as c
from archdsl.backends.torch.constructor import Constructor
from archdsl.backends.torch.formula import quoted
from archdsl.backends.torch.planned import (
    MismatchError,
    Planned,
    PlannedChoice,
    PlannedRepeat,
    PlannedStage,
    PlannedTraining,
)
from archdsl.ops.form import Attribute

_WEIGHTS = c.Text("weights")


class Builder(Constructor):
    """Writes how the children of one class are built of `weights`."""

    def __init__(
        self, lowered: Lowered, overwriting: set[int], *args: Any, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._lowered = lowered
        self._overwriting = overwriting

    def lines(self, nodes: list[Planned], indent: int) -> list[str]:
        """The assignments that build the children of these nodes."""
        found: list[str] = []
        for node in nodes:
            assert not isinstance(node, PlannedChoice | PlannedTraining)
            if node.shared:
                continue
            if isinstance(node, PlannedStage) and node.attribute is not None:
                found += self.tensor(node, node.attribute, indent)
            elif isinstance(node, PlannedRepeat) or not self.is_functional(node):
                found += c.assign(f"self.{node.name}", self.module(node), indent)
        return found

    def tensor(
        self, stage: PlannedStage, attribute: Attribute, indent: int
    ) -> list[str]:
        """The statement that makes a tensor of the module itself."""
        if attribute.persistent:
            path = c.Text(quoted(self._path(stage)))
            code = c.Call(c.Text("weights.tensor"), (path,))
        else:
            made = Constructor.module(self, stage)
            assert isinstance(made, c.Call)
            code = c.Call(c.Text("weights.cast"), made.arguments)
        return c.assign(f"self.{stage.name}", code, indent)

    def module(self, node: PlannedStage | PlannedRepeat) -> c.Code:
        """The expression that builds a child of its weights."""
        if isinstance(node, PlannedRepeat):
            return self._copied(node)
        return self._of(node, c.Text(quoted(self._path(node))))

    def _path(self, node: PlannedStage) -> str:
        paths = {self._lowered.paths[id(stage)] for stage in node.stages.values()}
        if len(paths) != 1:
            raise MismatchError
        return paths.pop()

    def _of(self, stage: PlannedStage, path: c.Code) -> c.Code:
        """A child of the weights under `path`, which is Python already."""
        code = Constructor.module(self, stage)
        assert isinstance(code, c.Call)
        if stage.site is None:
            inside = c.Call(c.Text("weights.at"), (path,))
            return c.Call(code.function, (inside, *code.arguments))
        function = c.flat(code.function)
        if function in PARTS.values():
            arguments = (_WEIGHTS, path, *code.arguments)
            if all(id(each) in self._overwriting for each in stage.stages.values()):
                arguments = (*arguments, c.Keyword("overwrite", c.Text("True")))
            return c.Call(code.function, arguments)
        if function == "weights.call":
            return c.Call(code.function, (path, *code.arguments))
        whole = any(id(each) in self._lowered.whole for each in stage.stages.values())
        called = "weights.module" if whole else "weights.call"
        return c.Call(c.Text(called), (path, code))

    def _copied(self, repeat: PlannedRepeat) -> c.Code:
        """The copies of a repeat, as a list."""
        if repeat.lengths is not None:
            raise MismatchError
        path = self._path(repeat.runs[0].stage)
        items: list[c.Code] = []
        counts = [self._count(run.counts) for run in repeat.runs]
        begin = at = 0
        while at < len(repeat.runs):
            stage = repeat.runs[at].stage
            counted = c.Text(f'f"{_braced(path)}.{{i}}"')
            code, end, at = self._of(stage, counted), begin + counts[at], at + 1
            while at < len(counts) and code == self._of(repeat.runs[at].stage, counted):
                end, at = end + counts[at], at + 1
            if end == begin + 1:
                items.append(self._of(stage, c.Text(quoted(f"{path}.{begin}"))))
            else:
                span = f"{begin}, {end}" if begin else str(end)
                numbers = c.Call(c.Text("range"), (c.Text(span),))
                items.append(c.Star(c.Comprehension(code, "i", numbers)))
            begin = end
        if len(items) == 1 and isinstance(items[0], c.Star):
            return items[0].items
        return c.Listing(tuple(items))

    def _count(self, counts: Mapping[int, tuple[int, object]]) -> int:
        numbers = {count for count, _ in counts.values()}
        if len(numbers) != 1:
            raise MismatchError
        return numbers.pop()


def _braced(path: str) -> str:
    """A path as it stands in an f-string."""
    return quoted(path)[1:-1].replace("{", "{{").replace("}", "}}")
