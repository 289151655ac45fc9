"""Transformers: as their papers have them, and as Hugging Face has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from folded_names import shapes_of, written_out
from huggingface import MODELS, model
from torch import Tensor, nn

import archdsl
from archdsl.ir.flat import state_dict_names
from archdsl.pipeline import Checked, check
from archdsl.source import Source
from archdsl.syntax.format import format_source

SPECS = Path(__file__).parents[1] / "specs" / "transformers"
NAMES = json.loads((Path(__file__).parent / "data/huggingface_names.json").read_text())
# As the papers' weights have them, and Hugging Face counts them.
PARAMS = {
    "gpt2": 124_439_808,
    "gpt2_medium": 354_823_168,
    "gpt2_large": 774_030_080,
    "gpt2_xl": 1_557_611_200,
    "bert_base": 109_482_240,
    "bert_large": 335_141_888,
    "llama2_7b": 6_738_415_616,
    "llama2_13b": 13_015_864_320,
    "llama2_70b": 68_976_648_192,
    "vit_b_16": 86_567_656,
    "vit_b_32": 88_224_232,
    "vit_l_16": 304_326_632,
    "vit_h_14": 632_045_800,
}
BATCH, WORDS, CONTEXT = 3, 50, 16


class Small(NamedTuple):
    """A small net: its file and base, what ours is given, and what theirs is."""

    file: str
    base: str
    like: str
    ours: dict[str, Any]
    theirs: dict[str, Any]


def _text(heads: int, **more: Any) -> dict[str, Any]:
    return {"layers": 2, "heads": heads, "width": 24, "vocab": WORDS, **more}


def _theirs(heads: int, hidden: int, **more: Any) -> dict[str, Any]:
    return {
        "num_hidden_layers": 2,
        "num_attention_heads": heads,
        "hidden_size": 24,
        "intermediate_size": hidden,
        **more,
    }


GPT2 = {"n_layer": 2, "n_head": 3, "n_embd": 24, "n_positions": CONTEXT}
GPT2 |= {"vocab_size": WORDS, "bos_token_id": 0, "eos_token_id": 0}
SMALL = {
    "gpt2": Small("gpt2.arch", "gpt2_of", "gpt2", _text(3, context=CONTEXT), GPT2),
    # The same formula of gelu, which Hugging Face's default writes out.
    "gpt2_fused": Small(
        "gpt2.arch",
        "gpt2_of",
        "gpt2",
        _text(3, context=CONTEXT),
        {**GPT2, "activation_function": "gelu_pytorch_tanh"},
    ),
    "bert": Small(
        "bert.arch",
        "bert",
        "bert_base",
        _text(3, context=CONTEXT),
        _theirs(3, 96, vocab_size=WORDS, max_position_embeddings=CONTEXT),
    ),
    "llama": Small(
        "llama.arch",
        "llama",
        "llama2_7b",
        _text(4, hidden=40),
        _theirs(4, 40, vocab_size=WORDS),
    ),
    "llama_shared": Small(
        "llama.arch",
        "llama",
        "llama2_7b",
        _text(4, hidden=40, kv=2),
        _theirs(4, 40, vocab_size=WORDS, num_key_value_heads=2),
    ),
    "vit": Small(
        "vit.arch",
        "vit",
        "vit_b_16",
        {"patch": 8, "layers": 2, "heads": 3, "width": 24, "image": 32, "classes": 7},
        _theirs(3, 96, patch_size=8, image_size=32, num_labels=7),
    ),
}
CAUSAL = [
    name for name, small in SMALL.items() if small.file in ("gpt2.arch", "llama.arch")
]
TEXT = [name for name in SMALL if name != "vit"]
FILES = sorted({small.file for small in SMALL.values()})


def checked(file: str) -> Checked:
    return check(Source(file, (SPECS / file).read_text(encoding="utf-8")))


def file_of(net: str) -> str:
    return f"{net.partition('_')[0].rstrip('2')}.arch".replace("gpt.", "gpt2.")


def loaded(name: str, **more: Any) -> nn.Module:
    small = SMALL[name]
    torch.manual_seed(0)
    return archdsl.load(SPECS / small.file, net=small.base, **{**small.ours, **more})


def randomise(module: nn.Module) -> None:
    """Give each number of each parameter a value of its own, gains and biases too."""
    torch.manual_seed(1)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.normal_(std=0.3)
            if parameter.dim() == 1 and not name.endswith("bias"):
                parameter.add_(1)


def padded() -> Tensor:
    """A mask of texts of unlike lengths, one of them filled up at the front."""
    seen = torch.ones(BATCH, 11, dtype=torch.bool)
    seen[1, 7:] = False
    seen[2, :4] = False
    return seen


def inputs_of(name: str, seen: Tensor | None = None) -> dict[str, Tensor]:
    torch.manual_seed(2)
    if name == "vit":
        return {"pixel_values": torch.randn(BATCH, 3, 32, 32)}
    seen = padded() if seen is None else seen
    shape = tuple(seen.shape)
    given = {"input_ids": torch.randint(WORDS, shape), "attention_mask": seen}
    if name == "bert":
        given["token_type_ids"] = torch.randint(2, shape)
    return given


def outputs(module: nn.Module, inputs: dict[str, Tensor]) -> tuple[Tensor, ...]:
    torch.manual_seed(3)
    out = module(**inputs)
    return (out,) if isinstance(out, Tensor) else tuple(out)


# What the checker says


def test_each_file_is_tested() -> None:
    assert sorted(path.name for path in SPECS.iterdir()) == FILES
    nets = {net for file in FILES for net in checked(file).networks}
    assert nets == PARAMS.keys() == NAMES.keys() == MODELS.keys()


@pytest.mark.parametrize("file", FILES)
def test_the_specs_are_clean_and_formatted(file: str) -> None:
    assert checked(file).diagnostics == []
    text = (SPECS / file).read_text(encoding="utf-8")
    assert format_source(Source(file, text)) == (text, [])


@pytest.mark.parametrize("net", PARAMS)
def test_names_shapes_and_totals_are_hugging_faces(net: str) -> None:
    expected = written_out(NAMES[net])
    network = checked(file_of(net)).networks[net]
    with torch.device("meta"):
        module = archdsl.load(SPECS / file_of(net), net=net)
    found = shapes_of(module.state_dict().items())
    assert list(found.items()) == list(expected.items())
    listed = [(n, "x".join(map(str, w.shape))) for n, w in state_dict_names(network)]
    assert listed == list(expected.items())
    assert network.root.cost.params == PARAMS[net]
    # A tensor with two names is counted once.
    assert sum(p.numel() for p in module.parameters()) == PARAMS[net]


# What comes out


@pytest.mark.parametrize("name", SMALL)
def test_every_parameter_learns(name: str) -> None:
    module = loaded(name)
    found = outputs(module, inputs_of(name))
    shapes = {"bert": [(3, 11, 24), (3, 24)], "vit": [(3, 7)]}
    assert [tuple(x.shape) for x in found] == shapes.get(name, [(3, 11, WORDS)])
    sum(x.square().sum() for x in found).backward()  # type: ignore[union-attr]
    for key, parameter in module.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        assert parameter.grad.any(), key


@pytest.mark.parametrize("name", CAUSAL)
def test_nothing_looks_ahead(name: str) -> None:
    module = loaded(name).eval()
    given = inputs_of(name, torch.ones(BATCH, 11, dtype=torch.bool))
    (one,) = outputs(module, given)
    given["input_ids"][:, 6:] += 1
    given["input_ids"] %= WORDS
    (other,) = outputs(module, given)
    torch.testing.assert_close(one[:, :6], other[:, :6])
    assert not torch.allclose(one[:, 6:], other[:, 6:])


@pytest.mark.parametrize("name", TEXT)
def test_what_is_filled_up_does_not_matter(name: str) -> None:
    module = loaded(name).eval()
    given = inputs_of(name)
    first = outputs(module, given)
    short = {key: tensor[1:2, :7] for key, tensor in given.items()}
    alone = outputs(module, short)
    torch.testing.assert_close(first[0][1:2, :7], alone[0])
    given["input_ids"] = torch.where(
        given["attention_mask"], given["input_ids"], (given["input_ids"] + 1) % WORDS
    )
    second = outputs(module, given)
    seen = given["attention_mask"]
    torch.testing.assert_close(first[0][seen], second[0][seen])


def test_the_head_of_gpt2_is_its_table() -> None:
    module = loaded("gpt2")
    names = "lm_head.weight", "transformer.wte.weight"
    head, table = map(module.get_parameter, names)
    assert head is table


def test_gpt2_begins_as_published() -> None:
    module = loaded("gpt2", width=96, layers=2)
    for name, std in (
        ("transformer.wte", 0.02),
        ("transformer.wpe", 0.01),
        ("transformer.h.0.attn.c_attn", 0.02),
        ("transformer.h.1.attn.c_proj", 0.01),
        ("transformer.h.1.mlp.c_fc", 0.02),
        ("transformer.h.1.mlp.c_proj", 0.01),
    ):
        weight = module.get_parameter(f"{name}.weight")
        assert weight.detach().std().item() == pytest.approx(std, rel=0.05), name


def test_a_text_is_at_most_as_long_as_the_table_of_places() -> None:
    for name in ("gpt2", "bert"):
        longest = torch.ones(1, CONTEXT, dtype=torch.bool)
        outputs(loaded(name), inputs_of(name, longest))
        with pytest.raises(RuntimeError):
            outputs(loaded(name), inputs_of(name, longest.repeat(1, 2)))


# What Hugging Face says


def reference(name: str, **more: Any) -> nn.Module:
    pytest.importorskip("transformers")
    small = SMALL[name]
    return model(MODELS[small.like], **{**small.theirs, **more})


def theirs(module: nn.Module, inputs: dict[str, Tensor]) -> tuple[Tensor, ...]:
    torch.manual_seed(3)
    out = module(
        **{k: x.long() if x.dtype == torch.bool else x for k, x in inputs.items()}
    )
    if hasattr(out, "logits"):
        return (out.logits,)
    return out.last_hidden_state, out.pooler_output


def pairs(name: str, **rates: float) -> tuple[nn.Module, nn.Module]:
    """Their net and ours, with the same weights, each drawn at random."""
    given: dict[str, Any] = {}
    if rates and SMALL[name].file == "gpt2.arch":
        keys = "embd_pdrop", "attn_pdrop", "resid_pdrop"
        given = dict.fromkeys(keys, rates["rate"])
    elif rates and name == "bert":
        both = "hidden_dropout_prob", "attention_probs_dropout_prob"
        given = dict.fromkeys(both, rates["rate"])
    expected = reference(name, **given)
    randomise(expected)
    found = loaded(name, **rates)
    found.load_state_dict(expected.state_dict())
    assert list(found.state_dict()) == list(expected.state_dict())
    return expected, found


def is_equal(name: str) -> bool:
    """Whether all operations are the same: Hugging Face writes GPT-2's gelu out."""
    return name != "gpt2"


def agree(name: str, expected: tuple[Tensor, ...], found: tuple[Tensor, ...]) -> None:
    assert len(expected) == len(found)
    for one, other in zip(expected, found, strict=True):
        assert one.isfinite().all()
        if is_equal(name):
            assert torch.equal(one, other)
        else:
            scale = float(one.detach().abs().max())
            torch.testing.assert_close(other, one, rtol=1e-5, atol=1e-5 * scale)


def masks(name: str) -> Iterator[Tensor | None]:
    yield None
    if name != "vit":
        yield torch.ones(BATCH, CONTEXT, dtype=torch.bool)
        yield torch.ones(1, 1, dtype=torch.bool)


@pytest.mark.parametrize("name", SMALL)
def test_numbers_are_hugging_faces(name: str) -> None:
    expected, found = pairs(name)
    for seen in masks(name):
        inputs = inputs_of(name, seen)
        with torch.no_grad():
            agree(name, theirs(expected.eval(), inputs), outputs(found.eval(), inputs))


@pytest.mark.parametrize("name", SMALL)
def test_gradients_are_hugging_faces(name: str) -> None:
    has_dropout = SMALL[name].file in ("gpt2.arch", "bert.arch")
    expected, found = pairs(name, **({"rate": 0.1} if has_dropout else {}))
    inputs = inputs_of(name)
    one, other = theirs(expected.train(), inputs), outputs(found.train(), inputs)
    agree(name, one, other)
    for out in (one, other):
        sum((x * x.detach().cos()).sum() for x in out).backward()  # type: ignore[union-attr]
    ours = dict(found.named_parameters())
    for key, parameter in expected.named_parameters():
        assert parameter.grad is not None
        scale = float(parameter.grad.abs().max())
        torch.testing.assert_close(
            ours[key].grad, parameter.grad, rtol=1e-5, atol=1e-5 * scale, msg=key
        )


def test_long_heads_turn_as_hugging_faces() -> None:
    sizes = {"width": 256, "heads": 2, "hidden": 8, "layers": 1}
    given = {"hidden_size": 256, "num_attention_heads": 2, "intermediate_size": 8}
    given |= {"num_hidden_layers": 1, "vocab_size": WORDS, "num_key_value_heads": 2}
    pytest.importorskip("transformers")
    expected = model(MODELS["llama2_7b"], **given)
    randomise(expected)
    found = loaded("llama", **sizes)
    found.load_state_dict(expected.state_dict())
    inputs = inputs_of("llama", torch.ones(1, 400, dtype=torch.bool))
    with torch.no_grad():
        one, other = theirs(expected.eval(), inputs), outputs(found.eval(), inputs)
    assert torch.equal(one[0], other[0])
