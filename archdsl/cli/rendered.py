"""Pictures that are made of text: of DOT by Graphviz, of SVG by CairoSVG."""

from __future__ import annotations

from archdsl.cli.console import CommandError

_SECONDS = 120

_NO_GRAPHVIZ = """\
Graphviz makes the {}, and its program `dot` is not on PATH; nor is its library there,
since pygraphviz {}.
There are three ways out:
  leave it to archdsl, which needs no other program: --engine builtin
  install Graphviz: pip install "archdsl[graphviz]", apt install graphviz
  write the diagram as text with -f dot, and give that to a viewer of Graphviz files"""

_NO_PYGRAPHVIZ = """\
pygraphviz makes the {}, and it {}.
There are three ways out:
  leave it to archdsl, which needs no other program: --engine builtin
  install it, with Graphviz in it: pip install "archdsl[graphviz]"
  write the diagram as text with -f dot, and give that to a viewer of Graphviz files"""

_NO_CAIRO = """\
a {} is made of the SVG by CairoSVG, which {}.
There are three ways out:
  {}
  write the picture with -f svg, which browsers and most programs open
  leave it to Graphviz, if that is installed: --engine dot"""
_NOT_THERE = (
    "is not installed",
    'install it: pip install "archdsl[png]"',
)
_NOT_IMPORTED = "is not installed, or finds no library of Graphviz"
_NO_LIBRARY = (
    "finds no library `cairo` on this machine",
    "install that, for example: apt install libcairo2, brew install cairo",
)
# Screens of today have two pixels where an SVG counts one of 96 in an inch; print has
# 300 in an inch.
_SCREEN, _PRINT = 2.0, 300 / 96
# More are opened by few programs.
_MOST_PIXELS = 16_384


def by_graphviz(text: str, form: str) -> bytes:
    """The picture as `svg`, `png` or `pdf`. Raises CommandError if there is none.

    The program `dot` makes it, and where that is missing its library does.
    """
    import shutil

    program = shutil.which("dot")
    if program is not None:
        return _by_program(program, text, form)
    made = _by_library(text, form)
    if made is None:
        raise CommandError(_NO_GRAPHVIZ.format(form.upper(), _NOT_IMPORTED))
    return made


def by_pygraphviz(text: str, form: str) -> bytes:
    """The same by the library alone, in this process. Raises CommandError."""
    made = _by_library(text, form)
    if made is None:
        raise CommandError(_NO_PYGRAPHVIZ.format(form.upper(), _NOT_IMPORTED))
    return made


def _by_library(text: str, form: str) -> bytes | None:
    """The picture that pygraphviz makes; None if that cannot be imported."""
    try:
        import pygraphviz
    except (ImportError, OSError):
        return None
    try:
        made = pygraphviz.AGraph(string=text).draw(format=form, prog="dot")
    except Exception as problem:
        # It raises its own errors, those of the layout, and those of files.
        raise CommandError(
            f"pygraphviz failed: {problem}; -f dot writes what it was given"
        ) from None
    if not made:
        raise CommandError(
            "pygraphviz made nothing of it; -f dot writes what it was given"
        )
    return bytes(made)


def _by_program(program: str, text: str, form: str) -> bytes:
    import subprocess

    try:
        done = subprocess.run(
            [program, f"-T{form}"],
            input=text.encode(),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CommandError(
            f"`dot` was not done after {_SECONDS} s; -f dot writes what it was given"
        ) from None
    except OSError as problem:
        raise CommandError(f"`{program}` cannot be run: {problem.strerror}") from None
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise CommandError(
            f"`dot` failed{': ' + said[0] if said else ''};"
            " -f dot writes what it was given"
        )
    return done.stdout


def by_cairo(text: str, form: str, printed: bool) -> bytes:
    """An SVG as `png` or `pdf`. Raises CommandError if it cannot be made.

    A PNG that is `printed` has 300 pixels in an inch.
    """
    scale = _PRINT if printed else _SCREEN
    if form == "png":
        _refuse_large(text, scale)
    try:
        import cairosvg
    except ImportError:
        raise CommandError(_NO_CAIRO.format(form.upper(), *_NOT_THERE)) from None
    except OSError:
        raise CommandError(_NO_CAIRO.format(form.upper(), *_NO_LIBRARY)) from None
    try:
        if form == "pdf":
            made = cairosvg.svg2pdf(bytestring=text.encode())
        else:
            made = cairosvg.svg2png(bytestring=text.encode(), scale=scale)
    except Exception as problem:
        # Cairo's own errors have no class in common; most often too many pixels.
        raise CommandError(
            f"CairoSVG made no {form.upper()} of it: {_readable(problem)}; try -f svg,"
            " or a smaller picture with --depth or --width-in"
        ) from None
    return bytes(made)


def _refuse_large(text: str, scale: float) -> None:
    """Raise CommandError for a PNG that would take gigabytes and open nowhere."""
    wide, high = (
        float(text.split(f'{side}="', 1)[1].split('"', 1)[0]) * scale
        for side in ("width", "height")
    )
    if max(wide, high) > _MOST_PIXELS:
        raise CommandError(
            f"the PNG would have {wide:,.0f} × {high:,.0f} pixels, and at most"
            f" {_MOST_PIXELS:,} on a side are made; try a smaller --width-in, --depth,"
            " or -f svg"
        )


def _readable(problem: Exception) -> str:
    """What Cairo says, which comes as the bytes of a C string within a sentence."""
    text = " ".join(str(problem).split()) or type(problem).__name__
    for quote in ("b'", 'b"'):
        before, begun, rest = text.partition(quote)
        said, ended, _ = rest.rpartition(quote[1])
        if begun and ended and before.startswith("cairo "):
            return said
    return text
