"""Which stages of one body are those of another: a longest common subsequence.

Stages with equal labels or equal content belong together, and those of one kind may.
The order counts: what has moved is gone in one place and new in the other.
"""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diff.content import arguments
from archdsl.ir.network import Module
from archdsl.ir.outline import Item
from archdsl.tuples import NamedTuple

# So many pairs of stages are weighed in one body; of more, only equal ones are found.
MAX_PAIRS = 250_000

# How well two stages go together: the same, renamed, changed, and of one sort at least.
_SAME, _RENAMED, _LABEL, _OTHER_KIND, _KIND, _WEAK = 100, 80, 70, 50, 40, 15


class Entry(NamedTuple):
    """A stage of a body: its item, the number of its node, and its content."""

    item: Item
    at: int
    content: int


class Pair(NamedTuple):
    """A stage before and after; None where there is none."""

    old: Entry | None
    new: Entry | None


def align(old: Sequence[Entry], new: Sequence[Entry]) -> list[Pair]:
    """Both bodies in one order."""
    begin = 0
    while begin < min(len(old), len(new)) and _are_same(old[begin], new[begin]):
        begin += 1
    end = 0
    most = min(len(old), len(new)) - begin
    while end < most and _are_same(old[-1 - end], new[-1 - end]):
        end += 1
    first = [Pair(a, b) for a, b in zip(old[:begin], new[:begin], strict=True)]
    a, b = len(old) - end, len(new) - end
    last = [Pair(a, b) for a, b in zip(old[a:], new[b:], strict=True)]
    return [*first, *_between(old[begin:a], new[begin:b]), *last]


def _are_same(a: Entry, b: Entry) -> bool:
    return a.content == b.content and a.item.label == b.item.label


def _between(old: Sequence[Entry], new: Sequence[Entry]) -> list[Pair]:
    if not old or not new:
        return [Pair(a, None) for a in old] + [Pair(None, b) for b in new]
    if len(old) * len(new) > MAX_PAIRS:
        return _in_parts(old, new)
    return _weighed(old, new)


def _in_parts(old: Sequence[Entry], new: Sequence[Entry]) -> list[Pair]:
    """Of very long bodies: what is equal first, then what stands between."""
    from difflib import SequenceMatcher

    before, after = (
        [(each.item.label, each.content) for each in side] for side in (old, new)
    )
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    blocks = matcher.get_matching_blocks()
    found: list[Pair] = []
    a = b = 0
    for block in blocks:
        left, right = old[a : block.a], new[b : block.b]
        if len(left) * len(right) > MAX_PAIRS:
            found += [Pair(each, None) for each in left]
            found += [Pair(None, each) for each in right]
        else:
            found += _between(left, right)
        a, b = block.a + block.size, block.b + block.size
        same = zip(old[block.a : a], new[block.b : b], strict=True)
        found += [Pair(one, two) for one, two in same]
    return found


def _weighed(old: Sequence[Entry], new: Sequence[Entry]) -> list[Pair]:
    """The pairs whose likeness is the largest in all, after Needleman and Wunsch."""
    likes: dict[tuple[int, int], int] = {}
    best = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in range(len(old) - 1, -1, -1):
        row, below = best[i], best[i + 1]
        for j in range(len(new) - 1, -1, -1):
            like = likes[i, j] = likeness(old[i], new[j])
            row[j] = max(below[j], row[j + 1], like and below[j + 1] + like)
    found: list[Pair] = []
    i = j = 0
    while i < len(old) and j < len(new):
        like = likes[i, j]
        if like and best[i][j] == best[i + 1][j + 1] + like:
            found.append(Pair(old[i], new[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            found.append(Pair(old[i], None))
            i += 1
        else:
            found.append(Pair(None, new[j]))
            j += 1
    found += [Pair(a, None) for a in old[i:]]
    return found + [Pair(None, b) for b in new[j:]]


def likeness(a: Entry, b: Entry) -> int:
    """How well two stages go together; 0 if not at all."""
    one, two = a.item, b.item
    labelled = one.label is not None and one.label == two.label
    if a.content == b.content:
        return _SAME if one.label == two.label else _RENAMED
    if one.stage.kind == two.stage.kind:
        shared = _agreement(one, two)
        return (_LABEL if labelled else _KIND) + shared - 5 * (one.label != two.label)
    if labelled:
        return _OTHER_KIND
    if one.label is not None and two.label is not None:
        return 0
    return _WEAK if _look(one) == _look(two) else 0


def _agreement(a: Item, b: Item) -> int:
    """How many of the arguments are equal, in tenths."""
    one, two = arguments(a), arguments(b)
    names = {*one, *two}
    same = sum(name in one and name in two and one[name] == two[name] for name in names)
    return 10 * same // len(names) if names else 10


def _look(item: Item) -> str:
    """What kind of operation a layer is; a block is like no layer."""
    target = item.stage.target
    return "block" if isinstance(target, Module) else target.layer.look
