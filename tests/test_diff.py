"""What differs between two nets: stages, totals, and names of the `state_dict`."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest

from archdsl.api import check
from archdsl.diff import compare, pairs
from archdsl.diff.align import MAX_PAIRS
from archdsl.diff.changes import Change, Difference, Tensors
from archdsl.diff.tensors import gathered
from archdsl.diff.text import told
from archdsl.ir.flat import state_dict_names
from archdsl.ir.network import Network
from archdsl.source import Source
from archdsl.syntax.format import format_source

ROOT = Path(__file__).resolve().parent.parent
SPECS = sorted((ROOT / "specs").glob("*/*.arch"))

UNIT = """\
block unit c s=1 {
  conv c 3x3 p1 s=s | bn | relu
  conv c 3x3 p1 | bn
}
"""
NET = (
    UNIT
    + """\
net small classes=10 {
  input 3x32x32
  stem: conv 16 3x3 p1 | relu
  layer1: unit 16 x3
  layer2: unit 32 s=[2,1] x3
  {conv 32 1x1 | relu} x2
  gap | dropout 0.1 | fc classes
}
"""
)


def network(text: str) -> Network:
    return check(text).network()


def between(old: str, new: str) -> Difference:
    return compare(network(old), network(new))


def edited(*replaced: tuple[str, str]) -> Difference:
    text = NET
    for before, after in replaced:
        assert before in text
        text = text.replace(before, after)
    return between(NET, text)


def direct(found: Difference) -> list[tuple[str, str, str]]:
    return [
        (change.kind, change.block, change.side.path)
        for change in found.changes
        if change.kind != "follows"
    ]


def one(found: Difference) -> Change:
    (change,) = [change for change in found.changes if change.kind != "follows"]
    return change


def details(change: Change) -> list[tuple[str, str, str]]:
    return [(each.what, each.old, each.new) for each in change.details]


# The same


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_spec_is_as_it_is_laid_out_otherwise(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    # Some use others.
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    (tmp_path / "pyproject.toml").touch()
    laid_out, _ = format_source(Source(path.name, text.replace("\n", "\n\n")))
    assert laid_out is not None
    changed = tmp_path / path.relative_to(ROOT)
    changed.write_text("# a comment\n" + laid_out, encoding="utf-8")
    old, new = check(path), check(changed)
    found = pairs(old.networks, new.networks)
    assert [a and a.name for a, _ in found] == list(old.networks)
    for a, b in found:
        assert a is not None
        assert b is not None
        difference = compare(a, b)
        assert not difference.any, told(difference)
        assert difference.marks == {}


# Stages


def test_a_change_in_a_block_is_told_once_with_all_its_places() -> None:
    change = one(edited(("conv c 3x3 p1 | bn\n", "conv c 5x5 p2 | bn\n")))
    assert (change.kind, change.block, change.places) == ("changed", "unit", 6)
    assert change.side.path == "layer1.0.conv2"
    assert sorted(details(change)) == [("k", "3", "5"), ("p", "1", "2")]


def test_added_and_removed() -> None:
    found = edited(
        ("dropout 0.1 | ", ""), ("s=s | bn | relu", "s=s | bn | relu | relu6")
    )
    assert direct(found) == [
        ("added", "unit", "layer1.0.relu61"),
        ("removed", "", "dropout1"),
    ]
    back = edited(("dropout 0.1 | ", "dropout 0.1 | bn | "))
    assert direct(back) == [("added", "", "bn1")]


def test_another_label_is_another_name() -> None:
    found = edited(("stem:", "root:"))
    assert one(found).kind == "renamed"
    assert found.tensors.renamed == {
        "stem.weight": "root.weight",
        "stem.bias": "root.bias",
    }
    assert not found.tensors.added
    assert not found.tensors.removed


def test_a_rename_and_a_change_are_one_line() -> None:
    change = one(edited(("stem: conv 16 3x3 p1", "root: conv 16 5x5 p2")))
    assert change.kind == "changed"
    assert change.old is not None
    assert change.new is not None
    assert (change.old.path, change.new.path) == ("stem", "root")


def test_the_number_of_copies_is_told_of_the_repeat() -> None:
    found = edited(("s=[2,1] x3", "s=[2,1] x6"))
    change = one(found)
    assert (change.side.path, details(change)) == ("layer2", [("copies", "3", "6")])
    assert {name.split(".")[1] for name in found.tensors.added} == {"3", "4", "5"}
    inline = one(edited(("relu} x2", "relu} x5")))
    assert details(inline) == [("copies", "2", "5")]


def test_what_follows_from_a_parameter_is_no_change_of_its_own() -> None:
    found = edited(("classes=10", "classes=100"))
    assert direct(found) == []
    assert [(each.what, each.new) for each in found.interface] == [
        ("parameter classes", "100"),
        ("output", "100"),
    ]
    (change,) = found.changes
    assert (change.kind, change.side.path) == ("follows", "fc1")
    assert found.marks


def test_shapes_follow() -> None:
    found = edited(("s=[2,1] x3", "s=[1,1] x3"))
    assert direct(found) == [("changed", "", "layer2.0")]
    follows = [change for change in found.changes if change.kind == "follows"]
    assert any(str(change.side.out) == "32x32x32" for change in follows)


def test_another_layer_in_the_place_of_one() -> None:
    change = one(edited(("{conv 32 1x1 | relu} x2", "{conv 32 1x1 | gelu} x2")))
    assert (change.kind, details(change)) == ("changed", [("layer", "relu", "gelu")])


def test_values_of_a_default_line() -> None:
    text = "net a {\n  input 3x8x8\n  conv 4 3x3 | conv 4 3x3\n}\n"
    found = between(text, "default conv bias=false\n" + text)
    assert direct(found) == [("changed", "", "conv1"), ("changed", "", "conv2")]
    assert details(found.changes[0]) == [("bias", "true", "false")]
    assert list(found.tensors.removed) == ["conv1.bias", "conv2.bias"]


def test_other_wiring_is_seen() -> None:
    spec = "input 4x8x8 | a: conv 4 1x1 | b: conv 4 1x1 | conv 4 1x1 | add(id, {})"
    change = one(between(spec.format("a"), spec.format("b")))
    assert (change.side.path, details(change)) == (
        "add1",
        [("inputs", "conv3, a", "conv3, b")],
    )
    # What stands between two stages does not change where the second one takes from.
    plain = "input 4x8x8 | a: conv 4 3x3 p1 | {}conv 4 3x3 p1 | add(id, a)"
    found = between(plain.format(""), plain.format("relu | "))
    assert direct(found) == [("added", "", "relu1")]


def test_a_definition_that_is_called_otherwise() -> None:
    found = edited(("unit", "cell"))
    assert {change.kind for change in found.changes} == {"changed"}
    assert details(found.changes[0]) == [("layer", "unit", "cell")]
    assert not found.tensors.any


def test_very_long_bodies_are_compared_by_what_is_equal() -> None:
    lines = [f"l{at}: conv {at % 7 + 1} 3x3 p1" for at in range(1200)]
    assert len(lines) ** 2 > MAX_PAIRS
    old = "net n {\n  input 3x8x8\n  " + "\n  ".join(lines) + "\n}\n"
    lines[3] += " bias=false"
    lines.insert(600, "relu")
    del lines[1100]
    new = "net n {\n  input 3x8x8\n  " + "\n  ".join(lines) + "\n}\n"
    assert direct(between(old, new)) == [
        ("changed", "", "l3"),
        ("added", "", "relu1"),
        ("removed", "", "l1099"),
    ]


# Nets of several


def test_nets_are_paired_by_name_then_by_content_then_as_the_last_ones() -> None:
    one_, two, three = (
        f"net {{}} {{{{\n  input 3x8x8\n  conv {c} 3x3\n}}}}\n" for c in (1, 2, 3)
    )
    old = check(one_.format("a") + two.format("b") + three.format("c"))
    new = check(one_.format("a") + two.format("x") + one_.format("y"))
    found = [(a and a.name, b and b.name) for a, b in pairs(old.networks, new.networks)]
    assert found == [("a", "a"), ("b", "x"), ("c", "y")]
    fewer = check(one_.format("a"))
    found = [
        (a and a.name, b and b.name) for a, b in pairs(fewer.networks, old.networks)
    ]
    assert found == [("a", "a"), (None, "b"), (None, "c")]
    assert Difference(None, old.networks["b"]).any


# Names


def applied(names: dict[str, tuple[int, ...]], found: Tensors) -> dict[str, object]:
    """The old `state_dict` with all that was found done to it."""
    made: dict[str, object] = {}
    for name, shape in names.items():
        if name in found.removed:
            assert found.removed[name] == shape
            continue
        now = found.renamed.get(name, name)
        assert now not in made
        if now in found.reshaped:
            assert found.reshaped[now][0] == shape
            shape = found.reshaped[now][1]
        made[now] = shape
    assert not made.keys() & found.added.keys()
    return made | found.added


def names(net: Network) -> dict[str, tuple[int, ...]]:
    return {
        name: tuple(size for size in weight.shape if isinstance(size, int))
        for name, weight in state_dict_names(net)
    }


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_old_names_with_the_difference_are_the_new_ones(path: Path) -> None:
    nets = list(check(path).networks.values())[:4]
    for a, b in itertools.permutations(nets, 2):
        changed = applied(names(a), compare(a, b).tensors)
        assert changed == names(b), (a.name, b.name)


@pytest.mark.parametrize(
    "replaced",
    [
        ("unit 16 x3", "unit 16 x2"),
        ("stem: conv", "conv"),
        ("{conv 32 1x1 | relu} x2", "tail: {conv 32 1x1 | relu} x2"),
        ("{conv 32 1x1 | relu} x2", "conv 32 1x1 | {conv 32 1x1 | relu} x2"),
        ("layer2: unit 32 s=[2,1] x3", '"unit{i}": unit 32 s=[2,1] x3'),
        ("layer1: unit 16 x3", "layer1: {unit 16 x3}"),
        ("fc classes", "fc 20 | fc classes"),
    ],
)
def test_the_same_of_single_edits(replaced: tuple[str, str]) -> None:
    a, b = network(NET), network(NET.replace(*replaced))
    assert applied(names(a), compare(a, b).tensors) == names(b)
    assert applied(names(b), compare(b, a).tensors) == names(a)


def test_a_layer_put_before_others_of_its_kind_renames_them() -> None:
    wide = edited(("  {conv 32", "  conv 32 1x1\n  {conv 32")).tensors
    assert [tuple(each) for each in gathered(wide.renamed)] == [
        ("conv2", "conv3", 2),
        ("conv3", "conv4", 2),
    ]


# Text


def test_the_totals_come_first() -> None:
    lines = told(edited(("s=[2,1] x3", "s=[2,1] x6"))).splitlines()
    assert lines[0] == "small (<text> → <text>)"
    assert lines[1].split()[:2] == ["parameters", "68,266"]
    assert lines[1].endswith("%)")
    assert "state_dict: " in "\n".join(lines)
    assert told(between(NET, NET)) == "small (<text> → <text>)\n  no difference\n"


def test_long_lists_are_cut_unless_all_is_asked_for() -> None:
    found = edited(("s=[2,1] x3", "s=[2,1] x9"))
    assert "more names (--all)" in told(found)
    whole = told(found, everything=True)
    assert "--all" not in whole
    assert all(name in whole for name in found.tensors.added)
