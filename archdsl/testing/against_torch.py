"""Assertions that need PyTorch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.api import checked
from archdsl.diagnostics.render import render

if TYPE_CHECKING:
    from archdsl.ops.record import Layer, Site


def assert_matches_torch(
    path_or_text: str | Path,
    net: str | None = None,
    *,
    samples: int = 1,
    **params: object,
) -> None:
    """Hold all nets of a spec, or the one named, against their modules in PyTorch.

    Compared are the names and shapes in the `state_dict`, the number of parameters,
    the shape of each submodule's value and of the outputs, in evaluation and in
    training, and the multiply-adds, for which PyTorch's own formulas are asked. All
    runs on the meta device, so that large nets take no memory. Sizes that are not known
    are drawn, `samples` times, alike for the same text. `params` set parameters of the
    net. What an extern learns is not known and not compared.

    Raises AssertionError if there is a difference or the spec is refused, and what
    `archdsl.check` raises.
    """
    from archdsl.runtime.matching import MismatchError, match

    whole = checked(path_or_text, net, params)
    if whole.diagnostics:
        found = render(whole.diagnostics, "full")
        raise AssertionError(f"the spec is refused:\n{found}")
    for name, network in whole.networks.items():
        for sample in range(samples):
            try:
                match(network, f"{sample} {path_or_text}")
            except MismatchError as problem:
                raise MismatchError(
                    f"net `{name}`: {problem}\n{path_or_text}"
                ) from None


def check_layer(
    layer: Layer, examples: int = 100, uses: Iterable[Site] | None = None
) -> None:
    """Hold a layer's record against PyTorch, on uses that are drawn from its arguments.

    Where the shape rule accepts a use, the module that the record names is made, its
    weights and their shapes are compared, and its output for random inputs; also the
    multiply-adds, for which PyTorch's own formulas are asked. A record that has a
    module and a function has to compute the same by both. `uses` replaces the uses that
    are drawn, for layers whose arguments would seldom fit by chance.

    Raises AssertionError if something differs, or if the shape rule accepts so few
    uses that nothing would be learnt.
    """
    from archdsl.runtime.contract import hold
    from archdsl.testing.uses import drawn_sites

    hold(layer, drawn_sites(layer) if uses is None else iter(uses), examples)
