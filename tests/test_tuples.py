"""Tuples with named fields are those of `typing`, made sooner."""

from __future__ import annotations

import pickle

import pytest

from archdsl.source import Source, Span
from archdsl.tuples import NamedTuple


class Point(NamedTuple):
    """A place."""

    x: int
    y: int = 2

    @property
    def total(self) -> int:
        """The sum."""
        return self.x + self.y


class Empty(NamedTuple):
    """Nothing."""


def test_fields_defaults_and_methods() -> None:
    point = Point(1)
    assert point == (1, 2)
    assert point.total == 3
    assert point._replace(y=4).total == 5
    assert Point._fields == ("x", "y")
    assert Point.__doc__ == "A place."
    assert repr(point) == "Point(x=1, y=2)"
    assert Empty() == ()


def test_they_are_pickled_by_their_module() -> None:
    assert pickle.loads(pickle.dumps(Point(3))) == Point(3)
    assert Point.__module__ == __name__


def test_wrong_fields_are_refused() -> None:
    with pytest.raises(TypeError):
        Point()  # type: ignore[call-arg]
    assert Span(Source("a", "text"), 0, 2).text == "te"
