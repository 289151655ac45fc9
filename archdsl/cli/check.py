"""`archdsl check`: findings go to standard output, in every format."""

from __future__ import annotations

import argparse
import sys

from archdsl.cli.console import CLEAN, FINDINGS, CommandError, in_colour, out, say
from archdsl.cli.files import TEXT_NAME, from_text, read, used_by
from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.render import render
from archdsl.pipeline import check


def run(args: argparse.Namespace) -> int:
    """Check each file; what is wrong with one does not keep the others back."""
    if args.text is not None and args.files:
        raise CommandError("give files or -e TEXT, not both")
    if args.text is None and not args.files:
        raise CommandError("give a file, - for standard input, or -e TEXT")
    full = args.format == "full"
    everything: list[Diagnostic] = []
    wrong = 0
    files: list[str] = args.files or [TEXT_NAME]
    for path in files:
        if args.text is not None:
            source, found = from_text(args.text)
        else:
            source, found = read(path)
        files_used = used_by(path if args.text is None else None)
        nets = 0
        if source is not None:
            net: str | None = args.net
            params: dict[str, object] = {}
            if args.settings:
                # Parameters are those of one net, as in the other commands.
                from archdsl.cli.select import chosen, settings

                params = settings(args.settings, source, files_used)
                net = chosen(net, source, params)
            checked = check(source, net, params, files_used)
            found, nets = checked.diagnostics, len(checked.networks)
        wrong += bool(found)
        everything += found
        if full and not found:
            assert source is not None
            say(f"ok: {source.name}: {nets} {'net' if nets == 1 else 'nets'}\n")
        elif full:
            out(render(found, "full", in_colour(sys.stdout)) + "\n")
    if not full:
        out(render(everything, args.format))
    elif everything:
        errors = _count(len(everything), "error")
        of = f" of {len(files)}" if wrong < len(files) else ""
        out(f"{errors} in {wrong}{of} {'file' if len(files) == 1 else 'files'}\n")
    return FINDINGS if everything else CLEAN


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
