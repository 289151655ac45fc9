"""`archdsl verify`: the reference, its arguments, and what is told."""

from __future__ import annotations

import json
import sys

import pytest
import torch
from shell import Shell

from archdsl.runtime.comparison import BATCH, PASSES, TOLERANCE
from archdsl.runtime.reference import VerifyError, kwargs_of

NET = """\
net n classes=7 {
  input 3x8x8
  conv 4x3x3 | bn | relu
  gap | fc classes
}
"""
REFERENCE = """\
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self, classes=7, act=True, how=""):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3)
        self.bn1 = nn.BatchNorm2d(4)
        self.act = nn.ReLU(inplace=True) if act else nn.Identity()
        self.fc1 = nn.Linear(4, classes)
        self.how = how

    def forward(self, x):
        if self.how == "exit":
            raise SystemExit(0)
        if self.how == "asserts":
            assert x.ndim == 3
        if self.how == "talks":
            print("in forward")
        x = self.act(self.bn1(self.conv1(x))).mean((2, 3))
        given = {"none": None, "number": 3, "frozen": self.fc1(x).detach()}
        return given.get(self.how, self.fc1(x))


class Holder:
    @staticmethod
    def make(**kwargs):
        return Net(**kwargs)


class Swapped(nn.Module):
    # Made in another order than used; what is dropped is dropped elsewhere.
    def __init__(self):
        super().__init__()
        self.b, self.a = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        x = F.dropout(self.a(x).flip(0), 0.5, self.training)
        return self.b(x.flip(0))


made = Net()
number = 3


def nothing():
    return None


def leaving():
    raise SystemExit(3)


def halved():
    return Net().half()


def nowhere():
    return Net().to("meta")


class Stateless(Net):
    def state_dict(self, *args, **kwargs):
        raise RuntimeError("no state")


class Silent(Exception):
    def __str__(self):
        raise ValueError


class Mute(Net):
    def __init__(self):
        raise Silent


class Undone(Net):
    def forward(self, x):
        x = super().forward(x).sigmoid()
        x.mul_(2)
        return x
"""


@pytest.fixture
def files(shell: Shell) -> Shell:
    shell.file("n.arch", NET)
    shell.file("paper_verify.py", REFERENCE)
    sys.modules.pop("paper_verify", None)
    return shell


@pytest.mark.parametrize(
    "place",
    [
        "paper_verify:Net",
        "paper_verify.py:Net",
        "./paper_verify.py:Holder.make",
        "paper_verify:made",
    ],
)
def test_where_the_reference_is(files: Shell, place: str) -> None:
    before = list(sys.path)
    ran = files("verify", "n.arch", "--against", place)
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == f"n of n.arch against {place}"
    assert lines[1].startswith("state_dict   9 tensors, 155 parameters: the same")
    assert lines[-1] == "same: within 1e-05; all parameters drawn twice, 4 samples each"
    assert sys.path == before


def test_differences(files: Shell) -> None:
    command = ("verify", "n.arch", "--against", "paper_verify:Net", "--inputs", "1")
    ran = files(*command, "--kwargs", "act=false")
    assert (ran.status, ran.err) == (1, "")
    assert "  `relu1` (line 3): relu\n    it gets `bn1` (line 3)" in ran.out
    assert files(*command, "--kwargs", '{"classes": 9}').status == 1
    ran = files(*command, "--kwargs", '{"classes": 9}', "--set", "classes=9")
    assert ran.status == 0
    assert files(*command, "--seed", "5", "--batch", "8", "--double").status == 0
    # Rounding is told from mistakes, but no smaller a difference.
    assert files(*command, "--kwargs", "act=false", "--tolerance", "1e9").status == 0


def test_what_may_differ(files: Shell) -> None:
    spec = "input 4 | a: fc 4 | dropout 0.5 | b: fc 4"
    command = ("verify", "-e", spec, "--against", "paper_verify:Swapped")
    ran = files(*command)
    assert ran.status == 1
    assert "  order      a.weight" in ran.out
    ran = files(*command, "--any-order")
    assert ran.status == 1
    assert "  order" not in ran.out
    assert "in training only what random layers draw differs" in ran.out
    ran = files(*command, "--any-order", "--no-dropout")
    assert (ran.status, ran.err) == (0, "")


def test_a_table_of_renames(files: Shell) -> None:
    files.file("n.arch", NET.replace("| bn", "| norm: bn"))
    command = ("verify", "n.arch", "--against", "paper_verify:Net")
    ran = files(*command)
    assert ran.status == 1
    assert "    bn1 norm\n" in ran.out
    files.file("map.txt", "bn1 norm\n")
    assert files(*command, "--map", "map.txt").status == 0
    files.file("map.txt", "bn1 conv1\n")
    ran = files(*command, "--map", "map.txt")
    assert (ran.status, ran.out) == (2, "")
    assert "the renames call both" in ran.err
    files.file("map.txt", "bn1\n")
    assert "map.txt:1: a rule is" in files(*command, "--map", "map.txt").err
    assert files(*command, "--map", "none.txt").status == 2


def test_json(files: Shell) -> None:
    command = ("verify", "n.arch", "--against", "paper_verify:Net", "--format", "json")
    ran = files(*command)
    assert ran.status == 0
    found = json.loads(ran.out)
    assert found["same"] is True
    assert found["state_dict"]["parameters"] == 155
    assert found["evaluation"]["outputs"] == {
        "largest": 0.0,
        "where": "",
        "equal": True,
        "tensors": 1,
    }
    assert found["cause"] is None
    ran = files(*command, "--kwargs", "act=false")
    assert ran.status == 1
    cause = json.loads(ran.out)["cause"]
    assert cause["stage"]["path"] == "relu1"
    assert cause["stage"]["after"] == [
        {"path": "bn1", "line": "line 3", "reordered": False}
    ]
    ran = files(*command, "--kwargs", "classes=9")
    assert [f["kind"] for f in json.loads(ran.out)["state_dict"]["findings"]] == [
        "shape",
        "shape",
    ]


@pytest.mark.parametrize(
    ("place", "kwargs", "says"),
    [
        ("paper_verify", "", "names no callable; write package.module:name"),
        (":Net", "", "names no callable"),
        ("no_such_module:Net", "", "there is no Python module `no_such_module`"),
        ("paper_verify:Nets", "", "has no `Nets`; did you mean `Net`?"),
        ("paper_verify:Holder.mak", "", "`paper_verify:Holder` has no `mak`"),
        ("none.py:Net", "", "there is no file `none.py`"),
        ("paper_verify:number", "", "cannot be called: it is of type int"),
        (
            "paper_verify:nothing",
            "",
            "makes no nn.Module, but a value of type NoneType",
        ),
        ("paper_verify:leaving", "", "SystemExit: 3"),
        ("paper_verify:made", "classes=3", "is a module already"),
        ("paper_verify:Net", "classes=x", "fails: TypeError"),
        ("paper_verify:Net", "no=1", "unexpected keyword argument 'no'"),
        ("paper_verify:Net", "classes", "neither a JSON object nor name=value"),
        ("paper_verify:Net", "{classes", "this is no JSON"),
        (
            "paper_verify:Net",
            "how=none",
            "no tensor in evaluation, but a value of type",
        ),
        ("paper_verify:Net", "how=number", "but a value of type int"),
        ("paper_verify:Net", "how=exit", "SystemExit: 0 (paper_verify.py, line "),
        ("paper_verify:Net", "how=asserts", "AssertionError (paper_verify.py, line "),
        ("paper_verify:halved", "", "(it holds float16; --double makes all float64)"),
        ("paper_verify:nowhere", "", "on the meta device and holds no numbers"),
        ("paper_verify:Stateless", "", "cannot be used: RuntimeError: no state"),
        ("paper_verify:Mute", "", "fails: Silent (paper_verify.py, line "),
        (
            "paper_verify:Undone",
            "",
            "gradients of the reference cannot be computed in evaluation",
        ),
        ("broken_verify:Net", "", "SyntaxError"),
        ("broken_verify.py:Net", "", "broken_verify.py, line 1)"),
        ("missing_verify:Net", "", "importing `missing_verify` fails"),
        ("paper_verify.sub:Net", "", "there is no Python module"),
    ],
)
def test_references_that_cannot_be(
    files: Shell, place: str, kwargs: str, says: str
) -> None:
    files.file("broken_verify.py", "def (:\n")
    files.file("missing_verify.py", "import no_such_module\n")
    ran = files("verify", "n.arch", "--against", place, "--kwargs", kwargs)
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.err
    assert ran.err.startswith("archdsl verify: ")
    assert "Traceback" not in ran.err
    assert "bug" not in ran.err


def test_what_a_reference_prints_is_no_finding(files: Shell) -> None:
    command = ("verify", "n.arch", "--against", "paper_verify:Net")
    ran = files(*command, "--kwargs", "how=talks", "--format", "json")
    assert json.loads(ran.out)["same"]
    assert "in forward" in ran.err


def test_an_import_may_change_what_torch_does(files: Shell) -> None:
    files.file(
        "odd_verify.py",
        "import torch\n"
        "from paper_verify import Net\n"
        "def idle():\n"
        "    torch.set_grad_enabled(False)\n"
        "    return Net(how='frozen')\n"
        "def double():\n"
        "    torch.set_default_dtype(torch.float64)\n"
        "    return Net()\n",
    )
    command = ("verify", "n.arch", "--against")
    try:
        ran = files(*command, "odd_verify.py:idle")
        assert ran.status == 1
        assert "the reference's outputs have no gradients" in ran.out
        assert not torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)
    try:
        ran = files(*command, "odd_verify.py:double")
        assert "it holds float64" in ran.err
        assert torch.get_default_dtype() is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_inputs_of_the_wrong_size(files: Shell) -> None:
    files.file("n.arch", NET.replace("3x8x8", "3x2x2").replace("4x3x3", "4x3x3 p1"))
    ran = files("verify", "n.arch", "--against", "paper_verify:Net")
    assert (ran.status, ran.out) == (2, "")
    assert "the reference fails in training on the net's inputs, 4x3x2x2:" in ran.err


def test_one_sample_is_too_few_for_batch_normalisation(files: Shell) -> None:
    files.file("n.arch", NET.replace("3x8x8", "3x3x3"))
    command = ("verify", "n.arch", "--against", "paper_verify:Net", "--batch")
    ran = files(*command, "1")
    assert ran.status == 2
    assert "(--batch gives it more samples)" in ran.err
    assert files(*command, "8").status == 0


def test_wrong_usage(files: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "--against" in files("verify", "n.arch").err
    command = ("verify", "n.arch", "--against", "paper_verify:Net")
    for option in ("--tolerance", "--inputs", "--batch", "--seed"):
        assert files(*command, option, "-1").status == 2
    assert files(*command, "--tolerance", "nan").status == 2
    assert files("verify", "none.arch", *command[2:]).status == 1
    assert files("verify", "-e", "input 3xHxW | relu", *command[2:]).status == 2
    assert files("verify", "-e", "input 3 | relu x300000", *command[2:]).status == 2
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert "no CUDA" in files(*command, "--device", "cuda").err
    monkeypatch.setitem(sys.modules, "torch", None)
    assert 'pip install "archdsl[torch]"' in files(*command).err


def test_the_help_tells_the_defaults(files: Shell) -> None:
    said = " ".join(files("verify", "--help").out.split())
    for default in (TOLERANCE, PASSES, BATCH):
        assert f"(default: {default})" in said


def test_arguments() -> None:
    assert kwargs_of(['{"a": null, "b": [1]}', "c=true d=1.5 e=(1,2)", "f='x y'"]) == {
        "a": None,
        "b": [1],
        "c": True,
        "d": 1.5,
        "e": (1, 2),
        "f": "x y",
    }
    assert kwargs_of(["a=None b=word", ""]) == {"a": None, "b": "word"}
    with pytest.raises(VerifyError, match="twice"):
        kwargs_of(["a=1", '{"a": 2}'])
