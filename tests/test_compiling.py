"""`load(…, compile=…)`: regions, what they share, and that nothing else changes."""

from __future__ import annotations

import copy
import pickle
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from test_load_options import DEEP, loaded, pictures, same_steps, step
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounterWithBackend

from archdsl.runtime.regions import region_length

# It compiles nothing, but goes all the way through graphs and gradients.
BACKEND = "aot_eager"
# A list that the module goes through, since each block gets the mask as well.
MASKED = """
block unit(a, seen) {
  add(id, ln | attention(id, seen) 2)
}
net masked n=16 {
  input a: 6x8
  input seen: 6 bool
  in
  body: unit(id, seen) x=n
  take 0 t | fc 5
}
"""
# Runs of ten kinds of blocks.
KINDS = """
block unit c { fc c | relu }
net kinds {
  input 4
  a: unit 4 x=16
  b: unit 5 x=17
  c: unit 6 x=17
  d: unit 7 x=17
  e: unit 8 x=17
  f: unit 9 x=17
  g: unit 10 x=17
  h: unit 11 x=17
  k: unit 12 x=17
  l: unit 13 x=17
}
"""


@pytest.fixture(autouse=True)
def _fresh_compiler() -> Iterator[None]:
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def compiled(
    spec: str = DEEP, weights: nn.Module | None = None, how: Any = "auto", **given: Any
) -> tuple[Any, CompileCounterWithBackend]:
    """A module, and what counts the graphs that are compiled for it."""
    counter = CompileCounterWithBackend(BACKEND)
    options = {"backend": counter}
    module = loaded(spec, weights, compile=how, compile_options=options, **given)
    return module, counter


def test_regions_that_are_alike_are_compiled_once() -> None:
    plain = loaded(n=27).eval()
    module, counter = compiled(weights=plain, n=27)
    same_steps(module.eval(), plain, pictures())
    # What is before the run, three times nine blocks, and what is after it.
    assert counter.frame_count == 3


def test_the_whole_is_one_graph() -> None:
    plain = loaded().eval()
    for how in ("whole", True):
        module, counter = compiled(weights=plain, how=how)
        same_steps(module.eval(), plain, pictures())
        assert counter.frame_count == 1
        torch.compiler.reset()


def test_a_short_net_is_one_graph() -> None:
    module, counter = compiled(n=15)
    step(module, pictures())
    assert counter.frame_count == 1


def test_more_kinds_of_regions_than_variants_of_one_code() -> None:
    plain = loaded(KINDS)
    module, counter = compiled(KINDS, plain)
    x = torch.randn(2, 4)
    same_steps(module, plain, x)
    assert torch._dynamo.config.recompile_limit == 8
    assert counter.frame_count > 2 * 8
    before = counter.frame_count
    step(module, x)
    assert counter.frame_count == before


def test_a_list_that_is_gone_through_is_compiled_block_by_block() -> None:
    plain = loaded(MASKED)
    module, counter = compiled(MASKED, plain)
    seen = torch.ones(2, 6, dtype=torch.bool)
    seen[:, 4:] = False
    same_steps(module, plain, torch.randn(2, 6, 8), seen)
    # The first block has an input that needs no gradient.
    assert counter.frame_count == 2
    assert type(pickle.loads(pickle.dumps(module))) is type(plain)


def test_checkpointed_blocks_are_compiled_in_training() -> None:
    plain = loaded(n=16).eval()
    module, _ = compiled(weights=plain, checkpoint="body", n=16)
    same_steps(module.eval(), plain, pictures())
    module.train()
    step(module, pictures())
    assert module.body[0].bn1.num_batches_tracked == 1


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))],
    ids=["deepcopy", "pickle"],
)
@pytest.mark.parametrize("how", ["whole", "auto"])
def test_copies_are_not_compiled(how: str, copied: Any) -> None:
    module, counter = compiled(how=how)
    step(module, pictures())
    compiled_graphs = counter.frame_count
    other = copied(module)
    with torch.no_grad():
        other.fc.weight.zero_()
        other.fc.bias.zero_()
    # Its own weights are used.
    assert not other(pictures()).any()
    assert module(pictures()).any()
    assert counter.frame_count <= compiled_graphs + 3
    assert type(other.body) is nn.Sequential
    assert repr(module) == repr(other)


def test_region_lengths_leave_little_over() -> None:
    assert region_length(333) == 9
    assert region_length(64) == 8
    assert region_length(110) == 5
    for blocks in range(16, 500):
        length = region_length(blocks)
        assert 5 <= length <= 10
        assert length + blocks % length <= 8 + blocks % 8


@pytest.mark.parametrize(
    ("options", "turned"), [({}, True), ({"backend": "aot_eager"}, False)]
)
def test_maps_have_the_layout_that_inductor_takes(
    options: dict[str, Any], turned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    layouts: list[bool] = []

    def as_it_is(plain: Any, **_: Any) -> Any:
        def apply(blocks: tuple[nn.Module, ...], x: torch.Tensor) -> torch.Tensor:
            layouts.append(x.is_contiguous(memory_format=torch.channels_last))
            out: torch.Tensor = plain(blocks, x)
            return out

        return apply

    monkeypatch.setattr(torch, "compile", as_it_is)
    plain = loaded(n=27).eval()
    module = loaded(weights=plain, n=27, compile="auto", compile_options=options)
    out = module.eval().forward(pictures())
    assert layouts == [turned] * 3
    assert torch.allclose(out, plain(pictures()), rtol=1e-4)


@pytest.mark.skipif(
    not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="no C++ compiler"
)
def test_the_default_backend_compiles_regions() -> None:
    spec = """
    block unit c { fc c | relu }
    net m { input 8 | body: unit 8 x=16 | fc 3 }
    """
    plain = loaded(spec)
    module = loaded(spec, plain, compile="auto")
    x: Tensor = torch.randn(4, 8)
    out, gradients = step(module, x)
    expected, theirs = step(plain, x)
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(gradients, theirs)
    assert list(module.state_dict()) == list(plain.state_dict())
