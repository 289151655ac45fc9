"""The changes that `make mutants` makes, and that it takes them back."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "mutation"))

from changes import mutants  # noqa: E402
from place import in_place, ways  # noqa: E402
from run import explanations, full_name, late_modules  # noqa: E402

import archdsl  # noqa: E402
from archdsl.ops import LAYERS  # noqa: E402

POOL = HERE.parent / "archdsl/ops/pool.py"
TEXT = "input 3x9x9 | maxpool 3 p1"


def shape(text: str) -> str:
    checked = archdsl.check(text)
    (network,) = checked.networks.values()
    return str(network.root.type)


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("a < b", ["a <= b"]),
        ("a and b", ["a or b", "b", "a"]),
        ("a if b else c", ["a", "c"]),
        ("a + 'x'", ["a - 'x'", "'XXxXX'"]),
        ("a[1:]", ["a[:]", "2", "0"]),
        ("a(b, strict=True)", []),
        ("a(b, c=d)", ["a(b)"]),
        ("min(a)", ["max(a)"]),
        ("[a for a in b if a]", ["()"]),
        ("not a", ["a"]),
        ("f'x{a}'", ["f'XXxXX{a}'"]),
        ("lambda: a", ["lambda: None"]),
    ],
)
def test_changes_of_an_expression(
    code: str, changes: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "module.py"
    path.write_text(f"x = {code}\n", encoding="utf-8")
    assert [mutant.now for mutant in mutants(path)] == changes


def test_what_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(
        '"""1"""\n'
        "from a import b\n"
        "Size: TypeAlias = int | str\n"
        "@b(1)\n"
        "def f(x: int | None) -> int | None:\n"
        '    """2"""\n'
        "    assert x == 3\n"
        "    return None\n"
        "def g() -> bool:\n"
        "    return False\n",
        encoding="utf-8",
    )
    assert [mutant.name for mutant in mutants(path)] == ["g: False => True"]


@pytest.mark.parametrize(
    ("name", "gives"),
    [
        ("_shape: return TensorType((site.x.dims[0], *spatial)) => return None", None),
        ("_shape: 0 => 1 #1", "9x3x3"),
        ("-: 'maxpool' => 'XXmaxpoolXX'", None),
    ],
)
def test_mutant_is_in_place_for_a_while(name: str, gives: str | None) -> None:
    (mutant,) = (each for each in mutants(POOL) if each.name == name)
    LAYERS["maxpool"]
    for way in ways(mutant, late_modules()):
        with in_place(way):
            try:
                found = shape(TEXT)
            except Exception:
                found = None
        assert found == gives
    assert shape(TEXT) == "3x3x3"


def test_what_is_explained_exists() -> None:
    names = explanations()
    files = {POOL.parents[1] / name.partition(" ")[0] for name in names}
    there = {full_name(mutant) for path in files for mutant in mutants(path)}
    assert set(names) - there == set()
    assert all(names.values()), "a reason stands above its mutants"
