"""The shape that leaves each line, to be shown at its end."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from archdsl.editor.analysis import Analysis
from archdsl.editor.document import Document
from archdsl.editor.trace import Seen
from archdsl.editor.tree import flowing
from archdsl.shapes.tensor import TensorType
from archdsl.syntax import nodes as n
from archdsl.syntax.lexer import OPENERS
from archdsl.tuples import NamedTuple

# Behind these, a value does not flow on.
_OPEN = frozenset(("COMMA", *OPENERS))
# So many shapes are shown behind a line, and when it is pointed at.
_SHOWN, _TOLD = 3, 20


class LineHint(NamedTuple):
    """What is shown behind the last word of a line, which begins at `start`.

    `insert` is what a person would write to claim it, if it can be claimed.
    """

    start: int
    offset: int
    text: str
    more: str = ""
    insert: str = ""


def shape_text(tensor: TensorType) -> str:
    """A shape, and what it holds if that is no real numbers."""
    held = "" if tensor.dtype == "float" else f" {tensor.dtype}"
    return f"{tensor}{held}"


def line_hints(analysis: Analysis) -> tuple[LineHint, ...]:
    """The hints of a text that could be gone through, one for each line at most."""
    if analysis.tree is None or analysis.trace is None:
        return ()
    lines = _words_of_lines(analysis)
    wrong = {
        d.span.start
        for d in analysis.diagnostics
        if d.span is not None and d.span.source is analysis.source
    }
    found: dict[int, n.Stage | n.Line] = {}
    starts = analysis.source.line_starts
    for node in flowing(analysis.tree):
        line = bisect_right(starts, node.end) - 1
        best = found.get(line)
        if best is None or (node.end, -node.start) > (best.end, -best.start):
            found[line] = node
    hints = []
    for line, node in sorted(found.items()):
        start, end, last = lines[line]
        if last in _OPEN:
            # What ended here does not flow on to the next line.
            continue
        seen = analysis.trace.of(node)
        broken = any(node.start <= at < max(node.end, node.start + 1) for at in wrong)
        hint = _hint(node, seen, start, end, broken)
        if hint is not None and not _is_said(node, hint, analysis):
            hints.append(hint)
    return tuple(hints)


def hints_within(document: Document, start: int, end: int) -> list[LineHint]:
    """The hints of a stretch of a text, as far as what they stand on is unchanged."""
    view = document.good
    if view is None:
        return []
    analysis, moved = view.analysis, view.moved
    hints, offsets = analysis.hints, analysis.hint_offsets
    first = bisect_left(offsets, min(moved.back(start), start))
    last = bisect_right(offsets, max(moved.back(end), end))
    if not moved.stretches():
        return list(hints[first:last])
    found: list[LineHint] = []
    before, now = analysis.source.text, document.text
    for hint in hints[first:last]:
        begin = moved.forth(hint.start)
        if begin is None:
            continue
        offset = begin + hint.offset - hint.start
        # A line that is being written has no shape yet.
        if (
            start <= offset <= end
            and now[begin:offset] == before[hint.start : hint.offset]
            and (begin == 0 or now[begin - 1].isspace())
            and not _goes_on(now[offset : offset + 1])
        ):
            found.append(hint._replace(start=begin, offset=offset))
    return found


def _goes_on(character: str) -> bool:
    return character.isalnum() or (character in "_=.([" and character != "")


def _words_of_lines(analysis: Analysis) -> dict[int, tuple[int, int, str]]:
    """Where the first word of each line begins, where its last one ends, and its kind.

    A comment is no word.
    """
    tokens = analysis.tokens
    starts = analysis.source.line_starts
    found: dict[int, tuple[int, int, str]] = {}
    for kind, start, end in zip(tokens.kinds, tokens.starts, tokens.ends, strict=True):
        if kind not in ("NEWLINE", "$END"):
            line = bisect_right(starts, start) - 1
            first = found[line][0] if line in found else start
            found[line] = first, end, kind
    return found


def _hint(
    node: n.Stage | n.Line,
    seen: tuple[Seen, ...],
    start: int,
    offset: int,
    broken: bool,
) -> LineHint | None:
    shapes: dict[str, None] = {}
    for each in seen:
        outputs = each.outputs or ((each.leaves,) if each.leaves else ())
        if outputs:
            shapes[", ".join(map(shape_text, outputs))] = None
    texts = list(shapes)
    if not texts:
        return (
            LineHint(start, offset, "→ ?", "not known: see what is wrong here")
            if (broken and seen)
            else None
        )
    if len(texts) == 1:
        insert = ""
        if isinstance(node, n.Stage) and _can_be_claimed(node, seen, offset):
            insert = f" -> {texts[0]}"
        return LineHint(start, offset, f"→ {texts[0]}", "", insert)
    shown = " or ".join(texts[:_SHOWN])
    if len(texts) > _SHOWN:
        shown += f" or {len(texts) - _SHOWN} more"
    told = "\n".join(f"- `{text}`" for text in texts[:_TOLD])
    if len(texts) > _TOLD:
        told += f"\n- and {len(texts) - _TOLD} more"
    return LineHint(
        start, offset, f"→ {shown}", f"{len(texts)} shapes leave this line:\n\n{told}"
    )


def _can_be_claimed(node: n.Stage, seen: tuple[Seen, ...], offset: int) -> bool:
    """Whether `-> SHAPE` can be written behind a stage."""
    if node.asserted is not None or node.end != offset or seen[0].outputs:
        return False
    leaves = seen[0].leaves
    return (
        leaves is not None
        and leaves.dtype == "float"
        and all(isinstance(size, int) for size in leaves.sizes)
    )


def _is_said(node: n.Stage | n.Line, hint: LineHint, analysis: Analysis) -> bool:
    """Whether the text itself ends in the shape."""
    if not isinstance(node, n.Stage) or node.asserted is None:
        return False
    said = analysis.source.text[node.asserted.start : node.asserted.end]
    return hint.text == f"→ {said.removeprefix('->').strip()}"
