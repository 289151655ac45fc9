"""Volumes to a LaTeX document of its own, which any LaTeX program draws."""

from __future__ import annotations

from archdsl.backends.svg.markup import number
from archdsl.backends.svg.theme import LIGHT
from archdsl.backends.volumes.markup import shaded
from archdsl.backends.volumes.scene import Face, Line, Point, Scene, Shade, Text
from archdsl.backends.volumes.spine import Kind

# Points of TeX in a pixel of CSS, of which there are 96 in an inch.
_POINT = 72.27 / 96

_HEAD = """\
% {title}
% Made by archdsl, for pdflatex, xelatex or lualatex.
\\documentclass[border=2pt]{{standalone}}
\\usepackage[T1]{{fontenc}}
\\usepackage[utf8]{{inputenc}}
\\usepackage{{helvet}}
\\usepackage{{amssymb}}
\\usepackage{{tikz}}
"""

# Letters that TeX reads as commands, and signs that its fonts have under a name.
_ESCAPED = {
    "\\": "\\textbackslash{}",
    "{": "\\{",
    "}": "\\}",
    "$": "\\$",
    "&": "\\&",
    "#": "\\#",
    "%": "\\%",
    "_": "\\_",
    "^": "\\textasciicircum{}",
    "~": "\\textasciitilde{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    '"': "\\textquotedbl{}",
    "'": "\\textquotesingle{}",
    "`": "\\textasciigrave{}",
    "-": "{-}",
    "×": "$\\times$",
    "·": "$\\cdot$",
    "−": "$-$",
    "–": "\\textendash{}",
    "…": "\\ldots{}",
    "⌈": "$\\lceil$",
    "⌉": "$\\rceil$",
    "⌊": "$\\lfloor$",
    "⌋": "$\\rfloor$",
    "‖": "$\\Vert$",
    "≥": "$\\geq$",
    "≤": "$\\leq$",
    "≠": "$\\neq$",
    "‼": "!!",
}


def document(made: Scene, width_in: float | None = None) -> str:
    """The picture as a document; `width_in` scales it to so many inches."""
    faces = [face for body in made.bodies for face in body.faces()] + made.swatches
    colours: dict[tuple[Kind, Shade], str] = {}
    for face in faces:
        colours.setdefault((face.kind, face.shade), f"{face.kind}-{face.shade}")
    out = [_HEAD.format(title=_comment(made.description))]
    for key, name in colours.items():
        out.append(f"\\definecolor{{{name}}}{{HTML}}{{{shaded(*key)[1:]}}}\n")
    out.append(f"\\definecolor{{edge}}{{HTML}}{{{LIGHT.line[1:]}}}\n")
    out.append(f"\\definecolor{{wrong}}{{HTML}}{{{LIGHT.wrong[1:]}}}\n")
    out.append("\\begin{document}\n")
    unit = _POINT
    if width_in is not None:
        unit = width_in * 72.27 / made.wide
    scale = unit / _POINT
    out.append(
        f"\\begin{{tikzpicture}}[x={unit:.4f}pt, y=-{unit:.4f}pt,\n"
        f"  line width={0.6 * scale:.3f}pt, draw=edge, line join=round,"
        " every node/.style={inner sep=0pt, outer sep=0pt},\n"
        "  font=\\sffamily]\n"
    )
    out.append(
        f"\\path[use as bounding box] (0,0) rectangle {_at(made.wide, made.high)};\n"
    )
    for body in made.bodies:
        # With words of its own before it: tools obey comments such as `% arara: …`.
        out.append(f"% volume: {_comment(body.volume.text)}\n")
        out += [_face(face, colours) for face in body.faces()]
    out += [_face(face, colours) for face in made.swatches]
    out += [_line(line, scale) for line in made.lines]
    out += [_text(text, scale) for text in made.texts]
    out.append("\\end{tikzpicture}\n\\end{document}\n")
    return "".join(out)


def _at(x: float, y: float) -> str:
    return f"({number(x)},{number(y)})"


def _way(points: tuple[Point, ...]) -> str:
    return " -- ".join(_at(*point) for point in points)


def _face(face: Face, colours: dict[tuple[Kind, Shade], str]) -> str:
    looks = f"fill={colours[face.kind, face.shade]}"
    if face.kind == "wrong":
        looks += ", draw=wrong"
    return f"\\filldraw[{looks}] {_way(face.points)} -- cycle;\n"


def _line(line: Line, scale: float) -> str:
    looks = []
    if line.dashed:
        looks.append(f"dash pattern=on {3.75 * scale:.2f}pt off {2.25 * scale:.2f}pt")
    if line.wrong:
        looks.append("draw=wrong")
    drawn = f"\\draw[{', '.join(looks)}] {_way(line.points)};\n"
    if line.arrow:
        (x0, y0), (x, y) = line.points[-2:]
        # As long as in the other formats, whatever libraries of TikZ there are.
        along = (-6.0 if x > x0 else 6.0) if abs(x - x0) > abs(y - y0) else 0.0
        down = 0.0 if along else (-6.0 if y > y0 else 6.0)
        if along:
            corners = ((x, y), (x + along, y - 3), (x + along, y + 3))
        else:
            corners = ((x, y), (x - 3, y + down), (x + 3, y + down))
        drawn += f"\\fill[edge] {_way(corners)} -- cycle;\n"
    return drawn


def _text(text: Text, scale: float) -> str:
    size = text.size * _POINT * scale
    anchor = "base west" if text.anchor == "start" or text.turned else "base"
    turned = ", rotate=90" if text.turned else ""
    bold = "\\bfseries" if text.bold else ""
    bold += "\\color{wrong}" if text.wrong else ""
    font = f"\\fontsize{{{size:.2f}}}{{{size * 1.2:.2f}}}\\selectfont{bold}"
    place = _at(text.x, text.y)
    said = escape(text.text)
    return f"\\node[anchor={anchor}{turned}] at {place} {{{font} {said}}};\n"


def escape(text: str) -> str:
    """Text for LaTeX: nothing in it is a command.

    What the fonts of every LaTeX lack comes out as its number, `[U+4E2D]`.
    """
    # Two commas would become one sign.
    return "".join(_letter(letter) for letter in text).replace(",,", ",{,}")


def _letter(letter: str) -> str:
    found = _ESCAPED.get(letter)
    if found is not None:
        return found
    if letter.isascii() and letter.isprintable():
        return letter
    if letter.isprintable() and "\u00c0" <= letter <= "\u00ff":
        return letter if letter not in "×÷" else "$\\div$"
    return f"[U+{ord(letter):04X}]"


def _comment(text: str) -> str:
    """Text for a comment: one line, and only what all programs read."""
    return "".join(
        c
        if c.isascii() and c.isprintable()
        else " "
        if c in "\n\t"
        else "x"
        if c == "×"
        else "?"
        for c in text
    )
