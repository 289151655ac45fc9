"""The command line: what it prints, what it writes, how it ends."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from shell import Shell

from archdsl.cli.main import main

ROOT = Path(__file__).resolve().parent.parent

GOOD = "net small c=4 {\n  input 3x8x8\n  conv c 3x3 p1 | relu\n}\n"
FAMILY = GOOD + "net wide = small c=8\n"
WRONG = "input 3x8x8 | conv 4x9x9\n"


# check


def test_a_clean_file(shell: Shell) -> None:
    shell.file("a.arch", FAMILY)
    ran = shell("check", "a.arch")
    assert (ran.status, ran.out, ran.err) == (0, "ok: a.arch: 2 nets\n", "")


def test_every_file_is_checked(shell: Shell) -> None:
    shell.file("a.arch", WRONG)
    shell.file("c.arch", GOOD)
    ran = shell("check", "a.arch", "b.arch", "c.arch")
    assert ran.status == 1
    assert "a.arch:1:" in ran.out
    assert "E0302" in ran.out
    assert "error[E0801] there is no file `b.arch`" in ran.out
    assert "ok: c.arch: 1 net\n" in ran.out
    assert ran.out.endswith("2 errors in 2 of 3 files\n")


@pytest.mark.parametrize("form", ["concise", "json", "github"])
def test_other_formats_print_findings_alone(shell: Shell, form: str) -> None:
    shell.file("a.arch", WRONG)
    shell.file("b.arch", WRONG)
    shell.file("c.arch", GOOD)
    ran = shell("check", "a.arch", "b.arch", "c.arch", "--format", form)
    assert ran.status == 1
    assert ran.err == ""
    if form == "json":
        assert [d["span"]["file"] for d in json.loads(ran.out)] == ["a.arch", "b.arch"]
    else:
        assert len(ran.out.splitlines()) == 2
    clean = shell("check", "c.arch", "--format", form)
    assert (clean.status, clean.out.strip()) == (0, "[]" if form == "json" else "")


def test_standard_input_and_text(shell: Shell) -> None:
    assert shell("check", "-", stdin=GOOD).out == "ok: <stdin>: 1 net\n"
    assert shell("check", "-e", "input 3x8x8 | relu").out == "ok: <text>: 1 net\n"
    assert shell("check", "-e", "input 3x8x8 | rellu").status == 1


def test_one_net_with_parameters(shell: Shell) -> None:
    shell.file("a.arch", FAMILY)
    assert shell("check", "a.arch", "--net", "wide").out == "ok: a.arch: 1 net\n"
    assert shell("check", "a.arch", "--net", "small", "--set", "c=9").status == 0
    ran = shell("check", "a.arch", "--net", "smal")
    assert ran.status == 1
    assert "did you mean `small`?" in ran.out


def test_no_colour_without_a_terminal(shell: Shell) -> None:
    assert "\x1b" not in shell("check", "-e", WRONG).out


@pytest.mark.parametrize(
    ("no_colour", "term", "coloured"),
    [("", "xterm", True), ("1", "xterm", False), ("", "dumb", False)],
)
def test_colour_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, no_colour: str, term: str, coloured: bool
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("NO_COLOR", no_colour)
    assert main(["check", "-e", WRONG]) == 1
    assert ("\x1b[" in screen.getvalue()) is coloured


# Files that are no specs


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"input 3x8x8 | conv 4\xff3x3", "E0104"),
        (b"\xff\xfei\0n\0", "E0104"),
        (b"input\0", "E0104"),
        (b"\x80", "E0104"),
        (b"\xef\xbb\xbf\x80", "E0104"),
        (b"", "E0105"),
        (b"\xef\xbb\xbf", "E0105"),
        (b"\n# nothing\n", "E0105"),
        (b"#" * (2**20 + 1), "E0704"),
    ],
)
def test_what_is_no_spec(shell: Shell, content: bytes, code: str) -> None:
    shell.file("a.arch", content)
    ran = shell("check", "a.arch", "--format", "concise")
    assert ran.status == 1
    assert [line for line in ran.out.splitlines() if f"error[{code}]" in line]
    assert len(ran.out.splitlines()) == 1


def test_the_byte_that_is_no_utf8(shell: Shell) -> None:
    shell.file("a.arch", "# Größe\n".encode() + b"relu \xfc")
    ran = shell("check", "a.arch", "--format", "concise")
    assert ran.out.startswith("a.arch:2:6: error[E0104] byte 15, 0xfc,")


def test_byte_order_mark_and_crlf(shell: Shell) -> None:
    shell.file("a.arch", b"\xef\xbb\xbf" + FAMILY.replace("\n", "\r\n").encode())
    assert shell("check", "a.arch").status == 0


def test_directories_and_odd_names(shell: Shell) -> None:
    ran = shell("check", ".", "--format", "concise")
    assert "error[E0802] `.` is a directory" in ran.out
    assert "E0801" in shell("check", "no\nname.arch", "--format", "concise").out
    assert "E0802" in shell("check", "a\0b", "--format", "concise").out
    assert shell("check", "x" * 5000, "--format", "concise").status == 1


def test_a_missing_file_and_its_like(shell: Shell) -> None:
    shell.file("resnet.arch", GOOD)
    assert "did you mean `resnet.arch`?" in shell("check", "resnt.arch").out
    assert "did you mean `resnet.arch`?" in shell("check", "resnet").out
    assert "there is no directory `nets`" in shell("check", "nets/a.arch").out


# One net


def test_which_net_is_meant(shell: Shell) -> None:
    shell.file("wide.arch", FAMILY)
    shell.file("other.arch", FAMILY)
    assert shell("summary", "wide.arch").out.startswith("wide: ")
    ran = shell("summary", "other.arch")
    assert ran.status == 2
    assert "choose one of: small, wide" in ran.err
    assert shell("summary", "other.arch", "--net", "small").status == 0


def test_a_net_that_lacks_parameters_is_not_meant(shell: Shell) -> None:
    text = "net base c { input 3x8x8 | conv c 1x1 }\nnet one = base c=1\n"
    shell.file("base.arch", text)
    assert shell("summary", "base.arch").out.startswith("one: ")
    assert shell("summary", "base.arch", "--set", "c=2").out.startswith("base: ")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("n=5", "5"),
        ("n=2**3", "8"),
        ("n=[1,2]", "[1,2]"),
        ("n=true", "True"),
        ("n=3x3", "[3,3]"),
        ('n="text"', "'text'"),
        ("n=relu", "relu"),
        ("n=mine", "mine"),
        ("n=-1.5", "-1.5"),
    ],
)
def test_values_of_parameters(setting: str, value: str) -> None:
    from archdsl.ir.dump import dump
    from archdsl.pipeline import check
    from archdsl.request import parsed
    from archdsl.source import Source

    text = "block mine { relu }\nnet a n=0 { input 3x8x8\nrelu if n == 0 }"
    source = Source("a.arch", text)
    params = {"n": parsed(setting.partition("=")[2], source)}
    checked = check(source, "a", params)
    assert not checked.diagnostics
    assert f"net 0 a n={value}" in dump(checked.networks["a"])


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("n", "NAME=VALUE"),
        ("=3", "NAME=VALUE"),
        ("n=", "not a value"),
        ("n=1 | relu", "not a value"),
        ("n=1 2", "not a value"),
        ("n=[", "not a value"),
        ("n=1/0", "zero"),
        ("n=rellu", "did you mean `relu`?"),
        ("n=10**99", "too large"),
    ],
)
def test_settings_that_make_no_sense(shell: Shell, setting: str, says: str) -> None:
    ran = shell("summary", "-e", GOOD, "--set", setting)
    assert ran.status == 2
    assert ran.out == ""
    assert ran.err.startswith(f"archdsl summary: --set {setting}: ")
    assert says in ran.err


def test_a_setting_given_twice(shell: Shell) -> None:
    ran = shell("summary", "-e", GOOD, "--set", "c=1", "--set", "c=2")
    assert ran.status == 2
    assert "set twice" in ran.err


@pytest.mark.parametrize("command", ["summary", "compile", "draw"])
def test_findings_go_to_standard_error(shell: Shell, command: str) -> None:
    ran = shell(command, "-e", WRONG)
    assert ran.status == 1
    # A picture shows what is wrong.
    assert ran.out.startswith("digraph" if command == "draw" else "")
    assert command == "draw" or not ran.out
    assert "error[E0302]" in ran.err
    ran = shell(command, "nope.arch")
    assert (ran.status, ran.out) == (1, "")
    assert "E0801" in ran.err
    assert shell(command).status == 2
    assert shell(command, "a.arch", "-e", GOOD).status == 2


# summary


def test_summary(shell: Shell) -> None:
    ran = shell("summary", "-e", GOOD)
    assert ran.status == 0
    assert "conv1" in ran.out
    data = json.loads(shell("summary", "-e", GOOD, "--json", "--batch", "2").out)
    assert data["macs"] == 2 * 4 * 3 * 9 * 64
    assert shell("summary", "-e", GOOD, "--batch", "0").status == 2


def test_lists_without_end_are_refused(shell: Shell) -> None:
    text = "input 3x8x8 | relu x1000000"
    assert shell("summary", "-e", text).status == 0
    for option in ("--json", "--expand"):
        ran = shell("summary", "-e", text, option)
        assert ran.status == 2
        assert "1,000,000 layers" in ran.err


def test_a_terminal_without_unicode() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "archdsl", "summary", "-e", "input 3x8x8 | relu x2"],
        cwd=ROOT,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=True,
    )
    assert b"relu1-2" in done.stdout
    assert b"3x8x8 -> 3x8x8" in done.stdout


# compile and draw


def test_compile(shell: Shell) -> None:
    shell.file("a.arch", FAMILY)
    ran = shell("compile", "a.arch", "--net", "wide")
    assert ran.status == 0
    assert "class" in ran.out
    assert shell("compile", "a.arch", "--net", "wide", "-o", "b/c/wide.py").out == ""
    assert (shell.folder / "b" / "c" / "wide.py").read_text() == ran.out


@pytest.mark.parametrize("target", [".", "a.arch", "a.arch/b.py", "x" * 300])
def test_outputs_that_cannot_be_written(shell: Shell, target: str) -> None:
    shell.file("a.arch", GOOD)
    ran = shell("compile", "a.arch", "-o", target)
    assert ran.status == 2
    assert ran.err.startswith(f"archdsl compile: `{target}` ")
    assert os.listdir(shell.folder) == ["a.arch"]
    assert (shell.folder / "a.arch").read_text() == GOOD


def test_a_write_that_fails_leaves_the_old_file(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.file("a.py", "before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    ran = shell("compile", "-e", GOOD, "-o", "a.py")
    assert ran.status == 2
    assert "No space left on device" in ran.err
    assert os.listdir(shell.folder) == ["a.py"]
    assert (shell.folder / "a.py").read_text() == "before"


def test_a_rewritten_file_keeps_its_mode(shell: Shell) -> None:
    path = shell.file("a.py", "before")
    path.chmod(0o640)
    link = shell.folder / "link.py"
    link.symlink_to("a.py")
    assert shell("compile", "-e", GOOD, "-o", "link.py").status == 0
    assert link.is_symlink()
    assert "class" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o640


def test_draw_writes_dot(shell: Shell) -> None:
    ran = shell("draw", "-e", GOOD)
    assert ran.status == 0
    assert ran.out.startswith("digraph")
    for arguments in (["-o", "a.dot"], ["-o", "a.gv"], ["-o", "a", "-f", "dot"]):
        assert shell("draw", "-e", GOOD, *arguments).status == 0
        assert (shell.folder / arguments[1]).read_text() == ran.out
    assert shell("draw", "-e", GOOD, "-o", "a.jpg").status == 2


def test_draw_without_graphviz(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(shell.folder / "nothing"))
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    for engine in ("dot", "pygraphviz"):
        for form in ("svg", "png", "pdf"):
            options = ("-o", f"a.{form}", "--engine", engine)
            ran = shell("draw", "-e", GOOD, *options)
            assert (ran.status, ran.out) == (2, "")
            for way in ("archdsl[graphviz]", "-f dot", "--engine builtin"):
                assert ran.err.count(way) == 1
            assert "Traceback" not in ran.err
    assert os.listdir(shell.folder) == []


class Library:
    """Stands in for pygraphviz."""

    def __init__(self, result: bytes | Exception | None) -> None:
        self.result = result
        self.given: list[str] = []

    def AGraph(self, string: str) -> Library:  # noqa: N802
        self.given.append(string)
        return self

    def draw(self, format: str, prog: str) -> bytes | None:
        self.given += [format, prog]
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.mark.parametrize("engine", ["dot", "pygraphviz"])
def test_draw_by_the_library(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    library = Library(b"<svg/>")
    monkeypatch.setitem(sys.modules, "pygraphviz", library)
    monkeypatch.setenv("PATH", str(shell.folder / "nothing"))
    ran = shell("draw", "-e", GOOD, "-o", "a.svg", "--engine", engine)
    assert (ran.status, ran.out, ran.err) == (0, "", "")
    assert (shell.folder / "a.svg").read_bytes() == b"<svg/>"
    assert library.given == [shell("draw", "-e", GOOD).out, "svg", "dot"]


@pytest.mark.parametrize(
    ("result", "says"), [(ValueError("no such layout"), "no such layout"), (b"", "")]
)
def test_the_library_fails(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, result: bytes | Exception, says: str
) -> None:
    monkeypatch.setitem(sys.modules, "pygraphviz", Library(result))
    ran = shell("draw", "-e", GOOD, "-o", "a.png", "--engine", "pygraphviz")
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.err
    assert "-f dot writes what it was given" in ran.err
    assert os.listdir(shell.folder) == []


@pytest.mark.parametrize(
    ("form", "begins"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")]
)
def test_draw_by_pygraphviz(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, form: str, begins: bytes
) -> None:
    pytest.importorskip("pygraphviz")
    monkeypatch.setenv("PATH", str(shell.folder / "nothing"))
    for engine in ("dot", "pygraphviz"):
        name = f"{engine}.{form}"
        ran = shell("draw", "-e", GOOD, "-o", name, "--engine", engine)
        assert (ran.status, ran.out) == (0, "")
        assert (shell.folder / name).read_bytes().startswith(begins)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell script")
@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("cat > /dev/null; echo '<svg/>'", 0),
        ("echo 'no such font' >&2; exit 1", 2),
        ("exit 0", 2),
    ],
)
def test_draw_by_graphviz(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, script: str, status: int
) -> None:
    program = shell.folder / "bin" / "dot"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    ran = shell("draw", "-e", GOOD, "-o", "a.svg", "--engine", "dot")
    assert ran.status == status
    picture = shell.folder / "a.svg"
    if status == 0:
        assert picture.read_text() == "<svg/>\n"
    else:
        assert "`dot` failed" in ran.err
        assert not picture.exists()


# fmt

ROUGH = "input   3x8x8|relu\n"
SMOOTH = "input 3x8x8 | relu\n"


def test_fmt_in_place(shell: Shell) -> None:
    rough, smooth = shell.file("a.arch", ROUGH), shell.file("b.arch", SMOOTH)
    ran = shell("fmt", "a.arch", "b.arch")
    assert (ran.status, ran.out) == (0, "formatted a.arch\n")
    assert rough.read_text() == smooth.read_text() == SMOOTH
    assert shell("fmt", "a.arch", "b.arch").out == ""


def test_fmt_check_and_diff_change_nothing(shell: Shell) -> None:
    path = shell.file("a.arch", ROUGH)
    ran = shell("fmt", "--check", "a.arch")
    assert (ran.status, ran.out) == (1, "would format a.arch\n")
    ran = shell("fmt", "--diff", "a.arch")
    assert ran.status == 1
    assert "-input   3x8x8|relu\n+input 3x8x8 | relu\n" in ran.out
    assert path.read_text() == ROUGH
    shell.file("a.arch", SMOOTH)
    for option in ("--check", "--diff"):
        ran = shell("fmt", option, "a.arch")
        assert (ran.status, ran.out) == (0, "")


def test_fmt_reads_standard_input(shell: Shell) -> None:
    ran = shell("fmt", "-", stdin=ROUGH)
    assert (ran.status, ran.out, ran.err) == (0, SMOOTH, "")
    ran = shell("fmt", "-", "--stdin-filename", "a.arch", stdin="input |")
    assert (ran.status, ran.out) == (1, "")
    assert "a.arch:1:" in ran.err
    assert shell("fmt", "-", "-").status == 2


def test_fmt_leaves_what_it_cannot_parse(shell: Shell) -> None:
    broken = shell.file("a.arch", "input |")
    rough = shell.file("b.arch", ROUGH)
    ran = shell("fmt", "a.arch", "nope.arch", "b.arch")
    assert ran.status == 1
    assert "E0102" in ran.err
    assert "E0801" in ran.err
    assert broken.read_text() == "input |"
    assert rough.read_text() == SMOOTH


def test_fmt_keeps_line_ends(shell: Shell) -> None:
    path = shell.file("a.arch", b"input   3x8x8\r\nrelu\r\n")
    assert shell("fmt", "a.arch").status == 0
    assert path.read_bytes() == b"input 3x8x8\r\nrelu\r\n"


# The rest


def test_explain(shell: Shell) -> None:
    ran = shell("explain", "E0312")
    assert ran.status == 0
    assert "E0312" in ran.out
    assert shell("explain", "e312").out == ran.out
    ran = shell("explain", "E0399")
    assert ran.status == 2
    assert "there is no code `E0399`" in ran.err


@pytest.mark.parametrize("name", ["bash", "zsh", "tcsh"])
def test_completion(shell: Shell, name: str) -> None:
    ran = shell("completion", name)
    assert ran.status == 0
    for word in ("check", "stdin-filename", "expand"):
        assert word in ran.out


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        ("--version", 0),
        ("--help", 0),
        ("check --help", 0),
        ("", 2),
        ("chekc a.arch", 2),
        ("check", 2),
        ("check --form json -", 2),
        ("completion fish", 2),
    ],
)
def test_usage(shell: Shell, argv: str, status: int) -> None:
    assert shell(*argv.split()).status == status


def test_a_bug_is_told_in_two_lines(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the wheel fell off")

    monkeypatch.setattr("archdsl.cli.check.check", broken)
    monkeypatch.delenv("ARCHDSL_TRACEBACK", raising=False)
    ran = shell("check", "-e", GOOD)
    assert ran.status == 2
    assert "RuntimeError: the wheel fell off" in ran.err
    assert "bug in archdsl" in ran.err
    assert "Traceback" not in ran.err
    monkeypatch.setenv("ARCHDSL_TRACEBACK", "1")
    assert "Traceback" in shell("check", "-e", GOOD).err


def test_interrupted(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("archdsl.cli.check.check", interrupted)
    ran = shell("check", "-e", GOOD)
    assert (ran.status, ran.err) == (130, "")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes differ there")
def test_a_reader_that_goes_away() -> None:
    command = [sys.executable, "-m", "archdsl", "summary", "-e"]
    command += ["input 3x8x8 | relu x100000", "--expand"]
    # Python's unbuffered streams do not notice.
    env = {key: v for key, v in os.environ.items() if key != "PYTHONUNBUFFERED"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("arguments", [[], ["-o", "/dev/full"]])
def test_a_full_disk(arguments: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "archdsl", "compile", "-e", GOOD, *arguments],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
