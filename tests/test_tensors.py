"""Several inputs and outputs, shared stages, tensors of a module, unknown sizes.

What becomes of them downstream of the checker: names, tables, pictures, runs.
"""

from __future__ import annotations

import json
import re

import pytest
import torch
from shell import Shell

import archdsl
from archdsl.backends.graphviz import dot
from archdsl.backends.text.ranking import (
    UndecidedOrderError,
    grouped_table,
    places,
    sorted_table,
)
from archdsl.backends.text.summary import summary_json, summary_table
from archdsl.backends.text.wording import bytes_text, formula_text, shortened, title
from archdsl.ir.dump import dump
from archdsl.ir.flat import layers, state_dict_names
from archdsl.ir.network import Network
from archdsl.ir.places import table_sizes
from archdsl.ir.receptive import receptive

BLOCKS = """
block placed t {
  add(id, param 1x4x16 batch init=normal)
  rep: {fc 16 | relu} x=t
  g: {fc 16 | add(id, buffer 4x16 value=(ax0 + ax1))}
  share g
}
block squeezed { fc 8 | bn | relu | s: {fc 4 | relu | fc 8} | share s }
"""
TWO = """net two {
  input a: 3x8x8
  input b: 3x8x8
  enc: conv 16x3x3 p1
  y: id
  share(a) enc
  add(id, y, param 16x8x8 init=normal std=0.02)
  gap
  output(fc 10, aux=y | gap | h: fc 4 if training)
}
"""
NETS = {
    "siamese": TWO,
    "blocks": BLOCKS
    + """net n {
      input ids: 4 int
      input m: 4x16
      tok: embedding(ids) 50 16
      add(id, m)
      l: placed 2 x3
      placed 1 x2
      {placed 1 | add(id, param 4x16)} x2
      lay: {fc 16 | relu}
      share lay
      share lay
      side: {fc 16 | add(id, p: param 4) | bn | add(id, param 4x16)}
      head: tie tok bias=true
      output(logits=id, aux=side | mean t | {fc 4 | relu} x2 if training,
             aux2=m | mean t | squeezed if training)
    }""",
    "conditions": """
    block b learned=false {
      fc 8
      add(id, param 8) if learned else add(id, buffer 8 value=(ax0) persistent=false)
      k: {fc 8 | add(id, param 8)} if learned
      share k if learned
    }
    net n { input 8 | b | b learned=true | b learned=true | fc 2 }""",
    "repeats in a group": """net n {
      input 5
      g: {
        {fc 5 | add(id, param 5)} x3
        add(id, buffer 5 value=1)
        first: fc 5
        share first
        inner: {add(id, w: param 5) | fc 5} x2
      }
      "unit{i}": {add(id, param 5) | relu} x2
      fc 2
    }""",
    "tied": """net n {
      input 6 int
      e: embedding 20 8
      add(id, pos: param 6x8 init=trunc_normal std=0.02)
      add(id, buffer 6x8 value=(sin(ax0 / 10000**(ax1 / 8))) persistent)
      tie e
    }""",
    "one named output": "net n { input 8 | fc 4 | output(q=id) }",
    "dictionary": """net n {
      input keep: 4 bool
      input y: 4x16
      attention(y, keep) 2
      output(a=mean t, b=id) dict
    }""",
}
SYMBOLS = """net s {
  input 3xHxW
  assert H % 32 == 0
  conv 64x7x7 s2 p3 | bn | relu
  conv 64x3x3 s2 p1
  gap | fc 10
}
"""


def network(text: str) -> Network:
    return archdsl.check(text).network()


@pytest.mark.parametrize("name", NETS)
def test_the_state_dict_is_pytorchs(name: str) -> None:
    state = archdsl.load(NETS[name]).state_dict()
    expected = [(name, tuple(tensor.shape)) for name, tensor in state.items()]
    found = state_dict_names(network(NETS[name]))
    assert [(name, weight.shape) for name, weight in found] == expected


@pytest.mark.parametrize("name", NETS)
def test_everything_adds_up(name: str) -> None:
    net = network(NETS[name])
    total = net.root.cost
    flat = list(layers(net))
    assert len(flat) == total.layers
    assert sum(layer.params for layer in flat) == total.params
    always = [layer for layer in flat if not layer.training]
    assert sum(layer.macs for layer in always) == total.macs
    assert sum(layer.activation_bytes for layer in always) == total.activation_bytes
    found = places(net)
    assert sum(place.times for place in found) == total.layers
    for part in ("params", "macs", "activation_bytes"):
        assert sum(getattr(place.cost, part) for place in found) == getattr(total, part)
    module = archdsl.load(NETS[name])
    assert sum(p.numel() for p in module.parameters()) == total.params


@pytest.mark.parametrize("name", NETS)
def test_all_views_show_it(name: str) -> None:
    net = network(NETS[name])
    for by in ("macs", "params", "activations"):
        assert sorted_table(net, by)
    for by in ("kind", "block"):
        assert grouped_table(net, by)
    assert summary_table(net, expand=True)
    assert dump(net) == dump(network(NETS[name]))
    assert dot(net)
    assert receptive(net) is None
    json.dumps(summary_json(net))


def test_the_whole_table() -> None:
    table = summary_table(network(TWO))
    lines = re.sub(" {2,}", "  ", table).splitlines()
    assert lines[0] == "two: a: 3x8x8, b: 3x8x8 → out: 10, aux: 4 (in training)"
    assert lines[6:15] == [
        f"─{'─' * (len(lines[6]) - 1)}",
        "enc  conv 16x3x3 p1  16x8x8  448  27,648",
        "enc  share enc  16x8x8  27,648",
        "param1  param 16x8x8 normal std=0.02  16x8x8  1,024",
        "add1  add  16x8x8",
        "gap1  gap  16",
        "fc1  fc 10  10  170  160",
        "gap2  gap, in training  16",
        "h  fc 4, in training  4  68  64",
    ]
    assert lines[-1].startswith("What is computed in training only is not")


def test_what_is_shared_is_not_opened_again() -> None:
    found = summary_table(network(NETS["blocks"])).splitlines()
    begins = [line.split()[0] for line in found if "share " in line]
    assert begins == ["g", "g", "lay", "lay", "s"]
    for number, line in enumerate(found):
        if "share " in line:
            indent = len(line) - len(line.lstrip())
            after = found[number + 1]
            assert len(after) - len(after.lstrip()) <= indent


def test_a_table_that_is_tied() -> None:
    assert "tie e " in summary_table(network(NETS["tied"]))
    assert "tie tok bias=true" in summary_table(network(NETS["blocks"]))
    assert "tie e" in dot(network(NETS["tied"]))


def test_formulas_of_places_are_cut_short() -> None:
    text = "input 6x8 | add(id, buffer 6x8 value=(sin(ax0 / 10000**(ax1 / 8))))"
    assert "buffer 6x8 value=(sin(ax0 / 10000*" in summary_table(network(text))
    assert shortened("(ax0 + ax1 + 1)", 10) == "(ax0 + a…)"
    assert shortened("(ax0 + ax1)", 11) == "(ax0 + ax1)"


def test_json_tells_names_and_kinds() -> None:
    data = summary_json(network(NETS["blocks"]))
    assert data["inputs"] == [[4], [4, 16]]
    assert data["input_names"] == ["ids", "m"]
    assert data["input_dtypes"] == ["int", "float"]
    assert data["outputs"] == [[4, 50], [4], [8]]
    assert data["output_names"] == ["logits", "aux", "aux2"]
    assert data["in_training_only"] == [False, True, True]
    assert data["output_form"] == "named"
    listed = data["layers"]
    assert isinstance(listed, list)
    shared = [layer["path"] for layer in listed if layer["shared"]]
    assert shared[:3] == ["l.0.g.0", "l.0.g.buffer1", "l.0.g.add1"]
    assert shared[-3:] == ["squeezed1.s.0", "squeezed1.s.1", "squeezed1.s.2"]
    trained = [layer["path"] for layer in listed if layer["training"]]
    assert trained[0] == "mean1"
    one = summary_json(network("input 8 | fc 4"))
    assert (one["input_names"], one["output_names"]) == ([], [None])


def test_sizes_that_are_not_known() -> None:
    net = network(SYMBOLS)
    table = summary_table(net, batch=2)
    assert "needs H % 32 == 0\n" in table
    assert "64x(H/4)x⌈W/4⌉" in table or "64xH/4x⌈W/4⌉" in table
    assert "for a batch of 2" in table
    data = json.loads(json.dumps(summary_json(net)))
    assert data["inputs"] == [[3, "H", "W"]]
    assert data["constraints"] == ["H % 32 == 0"]
    assert isinstance(data["macs"], str)
    assert all(isinstance(layer["params"], int) for layer in data["layers"])
    field = receptive(net)
    assert field is not None
    assert (field.size, field.stride) == ((11, 11), (4, 4))
    assert "needs H % 32 == 0" in dot(net)
    assert "needs H % 32 == 0" in dump(net)
    assert bytes_text(net.root.type.elements) == "10 B"
    assert list(state_dict_names(net))


def test_ranks_need_numbers(shell: Shell) -> None:
    net = network(SYMBOLS)
    assert "conv2" in sorted_table(net, "params")
    with pytest.raises(UndecidedOrderError) as problem:
        grouped_table(net, "kind")
    assert problem.value.symbols == ("H", "W")
    for option in ("--sort=macs", "--sort=activations", "--by=kind", "--by=block"):
        ran = shell("summary", "-e", SYMBOLS, option)
        assert (ran.status, ran.out) == (2, "")
        assert "depend on H and W" in ran.err
        assert "--set H=… --set W=…" in ran.err
        fixed = shell("summary", "-e", SYMBOLS, option, "--set", "H=32", "--set", "W=9")
        assert fixed.status == 0


def test_running_needs_sizes(shell: Shell) -> None:
    for option in ("--random", "--input=none.png"):
        ran = shell("run", "-e", SYMBOLS, option)
        assert (ran.status, ran.out) == (2, "")
        assert "--set H=… --set W=… (the net needs H % 32 == 0)" in ran.err
    ran = shell("run", "-e", SYMBOLS, "--set", "H=64", "--set", "W=5")
    assert "input    1x3x64x5, random, seed 0\n" in ran.out


@pytest.mark.parametrize("name", NETS)
def test_all_can_be_run(shell: Shell, name: str) -> None:
    ran = shell("run", "-e", NETS[name], "--batch", "3", "--device", "cpu")
    assert (ran.status, ran.err) == (0, "")


def test_inputs_and_outputs_have_names(shell: Shell) -> None:
    ran = shell("run", "-e", NETS["dictionary"], "--device", "cpu")
    assert ran.out.splitlines()[2:6] == [
        "input    keep: 1x4 bool, random, seed 0",
        "input    y: 1x4x16, random, seed 0",
        "output   a: 1x16",
        "output   b: 1x4x16",
    ]
    assert "The largest numbers of `a`, and their softmax:" in ran.out
    ran = shell("run", "-e", NETS["dictionary"], "--input", "a.png")
    assert "the net's inputs are keep: 4 bool, y: 4x16; use --random" in ran.err


def test_whole_numbers_stay_in_the_table() -> None:
    text = """
    block look(y, k) { index(param 7x8, k) | add(id, y) }
    net n {
      input a: 4 int
      input b: 4 int
      input c: 4 int
      input d: 4x8
      e: embedding(a) 30 8
      add(id, d)
      add(id, embedding(b) 5 8)
      look(id, c)
    }"""
    net = network(text)
    assert table_sizes(net) == (30, 5, 7, None)
    from archdsl.runtime.run import random_inputs

    drawn = random_inputs(net, 500, 1)
    assert [int(x.max()) for x in drawn[:3]] == [29, 4, 6]
    assert all(int(x.min()) == 0 for x in drawn[:3])
    assert drawn[3].dtype == torch.float32


def test_tables_behind_concat_and_repeats() -> None:
    text = """net n {
      input a: 4 int
      input b: 4 int
      add(concat(a, b) | embedding 30 8, concat(a, a) | embedding 20 8)
    }"""
    assert table_sizes(network(text)) == (20, 30)
    text = "input 4 int | {reshape 2x2 | reshape 4} x2 | embedding 9 8"
    assert table_sizes(network(text)) == (9,)


def test_long_formulas_end_at_a_term() -> None:
    macs = network(SYMBOLS).root.cost.macs
    whole = f"{macs:,}"
    assert formula_text(macs, 100) == whole
    cut = formula_text(macs, len(whole) - 1)
    assert cut.endswith(" + …")
    assert whole.startswith(cut.removesuffix("…"))


def test_one_line_for_what_flows() -> None:
    assert title(network(NETS["tied"])) == "n: 6 int → 6x20"
    assert title(network(NETS["one named output"])).endswith("8 → q: 4")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("input 5 | add(id, fc1: param 5) | fc 5", "fc1"),
        ("input 5 | g: {fc 5 | add(id, 0: param 5)}", "0"),
        ("input 5 | param1: fc 5 | add(id, param 5)", "param1"),
        ("input 5 | b: fc 5 | add(id, b: buffer 5 value=1)", "b"),
    ],
)
def test_tensors_and_submodules_have_different_names(text: str, name: str) -> None:
    (found, *_) = archdsl.check(text).diagnostics
    assert f"`{name}`" in found.message
    assert found.code in ("E0204", "E0212", "E0215")


def test_docstrings_tell_names() -> None:
    source = archdsl.compile(TWO)
    for row in ("input a ", "input b ", "enc (shared) ", "h (in training) "):
        assert f"\n        {row}" in source
