"""Volumes to SVG text."""

from __future__ import annotations

from archdsl.backends.diagram.palette import COLOURS, PLAIN, UNKNOWN
from archdsl.backends.svg.markup import escape, number
from archdsl.backends.svg.theme import DARK, LIGHT, Palette, Theme
from archdsl.backends.volumes.scene import SMALL, Face, Line, Point, Scene, Shade, Text
from archdsl.backends.volumes.spine import Kind

# How much of a face's colour is left: light falls from above.
_LIGHT: dict[Shade, float] = {"front": 1.0, "top": 0.92, "side": 0.82}


def shaded(kind: Kind, shade: Shade) -> str:
    """The colour of a face, as `#77AADD`."""
    if kind == "input" or kind == "wrong":
        fill = PLAIN
    elif kind == "unchecked":
        fill = UNKNOWN
    else:
        # No volume has the colour of layers that change no size.
        fill = COLOURS["regularisation" if kind == "closed" else kind]
    parts = (int(fill[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(part * _LIGHT[shade]):02X}" for part in parts)


def svg(made: Scene, theme: Theme, scale: float) -> str:
    """The picture as SVG text, `scale` times its natural size."""
    wide, high = number(made.wide), number(made.high)
    faces = [face for body in made.bodies for face in body.faces()] + made.swatches
    names: dict[tuple[Kind, Shade], str] = {}
    for face in faces:
        names.setdefault((face.kind, face.shade), f"c{len(names)}")
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(made.wide * scale)}"'
        f' height="{number(made.high * scale)}" viewBox="0 0 {wide} {high}"'
        f' role="img" aria-labelledby="t e">\n'
        f'<title id="t">{escape(made.name)}</title>'
        f'<desc id="e">{escape(made.description)}</desc>'
        f"\n<style>{_css(theme, names)}</style>\n"
        f'<rect class="p" width="{wide}" height="{high}"/>\n'
    ]
    for body in made.bodies:
        tip = escape(f"{body.volume.tooltip} {body.volume.text}".replace("\n", ", "))
        drawn = "".join(_face(face, names) for face in body.faces())
        out.append(f"<g><title>{tip}</title>{drawn}</g>\n")
    out += [_face(face, names) + "\n" for face in made.swatches]
    out += [_line(line) for line in made.lines]
    out += [_text(text) for text in made.texts]
    out.append("</svg>\n")
    return "".join(out)


def _css(theme: Theme, names: dict[tuple[Kind, Shade], str]) -> str:
    rules = [
        f"text{{font:{SMALL:g}px Helvetica,Arial,sans-serif;text-anchor:middle}}",
        "path{stroke-linejoin:round}",
        f".v{{stroke:{LIGHT.line};stroke-width:.8}}.i{{stroke:{LIGHT.line}}}",
        ".l{fill:none}.d{stroke-dasharray:5 3}",
        ".b{font-weight:bold}.s{text-anchor:start}",
    ]
    rules += [f".{name}{{fill:{shaded(*key)}}}" for key, name in names.items()]
    rules.append(_palette(DARK if theme == "dark" else LIGHT))
    if theme == "auto":
        rules.append(f"@media(prefers-color-scheme:dark){{{_palette(DARK)}}}")
    return "".join(rules)


def _palette(palette: Palette) -> str:
    return (
        f".p{{fill:{palette.paper}}}text{{fill:{palette.text}}}"
        f".l{{stroke:{palette.line}}}.o{{fill:{palette.line}}}"
        f".w{{fill:{palette.wrong}}}.r,.e{{stroke:{palette.wrong};stroke-width:2}}"
    )


def _face(face: Face, names: dict[tuple[Kind, Shade], str]) -> str:
    way = "M" + "L".join(_point(point) for point in face.points) + "z"
    looks = "v e " if face.kind == "wrong" else "v "
    return f'<path class="{looks}{names[face.kind, face.shade]}" d="{way}"/>'


def _line(line: Line) -> str:
    points, drawn = line.points, ""
    if line.leaves is not None:
        # On a body, which is light in both themes, it is dark.
        begin, leaves = points[0], (line.leaves, points[0][1])
        drawn = f'<path class="i" d="M{_point(begin)}L{_point(leaves)}"/>'
        points = (leaves, *points[1:])
    way = "M" + "L".join(_point(point) for point in points)
    looks = "l" + " d" * line.dashed + " r" * line.wrong
    drawn += f'<path class="{looks}" d="{way}"/>'
    if line.arrow:
        drawn += f'<path class="o" d="{_arrow(line.points[-2], line.points[-1])}"/>'
    return drawn + "\n"


def _arrow(before: Point, end: Point) -> str:
    (x0, y0), (x, y) = before, end
    way = f"M{_point(end)}"
    if abs(x - x0) > abs(y - y0):
        return way + ("l-6-3v6z" if x > x0 else "l6-3v6z")
    return way + ("l-3-6h6z" if y > y0 else "l-3 6h6z")


def _text(text: Text) -> str:
    looks = " ".join(
        ["b"] * text.bold + ["s"] * (text.anchor == "start") + ["w"] * text.wrong
    )
    looks = f' class="{looks}"' if looks else ""
    size = f' style="font-size:{text.size:g}px"' if text.size != SMALL else ""
    place = f'x="{number(text.x)}" y="{number(text.y)}"'
    if text.turned:
        place = f'transform="translate({_point((text.x, text.y))}) rotate(-90)"'
        looks = ' class="s"'
    return f"<text{looks}{size} {place}>{escape(text.text)}</text>\n"


def _point(point: Point) -> str:
    return f"{number(point[0])} {number(point[1])}"
