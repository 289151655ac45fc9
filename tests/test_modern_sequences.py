"""Networks over sequences and pairs: each as its paper has it, and as PyTorch has it.

Each spec of `TABLE` and the same network in `torch_sequences` have the same number of
parameters at full size, and, after the weights are copied, give the same numbers at a
small one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch_sequences import (
    TorchLanguageModel,
    TorchMasked,
    TorchSeq2Seq,
    TorchSiamese,
    TorchTransformer,
    TorchWaveNet,
    seq2seq_names,
    transformer_names,
    wavenet_names,
)

import archdsl
from archdsl.ir.network import Network
from archdsl.pipeline import Checked, check
from archdsl.source import Source
from archdsl.syntax.format import format_source

MODERN = Path(__file__).parents[1] / "specs" / "modern"
BATCH = 2


class Case(NamedTuple):
    """A net, its reference, and a smaller net of the same kind.

    `names` has the reference's names of weights and the spec's, where they differ.
    """

    file: str
    params: int
    reference: type[nn.Module]
    given: dict[str, Any]
    base: str
    small: dict[str, Any]
    names: dict[str, str] | None = None


# Entries of the tables of the small nets.
ENTRIES = 40
TRANSFORMER = {"n": 6, "d": 512, "heads": 8, "hidden": 2048, "rate": 0.1}
SMALL = {"n": 2, "d": 12, "heads": 3, "hidden": 20, "rate": 0.1, "vocabulary": ENTRIES}
WORDS = 10000
TABLE = {
    "transformer_base": Case(
        "transformer_base.arch",
        63_045_632,
        TorchTransformer,
        {**TRANSFORMER, "vocabulary": 37000},
        "transformer",
        SMALL,
        transformer_names(2),
    ),
    "transformer_base_masked": Case(
        "transformer_base.arch",
        63_045_632,
        TorchMasked,
        {**TRANSFORMER, "vocabulary": 37000},
        "transformer_masked",
        SMALL,
        transformer_names(2),
    ),
    **{
        f"lstm_lm_{size}": Case(
            "lstm_lm.arch",
            params,
            TorchLanguageModel,
            {"width": width, "rate": rate, "vocabulary": WORDS},
            "lstm_lm",
            {"width": 9, "rate": rate, "vocabulary": ENTRIES},
        )
        for size, params, width, rate in (
            ("small", 4_653_200, 200, 0.0),
            ("medium", 19_780_400, 650, 0.5),
            ("large", 66_034_000, 1500, 0.65),
        )
    },
    "siamese": Case("siamese.arch", 38_951_744, TorchSiamese, {}, "siamese", {}),
    "seq2seq_attention": Case(
        "seq2seq_attention.arch",
        201_048_000,
        TorchSeq2Seq,
        {"n": 1000, "words": 50000, "rate": 0.2},
        "seq2seq",
        {"n": 8, "words": ENTRIES, "rate": 0.2},
        seq2seq_names(),
    ),
    "wavenet": Case(
        "wavenet.arch",
        1_073_760,
        TorchWaveNet,
        {"n": 32, "skips": 512, "stages": 3, "levels": 256},
        "wavenet_of",
        {"n": 4, "skips": 6, "stages": 2, "levels": 16},
        wavenet_names(2),
    ),
}
FILES = sorted({case.file for case in TABLE.values()})
# What `init` of the spec needs beside the reference's arguments.
EXTRA: dict[str, dict[str, Any]] = {"lstm_lm": {"bound": 0.1}}
SIZES = [(1, 1), (7, 5), (12, 33)]


def checked(file: str) -> Checked:
    return check(Source(file, (MODERN / file).read_text(encoding="utf-8")))


def loaded(net: str) -> nn.Module:
    """The small net of the same kind."""
    case = TABLE[net]
    torch.manual_seed(0)
    given = {**case.small, **EXTRA.get(case.base, {})}
    module: nn.Module = archdsl.load(MODERN / case.file, net=case.base, **given)
    return module


def referred(net: str, module: nn.Module) -> nn.Module:
    """The reference of the small net; it gives its weights to the module."""
    case = TABLE[net]
    reference = case.reference(**case.small)
    weights = reference.state_dict()
    if case.names is not None:
        weights = {ours: weights[theirs] for theirs, ours in case.names.items()}
    module.load_state_dict(weights)
    return reference


def at(size: object, sizes: dict[str, int]) -> int:
    return size if isinstance(size, int) else size.at(sizes)  # type: ignore[attr-defined]


def drawn(network: Network, sizes: dict[str, int], most: int) -> list[Tensor]:
    """An input for each of the net's; entries of tables are below `most`."""
    made = []
    for tensor in network.root.inputs:
        shape = [BATCH, *(at(size, sizes) for size in tensor.sizes)]
        if tensor.dtype == "float":
            made.append(torch.rand(shape))
        elif tensor.dtype == "int":
            made.append(torch.randint(0, most, shape))
        else:
            mask = torch.rand(shape) < 0.6
            mask[:, 0] = True
            made.append(mask)
    return made


def inputs_of(net: str, s: int, t: int) -> list[Tensor]:
    case = TABLE[net]
    network = checked(case.file).networks[net]
    return drawn(network, {"S": s, "T": t}, case.small.get("levels", ENTRIES))


# What the checker says


@pytest.mark.parametrize("file", FILES)
def test_the_specs_are_clean(file: str) -> None:
    result = checked(file)
    assert result.diagnostics == []
    assert set(result.networks) >= {n for n in TABLE if TABLE[n].file == file}


@pytest.mark.parametrize("file", FILES)
def test_the_specs_are_formatted(file: str) -> None:
    text = (MODERN / file).read_text(encoding="utf-8")
    assert format_source(Source(file, text)) == (text, [])


# What PyTorch says


@pytest.mark.parametrize("net", TABLE)
def test_totals_are_those_of_torch(net: str) -> None:
    case = TABLE[net]
    network = checked(case.file).networks[net]
    assert network.root.cost.params == case.params
    with torch.device("meta"):
        module = archdsl.load(MODERN / case.file, net=net)
        reference = case.reference(**case.given)
    assert sum(p.numel() for p in module.parameters()) == case.params
    without = ("in_proj_bias", "out_proj.bias")
    counted = [
        p.numel() for n, p in reference.named_parameters() if not n.endswith(without)
    ]
    assert sum(counted) == case.params


@pytest.mark.parametrize("net", TABLE)
def test_shapes_are_those_of_the_summary(net: str) -> None:
    case = TABLE[net]
    network = checked(case.file).networks[net]
    with torch.device("meta"):
        module = archdsl.load(MODERN / case.file, net=net).eval()
    for s, t in SIZES:
        sizes = {"S": s, "T": t}
        out = module(*(x.to("meta") for x in drawn(network, sizes, 1)))
        expected = [at(size, sizes) for size in network.root.type.sizes]
        assert list(out.shape) == [BATCH, *expected]


@pytest.mark.parametrize("net", TABLE)
def test_the_module_learns(net: str) -> None:
    module = loaded(net).train()
    out = module(*inputs_of(net, 7, 5))
    assert out.isfinite().all()
    out.square().mean().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize("net", TABLE)
def test_numbers_are_those_of_torch(net: str) -> None:
    module = loaded(net).eval()
    reference = referred(net, module).eval()
    for s, t in SIZES[: 1 if net == "siamese" else None]:
        inputs = inputs_of(net, s, t)
        with torch.no_grad():
            torch.testing.assert_close(
                module(*inputs), reference(*inputs), rtol=1e-4, atol=1e-5
            )


# What the papers say about single parts


def test_one_table_is_learned_in_three_places() -> None:
    module = loaded("transformer_base")
    tables = [n for n, p in module.named_parameters() if p.shape == (ENTRIES, 12)]
    assert tables == ["table.weight"]


def test_the_decoder_does_not_look_ahead() -> None:
    module = loaded("transformer_base").eval()
    src, tgt = inputs_of("transformer_base", 7, 9)
    later = tgt.clone()
    later[:, 6:] = (later[:, 6:] + 1) % ENTRIES
    with torch.no_grad():
        one, other = module(src, tgt), module(src, later)
    torch.testing.assert_close(one[:, :6], other[:, :6])
    assert not torch.allclose(one[:, 6:], other[:, 6:])


def test_what_is_masked_does_not_matter() -> None:
    module = loaded("transformer_base_masked").eval()
    src, keep, tgt = inputs_of("transformer_base_masked", 7, 5)
    keep[:, 5:] = False
    other = torch.where(keep, src, (src + 1) % ENTRIES)
    with torch.no_grad():
        torch.testing.assert_close(module(src, keep, tgt), module(other, keep, tgt))
        short = module(src[:, :5], keep[:, :5], tgt)
        torch.testing.assert_close(module(src, keep, tgt), short)


@pytest.mark.parametrize(("size", "bound"), [("small", 0.1), ("medium", 0.05)])
def test_the_language_model_begins_as_the_paper_says(size: str, bound: float) -> None:
    torch.manual_seed(0)
    module = archdsl.load(MODERN / "lstm_lm.arch", net=f"lstm_lm_{size}")
    for name in ("embedding1.weight", "fc1.weight"):
        largest = float(module.get_parameter(name).detach().abs().max())
        assert 0.99 * bound < largest <= bound * (1 + 1e-6)


def test_the_order_of_a_pair_does_not_matter() -> None:
    module = loaded("siamese").eval()
    first, second = inputs_of("siamese", 1, 1)
    with torch.no_grad():
        torch.testing.assert_close(module(first, second), module(second, first))
        assert not module(first, first).any()


def test_each_decoder_layer_begins_with_the_encoders_state() -> None:
    module = loaded("seq2seq_attention").eval()
    src, tgt = inputs_of("seq2seq_attention", 7, 5)
    states: dict[str, Tensor] = {}
    for name in ("e2", "later_layer2"):
        module.get_submodule(f"{name}.gru1").register_forward_hook(
            lambda _, inputs, out, name=name: states.update(
                {name: out[:, -1] if name == "e2" else inputs[1]}
            )
        )
    with torch.no_grad():
        module(src, tgt)
    torch.testing.assert_close(states["e2"], states["later_layer2"])


def test_an_output_of_wavenet_depends_on_3071_samples() -> None:
    torch.manual_seed(0)
    module = archdsl.load(
        MODERN / "wavenet.arch", net="wavenet_of", n=4, skips=6, stages=3, levels=16
    ).double()
    waves: list[Tensor] = []

    def watch(_: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
        waves.append(inputs[0].detach().requires_grad_())
        return (waves[-1],)

    module.get_submodule("pad1").register_forward_pre_hook(watch)
    length, place = 3200, 3150
    out = module(torch.randint(0, 16, (1, length)))
    out[0, :, place].sum().backward()
    assert waves[0].grad is not None
    seen = waves[0].grad[0].abs().sum(0).nonzero().flatten()
    assert (int(seen[0]), int(seen[-1])) == (place - 3070, place)
