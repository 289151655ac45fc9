"""Every spec, and drawn ones: nets for inference compute what their modules do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from inference_nets import hold, inputs_of, network, outputs, trained

import archdsl
from archdsl.backends.inference.emit import emit
from archdsl.ir.network import Network
from archdsl.testing.strategies import specs

SPECS = Path(__file__).parents[1] / "specs"
# As in `test_properties.py`.
ASKED = os.environ.get("ARCHDSL_EXAMPLES")
# Larger nets are left to those of their family that are smaller, or made smaller.
MOST_MACS, MOST_PARAMS = 3e9, 3e7
PATHS = pytest.mark.parametrize(
    "path", sorted(SPECS.rglob("*.arch")), ids=lambda p: f"{p.parent.name}/{p.stem}"
)

_SMALL: dict[str, Any] = {"layers": 2, "heads": 2, "width": 32}
MADE_SMALLER: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("bert", {**_SMALL, "vocab": 90}),
    "gpt2": ("gpt2_of", {**_SMALL, "vocab": 90}),
    "llama": ("llama", {**_SMALL, "heads": 4, "kv": 2, "hidden": 48, "vocab": 90}),
    "vit": ("vit", {**_SMALL, "patch": 32}),
    "transformer_base": (
        "transformer",
        {"n": 2, "d": 32, "heads": 2, "hidden": 48, "rate": 0.1, "vocabulary": 90},
    ),
    "seq2seq_attention": ("seq2seq", {"n": 16, "words": 90, "rate": 0.2}),
    "lstm_lm": ("lstm_lm", {"width": 16, "rate": 0.5, "bound": 0.1, "vocabulary": 90}),
    "swin": (
        "swin",
        {"width": 16, "n": [2, 2, 2, 2], "heads": [1, 2, 4, 8], "drop": 0.2},
    ),
    "swin_v2": (
        "swin_v2",
        {"width": 16, "n": [1, 1, 2, 1], "heads": [1, 2, 4, 8], "drop": 0.2},
    ),
    "convnext": (
        "convnext",
        {"w": [8, 16, 32, 64], "n": [1, 1, 3, 1], "drop": 0.1},
    ),
    "maxvit": ("maxvit", {"w": [32, 32, 64, 64], "n": [1, 1, 2, 1]}),
}


def small(path: Path) -> Network | None:
    """A net of a file that is small, or made so; None if there is none."""
    if path.stem in MADE_SMALLER:
        name, given = MADE_SMALLER[path.stem]
        return archdsl.check(path, name, **given).network(name)
    found: list[tuple[float, int, Network]] = []
    for net in archdsl.check(path).networks.values():
        macs, params = net.root.cost.macs, net.root.cost.params
        known = float(macs) if isinstance(macs, int) else 0.0
        if known <= MOST_MACS and params <= MOST_PARAMS:
            found.append((known, params, net))
    return min(found, key=lambda each: each[:2])[2] if found else None


@PATHS
def test_specs_compute_what_their_modules_do(path: Path) -> None:
    net = small(path)
    if net is None:
        pytest.skip("there are blocks alone, or its smallest net is large")
    hold(net, batch=1)


@PATHS
def test_every_net_has_a_source(path: Path) -> None:
    for net in archdsl.check(path).networks.values():
        code = emit(net)
        compile(code, str(path), "exec")
        assert code == emit(net)


@settings(
    max_examples=int(ASKED or 200),
    deadline=None,
    derandomize=ASKED is None,
    suppress_health_check=list(HealthCheck),
)
@given(specs())
def test_drawn_specs_compute_what_their_modules_do(text: str) -> None:
    net = network(text)
    try:
        for batch in (1, 2):
            outputs(trained(net), inputs_of(net, batch))
    except (IndexError, ValueError, RuntimeError):
        # What is drawn for a place in a table need not be one; other nets cannot
        # normalise single numbers.
        compile(emit(net), "drawn.py", "exec")
        return
    hold(net)
