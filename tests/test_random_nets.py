"""Random nets with everything that the language has, against a second opinion."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import interpreter
import pytest
import random_nets
import torch
from torch import Tensor, nn

from archdsl.backends.torch.emit import emit, net_class
from archdsl.ir.flat import state_dict_names
from archdsl.ir.network import Network
from archdsl.ir.places import table_sizes
from archdsl.pipeline import check
from archdsl.runtime.load import execute
from archdsl.shapes.size import Size
from archdsl.source import Source
from archdsl.syntax.format import format_source

SPECS = 150
MOST = 20


# What the generator does not write: masks, further inputs of layers, tied tables,
# blocks and groups used again.
MORE = (
    "input q: Tx8\ninput m: T bool\nattention(q, m) 2 | transformer_encoder 2 16",
    "input q: Tx8\ninput k: Sx4\ninput m: TxS bool\nattention(q, k, m) 2",
    "input q: Tx8\ninput k: Sx4\ninput m: 2xTxS bool\nattention(q, k, m) 2 causal",
    "input q: Tx8\ninput m: TxT bool\na: attention(q, m) 2\nshare(id, m) a | relu",
    "input q: 4x8\ninput m: 4 bool\nsdpa(q, q | fc 4, q | fc 4, m) 2 kv=1 scale=0.3",
    "input q: 4x8\nattention(q, buffer 4x4 dtype=bool value=(ax0 >= ax1)) 2",
    "input a: Tx8\nrotary 2 | sdpa(id, id, a) 2 causal | take -1 t",
    "input a: Tx8\nlstm(id, mean t, amax t) 8 | gru 8 last | fc 3",
    "input a: Tx8\nl: lstm 8 bidirectional layers=2\nfc 8 | share l",
    "input t: T int\ne: embedding 20 6\nfc 6 | h: tie e bias\noutput(id, t | share e)",
    "input ids: 2x8 int\nindex(param 20x4 init=normal, take 0 t) | mean t",
    "input a: 8\nt: fc 8\nu: id\nshare t | relu | share t\nadd(id, u)",
    "input a: 8\ng: {add(id, p: param 8 init=ones) | fc 8} x2\nshare g | share g",
    "input a: 8x4x4\nc: {conv 8 1 | y: conv 8 1}\nshare c | mul(param 8 init=ones, id)",
    'input a: 8x4x4\neinsum(id, param 8 5 init=normal) "c h w, c d -> d h w"',
    'input a: 6xHxW\nrearrange "(c k) h w -> (k c) h w" k=2 | aspp 4 rates=[1,2,3]',
    "input a: 6xHxW\ncrop H//2 W//2 | upsample H W | gap",
    "input a: 8\nlayers: {add(id, fc 8 | droppath 0.1*i)} x4",
)


class Case(NamedTuple):
    seed: int
    text: str
    net: Network
    source: str


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    found = []
    more = [f"net top {{\n{lines}\n}}\n" for lines in MORE]
    for seed, text in enumerate([*map(random_nets.spec, range(SPECS)), *more]):
        net = check(Source("t.arch", text)).networks.get("top")
        if net is not None:
            found.append(Case(seed, text, net, emit(net)))
        assert net is not None or seed < SPECS, text
    assert len(found) > 0.9 * SPECS
    return found


def at(size: Size, sizes: dict[str, int]) -> int:
    return size if isinstance(size, int) else size.at(sizes)


def drawn_sizes(case: Case) -> dict[str, int]:
    r = random.Random(case.seed)
    return case.net.facts.sample(r, MOST) if case.net.facts is not None else {}


def drawn_inputs(net: Network, sizes: dict[str, int], device: str) -> list[Tensor]:
    """A batch of two for each input."""
    made = []
    for tensor, entries in zip(net.root.inputs, table_sizes(net), strict=True):
        shape = [2, *(at(size, sizes) for size in tensor.sizes)]
        if tensor.dtype == "int":
            made.append(torch.randint(entries or 2, shape, device=device))
        elif tensor.dtype == "bool":
            # Each query has to see something: the first key, and itself.
            mask = torch.rand(shape, device=device) > 0.3
            mask[..., 0] = True
            made.append(mask)
        else:
            made.append(torch.empty(shape, device=device).uniform_(-1, 1))
    return made


def module_of(case: Case) -> nn.Module:
    made = getattr(execute(case.source), net_class("top"))()
    assert isinstance(made, nn.Module)
    return made


def tensors(net: Network, out: Any) -> list[Tensor]:
    """The outputs as they are written, without those left out in evaluation."""
    if isinstance(out, Tensor):
        return [out]
    if isinstance(out, dict):
        return list(out.values())
    if hasattr(out, "_fields"):
        # Those of training alone stand last there.
        order = sorted(net.root.outputs, key=lambda each: each.training)
        by_value = dict(zip(map(id, order), out, strict=True))
        out = [by_value[id(each)] for each in net.root.outputs]
    return [value for value in out if value is not None]


def expected_shapes(
    net: Network, sizes: dict[str, int], training: bool
) -> list[tuple[int, ...]]:
    types = [out.type for out in net.root.outputs if training or not out.training]
    if not net.root.outputs:
        types = [net.root.type]
    return [(2, *(at(size, sizes) for size in each.sizes)) for each in types]


def test_shapes_names_and_totals_are_those_of_the_modules(cases: list[Case]) -> None:
    for case in cases:
        with torch.device("meta"):
            module = module_of(case)
        counted = sum(p.numel() for p in module.parameters())
        assert counted == case.net.root.cost.params, case.text
        names = [(name, weight.shape) for name, weight in state_dict_names(case.net)]
        held = [(name, tuple(t.shape)) for name, t in module.state_dict().items()]
        assert held == names, case.text
        sizes = drawn_sizes(case)
        for training in (False, True):
            module.train(training)
            out = module(*drawn_inputs(case.net, sizes, "meta"))
            shapes = [tuple(t.shape) for t in tensors(case.net, out)]
            assert shapes == expected_shapes(case.net, sizes, training), case.text


def test_modules_compute_what_the_records_say(cases: list[Case]) -> None:
    for case in cases:
        torch.manual_seed(case.seed)
        module = module_of(case)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
        sizes = drawn_sizes(case)
        inputs = drawn_inputs(case.net, sizes, "cpu")
        module.eval()
        with torch.no_grad():
            found = tensors(case.net, module(*inputs))
            expected = interpreter.outputs(case.net, module.state_dict(), inputs, sizes)
            # Layers compute as in evaluation, but the net returns all outputs.
            module.training = True
            found += tensors(case.net, module(*inputs))
            expected += interpreter.outputs(
                case.net, module.state_dict(), inputs, sizes, training=True
            )
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(
                one, other, rtol=1e-3, atol=1e-4, equal_nan=True, msg=case.text
            )


def test_modules_learn(cases: list[Case]) -> None:
    for case in cases:
        module = module_of(case).train()
        out = module(*drawn_inputs(case.net, drawn_sizes(case), "cpu"))
        total = sum(t.sum() for t in tensors(case.net, out) if t.requires_grad)
        if isinstance(total, Tensor):
            total.backward()


def test_numbers_give_what_formulas_say(cases: list[Case]) -> None:
    for case in cases:
        sizes = drawn_sizes(case)
        concrete = check(Source("t.arch", case.text), "top", dict(sizes))
        assert not concrete.diagnostics, case.text
        root = concrete.networks["top"].root
        assert list(root.cost) == [at(part, sizes) for part in case.net.root.cost]


def test_specs_keep_their_meaning_when_formatted(cases: list[Case]) -> None:
    for case in cases:
        text, _ = format_source(Source("t.arch", case.text))
        assert text is not None
        again = check(Source("t.arch", text)).networks["top"]
        assert emit(again) == case.source
        assert format_source(Source("t.arch", text))[0] == text


def test_sources_are_formatted_and_clean(cases: list[Case], tmp_path: Path) -> None:
    for case in cases:
        (tmp_path / f"net{case.seed}.py").write_text(case.source, encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    options = ["--isolated", "--no-cache", str(tmp_path)]
    for command in (
        ["format", "--diff"],
        ["check", "--select", "E,F,W,I,UP,B", "--ignore", "E501,B018"],
    ):
        done = subprocess.run(
            [*ruff, *command, *options], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout[:2000]
