"""Ways through a syntax tree."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.syntax import nodes as n


def bodies(tree: n.File) -> Iterator[n.Body]:
    """The bodies of all nets and blocks."""
    for item in tree.items:
        if isinstance(item, n.Net | n.Block):
            yield item.body


def flowing(tree: n.File) -> Iterator[n.Stage | n.Line]:
    """All stages, and the lines with a condition: whatever a value leaves."""
    for body in bodies(tree):
        yield from _of_body(body)


def _of_body(body: n.Body) -> Iterator[n.Stage | n.Line]:
    for line in body.lines:
        if isinstance(line, n.Line):
            yield from _of_line(line)


def _of_line(line: n.Line) -> Iterator[n.Stage | n.Line]:
    if line.condition is not None:
        yield line
    for chain in (line.chain, line.otherwise):
        for stage in chain.stages if chain else ():
            yield stage
            if isinstance(stage.atom, n.Group):
                yield from _of_body(stage.atom.body)
                continue
            for given in stage.atom.inputs or ():
                yield from _of_line(given)


def item_at(tree: n.File, offset: int) -> n.Item | None:
    """The definition that an offset stands in."""
    for item in tree.items:
        if item.start <= offset <= item.end:
            return item
    return None


def stage_at(tree: n.File, offset: int) -> n.Stage | None:
    """The innermost stage that an offset stands in."""
    item = item_at(tree, offset)
    found: n.Stage | None = None
    body = item.body if isinstance(item, n.Net | n.Block) else None
    while body is not None:
        stage, body = _stage_in(body, offset)
        found = stage or found
    return found


def _stage_in(body: n.Body, offset: int) -> tuple[n.Stage | None, n.Body | None]:
    """The stage of a body at an offset, and the body in it to look through next."""
    lines: list[n.Line] = [line for line in body.lines if isinstance(line, n.Line)]
    found: n.Stage | None = None
    while lines:
        line = next((x for x in lines if x.start <= offset <= x.end), None)
        lines = []
        for chain in (line.chain, line.otherwise) if line else ():
            for stage in chain.stages if chain else ():
                if not stage.start <= offset <= stage.end:
                    continue
                found = stage
                if isinstance(stage.atom, n.Group):
                    within = stage.atom.body
                    if within.start <= offset <= within.end:
                        return found, within
                else:
                    lines = list(stage.atom.inputs or ())
    return found, None
