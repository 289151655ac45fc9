"""One-line specs as nets, modules and findings, for tests of layers."""

from __future__ import annotations

from torch import nn

from archdsl.backends.torch.emit import emit
from archdsl.ir.network import Network
from archdsl.pipeline import check
from archdsl.runtime.load import execute
from archdsl.source import Source


def network(text: str) -> Network:
    """The net of a spec that is right."""
    found = check(Source("t.arch", text))
    assert not found.diagnostics, found.diagnostics[0].message
    return found.networks[""]


def built(text: str) -> nn.Module:
    """Its module."""
    module = execute(emit(network(text))).Net()
    assert isinstance(module, nn.Module)
    return module


def codes(text: str) -> list[str]:
    """What is found in a spec."""
    return [found.code for found in check(Source("t.arch", text)).diagnostics]
