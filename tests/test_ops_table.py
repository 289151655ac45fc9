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
