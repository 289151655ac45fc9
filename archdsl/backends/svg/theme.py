"""Colours and sizes of the pictures."""

from __future__ import annotations

from typing import Literal, NamedTuple

from archdsl.backends.diagram.palette import (
    ADDED,
    CHANGED,
    COLOURS,
    FAINT,
    FAINT_TEXT,
    PLAIN,
    UNKNOWN,
    WRONG,
)

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
    wrong: str
    added: str
    changed: str


# On dark paper the red is that of Tol's bright scheme, which is lighter, and so are the
# colours of what is new and of what has changed.
LIGHT = Palette(
    *("#FFFFFF", "#222222", "#444444", "#888888", WRONG), added=ADDED, changed=CHANGED
)
DARK = Palette(
    *("#16181D", "#EEEEEE", "#BBBBBB", "#8A8F98", "#EE6677"),
    added="#66CC77",
    changed="#FFAA55",
)


def css(theme: Theme, failed: bool = False, marked: bool = False) -> str:
    """The style sheet of a picture, also for a net that failed or was compared."""
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
    if failed:
        rules.append(_failed(theme))
    if marked:
        rules.append("rect.m{stroke-width:3}rect.m.r{stroke-dasharray:6 3}")
        rules.append(_marks(DARK if theme == "dark" else LIGHT))
        if theme == "auto":
            rules.append(f"@media(prefers-color-scheme:dark){{{_marks(DARK)}}}")
    return "".join(rules)


def _marks(palette: Palette) -> str:
    """What has become of something, where two nets are compared."""
    return (
        f"rect.m.a{{stroke:{palette.added}}}rect.m.r{{stroke:{palette.wrong}}}"
        f"rect.m.c{{stroke:{palette.changed}}}"
    )


def _failed(theme: Theme) -> str:
    """How what is wrong looks, and what was not checked."""
    rules = (
        f"rect.w{{fill:{PLAIN};stroke-width:3}}path.w{{stroke-width:2}}"
        f".l.w{{font-weight:bold}}"
        f"rect.u{{fill:{UNKNOWN};stroke:{FAINT}}}text.u{{fill:{FAINT_TEXT}}}"
    )
    rules += _wrong(DARK if theme == "dark" else LIGHT)
    if theme == "auto":
        rules += f"@media(prefers-color-scheme:dark){{{_wrong(DARK)}}}"
    return rules


def _wrong(palette: Palette) -> str:
    return f"rect.w,path.w{{stroke:{palette.wrong}}}.l.w{{fill:{palette.wrong}}}"


def _palette(palette: Palette) -> str:
    return (
        f".p{{fill:{palette.paper};stroke:none}}.l,.t,.k{{fill:{palette.text}}}"
        f"path{{stroke:{palette.line}}}.f,.g{{stroke:{palette.frame}}}"
        f"#a path,.o{{fill:{palette.line};stroke:none}}"
    )
