"""Sizes that are not known: exact arithmetic, what is known of them, their texts."""

from __future__ import annotations

import operator
import random
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archdsl.backends.torch.formula import value
from archdsl.ops.window import window
from archdsl.shapes.expr import Const, InputSize, Op, Var
from archdsl.shapes.size import (
    Relation,
    Size,
    divides,
    exceeds,
    is_known,
    largest,
    require,
    smallest,
)
from archdsl.shapes.symbols import Facts, Symbolic, UndecidedError, difference

NAMES = ("H", "W", "T")


def symbols(*names: str) -> tuple[Facts, list[Symbolic]]:
    facts = Facts()
    return facts, [facts.symbol(n, InputSize(0, k)) for k, n in enumerate(names)]


def one() -> tuple[Facts, Symbolic]:
    facts, (h,) = symbols("H")
    return facts, h


# Texts


def test_texts() -> None:
    _, (h, w) = symbols("H", "W")
    texts: dict[str, Size] = {
        "H": h,
        "2·H": 2 * h,
        "H+1": h + 1,
        "H-4": h - 4,
        "-H+3": 3 - h,
        "⌈H/2⌉": -(-h // 2),
        "⌊H/2⌋": h // 2,
        "⌊(H-3)/4⌋-1": (h - 7) // 4,
        "⌊3·H/2⌋": 3 * h // 2,
        "H·W": w * h,
        "H²·W+W": h * h * w + w,
        "H%4": h % 4,
        "(H-1)%4": (h + 3) % 4,
        "2·(H%4)+1": 2 * (h % 4) + 1,
        "(H+W)%3": (h + w) % 3,
        "⌊H/W⌋": h // w,
        "⌈H/W⌉": -(-h // w),
        "⌊(H+W)/(W+1)⌋": (h + w) // (w + 1),
        "max(H,W+1)": largest(h, w + 1),
        "min(H,W)": smallest(h, w),
    }
    assert {text: str(size) for text, size in texts.items()} == {t: t for t in texts}


def test_equal_sizes_are_written_alike() -> None:
    _, h = one()
    assert str((h - 1) // 2 + 1) == str((h + 1) // 2) == "⌈H/2⌉"
    assert str((h // 2) // 3) == "⌊H/6⌋"
    assert str((h + 1) // 2 + 2 - 4) == "⌈H/2⌉-2"
    half = -(-h // 2)
    assert str(-(-half // 3)) == "⌈H/6⌉"
    assert str((4 * h + 6) // 4) == "H+1"
    assert str((6 * h + 5) // 4) == str((3 * h + 2) // 2)
    assert str(((h // 2) * 3 + 1) // 3) == "⌊H/2⌋"


def test_resnet_halves_five_times() -> None:
    _, h = one()
    sizes, size = [], h
    for k, p in ((7, 3), (3, 1), (3, 1), (3, 1), (3, 1)):
        size = (size + 2 * p - (k - 1) - 1) // 2 + 1  # type: ignore[assignment]
        sizes.append(str(size))
    assert sizes == ["⌈H/2⌉", "⌈H/4⌉", "⌈H/8⌉", "⌈H/16⌉", "⌈H/32⌉"]


def test_large_numbers_are_grouped() -> None:
    _, (h, w) = symbols("H", "W")
    macs = 118_013_952 * ((h + 1) // 2) * ((w + 1) // 2) + 512_000
    assert format(macs, ",") == "118,013,952·⌈H/2⌉·⌈W/2⌉ + 512,000"
    assert f"{h - 1:,}" == "H - 1"
    assert f"{h:>3}" == "  H"
    assert f"{h}" == "H"


def test_what_needs_no_brackets() -> None:
    facts, h = one()
    for size in (h, 2 * h, (h + 1) // 2, (h - 7) // 4 + 1, h % 4, largest(h, 9)):
        assert isinstance(size, Symbolic)
        assert size.atomic, size
    for other in (h + 1, h // 2 - 3, 5 - h):
        assert isinstance(other, Symbolic)
        assert not other.atomic, other
    assert facts.divides(4, h - 1)
    quarter = h // 4
    assert isinstance(quarter, Symbolic)
    assert str(quarter) == "(H-1)/4"
    assert quarter.atomic


def test_exact_quotients_are_written_so() -> None:
    _, (h, w) = symbols("H", "W")
    assert require(h % 32, "==", 0)
    assert str(-(-h // 32)) == "H/32"
    assert str(h // 2 * 2) == "H"
    assert str(3 * h // 4 + 1) == "3·H/4+1"
    assert str(h // 32 * w) == "H·W/32"
    assert str(h // 64) == "⌊H/64⌋"
    assert h // 2 * 2 == h
    assert h % 16 == 0
    assert type(h % 16) is int


def test_odd_sizes() -> None:
    facts, (h, w) = symbols("H", "W")
    assert require(h % 2, "==", 1)
    assert facts.constraints() == ("H % 2 == 1",)
    assert str(h // 2) == "(H-1)/2"
    assert str((h + 1) // 2) == "(H+1)/2"
    assert str(h // 2 + w) == "(H-1)/2+W"
    assert str((h // 2 + 1) // 3) == "⌊(H-5)/6⌋+1"


# Arithmetic


def test_constants_are_plain() -> None:
    _, (h, w) = symbols("H", "W")
    for size, number in (
        (h - h, 0),
        (h * 0, 0),
        (0 * h, 0),
        ((2 * h + 1) % 2, 1),
        (h * w // w - h + 3, 3),
        (h**0, 1),
    ):
        assert size == number
        assert type(size) is int


def test_formulas_follow_the_operators() -> None:
    _, h = one()
    axis = InputSize(0, 0)
    assert (h + 0).expr == (h * 1).expr == (1 * h).expr == axis  # type: ignore[union-attr]
    halves = h // 2 + 1
    assert isinstance(halves, Symbolic)
    half = Op("//", (axis, Const(2)), 3)
    assert halves.expr == Op("+", (half, Const(1)), 5)
    named = halves.renamed(Var("n"))
    assert named.expr == Var("n")
    assert named == halves
    assert (-h).expr == Op("neg", (axis,), 2)  # type: ignore[union-attr]
    assert h.renamed(Const(3)).__add__(4).expr == Const(7)  # type: ignore[union-attr]


def test_true_division_is_exact() -> None:
    facts, h = one()
    assert 6 * h / 3 == 2 * h
    with pytest.raises(UndecidedError, match="H / 2"):
        h / 2
    assert facts.divides(2, h)
    assert h / 2 == h // 2


def test_a_divisor_of_zero() -> None:
    _, h = one()
    with pytest.raises(ZeroDivisionError):
        h // 0
    with pytest.raises(ZeroDivisionError):
        (5 // (h - 3)).at({"H": 3})  # type: ignore[union-attr]


def test_where_a_number_is_needed() -> None:
    _, h = one()
    asks: tuple[Callable[[], object], ...] = (
        lambda: int(h),
        lambda: float(h),
        lambda: range(h),
        lambda: [0] * h,
        lambda: 2**h,
        lambda: h**-1,
        lambda: h + 0.5,  # type: ignore[operator]
        lambda: h < 5,
    )
    for ask in asks:
        with pytest.raises(UndecidedError, match="H"):
            ask()
    assert round(h) is h
    with pytest.raises(UndecidedError) as caught:
        assert h + 1 > 7
    assert (str(caught.value.left), caught.value.operator, caught.value.right) == (
        "H+1",
        ">",
        7,
    )


def test_sizes_as_keys() -> None:
    facts, (h, w) = symbols("H", "W")
    found: dict[tuple[int, Size], str] = {(3, h): "a", (3, w): "b"}
    assert found[3, h // 2 + (h + 1) // 2] == "a"
    assert (4, h) not in found
    other = Facts().symbol("H", InputSize(0, 0))
    assert other != h
    with pytest.raises(ValueError, match="different nets"):
        other + h
    assert facts.symbol("H", Var("n")) == h


# Equality and order


def test_equality_is_decided() -> None:
    _, (h, w) = symbols("H", "W")
    assert h // 2 + (h + 1) // 2 == h
    assert h // 2 * 2 != h
    assert h // 2 + (h + 1) // 2 + w // 3 == h + w - (w + 1) // 3 - (w + 2) // 3
    assert (h // 2) * ((h + 1) // 2) == h * h // 4
    assert bool(h)
    assert h % 2 != 0


def test_difference() -> None:
    _, (h, w) = symbols("H", "W")
    assert difference(h, h // 2 * 2) == {"H": 1}
    assert difference(-(-h // 4), (h + 2) // 4) == {"H": 1}
    assert difference(h // 5, h // 6) == {"H": 5}
    assert difference(h * w // w, h) is None
    assert difference(h, w) == {"H": 1, "W": 2}
    assert difference(h, 1) == {"H": 2}
    assert difference(1, h) == {"H": 2}
    assert difference(3, 4) == {}


def test_order_is_decided_by_bounds() -> None:
    _, (h, w) = symbols("H", "W")
    assert h >= 1
    assert h > 0
    assert not h < 1
    assert h - 2 * (h // 2) >= 0
    assert h - 2 * (h // 2) < 2
    assert h * w >= h
    assert -(-h // 2) * -(-w // 2) >= 1
    assert (h + 1) // 2 <= h
    assert h + w > w
    assert min(h, 0) == 0
    assert abs(h) is h
    assert largest(h, 1) is h
    assert smallest(0, h) == 0
    with pytest.raises(UndecidedError):
        assert h > w


# What is known


def test_bounds_and_congruences_are_listed() -> None:
    facts, (h, w) = symbols("H", "W")
    assert facts.constraints() == ()
    assert require((h - 11) // 4 + 1, ">=", 1)
    assert facts.constraints() == ("H >= 11",)
    assert divides(32, h)
    assert facts.constraints() == ("H % 32 == 0",)
    assert require(h, ">=", 40)
    assert require(h, ">=", 20)
    assert facts.constraints() == ("H % 32 == 0", "H >= 64")
    assert require(w, "<", 5_001)
    assert facts.constraints() == ("H % 32 == 0", "H >= 64", "W <= 5000")
    assert not require(w, ">", 5_000)
    assert not require(h % 32, "==", 4)
    assert facts.constraints() == ("H % 32 == 0", "H >= 64", "W <= 5000")
    assert facts.smallest() == {"H": 64, "W": 1}


def test_congruences_merge() -> None:
    facts, h = one()
    assert divides(4, h + 1)
    assert divides(3, 2 * h + 1)
    assert facts.constraints() == ("H % 12 == 7",)
    assert not divides(2, h)
    assert not divides(6, 4 * h + 1)
    assert require(h % 2, "!=", 0)
    assert require(h % 9, "!=", 1)
    assert facts.constraints() == ("H % 12 == 7", "H%9 != 1")


def test_other_constraints_are_kept() -> None:
    facts, (h, w) = symbols("H", "W")
    assert divides(2, h // 4)
    assert facts.constraints() == ("⌊H/4⌋ % 2 == 0",)
    assert h // 4 % 2 == 0
    assert facts.accepts({"H": 9, "W": 1})
    assert not facts.accepts({"H": 5, "W": 1})
    assert require(h + w, "<=", 6)
    assert facts.constraints() == ("⌊H/4⌋ % 2 == 0", "H+W <= 6")
    assert h + w < 8
    assert not require(h + w, ">", 6)
    assert divides(2, h + w)
    assert facts.constraints()[-1] == "(H+W) % 2 == 0"
    chosen = facts.sample(random.Random(1))
    assert facts.accepts(chosen)
    assert divides(8, h)
    assert "⌊H/4⌋ % 2 == 0" not in facts.constraints()


def test_a_fixed_size_is_a_number() -> None:
    facts, h = one()
    assert require(h // 2, "==", 7)
    assert facts.constraints() == ("H >= 14", "H <= 15")
    assert divides(2, h)
    assert facts.constraints() == ("H == 14",)
    assert h == 14
    assert type(h + 1) is int
    assert not require(h, ">=", 15)


def test_an_equation_gives_one_size_by_the_others() -> None:
    facts, (h, w) = symbols("H", "W")
    assert require(w, ">=", 7)
    assert divides(4, w)
    assert require(h, "==", w)
    assert facts.constraints() == ("H % 4 == 0", "H >= 8", "H == W")
    assert h == w
    assert str(w) == "H"
    assert w // 4 * 4 == h
    assert facts.accepts({"H": 8, "W": 8})
    assert not facts.accepts({"H": 8, "W": 12})
    assert facts.smallest() == {"H": 8, "W": 8}
    assert not require(h, "==", w + 1)
    facts, (h, w) = symbols("H", "W")
    assert require(w, "==", 2 * h - 4)
    assert facts.constraints() == ("H >= 3", "W == 2·H-4")
    assert facts.smallest() == {"H": 3, "W": 2}


def test_whole_numbers_take_the_short_way() -> None:
    relations: tuple[Relation, ...] = (">=", "<=", ">", "<", "==", "!=")
    signs = (
        operator.ge,
        operator.le,
        operator.gt,
        operator.lt,
        operator.eq,
        operator.ne,
    )
    for relation, sign in zip(relations, signs, strict=True):
        for a in (1, 2, 3):
            assert require(a, relation, 2) is sign(a, 2)
    assert divides(3, 9)
    assert not divides(3, 10)
    assert divides(0, 0)
    assert not divides(0, 1)
    assert largest(2, 3) == 3
    assert smallest(2, 3) == 2
    _, h = one()
    assert exceeds(6, 5)
    assert not exceeds(h, 5)
    assert is_known(3)
    assert not is_known(h)


def test_sizes_load_nothing_more() -> None:
    code = (
        "import sys, archdsl.shapes.size as s\n"
        "assert s.require(3, '>=', 2) and s.divides(2, 4) and s.largest(1, 2) == 2\n"
        "assert 'archdsl.shapes.symbols' not in sys.modules\n"
        "assert 'archdsl.shapes.facts' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_operations_are_fast() -> None:
    _, h = one()
    size: Size = h
    start = time.perf_counter()
    for k in range(2_000):
        size = (size + 2 - 3) // 2 + 1 if k % 8 else h + k
    # A hundredfold of what it takes, for busy machines.
    assert time.perf_counter() - start < 2


# Against Python's own arithmetic

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
        size = window(size, k, s, p, d)
    for _ in range(20):
        start = facts.sample(choose, most=700)["H"]
        expected: Size = start
        for k, s, p, d in windows:
            expected = window(expected, k, s, p, d)
            assert expected >= 1
        assert (size if isinstance(size, int) else size.at({"H": start})) == expected
    too_small = facts.smallest()["H"] - 1
    if too_small:
        sizes: list[Size] = [too_small]
        for k, s, p, d in windows:
            sizes.append(window(sizes[-1], k, s, p, d) if sizes[-1] != 0 else 0)
        assert min(sizes) < 1
