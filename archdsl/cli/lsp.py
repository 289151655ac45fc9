"""`archdsl lsp`."""

from __future__ import annotations

import argparse

from archdsl.cli.console import CLEAN, CommandError
from archdsl.cli.files import spec_limits


def run(args: argparse.Namespace) -> int:
    """Serve an editor over standard input and output."""
    limits = spec_limits()
    try:
        from archdsl.lsp.server import serve
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        raise CommandError(
            "the language server needs pygls: pip install 'archdsl[lsp]'"
        ) from None
    serve(limits)
    return CLEAN
