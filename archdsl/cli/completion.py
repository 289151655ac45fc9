"""`archdsl completion`."""

from __future__ import annotations

import argparse

from archdsl.cli.arguments import parser
from archdsl.cli.console import CLEAN, out

_FILES = (
    *("file", "files", "output", "lock"),
    *("input", "weights", "rename", "map", "old", "new", "root"),
)


def run(args: argparse.Namespace) -> int:
    """Print a script that teaches a shell the commands and their arguments."""
    import shtab

    made = parser()
    for action in made._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                for argument in command._actions:
                    if argument.dest in _FILES:
                        argument.complete = shtab.FILE
    out(shtab.complete(made, args.shell))
    return CLEAN
