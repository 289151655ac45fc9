"""`archdsl run`: pictures, weights, and what is told."""

from __future__ import annotations

import re
import sys

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from shell import Shell

import archdsl
from archdsl.runtime.run import MEAN, STD, RunError, picture

NET = """\
net n classes=7 {
  input 3x8x8
  conv 4x3x3 | bn | relu
  gap | fc classes
}
"""


def test_random_numbers(shell: Shell) -> None:
    shell.file("n.arch", NET)
    ran = shell("run", "n.arch", "--random", "--device", "cpu", "--batch", "3")
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[:4] == [
        "n on cpu",
        "weights  initialised with seed 0",
        "input    3x3x8x8, random, seed 0",
        "output   3x7",
    ]
    assert re.fullmatch(r"time     [\d.,]+ ms, the median of 5 runs", lines[4])
    assert lines[-6] == "The largest outputs for the first sample, and their softmax:"
    values = [float(line.split()[1]) for line in lines[-5:]]
    assert values == sorted(values, reverse=True)
    again = shell("run", "n.arch", "--batch", "3", "--device", "cpu").out
    assert again.splitlines()[-5:] == lines[-5:]
    other = shell("run", "n.arch", "--batch", "3", "--seed", "1").out
    assert other.splitlines()[-5:] != lines[-5:]


def test_the_numbers_are_pytorchs(shell: Shell) -> None:
    ran = shell("run", "-e", NET, "--seed", "4", "--device", "cpu")
    torch.manual_seed(4)
    module = archdsl.load(NET).eval()
    x = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(4))
    with torch.inference_mode():
        out = module(x)[0]
    best = int(out.argmax())
    first = ran.out.splitlines()[-5].split()
    assert first[0] == str(best)
    assert float(first[1]) == pytest.approx(float(out[best]), abs=1e-4)
    share = float(out.softmax(0)[best]) * 100
    assert float(first[2].rstrip("%")) == pytest.approx(share, abs=0.01)


def test_maps_have_no_largest(shell: Shell) -> None:
    ran = shell("run", "-e", "input 1x4x4 | conv 2x3x3", "--device", "cpu")
    assert "output   1x2x2x2\n" in ran.out
    assert "largest" not in ran.out


@pytest.mark.parametrize(("size", "mode"), [((20, 10), "RGB"), ((5, 90), "RGBA")])
def test_a_picture(shell: Shell, size: tuple[int, int], mode: str) -> None:
    Image.new(mode, size, (255, 0, 128)).save(shell.folder / "a.png")
    ran = shell("run", "-e", NET, "--input", "a.png", "--device", "cpu")
    assert (ran.status, ran.err) == (0, "")
    assert (
        "input    1x3x8x8, a.png, resized and cropped, less mean 0.485 0.456 0.406,"
        " by std 0.229 0.224 0.225\n"
    ) in ran.out
    x, _ = picture(archdsl.check(NET).network(), "a.png", 2)
    assert x.shape == (2, 3, 8, 8)
    for channel, value in enumerate((1.0, 0.0, 128 / 255)):
        expected = (value - MEAN[channel]) / STD[channel]
        assert torch.allclose(x[:, channel], torch.tensor(expected))


def test_the_middle_is_kept(shell: Shell) -> None:
    image = Image.new("L", (24, 8), 0)
    image.paste(255, (8, 0, 16, 8))
    image.save(shell.folder / "a.png")
    x, how = picture(archdsl.check("input 1x8x8 | relu").network(), "a.png", 1)
    assert bool((x == 1).all())
    assert how == "resized and cropped, grey, from 0 to 1"


@pytest.mark.parametrize("text", ["input 4x8x8 | relu", "input 8 | relu"])
def test_nets_that_take_no_picture(shell: Shell, text: str) -> None:
    Image.new("L", (8, 8)).save(shell.folder / "a.png")
    ran = shell("run", "-e", text, "--input", "a.png")
    assert (ran.status, ran.out) == (2, "")
    assert "use --random" in ran.err


def test_files_that_are_no_pictures(shell: Shell) -> None:
    shell.file("a.png", b"no")
    for name in ("a.png", "missing.png", "."):
        ran = shell("run", "-e", NET, "--input", name)
        assert ran.status == 2
        assert f"`{name}` is no picture" in ran.err


def test_weights(shell: Shell) -> None:
    torch.manual_seed(9)
    state = archdsl.load(NET).state_dict()
    torch.save(state, shell.folder / "w.pt")
    ran = shell("run", "-e", NET, "--weights", "w.pt", "--seed", "9")
    assert ran.status == 0
    assert "weights  9 tensors from w.pt\n" in ran.out
    largest = ran.out.splitlines()[-5:]
    assert shell("run", "-e", NET, "--seed", "9").out.splitlines()[-5:] == largest
    # As training scripts wrap it, and without what old files lack.
    del state["bn1.num_batches_tracked"]
    torch.save({"epoch": 3, "state_dict": state}, shell.folder / "w.pt")
    assert shell("run", "-e", NET, "--weights", "w.pt").status == 0


def test_weights_that_do_not_fit(shell: Shell) -> None:
    state = archdsl.load(NET).state_dict()
    state["fc1.weight"] = torch.zeros(5, 4)
    del state["bn1.bias"]
    state |= {f"extra.{at}": torch.zeros(1) for at in range(12)}
    torch.save(state, shell.folder / "w.pt")
    ran = shell("run", "-e", NET, "--weights", "w.pt")
    assert (ran.status, ran.out) == (2, "")
    for line in (
        "  of another shape: 1\n",
        "    fc1.weight (line 4): the net has 7x4, the file 5x4\n",
        "  missing in the file: 1\n    bn1.bias (line 3): 4\n",
        "  not in the net: 12\n    extra.0\n",
        "    extra.9\n    and 2 more\n",
    ):
        assert line in ran.err


def test_renamed_weights(shell: Shell) -> None:
    state = archdsl.load(NET).state_dict()
    old = {name.replace("bn1", "norm.1"): tensor for name, tensor in state.items()}
    torch.save(old, shell.folder / "w.pt")
    ran = shell("run", "-e", NET, "--weights", "w.pt")
    assert ran.status == 2
    assert "bn1.weight (line 3): 4, in the file as norm.1.weight?\n" in ran.err
    shell.file("old", "# of 2017\nnorm.1 bn1\n")
    ran = shell("run", "-e", NET, "--weights", "w.pt", "--rename", "old")
    assert ran.status == 0
    assert "weights  9 tensors from w.pt\n" in ran.out
    shell.file("old", "norm.1\n")
    ran = shell("run", "-e", NET, "--weights", "w.pt", "--rename", "old")
    assert (ran.status, ran.out) == (2, "")
    assert "old:1: a rule is" in ran.err
    assert "--weights" in shell("run", "-e", NET, "--rename", "old").err


def test_files_that_are_no_weights(shell: Shell) -> None:
    shell.file("a.pt", b"no")
    shell.file("empty.pt", b"")
    torch.save([1, 2], shell.folder / "list.pt")
    torch.save(archdsl.load(NET), shell.folder / "module.pt")
    for name in ("a.pt", "empty.pt", "list.pt", "module.pt", "missing.pt", "."):
        ran = shell("run", "-e", NET, "--weights", name)
        assert ran.status == 2, name
        assert f"`{name}`" in ran.err
        assert "bug" not in ran.err


@pytest.mark.parametrize(
    ("module", "options", "says"),
    [
        ("torch", "", 'pip install "archdsl[torch]"'),
        ("PIL", "--input a.png", "pip install pillow"),
        ("safetensors.torch", "--weights a.safetensors", "pip install safetensors"),
    ],
)
def test_packages_that_are_absent(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, module: str, options: str, says: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    ran = shell("run", "-e", NET, *options.split())
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.err


def test_what_cannot_be_run(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shell("run", "-e", "input 3x8x8 | rellu").status == 1
    assert shell("run", "-e", NET, "--batch", "0").status == 2
    assert shell("run", "-e", NET, "--seed", "-1").status == 2
    assert shell("run", "-e", NET, "--input", "a.png", "--random").status == 2
    assert "layers" in shell("run", "-e", "input 3 | relu x1000000").err
    ran = shell("run", "-e", f"input 8 | fc {2**50}")
    assert ran.status == 2
    assert "not enough memory (cpu)" in ran.err
    assert "memory" in shell("run", "-e", NET, "--batch", str(2**45)).err
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    ran = shell("run", "-e", NET, "--device", "cuda")
    assert ran.status == 2
    assert "no CUDA device" in ran.err


def test_safetensors(shell: Shell) -> None:
    save_file(archdsl.load(NET).state_dict(), "w.safetensors")
    assert shell("run", "-e", NET, "--weights", "w.safetensors").status == 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu(shell: Shell) -> None:
    ran = shell("run", "-e", NET)
    assert ran.out.startswith("n on cuda\n")
    assert "at the peak, of tensors" in ran.out


def test_errors_are_one_kind() -> None:
    with pytest.raises(RunError):
        picture(archdsl.check("input 3 | relu").network(), "a.png", 1)
