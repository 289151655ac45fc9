"""`archdsl names` and its lock files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from shell import Shell

from archdsl.cli.main import main

NET = "net n c=4 {\n  input 3x8x8\n  conv c 3x3 | bn | relu\n  gap | head: fc 2\n}\n"


def test_names_with_shapes(shell: Shell) -> None:
    ran = shell("names", "-e", NET)
    assert ran.status == 0
    assert ran.out.splitlines() == [
        "conv1.weight  4x3x3x3",
        "conv1.bias  4",
        "bn1.weight  4",
        "bn1.bias  4",
        "bn1.running_mean  4",
        "bn1.running_var  4",
        "bn1.num_batches_tracked  scalar",
        "head.weight  2x4",
        "head.bias  2",
    ]
    assert "conv1.weight  6x3x3x3" in shell("names", "-e", NET, "--set", "c=6").out
    assert shell("names", "-e", "input 3x8x8 | relu").out == ""


def test_they_are_those_of_pytorch(shell: Shell) -> None:
    import archdsl

    state = archdsl.load(NET).state_dict()
    expected = [
        f"{name}  {'x'.join(map(str, tensor.shape)) or 'scalar'}"
        for name, tensor in state.items()
    ]
    assert shell("names", "-e", NET).out.splitlines() == expected


def test_a_lock_file(shell: Shell) -> None:
    shell.file("n.arch", NET)
    ran = shell("names", "n.arch", "--lock", "locks/n.lock")
    assert (ran.status, ran.out) == (0, "created locks/n.lock: 9 names\n")
    lock = shell.folder / "locks" / "n.lock"
    head, *lines = lock.read_text().splitlines()
    assert head == "# archdsl names of net n in n.arch"
    assert lines == shell("names", "n.arch").out.splitlines()
    ran = shell("names", "n.arch", "--lock", "locks/n.lock")
    assert (ran.status, ran.out) == (0, "ok: locks/n.lock: 9 names\n")
    # As git may check it out on Windows.
    lock.write_bytes(lock.read_bytes().replace(b"\n", b"\r\n"))
    assert shell("names", "n.arch", "--lock", "locks/n.lock").status == 0


def test_differences(shell: Shell) -> None:
    shell.file("n.arch", NET)
    assert shell("names", "n.arch", "--lock", "n.lock").status == 0
    before = (shell.folder / "n.lock").read_text()
    changed = NET.replace("head: fc 2", "fc 2 | extra: fc 2 bias=false")
    shell.file("n.arch", changed.replace("conv c 3x3", "conv c 3x3 bias=false"))
    ran = shell("names", "n.arch", "--lock", "n.lock", "--set", "c=4")
    assert ran.status == 1
    assert ran.out.splitlines() == [
        "renamed? head.weight → fc1.weight  2x4",
        "renamed? head.bias → fc1.bias  2",
        "missing  conv1.bias  4",
        "new      extra.weight  2x2",
        "net `n` of n.arch is not as n.lock has it; --update writes that file anew",
    ]
    assert (shell.folder / "n.lock").read_text() == before
    ran = shell("names", "n.arch", "--lock", "n.lock", "--update")
    assert ran.status == 0
    assert ran.out.endswith("updated n.lock: 9 names\n")
    assert shell("names", "n.arch", "--lock", "n.lock").status == 0
    ran = shell("names", "n.arch", "--lock", "n.lock", "--set", "c=5")
    assert ran.status == 1
    assert "changed  bn1.running_var  4 → 5\n" in ran.out


def test_the_order_counts(shell: Shell) -> None:
    text = "input 4x8x8 | a: conv 4x1x1 bias=false | b: conv 4x1x1 bias=false"
    shell("names", "-e", text, "--lock", "n.lock")
    text = "input 4x8x8 | b: conv 4x1x1 bias=false | a: conv 4x1x1 bias=false"
    ran = shell("names", "-e", text, "--lock", "n.lock")
    assert ran.status == 1
    assert ran.out.startswith("moved    b.weight  is now number 1, and others follow")


@pytest.mark.parametrize(
    "content", [b"", b"precious", b"\xff\xfe", b"# archdsl names of n\na b c\n"]
)
@pytest.mark.parametrize("update", [[], ["--update"]])
def test_other_files_are_left_alone(
    shell: Shell, content: bytes, update: list[str]
) -> None:
    path = shell.file("n.lock", content)
    ran = shell("names", "-e", NET, "--lock", "n.lock", *update)
    assert (ran.status, ran.out) == (2, "")
    assert "n.lock" in ran.err
    assert path.read_bytes() == content


def test_locks_that_cannot_be(shell: Shell) -> None:
    shell.file("n.arch", NET)
    assert shell("names", "n.arch", "--lock", "n.arch", "--update").status == 2
    assert shell("names", "n.arch", "--lock", ".").status == 2
    assert shell("names", "n.arch", "--update").status == 2
    assert shell("names", "n.arch", "--lock", "n.arch/n.lock").status == 2
    ran = shell("names", "-e", "input 3x8x8 | relu x1000000", "--lock", "n.lock")
    assert ran.status == 2
    assert "1,000,000 layers" in ran.err
    assert os.listdir(shell.folder) == ["n.arch"]
    assert shell("names", "-e", "input 3x8x8 | rellu", "--lock", "n.lock").status == 1


def test_a_lock_file_holds_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = 'input 8 | "a b": fc 8 | "# 3": fc 8 | "x 3x3": fc 8 | " c ": fc 8'
    assert main(["names", "-e", spec, "--lock", "l"]) == 0
    assert main(["names", "-e", spec, "--lock", "l"]) == 0
    assert main(["names", "-e", spec.replace("a b", "a c"), "--lock", "l"]) == 1
    assert "renamed? a b.weight → a c.weight  8x8" in capsys.readouterr().out
