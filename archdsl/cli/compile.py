"""`archdsl compile`."""

from __future__ import annotations

import argparse

from archdsl.cli.console import CLEAN, out
from archdsl.cli.files import write
from archdsl.cli.select import network, report, spec_path


def run(args: argparse.Namespace) -> int:
    """Write PyTorch source to a file or to standard output."""
    net = network(args)
    from archdsl.api import SpecError, source_of

    try:
        code = source_of(net)
    except SpecError as problem:
        report(problem.diagnostics)
    if args.output is None:
        out(code)
    else:
        write(args.output, code.encode(), spec_path(args))
    return CLEAN
