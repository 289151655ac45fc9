"""Sizes that are not known, against Python's own arithmetic on numbers."""

from __future__ import annotations

import operator
import random
from collections.abc import Callable
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_symbols import one, symbols

from archdsl.backends.torch.formula import value
from archdsl.ops.window import window
from archdsl.shapes.expr import InputSize
from archdsl.shapes.size import Relation, Size, divides, largest, require, smallest
from archdsl.shapes.symbols import Symbolic, UndecidedError, difference

NAMES = ("H", "W", "T")

Tree = tuple[Any, ...]

_linear_steps = st.sampled_from(
    [("+", k) for k in range(-9, 10)]
    + [("*", k) for k in (-3, -1, 2, 3, 4, 6)]
    + [("//", k) for k in (2, 3, 4, 5, 6, -2, -3)]
    + [("%", k) for k in (2, 3, 4, 6, -3)]
    + [("up", k) for k in (2, 3, 4, 5)]
)


def linear(names: tuple[str, ...]) -> st.SearchStrategy[Tree]:
    """Sums, rounded quotients and remainders of sizes."""

    def extend(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        step = st.tuples(_linear_steps, inner).map(lambda t: (*t[0], t[1]))
        both = st.tuples(st.sampled_from(["sum", "less"]), inner, inner)
        return step | both

    return st.recursive(st.sampled_from([("name", n) for n in names]), extend)


def wild(names: tuple[str, ...]) -> st.SearchStrategy[Tree]:
    """These and products, powers, quotients of two sizes, largest and smallest."""

    def extend(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        kinds = ["sum", "less", "times", "over", "rest", "max", "min"]
        step = st.tuples(_linear_steps, inner).map(lambda t: (*t[0], t[1]))
        square = inner.map(lambda t: ("square", t))
        return step | square | st.tuples(st.sampled_from(kinds), inner, inner)

    base = st.sampled_from([("name", n) for n in names])
    return st.recursive(base, extend, max_leaves=6)


def calculated(tree: Tree, sizes: dict[str, Any]) -> Any:
    kind = tree[0]
    if kind == "name":
        return sizes[tree[1]]
    if kind == "square":
        return calculated(tree[1], sizes) ** 2
    if isinstance(tree[1], int):
        k, a = tree[1], calculated(tree[2], sizes)
        if kind == "+":
            return a + k if k % 2 else k + a
        if kind == "*":
            return k * a
        if kind == "//":
            return a // k
        return a % k if kind == "%" else -(-a // k)
    a, b = calculated(tree[1], sizes), calculated(tree[2], sizes)
    if kind == "sum":
        return a + b
    if kind == "less":
        return a - b
    if kind == "times":
        return a * b
    if kind == "over":
        return a // b
    if kind == "rest":
        return a % b
    return largest(a, b) if kind == "max" else smallest(a, b)


_MANY = settings(max_examples=200, deadline=None)
_sizes = st.integers(1, 400)


@_MANY
@given(wild(NAMES), st.lists(st.tuples(_sizes, _sizes, _sizes), min_size=5))
def test_values_are_those_of_whole_numbers(
    tree: Tree, places: list[tuple[int, int, int]]
) -> None:
    _, names = symbols(*NAMES)
    try:
        size = calculated(tree, dict(zip(NAMES, names, strict=True)))
    except ZeroDivisionError:
        assume(False)
    for place in places:
        sizes = dict(zip(NAMES, place, strict=True))
        try:
            expected = calculated(tree, sizes)
        except ZeroDivisionError:
            continue
        if isinstance(size, int):
            assert size == expected
            continue
        assert size.at(sizes) == expected
        axes: dict[Any, object] = {InputSize(0, k): n for k, n in enumerate(place)}
        assert value(size.expr, axes) == expected


@_MANY
@given(linear(("H",)), linear(("H",)))
def test_equality_of_one_size_is_exact(left: Tree, right: Tree) -> None:
    _, h = one()
    a, b = calculated(left, {"H": h}), calculated(right, {"H": h})
    places = {
        n: (calculated(left, {"H": n}), calculated(right, {"H": n}))
        for n in [*range(1, 400), *range(10_000, 10_400)]
    }
    equal = a == b
    if equal:
        assert all(x == y for x, y in places.values())
        assert difference(a, b) is None
    else:
        first = next((n for n, (x, y) in places.items() if x != y), None)
        found = difference(a, b)
        if first is not None and first < 400 and not isinstance(a, int):
            assert found == {"H": first}


@_MANY
@given(
    linear(("H",)),
    st.integers(2, 12),
    st.integers(0, 11),
    st.integers(1, 50),
)
def test_rewritten_sizes_are_equal(tree: Tree, step: int, rest: int, by: int) -> None:
    facts, h = one()
    size = calculated(tree, {"H": h})
    assume(isinstance(size, Symbolic))
    parts = sum(((size + k) // 5 for k in range(5)), 0)
    assert parts == size
    assert size // 3 * 3 + size % 3 == size
    assert -(-(size * by) // by) == size
    assert divides(step, h - rest)
    assert (h - rest) // step * step + rest == h
    again = calculated(tree, {"H": (h - rest) // step * step + rest})
    assert again == size
    for n in facts.algebra.ranges.values():
        place = n.least + 3 * n.step
        assert size.at({"H": place}) == calculated(tree, {"H": place})


@_MANY
@given(wild(NAMES[:2]), wild(NAMES[:2]), st.randoms(use_true_random=False))
def test_answers_are_sound(left: Tree, right: Tree, choose: random.Random) -> None:
    facts, (h, w) = symbols("H", "W")
    for size in (h, w):
        facts.divides(choose.choice((1, 2, 3)), size + choose.randrange(3))
        facts.require(size, ">=", choose.randrange(1, 9))
    try:
        a = calculated(left, {"H": h, "W": w})
        b = calculated(right, {"H": h, "W": w})
    except ZeroDivisionError:
        assume(False)
    equal = a == b
    try:
        below: bool | None = a < b
    except UndecidedError:
        below = None
    for _ in range(50):
        sizes = facts.sample(choose, most=60)
        assert facts.accepts(sizes)
        try:
            x, y = calculated(left, sizes), calculated(right, sizes)
        except ZeroDivisionError:
            continue
        assert not equal or x == y
        assert below is None or below is (x < y)


_relations: tuple[Relation, ...] = (">=", "<=", ">", "<", "==", "!=")
_TESTS: dict[str, Callable[[int, int], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
    "divides": lambda a, b: a % b == 0,
}


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            linear(("H",)),
            st.sampled_from([*_relations, "divides"]),
            st.integers(-5, 60),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_constraints_are_what_was_required(asked: list[tuple[Tree, Any, int]]) -> None:
    facts, h = one()
    left = set(range(1, 301))
    for tree, relation, number in asked:
        size = calculated(tree, {"H": h})
        if relation == "divides":
            number = abs(number) + 1
            held = divides(number, size)
        else:
            held = require(size, relation, number)
        test = _TESTS[relation]
        fitting = {n for n in left if test(calculated(tree, {"H": n}), number)}
        if held:
            left = fitting
        else:
            assert not fitting
    assert {n for n in range(1, 301) if facts.accepts({"H": n})} == left
    facts.constraints()
    if left:
        assert facts.smallest() == {"H": min(left)}
        assert facts.accepts(facts.sample(random.Random(0), most=300))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 7), st.integers(1, 4), st.integers(0, 3), st.integers(1, 2)
        ),
        min_size=1,
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
def test_chains_of_windows(
    windows: list[tuple[int, int, int, int]], choose: random.Random
) -> None:
    facts, h = one()
    size: Any = h
    for k, s, p, d in windows:
        assert require(size + 2 * p - d * (k - 1) - 1, ">=", 0)
        size = window(size, k, s, p, d, False)
    for _ in range(20):
        start = facts.sample(choose, most=700)["H"]
        expected: Size = start
        for k, s, p, d in windows:
            expected = window(expected, k, s, p, d, False)
            assert expected >= 1
        assert (size if isinstance(size, int) else size.at({"H": start})) == expected
    too_small = facts.smallest()["H"] - 1
    if too_small:
        sizes: list[Size] = [too_small]
        for k, s, p, d in windows:
            before = sizes[-1]
            sizes.append(window(before, k, s, p, d, False) if before != 0 else 0)
        assert min(sizes) < 1
