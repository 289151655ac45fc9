"""Takes the picture of the pane in docs/editors.md, with Chromium.

python editors/vscode/test/screenshot.py writes docs/pictures/vscode-diagram.png; with a
folder it writes the pane there in some states, light and dark, to be looked at.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from archdsl.editor.analysis import analyse
from archdsl.editor.picture import Asked, picture

ROOT = Path(__file__).resolve().parents[3]
RESNET, ALEXNET = "specs/classics/resnet.arch", "specs/classics/alexnet.arch"


def shown(spec: str, change: tuple[str, str] = ("", ""), **asked: object) -> object:
    """What the pane is told of a net of a spec in which something was changed."""
    path = ROOT / spec
    text = path.read_text(encoding="utf-8").replace(*change)
    made = picture(analyse(path.name, text), Asked()._replace(**asked))
    place = {"uri": path.as_uri(), "name": path.name}
    return {"type": "picture", **place, **made._asdict()}


def states(theme: str) -> dict[str, object]:
    """The pane in some states: what it is told, its size, its state."""

    def state(*messages: object, zoom: int = 0, **kept: object) -> object:
        return {
            "theme": theme,
            "size": [1000, 760],
            "zoom": zoom,
            "kept": {"view": "TB", "depth": "", "mistakes": False, **kept},
            "messages": messages,
        }

    net = {"net": "resnet34", "theme": theme}
    good = shown(RESNET, **net)
    typo = ("64x7x7 s2 | bn | relu", "64x7x7 s2 | bn | rleu")
    row = {"net": "alexnet_2012", "view": "volumes", "theme": theme}
    return {
        f"diagram-{theme}": state(good),
        f"near-{theme}": state(good, zoom=4),
        f"volumes-{theme}": state(shown(ALEXNET, **row), view="volumes"),
        f"kept-{theme}": state(good, shown(RESNET, typo, **net)),
        f"mistake-{theme}": state(
            good, shown(RESNET, typo, mistakes=True, **net), mistakes=True
        ),
    }


def main() -> None:
    """Write the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder)
        wanted = states("light") | states("dark")
        if len(sys.argv) == 1:
            wanted = {"diagram-dark": wanted["diagram-dark"]}
        told = Path(folder) / "states.json"
        told.write_text(json.dumps(wanted), encoding="utf-8")
        page = Path(__file__).with_name("page.js")
        subprocess.run(["node", str(page), str(told), str(out)], check=True)
        if len(sys.argv) == 1:
            made = (out / "diagram-dark.png").read_bytes()
            (ROOT / "docs" / "pictures" / "vscode-diagram.png").write_bytes(made)


if __name__ == "__main__":
    main()
