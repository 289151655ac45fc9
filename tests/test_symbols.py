"""Sizes that are not known: exact arithmetic, what is known of them, their texts."""

from __future__ import annotations

import operator
import random
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

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


def test_a_condition_becomes_a_congruence_with_another() -> None:
    facts, (h, w) = symbols("H", "W")
    assert require(-(-h // 4) * 2, "==", -(-h // 2))
    assert facts.constraints() == ("2·⌈H/4⌉ == ⌈H/2⌉",)
    assert not require(h % 4, "==", 2)
    assert divides(2, h)
    assert facts.constraints() == ("H % 4 == 0",)
    assert require(w * h, "<=", 100)
    assert require(w, "==", 4)
    assert facts.constraints() == ("H % 4 == 0", "H <= 24", "W == 4")


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
