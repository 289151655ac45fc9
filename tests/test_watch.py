"""`--watch`: a command that goes on, seen from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

import pytest
from shell import Shell

ROOT = Path(__file__).resolve().parent.parent
GOOD = "input 3x8x8 | conv 4x3x3\n"
WRONG = "input 3x8x8 | conv 4x9x9\n"
# A machine with much to do is slow.
PATIENCE = 60.0

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there"
)


def _heed_interrupts() -> None:
    """What runs in the background of a shell begins deaf to them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Watching:
    """A command that watches, and what it has printed since somebody looked."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        paths = (str(ROOT), os.environ.get("PYTHONPATH", ""))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "archdsl", *arguments, "--watch"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            preexec_fn=_heed_interrupts,
        )
        self._lines: Queue[str] = Queue()
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def round(self) -> str:
        """All that is printed until the command waits again."""
        found = ""
        end = time.monotonic() + PATIENCE
        while not found.endswith("Ctrl-C ends\n"):
            try:
                found += self._lines.get(timeout=max(0, end - time.monotonic()))
            except Empty:
                raise AssertionError(f"nothing more than {found!r}") from None
        return found

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.arch").write_text(GOOD, encoding="utf-8")
    return tmp_path


@pytest.fixture
def started(folder: Path) -> Iterator[list[Watching]]:
    found: list[Watching] = []
    yield found
    for each in found:
        each.process.kill()
        each.process.wait()


def test_check_again_after_each_change(folder: Path, started: list[Watching]) -> None:
    watching = Watching(folder, "check", "a.arch")
    started.append(watching)
    assert "ok: a.arch: 1 net\n" in watching.round()
    spec = folder / "a.arch"
    spec.write_text(WRONG, encoding="utf-8")
    assert "error[E0302]" in watching.round()
    # Editors write a new file and move it there, or leave none for a moment.
    other = folder / "a.tmp"
    other.write_text(GOOD, encoding="utf-8")
    spec.unlink()
    time.sleep(0.1)
    other.rename(spec)
    assert "ok: a.arch: 1 net\n" in watching.round()
    # They may empty a file before they write it.
    spec.write_text("", encoding="utf-8")
    time.sleep(0.2)
    spec.write_text(GOOD.replace("4x3x3", "4x3x3 | relu"), encoding="utf-8")
    said = watching.round()
    assert "ok: a.arch: 1 net\n" in said
    assert "E0105" not in said
    spec.unlink()
    assert "error[E0801]" in watching.round()
    spec.write_text(GOOD, encoding="utf-8")
    assert "ok: a.arch: 1 net\n" in watching.round()
    assert watching.end() == 130


def test_files_that_a_spec_uses_are_watched(
    folder: Path, started: list[Watching]
) -> None:
    (folder / "a.arch").write_text('use "b.arch"\ninput 3 | unit\n', encoding="utf-8")
    watching = Watching(folder, "check", "a.arch")
    started.append(watching)
    assert "there is no file `b.arch`" in watching.round()
    used = folder / "b.arch"
    used.write_text("block unit {\n  fc 3\n}\n", encoding="utf-8")
    said = watching.round()
    assert "ok: a.arch: 1 net\n" in said
    assert "watching 2 files" in said
    used.write_text("block unit {\n  fcc 3\n}\n", encoding="utf-8")
    assert "E0201" in watching.round()
    assert watching.end() == 130


def test_compile_and_draw_write_again(folder: Path, started: list[Watching]) -> None:
    for command, name, sign in (
        ("compile", "n.py", "nn.Conv2d(3, 4, 5)"),
        ("draw", "n.svg", "conv 5×5"),
    ):
        (folder / "a.arch").write_text(GOOD, encoding="utf-8")
        watching = Watching(folder, command, "a.arch", "-o", name)
        started.append(watching)
        watching.round()
        made = folder / name
        assert sign not in made.read_text(encoding="utf-8")
        (folder / "a.arch").write_text("input 3x8x8 | conv 4x5x5\n", encoding="utf-8")
        watching.round()
        assert sign in made.read_text(encoding="utf-8")
        (folder / "a.arch").write_text("input 3x8x8 |", encoding="utf-8")
        assert "E0102" in watching.round()
        assert sign in made.read_text(encoding="utf-8")
        assert watching.end() == 130


@pytest.mark.parametrize("arguments", [("-",), ("-e", GOOD), ()])
def test_only_files_change(shell: Shell, arguments: tuple[str, ...]) -> None:
    for command in ("check", "draw", "compile"):
        ran = shell(command, *arguments, "--watch")
        assert (ran.status, ran.out) == (2, "")
        assert "--watch needs files" in ran.err


def test_a_watch_needs_no_torch() -> None:
    code = "import sys, archdsl.cli.watch, archdsl.cli.check\nprint(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    modules = done.stdout.split()
    assert "archdsl.cli.watch" in modules
    assert "torch" not in modules
