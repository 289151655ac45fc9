"""Commands run in a folder of their own, inside the test's process."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from archdsl.cli.main import main


class Ran:
    """How a command ended and what it printed."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status = status
        self.out = out
        self.err = err


class Shell:
    """Runs commands in a folder of their own."""

    def __init__(
        self,
        folder: Path,
        capture: pytest.CaptureFixture[str],
        patch: pytest.MonkeyPatch,
    ) -> None:
        self.folder = folder
        self._capture = capture
        self._patch = patch

    def __call__(self, *argv: str, stdin: str | bytes = b"") -> Ran:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        self._patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        status = main(list(argv))
        out, err = self._capture.readouterr()
        return Ran(status, out, err)

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(data)
        return path
