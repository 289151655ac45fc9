"""`archdsl names`: the `state_dict` as it will be, and a lock file that guards it."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator

from archdsl.cli.console import CLEAN, FINDINGS, CommandError, err, say
from archdsl.cli.files import write
from archdsl.cli.select import network, spec_path
from archdsl.ir.flat import MAX_LISTED, state_dict_names, uncounted
from archdsl.ir.network import Network
from archdsl.reading import reason

# The beginning of every lock file; nothing else is ever overwritten.
_MARK = "# archdsl names of "
_MAX_LOCK_BYTES = 2**27
_AT_ONCE = 1000
_SHAPE = re.compile(r"scalar|\d+(?:x\d+)*")


def run(args: argparse.Namespace) -> int:
    """Print the names, or compare them with a lock file."""
    if args.update and args.lock is None:
        raise CommandError("--update needs --lock FILE")
    net = network(args)
    if args.lock is None:
        _print(_lines(net))
        _tell_uncounted(net)
        return CLEAN
    return _locked(args, net)


def _lines(net: Network) -> Iterator[str]:
    for name, weight in state_dict_names(net):
        yield f"{name}  {'x'.join(map(str, weight.shape)) or 'scalar'}\n"


def _tell_uncounted(net: Network) -> None:
    for name in uncounted(net):
        err(f"the tensors of extern `{name}` are not known, and not listed\n")


def _print(lines: Iterator[str]) -> None:
    # A short spec may stand for a billion names: they are never all held.
    some: list[str] = []
    for line in lines:
        some.append(line)
        if len(some) == _AT_ONCE:
            say("".join(some))
            some.clear()
    say("".join(some))


def _locked(args: argparse.Namespace, net: Network) -> int:
    layers = net.root.cost.layers
    if layers > MAX_LISTED:
        raise CommandError(
            f"the net has {layers:,} layers, and the names of {MAX_LISTED:,} at most"
            " are kept in a lock file"
        )
    lines = list(_lines(net))
    _tell_uncounted(net)
    before = _read(args.lock)
    shown = f"net `{net.name}`" if net.name else "the net"
    count = f"{len(lines):,} {'name' if len(lines) == 1 else 'names'}"
    if before is not None:
        after = _parsed(lines)
        differences = _differences(before, after)
        if not differences:
            say(f"ok: {args.lock}: {count}\n")
            return CLEAN
        say("".join(f"{line}\n" for line in differences))
        if not args.update:
            say(
                f"{shown} of {net.source_name} is not as {args.lock} has it;"
                " --update writes that file anew\n"
            )
            return FINDINGS
    named = f"net {net.name}" if net.name else "the net"
    head = f"{_MARK}{named} in {os.path.basename(net.source_name)}\n"
    write(args.lock, (head + "".join(lines)).encode(), spec_path(args))
    say(f"{'updated' if before is not None else 'created'} {args.lock}: {count}\n")
    return CLEAN


def _read(path: str) -> dict[str, str] | None:
    """The names and shapes of a lock file; None if there is no file."""
    try:
        with open(path, "rb") as file:
            data = file.read(_MAX_LOCK_BYTES + 1)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as problem:
        message = f"`{path}` cannot be read: {reason(problem)}"
        raise CommandError(message) from None
    text = data.decode(errors="replace")
    if not text.startswith(_MARK) or len(data) > _MAX_LOCK_BYTES:
        raise CommandError(f"`{path}` is no lock file: it does not begin `{_MARK}…`")
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    for number, line in enumerate(lines, start=1):
        if line.strip() and line[0] != "#" and _row(line) is None:
            raise CommandError(f"{path}:{number}: this is not a name and its shape")
    return _parsed(lines)


def _parsed(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        row = _row(line)
        if row is not None:
            found[row[0]] = row[1]
    return found


def _row(line: str) -> tuple[str, str] | None:
    """A name, which may hold blanks or begin as a comment does, and its shape."""
    line = line.rstrip()
    shape = line.rpartition(" ")[2]
    name = line.removesuffix(shape).removesuffix("  ")
    if line.startswith(_MARK) or not name.strip() or not _SHAPE.fullmatch(shape):
        return None
    return name, shape


def _differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """What has changed, a line each; nothing if nothing has."""
    from archdsl.diagnostics.suggest import renamed_to

    missing = [name for name in before if name not in after]
    new = [name for name in after if name not in before]
    renamed = renamed_to(before, after, missing, new)
    found = [
        f"changed  {name}  {before[name]} → {after[name]}"
        for name in before
        if name in after and before[name] != after[name]
    ]
    found += [
        f"renamed? {old} → {renamed[old]}  {before[old]}"
        for old in missing
        if old in renamed
    ]
    found += [
        f"missing  {name}  {before[name]}" for name in missing if name not in renamed
    ]
    taken = set(renamed.values())
    found += [f"new      {name}  {after[name]}" for name in new if name not in taken]
    if not found and list(before) != list(after):
        # Names are loaded in any order, but optimisers count.
        at, name = next(
            (at, name)
            for at, (name, other) in enumerate(zip(after, before, strict=True), 1)
            if name != other
        )
        found.append(f"moved    {name}  is now number {at}, and others follow")
    return found
