"""Layers against independent evaluations: loops, NumPy, and PyTorch's own modules."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
import torch
from oneliners import built, codes, network
from torch import Tensor, nn

from archdsl.backends.torch.emit import emit
from archdsl.ops import LAYERS
from archdsl.ops.helpers.cross_attention import CrossAttention
from archdsl.ops.helpers.dot_product_attention import DotProductAttention
from archdsl.ops.helpers.joined import joined
from archdsl.ops.helpers.rotary import Rotary
from archdsl.ops.helpers.self_attention import SelfAttention
from archdsl.ops.helpers.stacked import stacked
from archdsl.ops.helpers.stochastic_depth import StochasticDepth
from archdsl.ops.record import Bound, Problem, Site, plain
from archdsl.pipeline import check
from archdsl.runtime.load import execute
from archdsl.shapes.expr import Const
from archdsl.shapes.tensor import Dim, DType, TensorType
from archdsl.source import Source


def tensor(*sizes: int, dtype: DType = "float", batched: bool = True) -> TensorType:
    return TensorType(tuple(Dim(size, None) for size in sizes), dtype, batched)


def refusal(name: str, *ins: TensorType, **given: object) -> Problem:
    """Why the layer refuses these inputs."""
    layer = LAYERS[name]
    args = {
        arg.name: Bound(given.get(arg.name, arg.default), Const(None), None)
        for arg in layer.args
    }
    found = layer.shape(Site(layer, ins, args, None))
    assert isinstance(found, Problem)
    return found


# Attention


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("memory_width", [12, 5])
@pytest.mark.parametrize("rank", [0, 1, 2, 3])
@pytest.mark.parametrize("causal", [True, False])
def test_cross_attention(
    bias: bool, memory_width: int, rank: int, causal: bool
) -> None:
    torch.manual_seed(0)
    known = nn.MultiheadAttention(
        12, 3, bias=bias, kdim=memory_width, vdim=memory_width, batch_first=True
    )
    ours = CrossAttention(
        12, 3, None if memory_width == 12 else memory_width, causal=causal, bias=bias
    )
    there, here = known.state_dict(), ours.state_dict()
    assert {k: v.shape for k, v in here.items()} == {
        k: v.shape for k, v in there.items()
    }
    for weight in known.parameters():
        nn.init.normal_(weight)
    ours.load_state_dict(known.state_dict())
    x, memory = torch.randn(2, 4, 12), torch.randn(2, 6, memory_width)
    mask = torch.rand(2, *(3, 4, 6)[3 - rank :]) > 0.3
    mask[..., 0] = True
    allowed = torch.ones(2, 3, 4, 6, dtype=torch.bool)
    given: tuple[Tensor, ...] = ()
    if rank:
        given = (mask,)
        allowed &= mask.reshape(2, *[1] * (3 - rank), *mask.shape[1:])
    if causal:
        allowed &= torch.arange(6) <= torch.arange(4)[:, None]
    expected = known(x, memory, memory, attn_mask=~allowed.flatten(0, 1))[0]
    assert torch.allclose(ours(x, memory, *given), expected, atol=1e-5)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("causal", [True, False])
def test_self_attention_with_a_mask(rank: int, causal: bool) -> None:
    torch.manual_seed(0)
    plain_ = SelfAttention(12, 3, causal=causal)
    other = CrossAttention(12, 3, causal=causal)
    other.load_state_dict(plain_.state_dict())
    x = torch.randn(2, 5, 12)
    mask = torch.rand(2, *(3, 5, 5)[3 - rank :]) > 0.3
    mask[..., 0] = True
    assert torch.allclose(plain_(x, mask), other(x, x, mask), atol=1e-6)
    everything = torch.ones_like(mask)
    assert torch.allclose(plain_(x, everything), plain_(x), atol=1e-6)


def test_one_sequence_for_all_samples() -> None:
    """A batch of one beside a batch of three, whichever input it is."""
    torch.manual_seed(0)
    cross, own = CrossAttention(12, 3), SelfAttention(12, 3)
    mask = torch.rand(3, 6) > 0.3
    mask[:, 0] = True
    one, three = torch.randn(1, 6, 12), torch.randn(3, 6, 12)
    expanded = one.expand(3, -1, -1)
    for given, whole in (
        ((one, three), (expanded, three)),
        ((three, one), (three, expanded)),
        ((one, one, mask), (expanded, expanded, mask)),
    ):
        assert torch.allclose(cross(*given), cross(*whole), atol=1e-6)
    assert torch.allclose(own(one, mask), own(expanded, mask), atol=1e-6)
    sdpa = DotProductAttention(3)
    found = sdpa(one, one, one, mask)
    assert torch.allclose(found, sdpa(*[expanded] * 3, mask), atol=1e-6)


def looped_attention(
    q: Tensor, k: Tensor, v: Tensor, heads: int, kv: int, scale: float | None
) -> Tensor:
    """Head by head, query by query, in one sample."""
    width, values = q.shape[1] // heads, v.shape[1] // kv
    rows = []
    for query in q:
        row = []
        for head in range(heads):
            group = head // (heads // kv)
            own = query[head * width : (head + 1) * width]
            keys = k[:, group * width : (group + 1) * width]
            factor = 1 / math.sqrt(width) if scale is None else scale
            share = torch.softmax(keys @ own * factor, 0)
            row.append(share @ v[:, group * values : (group + 1) * values])
        rows.append(torch.cat(row))
    return torch.stack(rows)


@pytest.mark.parametrize(("heads", "kv"), [(4, 4), (4, 2), (6, 1), (1, 1)])
@pytest.mark.parametrize("scale", [None, 0.3])
def test_attention_without_weights(heads: int, kv: int, scale: float | None) -> None:
    torch.manual_seed(0)
    q, k, v = torch.randn(5, heads * 3), torch.randn(7, kv * 3), torch.randn(7, kv * 2)
    layer = DotProductAttention(heads, kv_heads=kv, scale=scale)
    found = layer(q[None], k[None], v[None])[0]
    assert torch.allclose(found, looped_attention(q, k, v, heads, kv, scale), atol=1e-5)


@pytest.mark.parametrize("style", ["halves", "pairs"])
def test_rotary(style: str) -> None:
    """As a product of complex numbers, place by place."""
    torch.manual_seed(0)
    x = torch.randn(2, 7, 3 * 8, dtype=torch.float64)
    found = Rotary(3, base=100.0, style=style)(x)
    for sample, place, head in itertools.product(range(2), range(7), range(3)):
        own = x[sample, place, 8 * head : 8 * head + 8]
        turned = found[sample, place, 8 * head : 8 * head + 8]
        for i in range(4):
            a, b = (i, i + 4) if style == "halves" else (2 * i, 2 * i + 1)
            angle = place * 100.0 ** (-2 * i / 8)
            known = complex(own[a], own[b]) * complex(math.cos(angle), math.sin(angle))
            assert abs(known - complex(turned[a], turned[b])) < 1e-5


def test_rotary_products_tell_distances() -> None:
    torch.manual_seed(0)
    q, k = torch.randn(8), torch.randn(8)
    for style in ("halves", "pairs"):
        layer = Rotary(1, style=style)
        turned = [layer(row.expand(1, 9, 8))[0] for row in (q, k)]
        products = turned[0] @ turned[1].T
        for distance in range(-8, 9):
            same = torch.diagonal(products, distance)
            assert torch.allclose(same, same[:1].expand_as(same), atol=1e-4)


@pytest.mark.parametrize(
    ("ins", "args", "code"),
    [
        ((tensor(10, 8), tensor(9, dtype="bool")), {"heads": 2}, "E0311"),
        ((tensor(10, 8), tensor(4, 6), tensor(6, dtype="bool")), {"heads": 2}, "E0311"),
        (
            (tensor(10, 8), tensor(4, 6), tensor(10, 4, 1, dtype="bool")),
            {"heads": 2},
            "E0311",
        ),
        (
            (tensor(10, 8), tensor(10, dtype="bool"), tensor(10, dtype="bool")),
            {"heads": 2},
            "E0309",
        ),
        ((tensor(10, 8), tensor(8)), {"heads": 2}, "E0301"),
        ((tensor(10, 8),), {"heads": 3}, "E0405"),
    ],
)
def test_attention_refuses(
    ins: tuple[TensorType, ...], args: dict[str, object], code: str
) -> None:
    assert refusal("attention", *ins, **args).code == code


@pytest.mark.parametrize(
    ("ins", "args", "code"),
    [
        ((tensor(4, 8), tensor(5, 6), tensor(5, 8)), {"heads": 2}, "E0304"),
        ((tensor(4, 8), tensor(5, 8), tensor(6, 8)), {"heads": 2}, "E0304"),
        ((tensor(4, 8), tensor(5, 8), tensor(5, 7)), {"heads": 2}, "E0405"),
        ((tensor(4, 8), tensor(5, 6), tensor(5, 6)), {"heads": 4, "kv": 3}, "E0405"),
        (
            (*[tensor(4, 8)] * 3, tensor(3, 4, dtype="bool")),
            {"heads": 4},
            "E0311",
        ),
    ],
)
def test_sdpa_refuses(
    ins: tuple[TensorType, ...], args: dict[str, object], code: str
) -> None:
    assert refusal("sdpa", *ins, **args).code == code


# Padding as TensorFlow has it


@pytest.mark.parametrize("kind", ["conv 4 {}", "dwconv {} m=2"])
def test_tf_padding(kind: str) -> None:
    """Against windows gone through one by one, over ranks 1 to 3."""
    r = random.Random(kind)
    for _ in range(30):
        rank = r.randint(1, 3)
        sizes = [r.randint(1, 7) for _ in range(rank)]
        k, s, d = ([r.randint(1, 3) for _ in range(rank)] for _ in range(3))
        window = kind.format("x".join(map(str, k)))
        stride, dilation = "x".join(map(str, s)), "x".join(map(str, d))
        text = (
            f"input 2x{'x'.join(map(str, sizes))}"
            f" | {window} p=tf s={stride} d={dilation}"
        )
        module = built(text)
        (layer,) = module.children()
        assert list(module.state_dict()) == ["0.weight", "0.bias"] or all(
            name.endswith(("1.weight", "1.bias")) for name in module.state_dict()
        )
        x = torch.randn(2, 2, *sizes)
        outs = [-(-size // step) for size, step in zip(sizes, s, strict=True)]
        assert network(text).root.type.sizes[1:] == tuple(outs)
        found = module(x)
        assert tuple(found.shape[2:]) == tuple(outs)
        weight, bias = layer.weight, layer.bias
        assert isinstance(weight, Tensor)
        assert isinstance(bias, Tensor)
        for place in itertools.product(*map(range, outs)):
            total = bias.expand(2, -1).clone()
            for tap in itertools.product(*map(range, k)):
                at = []
                for axis in range(rank):
                    reach = (outs[axis] - 1) * s[axis] + d[axis] * (k[axis] - 1) + 1
                    zeros = max(0, reach - sizes[axis]) // 2
                    at.append(place[axis] * s[axis] + tap[axis] * d[axis] - zeros)
                if any(not 0 <= a < size for a, size in zip(at, sizes, strict=True)):
                    continue
                numbers = x.movedim((0, 1), (-2, -1))[tuple(at)]
                factors = weight.movedim((0, 1), (-2, -1))[tuple(tap)]
                if kind.startswith("dw"):
                    total = total + numbers.repeat_interleave(2, 1) * factors[:, 0]
                else:
                    total = total + numbers @ factors.T
            here = found.movedim((0, 1), (-2, -1))[tuple(place)]
            assert torch.allclose(here, total, atol=1e-5)


def test_tf_padding_refuses_other_modes() -> None:
    assert codes("input 3x8x8 | conv 4x3x3 p=tf mode=reflect") == ["E0405"]
    assert codes("input 2x8x8 | conv 1x3x3 p=tf table=[[0]]") == ["E0405"]


# Merges


@pytest.mark.parametrize("name", ["concat", "stack"])
def test_joining_what_is_the_same_for_all_samples(name: str) -> None:
    layer = LAYERS[name]
    ins = (tensor(1, 4, batched=False), tensor(1, 4))
    args = {arg.name: Bound("t", Const(plain("t")), None) for arg in layer.args}
    form = layer.torch(Site(layer, ins, args, None))
    helper = {"concat": "joined", "stack": "stacked"}[name]
    assert form.function_helper == helper
    both = layer.torch(Site(layer, ins[1:] * 2, args, None))
    assert both.function_helper is None


def test_joined_and_stacked() -> None:
    one, three = torch.randn(1, 2, 4), torch.randn(3, 5, 4)
    found = joined([one, three], dim=1)
    assert torch.equal(found[:, :2], one.expand(3, -1, -1))
    assert torch.equal(found[:, 2:], three)
    found = stacked([three[:, :2], one], dim=1)
    assert torch.equal(found[:, 1], one.expand(3, -1, -1))
    assert torch.equal(found[:, 0], three[:, :2])
    assert joined([one, three[:0]], dim=1).shape == (0, 7, 4)


def test_merges_refuse_inputs_of_different_kinds() -> None:
    whole, real = tensor(4, 4, dtype="int"), tensor(4, 4)
    for name in ("add", "sub", "mul"):
        assert refusal(name, real, whole).code == "E0309"
    assert refusal("concat", real, whole, axis="t").code == "E0309"
    assert refusal("stack", whole, real).code == "E0309"


# Stochastic depth


def test_depth_grows_along_a_repeat() -> None:
    text = (
        "net n {\n  input 8x4x4\n"
        "  body: add(id, conv 8x3x3 p1 | droppath 0.1*i/5) x6\n}\n"
    )
    found = check(Source("t.arch", text))
    if found.diagnostics:
        text = (
            "net n {\n  input 8x4x4\n"
            "  body: {add(id, conv 8x3x3 p1 | droppath 0.1*i/5)} x6\n}\n"
        )
        found = check(Source("t.arch", text))
    assert not found.diagnostics, found.diagnostics[0].message
    module = execute(emit(found.networks["n"])).N()
    rates = [
        layer.rate
        for layer in module.modules()
        if type(layer).__name__ == StochasticDepth.__name__
    ]
    assert np.allclose(rates, [0.1 * i / 5 for i in range(6)])
    x = torch.randn(2, 8, 4, 4)
    assert module(x).shape == x.shape


def test_drawn_rows_and_batches() -> None:
    torch.manual_seed(0)
    for mode, alike in (("row", False), ("batch", True)):
        text = f"input 3x2 | droppath 0.5 mode={mode}"
        module = built(text).train()
        drawn = [module(torch.ones(8, 3, 2))[:, 0, 0] for _ in range(20)]
        assert all(bool((row == row[0]).all()) for row in drawn) is alike


# Sizes that are not known


@pytest.mark.parametrize(
    ("text", "inputs", "expected"),
    [
        ("input 3xHxW | conv 4x3x3 s2 p=tf", (3, 9, 8), (4, 5, 4)),
        ("input 3xHxW | tokens | rotary 1 | attention 1", (3, 4, 2), None),
        ("input Tx8 | rotary 2 | sdpa(id, id, id) 2", (5, 8), (5, 8)),
        (
            'input 3xHxW | rearrange "c (h p) (w q) -> (h w) (p q c)" p=4 q=2',
            (3, 8, 6),
            (6, 24),
        ),
        ('input Tx8 | einsum(id, id) "td, sd -> ts"', (5, 8), (5, 5)),
        (
            "input 8xHxW | dwconv 2x2 p=tf | glu | stack(id, id)",
            (8, 5, 6),
            (2, 4, 5, 6),
        ),
    ],
)
def test_symbolic_sizes(
    text: str, inputs: tuple[int, ...], expected: tuple[int, ...] | None
) -> None:
    if expected is None:
        assert codes(text) == ["E0405"]
        return
    checked = network(text)
    assert checked.root.cost.macs is not None
    out = execute(emit(checked)).Net()(torch.randn(2, *inputs))
    assert tuple(out.shape) == (2, *expected)


def test_where_shapes_differ() -> None:
    found = check(Source("t.arch", "input 3xHxW | add(id, conv 3x3x3)")).diagnostics
    assert found[0].code == "E0304"
    assert "they differ at H=3" in found[0].message
    assert not found[0].hints


def test_response_norm_of_turned_volumes() -> None:
    """PyTorch's own refuses a volume whose last axes do not lie behind each other."""
    x = torch.randn(2, 4, 5, 6, 3)
    turned = built("input 4x5x6x3\npermute 1 3 2 0\nlrn 3 alpha=0.5")(x)
    plain = built("input 5x3x6x4\nlrn 3 alpha=0.5")(x.permute(0, 2, 4, 3, 1))
    assert torch.equal(turned, plain)
    assert torch.equal(
        plain, nn.LocalResponseNorm(3, 0.5)(x.permute(0, 2, 4, 3, 1).contiguous())
    )
