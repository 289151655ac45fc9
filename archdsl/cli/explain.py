"""`archdsl explain`."""

from __future__ import annotations

import argparse

from archdsl.cli.console import CLEAN, CommandError, out
from archdsl.diagnostics.suggest import did_you_mean


def run(args: argparse.Namespace) -> int:
    """Print the page of an error's code."""
    from archdsl.diagnostics.codes import CODES, page

    # `312`, `e312` and `E0312` are the same.
    code = f"E{args.code.strip().upper().removeprefix('E').zfill(4)}"
    if code not in CODES:
        hints = did_you_mean(code, CODES) or ("a code looks like E0312",)
        raise CommandError(f"there is no code `{args.code}`; {hints[0]}")
    text = page(code)
    out(text if text.endswith("\n") else text + "\n")
    return CLEAN
