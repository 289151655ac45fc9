"""Colours and sizes of the pictures."""

from __future__ import annotations

from typing import Literal, NamedTuple

from archdsl.backends.diagram.palette import COLOURS, PLAIN

Theme = Literal["light", "dark", "auto"]

# On boxes the text is dark in both themes: the fills are light in both.
INK = "#222222"

FONT = 11.0
SMALL = 10.0
LINE = 13.0


class Palette(NamedTuple):
    """What changes between light and dark."""

    paper: str
    text: str
    line: str
    frame: str


LIGHT = Palette("#FFFFFF", "#222222", "#444444", "#888888")
DARK = Palette("#16181D", "#EEEEEE", "#BBBBBB", "#8A8F98")


def css(theme: Theme) -> str:
    """The style sheet of a picture."""
    rules = [
        f"text{{font:{FONT:g}px Helvetica,Arial,sans-serif;text-anchor:middle;"
        f"fill:{INK}}}",
        f"rect{{stroke:{LIGHT.line};fill:{PLAIN}}}",
        ".l,.t,.k{stroke:none}",
        f".l{{font-size:{SMALL:g}px}}",
        ".t{font-weight:bold}",
        f".k{{font-size:{SMALL:g}px;text-anchor:start}}",
        "path{fill:none}",
        ".s{stroke-dasharray:5 3}",
        ".d,.x{stroke-dasharray:2 3}",
        ".f,.g{fill:none}",
        ".g{stroke-width:2}",
    ]
    rules += [f".{look[:3]}{{fill:{fill}}}" for look, fill in COLOURS.items()]
    rules.append(_palette(DARK if theme == "dark" else LIGHT))
    if theme == "auto":
        rules.append(f"@media(prefers-color-scheme:dark){{{_palette(DARK)}}}")
    return "".join(rules)


def _palette(palette: Palette) -> str:
    return (
        f".p{{fill:{palette.paper};stroke:none}}.l,.t,.k{{fill:{palette.text}}}"
        f"path{{stroke:{palette.line}}}.f,.g{{stroke:{palette.frame}}}"
        f"#a path,.o{{fill:{palette.line};stroke:none}}"
    )
