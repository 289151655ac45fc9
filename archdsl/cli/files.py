"""Specs that come in, with what can be wrong with them, and texts that go out."""

from __future__ import annotations

import os
import sys

from archdsl.cli.console import CommandError
from archdsl.diagnostics import Diagnostic
from archdsl.source import Source, Span

# No network needs more; the text of ResNet-1202 takes 1 KiB.
MAX_BYTES = 2**20

STDIN = "-"
STDIN_NAME = "<stdin>"
TEXT_NAME = "<text>"


def read(path: str, name: str | None = None) -> tuple[Source | None, list[Diagnostic]]:
    """The text of a file, `-` being standard input, or why there is none.

    `name` is shown instead of the path. A byte order mark is dropped.
    """
    shown = name or (STDIN_NAME if path == STDIN else path)
    try:
        if path == STDIN:
            if sys.stdin is None:
                raise OSError("standard input is closed")
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with open(path, "rb") as file:
                data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as problem:
        return None, [_unreadable(path, problem)]
    return decoded(data, shown)


def decoded(data: bytes, name: str) -> tuple[Source | None, list[Diagnostic]]:
    """Bytes as a source text: UTF-8, of limited size, without zero bytes."""
    if len(data) > MAX_BYTES:
        return None, [
            Diagnostic(
                "E0704",
                f"{name} is larger than {MAX_BYTES // 2**20} MiB",
                None,
                hints=("is it a spec? A repeat is written `{…} x1000`",),
            )
        ]
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        message = f"{name} is UTF-16, not UTF-8"
        return None, [Diagnostic("E0104", message, None, hints=("save it as UTF-8",))]
    zero = data.find(b"\0")
    if zero >= 0:
        line = data.count(b"\n", 0, zero) + 1
        message = f"{name} is no text: byte {zero}, in line {line}, is zero"
        return None, [Diagnostic("E0104", message, None)]
    try:
        return Source(name, data.decode("utf-8-sig")), []
    except UnicodeDecodeError as problem:
        # The offset that it tells leaves the byte order mark out.
        at = problem.start + 3 * data.startswith(b"\xef\xbb\xbf")
        before = data[:at].decode("utf-8-sig")
        source = Source(name, data.decode("utf-8-sig", "replace"))
        span = Span(source, len(before), len(before) + 1)
        message = f"byte {at}, 0x{data[at]:02x}, is not valid UTF-8"
        return None, [Diagnostic("E0104", message, span, hints=("save it as UTF-8",))]


def _unreadable(path: str, problem: OSError | ValueError) -> Diagnostic:
    if isinstance(problem, FileNotFoundError):
        return Diagnostic(
            "E0801", f"there is no file `{path}`", None, hints=_similar(path)
        )
    if isinstance(problem, IsADirectoryError) or os.path.isdir(path):
        hint = f"give its files: {os.path.join(path, '*.arch')}"
        message = f"`{path}` is a directory"
        return Diagnostic("E0802", message, None, hints=(hint,))
    reason = problem.strerror if isinstance(problem, OSError) else None
    message = f"`{path}` cannot be read: {reason or problem}"
    return Diagnostic("E0802", message, None)


def _similar(path: str) -> tuple[str, ...]:
    from archdsl.diagnostics.suggest import nearest

    folder, name = os.path.split(path)
    if folder and not os.path.isdir(folder):
        return (f"there is no directory `{folder}`",)
    try:
        known = [
            other for other in os.listdir(folder or ".") if other.endswith(".arch")
        ]
    except OSError:
        return ()
    near = nearest(name, known) or nearest(f"{name}.arch", known)
    return (f"did you mean `{os.path.join(folder, near)}`?",) if near else ()


def write(path: str, data: bytes, source: str | None = None) -> None:
    """Write a file whole or not at all; missing directories are made.

    `source` is the file that the data was made from, which is not overwritten.
    Raises CommandError.
    """
    target = os.path.realpath(path)
    try:
        if os.path.isdir(target):
            raise CommandError(f"`{path}` is a directory; name a file in it")
        if source is not None and _are_same(target, source):
            raise CommandError(f"`{path}` is the spec itself; name another file")
        if os.path.exists(target) and not os.path.isfile(target):
            # A pipe or device cannot be replaced.
            with open(target, "wb") as file:
                file.write(data)
            return
        if os.path.isfile(target) and not os.access(target, os.W_OK):
            raise CommandError(f"`{path}` cannot be written: it is read-only")
        folder = os.path.dirname(target)
        os.makedirs(folder, exist_ok=True)
        _replace(target, folder, data)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else None
        raise CommandError(
            f"`{path}` cannot be written: {reason or problem}"
        ) from problem


def _are_same(a: str, b: str) -> bool:
    return os.path.exists(a) and os.path.exists(b) and os.path.samefile(a, b)


def _replace(target: str, folder: str, data: bytes) -> None:
    # Not the name itself with an ending: that may be too long.
    unfinished = os.path.join(folder, f".archdsl-{os.getpid()}.tmp")
    try:
        with open(unfinished, "wb") as file:
            if os.path.exists(target):
                os.chmod(unfinished, os.stat(target).st_mode & 0o7777)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, target)
    except BaseException:
        if os.path.lexists(unfinished):
            os.unlink(unfinished)
        raise
