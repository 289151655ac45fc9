"""`archdsl summary`."""

from __future__ import annotations

import argparse

from archdsl.backends.text.summary import summary_json, summary_table
from archdsl.cli.console import CLEAN, CommandError, out
from archdsl.cli.select import network
from archdsl.ir.flat import MAX_LISTED


def run(args: argparse.Namespace) -> int:
    """Print the table of layers, or the same as JSON."""
    net = network(args)
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
        out(summary_table(net, args.batch, args.expand))
    return CLEAN
