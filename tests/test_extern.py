"""Externs: modules of the user's own, with their shape rules."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import archdsl
from archdsl.cli.main import main
from archdsl.diagnostics.render import render
from archdsl.runtime.load import execute

WARP = 'extern warp(x, flow) c k=3 -> c x.h x.w from "my_parts.warps:Warp"\n'

MODULE = """
import torch
from torch import nn

class Warp(nn.Module):
    def __init__(self, c, k):
        super().__init__()
        self.conv = nn.Conv2d(3, c, k, padding=k // 2)

    def forward(self, x, flow):
        return self.conv(x) * flow.mean()

class Half(nn.Module):
    def __init__(self, size=(2, 2), names=(), on=False, text=""):
        super().__init__()
        self.given = size, names, on, text

    def forward(self, x):
        return x[..., ::2, ::2]

class Outer:
    Half = Half
"""


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "my_parts"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "warps.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))


def shape(spec: str) -> tuple[object, ...]:
    return archdsl.check(spec).network().root.type.sizes


def refused(spec: str) -> str:
    (found,) = archdsl.check(spec).diagnostics
    return render([found], "full")


@pytest.mark.parametrize(
    ("rule", "call", "expected"),
    [
        ("v c -> c x.h x.w", "v 16", (16, 8, 6)),
        ("v c -> c in.h in.w", "v c=16", (16, 8, 6)),
        ("v -> 64x7x7", "v", (64, 7, 7)),
        ("v -> in.c*2 in.h//3 (in.w + 1)", "v", (6, 2, 7)),
        ("v c=in.c*2 -> c", "v", (6,)),
        ("v size=4x5 -> in.c size", "v", (3, 4, 5)),
        ("v size=4x5 -> in.c size", "v size=9x9", (3, 9, 9)),
        ("v(a, b) -> a.c+b.c a.h a.w", "v(id, in)", (6, 8, 6)),
        ("v(a, b) n=[1,2] -> a.c n[1]", "v(id, id)", (3, 2)),
    ],
)
def test_shape_rules(rule: str, call: str, expected: tuple[int, ...]) -> None:
    assert shape(f'extern {rule} from "m:C"\ninput 3x8x6 | {call}') == expected


def test_each_copy_has_its_own_arguments() -> None:
    spec = 'extern v c s -> c in.h//s in.w from "m:C"\n'
    spec += "input 3x16x16 | v c=[4,8,16] s=[2,1] x3"
    assert shape(spec) == (16, 8, 16)


def test_nothing_is_imported_to_check(tmp_path: Path) -> None:
    spec = tmp_path / "net.arch"
    spec.write_text(
        WARP.replace("my_parts.warps", "not_there") + "input 3x8x8 | warp(id, in) 4\n"
    )
    code = (
        "import sys\nfrom archdsl.cli.main import main\nstatus = main(sys.argv[1:])\n"
        "assert 'torch' not in sys.modules\nsys.exit(status)"
    )
    for command in ("check", "summary", "compile", "draw", "names"):
        done = subprocess.run(
            [sys.executable, "-c", code, command, str(spec)], check=False
        )
        assert done.returncode == 0


@pytest.mark.usefixtures("parts")
def test_the_source_constructs_and_calls_it() -> None:
    spec = WARP + (
        'extern half size=2x2 names=["a","b"] on=true text="t" -> in.c in.h//2 in.w//2'
        ' from "my_parts.warps:Outer.Half"\n'
        'net n {\n  input 3x8x8\n  y: conv 3x1x1\n  warp(in, y) 3\n  half text="u"\n'
        "  warp(id, y) 4 k=5\n}\n"
    )
    source = archdsl.compile(spec)
    assert "from my_parts.warps import Outer, Warp\n" in source
    assert "self.warp1 = Warp(3, k=3)\n" in source
    assert "self.warp2 = Warp(4, k=5)\n" in source
    net = execute(source).N()
    assert net.half1.given == ((2, 2), ["a", "b"], True, "u")
    assert net(torch.zeros(2, 3, 8, 8)).shape == (2, 4, 4, 4)


def test_a_size_stays_one_on_its_way_through_a_block() -> None:
    source = archdsl.compile(
        'extern v z=1x1 -> in.c from "m:V"\nblock u s { v z=s }\n'
        "net n { input 3 | u 3x3 | u 5x5 | v | v z=2x1 }\n"
    )
    for written in ("V(z=s)", "U((3, 3))", "U((5, 5))", "V(z=(1, 1))", "V(z=(2, 1))"):
        assert written in source


def test_run_says_what_is_not_found(capsys: pytest.CaptureFixture[str]) -> None:
    spec = 'extern v -> in.c from "nowhere_at_all:V"\ninput 3 | v\n'
    assert main(["run", "-e", spec]) == 2
    assert "an extern is not found: No module named 'nowhere" in capsys.readouterr().err


def test_symbols_flow_through_shape_rules() -> None:
    spec = 'extern v c -> c in.h//2 in.w*2 from "m:V"\ninput 3xHxW | v 4\n'
    assert str(archdsl.check(spec).network().root.type) == "4x⌊H/2⌋x2·W"
    spec = 'extern v c=in.h -> c in.w from "m:V"\ninput 3xHxW | v\n'
    assert [d.code for d in archdsl.check(spec).diagnostics] == ["E0310"]


@pytest.mark.usefixtures("parts")
def test_load_imports_it() -> None:
    net = archdsl.load(WARP + "input 3x8x8 | warp(id, in) 4\n")
    assert type(net.warp1).__module__ == "my_parts.warps"


def ruff(source: str, path: Path) -> str:
    path.write_text(source)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--isolated",
            "--select",
            "E,F,I",
            path,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_imports_are_sorted_and_names_are_free(tmp_path: Path) -> None:
    spec = (
        'extern a1a -> in.c from "zoo.parts:Warp"\n'
        'extern a2a -> in.c from "aaa:Warp"\n'
        'extern a3a -> in.c from "torch.nn:Bilinear"\n'
        'extern a4a -> in.c from "Upper.case:unit"\n'
        'extern a5a -> in.c from "aaa:MAX"\n'
        'extern a6a -> in.c from "collections:Counter"\n'
        'extern a7a -> in.c from "own:Unit"\n'
        'extern a8a -> in.c from "own:MyNet"\n'
        'extern a9a -> in.c from "own:Tensor"\n'
        "block unit { act: relu | a7a }\n"
        "net mynet {\n  input 3\n  Warp: a1a\n  a2a | a3a | a4a | a5a\n"
        "  a6a | unit | a8a | a9a\n}\n"
    )
    source = archdsl.compile(spec)
    assert ruff(source, tmp_path / "made.py") == ""
    head = source.partition("class")[0]
    assert "from own import MyNet as MyNet2\n" in head
    assert "from own import Tensor as Tensor2\n" in head
    assert "class MyNet(nn.Module)" in source
    assert "import unit as Unit" in head
    compile(source, "made.py", "exec")


def test_blocks_give_way_to_imported_classes() -> None:
    spec = (
        'extern warp -> in.c from "my_parts.warps:Unit"\n'
        "block unit { warp | fc 4 }\nnet n { input 4 | unit }\n"
    )
    source = archdsl.compile(spec)
    assert "from my_parts.warps import Unit\n" in source
    assert "class Unit2(nn.Module)" in source


def test_two_places_of_one_class_name_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a.arch").write_text('extern v c -> c from "a:V"\n')
    (tmp_path / "b.arch").write_text('extern v c -> c from "b:V"\n')
    spec = tmp_path / "net.arch"
    spec.write_text(
        'use "a.arch" as aa\nuse "b.arch" as bb\nblock u unit { unit 4 }\n'
        "net n { input 3 | u unit=aa.v | u unit=bb.v | aa.v 5 | bb.v 5 }\n"
    )
    source = archdsl.compile(spec)
    assert "from a import V\nfrom b import V as V2\n" in source
    assert "self.v1 = V(5)\n" in source
    assert "self.v2 = V2(5)\n" in source
    assert "self.u1 = U(V)\n" in source
    assert "self.u2 = U(V2)\n" in source


def test_a_parameter_of_the_net_reaches_it() -> None:
    spec = 'extern v c -> c from "m:V"\nnet n width=8 { input 3 | v width*2 | fc 10 }\n'
    source = archdsl.compile(spec)
    assert "def __init__(self, width: int = 8) -> None:" in source
    assert "self.v1 = V(width * 2)" in source
    assert "self.fc1 = nn.Linear(width * 2, 10)" in source


def test_parameters_are_said_not_to_be_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    spec = WARP + "input 3x8x8 | conv 3x1x1 | warp(id, in) 4 k=5\n"
    assert main(["summary", "-e", spec]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "the parameters of extern `warp` are not counted" in lines
    assert any("warp 4 k5" in line for line in lines)
    assert archdsl.check(spec).network().root.cost.params == 12
    assert main(["names", "-e", spec]) == 0
    assert "extern `warp`" in capsys.readouterr().err
    assert main(["summary", "-e", "input 3 | fc 4"]) == 0
    assert "not counted" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "place", ["", "m", "m:", ":C", "m.:C", "m:C D", "m/n:C", "m:class", "1m:C", "é:C"]
)
def test_a_place_that_is_none(place: str) -> None:
    spec = f'extern v -> in.c from "{place}"\ninput 3 | v\n'
    assert [d.code for d in archdsl.check(spec).diagnostics] == ["E0220"]


@pytest.mark.parametrize(
    ("definition", "call", "code"),
    [
        ("v c -> c", "v", "E0402"),
        ("v c -> c", "v 3 4", "E0403"),
        ("v c -> c", "v 3 d=4", "E0401"),
        ("v c -> c", "v(id, id) 3", "E0407"),
        ("v(a, b) c -> c", "v 3", "E0407"),
        ("v c -> c", "v relu", "E0404"),
        ("v c act=relu -> c", "v 3", "E0404"),
        ("v c act=conv_bn_act -> c", "v 3", "E0404"),
        ("v c -> c", 'v "3"', "E0404"),
        ("v c -> c-3", "v 3", "E0404"),
        ("v c -> in.c/2", "v 3", "E0501"),
        ("v c -> in.h", "v 3", "E0505"),
        ("v c -> c c c c c", "v 3", "E0403"),
        ("v c -> d", "v 3", "E0206"),
        ("v c -> y.c", "v 3", "E0202"),
        ("v class -> in.c", "v 3", "E0220"),
        ("v s2 -> in.c", "v 3", "E0208"),
        ("v c c -> in.c", "v 3 4", "E0209"),
        ("v(in) -> in.c", "v", "E0213"),
        ("conv c -> in.c", "relu", "E0213"),
    ],
)
def test_what_is_refused(definition: str, call: str, code: str) -> None:
    spec = f'extern {definition} from "m:C"\ninput 3 | {call}\n'
    assert [d.code for d in archdsl.check(spec).diagnostics] == [code]


def test_a_definition_that_stands_twice() -> None:
    spec = 'extern v -> in.c from "m:C"\nblock v { relu }\ninput 3 | v\n'
    assert [d.code for d in archdsl.check(spec).diagnostics] == ["E0209"]


def test_a_rule_that_fails_is_shown_with_the_call() -> None:
    text = refused('extern v c -> c in.h/2 in.w from "m:C"\n\ninput 3x9x9 | v 3\n')
    assert text.startswith("<text>:3:15: error[E0501]")
    assert "in the shape rule of `v`, <text>:1:15" in text
    assert "the value here is 3x9x9" in text


@pytest.mark.parametrize("head", ["v c", "v c ->", "v c k=3", "v(a, b)"])
def test_a_rule_is_asked_for(head: str) -> None:
    text = refused(f'extern {head} from "m:C"\ninput 3 | v 3\n')
    assert "an extern lacks its shape" in text


@pytest.mark.usefixtures("parts")
def test_an_extern_of_a_used_file(tmp_path: Path) -> None:
    (tmp_path / "lib.arch").write_text(WARP + "block two c { warp(id, in) c }\n")
    spec = tmp_path / "net.arch"
    spec.write_text(
        'use "lib.arch" as b\nblock call unit { unit(id, in) 3 }\n'
        "net n { input 3x8x8 | b.warp(id, in) 3 | b.two 3 | call unit=b.warp }\n"
    )
    source = archdsl.compile(spec)
    assert execute(source).N()(torch.zeros(1, 3, 8, 8)).shape == (1, 3, 8, 8)
    assert source.count("import Warp") == 1
