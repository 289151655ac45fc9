"""Several inputs and outputs, weights used again, and tensors of the module's own."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from archdsl.api import compile as compiled
from archdsl.ir.flat import state_dict_names
from archdsl.ir.network import Network
from archdsl.pipeline import check
from archdsl.runtime.load import load
from archdsl.source import Source


def network(text: str) -> Network:
    found = check(Source("t.arch", text))
    assert not found.diagnostics, found.diagnostics[0]
    return next(iter(found.networks.values()))


def net(body: str) -> str:
    return f"net n {{\n{body}\n}}\n"


def codes(text: str) -> list[str]:
    return [d.code for d in check(Source("t.arch", text)).diagnostics]


def module(text: str) -> Any:
    torch.manual_seed(0)
    made = load(text)
    shapes = {name: tuple(t.shape) for name, t in made.state_dict().items()}
    assert shapes == {n: w.shape for n, w in state_dict_names(network(text))}
    counted = sum(p.numel() for p in made.parameters())
    assert counted == network(text).root.cost.params
    return made


# Inputs


def test_the_signature_names_the_inputs() -> None:
    made = module(net("input a: 4\ninput b: 4\nconcat(a, b) | fc 2"))
    a, b = torch.randn(3, 4), torch.randn(3, 4)
    expected = F.linear(torch.cat([a, b], 1), made.fc1.weight, made.fc1.bias)
    assert torch.equal(made(b=b, a=a), expected)


def test_the_last_input_flows_and_in_is_the_first() -> None:
    made = module(net("input a: 4\ninput b: 4\nsub(id, in)"))
    a, b = torch.randn(3, 4), torch.randn(3, 4)
    assert torch.equal(made(a, b), b - a)


@pytest.mark.parametrize("name", ["x", "self", "class", "forward", "F", "torch"])
def test_any_label_can_name_an_input(name: str) -> None:
    if name == "x":
        assert codes(net("input x: 4\nrelu")) == ["E0213"]
        return
    made = module(
        net(
            f'input "{name}": 4\ninput b: 4\nadd("{name}", b)'.replace(
                f'add("{name}", b)', "add(in, b)"
            )
        )
    )
    a, b = torch.randn(3, 4), torch.randn(3, 4)
    assert torch.equal(made(a, b), a + b)


def test_whole_numbers_and_truth_values_come_in() -> None:
    made = module(
        net(
            "input ids: 5 int\ninput mask: 5 bool\n"
            "attention(ids | embedding 9 8, mask) 2"
        )
    )
    ids, mask = torch.randint(0, 9, (2, 5)), torch.ones(2, 5, dtype=torch.bool)
    mask[:, 3:] = False
    out = made(ids, mask)
    ids[:, 3:] = 0
    torch.testing.assert_close(made(ids, mask)[:, :3], out[:, :3])


# Outputs


def test_outputs_without_names_are_a_tuple() -> None:
    made = module(net("input 4\noutput(fc 2, fc 3)"))
    out = made(torch.randn(5, 4))
    assert type(out) is tuple
    assert [tuple(t.shape) for t in out] == [(5, 2), (5, 3)]


def test_outputs_with_names_are_a_named_tuple() -> None:
    made = module(net("input 4\nh: fc 8\noutput(fc 2, h, last=fc 3)"))
    out = made(torch.randn(5, 4))
    assert out._fields == ("out", "h", "last")
    assert out.h.shape == (5, 8)


def test_outputs_are_a_dictionary_on_request() -> None:
    made = module(net('input 4\noutput(out=fc 2, "a-b": fc 3) dict'))
    assert {k: tuple(v.shape) for k, v in made(torch.randn(5, 4)).items()} == {
        "out": (5, 2),
        "a-b": (5, 3),
    }


AUX = net("input 4\na: fc 8\nrelu\noutput(fc 2, aux=a | relu | h: fc 3 if training)")


def test_an_output_is_there_in_training_only() -> None:
    made = module(AUX)
    x = torch.randn(5, 4)
    out = made(x)
    assert out._fields == ("out", "aux")
    torch.testing.assert_close(out.aux, made.h(F.relu(made.a(x))))
    out.aux.sum().backward()
    assert made.h.weight.grad is not None
    assert torch.equal(made.eval()(x), out.out)


def test_a_side_head_is_computed_where_its_input_is() -> None:
    text = (
        "input 4\na: fc 8\nrelu | b: fc 8\nrelu\n"
        "output(fc 2, low=a | h: fc 3 if training, high=b | relu | g: fc 3 if training)"
    )
    code = compiled(net(text))
    forward = code[code.index("def forward") :]
    assert "low = self.h(a) if self.training else None" in forward
    assert forward.index("low = ") < forward.index("self.b(")
    # What takes more than an expression waits for the end.
    assert forward.index("self.g(") > forward.index("if self.training:")
    made = module(net(text))
    x = torch.randn(5, 4)
    a = made.a(x)
    torch.testing.assert_close(made(x).low, made.h(a))
    torch.testing.assert_close(made(x).high, made.g(F.relu(made.b(F.relu(a)))))
    assert isinstance(made.eval()(x), torch.Tensor)


def test_what_only_training_computes_is_learned_but_no_work() -> None:
    cost = network(AUX).root.cost
    assert cost.params == (4 * 8 + 8) + (8 * 2 + 2) + (8 * 3 + 3)
    assert cost.macs == 4 * 8 + 8 * 2


def test_an_output_may_depend_on_a_parameter() -> None:
    text = (
        "net n aux=true {\n  input 4\n  output(fc 2, b=fc 3 if training and aux)\n}\n"
    )
    assert load(text)(torch.randn(1, 4)).b.shape == (1, 3)
    assert load(text, aux=False)(torch.randn(1, 4)).shape == (1, 2)


def test_an_output_in_training_of_several() -> None:
    made = module(net("input 4\noutput(fc 2, fc 3, fc 5 if training)"))
    assert len(made(torch.randn(1, 4))) == 3
    assert len(made.eval()(torch.randn(1, 4))) == 2


@pytest.mark.parametrize(
    "body",
    [
        "input 4\noutput(fc 2, fc 3)\nrelu",
        "input 4\ng: {output(fc 2, fc 3)}",
        "input 4\noutput(fc 2, fc 3) if in.c > 2",
        "input 4\noutput(fc 2 if training)",
        "input 4\noutput(fc 2, fc 3) dict",
        "input 4\noutput(a=fc 2, a=fc 3)",
        "input 4\noutput(a=fc 2, fc 3 else fc 4)".replace(" else", " if training else"),
    ],
)
def test_outputs_that_cannot_be_are_refused(body: str) -> None:
    assert set(codes(net(body))) == {"E0314"}


# Weights used again


def test_a_layer_is_shared_at_another_size() -> None:
    made = module(
        net(
            "input a: 3x8x8\ninput b: 3x6x6\n"
            "b | enc: conv 4x3x3\ngap\nu: id\na | share enc | gap\nconcat(u, id)"
        )
    )
    a, b = torch.randn(2, 3, 8, 8), torch.randn(2, 3, 6, 6)
    expected = [made.enc(t).mean((2, 3)) for t in (b, a)]
    torch.testing.assert_close(made(a, b), torch.cat(expected, 1))
    assert list(made.state_dict()) == ["enc.weight", "enc.bias"]


@pytest.mark.parametrize(
    "stage", ["enc: unit", "enc: {fc 4 | relu}", "enc: unit x2", "enc: {fc 4 | bn} x2"]
)
def test_blocks_groups_and_repeats_are_shared(stage: str) -> None:
    text = "block unit { fc 4 | relu }\n" + net(
        f"input a: 4\ninput b: 4\na | {stage}\nu: id\nb | share enc\nsub(id, u) | fc 1"
    )
    made = module(text)
    a = torch.randn(6, 4)
    zero = made.eval()(a, a)
    torch.testing.assert_close(zero, made.fc1.bias.expand(6, 1))


def test_sharing_stays_inside_a_group() -> None:
    made = module(net("input 4\ng: {a: fc 4 | relu | share a}"))
    x = torch.randn(2, 4)
    assert torch.equal(made(x), made.g.a(F.relu(made.g.a(x))))


def test_a_table_is_tied_with_and_without_a_name() -> None:
    one = module(net("input T int\ntok: embedding 9 8\nrelu | tie tok"))
    assert list(one.state_dict()) == ["tok.weight"]
    two = module(net("input T int\ntok: embedding 9 8\nrelu | head: tie tok"))
    assert list(two.state_dict()) == ["tok.weight", "head.weight"]
    assert two.head.weight is two.tok.weight
    ids = torch.randint(0, 9, (2, 5))
    for made in (one, two):
        hidden = F.relu(F.embedding(ids, made.tok.weight))
        assert torch.equal(made(ids), hidden @ made.tok.weight.T)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("input 4\nfc 4\nshare enc", "E0317"),
        ("input 4\na: id\nadd(a, share a)", "E0317"),
        ("input 4\na: relu\nshare a", "E0317"),
        ("input 4\na: fc 3\nshare a", "E0318"),
        ("input 3x8x8\na: {conv 3x3x3}\nshare a", "E0318"),
        ("input 4\na: fc 4\ng: {share a}", "E0317"),
        ("input 4\na: fc 4\ntie a", "E0317"),
        ("input 4 int\na: embedding 9 8\nfc 7 | tie a", "E0318"),
        ("input 4\na: fc 4\nshare", "E0201"),
        ("input 4\na: fc 4\nshare 4", "E0402"),
        ("input 4\na: fc 4\nshare a k=3", "E0403"),
    ],
)
def test_what_cannot_be_shared_is_refused(body: str, code: str) -> None:
    assert codes(net(body)) == [code]


# Tensors of the module's own


def test_a_learned_tensor_is_the_same_for_all_samples() -> None:
    made = module(net("input 5x8\nadd(id, pos: param 5x8 init=normal std=0.02)"))
    x = torch.randn(3, 5, 8)
    assert torch.equal(made(x), x + made.pos)
    assert isinstance(made.pos, nn.Parameter)
    assert 0.005 < made.pos.std() < 0.05


def test_a_token_is_joined_to_every_sample() -> None:
    made = module(net("input 5x8\nconcat(cls: param 1x1x8 batch init=ones, id) t"))
    assert tuple(made.state_dict()["cls"].shape) == (1, 1, 8)
    out = made(torch.zeros(3, 5, 8))
    assert out.shape == (3, 6, 8)
    assert out[:, 0].eq(1).all()
    assert out[:, 1:].eq(0).all()


def sinusoid(length: int, width: int) -> Tensor:
    """Vaswani et al. 2017, section 3.5, place by place."""
    table = torch.zeros(length, width)
    for t in range(length):
        for d in range(width):
            angle = t / 10000 ** (2 * (d // 2) / width)
            table[t, d] = math.sin(angle) if d % 2 == 0 else math.cos(angle)
    return table


def test_a_constant_is_computed_from_its_places() -> None:
    angle = "ax0 / 10000**(2 * (ax1 // 2) / 8)"
    made = module(
        net(
            f"input 6x8\nadd(id, pe: buffer 6x8 value=(sin({angle}) if ax1 % 2 == 0"
            f" else cos({angle})) persistent=false)"
        )
    )
    assert list(made.state_dict()) == []
    torch.testing.assert_close(made(torch.zeros(1, 6, 8))[0], sinusoid(6, 8))


def test_a_table_is_looked_up() -> None:
    """Relative positions as in Liu et al. 2021 (Swin), section 3.2, in a 3x3 window."""
    text = (
        "block bias w {\n"
        + (
            "  add(id, index(table: param ((2*w-1)**2) 4 init=normal std=1,"
            " places: buffer (w*w) (w*w) dtype=int value=("
            "(ax0 // w - ax1 // w + w - 1) * (2*w - 1) + ax0 % w - ax1 % w + w - 1))"
            " | permute 2 0 1)\n}\n"
        )
        + net("input 4x9x9\nbias 3")
    )
    made = module(text)
    out = made(torch.zeros(2, 4, 9, 9))
    for i in range(9):
        for j in range(9):
            down, right = i // 3 - j // 3 + 2, i % 3 - j % 3 + 2
            entry = made.bias1.table[down * 5 + right]
            assert torch.equal(out[0, :, i, j], entry)
    assert made.bias1.places.dtype == torch.long


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("value=3", [[3.0, 3.0], [3.0, 3.0]]),
        ("value=(ax0 + 2 * ax1)", [[0.0, 2.0], [1.0, 3.0]]),
        ("value=(1 if ax0 == ax1 else 0)", [[1.0, 0.0], [0.0, 1.0]]),
        ("value=(-ax0 if not ax1 == 1 else max(ax0, 5))", [[0.0, 5.0], [-1.0, 5.0]]),
        ("value=(min(ax0, ax1) + floor(ax1 / 2))", [[0.0, 0.0], [0.0, 1.0]]),
        ("value=(2 ** -ax0 * sqrt(4))", [[2.0, 2.0], [1.0, 1.0]]),
        ("dtype=bool value=(ax0 >= ax1)", [[True, False], [True, True]]),
    ],
)
def test_formulas_of_places(value: str, expected: list[list[float]]) -> None:
    made: Any = load(
        net(f"input 2x2\nb: buffer 2x2 {value}\noutput(in, b)").replace(
            "output(in, b)", "concat(in | relu, id)"
        )
        if "bool" not in value
        else net(f"input 2x2\nattention(id, b: buffer 2x2 {value}) 1")
    )
    assert made.b.tolist() == expected


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("input 4\nadd(id, param)", "E0402"),
        ("input 4\nadd(id, param 4 init=xavier)", "E0405"),
        ("input 4\nadd(id, param 4 init=ones value=2)", "E0405"),
        ("input 4\nadd(id, param 4 value=(ax1))", "E0405"),
        ("input 4\nadd(id, param 2x4 batch)", "E0405"),
        ("input 4\nadd(id, param 4 value=(ax0 < 2 < 3))", "E0503"),
        ("input 4\nadd(id, param 4 value=(divisible(ax0, 8)))", "E0503"),
        ("input 4\nadd(id, param 4 value=unknown)", "E0206"),
        ("input 4\nfc (ax0)", "E0206"),
        ("input 4\nadd(id, param 5)", "E0304"),
        ("input 4\nparam 4\nrelu", "E0316"),
        ("input 4\nadd(id, buffer 4 dtype=int)", "E0309"),
        ("input 4\nindex(fc 8, buffer 4 dtype=int)", "E0301"),
    ],
)
def test_tensors_that_cannot_be_are_refused(body: str, code: str) -> None:
    assert code in codes(net(body))


def test_the_source_says_it_as_a_person_would() -> None:
    source = compiled(net("input 4\nadd(id, bias: param 4)"))
    assert "self.bias = nn.Parameter(torch.zeros(4))" in source
    assert "return x + self.bias" in source
