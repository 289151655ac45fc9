"""`archdsl mcp`: the compiler as a server for language models."""

from __future__ import annotations

import argparse
import gc
import os

from archdsl.cli.console import CLEAN, CommandError
from archdsl.cli.files import spec_limits


def run(args: argparse.Namespace) -> int:
    """Serve over standard input and output until the client leaves."""
    if args.root is not None and not os.path.isdir(args.root):
        raise CommandError(f"`{args.root}` is no directory")
    limits = spec_limits()
    try:
        from archdsl.mcp import server
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != "mcp":
            raise
        raise CommandError(
            "the server needs mcp 2 or newer: pip install 'archdsl[mcp]'"
        ) from None
    # A command leaves its garbage to the end; a server goes on.
    gc.enable()
    server(args.root, limits).run("stdio")
    return CLEAN
