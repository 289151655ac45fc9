"""Blocks whose uses differ in more than numbers: how their classes read."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from test_emit import assert_agrees, assert_computes, built, network

from archdsl.backends.torch.emit import emit
from archdsl.backends.torch.variants import shared
from archdsl.ir.network import Module, Network, Stage
from archdsl.pipeline import check
from archdsl.source import Source

TORCHVISION = Path(__file__).parent.parent / "specs" / "torchvision"


def spec(file: str, name: str) -> Network:
    """A net of specs/torchvision."""
    return network((TORCHVISION / f"{file}.arch").read_text("utf-8"), name)


def emitted(text: str) -> str:
    """The source, whose module has the names and numbers that the spec says."""
    net = network(text)
    assert_agrees(net)
    assert_computes(net)
    return emit(net)


def classes(source: str) -> list[str]:
    lines = source.splitlines()
    return [line.split()[1].rstrip(":") for line in lines if line[:6] == "class "]


def test_layer_as_a_parameter_is_an_argument() -> None:
    source = emitted(
        "block b act=relu { conv 4x3x3 p1 | act | conv 4 1x1 | act }\n"
        "net a {\n input 4x8x8\n b | b act=tanh | b\n}"
    )
    assert classes(source) == ["B(nn.Module)", "A(nn.Module)"]
    assert "act: type[nn.Module] = nn.ReLU" in source
    assert "self.act = act()" in source
    assert "self.act2 = act()" in source
    assert "B(4, act=nn.Tanh)" in source


def test_layer_that_is_left_out_is_none() -> None:
    source = emitted(
        "block b act=relu { conv 4x3x3 p1 | act  if act != false }\n"
        "net a {\n input 4x8x8\n b | b act=false | b act=tanh | b act=false\n}"
    )
    assert classes(source) == ["B(nn.Module)", "A(nn.Module)"]
    assert "act: type[nn.Module] | None = nn.ReLU" in source
    assert "if act is not None:" in source
    assert "B(4, act=None)" in source


def test_layer_that_is_left_out_the_other_way_round() -> None:
    source = emitted(
        "block b act=relu {\n conv 4x3x3 p1\n"
        " bn  if act == false else {conv 4 1x1 | act}\n}\n"
        "net a {\n input 4x8x8\n b | b act=false | b act=tanh\n}"
    )
    assert classes(source) == ["B(nn.Module)", "A(nn.Module)"]
    assert "if act is None:" in source


def test_layer_is_handed_on() -> None:
    source = emitted(
        "block unit c act { conv c 3x3 p1 | act }\n"
        "block pair act=gelu { unit in.c act=act | unit in.c act=tanh }\n"
        "net a {\n input 4x8x8\n pair | pair act=relu | unit 4 act=sigmoid\n}"
    )
    assert classes(source) == ["Unit(nn.Module)", "Pair(nn.Module)", "A(nn.Module)"]
    assert "self.unit1 = Unit(in_channels, in_channels, act)" in source
    assert "self.unit2 = Unit(in_channels, in_channels, nn.Tanh)" in source
    assert "act: type[nn.Module] = nn.GELU" in source


def test_layers_with_other_arguments_stay_apart() -> None:
    source = emitted(
        "default leaky 0.2\n"
        "block b act=relu { conv 4x3x3 p1 | act }\n"
        "net a {\n input 4x8x8\n b | b act=leaky\n}"
    )
    assert classes(source) == ["B(nn.Module)", "B2(nn.Module)", "A(nn.Module)"]


def test_layers_with_weights_under_one_label_share_a_class() -> None:
    source = emitted(
        "block b norm=bn { conv 4x3x3 p1 | norm: norm }\n"
        "net a {\n input 4x8x8\n b | b norm=instancenorm\n}"
    )
    assert classes(source) == ["B(nn.Module)", "A(nn.Module)"]
    assert "B(4, norm=nn.InstanceNorm2d)" in source


def test_blocks_as_parameters_stay_apart() -> None:
    source = emitted(
        "block one { conv in.c 1x1 }\nblock two { conv in.c 3x3 p1 }\n"
        "block b unit=one { unit | relu }\n"
        "net a {\n input 4x8x8\n b | b unit=two | b\n}"
    )
    assert classes(source).count("B(nn.Module)") == 1
    assert classes(source).count("B2(nn.Module)") == 1


@pytest.mark.parametrize("calls", ["b | b act=twice", "b act=twice | b"])
@pytest.mark.parametrize("label", ["", "a: "])
def test_a_layer_and_a_block_as_one_parameter_stay_apart(
    calls: str, label: str
) -> None:
    source = emitted(
        "block twice { relu | fc 8 }\n"
        f"block b act=tanh {{ fc 8 | {label}act }}\n"
        f"net a {{\n input 8\n {calls}\n}}"
    )
    names = [name.partition("(")[0] for name in classes(source)]
    assert names == ["Twice", "B", "B2", "A"]


def test_variants_that_alternate_share_classes() -> None:
    source = emitted(
        "block b act { conv 4x3x3 p1 | act }\n"
        "net a {\n input 4x8x8\n"
        " b act=relu | b act=prelu | b act=tanh | b act=prelu | b act=relu\n}"
    )
    assert classes(source) == ["B(nn.Module)", "B2(nn.Module)", "A(nn.Module)"]


def test_numbered_chain_is_a_sequential() -> None:
    source = emitted(
        "block unit c { 0: conv c 3x3 p1 | relu | 2: bn | gelu }\n"
        "net a {\n input 4x8x8\n u: unit 4 | unit 8\n}"
    )
    assert "class Unit(nn.Sequential):" in source
    assert "_modules" not in source
    assert source.count("def forward") == 1


def test_numbered_chain_whose_positions_would_differ_is_none() -> None:
    source = emitted(
        "block unit c { 0: conv c 3x3 p1 | relu | 1: bn | gelu }\n"
        "net a {\n input 4x8x8\n u: unit 4 | unit 8\n}"
    )
    assert "class Unit(nn.Module):" in source


def test_end_of_a_chain_that_not_all_have_is_appended() -> None:
    source = emitted(
        "block unit c act=relu { 0: conv c 3x3 p1 | 1: bn\n act  if act != false }\n"
        "net a {\n input 4x8x8\n unit 4 | unit 4 act=false | unit 4 act=tanh\n}"
    )
    assert classes(source) == ["Unit(nn.Sequential)", "A(nn.Module)"]
    assert "        if act is not None:\n            self.append(act())\n" in source


CONDITIONAL = (
    "block b wide=false {\n"
    "  body: {\n    conv 8 1x1  if wide\n    conv 4 3x3 p1 | bn\n  }\n"
    "  add(id, in)\n}\n"
)


def test_child_that_not_all_have_is_put_to_a_list() -> None:
    source = emitted(
        CONDITIONAL + "net a {\n input 4x8x8\n b | b wide=true | b wide=false\n}"
    )
    assert classes(source) == ["B(nn.Module)", "A(nn.Module)"]
    assert "        body: list[nn.Module] = []\n        if wide:\n" in source
    assert "self.body = nn.Sequential(*body)" in source


def test_child_that_not_all_have_inside_copies() -> None:
    """The copies must not hold the same modules: a class builds them anew."""
    source = emitted(
        "block b wide=false {\n"
        "  all: {\n    conv 8 1x1  if wide\n    conv 4 3x3 p1 | bn\n  } x2\n}\n"
        "net a {\n input 4x8x8\n b | b wide=true\n}"
    )
    assert "class BAll(nn.Sequential):" in source or "class BCopy" in source
    assert classes(source).count("B(nn.Module)") == 1


def test_named_child_that_not_all_have() -> None:
    source = emitted(
        "block b wide=false {\n"
        "  body: {\n    w: conv 8 1x1  if wide\n    c: conv 4 3x3 p1 | n: bn\n  }\n}\n"
        "net a {\n input 4x8x8\n b | b wide=true\n}"
    )
    assert classes(source) == ["B(nn.Module)", "A(nn.Module)"]
    assert '        if wide:\n            body["w"] = nn.Conv2d(' in source
    assert "self.body = nn.Sequential(body)" in source


def test_copies_with_names_are_a_loop() -> None:
    source = emitted(
        "default conv same bias=false\n"
        "block dense k { concat(id, bn | relu | conv k 3x3) }\n"
        'net a {\n input 8x8x8\n all: {"layer{i+1}": dense 4 x5}\n'
        ' same: {"s-{i}": conv 28 1x1 s=[2,1] x=4}\n}'
    )
    assert '(f"layer{i + 1}", Dense(8 + 4 * i, 4)) for i in range(5)' in source
    assert '(f"s-{i}", nn.Conv2d(28, 28, 1, bias=False)) for i in range(1, 4)' in (
        " ".join(source.split())
    )


def test_copies_that_grow_share_a_class_for_any_number_of_them() -> None:
    source = emitted(
        "default conv same bias=false\n"
        "block dense k { concat(id, bn | relu | conv k 3x3) }\n"
        "block all n k { layers: dense k x=n }\n"
        "net a {\n input 8x8x8\n all 4 4 | conv 8 1x1 | all 2 6 | all 1 4\n}"
    )
    assert classes(source) == ["Dense(nn.Module)", "All(nn.Module)", "A(nn.Module)"]
    assert "[Dense(in_channels + i * k, k) for i in range(n)]" in source


def test_first_of_the_copies_may_be_another() -> None:
    source = emitted(
        "default conv same\n"
        "block unit c at s=1 { conv c 3x3 s=s | dropout 0.1*at }\n"
        "block all n c at { layers: unit c at+i s=[2,1] x=n }\n"
        "net a {\n input 8x16x16\n all 2 8 0 | all 5 4 2 | all 3 8 1\n}"
    )
    assert classes(source).count("All(nn.Module)") == 1
    assert "Unit(in_channels, c, at, 2)," in source
    assert "*[Unit(c, c, at + 1 + i, 1) for i in range(n - 1)]," in source


def test_powers_are_a_rule() -> None:
    source = emitted(
        "block b d { conv in.c 3x3 p=d d=d }\n"
        "net a {\n input 4x40x40\n all: b [1, 2, 4, 8] x4\n}"
    )
    assert "B(4, 2**i) for i in range(4)" in source


def test_mobilenet_reads_as_written_by_hand() -> None:
    source = emit(spec("mobilenet_v3", "mobilenet_v3_small"))
    assert classes(source) == [
        "Unit(nn.Sequential)",
        "Gate(nn.Module)",
        "Bneck(nn.Module)",
        "MobileNetV3Small(nn.Module)",
    ]


@pytest.mark.parametrize("file", ["efficientnet", "mobilenet_v3"])
def test_nets_have_a_class_for_each_block(file: str) -> None:
    source = Source(file, (TORCHVISION / f"{file}.arch").read_text("utf-8"))
    nets = check(source).networks.values()
    assert nets
    for net in nets:
        assert 4 <= len(classes(emit(net))) <= 6


def test_blocks_are_typed(tmp_path: Path) -> None:
    for file, name in (
        ("mobilenet_v3", "mobilenet_v3_small"),
        ("efficientnet", "efficientnet_v2_s"),
        ("densenet", "densenet121"),
        ("regnet", "regnet_y_400mf"),
    ):
        (tmp_path / f"{name}.py").write_text(emit(spec(file, name)), encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--allow-any-generics"]
    command += ["--no-warn-return-any", "--follow-imports=silent"]
    command += ["--cache-dir", str(tmp_path / "cache"), str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stdout[:2000]


def test_chains_with_conditions_are_exported_and_compiled() -> None:
    net = network(
        "block unit c act=relu { 0: conv c 3x3 p1 | 1: bn\n act  if act != false }\n"
        + CONDITIONAL
        + "net a {\n input 4x8x8\n"
        " unit 4 | unit 4 act=false | unit 4 act=tanh | b | b wide=true\n}"
    )
    module = built(net).eval()
    x = torch.randn(2, 4, 8, 8)
    with torch.no_grad():
        expected = module(x)
        torch._dynamo.reset()
        compiled = torch.compile(module, fullgraph=True, backend="eager")
        assert torch.allclose(compiled(x), expected, atol=1e-5)
        batch = torch.export.Dim("batch", min=1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exported = torch.export.export(module, (x,), dynamic_shapes=({0: batch},))
        assert torch.allclose(exported.module()(x), expected, atol=1e-5)


def test_variants_of_one_outline_are_tried_together() -> None:
    """A hundred variants that alternate: the tries grow with the outlines."""
    calls = " | ".join(f"b act={'relu' if n % 2 else 'prelu'} n={n}" for n in range(99))
    net = network(
        "block b act n { conv 4x3x3 p1 | act | dropout 1.0/(n+2) }\n"
        f"net a {{\n input 4x8x8\n {calls}\n}}"
    )
    modules = [
        node.target
        for node in net.root.nodes
        if isinstance(node, Stage) and isinstance(node.target, Module)
    ]
    assert len(modules) == 99
    tried = 0

    def fits(numbers: list[int]) -> bool:
        nonlocal tried
        tried += 1
        return len({number % 2 for number in numbers}) == 1

    found = shared(modules, fits, id)
    assert found == [list(range(0, 99, 2)), list(range(1, 99, 2))]
    assert tried < 8


def test_a_side_of_a_sum_keeps_no_map_while_the_other_is_computed() -> None:
    side = "conv 4 1x1 | bn | relu | conv 8 1x1 | bn"
    source = emitted(
        f"block a {{ add({side}, conv 8 1x1 | bn) | relu }}\n"
        f"block b {{ add({side}, id) | relu }}\n"
        "net n { input 3x8x8\n a | b }"
    )
    assert "out = self.conv2(out)\n        out = self.bn2(out)\n" in source
    # Where the other side is there already, a line does.
    assert "F.relu(self.bn2(self.conv2(out)) + x, inplace=True)\n" in source
