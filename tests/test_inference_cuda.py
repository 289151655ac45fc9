"""Sources for inference on a GPU, held against the modules of training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from inference_nets import (
    TOLERANCE,
    difference,
    inputs_of,
    is_as_exact,
    network,
    outputs,
    source,
    tensors,
    trained,
)
from test_inference_specs import PATHS, small

import archdsl
from archdsl.backends.inference.emit import emit
from archdsl.ir.network import Network

GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
SHORTCUT = (
    "input 3x16x16 | conv 8x3x3 p1 | bn | relu"
    " | add(id, conv 8x3x3 p1 | bn) | relu | gap | fc 4"
)


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    """Products in float32 throughout."""
    backends = torch.backends
    before = backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32
    backends.cuda.matmul.allow_tf32 = backends.cudnn.allow_tf32 = False
    yield
    backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32 = before


def hold(net: Network, batch: int = 2) -> None:
    """Hold a net on the GPU to its module on the CPU: in each way, and in a graph."""
    module = trained(net)
    inputs = inputs_of(net, batch)
    wanted = outputs(module, inputs)
    made = source(net, device="cuda")
    state = module.state_dict()
    ways: list[dict[str, object]] = [{}, {"public": True}]
    if hasattr(made, "Graph"):
        ways.append({"graph": True, "batch": batch})
    for way in ways:
        prepared = made.prepare(state, **way)
        for _ in range(2):
            out = prepared(*(x.cuda() for x in inputs))
            found = [tensor.cpu() for tensor in tensors(out)]
            near = difference(found, wanted) <= TOLERANCE
            assert near or is_as_exact(module, inputs, found), way


@GPU
@PATHS
def test_specs_compute_what_their_modules_do(path: Path) -> None:
    net = small(path)
    if net is None:
        pytest.skip("there are blocks alone, or its smallest net is large")
    hold(net)


@GPU
def test_relu_and_addition_are_cudnn_s() -> None:
    net = network(SHORTCUT)
    module = trained(net)
    made = source(net, device="cuda")
    inputs = inputs_of(net)
    prepared = made.prepare(module.state_dict())
    for conv in (prepared.conv1, prepared.conv2):
        conv.way = conv.by_cudnn
    found = prepared(*(x.cuda() for x in inputs)).cpu()
    assert difference([found], outputs(module, inputs)) <= TOLERANCE


@GPU
def test_results_of_a_graph_stay_as_they_are() -> None:
    net = network(SHORTCUT)
    made = source(net, device="cuda", dtype="float16")
    prepared = made.prepare(trained(net).state_dict(), batch=2, graph=True)
    plain = prepared.net
    one, other, more = (inputs_of(net, n, n)[0].cuda() for n in (2, 2, 3))
    other = -other
    first = prepared(one)
    prepared(other)
    assert torch.equal(first, plain(one))
    assert torch.equal(prepared(more), plain(more))


def test_a_graph_needs_a_gpu() -> None:
    net = network(SHORTCUT)
    made = source(net, device="cuda")
    with pytest.raises(ValueError, match="prepare without `graph`"):
        made.prepare(trained(net).state_dict(), device="cpu", graph=True)


def test_a_graph_is_for_sizes_that_are_known() -> None:
    assert "graph" not in emit(network("input 3xHxW | conv 4 3 | gap"), "cuda")
    assert "graph" not in emit(network(SHORTCUT), "cpu")
    # Nothing is packed here, and there is a graph for it.
    assert "Graph(net, *inputs) if graph else net" in emit(
        network("input 3x8x8 | relu"), "cuda"
    )


class Pair(NamedTuple):
    a: torch.Tensor
    b: torch.Tensor | None


def test_outputs_are_copied_as_they_are() -> None:
    made = source(network("input 3x8x8 | relu"), device="cuda")
    x = torch.ones(2)
    for given in (x, (x, x), {"a": x}, Pair(x, None)):
        copy = made.copied(given)
        assert type(copy) is type(given)
        for one, other in zip(tensors(copy), tensors(given), strict=True):
            assert torch.equal(one, other)
            assert one.data_ptr() != other.data_ptr()


def test_a_block_may_be_called_graph() -> None:
    text = "block Graph { conv 4 1 }\nnet n { input 3x8x8 | Graph }"
    code = archdsl.compile(text, target="inference", device="cuda")
    assert code.count("class Graph:") == 1


@pytest.mark.parametrize("window", ["1", "1 s=2x1 bias=false"])
def test_windows_of_one_place_are_linear_maps(window: str) -> None:
    net = network(f"input 3x8x8 | add(conv 4 {window}, conv 4 {window} | bn) | relu")
    module = trained(net)
    prepared = source(net, device="cuda").prepare(module.state_dict(), device="cpu")
    for conv in (prepared.conv1, prepared.conv2):
        conv.way = conv.as_linear
    inputs = inputs_of(net)
    assert difference([prepared(*inputs)], outputs(module, inputs)) < 1e-6


def test_the_fastest_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    made = source(network(SHORTCUT), device="cuda")
    now = [0.0]

    class Event:
        def __init__(self, enable_timing: bool) -> None:
            self.at = 0.0

        def record(self) -> None:
            self.at = now[0]

        def synchronize(self) -> None:
            pass

        def elapsed_time(self, end: Event) -> float:
            return end.at - self.at

    def takes(seconds: float) -> torch.Tensor:
        now[0] += seconds
        return torch.ones(1)

    slow, fast = (lambda: takes(2)), (lambda: takes(1))
    monkeypatch.setattr(torch.cuda, "Event", Event)
    assert made.fastest([slow, fast]) is fast
    assert made.fastest([fast, slow]) is fast
    assert made.fastest([slow, fast, slow]) is fast


@pytest.mark.parametrize("lacks", [False, True])
def test_where_cudnn_has_no_kernel(
    lacks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a CPU, or in a PyTorch without these operators."""
    net = network(SHORTCUT)
    module = trained(net)
    prepared = source(net, device="cuda").prepare(module.state_dict(), device="cpu")
    if lacks:
        monkeypatch.delattr(torch, "cudnn_convolution_relu")
        monkeypatch.delattr(torch, "cudnn_convolution_add_relu")
    for conv in (prepared.conv1, prepared.conv2):
        conv.way = conv.by_cudnn
    inputs = inputs_of(net)
    assert difference([prepared(*inputs)], outputs(module, inputs)) < 1e-6
