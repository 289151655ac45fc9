"""Specs that come in, with what can be wrong with them, and texts that go out."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from archdsl import limits
from archdsl.cli.console import CommandError
from archdsl.diagnostics import Diagnostic
from archdsl.limits import Limits
from archdsl.reading import MAX_BYTES, SpecFiles, decoded, reason
from archdsl.source import Source

STDIN = "-"
_BINARY = getattr(os, "O_BINARY", 0)
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
    return decoded(data, shown, spec_limits())


def spec_limits() -> Limits:
    """Those of the environment. Raises CommandError."""
    try:
        return limits.parsed(os.environ.get("ARCHDSL_LIMITS", ""))
    except limits.LimitsError as problem:
        raise CommandError(f"ARCHDSL_LIMITS: {problem}") from None


def used_by(path: str | None) -> SpecFiles | None:
    """The files that a spec may use; None if it is no file itself."""
    return SpecFiles(path) if path is not None and path != STDIN else None


def from_text(text: str) -> tuple[Source | None, list[Diagnostic]]:
    """A spec given on the command line."""
    return decoded(text.encode("utf-8", "surrogateescape"), TEXT_NAME, spec_limits())


def _unreadable(path: str, problem: OSError | ValueError) -> Diagnostic:
    if isinstance(problem, FileNotFoundError):
        return Diagnostic(
            "E0801", f"there is no file `{path}`", None, hints=_similar(path)
        )
    if isinstance(problem, IsADirectoryError) or os.path.isdir(path):
        hint = f"give its files: {os.path.join(path, '*.arch')}"
        message = f"`{path}` is a directory"
        return Diagnostic("E0802", message, None, hints=(hint,))
    message = f"`{path}` cannot be read: {reason(problem)}"
    return Diagnostic("E0802", message, None)


def _similar(path: str) -> tuple[str, ...]:
    from archdsl.diagnostics.suggest import nearest

    folder, name = os.path.split(path)
    if not name:
        return ()
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
    if not path:
        raise CommandError("the name of the file to write is empty")
    target = os.path.realpath(path)
    try:
        if os.path.isdir(target):
            raise CommandError(f"`{path}` is a directory; name a file in it")
        if source is not None and _are_same(target, source):
            raise CommandError(f"`{path}` is the spec itself; name another file")
        if os.path.islink(target):
            raise CommandError(f"`{path}` is a link that leads back to itself")
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
        message = f"`{path}` cannot be written: {reason(problem)}"
        raise CommandError(message) from problem


def _are_same(a: str, b: str) -> bool:
    return os.path.exists(a) and os.path.exists(b) and os.path.samefile(a, b)


def _replace(target: str, folder: str, data: bytes) -> None:
    """Put a whole new file in the place of the old one, with its owner and mode."""
    before = os.stat(target) if os.path.exists(target) else None
    # Not the name itself with an ending: that may be too long. Nobody can have put a
    # file or link of this name there.
    unfinished = os.path.join(folder, f".archdsl-{os.urandom(8).hex()}.tmp")
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
    try:
        try:
            if before is not None:
                _like(before, unfinished)
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(file, rest) :]
            os.fsync(file)
        finally:
            os.close(file)
        os.replace(unfinished, target)
    except BaseException:
        if os.path.lexists(unfinished):
            os.unlink(unfinished)
        raise
    _keep(folder)


def _like(before: os.stat_result, path: str) -> None:
    if sys.platform != "win32":
        made = os.stat(path)
        if (made.st_uid, made.st_gid) != (before.st_uid, before.st_gid):
            # Only some may give files away; what others write is theirs.
            with suppress(OSError):
                os.chown(path, before.st_uid, before.st_gid)
    os.chmod(path, before.st_mode & 0o7777)


def _keep(folder: str) -> None:
    """Have the new name of a file on the disk, where directories can be asked to."""
    if sys.platform != "win32":
        with suppress(OSError):
            opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(opened)
            finally:
                os.close(opened)
