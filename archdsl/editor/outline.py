"""The outline of a text, and what can be folded in it."""

from __future__ import annotations

from archdsl.editor.analysis import Analysis
from archdsl.editor.document import Document, View
from archdsl.editor.inlay import shape_text
from archdsl.syntax import nodes as n
from archdsl.syntax.lexer import CLOSERS, OPENERS
from archdsl.tuples import NamedTuple


class Entry(NamedTuple):
    """A definition or label: `kind` is net, block, extern or label."""

    kind: str
    name: str
    detail: str
    start: int
    end: int
    name_start: int
    name_end: int
    children: tuple[Entry, ...] = ()


def outline(document: Document) -> list[Entry]:
    """The definitions with their labels, of the text as it could last be read."""
    view = document.good or document.last
    if view is None or view.analysis.tree is None:
        return []
    found = []
    for item in view.analysis.tree.items:
        entry = _item(item, view.analysis)
        moved = _moved(entry, view, len(document.text)) if entry is not None else None
        if moved is not None:
            found.append(moved)
    return found


def _moved(entry: Entry, view: View, length: int) -> Entry | None:
    forth = view.moved.forth
    start, name = forth(entry.start), forth(entry.name_start)
    if start is None or name is None:
        return None
    last = forth(entry.end - 1) if entry.end > entry.start else start
    name_end = min(name + entry.name_end - entry.name_start, length)
    end = max(name_end, length if last is None else min(last + 1, length))
    children = (_moved(child, view, length) for child in entry.children)
    return entry._replace(
        start=start,
        end=end,
        name_start=name,
        name_end=name_end,
        children=tuple(child for child in children if child is not None),
    )


def _item(item: n.Item, analysis: Analysis) -> Entry | None:
    if isinstance(item, n.Default | n.Use):
        return None
    name = item.name
    detail, kind = "", type(item).__name__.lower()
    if isinstance(item, n.Family):
        kind, detail = "net", f"= {item.base.name}"
    children: tuple[Entry, ...] = ()
    if isinstance(item, n.Net | n.Block):
        children = tuple(_labels(item.body, analysis))
    if isinstance(item, n.Net | n.Family):
        network = analysis.networks.get(name.name)
        if network is not None:
            flow = f"→ {shape_text(network.root.type)}"
            detail = f"{detail} {flow}, {network.root.cost.params:,} parameters".strip()
    start, end = (name.start, name.end) if name.name else (item.start, item.start + 1)
    shown = name.name or "(unnamed)"
    return Entry(kind, shown, detail, item.start, item.end, start, end, children)


def _labels(body: n.Body, analysis: Analysis) -> list[Entry]:
    found: list[Entry] = []
    for line in body.lines:
        if isinstance(line, n.Line):
            for chain in (line.chain, line.otherwise):
                for stage in chain.stages if chain else ():
                    found += _stage(stage, analysis)
    return found


def _stage(stage: n.Stage, analysis: Analysis) -> list[Entry]:
    inner = (
        _labels(stage.atom.body, analysis) if isinstance(stage.atom, n.Group) else []
    )
    label = stage.label
    if label is None or label.start > stage.atom.start:
        return inner
    seen = analysis.trace.of(stage) if analysis.trace is not None else ()
    shapes = dict.fromkeys(shape_text(each.leaves) for each in seen if each.leaves)
    detail = f"→ {' or '.join(list(shapes)[:3])}" if shapes else ""
    start, end = label.start, label.end
    return [
        Entry(
            "label",
            label.name,
            detail,
            stage.start,
            stage.end,
            start,
            end,
            tuple(inner),
        )
    ]


def folds(document: Document) -> list[tuple[int, int, bool]]:
    """Lines, counted from 0, that can be folded: from, to, and whether a comment.

    They are those of the text as it is, be it understood or not.
    """
    view = document.last
    if view is None or view.moved.stretches():
        # An editor asks again when the text was looked at.
        return []
    tokens = view.analysis.tokens
    opened: list[int] = []
    found: list[tuple[int, int, bool]] = []
    for kind, start in zip(tokens.kinds, tokens.starts, strict=True):
        if kind in OPENERS:
            opened.append(start)
        elif kind in CLOSERS and opened:
            first, last = document.line_of(opened.pop()), document.line_of(start)
            # The line with the closing bracket stays.
            if last - 1 > first:
                found.append((first, last - 1, False))
    return sorted({*found, *_comments(document)})


def _comments(document: Document) -> list[tuple[int, int, bool]]:
    found: list[tuple[int, int, bool]] = []
    first: int | None = None
    count = len(document.line_starts)
    for number in range(count + 1):
        line = document.line(number) if number < count else ""
        if line.lstrip().startswith("#"):
            first = number if first is None else first
        else:
            if first is not None and number - 1 > first:
                found.append((first, number - 1, True))
            first = None
    return found
