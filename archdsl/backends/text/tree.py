"""Picture to a tree of scopes, for terminals.

It has the boxes and frames of a diagram, and takes the options of one. Each row counts
all copies that there are of it, those of the scopes around it included, so that the
columns add up.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from archdsl.backends.diagram import words
from archdsl.backends.diagram.options import SHOWN, Options
from archdsl.backends.diagram.picture import Box, Frame
from archdsl.backends.diagram.plan import plan
from archdsl.backends.text.wording import formula_text, shortened, visible
from archdsl.ir.network import Cost, Network
from archdsl.shapes.size import Size

# The widest that the first column and a formula get; what is longer is cut. Of what
# lies deep, so much is shown all the same.
MAX_NAME, MIN_NAME = 64, 24
MAX_FORMULA = 40

# A tree has room for all that can be told.
EVERYTHING = Options(show=SHOWN)

_HEADS = {"shapes": "shape", "params": "params", "macs": "MACs"}

_FOOT = "Numbers are for all copies of a row; ×n is how many the scope around it has."

# What stands for signs that are not ASCII.
_ASCII = str.maketrans(
    {
        **{"├": "|", "└": "`", "│": "|", "─": "-", "×": "x", "–": "-", "…": "..."},
        **{"·": "*", "→": "->", "⌈": "ceil(", "⌉": ")", "−": "-", "‖": "||"},
        **{"‘": "'", "’": "'", "‼": "!!", "≠": "!="},
    }
)


class Row(NamedTuple):
    """A box, or a frame with what is in it below it.

    `branch` are the lines that lead to it. `cost` is that of all copies; what is
    computed in training only is not in it. `leaf` tells that nothing is below.
    """

    branch: str
    text: str
    times: int
    shape: str
    cost: Cost
    leaf: bool


def tree(
    network: Network,
    source_name: str | None = None,
    *,
    options: Options = EVERYTHING,
    ascii_only: bool = False,
) -> str:
    """The network as a tree, in lines that end with a newline.

    `show` chooses the columns. Raises what `plan` raises.
    """
    found = list(rows(network, source_name, options))
    heads = ["", "", *(_HEADS[name] for name in SHOWN if name in options.show)]
    last = ["total", "", *_told("", network.root.cost, options)]
    cells = [heads, *(_cells(row, options) for row in found), last]
    if ascii_only:
        cells = [[_ascii(cell) for cell in line] for line in cells]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    right = [at != 0 and heads[at] != "shape" for at in range(len(heads))]
    lines = [_line(line, widths, right) for line in cells]
    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    head = [f"{words.short(network.name)}: {words.totals(network)}".removeprefix(": ")]
    if "shapes" in options.show:
        head.append(f"shapes: {words.order(network, options)}")
    head += [*words.needs(network), ""]
    foot = []
    if any(row.times > 1 for row in found):
        foot = ["", _FOOT]
    body = lines[1:-1]
    if len(heads) > 2:
        body = [lines[0], rule, *body]
    if "params" in options.show or "macs" in options.show:
        body += [rule, lines[-1]]
    text = "\n".join(visible(line) for line in (*head, *body, *foot)) + "\n"
    return "".join(map(_ascii, text.splitlines(True))) if ascii_only else text


def rows(
    network: Network, source_name: str | None = None, options: Options = EVERYTHING
) -> Iterator[Row]:
    """The rows of the tree, those of a scope after its own."""
    root = plan(network, source_name, options).root
    costs: dict[str, Cost] = {}
    _add_up(root, costs)
    # What is still to come of each scope, with what stands before its rows.
    stack = [(iter(_shown(root)), "", len(_shown(root)), False)]
    while stack:
        rest, before, left, training = stack.pop()
        item = next(rest, None)
        if item is None:
            continue
        stack.append((rest, before, left - 1, training))
        top = len(stack) == 1
        branch = "" if top else before + ("└─ " if left == 1 else "├─ ")
        trained = ", in training" * (item.training and not training)
        if isinstance(item, Box):
            # There are no edges here: what one carries in vain is told by its head.
            said = [*item.lines[:-1], item.fault] if item.fault else item.lines
            text = " · ".join(said) + trained * (item.shape != "end")
            out = item.out if item.state == "checked" else item.out or "?"
            yield Row(branch, text, item.times, out, item.cost, True)
            continue
        title = item.items[0]
        assert isinstance(title, Box)
        text = (title.lines[0] or "{…}") + trained
        yield Row(branch, text, item.times, title.out, costs[item.id], False)
        inside = _shown(item)
        below = "" if top else before + ("   " if left == 1 else "│  ")
        stack.append((iter(inside), below, len(inside), item.training))


def _shown(frame: Frame) -> list[Box | Frame]:
    """What is in a frame, without its title and without mere joints of edges."""
    return [
        item
        for item in frame.items
        if isinstance(item, Frame) or item.shape not in ("title", "fork")
    ]


def _add_up(frame: Frame, costs: dict[str, Cost]) -> Cost:
    total = Cost()
    for item in frame.items:
        total = total.plus(item.cost if isinstance(item, Box) else _add_up(item, costs))
    costs[frame.id] = total
    return total


def _cells(row: Row, options: Options) -> list[str]:
    text = shortened(row.text, max(MAX_NAME - len(row.branch), MIN_NAME))
    times = f"×{row.times:,}" if row.times > 1 else ""
    return [row.branch + text, times, *_told(row.shape, row.cost, options)]


def _told(shape: str, cost: Cost, options: Options) -> list[str]:
    told = {
        "shapes": shape,
        "params": _number(cost.params),
        "macs": _number(cost.macs),
    }
    return [told[name] for name in SHOWN if name in options.show]


def _number(number: Size) -> str:
    return formula_text(number, MAX_FORMULA) if number != 0 else ""


def _line(cells: list[str], widths: list[int], right: list[bool]) -> str:
    aligned = []
    for cell, width, at_right in zip(cells, widths, right, strict=True):
        blank = " " * (width - _width(cell))
        aligned.append(blank + cell if at_right else cell + blank)
    return "  ".join(aligned).rstrip()


def _width(text: str) -> int:
    """How many columns a terminal needs for it."""
    return sum(
        0
        if unicodedata.combining(c)
        else 1 + (unicodedata.east_asian_width(c) in ("W", "F"))
        for c in text
    )


def _ascii(text: str) -> str:
    """The text in ASCII."""
    plain = text.translate(_ASCII)
    return plain.encode("ascii", "backslashreplace").decode("ascii")
