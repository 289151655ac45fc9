"""Hugging Face's models that specs/transformers is held against.

    pip install --group zoo

Nothing is downloaded: the models are made from configurations.
"""

from __future__ import annotations

import importlib
from contextlib import suppress
from typing import Any, NamedTuple

from torch import nn


class Reference(NamedTuple):
    """A class, that of its configuration, and what the configuration is given."""

    model: str
    config: str
    given: dict[str, Any]


def _gpt2(layers: int, heads: int, width: int) -> Reference:
    given = {"n_layer": layers, "n_head": heads, "n_embd": width}
    return Reference("GPT2LMHeadModel", "GPT2Config", given)


def _sized(layers: int, heads: int, width: int, hidden: int, **more: Any) -> Any:
    return {
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "hidden_size": width,
        "intermediate_size": hidden,
        **more,
    }


def _bert(*sizes: int) -> Reference:
    return Reference("BertModel", "BertConfig", _sized(*sizes))


def _llama(*sizes: int, **more: Any) -> Reference:
    given = _sized(*sizes, rms_norm_eps=1e-5, **more)
    return Reference("LlamaForCausalLM", "LlamaConfig", given)


def _vit(patch: int, *sizes: int) -> Reference:
    given = _sized(*sizes, patch_size=patch, num_labels=1000)
    return Reference("ViTForImageClassification", "ViTConfig", given)


MODELS = {
    "gpt2": _gpt2(12, 12, 768),
    "gpt2_medium": _gpt2(24, 16, 1024),
    "gpt2_large": _gpt2(36, 20, 1280),
    "gpt2_xl": _gpt2(48, 25, 1600),
    "bert_base": _bert(12, 12, 768, 3072),
    "bert_large": _bert(24, 16, 1024, 4096),
    "llama2_7b": _llama(32, 32, 4096, 11008),
    "llama2_13b": _llama(40, 40, 5120, 13824),
    "llama2_70b": _llama(80, 64, 8192, 28672, num_key_value_heads=8),
    "vit_b_16": _vit(16, 12, 12, 768, 3072),
    "vit_b_32": _vit(32, 12, 12, 768, 3072),
    "vit_l_16": _vit(16, 24, 16, 1024, 4096),
    "vit_h_14": _vit(14, 32, 16, 1280, 5120),
}


def model(reference: Reference, **more: Any) -> nn.Module:
    """The model of that configuration, and `more` of it; ImportError without it."""
    from benchmarks.torchvision_cpu import import_torchvision

    with suppress(ImportError):
        # Where torchvision is installed, transformers imports it.
        import_torchvision()
    transformers = importlib.import_module("transformers")
    config = getattr(transformers, reference.config)(**{**reference.given, **more})
    made: nn.Module = getattr(transformers, reference.model)(config)
    if "smart_apply" in vars(nn.Module):
        # Left in torch's own class, where other tests would find it.
        delattr(nn.Module, "smart_apply")
    return made
