"""`archdsl draw`: DOT, or a picture made of it by Graphviz."""

from __future__ import annotations

import argparse
import os
import sys

from archdsl.cli.arguments import PICTURES
from archdsl.cli.console import CLEAN, CommandError, out
from archdsl.cli.files import write
from archdsl.cli.select import network, spec_path

_SECONDS = 120

_NO_GRAPHVIZ = """\
Graphviz makes the {}, and its program `dot` is not on PATH.
There are three ways out:
  install Graphviz, for example: apt install graphviz, brew install graphviz
  write the diagram as text with -f dot, and give that to any viewer of Graphviz files
  read the layers as a table: archdsl summary"""


def run(args: argparse.Namespace) -> int:
    """Write a diagram to a file or to standard output."""
    form = args.format or _by_ending(args.output)
    if form == "png" and args.output is None and sys.stdout.isatty():
        raise CommandError("a PNG is no text; name a file with -o")
    net = network(args)
    from archdsl.backends.graphviz.dot import dot

    text = dot(net)
    data = text.encode() if form == "dot" else _rendered(text, form)
    if args.output is not None:
        write(args.output, data, spec_path(args))
    elif form == "png":
        sys.stdout.buffer.write(data)
    else:
        out(data.decode())
    return CLEAN


def _by_ending(path: str | None) -> str:
    if path is None:
        return "dot"
    ending = os.path.splitext(path)[1].lower().lstrip(".")
    if ending == "gv":
        return "dot"
    if ending in PICTURES:
        return ending
    raise CommandError(
        f"`{path}` does not end in .dot, .svg or .png; say the format with -f"
    )


def _rendered(text: str, form: str) -> bytes:
    import shutil
    import subprocess

    program = shutil.which("dot")
    if program is None:
        raise CommandError(_NO_GRAPHVIZ.format(form.upper()))
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
