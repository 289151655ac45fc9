"""`--watch`: a command again whenever a spec, or a file that it uses, has changed.

The times of the files are looked at. That needs no library, and specs use few files.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from collections.abc import Callable, Iterable

from archdsl.cli import files
from archdsl.cli.console import CommandError, err, out

# So often the files are looked at, in seconds.
PERIOD = 0.2
# A file that is being written is given so long to be whole, in steps of these.
_STEP, _PATIENCE = 0.05, 1.0

# When a file was changed last, how long it is, and which one it is; None for none.
_State = tuple[int, int, int] | None


def watch(args: argparse.Namespace, once: Callable[[argparse.Namespace], int]) -> int:
    """Run the command, and again after each change, until it is interrupted.

    Raises KeyboardInterrupt then, and CommandError where there is no file to watch.
    """
    specs: list[str] = args.files if args.command == "check" else [args.file]
    if args.text is not None or not specs or None in specs or files.STDIN in specs:
        raise CommandError("--watch needs files, which can change")
    while True:
        files.seen = set()
        before = _states(specs)
        _begin(specs)
        once(args)
        # What a change ends is thrown away: a watch may go on for days.
        gc.collect()
        watched = {**_states(files.seen), **before}
        number = "this file" if len(watched) == 1 else f"{len(watched)} files"
        err(f"watching {number}; Ctrl-C ends\n")
        sys.stdout.flush()
        while _states(watched) == watched:
            time.sleep(PERIOD)
        _settle(watched)


def _begin(specs: list[str]) -> None:
    if sys.stdout.isatty():
        # Clear, and begin above.
        out("\x1b[2J\x1b[H")
        sys.stdout.flush()
    err(f"{time.strftime('%H:%M:%S')} {' '.join(specs)}\n")


def _states(paths: Iterable[str]) -> dict[str, _State]:
    return {path: _state(path) for path in paths}


def _state(path: str) -> _State:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _settle(paths: Iterable[str]) -> None:
    """Wait until nobody writes: editors may empty a file first, or move it away."""
    last: dict[str, _State] = {}
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        now = _states(paths)
        if now == last and all(
            state is not None and state[1] for state in now.values()
        ):
            return
        last = now
        time.sleep(_STEP)
