"""The same input gives the same bytes, whatever the hash seed and Python are."""

from __future__ import annotations

import sys

import determinism
import pytest

SEEDS = (1, 4711)
OTHERS = [
    (version, path)
    for version, path in determinism.pythons()
    if version != f"{sys.version_info[0]}.{sys.version_info[1]}"
]


@pytest.fixture(scope="module")
def first() -> dict[str, str]:
    return determinism.digests_of(sys.executable, 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_hash_seeds(seed: int, first: dict[str, str]) -> None:
    assert len(first) > 80
    found = determinism.digests_of(sys.executable, seed)
    assert determinism.different(first, found) == []


@pytest.mark.parametrize(("version", "path"), OTHERS)
def test_pythons(version: str, path: str, first: dict[str, str]) -> None:
    found = determinism.digests_of(path, 7)
    assert determinism.different(first, found) == []
