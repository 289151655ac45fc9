"""What is wrong with the geometry of a picture of volumes, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from archdsl.backends.volumes.scene import Body, Box, Line, Point, Scene

# What rounding may shift.
SLACK = 0.3


def corners(box: Box) -> tuple[Point, ...]:
    left, top, right, bottom = box
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def meet(one: Sequence[Point], other: Sequence[Point]) -> bool:
    """Whether two convex shapes share more than a border."""
    for shape in (one, other):
        for (x, y), (a, b) in pairwise([*shape, shape[0]]):
            across, down = b - y, x - a
            long = (across**2 + down**2) ** 0.5
            if not long:
                continue
            first = [(p * across + q * down) / long for p, q in one]
            second = [(p * across + q * down) / long for p, q in other]
            if max(first) <= min(second) + SLACK or max(second) <= min(first) + SLACK:
                return False
    return True


def groups(made: Scene) -> list[list[Body]]:
    """Bodies that touch, which hide one another's sides."""
    found: list[list[Body]] = []
    for body in made.bodies:
        before = found[-1][-1] if found else None
        touches = (
            before is not None and abs(before.x + before.solid.thick - body.x) < SLACK
        )
        if touches:
            found[-1].append(body)
        else:
            found.append([body])
    return found


def parts(made: Scene) -> list[tuple[Body, tuple[Point, ...]]]:
    """What is seen of each body: the next of its group hides its side."""
    found = []
    for group in groups(made):
        for body in group:
            faces = {face.shade: face.points for face in body.faces()}
            found += [(body, faces[shade]) for shade in ("front", "top")]
            if body is group[-1]:
                found.append((body, faces["side"]))
            if len(body.slices) > 1:
                whole = [face for face in body.faces() if face.shade != "side"]
                found += [(body, face.points) for face in whole]
    return found


def faults(made: Scene) -> list[str]:
    """All that breaks the rules: overlaps, lines through things, things outside."""
    seen = parts(made)
    return [
        *_overlaps(made, seen),
        *_struck(made, seen),
        *_outside(made),
        *_shared(made.lines),
    ]


def _overlaps(
    made: Scene, seen: Sequence[tuple[Body, tuple[Point, ...]]]
) -> Iterator[str]:
    for (a, one), (b, other) in combinations(seen, 2):
        if a is not b and meet(one, other):
            yield f"volume {a.number} on volume {b.number}"
    for first, second in combinations(made.texts, 2):
        if meet(corners(first.box), corners(second.box)):
            yield f"`{first.text}` on `{second.text}`"
    for text in made.texts:
        for body, points in seen:
            if meet(corners(text.box), points):
                yield f"`{text.text}` on volume {body.number}"
        for swatch in made.swatches:
            if meet(corners(text.box), swatch.points):
                yield f"`{text.text}` on a swatch"


def _struck(
    made: Scene, seen: Sequence[tuple[Body, tuple[Point, ...]]]
) -> Iterator[str]:
    for line in made.lines:
        for piece in pairwise(line.points):
            for body, points in seen:
                # A line begins on the side of its volume.
                if body.number not in line.ends and meet(piece, points):
                    yield f"the line of {line.ends} through volume {body.number}"
            for text in made.texts:
                if meet(piece, corners(text.box)):
                    yield f"the line of {line.ends} through `{text.text}`"


def _shared(lines: Sequence[Line]) -> Iterator[str]:
    """Lines that share no end lie on no common piece."""
    for one, other in combinations(lines, 2):
        if set(one.ends) & set(other.ends):
            continue
        for a in pairwise(one.points):
            for b in pairwise(other.points):
                if _on_one(a, b):
                    yield f"{one.ends} and {other.ends} on one line"


def _on_one(a: tuple[Point, Point], b: tuple[Point, Point]) -> bool:
    for axis in (0, 1):
        level = {round(p[axis]) for p in (*a, *b)}
        if len(level) == 1:
            begin = max(min(p[1 - axis] for p in a), min(p[1 - axis] for p in b))
            end = min(max(p[1 - axis] for p in a), max(p[1 - axis] for p in b))
            if end - begin > 1:
                return True
    return False


def _outside(made: Scene) -> Iterator[str]:
    places = [(f"volume {b.number}", b.outline) for b in made.bodies]
    places += [(f"`{t.text}`", corners(t.box)) for t in made.texts]
    places += [(f"the line of {line.ends}", line.points) for line in made.lines]
    for name, points in places:
        for x, y in points:
            if not (0 <= x <= made.wide and 0 <= y <= made.high):
                yield f"{name} off the paper"
                break
