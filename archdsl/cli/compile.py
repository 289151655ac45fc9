"""`archdsl compile`."""

from __future__ import annotations

import argparse

from archdsl.cli.console import CLEAN, CommandError, out
from archdsl.cli.files import write
from archdsl.cli.select import network, report, spec_path


def run(args: argparse.Namespace) -> int:
    """Write PyTorch source to a file or to standard output."""
    wrong = _unusable(args)
    if wrong is not None:
        raise CommandError(wrong)
    net = network(args)
    from archdsl.api import SpecError, inference_source_of, source_of

    try:
        if args.target == "inference":
            given = {"device": args.device, "dtype": args.dtype}
            chosen = {name: value for name, value in given.items() if value}
            code = inference_source_of(net, **chosen)
        else:
            code = source_of(net)
    except SpecError as problem:
        report(problem.diagnostics)
    if args.output is None:
        out(code)
    else:
        write(args.output, code.encode(), spec_path(args))
    return CLEAN


def _unusable(args: argparse.Namespace) -> str | None:
    """What is wrong with the options together."""
    if args.target == "training":
        for option in ("device", "dtype"):
            if getattr(args, option) is not None:
                return f"--{option} is for sources of inference: add `--for inference`"
    if args.dtype == "float16" and args.device != "cuda":
        return "--dtype float16 is for `--device cuda`; on a CPU take bfloat16"
    return None
