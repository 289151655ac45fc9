"""The table that says which module has which layer, and the modules themselves."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

import archdsl.ops
from archdsl.ops import LAYERS, families
from archdsl.ops.record import Layer

# What `tie LABEL` makes has no name of its own.
NOT_WRITTEN = {"tie"}
MODULES = sorted(
    path.stem
    for path in Path(archdsl.ops.__file__).parent.glob("*.py")
    if path.stem != "__init__"
)


def records(module: str) -> tuple[Layer, ...]:
    """What a module offers."""
    found = getattr(import_module(f"archdsl.ops.{module}"), "LAYERS", ())
    assert isinstance(found, tuple)
    return found


def test_table_lists_every_record_once() -> None:
    made = sorted(layer.name for module in MODULES for layer in records(module))
    assert sorted(LAYERS) == made
    assert sorted(layer.name for _, family in families() for layer in family) == made
    assert len(made) == len(set(made))


def test_titles_and_modules() -> None:
    assert [title for title, _ in families()] == [
        "Convolution",
        "Linear",
        "Recurrent",
        "Attention",
        "Pooling",
        "Normalisation and regularisation",
        "Activation",
        "Merging",
        "Shape",
        "Size of a map",
        "Tensors of their own",
        "LeNet-5 as published",
    ]
    homes = {
        name: module
        for _, modules in archdsl.ops._FAMILIES
        for module, names in modules.items()
        for name in names.split()
    }
    assert homes == archdsl.ops._HOME
    assert set(homes.values()) <= set(MODULES)


def test_layers_are_imported_when_they_are_asked_for() -> None:
    layers = archdsl.ops._Layers()
    assert len(layers) == len(LAYERS) == len(list(layers))
    assert not layers._made
    assert layers["conv"] is LAYERS["conv"]
    assert set(layers._made) == {layer.name for layer in records("conv")}
    own = LAYERS["conv"]._replace(name="relu")
    layers["relu"] = own
    assert layers["tanh"] is LAYERS["tanh"]
    # What was set before its family is imported stays.
    assert layers["relu"] is own
    assert layers.get("nothing") is None
    assert layers.get("nothing", own) is own


@pytest.mark.parametrize("module", MODULES)
def test_module_offers_its_records(module: str) -> None:
    offered = {layer.name for layer in records(module)}
    defined = {
        item.name
        for item in vars(import_module(f"archdsl.ops.{module}")).values()
        if isinstance(item, Layer)
    }
    # Others are made in a loop, and stand in the table of records only.
    assert defined - NOT_WRITTEN <= offered
    # By identity, since the table may name the wrong module.
    assert all(LAYERS[layer.name] is layer for layer in records(module))
