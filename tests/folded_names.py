"""Names and shapes of a `state_dict`, with neighbouring copies that are alike as one.

`{"h.0-1": {"weight": "4x4"}}` stands for `h.0.weight` and `h.1.weight`. The order is
kept. Scripts in `data` write names so, and tests read them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from torch import Tensor

Shapes = dict[str, str]
Folded = dict[str, str | Shapes]

_COPY = re.compile(r"((?:.*?\.)?)(\d+)\.(.+)")


def shapes_of(tensors: Iterable[tuple[str, Tensor]]) -> Shapes:
    """The names with their shapes, such as `4x4`."""
    return {name: "x".join(map(str, tensor.shape)) for name, tensor in tensors}


def folded(shapes: Shapes) -> Folded:
    """The shapes with each run of copies that are alike written once."""
    runs: list[tuple[str, int, int, Shapes]] = []
    found: list[str | int] = []
    last: tuple[str, int] | None = None
    for name, shape in shapes.items():
        match = _COPY.fullmatch(name)
        if match is None:
            found.append(name)
            last = None
            continue
        place, number, rest = match[1], int(match[2]), match[3]
        if last != (place, number):
            found.append(len(runs))
            runs.append((place, number, number, {}))
            last = (place, number)
        runs[-1][3][rest] = shape
    result: Folded = {}
    open_run: tuple[str, int, int, Shapes] | None = None
    for entry in found:
        run = runs[entry] if isinstance(entry, int) else None
        if (
            open_run is not None
            and run is not None
            and (run[0], run[1] - 1, run[3]) == (open_run[0], open_run[2], open_run[3])
        ):
            del result[_numbered(open_run)]
            run = (run[0], open_run[1], run[2], run[3])
        if run is None:
            assert isinstance(entry, str)
            result[entry] = shapes[entry]
        else:
            result[_numbered(run)] = run[3]
        open_run = run
    return result


def written_out(tensors: Folded) -> Shapes:
    """The names one by one: what `folded` was given."""
    shapes: Shapes = {}
    for name, shape in tensors.items():
        if isinstance(shape, str):
            shapes[name] = shape
            continue
        place, _, numbers = name.rpartition(".")
        first, _, last = numbers.partition("-")
        for number in range(int(first), int(last or first) + 1):
            for rest, inner in shape.items():
                shapes[".".join(filter(None, (place, str(number), rest)))] = inner
    return shapes


def _numbered(run: tuple[str, int, int, Shapes]) -> str:
    place, first, last, _ = run
    return f"{place}{first}" if first == last else f"{place}{first}-{last}"
