"""The standard library: blocks that need no `use`."""

from pathlib import Path

import pytest
import torch
from torch import nn

import archdsl
from archdsl.cli.main import main
from archdsl.elaborate.definitions import Library
from archdsl.ir.network import LayerRef, Network
from archdsl.ops import LAYERS
from archdsl.reading import standard_names
from archdsl.runtime.load import execute

NAMES = standard_names()


def net(spec: str) -> Network:
    return archdsl.check(spec).network()


def codes(spec: str) -> list[str]:
    return [d.code for d in archdsl.check(spec).diagnostics]


@pytest.mark.parametrize("name", NAMES)
def test_each_file_is_sound_and_documented(name: str) -> None:
    library = Library(None)
    found = library.standard(name)
    assert found is not None, "the file defines the block that it is called after"
    assert found.home.source.text.startswith("#")
    assert name not in LAYERS
    checked = archdsl.check(Path(found.home.place.path if found.home.place else ""))
    assert [d for d in checked.diagnostics if d.code != "E0105"] == []


def test_names_are_found_without_use() -> None:
    assert "conv_bn_act" in NAMES
    network = net("input 3x32x32 | conv_bn_act 16 3x3 p1 | conv_bn_act 8 1x1 act=silu")
    assert network.root.type.sizes == (8, 32, 32)
    assert network.root.cost.params == 16 * (27 + 2) + 8 * (16 + 2)


def test_conv_bn_act_against_torch() -> None:
    torch.manual_seed(0)
    source = archdsl.compile(
        "net n {\n  input 4x9x9\n  conv_bn_act 8 3x3 s2 p1 g2 act=silu\n"
        "  conv_bn_act 6 5x1 p=2x0 d1 eps=0.01 momentum=0.3\n}\n"
    )
    made = execute(source).N()
    reference = nn.Sequential(
        nn.Conv2d(4, 8, 3, 2, 1, groups=2, bias=False),
        nn.BatchNorm2d(8),
        nn.SiLU(),
        nn.Conv2d(8, 6, (5, 1), padding=(2, 0), bias=False),
        nn.BatchNorm2d(6, eps=0.01, momentum=0.3),
        nn.ReLU(),
    )
    assert list(made.state_dict())[:2] == [
        "conv_bn_act1.conv.weight",
        "conv_bn_act1.bn.weight",
    ]
    state = zip(made.state_dict(), reference.state_dict().values(), strict=True)
    made.load_state_dict(dict(state))
    x = torch.randn(3, 4, 9, 9)
    for mode in (True, False):
        assert torch.allclose(made.train(mode)(x), reference.train(mode)(x), atol=1e-6)
    ours, theirs = made.state_dict().values(), reference.state_dict().values()
    assert all(
        torch.allclose(a.float(), b.float(), atol=1e-6)
        for a, b in zip(ours, theirs, strict=True)
    )


def test_conv_bn_act_on_sequences_and_volumes() -> None:
    assert net("input 3x32 | conv_bn_act 8 3 p1").root.type.sizes == (8, 32)
    shape = net("input 3x8x8x8 | conv_bn_act 8 3 p1").root.type.sizes
    assert shape == (8, 8, 8, 8)


def test_conv_bn_act_without_activation() -> None:
    source = archdsl.compile(
        "net n {\n  input 3x8x8\n  a: conv_bn_act 3 3x3 p1\n"
        "  conv_bn_act 3 3x3 p1 act=false\n  add(id, a)\n}\n"
    )
    made = execute(source).N().eval()
    x = torch.randn(2, 3, 8, 8)
    a = made.a(x)
    assert a.min() >= 0
    second = made.conv_bn_act2(a)
    assert second.min() < 0
    assert torch.equal(made(x), second + a)


def test_own_definitions_win() -> None:
    own = "block conv_bn_act c k { conv c k=k }\ninput 3x8x8 | conv_bn_act 4 3x3"
    assert net(own).root.cost.params == 4 * (27 + 1)


def test_labels_and_parameters_win() -> None:
    label = (
        "net n {\n  input 3x8x8\n  conv_bn_act: conv 3x3x3 p1\n  relu\n"
        "  add(id, conv_bn_act)\n}\n"
    )
    assert net(label).root.cost.params == 3 * (27 + 1)
    param = (
        "block b conv_bn_act { conv_bn_act 4x3x3 }\n"
        "net n { input 3x8x8 | b conv_bn_act=conv }\n"
    )
    assert net(param).root.cost.params == 4 * (27 + 1)


def test_a_skipped_label_wins_too() -> None:
    spec = (
        "net n deep=false {\n  input 3x8x8\n  conv_bn_act: conv 3x3x3 p1 if deep\n"
        "  add(in, conv_bn_act)\n}\n"
    )
    assert codes(spec) == ["E0215"]


def test_standard_blocks_stand_as_arguments() -> None:
    spec = "block twice unit { unit 4 3x3 p1 | unit 4 3x3 p1 }\n"
    spec += "net n unit=conv_bn_act { input 4x8x8 | twice unit=unit }\n"
    assert net(spec).root.cost.params == 2 * 4 * (36 + 2)
    other = archdsl.check(spec, "n", unit=LayerRef("conv_bn_act"))
    assert other.network().root.cost.params == 2 * 4 * (36 + 2)
    spec = spec.replace("=conv_bn_act", "=conv")
    text = archdsl.check(spec, "n", unit="conv_bn_act").network()
    assert text.root.cost.params == 2 * 4 * (36 + 2)


def test_default_lines_do_not_reach_the_library() -> None:
    spec = "default bn affine=false\ninput 3x8x8 | conv_bn_act 4 3x3"
    assert net(spec).root.cost.params == 4 * (27 + 2)


def test_misspelt_names_are_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    spec = "block b unit { unit 4 3x3 }\nnet n { input 3x8x8 | conv_bn_at 4 3x3 }\n"
    assert main(["check", "-e", spec]) == 1
    assert "did you mean `conv_bn_act`?" in capsys.readouterr().out
    setting = "net n unit=conv { input 3x8x8 | unit 4 3x3 }"
    assert main(["check", "-e", setting, "--set", "unit=conv_bn_act"]) == 0
    assert main(["check", "-e", setting, "--set", "unit=conv_bn_at"]) == 2
    assert "did you mean `conv_bn_act`?" in capsys.readouterr().err


def test_mistakes_name_the_library_and_the_call() -> None:
    (found,) = archdsl.check("input 3x8x8 | conv_bn_act 4 9x9").diagnostics
    assert found.span is not None
    assert found.span.source.name == "std/conv_bn_act.arch"
    assert [note.span.source.name for note in found.trace] == ["<text>"]
    (found,) = archdsl.check("input 3x8x8 | conv_bn_act 4").diagnostics
    assert found.code == "E0402"


def test_other_files_see_the_library(tmp_path: Path) -> None:
    (tmp_path / "up.arch").write_text("block up c unit=conv_bn_act { unit c 3x3 p1 }\n")
    spec = tmp_path / "net.arch"
    spec.write_text(
        'use "up.arch" as b\ninput 3x8x8 | b.up 4 | b.up 4 unit=conv_bn_act\n'
    )
    checked = archdsl.check(spec)
    assert checked.network().root.cost.params == 4 * (27 + 2) + 4 * (36 + 2)
    # What a used file has from the library is not its own.
    spec.write_text('use "up.arch" as b\ninput 3x8x8 | b.conv_bn_act 4 3x3\n')
    assert [d.code for d in archdsl.check(spec).diagnostics] == ["E0201"]
