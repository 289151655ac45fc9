"""Every spec, and drawn ones: nets for inference compute what their modules do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from inference_nets import hold, inputs_of, network, outputs, trained

import archdsl
from archdsl.backends.inference.emit import emit
from archdsl.ir.network import Network
from archdsl.testing.strategies import specs

SPECS = Path(__file__).parents[1] / "specs"
# Larger nets are left to those of their family that are smaller.
MOST_MACS = 6e9


def smallest(path: Path) -> Network | None:
    """The net of a file with the fewest multiply-adds, if that is not too large."""
    nets = list(archdsl.check(path).networks.values())
    sized = [net for net in nets if isinstance(net.root.cost.macs, int)]
    if not sized:
        return min(nets, key=lambda net: net.root.cost.params) if nets else None
    net = min(sized, key=lambda net: net.root.cost.macs)
    return net if net.root.cost.macs <= MOST_MACS else None


@pytest.mark.parametrize(
    "path", sorted(SPECS.rglob("*.arch")), ids=lambda p: f"{p.parent.name}/{p.stem}"
)
def test_specs_compute_what_their_modules_do(path: Path) -> None:
    net = smallest(path)
    if net is None:
        pytest.skip("there are blocks alone, or its smallest net is large")
    hold(net, batch=1)


@pytest.mark.parametrize(
    "path", sorted(SPECS.rglob("*.arch")), ids=lambda p: f"{p.parent.name}/{p.stem}"
)
def test_every_net_has_a_source(path: Path) -> None:
    for net in archdsl.check(path).networks.values():
        code = emit(net)
        compile(code, str(path), "exec")
        assert code == emit(net)


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(specs())
def test_drawn_specs_compute_what_their_modules_do(text: str) -> None:
    net = network(text)
    try:
        outputs(trained(net), inputs_of(net))
    except (IndexError, ValueError, RuntimeError):
        # What is drawn for a place in a table need not be one; other nets cannot
        # normalise single numbers.
        compile(emit(net), "drawn.py", "exec")
        return
    torch.set_num_threads(1)
    hold(net)
