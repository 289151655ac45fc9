"""The arguments of commands that `archdsl check` has no use for."""

from __future__ import annotations

import argparse

from archdsl.cli.arguments import REPORTS, THEMES, net
from archdsl.cli.values import level


def diff(command: argparse.ArgumentParser) -> None:
    """Those of `archdsl diff`."""
    command.add_argument(
        "old", metavar="OLD", help="a spec, -, or REV:FILE, a file in a git revision"
    )
    command.add_argument("new", nargs="?", metavar="NEW", help="the same")
    command.add_argument(
        "--rev", metavar="REV", help="compare one FILE with what it was in a revision"
    )
    net(command)
    command.add_argument(
        "--format", choices=REPORTS, default="full", help="text (full) or data (json)"
    )
    command.add_argument(
        "--all", action="store_true", help="all that follows from changes, all names"
    )
    command.add_argument(
        "-o",
        metavar="FILE",
        dest="output",
        help="draw both nets here, as svg, png or pdf, with the changes marked",
    )
    command.add_argument(
        "--theme", choices=THEMES, help="colours of the picture (default: auto)"
    )
    command.add_argument(
        "--depth", type=level, metavar="N", help="close blocks nested deeper than N"
    )


def schema(command: argparse.ArgumentParser) -> None:
    """Those of `archdsl schema`."""
    command.add_argument(
        "--of",
        choices=("layers", "check", "diff"),
        help="the JSON Schema of this command's data, or of the layers",
    )


def mcp(command: argparse.ArgumentParser) -> None:
    """Those of `archdsl mcp`."""
    command.add_argument(
        "--root",
        metavar="DIR",
        help="let files below this directory be read (default: none)",
    )
