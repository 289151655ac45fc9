"""Every layer's record against PyTorch: shape, weights, MACs and both forms.

The arguments and shapes are drawn at random, seeded by the layer's name.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator

import interpreter
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from archdsl.ir.network import Network, Stage
from archdsl.ops import LAYERS
from archdsl.ops.record import (
    REQUIRED,
    Arg,
    Bound,
    Layer,
    Problem,
    Site,
    plain,
)
from archdsl.pipeline import check
from archdsl.runtime.load import execute
from archdsl.shapes.expr import Const
from archdsl.shapes.tensor import AXES, Dim, TensorType
from archdsl.source import Source

ON_META, ON_CPU = 200, 20
# Most draws are refused for some layers: windows that do not fit, sizes that do not
# divide. So many are tried.
MOST_DRAWS = 20_000
SIZES = (1, 2, 3, 4, 6, 8, 9, 12, 16)


def checked(text: str) -> Network | None:
    """The net of a text, or None if it is refused."""
    found = check(Source("t.arch", text))
    return None if found.diagnostics else found.networks[""]


def last_site(network: Network) -> tuple[Site, TensorType, Stage]:
    """The last layer of a net, its output and its stage."""
    stage = network.root.nodes[-1]
    assert isinstance(stage, Stage)
    assert isinstance(stage.target, Site)
    return stage.target, stage.type, stage


# The contract


def assert_holds(site: Site, out: TensorType, counter: FlopCounterMode) -> None:
    """Shape, weights and MACs are those of PyTorch, here on any device."""
    form = site.layer.torch(site)
    inputs = [torch.empty(2, *tensor.sizes).normal_() for tensor in site.ins]
    before = counter.get_total_flops()
    if form.module is None:
        assert not site.layer.weights(site, out)
        assert len(site.ins) > 1 or site.layer.inputs != (1, 1)
        result = interpreter.applied(form, inputs)
    else:
        module = interpreter.constructed(form)
        weights = site.layer.weights(site, out)
        there = {name: tuple(t.shape) for name, t in module.state_dict().items()}
        assert there == {weight.name: weight.shape for weight in weights}
        learned = {name for name, _ in module.named_parameters()}
        assert learned == {weight.name for weight in weights if weight.parameter}
        result = module(*inputs)
    assert tuple(result.shape) == (2, *out.sizes)
    assert counter.get_total_flops() - before == 4 * site.layer.macs(site, out)


def assert_forms_agree(site: Site) -> None:
    """The function computes what the module computes."""
    form = site.layer.torch(site)
    if form.module is None or form.function is None:
        return
    inputs = [torch.randn(2, *tensor.sizes) for tensor in site.ins]
    module = interpreter.constructed(form).eval()
    expected = module(*inputs)
    found = interpreter.applied(form, inputs)
    assert torch.allclose(found, expected, equal_nan=True, rtol=1e-5, atol=1e-6)


# What is drawn


def drawn_argument(arg: Arg, rank: int, r: random.Random) -> str | None:
    """A value for an argument, as it is written; None to leave it out."""
    kind, least, most, words = arg.type
    if kind in ("strings", "lists") or (arg.default is not REQUIRED and r.random() < 0.5):
        return None
    if words and (kind == "word" or r.random() < 0.3):
        return r.choice(words)
    if kind == "truth":
        return r.choice(("true", "false"))
    if kind == "axis":
        return r.choice(tuple(AXES[rank]))
    if kind == "number":
        low = 0 if least is None else least
        return f"{r.uniform(low, low + 2 if most is None else most):.3f}"
    low = -3 if least is None else int(least)

    def whole() -> int:
        high = low + r.choice((0, 1, 2, 2, 3, 3, 6, 12))
        return r.randint(low, high if most is None else min(high, int(most)))

    if kind == "sizes":
        count = r.choice((1, rank - 1))
        numbers = [whole() for _ in range(count)]
        if min(numbers) < 0:
            return str(numbers[0])
        return "x".join(map(str, numbers)) if numbers else None
    return str(whole())


def drawn_text(layer: Layer, r: random.Random) -> str:
    """A spec that ends in the layer."""
    rank = r.choice(layer.ranks)
    shape = "x".join(str(r.choice(SIZES)) for _ in range(rank))
    text = f"input {shape} | {layer.name}"
    for arg in layer.args:
        value = drawn_argument(arg, rank, r)
        if value is not None:
            text += f" {arg.name}={value}"
    return text


def drawn_inputs(layer: Layer, r: random.Random) -> tuple[TensorType, ...]:
    """Inputs for a merge: often equal, or alike but for one axis."""
    rank = r.choice(layer.ranks)
    least, most = layer.inputs
    count = r.randint(least, least + 2 if most is None else most)
    first = [r.choice(SIZES) for _ in range(rank)]
    found = [first]
    for _ in range(count - 1):
        other = list(first)
        kind = r.randrange(4)
        if kind == 1:
            other[r.randrange(rank)] = r.choice(SIZES)
        elif kind == 2:
            other = first[:1]
        elif kind == 3 and rank > 1:
            other[-2:] = [first[-1], r.choice(SIZES)]
        found.append(other)
    r.shuffle(found)
    return tuple(TensorType(tuple(Dim(s, None) for s in sizes)) for sizes in found)


def drawn_merge(layer: Layer, r: random.Random) -> tuple[Site, TensorType] | None:
    ins = drawn_inputs(layer, r)
    args: dict[str, Bound] = {}
    for arg in layer.args:
        value: object = arg.default
        text = drawn_argument(arg, ins[0].rank, r)
        if text is not None:
            value = {"true": True, "false": False}.get(text, text)
        args[arg.name] = Bound(value, Const(plain(value)), None)
    site = Site(layer, ins, args, None)
    out = layer.shape(site)
    return None if isinstance(out, Problem) else (site, out)


def drawn(layer: Layer, seed: str) -> Iterator[tuple[Site, TensorType]]:
    """Different uses of a layer that its record accepts."""
    r = random.Random(f"{layer.name} {seed}")
    for _ in range(MOST_DRAWS):
        if layer.inputs != (1, 1):
            found = drawn_merge(layer, r)
            if found is not None:
                yield found
            continue
        network = checked(drawn_text(layer, r))
        if network is not None:
            site, out, _ = last_site(network)
            yield site, out


def assert_holds_for_many(layer: Layer, meta: int, cpu: int) -> None:
    """The contract on drawn uses, on both devices."""
    torch.manual_seed(0)
    uses = drawn(layer, "uses")
    with warnings.catch_warnings(), torch.no_grad():
        # Of windows longer than a stride that skips positions, and the like.
        warnings.simplefilter("ignore")
        with FlopCounterMode(display=False) as counter, torch.device("meta"):
            for number in range(meta):
                found = next(uses, None)
                assert found is not None, f"only {number} draws were accepted"
                assert_holds(*found, counter)
        with FlopCounterMode(display=False) as counter:
            for _ in range(cpu):
                found = next(uses, None)
                assert found is not None
                assert_holds(*found, counter)
                assert_forms_agree(found[0])


@pytest.mark.parametrize("name", LAYERS)
def test_holds(name: str) -> None:
    assert_holds_for_many(LAYERS[name], ON_META, ON_CPU)


@pytest.mark.parametrize("name", LAYERS)
def test_example(name: str) -> None:
    layer = LAYERS[name]
    network = checked(layer.example)
    assert network is not None
    site, out, stage = last_site(network)
    assert site.layer is layer
    assert layer.example.count("|") == 1
    with FlopCounterMode(display=False) as counter, torch.device("meta"):
        assert_holds(site, out, counter)
    source = execute(archdsl_source(network))
    module = source.Net().eval()
    x = torch.randn(2, *network.root.inputs[0].sizes)
    with torch.no_grad():
        assert tuple(module(x).shape) == (2, *stage.type.sizes)
    assert_forms_agree(site)


def archdsl_source(network: Network) -> str:
    from archdsl.backends.torch.emit import emit

    return emit(network)


def test_records_are_whole() -> None:
    for layer in LAYERS.values():
        assert layer.doc.endswith(".")
        assert {name.lstrip("*") for name in layer.positional} <= {
            arg.name for arg in layer.args
        }
        names = [name for arg in layer.args for name in (arg.name, *arg.also)]
        assert len(names) == len(set(names)), layer.name


@pytest.mark.parametrize("name", ["conv", "maxpool", "flatten", "concat"])
def test_wrong_shape_rule_is_caught(name: str) -> None:
    layer = LAYERS[name]

    def wrong(site: Site) -> TensorType | Problem:
        out = layer.shape(site)
        if isinstance(out, Problem):
            return out
        last = Dim(out.dims[-1].size + 1, None)
        return TensorType((*out.dims[:-1], last))

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(LAYERS, name, layer._replace(shape=wrong))
        with pytest.raises(AssertionError):
            assert_holds_for_many(LAYERS[name], 5, 0)
