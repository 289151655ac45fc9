"""`archdsl check`: findings go to standard output, in every format."""

from __future__ import annotations

import argparse
import sys

from archdsl.cli.console import CLEAN, FINDINGS, CommandError, in_colour, out, say
from archdsl.cli.files import TEXT_NAME, from_text, read, used_by
from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.render import as_data, render
from archdsl.pipeline import Checked, check
from archdsl.reading import Files
from archdsl.source import Source


def run(args: argparse.Namespace) -> int:
    """Check each file; what is wrong with one does not keep the others back."""
    if args.text is not None and args.files:
        raise CommandError("give files or -e TEXT, not both")
    if args.text is None and not args.files:
        raise CommandError("give a file, - for standard input, or -e TEXT")
    if args.shapes and args.format != "json":
        raise CommandError("--shapes is for data; add --format json")
    full = args.format == "full"
    everything: list[Diagnostic] = []
    traces: list[dict[str, object]] = []
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
            if args.shapes:
                traces += _traces(source, checked, net, params, files_used)
        wrong += bool(found)
        everything += found
        if full and not found:
            assert source is not None
            say(f"ok: {source.name}: {nets} {'net' if nets == 1 else 'nets'}\n")
        elif full:
            out(render(found, "full", in_colour(sys.stdout)) + "\n")
    if args.shapes:
        import json

        data = {"version": 1, "findings": as_data(everything), "nets": traces}
        out(json.dumps(data, indent=1) + "\n")
    elif not full:
        out(render(everything, args.format))
    elif everything:
        errors = _count(len(everything), "error")
        of = f" of {len(files)}" if wrong < len(files) else ""
        out(f"{errors} in {wrong}{of} {'file' if len(files) == 1 else 'files'}\n")
    return FINDINGS if everything else CLEAN


def _traces(
    source: Source,
    checked: Checked,
    net: str | None,
    params: dict[str, object],
    files: Files | None,
) -> list[dict[str, object]]:
    """The shapes of the nets asked for, of those that fail what is known of them."""
    from archdsl.backends.text.trace import shape_trace
    from archdsl.pipeline import sketch

    traces = []
    for name in checked.nets if net is None else (net,):
        network = checked.networks.get(name) or sketch(source, name, params, files)
        if network is not None:
            traces.append({"file": source.name} | shape_trace(network))
    return traces


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
