"""Pictures that Graphviz makes of DOT text."""

from __future__ import annotations

from archdsl.cli.console import CommandError

_SECONDS = 120

_NO_GRAPHVIZ = """\
Graphviz makes the {}, and its program `dot` is not on PATH.
There are three ways out:
  install Graphviz, for example: apt install graphviz, brew install graphviz
  write the diagram as text with -f dot, and give that to any viewer of Graphviz files
  read the layers as a tree: archdsl draw --view tree"""


def by_graphviz(text: str, form: str) -> bytes:
    """The picture as `svg`, `png` or `pdf`. Raises CommandError if there is none."""
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
