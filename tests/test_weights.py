"""Weights from files: what they become, and what is refused."""

from __future__ import annotations

import os
import pickle
import tarfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import archdsl
from archdsl.api import check
from archdsl.runtime.renames import RenameError
from archdsl.runtime.weights import WeightsError, load_weights

NET = """\
net n classes=7 {
  input 3x8x8
  conv 4x3x3 | bn | relu
  gap | fc classes
}
"""


class Evil:
    """Unpickling it as Python does makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.path),)


def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(3)
    return dict(archdsl.load(NET).state_dict())


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors", "w.PTH"])
def test_the_module_has_the_weights(name: str, tmp_path: Path) -> None:
    weights = state()
    path = tmp_path / name
    if name.endswith("safetensors"):
        save_file(weights, path)
    else:
        torch.save(weights, path)
    module = archdsl.load(NET, weights=path)
    for key, tensor in module.state_dict().items():
        assert torch.equal(tensor, weights[key])
    assert archdsl.load(NET, weights=str(path), classes=7) is not module


def test_old_names(tmp_path: Path) -> None:
    weights = {
        name.replace("bn1", "norm.1").replace("fc1", "head"): tensor
        for name, tensor in state().items()
    }
    torch.save({"state_dict": weights, "epoch": 3}, tmp_path / "w.pt")
    (tmp_path / "renames").write_text("norm.1 bn1\ns/^head/fc1/\n")
    for rename in (tmp_path / "renames", {"norm.1": "bn1", "head": "fc1"}):
        module = archdsl.load(NET, weights=tmp_path / "w.pt", rename=rename)
        assert torch.equal(module.state_dict()["bn1.weight"], weights["norm.1.weight"])
    with pytest.raises(WeightsError) as caught:
        archdsl.load(NET, weights=tmp_path / "w.pt", rename={"head": "fc1", "x": "y"})
    text = str(caught.value)
    assert "bn1.weight (line 3): 4, in the file as norm.1.weight?\n" in text
    assert "the rename `x y` fits no name in the file" in text
    with pytest.raises(TypeError, match="give weights"):
        archdsl.load(NET, rename={"a": "b"})
    with pytest.raises(RenameError):
        archdsl.load(NET, weights=tmp_path / "w.pt", rename=tmp_path / "no")
    with pytest.raises(WeightsError, match="the renames call both"):
        archdsl.load(NET, weights=tmp_path / "w.pt", rename={"norm.1": "head"})


def refused(path: Path) -> str:
    """Why loading fails; a module keeps what it has."""
    module = archdsl.load(NET)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with pytest.raises(WeightsError) as caught:
        load_weights(module, check(NET).network(), path)
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, before[name])
    with pytest.raises(WeightsError):
        archdsl.load(NET, weights=path)
    text = str(caught.value)
    assert str(path) in text
    return text


def test_a_mismatch_tells_key_shapes_and_line(tmp_path: Path) -> None:
    weights = state()
    weights["fc1.weight"] = torch.zeros(5, 4)
    weights["bn1.bias"] = torch.zeros(4, dtype=torch.int32)
    del weights["conv1.bias"]
    torch.save(weights, tmp_path / "w.pt")
    text = refused(tmp_path / "w.pt")
    assert "fc1.weight (line 4): the net has 7x4, the file 5x4" in text
    assert "bn1.bias (line 3): the net has float32, the file int32" in text
    assert "conv1.bias (line 3): 4" in text


def test_lines_in_other_files(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "parts.arch").write_text("block part c {\n  conv c 3x3\n}\n")
    spec = tmp_path / "net.arch"
    spec.write_text('use "parts.arch"\nnet n {\n  input 3x8x8\n  part 4\n}\n')
    torch.save({"part1.conv1.weight": torch.zeros(1)}, tmp_path / "w.pt")
    with pytest.raises(WeightsError, match=r"parts\.arch:2\): the net has 4x3x3x3"):
        archdsl.load(spec, weights=tmp_path / "w.pt")


def test_another_network(tmp_path: Path) -> None:
    other = nn.Sequential(*(nn.Linear(3, 3) for _ in range(40)))
    torch.save(other.state_dict(), tmp_path / "w.pt")
    text = refused(tmp_path / "w.pt")
    assert "missing in the file: 8" in text
    assert "not in the net: 80" in text
    assert "and 70 more" in text


def test_all_names_of_a_parallel_module(tmp_path: Path) -> None:
    torch.save({f"module.{k}": v for k, v in state().items()}, tmp_path / "w.pt")
    assert r"the rename s/^module\.// takes that away" in refused(tmp_path / "w.pt")


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
def test_a_truncated_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name.endswith("pt"):
        torch.save(state(), path)
    else:
        save_file(state(), path)
    data = path.read_bytes()
    for length in (0, 7, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        assert "whole" in refused(path)


def test_code_in_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    made = tmp_path / "made"
    evil = {"conv1.weight": Evil(made)}
    torch.save(evil, tmp_path / "w.pt")
    text = refused(tmp_path / "w.pt")
    assert "no file of weights alone" in text
    assert "mkdir, which was not run" in text
    for protocol in (0, 2, 4):
        (tmp_path / "p.pt").write_bytes(pickle.dumps(evil, protocol))
        assert "no file of weights" in refused(tmp_path / "p.pt")
    torch.save(evil, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    assert "no file of weights" in refused(tmp_path / "old.pt")
    assert not made.exists()
    # The file would do it, were it read as Python reads pickles.
    pickle.loads((tmp_path / "p.pt").read_bytes())
    assert made.exists()


def test_what_is_no_state_dict(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.pt")
    torch.save({"a": 1}, tmp_path / "numbers.pt")
    torch.save(nn.Linear(2, 2), tmp_path / "module.pt")
    assert "holds no state_dict: it holds a value of type list" in refused(
        tmp_path / "list.pt"
    )
    assert "holds no state_dict: `a` in it is no tensor" in refused(
        tmp_path / "numbers.pt"
    )
    torch.save({"net": state(), "step": 3}, tmp_path / "nested.pt")
    assert "`net`, `step` in it are no tensor" in refused(tmp_path / "nested.pt")
    torch.save({0: torch.zeros(1)}, tmp_path / "keys.pt")
    assert "keys that are no names" in refused(tmp_path / "keys.pt")
    with tarfile.open(tmp_path / "tar.pt", "w") as archive:
        archive.add(tmp_path / "list.pt")
    text = refused(tmp_path / "tar.pt")
    assert "save module.state_dict()" in text
    # torch advises to read it in a way that runs code.
    assert "weights_only" not in text
    assert "save module.state_dict()" in refused(tmp_path / "module.pt")
    assert "there is no file" in refused(tmp_path / "none.pt")
    assert "there is no file" in refused(tmp_path / "none.safetensors")
    assert "Is a directory" in refused(tmp_path)


def test_names_of_a_file_are_fit_to_be_printed(tmp_path: Path) -> None:
    torch.save({**state(), "a\x1b[31m\n": torch.zeros(1)}, tmp_path / "w.pt")
    assert r"a\x1b[31m\n" in refused(tmp_path / "w.pt")
    torch.save({**state(), "b" * 10_000: torch.zeros(1)}, tmp_path / "w.pt")
    assert len(refused(tmp_path / "w.pt")) < 1_000


def test_tensors_that_torch_does_not_copy(tmp_path: Path) -> None:
    torch.save({k: v.to("meta") for k, v in state().items()}, tmp_path / "w.pt")
    assert 'named "conv1.weight"' in refused(tmp_path / "w.pt")


def test_a_module_is_whole_or_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where loading itself fails half-way."""
    torch.save(state(), tmp_path / "w.pt")
    load = nn.Linear._load_from_state_dict
    failed: list[int] = []

    def failing(self: nn.Linear, *args: Any, **kwargs: Any) -> None:
        if not failed:
            failed.append(1)
            raise ValueError("no more")
        load(self, *args, **kwargs)

    monkeypatch.setattr(nn.Linear, "_load_from_state_dict", failing)
    module = archdsl.load(NET)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with pytest.raises(WeightsError, match="no more"):
        load_weights(module, check(NET).network(), tmp_path / "w.pt")
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, before[name])
