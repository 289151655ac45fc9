"""`archdsl summary`."""

from __future__ import annotations

import argparse

from archdsl.backends.text.summary import summary_json, summary_table
from archdsl.cli.console import CLEAN, CommandError, out, say
from archdsl.cli.select import network
from archdsl.ir.flat import MAX_LISTED


def run(args: argparse.Namespace) -> int:
    """Print the table of layers, another view of them, or the same as JSON."""
    views = {"--sort": args.sort, "--by": args.by}
    views |= {"--json": args.json, "--expand": args.expand}
    asked = [option for option, given in views.items() if given]
    # JSON is expanded anyway.
    if len(asked) > 1 and asked != ["--json", "--expand"]:
        raise CommandError(f"give one of {' and '.join(asked)}")
    net = network(args)
    if args.sort or args.by:
        from archdsl.backends.text.ranking import (
            UndecidedOrderError,
            grouped_table,
            sorted_table,
        )

        table = sorted_table if args.sort else grouped_table
        try:
            say(table(net, args.sort or args.by, args.batch))
        except UndecidedOrderError as problem:
            fixed = " ".join(f"--set {symbol}=…" for symbol in problem.symbols)
            raise CommandError(f"{problem}; give numbers: {fixed}") from None
        return CLEAN
    layers = net.root.cost.layers
    if (args.expand or args.json) and layers > MAX_LISTED:
        raise CommandError(
            f"the net has {layers:,} layers, and {MAX_LISTED:,} at most are listed;"
            " leave --expand and --json out"
        )
    if args.json:
        import json

        out(json.dumps(summary_json(net, args.batch), indent=1) + "\n")
    else:
        say(summary_table(net, args.batch, args.expand))
    return CLEAN
