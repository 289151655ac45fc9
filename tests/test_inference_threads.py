"""On a CPU a convolution of a small map is computed without other threads."""

from __future__ import annotations

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
        conv.way = made.Alone(noted, conv.way.set_threads) if faster else noted
        assert difference([prepared(*inputs)], outputs(module, inputs)) < 1e-5
        assert noted.threads == [1 if faster else 2]
        assert torch.get_num_threads() == 2


def test_after_a_mistake_all_threads_are_back(two_threads: None) -> None:
    made = source(network("input 3x8x8 | conv 4x3x3"))

    def refused() -> Tensor:
        raise RuntimeError("no such map")

    set_threads = made.thread_setter()
    if set_threads is None:
        pytest.skip("PyTorch's OpenMP is not found")
    with pytest.raises(RuntimeError, match="no such map"):
        made.Alone(refused, set_threads)()
    assert torch.get_num_threads() == 2


def test_threads_are_set_by_pytorchs_openmp_alone(
    two_threads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = source(network("input 3x8x8 | conv 4x3x3"))

    class Another:
        """An OpenMP that PyTorch does not compute with."""

        def omp_set_num_threads(self, number: int) -> None: ...

    def windows(name: None) -> None:
        raise TypeError

    for system in (lambda name: Another(), lambda name: object(), windows):
        monkeypatch.setattr(ctypes, "PyDLL", system)
        assert made.thread_setter() is None
        assert made.alone_if_faster(torch.relu, torch.ones(1)) is torch.relu
    monkeypatch.undo()
    torch.set_num_threads(1)
    assert made.thread_setter() is None
