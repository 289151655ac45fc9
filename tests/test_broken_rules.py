"""A rule that is broken on purpose is found by the properties, and soon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from test_properties import PROPERTY, networks

import archdsl.ops.window
from archdsl.ops import LAYERS
from archdsl.ops.record import Bound, Layer, Problem, Site
from archdsl.runtime.matching import match
from archdsl.shapes.expr import Const
from archdsl.shapes.size import Size
from archdsl.shapes.tensor import Dim, TensorType
from archdsl.testing import specs

# Of the default run's 2,000.
SOON = 200


def resized(layer: Layer, wrong: Callable[[Site, TensorType], TensorType]) -> Layer:
    """The layer with another shape where its rule accepts a use."""

    def shape(site: Site) -> TensorType | Problem:
        out = layer.shape(site)
        return out if isinstance(out, Problem) else wrong(site, out)

    return layer._replace(shape=shape)


def last(out: TensorType, change: Callable[[Any], Any]) -> TensorType:
    """The shape with another last size."""
    size = change(out.dims[-1].size)
    return out._replace(dims=(*out.dims[:-1], Dim(size, None)))


def rounded_up(
    size: int, k: int, s: int, p: int, d: int = 1, ceil: bool = False
) -> Size:
    """The places of a window, each quotient rounded up."""
    span = size + 2 * p - d * (k - 1) - 1
    return 0 if span < 0 else -(-span // s) + 1


def never_beyond(
    size: int, k: int, s: int, p: int, d: int = 1, ceil: bool = False
) -> Size:
    """The places of a window, of which the last may begin behind the map."""
    span = size + 2 * p - d * (k - 1) - 1
    if span < 0:
        return 0
    return -(-span // s) + 1 if ceil else span // s + 1


# As they are, whatever stands in the table.
CONV, FC, UPCONV = LAYERS["conv"], LAYERS["fc"], LAYERS["upconv"]
ATTENTION, LN, DECIMATE = LAYERS["attention"], LAYERS["ln"], LAYERS["decimate"]


def in_one_group(site: Site) -> Site:
    """A convolution in which each output sees all inputs."""
    return site._replace(args={**site.args, "g": Bound(1, Const(1), None)})


BROKEN = {
    "the weights of groups": CONV._replace(
        weights=lambda site, out: CONV.weights(in_one_group(site), out)
    ),
    "the bias of a linear layer": FC._replace(
        weights=lambda site, out: FC.weights(site, out)[:1]
    ),
    "what a transposed convolution adds": resized(
        UPCONV, lambda site, out: last(out, lambda n: n - site.sizes("op")[-1])
    ),
    "positions that are left over": resized(
        DECIMATE,
        lambda site, out: last(out, lambda n: site.x.dims[-1].size // site.whole("s")),
    ),
    "the directions of a recurrent layer": resized(
        LAYERS["gru"],
        lambda site, out: last(
            out, lambda n: n // 2 if site.truth("bidirectional") else n
        ),
    ),
    "the weights of a normalisation": LN._replace(
        weights=lambda site, out: LN.weights(site, out)[:1]
    ),
    "the numbers of a map": resized(
        LAYERS["flatten"], lambda site, out: last(out, lambda n: n + 1)
    ),
    "a third input that is joined": resized(
        LAYERS["concat"], lambda site, out: last(out, lambda n: n + (len(site.ins) > 2))
    ),
    "the multiply-adds of attention": ATTENTION._replace(
        macs=lambda site, out: ATTENTION.macs(site, out) // 2
    ),
    "the multiply-adds of groups": CONV._replace(
        macs=lambda site, out: CONV.macs(site, out) * site.whole("g")
    ),
    "the end of a slice": resized(
        LAYERS["slice"], lambda site, out: last(out, lambda n: n + 1)
    ),
}


def assert_found() -> None:
    """The property about PyTorch fails within the first examples."""

    @settings(PROPERTY, max_examples=SOON, phases=[Phase.generate])
    @given(specs())
    def holds(text: str) -> None:
        for net in networks(text).values():
            match(net, text)

    with pytest.raises(AssertionError):
        holds()


@pytest.mark.parametrize(
    "wrong", [rounded_up, never_beyond], ids=lambda wrong: str(wrong.__name__)
)
def test_a_broken_window_is_found(
    wrong: Callable[..., Size], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archdsl.ops.window, "window", wrong)
    assert_found()


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_record_is_found(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = BROKEN[what]
    monkeypatch.setitem(LAYERS, layer.name, layer)
    assert_found()
