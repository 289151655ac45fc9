"""The session in Neovim that docs/editors.md shows: a mistake, its mending, shapes."""

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
SESSION = ROOT / "editors" / "neovim" / "session.lua"
NEOVIM = shutil.which("nvim")

pytest.importorskip("pygls")

_SHOWN = re.compile(
    r"```arch\n# file: toy.arch\n(.*?)^```\n\n```text\n(.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@pytest.mark.skipif(NEOVIM is None, reason="Neovim is not installed")
def test_the_session_is_as_the_page_shows_it(tmp_path: Path) -> None:
    assert NEOVIM is not None
    found = _SHOWN.search((ROOT / PAGE).read_text(encoding="utf-8"))
    assert found is not None
    text, expected = found.groups()
    spec = tmp_path / "toy.arch"
    spec.write_text(text, encoding="utf-8")
    # The settings that the page shows, with the paths of this place.
    loaded, command = code(PAGE, "lua")
    settings = tmp_path / "init.lua"
    settings.write_text(
        command.replace(
            '"/path/to/venv/bin/archdsl"', f'"{sys.executable}", "-m", "archdsl"'
        )
        + loaded.replace("/path/to/archdsl", str(ROOT)),
        encoding="utf-8",
    )
    done = subprocess.run(
        [
            *(NEOVIM, "--headless", "-u", str(settings)),
            *("-c", f"luafile {SESSION}", str(spec)),
        ],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HOME": str(tmp_path),
        },
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    said = [line.rstrip() for line in (done.stdout + done.stderr).splitlines()]
    assert done.returncode == 0, said
    assert "findings left 0" in said
    # Newer editors draw the shapes themselves.
    shown = [line for line in said if line and not line.startswith("drawn")]
    assert shown == [
        line for line in expected.splitlines() if not line.startswith("drawn")
    ]
