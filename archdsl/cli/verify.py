"""`archdsl verify`: whether a net is the module that it describes."""

from __future__ import annotations

import argparse

from archdsl.cli.console import CLEAN, FINDINGS, CommandError, out, say
from archdsl.cli.select import network
from archdsl.ir.network import Network

_NO_TORCH = 'comparing nets needs PyTorch: pip install "archdsl[torch]"'


def run(args: argparse.Namespace) -> int:
    """Compare, print what was found, and tell by the status whether it is the same."""
    net = network(args)
    try:
        import torch  # noqa: F401
    except ImportError:
        raise CommandError(_NO_TORCH) from None
    from archdsl.runtime.reference import VerifyError
    from archdsl.runtime.renames import RenameError
    from archdsl.runtime.run import RunError

    try:
        return _compare(args, net)
    except (VerifyError, RenameError, RunError) as problem:
        raise CommandError(str(problem)) from None


def _compare(args: argparse.Namespace, net: Network) -> int:
    from archdsl.runtime.comparison import Options
    from archdsl.runtime.reference import kwargs_of, reference_of
    from archdsl.runtime.renames import renames_of
    from archdsl.runtime.verify import compared

    renames = renames_of(args.map)
    given = {
        "tolerance": args.tolerance,
        "passes": args.inputs,
        "batch": args.batch,
        "seed": args.seed,
        "device": args.device,
        "dropout": not args.no_dropout,
        "double": args.double,
        "order": not args.any_order,
    }
    options = Options(**{k: value for k, value in given.items() if value is not None})
    reference, name = reference_of(args.against, kwargs_of(args.kwargs))
    found = compared(net, reference, name, renames, options)
    if args.format == "json":
        import json

        out(json.dumps(found.as_dict(), indent=1) + "\n")
    else:
        say(f"{found}\n")
    return CLEAN if found.ok else FINDINGS
