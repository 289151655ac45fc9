"""Specs as they were in a revision of a git repository: `HEAD~1:net.arch`.

Git is asked for the content of a file and for nothing else; no filter of it runs.
"""

from __future__ import annotations

import os
import subprocess
import sys

from archdsl.cli.console import CommandError
from archdsl.cli.files import spec_limits
from archdsl.diagnostics import Diagnostic
from archdsl.reading import MAX_BYTES, Place, SpecFiles, UseError, decoded
from archdsl.source import Source


def is_revision(name: str) -> bool:
    """Whether a name is that of a file in a revision, and not of a file."""
    revision, colon, path = name.partition(":")
    if not colon or not revision or not path or os.path.lexists(name):
        return False
    # `C:\net.arch` is a path on Windows.
    return len(revision) > 1 or sys.platform != "win32"


def read_revision(name: str) -> tuple[Source | None, list[Diagnostic]]:
    """The text of a file in a revision, or why there is none. Raises CommandError."""
    revision, _, path = name.partition(":")
    try:
        data = _content(revision, path)
    except _GitError as problem:
        raise CommandError(f"`{name}` cannot be read: {problem}") from None
    return decoded(data, name, spec_limits())


class RevisionFiles(SpecFiles):
    """The files that a spec of a revision may use, as they were in it."""

    def __init__(self, name: str) -> None:
        self._revision, _, path = name.partition(":")
        super().__init__(path, name)

    def own(self) -> Place:
        """The place of the spec itself."""
        return super().own()._replace(shown=self._shown)

    def read(self, place: Place) -> bytes:
        """At most `MAX_BYTES` + 1 bytes of a file. Raises UseError."""
        try:
            return _content(self._revision, place.path)
        except _GitError as problem:
            raise UseError(f"`{place.shown}` cannot be read: {problem}") from None


class _GitError(Exception):
    pass


def _content(revision: str, path: str) -> bytes:
    """What a file held in a revision. Raises _GitError."""
    if revision.startswith("-"):
        raise _GitError(f"`{revision}` is no revision")
    # A path is one from the current folder, as everywhere; git's is one from the top.
    folder, name = os.path.split(os.path.normpath(path))
    if not os.path.isdir(folder or "."):
        folder, name = "", os.path.normpath(path)
    command = ["git", "cat-file", "blob", f"{revision}:./{name.replace(os.sep, '/')}"]
    try:
        with subprocess.Popen(
            command,
            cwd=folder or None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as git:
            assert git.stdout is not None
            assert git.stderr is not None
            data = git.stdout.read(MAX_BYTES + 1)
            if len(data) > MAX_BYTES:
                git.kill()
                return data
            told = git.stderr.read().decode(errors="replace")
    except FileNotFoundError:
        raise _GitError("git is not installed") from None
    except OSError as problem:
        raise _GitError(problem.strerror or str(problem)) from None
    if git.returncode:
        raise _GitError(told.partition("\n")[0].removeprefix("fatal: ") or "git failed")
    return data
