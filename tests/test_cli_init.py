"""`archdsl init` and the spec that it writes."""

from __future__ import annotations

from shell import Shell

import archdsl
from archdsl.api import check


def test_the_first_spec(shell: Shell) -> None:
    ran = shell("init")
    assert ran.status == 0
    assert ran.out.startswith("wrote net.arch.")
    path = shell.folder / "net.arch"
    text = path.read_text(encoding="utf-8")
    assert shell("check", "net.arch").out == "ok: net.arch: 1 net\n"
    assert shell("fmt", "--check", "net.arch").status == 0
    assert all(len(line) <= 88 for line in text.splitlines())
    for word in ("#", "block ", "stage1: ", " x2", " if ", "else", "assert", "->"):
        assert word in text
    assert "class First" in shell("compile", "net.arch").out
    params = sum(p.numel() for p in archdsl.load(path).parameters())
    assert params == check(path).network().root.cost.params


def test_the_commands_it_names_work(shell: Shell) -> None:
    ran = shell("init", "my first/a net.arch")
    commands = [line for line in ran.out.splitlines() if line.startswith("  archdsl")]
    assert len(commands) == 3
    for line in commands:
        assert "'my first/a net.arch'" in line
        assert shell(line.split()[1], "my first/a net.arch").status == 0


def test_nothing_is_overwritten(shell: Shell) -> None:
    path = shell.file("net.arch", "mine")
    ran = shell("init")
    assert (ran.status, ran.out) == (2, "")
    assert "`net.arch` is there already" in ran.err
    assert path.read_text() == "mine"
    (shell.folder / "link.arch").symlink_to("nothing")
    assert shell("init", "link.arch").status == 2
    assert shell("init", ".").status == 2
    assert shell("init", "net.arch/a.arch").status == 2
