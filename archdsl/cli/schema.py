"""`archdsl schema`: layers and blocks as data, and what the data of commands is."""

from __future__ import annotations

import argparse
import os

from archdsl.cli.console import CLEAN, out

_FOLDER = os.path.join(os.path.dirname(os.path.dirname(__file__)), "schemas")


def run(args: argparse.Namespace) -> int:
    """Print the catalogue, or the JSON Schema of what a command prints."""
    if args.of is not None:
        with open(os.path.join(_FOLDER, f"{args.of}.json"), encoding="utf-8") as file:
            out(file.read())
        return CLEAN
    import json

    from archdsl.catalogue import catalogue

    out(json.dumps(catalogue(), indent=1) + "\n")
    return CLEAN
