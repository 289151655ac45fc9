"""Labels with dots: submodules of submodules that need no stage of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from interpreter import run
from test_names import codes, network

import archdsl
from archdsl.backends.torch.emit import emit
from archdsl.ir.flat import layers, state_dict_names
from archdsl.ir.names import Child, children
from archdsl.ir.network import Module
from archdsl.runtime.load import execute
from archdsl.source import Source
from archdsl.syntax.format import format_source

EVERYTHING = """
block unit width wide=false {
  main.conv: conv width 3x3 p1
  main.extra.conv: conv width 1x1  if wide
  add(id, main.bias: param width init=normal)
  main.act: relu
  add(id, main.conv)
}

net everything {
  input 3x8x8
  body.stem: conv 4x3x3 p1
  first: conv 4x1x1
  body.in.conv: conv 4x1x1
  body.units: unit 4 x2
  body.wide: unit 4 wide=true
  share body.in.conv
  add(id, body.table: buffer 4 persistent=false value=(ax0 + 1))
  "body.class.0": conv 4x1x1
  add(id, body.stem)
  body.pair: {conv 4x1x1 | add(id, body.stem)}
  output(id, aux=first | gap | body.head: fc body.stem.c if training)
}
"""


def test_dots_lead_into_modules() -> None:
    text = "input 3x8x8 | a.b.c: conv 4x1x1 | d: relu | a.e: conv 4x1x1 x2"
    assert [layer.path for layer in layers(network(text))] == [
        *("a.b.c", "d", "a.e.0", "a.e.1")
    ]
    source = emit(network(text))
    assert "self.a: Any = nn.Module()\n" in source
    assert "self.a.b = nn.Module()\n" in source
    assert "self.a.b.c = nn.Conv2d(3, 4, 1)\n" in source


def test_the_order_of_names_is_that_of_torch() -> None:
    for text in (
        EVERYTHING,
        "input 4 | a.b: fc 4 | c: fc 4 | a.d: fc 4",
        "input 4 | a.b.c: fc 4 | a.d: fc 4 | add(id, a.b.e: param 4) | a.b.f: fc 4",
        'input 4 | "a.{i}": fc 4 x3 | add(id, b.c: buffer 4 value=(ax0)) | b.d: fc 4',
    ):
        checked = network(text)
        names = [name for name, _ in state_dict_names(checked)]
        module = archdsl.load(text)
        assert list(module.state_dict()) == names
        assert len(set(names)) == len(names)


def test_the_children_are_gone_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Module] = []

    def counted(module: Module) -> Iterator[Child]:
        calls.append(module)
        return children(module)

    monkeypatch.setattr("archdsl.ir.flat.children", counted)
    text = 'input 4 | "a{i}.b.c": fc 4 x50'
    names = [name for name, _ in state_dict_names(network(text))]
    assert names[-2:] == ["a49.b.c.weight", "a49.b.c.bias"]
    assert len(calls) == 1


def test_values_are_those_of_the_layers() -> None:
    checked = network(EVERYTHING)
    torch.manual_seed(0)
    module = execute(emit(checked)).Everything().eval()
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(module(x), run(checked, module.state_dict(), x))
    outputs = module.train()(x)
    assert outputs.aux.shape == (2, 4)


def test_the_source_is_formatted_and_typed(tmp_path: Path) -> None:
    text = EVERYTHING.replace("  body.pair: {conv 4x1x1 | add(id, body.stem)}\n", "")
    (tmp_path / "net.py").write_text(emit(network(text)), encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    mypy = [sys.executable, "-m", "mypy", "--strict", "--no-warn-return-any"]
    mypy += ["--follow-imports=silent", "--cache-dir", str(tmp_path / "cache")]
    for command in (
        [*ruff, "format", "--diff", "--isolated", "--no-cache"],
        [*ruff, "check", "--select", "E,F,W,I,UP,B", "--isolated", "--no-cache"],
        mypy,
    ):
        found = subprocess.run(
            [*command, str(tmp_path)], capture_output=True, text=True, cwd=tmp_path
        )
        assert found.returncode == 0, found.stdout[:2000]


def test_a_value_has_its_whole_name() -> None:
    good = "input 3x8x8 | a.b: conv 4x1x1 | a.c: relu | add(id, a.b)"
    assert codes(good) == []
    assert codes(good + " | conv a.b.c 1x1\nassert a.b.params == 16") == []
    assert codes(good + " | add(id, b)") == ["E0201"]
    assert codes(good + " | add(id, a.d)") == ["E0201"]
    assert codes(good + " | conv a.c 1x1") == ["E0202"]


def test_a_table_in_a_module_is_tied() -> None:
    module = archdsl.load(
        "input 5 int\nbody.table: embedding 9 4\nhead: tie body.table"
    )
    assert list(module.state_dict()) == ["body.table.weight", "head.weight"]
    head, table = map(module.get_parameter, ("head.weight", "body.table.weight"))
    assert head is table
    nameless = archdsl.load("input 5 int | a.b: embedding 9 4 | tie a.b")
    assert nameless(torch.zeros(2, 5, dtype=torch.long)).shape == (2, 5, 9)


def test_a_block_of_a_used_file_is_no_label(tmp_path: Path) -> None:
    (tmp_path / "units.arch").write_text("block unit(x, y) { add(x, y) | relu }\n")
    spec = 'use "units.arch" as u\nnet n { input 8 | u.a: fc 8 | u.unit(id, u.a) }\n'
    (tmp_path / "n.arch").write_text(spec)
    assert archdsl.check(tmp_path / "n.arch").ok


def test_rows_of_labels_with_dots_are_a_table() -> None:
    text = """\
net n {
  input 3x8x8
  a.first:conv 4 3x3 p=1 | a.one: bn|a.two.act: relu   -> 4x8x8
  a.b.second: conv 16 3x3 p=1 | a.three: bn|relu   -> 16x8x8
  a.f : fc 8
  a.conv: conv 4   3x3 s=2
  a.convolution: conv 16   3x3 s=1
}
"""
    expected = """\
net n {
  input 3x8x8
  a.first: conv 4 3x3 p=1     | a.one: bn   | a.two.act: relu   -> 4x8x8
  a.b.second: conv 16 3x3 p=1 | a.three: bn | relu              -> 16x8x8
  a.f: fc 8
  a.conv: conv 4 3x3         s=2
  a.convolution: conv 16 3x3 s=1
}
"""
    assert format_source(Source("n.arch", text)) == (expected, [])
    assert format_source(Source("n.arch", expected)) == (expected, [])


def test_order_names_what_dots_lead_through() -> None:
    text = """
      input 5x8
      add(id, norm1: ln bias=false | attn.q: fc 8 bias=false | attn.o: fc 8 bias=false)
      add(id, norm2: ln bias=false | mlp.up: fc 8 bias=false | mlp.down: fc 8)
      order attn mlp.down mlp.up norm1 norm2
    """
    names = [name for name, _ in state_dict_names(network(text))]
    assert names == list(archdsl.load(text).state_dict())
    assert names == [
        *("attn.q.weight", "attn.o.weight", "mlp.down.weight", "mlp.down.bias"),
        *("mlp.up.weight", "norm1.weight", "norm2.weight"),
    ]
    assert codes(text.replace("order attn", "order att")) == ["E0221"]


def test_order_and_labels_of_copies() -> None:
    for order, first in (("b a", "b.2.c.0.weight"), ("a b", "a.0.weight")):
        text = f"""
          input 4
          "a.{{i}}": fc 4 x2
          "b.{{2-i}}.c": {{fc 4 | relu}} x3
          "a.x": ln
          order {order}
        """
        names = [name for name, _ in state_dict_names(network(text))]
        assert names == list(archdsl.load(text).state_dict())
        assert names[0] == first
    # Which names the copies get is known only where they are counted.
    for line, order in (
        ('"l{i}": fc 4 x2', 'z "l{i}"'),
        ('"l{i}": fc 4 x2', "z l0"),
        ('{"b.{i}": fc 4 | relu} x2', "z b"),
    ):
        assert codes(f"input 4\n{line}\nz: ln\norder {order}") == ["E0221"]


def test_holders_in_training_stand_where_they_are_needed() -> None:
    text = "input 4\noutput(id, aux=a: fc 4 | b.c: bn if training)"
    module = execute(emit(network(text))).Net()
    names = [name for name, _ in state_dict_names(network(text))]
    assert names == list(module.state_dict())
    assert names[0] == "a.weight"
