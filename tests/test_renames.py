"""Tables of renames."""

from __future__ import annotations

from pathlib import Path

import pytest

from archdsl.runtime.renames import RenameError, Renames, parsed, renames_of

TABLE = r"""
# names of long ago
norm.1  norm1     # in a layer
linear_1 0
s/^module\.//
s|(\w+)_gamma$|\1.weight|
AuxLogits -
s/\.old$/-/
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("block.layer1.norm.1.weight", "block.layer1.norm1.weight"),
        ("norm.1", "norm1"),
        ("norm.10.weight", "norm.10.weight"),
        ("abnorm.1.weight", "abnorm.1.weight"),
        ("mlp.linear_1.bias", "mlp.0.bias"),
        ("linear_12.bias", "linear_12.bias"),
        ("module.a.module.b", "a.module.b"),
        ("bn_gamma", "bn.weight"),
        ("AuxLogits.conv.weight", None),
        ("net.AuxLogits", None),
    ],
)
def test_names_become(old: str, new: str | None) -> None:
    assert parsed(TABLE, "t")(old) == new


def test_a_minus_leaves_out_what_a_pattern_finds() -> None:
    renames = parsed(r"s/\.num_batches_tracked$/-/", "t")
    assert renames.keys(["a.b", "a.num_batches_tracked"]) == {"a.b": "a.b"}


def test_rules_come_one_after_the_other() -> None:
    assert parsed("a b\nb c", "t")("a.weight") == "c.weight"


def test_a_dictionary_knows_whole_names_first() -> None:
    renames = renames_of({"a.weight": "b.weight", "b.weight": "a.weight", "c": "d"})
    assert renames("a.weight") == "b.weight"
    assert renames("b.weight") == "a.weight"
    assert renames("c.weight") == "d.weight"
    assert renames_of({"a": "-"}).keys(["a", "b"]) == {"b": "b"}


def test_rules_that_fit_nothing_are_told() -> None:
    assert parsed("a b\nx y", "t").idle(["a.weight"]) == ["x y"]
    assert renames_of({"a": "b", "x": "y"}).idle(["a"]) == ["x y"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("a", "an old name and a new one"),
        ("a b c", "an old name and a new one"),
        ("s/a/b", "s/pattern/replacement/"),
        ("s/a/b/g", "s/pattern/replacement/"),
        ("s/(/b/", "missing )"),
        (r"s/a/\2/", "invalid group reference"),
        (". b", "is no name"),
    ],
)
def test_lines_that_are_no_rule(line: str, says: str) -> None:
    with pytest.raises(RenameError, match=r"^t:2: ") as caught:
        parsed(f"a b\n{line}\n", "t")
    assert says in str(caught.value)


def test_two_tensors_of_one_name() -> None:
    with pytest.raises(RenameError, match="both `a` and `b` `b`"):
        parsed("a b", "t").keys(["a", "b"])


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(b"\xef\xbb\xbfa b\r\n")
    assert renames_of(path)("a") == "b"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(RenameError, match="UTF-8"):
        renames_of(path)
    with pytest.raises(RenameError, match="No such file"):
        renames_of(tmp_path / "no.txt")
    assert renames_of(None)("a") == "a"
    assert renames_of(Renames())("a") == "a"
