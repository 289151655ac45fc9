"""archdsl from Python."""

from __future__ import annotations

from pathlib import Path

import pytest

import archdsl
from archdsl.ir.network import LayerRef

TEXT = "net small c=4 act=relu { input 3x8x8 | conv c 3x3 p1 | act }\n"
FAMILY = TEXT + "net wide = small c=8\n"


def test_text_and_paths_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "a b.arch"
    path.write_text(TEXT)
    for given in (path, str(path), TEXT, "input 3x8x8 | relu", "input 3x8x8"):
        assert archdsl.check(given).ok
    for missing in ("nope.arch", "some/nope.arch", "nope", tmp_path / "nope {}.arch"):
        with pytest.raises(FileNotFoundError):
            archdsl.check(missing)


def test_all_nets_or_one() -> None:
    assert list(archdsl.check(FAMILY).networks) == ["small", "wide"]
    assert list(archdsl.check(FAMILY, "wide").networks) == ["wide"]
    with pytest.raises(ValueError, match="small, wide"):
        archdsl.check(FAMILY).network()
    with pytest.raises(archdsl.SpecError, match="no net `other`"):
        archdsl.check(FAMILY, "other").network("other")


def test_the_net_called_like_the_file(tmp_path: Path) -> None:
    path = tmp_path / "wide.arch"
    path.write_text(FAMILY)
    assert archdsl.check(path).network().name == "wide"


def test_parameters() -> None:
    net = archdsl.check(TEXT, c=16, act="tanh").network()
    assert net.root.type.sizes == (16, 8, 8)
    assert net.root.params["act"].value == LayerRef("tanh")
    assert not archdsl.check(TEXT, width=16).ok
    with pytest.raises(ValueError, match="cannot be a dict"):
        archdsl.check(TEXT, c={})
    text = "net n k { input 3x8x8 | conv 4 k }"
    assert archdsl.check(text, k="3x1").network().root.type.sizes == (4, 6, 8)
    text = "block b c { conv c 1x1 }\nnet n c unit { input 3x8x8 | unit c=c x2 }"
    net = archdsl.check(text, c=[4, 5], unit="b").network()
    assert net.root.type.sizes == (5, 8, 8)


def test_mistakes() -> None:
    found = archdsl.check("input 3x8x8 | conv 4x9x9")
    assert not found.ok
    assert found.networks == {}
    assert [d.code for d in found.diagnostics] == ["E0302"]
    with pytest.raises(archdsl.SpecError) as caught:
        archdsl.compile("input 3x8x8 | conv 4x9x9")
    assert [d.code for d in caught.value.diagnostics] == ["E0302"]
    assert "error[E0302]" in str(caught.value)
    assert "conv 4x9x9" in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "bad.arch"
    path.write_bytes(b"\xff")
    assert [d.code for d in archdsl.check(path).diagnostics] == ["E0104"]


def test_compile_gives_python() -> None:
    code = archdsl.compile(FAMILY, "wide")
    compile(code, "wide.py", "exec")
    assert "archdsl import" not in code


def test_unknown_attributes() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = archdsl.nope
    assert set(archdsl.__all__) == set(dir(archdsl))


def test_load_gives_a_module() -> None:
    torch = pytest.importorskip("torch")
    module = archdsl.load(FAMILY, "wide")
    assert module(torch.zeros(2, 3, 8, 8)).shape == (2, 8, 8, 8)
    with pytest.raises(archdsl.SpecError):
        archdsl.load("input 3x8x8 | conv 4x9x9")
