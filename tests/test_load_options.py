"""Options of `archdsl.load`: none changes a name, and numbers by rounding at most."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import archdsl
from archdsl.runtime.options import OptionError

SPECS = Path(__file__).parents[1] / "specs"
DEEP = """
block unit c {
  conv c 3x3 same bias=false | bn | relu | dropout 0.3
  add(id, in)
}
net deep n=18 {
  input 3x8x8
  conv 4 3x3 same | bn | relu
  body: unit 4 x=n
  gap | fc: fc 10
}
"""


def loaded(spec: str = DEEP, weights: nn.Module | None = None, **given: Any) -> Any:
    module = archdsl.load(spec, **given)
    if weights is not None:
        module.load_state_dict(weights.state_dict())
    return module


def step(module: nn.Module, *inputs: Tensor) -> tuple[Tensor, list[Tensor]]:
    """A step's output and gradients; random numbers are the same each time."""
    torch.manual_seed(3)
    module.zero_grad()
    out = module(*inputs)
    out.square().mean().backward()
    return out.detach(), [p.grad for p in module.parameters() if p.grad is not None]


def same_steps(found: nn.Module, wanted: nn.Module, *inputs: Tensor) -> None:
    """Names, outputs, gradients and statistics are equal, over two steps."""
    for _ in range(2):
        out, gradients = step(found, *inputs)
        expected, theirs = step(wanted, *inputs)
        assert torch.equal(out, expected)
        assert len(gradients) == len(theirs)
        assert all(map(torch.equal, gradients, theirs))
    state, other = found.state_dict(), wanted.state_dict()
    assert list(state) == list(other)
    assert all(map(torch.equal, state.values(), other.values()))


def pictures(side: int = 8, batch: int = 4) -> Tensor:
    return torch.randn(batch, 3, side, side, generator=torch.Generator().manual_seed(1))


# Checkpointing


@pytest.mark.parametrize(
    "asked", [True, "body", ["body.1", "body.2"], "body.0"], ids=str
)
def test_checkpoints_change_no_number(asked: Any) -> None:
    plain = loaded()
    same_steps(loaded(weights=plain, checkpoint=asked), plain, pictures())


def test_checkpoints_keep_less() -> None:
    x = torch.empty(4, 3, 8, 8)
    plain = archdsl.kept_bytes(loaded(), x)
    one = archdsl.kept_bytes(loaded(checkpoint="body.0"), x)
    whole = archdsl.kept_bytes(loaded(checkpoint="body"), x)
    assert whole < plain / 2
    assert (plain - whole) == 18 * (plain - one)
    # Each copy keeps its input alone.
    assert plain - one > 3 * 4 * (4 * 8 * 8) * 4


def test_kept_bytes_are_those_that_autograd_saves() -> None:
    module = archdsl.load("input 3x8x8 | conv 4x3x3 p1 | sigmoid | flatten | fc 2")
    before = copy.deepcopy(module.state_dict())
    kept = archdsl.kept_bytes(module, torch.empty(2, 3, 8, 8))
    # The input, and what the sigmoid gives; the weights are not counted.
    assert kept == 4 * 2 * (3 * 8 * 8 + 4 * 8 * 8)
    assert all(map(torch.equal, before.values(), module.state_dict().values()))


def test_counting_what_is_kept_moves_no_statistics_and_draws_nothing() -> None:
    module = loaded()
    before = copy.deepcopy(module.state_dict())
    torch.manual_seed(0)
    drawn = torch.get_rng_state()
    assert archdsl.kept_bytes(module, pictures()) > 0
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(map(torch.equal, before.values(), module.state_dict().values()))


def test_statistics_move_once_though_computed_twice() -> None:
    module = loaded(checkpoint=True)
    assert module.body[0].bn1.num_batches_tracked == 0
    step(module, pictures())
    assert module.body[0].bn1.num_batches_tracked == 1
    assert module.bn1.num_batches_tracked == 1


def test_checkpoints_pass_gradients_in_evaluation_mode() -> None:
    plain = loaded()
    same_steps(loaded(weights=plain, checkpoint=True).eval(), plain.eval(), pictures())


def test_checkpointed_modules_run_without_gradients() -> None:
    plain = loaded().eval()
    module = loaded(weights=plain, checkpoint="body").eval()
    with torch.inference_mode():
        assert torch.equal(module(pictures()), plain(pictures()))


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))],
    ids=["deepcopy", "pickle"],
)
def test_copies_are_checkpointed_too(copied: Any) -> None:
    module = loaded(checkpoint="body")
    other = copied(module)
    x = pictures()
    assert archdsl.kept_bytes(other, x) == archdsl.kept_bytes(module, x)
    assert archdsl.kept_bytes(other, x) < archdsl.kept_bytes(loaded(), x)
    assert isinstance(other.body[0], type(loaded().body[0]))
    same_steps(other, loaded(weights=module), x)
    # It has weights of its own.
    assert other.fc.weight is not module.fc.weight


def test_all_blocks_are_the_outermost() -> None:
    net = "mobilenet_v2"
    module = archdsl.load(SPECS / "torchvision/mobilenet_v2.arch", net, checkpoint=True)
    assert isinstance(module, nn.Module)
    unasked = archdsl.load(SPECS / "torchvision/mobilenet_v2.arch", net)
    plain = type(unasked.get_submodule("features.1"))
    inverted = module.get_submodule("features.1")
    assert isinstance(inverted, plain)
    assert type(inverted) is not plain
    assert type(module.get_submodule("features.1.conv.0")).__name__ == "Unit"
    assert type(module.get_submodule("features.1.conv.0")) is not type(
        module.get_submodule("features.0")
    )


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"checkpoint": "boddy"}, "no part `boddy`; did you mean `body`?"),
        ({"checkpoint": ["body", "body.18"]}, "`deep` has no part `body.18`"),
        ({"checkpoint": ""}, "no part ``"),
        ({"memory_format": "channel_last"}, "did you mean `channels_last`?"),
        ({"compile": "atuo"}, "did you mean `auto`?"),
        ({"compile": 1}, "compile=1 is none of False, True, 'whole', 'auto'"),
        ({"compile_options": {"mode": "default"}}, "compile_options are for compile="),
        (
            {"compile": "auto", "compile_options": {"fullgraph": True}},
            'compile="whole"',
        ),
    ],
    ids=str,
)
def test_what_cannot_be_had_is_said(given: dict[str, Any], text: str) -> None:
    with pytest.raises(OptionError) as error:
        loaded(**given)
    assert text in str(error.value)


def test_a_net_without_blocks_has_none_to_checkpoint() -> None:
    with pytest.raises(OptionError, match="the net has no blocks"):
        archdsl.load("input 4 | fc 3", checkpoint=True)


# Memory format


def test_channels_last_changes_strides_alone() -> None:
    plain = loaded()
    module = loaded(weights=plain, memory_format="channels_last")
    weight = module.body[0].conv1.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert list(module.state_dict()) == list(plain.state_dict())
    plain, module = plain.double(), module.double()
    for part in (*plain.modules(), *module.modules()):
        # It draws its masks in the order of the memory.
        if isinstance(part, nn.Dropout):
            part.eval()
    out, gradients = step(module, pictures().double())
    expected, theirs = step(plain, pictures().double())
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(gradients, theirs)
    seen: list[Tensor] = []
    module.body.register_forward_hook(lambda *given: seen.append(given[2]))
    module(pictures().double())
    assert seen[0].is_contiguous(memory_format=torch.channels_last)


def test_layout_is_chosen_by_the_net() -> None:
    def is_last(module: nn.Module, path: str) -> bool:
        weight = module.get_parameter(path)
        return not weight.is_contiguous()

    nets = SPECS / "torchvision"
    resnet = archdsl.load(nets / "resnet.arch", "resnet18", memory_format="auto")
    assert is_last(resnet, "layer1.0.conv1.weight")
    # Transformers have one convolution, which cuts the picture up.
    vit = archdsl.load(nets / "vit.arch", "vit_b_32", memory_format="auto")
    assert not is_last(vit, "conv_proj.weight")
    # Sizes that are not known do not matter.
    open_ = "input 3xHxW | c: conv 8x3x3 | relu | conv 8x3x3 | gap | fc 10"
    assert is_last(archdsl.load(open_, memory_format="auto"), "c.weight")


def test_nothing_is_laid_out_anew_unless_asked() -> None:
    assert loaded().body[0].conv1.weight.is_contiguous()
    assert loaded(memory_format="contiguous").body[0].conv1.weight.is_contiguous()
