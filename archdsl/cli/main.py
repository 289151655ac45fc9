"""`archdsl COMMAND …`.

The status is 0 when all is well, 1 when something was found in a spec, and 2 when the
command could not be carried out. Each command is imported when it is asked for, so
that `check` stays quick.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

from archdsl.cli.console import FINDINGS, USAGE, CommandError, ReportedError, err
from archdsl.collector import Paused

if TYPE_CHECKING:
    import argparse

# As shells report a program that was interrupted, or whose reader has gone.
INTERRUPTED = 130
BROKEN_PIPE = 141


def main(argv: list[str] | None = None) -> int:
    """Run one command and return the status to exit with."""
    with Paused():
        return _guarded(sys.argv[1:] if argv is None else argv)


def entry_point() -> int:
    """`main` for a process of its own."""
    gc.disable()
    status = main()
    # At its end Python looks for garbage once more, for a tenth of a check's time.
    gc.freeze()
    return status


def _guarded(argv: list[str]) -> int:
    try:
        status = _main(argv)
        # A reader that has gone, or a full disk, is noticed only now.
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return BROKEN_PIPE
    except OSError as problem:
        # Of standard output alone: files are reported where they are written.
        err(f"archdsl: the output cannot be written: {problem.strerror}\n")
        _drop_output()
        return USAGE


def _drop_output() -> None:
    """Python flushes again at its end, and would complain."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)


def _main(argv: list[str]) -> int:
    from archdsl.cli.arguments import COMMANDS, parser

    known = argv[0] if argv and argv[0] in COMMANDS else None
    made = parser(known)
    try:
        args = made.parse_args(argv)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else USAGE
    if args.command is None:
        made.print_help(sys.stderr)
        return USAGE
    if getattr(args, "watch", False):
        from archdsl.cli.watch import watch

        try:
            return watch(args, _attempt)
        except CommandError as failure:
            err(f"archdsl {args.command}: {failure}\n")
            return USAGE
    return _attempt(args)


def _attempt(args: argparse.Namespace) -> int:
    """Run a command, and tell why it could not go on."""
    try:
        return _run(args)
    except CommandError as failure:
        err(f"archdsl {args.command}: {failure}\n")
        return USAGE
    except ReportedError:
        return FINDINGS
    except OSError as problem:
        if problem.errno is None or problem.filename is not None:
            return _bug(problem)
        raise
    except Exception as problem:
        return _bug(problem)


def _run(args: argparse.Namespace) -> int:
    if args.command == "check":
        from archdsl.cli.check import run
    elif args.command == "summary":
        from archdsl.cli.summary import run
    elif args.command == "compile":
        from archdsl.cli.compile import run
    elif args.command == "draw":
        from archdsl.cli.draw import run
    elif args.command == "diff":
        from archdsl.cli.diff import run
    elif args.command == "run":
        from archdsl.cli.run import run
    elif args.command == "verify":
        from archdsl.cli.verify import run
    elif args.command == "names":
        from archdsl.cli.names import run
    elif args.command == "init":
        from archdsl.cli.init import run
    elif args.command == "fmt":
        from archdsl.cli.fmt import run
    elif args.command == "explain":
        from archdsl.cli.explain import run
    elif args.command == "schema":
        from archdsl.cli.schema import run
    elif args.command == "mcp":
        from archdsl.cli.mcp import run
    elif args.command == "lsp":
        from archdsl.cli.lsp import run
    else:
        from archdsl.cli.completion import run
    return run(args)


def _bug(problem: Exception) -> int:
    if os.environ.get("ARCHDSL_TRACEBACK") == "1":
        import traceback

        err("".join(traceback.format_exception(problem)))
    text = str(problem).partition("\n")[0][:200]
    err(
        f"archdsl: {type(problem).__name__}{': ' if text else ''}{text}\n"
        "This is a bug in archdsl. Please report it with the spec and the command;\n"
        "ARCHDSL_TRACEBACK=1 shows where it happened.\n"
    )
    return USAGE
