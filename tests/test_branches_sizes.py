"""What no other test asks of sizes that are not known."""

from __future__ import annotations

import operator
from collections.abc import Callable

import pytest

from archdsl.shapes.expr import InputSize
from archdsl.shapes.size import Size, divides, largest, require, smallest
from archdsl.shapes.symbol_text import as_code
from archdsl.shapes.symbols import Facts, Symbolic, UndecidedError, difference


def two() -> tuple[Facts, Symbolic, Symbolic]:
    """The symbols H and W of one net."""
    facts = Facts()
    return (
        facts,
        facts.symbol("H", InputSize(0, 0)),
        facts.symbol("W", InputSize(0, 1)),
    )


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (lambda h, w: largest(largest(h, w), h - 1), "max(H,W)"),
        (lambda h, w: largest(largest(h, w), h + w), "H+W"),
        (lambda h, w: smallest(smallest(h, w), h + w), "min(H,W)"),
        (lambda h, w: 7 // (w // 2 + 1), "⌊7/(⌊W/2⌋+1)⌋"),
        (lambda h, w: h // (w // 2), "⌊H/⌊W/2⌋⌋"),
        (lambda h, w: operator.truediv(0, h), "0"),
        (lambda h, w: (2 * h * w + 3) // h, "⌊3/H⌋+2·W"),
    ],
)
def test_sizes(made: Callable[[Symbolic, Symbolic], Size], text: str) -> None:
    _, h, w = two()
    assert str(made(h, w)) == text


def test_sizes_as_code() -> None:
    assert as_code("4·H²+⌈W/2⌉") == "4*H**2+ceil(W/2)"
    assert as_code("H¹²") == "H**12"


EVEN = ("H % 2 == 0", "W % 2 == 0")

# What is required, whether it can be, and what is then told of the sizes.
REQUIRED = [
    (lambda h, w: require(20 - h * h, ">=", 0), True, ("H <= 4",)),
    (lambda h, w: require(h * h - 5 * h, ">=", 3), True, ("H²-5·H >= 3",)),
    (lambda h, w: require(h * h - 5 * h, "==", 6), True, ("H²-5·H == 6",)),
    (lambda h, w: require(7 // h, ">=", 2), True, ("⌊7/H⌋ >= 2",)),
    (lambda h, w: require(h, ">=", 2**60), False, ()),
    (lambda h, w: require(3, "<=", h), True, ("H >= 3",)),
    (lambda h, w: require(h + h * w, "==", 12), True, ("H·W+H == 12",)),
    (lambda h, w: require(2 * h + 3 * w, "==", 12), True, ("2·H+3·W == 12",)),
    (
        lambda h, w: require(2 * (h * (h + 1) // 2), "!=", h * (h + 1)),
        False,
        (),
    ),
    (lambda h, w: divides(2, h * (h + 1)), True, ()),
    (lambda h, w: divides(4, 2 * h + 1), False, ()),
    (lambda h, w: divides(20000, 2 * h + 1), False, ()),
    (lambda h, w: divides(14000, 2 * h * h + 1), False, ()),
    (lambda h, w: divides(h, 12), True, ("12 % H == 0",)),
    (lambda h, w: divides(30011, h * h), True, ("H² % 30011 == 0",)),
    (lambda h, w: divides(2, h) and divides(2, w) and h == w, False, EVEN),
    (lambda h, w: require(h * (7 // h) // 2, "==", 3), True, ("⌊H·⌊7/H⌋/2⌋ == 3",)),
    (lambda h, w: require(h - h // 2, ">=", 5), True, ("H >= 9",)),
    (lambda h, w: require(h // 2 - h, ">=", -5), True, ("H <= 10",)),
    (lambda h, w: require(h % 3, ">=", 1), True, ("H%3 >= 1",)),
    (
        lambda h, w: require(h * h, "!=", w) and require(h * h, "!=", w),
        True,
        ("H² != W",),
    ),
    (lambda h, w: require(h, "==", 1), True, ("H == 1",)),
    (lambda h, w: require(smallest(h - w, 5), ">=", 3), True, ("min(5,H-W) >= 3",)),
    (
        lambda h, w: require(h, "<=", 12000) and divides(30011, 7 * h - 1),
        False,
        ("H <= 12000",),
    ),
    (
        lambda h, w: require(h, "<=", 13000) and divides(30011, 7 * h - 1),
        True,
        ("H == 12862",),
    ),
    (
        lambda h, w: (
            require(h + w, "<=", 12) and require(h, "==", 3) and require(w, ">=", 10)
        ),
        False,
        ("H == 3", "W <= 9"),
    ),
    (
        lambda h, w: require(w, "<=", 10) and require(w, "==", h + 2),
        True,
        ("H <= 8", "W == H+2"),
    ),
    (
        lambda h, w: require(h, "<=", 10) and require(h * h - 5 * h, "==", 7),
        False,
        ("H <= 10",),
    ),
    (
        lambda h, w: require(h * w, "==", 12) and require(h, "==", 5),
        False,
        ("H·W == 12",),
    ),
]


@pytest.mark.parametrize(("ask", "can", "known"), REQUIRED)
def test_what_is_required(
    ask: Callable[[Symbolic, Symbolic], bool], can: bool, known: tuple[str, ...]
) -> None:
    facts, h, w = two()
    assert ask(h, w) is can
    assert facts.constraints() == known


def test_an_equation_holds_where_it_is_required() -> None:
    _, h, w = two()
    assert require(h * w, "==", 12)
    assert h * w == 12
    assert 12 - h * w == 0
    assert h * w + 1 != 12


def test_sizes_that_are_accepted() -> None:
    facts, h, w = two()
    assert require(h, "<=", 12)
    assert divides(3, h)
    assert require(h * w, "!=", 12)
    accepted = [
        (height, width)
        for height, width in ((15, 1), (4, 1), (6, 2), (6, 1))
        if facts.accepts({"H": height, "W": width})
    ]
    assert accepted == [(6, 1)]


def test_long_products_are_not_multiplied_out() -> None:
    _, h, w = two()
    long: Size = h
    for k in range(12):
        for j in range(12):
            long += h**k * w**j
    with pytest.raises(UndecidedError):
        operator.mul(long, long)


def test_places_where_a_divisor_is_zero() -> None:
    facts, h, w = two()
    assert require(7 // (h - 3), ">=", 1)
    assert not facts.accepts({"H": 3, "W": 1})
    assert facts.accepts({"H": 10, "W": 1})
    assert facts.smallest() == {"H": 4, "W": 1}
    _, h, w = two()
    assert 7 // (h - 1) != w
    assert 7 // (h - 1) != 7 // (w - 1)
    with pytest.raises(ZeroDivisionError):
        operator.truediv(h, 0)


def test_places_that_are_not_found() -> None:
    facts, h, w = two()
    assert require(h, "<=", 2)
    assert require(w, "<=", 2)
    assert require(h * w, "==", 3)
    with pytest.raises(ValueError, match="no sizes were found"):
        facts.smallest()
    assert difference(h, w) is None
    facts, h, w = two()
    assert require(h * h, "==", 2 * w * w)
    with pytest.raises(ValueError, match="no sizes were found"):
        facts.smallest()


def test_differences_are_looked_for_nearby() -> None:
    _, h, _ = two()
    assert difference(h // 100003, (h + 2) // 100003) is None
    assert difference(h // 103, (h + 2) // 103) == {"H": 101}


def test_long_products_are_compared_by_their_ends() -> None:
    _, h, _ = two()
    assert h**13 >= 1
    with pytest.raises(UndecidedError):
        operator.le(h**13, 5)


def test_sizes_of_other_nets_and_without_values() -> None:
    _, h, _ = two()
    _, other, _ = two()
    with pytest.raises(ValueError, match="another net"):
        require(h, "==", other)
    with pytest.raises(KeyError, match="H"):
        h.at({"W": 3})
