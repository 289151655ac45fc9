"""Every layer's record against PyTorch: shape, weights, MACs and both forms.

The arguments and shapes are drawn at random, seeded by the layer's name.
"""

from __future__ import annotations

import inspect
import random
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from drawn_uses import (
    DRAWN_INPUTS,
    SIZES,
    drawn_chunk,
    drawn_rearrange,
    drawn_reshape,
    drawn_shape,
    drawn_split,
    drawn_unflatten,
    drawn_upsample,
    written,
)
from torch.utils.flop_counter import FlopCounterMode

from archdsl.backends.torch.emit import emit
from archdsl.ir.network import Network, Stage
from archdsl.ops import LAYERS
from archdsl.ops.helpers.self_attention import SelfAttention
from archdsl.ops.helpers.stochastic_depth import StochasticDepth
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
from archdsl.runtime.contract import filled, hold_forms, hold_use
from archdsl.runtime.load import execute
from archdsl.runtime.matching import BATCH, MismatchError
from archdsl.shapes.expr import Const
from archdsl.shapes.tensor import AXES, Dim, TensorType
from archdsl.source import Source

ON_META, ON_CPU = 200, 20
# Most draws are refused for some layers: windows that do not fit, sizes that do not
# divide. So many are tried.
MOST_DRAWS = 20_000


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


def assert_holds(
    site: Site, out: TensorType, counter: FlopCounterMode | None = None
) -> None:
    """The contract that layers of users are held to, too, on meta or on the CPU.

    PyTorch's own counter agrees. Layers of one input are modules.
    """
    form = site.layer.torch(site)
    assert form.module or len(site.ins) > 1 or site.layer.inputs != (1, 1)
    before = counter.get_total_flops() if counter else 0
    hold_use(site, out, "meta" if counter else "cpu")
    if counter:
        batch = BATCH if any(tensor.batched for tensor in site.ins) else 1
        # Two operations each, for each sample.
        macs = batch * site.layer.macs(site, out)
        assert counter.get_total_flops() - before == 2 * macs


# What is drawn


def drawn_argument(arg: Arg, rank: int, r: random.Random) -> str | None:
    """A value for an argument, as it is written; None to leave it out."""
    kind, least, most, words = arg.type
    if kind in ("text", "list", "strings", "lists") or (
        arg.default is not REQUIRED and r.random() < 0.5
    ):
        return None
    if words and (kind == "word" or r.random() < 0.3):
        word = r.choice(words)
        return word if word.isidentifier() else f'"{word}"'
    if kind == "truth":
        return r.choice(("true", "false"))
    if kind == "axis":
        return r.choice(tuple(AXES[rank]))
    if kind == "number":
        low = 0 if least is None else least
        return f"{r.uniform(low, low + 2 if most is None else most):.3f}"
    low = -3 if least is None else int(least)

    def whole() -> int:
        high = low + r.choice((0, 1, 2, 2, 3, 3, 6, 20))
        return r.randint(low, high if most is None else min(high, int(most)))

    if kind == "sizes":
        count = r.choice((1, rank - 1))
        numbers = [whole() for _ in range(count)]
        if min(numbers) < 0:
            return str(numbers[0])
        return written(tuple(numbers)) if numbers else None
    return str(whole())


# Of layers whose arguments would seldom fit.
WRITERS: dict[str, Callable[[random.Random], str]] = {
    "reshape": drawn_reshape,
    "unflatten": drawn_unflatten,
    "rearrange": drawn_rearrange,
    "chunk": drawn_chunk,
    "split": drawn_split,
    "upsample": drawn_upsample,
}


def drawn_text(layer: Layer, r: random.Random) -> str:
    """A spec that ends in the layer."""
    if layer.name in WRITERS:
        return WRITERS[layer.name](r)
    rank = r.choice(layer.ranks)
    text = f"input {written(drawn_shape(r, rank))}"
    kinds = layer.dtypes[0]
    kind = r.choice(kinds) if len(kinds) > 1 else kinds[0]
    text += f"{'' if kind == 'float' else f' {kind}'} | {layer.name}"
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
    fixed: dict[str, object] = {}
    if layer.name in DRAWN_INPUTS:
        ins, fixed = DRAWN_INPUTS[layer.name](r)
    else:
        ins = drawn_inputs(layer, r)
    args: dict[str, Bound] = {}
    for arg in layer.args:
        value: object = fixed.get(arg.name, arg.default)
        text = None if arg.name in fixed else drawn_argument(arg, ins[0].rank, r)
        if (
            text is not None
            and arg.type.kind == "number"
            and text not in arg.type.words
        ):
            value = float(text)
        elif text is not None:
            value = {"true": True, "false": False}.get(text, text)
        args[arg.name] = Bound(value, Const(plain(value)), None)
    site = Site(layer, ins, args, None)
    out = layer.shape(site)
    return None if isinstance(out, Problem) else (site, out)


def drawn(layer: Layer, seed: str) -> Iterator[tuple[Site, TensorType]]:
    """Different uses of a layer that its record accepts."""
    r = random.Random(f"{layer.name} {seed}")
    seen: set[str] = set()
    for _ in range(MOST_DRAWS):
        if layer.inputs != (1, 1):
            found = drawn_merge(layer, r)
        else:
            network = checked(drawn_text(layer, r))
            found = last_site(network)[:2] if network is not None else None
        if found is None:
            continue
        site = found[0]
        values = {name: bound.value for name, bound in site.args.items()}
        key = f"{site.ins} {values}"
        if key not in seen:
            seen.add(key)
            yield found


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
        for _ in range(cpu):
            found = next(uses, None)
            assert found is not None
            assert_holds(*found)
            hold_forms(found[0])


# Tensors of the module itself are no modules: tests/test_own_tensors.py has them.
WITH_INPUTS = [name for name, layer in LAYERS.items() if layer.inputs != (0, 0)]


@pytest.mark.parametrize("name", WITH_INPUTS)
def test_holds(name: str) -> None:
    assert_holds_for_many(LAYERS[name], ON_META, ON_CPU)


@pytest.mark.parametrize("name", WITH_INPUTS)
def test_example(name: str) -> None:
    layer = LAYERS[name]
    network = checked(layer.example)
    assert network is not None
    site, out, stage = last_site(network)
    assert site.layer is layer
    assert layer.example.count("|") == 1
    with FlopCounterMode(display=False) as counter, torch.device("meta"):
        assert_holds(site, out, counter)
    source = execute(emit(network))
    module = source.Net().eval()
    x = filled(network.root.inputs[0])
    with torch.no_grad():
        assert tuple(module(x).shape) == (2, *stage.type.sizes)
    hold_forms(site)


def alone(layer: Layer) -> tuple[str, str]:
    """The input and the stage of an example."""
    shape, _, stage = layer.example.partition(" | ")
    return shape, stage


@pytest.mark.parametrize(
    "name",
    [n for n, x in LAYERS.items() if x.inputs[0] == 1 and x.look != "merge"],
)
def test_stands_in_groups_and_repeats(name: str) -> None:
    shape, stage = alone(LAYERS[name])
    network = checked(f"{shape} | body: {{{stage} | relu}}")
    assert network is not None
    networks = [network]
    again = checked(f"{shape} | copies: {stage} x2")
    if again is not None:
        networks.append(again)
    for network in networks:
        with torch.device("meta"):
            module = execute(emit(network)).Net()
            out = module(filled(network.root.inputs[0]))
        assert tuple(out.shape[1:]) == network.root.type.sizes


def test_emitted_examples_are_formatted_and_typed(tmp_path: Path) -> None:
    for name, layer in LAYERS.items():
        shape, stage = alone(layer)
        before = "roll 1 c" if shape.endswith(" int") else "relu"
        for number, text in enumerate(
            (layer.example, f"{shape} | body: {{{before} | {stage}}}")
        ):
            network = checked(text)
            assert network is not None
            (tmp_path / f"{name}{number}.py").write_text(emit(network), "utf-8")
    ruff, options = [sys.executable, "-m", "ruff"], ["--isolated", "--no-cache"]
    select = ["--select", "E,F,W,I,UP,B"]
    mypy = ["--strict", "--allow-any-generics", "--no-warn-return-any"]
    mypy += ["--follow-imports=silent", "--cache-dir", str(tmp_path / "cache")]
    for command in (
        [*ruff, "format", "--diff", *options],
        [*ruff, "check", *select, *options],
        [sys.executable, "-m", "mypy", *mypy],
    ):
        found = subprocess.run(
            [*command, str(tmp_path)], capture_output=True, text=True, cwd=tmp_path
        )
        assert found.returncode == 0, found.stdout[:2000]


# Each has a parameter n that stays an argument of the emitted class, or is settled.
WITH_A_PARAMETER = [
    "input 9 | fc n*n | unflatten n n",
    "input 9 | fc n*n | reshape n n | ln | mean t",
    "input n*n | unflatten n n | rms | reshape n*n",
    "input 3x8x8 | conv 4*n 1x1 | pixelshuffle 2 | gn n | prelu channels",
    "input 3x8x8 | conv 2*n 1x1 | glu | dwconv 3x3 p1 m=n | instancenorm affine",
    "input 3x8x8 | upconv n 2x2 s=n | crop n n | tokens | layerscale 0.1 d",
    "input 3x9x9 | conv n 1x1 | pad 1 | upsample n | slice 0 n | pixelunshuffle 1",
    "input 8x8 | slice n-1 n t | take 0 t | fc n | l2norm",
    "input 8x8 | fc n | roll n t | matmul(id, permute 1 0) | softmax d",
    "input 8x8x8 | conv n 1x1 | stack(id, id) | amax c | sub(id, gap) | swiglu h",
    "input 6 int | embedding 5*n n padding=n | gru 2*n layers=n bidirectional",
    "input 6x5 | fc n | lstm(id, take 0 t, take 1 t) n | fc 2*n | rnn n last",
    "input 6x5 | lstm 2*n proj=n bidirectional | fc 2*n | chunk n 1 d | roll n d",
    "input 6x7 | fc 5*n | split [n, 4*n] 1 d | take n d | split [n, 6-n] 0",
    "input 3x8x8 | upsample size=4*n | pad n value=n | conv n 1x1 | mean h w",
]


@pytest.mark.parametrize("text", WITH_A_PARAMETER)
@pytest.mark.parametrize("other", [2, 3, 4])
def test_parameters_reach_the_constructor(text: str, other: int) -> None:
    source = Source("t.arch", f"net top n=3 {{ {text} }}")
    found = check(source)
    assert not found.diagnostics, found.diagnostics[0].message
    wanted = check(source, "top", {"n": other})
    top = execute(emit(found.networks["top"])).Top
    if "n" not in inspect.signature(top).parameters or wanted.diagnostics:
        return
    network = wanted.networks["top"]
    with torch.device("meta"):
        module = top(n=other)
        out = module(filled(network.root.inputs[0]))
    assert tuple(out.shape[1:]) == network.root.type.sizes
    assert sum(p.numel() for p in module.parameters()) == network.root.cost.params


@pytest.mark.parametrize("bias", [True, False])
def test_attention_is_that_of_torch(bias: bool) -> None:
    torch.manual_seed(0)
    known = torch.nn.MultiheadAttention(12, 3, bias=bias, batch_first=True)
    ours = SelfAttention(12, 3, bias=bias)
    assert ours.state_dict().keys() == known.state_dict().keys()
    for weight in known.parameters():
        torch.nn.init.normal_(weight)
    ours.load_state_dict(known.state_dict())
    x = torch.randn(2, 5, 12)
    assert torch.allclose(ours(x), known(x, x, x)[0], atol=1e-5)
    mask = torch.ones(5, 5).tril() == 0
    ours.causal = True
    assert torch.allclose(ours(x), known(x, x, x, attn_mask=mask)[0], atol=1e-5)


@pytest.mark.parametrize(("mode", "together"), [("row", False), ("batch", True)])
def test_stochastic_depth(mode: str, together: bool) -> None:
    torch.manual_seed(0)
    layer = StochasticDepth(0.25, mode)
    x = torch.ones(64, 3, 2)
    out = torch.stack([layer(x) for _ in range(50)])
    assert ((out == 0) | torch.isclose(out, torch.tensor(1 / 0.75))).all()
    each = out.flatten(2)
    assert (each == each[..., :1]).all()
    alike = bool((each == each[:, :1]).all())
    assert alike is together
    assert abs(float(out.mean()) - 1) < 0.3
    assert (layer.eval()(x) == x).all()
    assert (StochasticDepth(1.0, mode)(x) == 0).all()


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
        with pytest.raises(MismatchError):
            assert_holds_for_many(LAYERS[name], 5, 0)
