"""`archdsl init`."""

from __future__ import annotations

import argparse
import os

from archdsl.cli.console import CLEAN, CommandError, say
from archdsl.cli.files import write

_NEXT = """\
wrote {0}. What to do next:
  archdsl check {0}      is it sound?
  archdsl summary {0}    its layers, parameters and multiply-adds
  archdsl compile {0}    its PyTorch source
"""


def run(args: argparse.Namespace) -> int:
    """Write a first spec, unless there is a file of that name."""
    if os.path.lexists(args.file):
        raise CommandError(f"`{args.file}` is there already; name another file")
    with open(os.path.join(os.path.dirname(__file__), "first.arch"), "rb") as file:
        write(args.file, file.read())
    import shlex

    say(_NEXT.format(shlex.quote(args.file)))
    return CLEAN
