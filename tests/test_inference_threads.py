"""On a CPU a convolution of a small map is computed without other threads."""

from __future__ import annotations

import copy
import ctypes
from collections.abc import Callable, Iterator

import pytest
import torch
from inference_nets import (
    difference,
    inputs_of,
    network,
    outputs,
    source,
    trained,
    way_of,
)
from torch import Tensor


class Noted:
    """A way to compute that notes how many threads there are."""

    def __init__(self, way: Callable[..., Tensor]) -> None:
        self.way = way
        self.threads: list[int] = []

    def __call__(self, *given: Tensor | None) -> Tensor:
        self.threads.append(torch.get_num_threads())
        return self.way(*given)


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_a_small_map_is_computed_on_one_thread(
    two_threads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network("input 3x8x8 | conv 4x3x3 | relu | gap")
    module = trained(net)
    made, inputs = source(net), inputs_of(net)
    if made.thread_setter() is None:
        pytest.skip("PyTorch's OpenMP is not found")
    for faster in (False, True):
        monkeypatch.setattr(
            made,
            "fastest",
            lambda ways, packed=False, at=faster: len(ways) - 1 if packed else int(at),
        )
        prepared = made.prepare(module.state_dict())
        conv = prepared.conv1
        assert isinstance(conv.way, made.Alone) is faster
        noted = Noted(way_of(conv))
        conv.way = made.Alone(noted) if faster else noted
        assert difference([prepared(*inputs)], outputs(module, inputs)) < 1e-5
        assert noted.threads == [1 if faster else 2]
        assert torch.get_num_threads() == 2


def test_after_a_mistake_all_threads_are_back(two_threads: None) -> None:
    made = source(network("input 3x8x8 | conv 4x3x3"))

    def refused() -> Tensor:
        raise RuntimeError("no such map")

    with pytest.raises(RuntimeError, match="no such map"):
        made.Alone(refused)()
    assert torch.get_num_threads() == 2


class Another:
    """An OpenMP that PyTorch does not compute with."""

    def omp_set_num_threads(self, number: int) -> None: ...


def windows(name: None) -> object:
    raise TypeError


@pytest.mark.parametrize(
    "system", [lambda name: Another(), lambda name: object(), windows]
)
def test_where_pytorchs_openmp_is_not_found_all_threads_compute(
    system: Callable[[None], object],
    two_threads: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = source(network("input 3x8x8 | conv 4x3x3"))
    monkeypatch.setattr(ctypes, "PyDLL", system)
    made.thread_setter.cache_clear()
    try:
        assert made.thread_setter() is None
        assert made.alone_if_faster(torch.relu, torch.ones(1)) is torch.relu
        # A net that was prepared elsewhere.
        noted = Noted(torch.relu)
        made.Alone(noted)(torch.ones(1))
        assert noted.threads == [2]
    finally:
        made.thread_setter.cache_clear()


def test_one_thread_is_alone_anyway() -> None:
    made = source(network("input 3x8x8 | conv 4x3x3"))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        assert made.alone_if_faster(torch.relu, torch.ones(1)) is torch.relu
    finally:
        torch.set_num_threads(before)


def test_a_prepared_net_can_be_copied(
    two_threads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network("input 3x8x8 | conv 4x3x3 | relu | gap")
    module = trained(net)
    made, inputs = source(net), inputs_of(net)
    monkeypatch.setattr(made, "fastest", lambda ways, packed=False: len(ways) - 1)
    prepared = made.prepare(module.state_dict(), public=True)
    copied = copy.deepcopy(prepared)
    assert torch.equal(copied(*inputs), prepared(*inputs))
