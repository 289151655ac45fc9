"""A file is written whole or not at all, whatever happens on the way."""

from __future__ import annotations

import ast
import ctypes
import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from archdsl.cli import files
from archdsl.cli.main import main

SPEC = "input 3x8x8|conv 4 3|relu\n"
OLD = "what was there before\n"
# What a command asks of the system while it writes, as archdsl.cli.files has it.
STEPS = ("open", "chmod", "write", "fsync", "close", "replace")

# Runs a command, and is killed by itself at one step, before it or half way.
KILLED = f"""
import os, signal, sys
from archdsl.cli import files
from archdsl.cli.main import main

left = int(sys.argv[1])
half = sys.argv[2] == "half"

class Watched:
    def __getattr__(self, name):
        found = getattr(os, name)
        if name not in {STEPS!r}:
            return found
        def step(*args, **kwargs):
            global left
            left -= 1
            if left < 0:
                if half and name == "write":
                    os.write(args[0], args[1][: len(args[1]) // 2])
                elif half:
                    found(*args, **kwargs)
                os.kill(os.getpid(), signal.SIGKILL)
            return found(*args, **kwargs)
        return step

files.os = Watched()
sys.exit(main(sys.argv[3:]))
"""

COMMANDS = {
    "compile": "compile net.arch -o target",
    "draw": "draw net.arch -f svg -o target",
    "fmt": "fmt target",
    "names": "names net.arch --lock target --update",
    "init": "init target",
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("net.arch").write_text(SPEC)
    return tmp_path


def before(command: str) -> str | None:
    """What the target holds before a command; None if there is none."""
    return {"fmt": SPEC, "init": None, "names": "# archdsl names of x\n"}.get(
        command, OLD
    )


def put(text: str | None) -> None:
    target = Path("target")
    target.unlink(missing_ok=True)
    if text is not None:
        target.write_text(text)
        target.chmod(0o640)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are others")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_kill_leaves_the_old_file_or_the_new(command: str, place: Path) -> None:
    put(before(command))
    assert main(COMMANDS[command].split()) in (0, 1)
    new = Path("target").read_text(encoding="utf-8")
    assert new != before(command)
    seen = set()
    words = COMMANDS[command].split()
    for how in ("before", "half"):
        for step in range(40):
            put(before(command))
            done = subprocess.run(
                [sys.executable, "-c", KILLED, str(step), how, *words],
                capture_output=True,
                check=False,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            )
            found = Path("target")
            text = found.read_text(encoding="utf-8") if found.exists() else None
            assert text in (before(command), new)
            if text is not None and before(command) is not None:
                assert stat.S_IMODE(found.stat().st_mode) == 0o640
            seen.add(text)
            if done.returncode != -signal.SIGKILL:
                assert done.returncode in (0, 1), done.stderr
                break
            for left in place.glob(".archdsl-*.tmp"):
                left.unlink()
        else:
            raise AssertionError("a command takes too many steps")
        assert step >= len(STEPS) - 1
    assert seen == {before(command), new}


class Failing:
    """The system, of which one call fails."""

    def __init__(self, name: str, number: int) -> None:
        self._name = name
        self._number = number

    def __getattr__(self, name: str) -> object:
        if name != self._name:
            return getattr(os, name)

        def fail(*args: object) -> None:
            raise OSError(self._number, os.strerror(self._number))

        return fail


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "call",
    [
        ("write", errno.ENOSPC),
        ("fsync", errno.EIO),
        ("replace", errno.EACCES),
        ("open", errno.EROFS),
    ],
    ids=lambda call: call[0],
)
def test_a_failure_leaves_what_was_there(
    command: str,
    call: tuple[str, int],
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put(before(command))
    monkeypatch.setattr(files, "os", Failing(*call))
    assert main(COMMANDS[command].split()) == 2
    told = capsys.readouterr().err
    assert f"`target` cannot be written: {os.strerror(call[1])}" in told
    assert "Traceback" not in told
    found = Path("target")
    assert (found.read_text() if found.exists() else None) == before(command)
    assert sorted(path.name for path in place.iterdir()) == sorted(
        ["net.arch", *(["target"] if before(command) is not None else [])]
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("command", ["compile", "draw -f dot", "draw -f svg"])
def test_a_full_device(
    command: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command.split(), "net.arch", "-o", "/dev/full"]) == 2
    told = capsys.readouterr().err
    assert told.endswith(
        f"`/dev/full` cannot be written: {os.strerror(errno.ENOSPC)}\n"
    )


# Linux's prctl: of the rights that root has, drop one; here to write anything.
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1


def _as_others() -> None:
    """Root, too, may then write only what the modes of files allow."""
    libc = ctypes.CDLL(None)
    if libc.prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0):
        os._exit(99)


@pytest.mark.skipif(sys.platform == "win32", reason="modes are others")
@pytest.mark.parametrize("what", ["file", "directory"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_read_only_target(command: str, what: str, place: Path) -> None:
    root = os.geteuid() == 0
    if root and sys.platform != "linux":
        pytest.skip("root may write what is read-only")
    old = before(command)
    folder = Path("shut")
    folder.mkdir()
    target = folder / "target"
    if old is not None:
        target.write_text(old)
        target.chmod(0o444 if what == "file" else 0o644)
    elif what == "file":
        pytest.skip("the command makes a new file")
    folder.chmod(0o755 if what == "file" else 0o555)
    words = COMMANDS[command].replace("target", str(target)).split()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "archdsl", *words],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            preexec_fn=_as_others if root else None,
        )
        if done.returncode == 99:
            pytest.skip("root cannot drop its rights here")
        assert done.returncode == 2
        why = {"file": "it is read-only", "directory": os.strerror(errno.EACCES)}[what]
        assert done.stderr.endswith(f"`{target}` cannot be written: {why}\n")
        assert "Traceback" not in done.stderr
        assert (target.read_text() if target.exists() else None) == old
        assert list(folder.iterdir()) == ([target] if old is not None else [])
    finally:
        folder.chmod(0o755)


WRONG = ("directory", "circle")


@pytest.mark.skipif(sys.platform == "win32", reason="modes and links are others")
@pytest.mark.parametrize("what", WRONG)
def test_what_is_not_written(
    what: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if what == "directory":
        Path("target").mkdir()
    else:
        Path("target").symlink_to("target")
    assert main(["compile", "net.arch", "-o", "target"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("archdsl compile: `target` ")
    assert what in told or what == "circle"


@pytest.mark.skipif(sys.platform == "win32", reason="links are others")
def test_a_link_stays_and_its_file_is_replaced(place: Path) -> None:
    Path("inner").mkdir()
    Path("inner/real").write_text(OLD)
    Path("inner/real").chmod(0o600)
    Path("target").symlink_to("inner/real")
    Path("ahead").symlink_to("inner/new")
    for name in ("target", "ahead"):
        assert main(["compile", "net.arch", "-o", name]) == 0
        assert Path(name).is_symlink()
        assert "class" in Path(name).read_text()
    assert stat.S_IMODE(Path("inner/real").stat().st_mode) == 0o600
    # A new file has the mode that any program would give it.
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(Path("inner/new").stat().st_mode) == 0o666 & ~mask
    assert sorted(path.name for path in Path("inner").iterdir()) == ["new", "real"]


def writes(node: ast.AST) -> bool:
    """Whether a call opens a file for writing, or writes one."""
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    name = (
        called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    )
    if name in ("write_text", "write_bytes", "NamedTemporaryFile", "mkstemp"):
        return True
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    modes = [x.value for x in given if isinstance(x, ast.Constant)]
    plain = name == "open" and any(set(str(mode)) & set("wax+") for mode in modes)
    return plain or ast.unparse(called) == "os.open"


def test_every_command_writes_in_one_way() -> None:
    """Nothing else opens a file to write, but to drop output and to make tables."""
    root = Path(files.__file__).parents[1]
    found = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if any(map(writes, ast.walk(ast.parse(path.read_text(encoding="utf-8")))))
    }
    assert found == {"cli/files.py", "cli/main.py", "syntax/tables.py"}
