"""The session in Emacs that docs/editors.md shows: colours, a mistake, its mending."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pages import code

ROOT = Path(__file__).resolve().parent.parent
PAGE = "docs/editors.md"
SESSION = ROOT / "editors" / "emacs" / "session.el"
EMACS = shutil.which("emacs")
_HAS_EGLOT = (
    "(progn (require 'package) (package-initialize)"
    " (unless (require 'eglot nil t) (kill-emacs 3)))"
)

pytest.importorskip("pygls")


def emacs(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    assert EMACS is not None
    return subprocess.run(
        [EMACS, "--batch", *arguments],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
        },
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.mark.skipif(EMACS is None, reason="Emacs is not installed")
def test_the_session_is_as_the_page_shows_it(tmp_path: Path) -> None:
    if emacs(tmp_path, "--eval", _HAS_EGLOT).returncode:
        pytest.skip("Emacs has no eglot: it is a part of Emacs 29")
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    text = re.search(r"```arch\n# file: toy.arch\n(.*?)^```$", page, re.S | re.M)
    shown = re.search(r"^## Emacs$.*?^```text\n(.*?)^```$", page, re.S | re.M)
    assert text is not None
    assert shown is not None
    # eglot watches all folders around a file.
    spec = tmp_path / "project" / "toy.arch"
    spec.parent.mkdir()
    spec.write_text(text[1], encoding="utf-8")
    # The settings that the page shows, with the paths of this place.
    loaded, command = code(PAGE, "elisp")
    settings = tmp_path / "init.el"
    settings.write_text(
        loaded.replace("/path/to/archdsl", str(ROOT))
        + command.replace(
            '"/path/to/venv/bin/archdsl"', f'"{sys.executable}" "-m" "archdsl"'
        ),
        encoding="utf-8",
    )
    done = emacs(tmp_path, "-l", str(settings), "-l", str(SESSION), str(spec))
    assert done.returncode == 0, done.stderr
    assert done.stdout == shown[1]


@pytest.mark.skipif(EMACS is None, reason="Emacs is not installed")
def test_the_mode_compiles_without_warnings(tmp_path: Path) -> None:
    file = str(shutil.copy(SESSION.with_name("arch-mode.el"), tmp_path))
    done = emacs(tmp_path, "-Q", "-f", "batch-byte-compile", file)
    assert (done.returncode, done.stderr) == (0, "")
