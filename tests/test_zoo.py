"""specs/torchvision: 80 models, each with torchvision's totals; one of each family run.

`make zoo` runs them all.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import Tensor

import archdsl
from archdsl.runtime.verify import verify
from benchmarks import zoo

REFERENCE = zoo.reference()
FAMILIES = list(dict.fromkeys(known["family"] for known in REFERENCE.values()))


def models(family: str) -> dict[str, dict[str, object]]:
    return {k: v for k, v in REFERENCE.items() if v["family"] == family}


def test_there_are_eighty() -> None:
    assert len(REFERENCE) == 80
    assert sorted(path.stem for path in zoo.SPECS.glob("*.arch")) == sorted(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_totals_are_torchvisions(family: str) -> None:
    checked = archdsl.check(zoo.spec(family))
    assert checked.ok
    for name, known in models(family).items():
        root = checked.network(name).root
        assert root.cost.params == known["params"], name
        assert root.cost.macs == known["macs"], name
        assert root.inputs[0].sizes == (3, known["side"], known["side"]), name


@pytest.mark.parametrize("family", FAMILIES)
def test_the_state_dict_is_torchvisions(family: str) -> None:
    name = zoo.smallest(family)
    with torch.device("meta"):
        state = archdsl.load(zoo.spec(family), net=name).state_dict()
    assert zoo.digest(state) == REFERENCE[name]["digest"]
    assert len(state) == REFERENCE[name]["tensors"]


@pytest.mark.parametrize("family", FAMILIES)
def test_it_computes_what_torchvision_computes(family: str) -> None:
    if find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    name = zoo.smallest(family)
    found = verify(
        zoo.spec(family),
        lambda: zoo.built(name),
        name,
        passes=1,
        batch=2,
        dropout=False,
    )
    assert found, str(found)


@pytest.mark.parametrize(
    ("family", "model", "olds"),
    [
        (
            "densenet",
            "densenet121",
            {"norm1.": "norm.1.", "conv1.": "conv.1.", "norm2.": "norm.2."},
        ),
        ("vit", "vit_b_32", {"mlp.0.": "mlp.linear_1.", "mlp.3.": "mlp.linear_2."}),
    ],
)
def test_published_names_of_old_are_renamed(
    family: str, model: str, olds: dict[str, str], tmp_path: Path
) -> None:
    """Published checkpoints keep the names of their time."""
    state = archdsl.load(zoo.spec(family), net=model).state_dict()
    old: dict[str, Tensor] = {}
    for name, tensor in state.items():
        for new, former in olds.items():
            name = name.replace(f".{new}", f".{former}")
        old[name] = tensor
    assert old.keys() != state.keys()
    torch.save(old, tmp_path / "old.pt")
    renames = zoo.SPECS / "renames" / f"{family}.txt"
    module = archdsl.load(
        zoo.spec(family), net=model, weights=tmp_path / "old.pt", rename=renames
    )
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, state[name]), name


def test_a_model_is_named_on_the_command_line() -> None:
    """As docs/zoo.md shows it."""
    if find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    name = "shufflenet_v2_x0_5"
    place = f"{zoo.ROOT}/benchmarks/torchvision_cpu.py:{name}"
    assert verify(zoo.spec("shufflenet"), place, name, passes=1, batch=2)


def test_no_spec_uses_an_extern() -> None:
    for path in zoo.SPECS.glob("*.arch"):
        assert "extern" not in path.read_text(encoding="utf-8"), path


def test_the_page_is_that_of_the_results() -> None:
    result = json.loads(zoo.RESULTS.read_text(encoding="utf-8"))
    assert zoo.page(result) == zoo.PAGE.read_text(encoding="utf-8")
    rows = [zoo.Row(**row) for row in result["rows"]]
    assert [row.model for row in rows] == list(REFERENCE)
    assert all(row.ok for row in rows)
    ours, theirs = (sum(row[at] for row in result["lengths"]) for at in (1, 2))
    assert 3 * ours <= theirs


def test_the_specs_are_as_long_as_the_results_say() -> None:
    result = json.loads(zoo.RESULTS.read_text(encoding="utf-8"))
    for families, ours, _ in result["lengths"]:
        assert sum(map(zoo.spec_tokens, families.split(", "))) == ours, families


def test_tokens_are_words_and_signs() -> None:
    assert zoo.tokens("conv 96x11x11 s4 | relu -> 96x27x27") == 8
