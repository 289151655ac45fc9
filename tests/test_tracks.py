"""Lines between two rows of a picture get the tracks that a plain search gives them."""

from __future__ import annotations

import random

import pytest

from archdsl.backends.svg.channel import TRACK, Tracks, Wire, assign
from archdsl.backends.svg.level import Node

NEAR = TRACK / 2


def first_free(taken: list[list[tuple[float, float]]], low: float, high: float) -> int:
    """The first track from 0 on where nothing is near."""
    at = 0
    while at < len(taken) and any(
        low < end + NEAR and begin < high + NEAR for begin, end in taken[at]
    ):
        at += 1
    if at == len(taken):
        taken.append([])
    return at


@pytest.mark.parametrize("seed", range(20))
def test_the_first_free_track_is_taken(seed: int) -> None:
    draw = random.Random(seed)
    # Whole places and halves: wires that touch, and that are as near as may be.
    ends = [tuple(sorted(draw.randrange(200) / 2 for _ in range(2))) for _ in range(60)]
    reaches = [(low, high) for low, high in ends]
    tracks = Tracks(reaches)
    taken: list[list[tuple[float, float]]] = []
    for low, high in reaches:
        wanted = first_free(taken, low, high)
        taken[wanted].append((low, high))
        assert tracks.take((low, high), 0) == wanted
    assert tracks.count == len(taken)


def wire(top: float, bottoms: list[float]) -> Wire:
    made = Wire()
    made.tops = [top]
    made.bottoms = [(x, Node("pass"), None) for x in bottoms]
    return made


@pytest.mark.parametrize("seed", range(20))
def test_no_two_wires_share_a_piece(seed: int) -> None:
    draw = random.Random(seed)
    made = [
        wire(12.0 * n, [12.0 * draw.randrange(30) for _ in range(draw.randrange(1, 4))])
        for n in range(30)
    ]
    count = assign(made)
    bent = [each for each in made if not each.straight]
    assert {each.track for each in bent} <= set(range(count))
    assert all(each.track == -1 for each in made if each.straight)
    for at, one in enumerate(bent):
        for other in bent[at + 1 :]:
            (low, high), (begin, end) = one.reach, other.reach
            apart = low >= end + NEAR or begin >= high + NEAR
            assert apart or one.track != other.track


def test_what_comes_down_where_another_goes_on_runs_above() -> None:
    upper, lower = wire(24.0, [0.0]), wire(48.0, [24.0])
    assert assign([lower, upper]) == 2
    assert upper.track < lower.track
    # In a circle one has to begin.
    one, other = wire(0.0, [24.0]), wire(24.0, [0.0])
    assert assign([one, other]) == 2
    assert {one.track, other.track} == {0, 1}
