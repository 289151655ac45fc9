"""The one net that a command works on, and the values of its parameters."""

from __future__ import annotations

import argparse
import os
import sys

from archdsl.cli.console import CommandError, ReportedError, err, in_colour
from archdsl.cli.files import STDIN, TEXT_NAME, decoded, read
from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.render import render
from archdsl.ir.network import Network
from archdsl.pipeline import check
from archdsl.settings import SettingError, parsed
from archdsl.source import Source


def network(args: argparse.Namespace) -> Network:
    """The checked net that the arguments ask for.

    Raises CommandError if that is not one net, and ReportedError, with the findings printed to
    standard error, if something is wrong with the spec.
    """
    source = _source(args)
    params = settings(args.settings, source)
    name = args.net if args.net is not None else _only(source, args.file)
    checked = check(source, name, params)
    if checked.diagnostics:
        _report(checked.diagnostics)
    assert name is not None
    return checked.networks[name]


def spec_path(args: argparse.Namespace) -> str | None:
    """The file that the spec came from, if it was one."""
    return args.file if args.file != STDIN else None


def settings(given: list[str], source: Source) -> dict[str, object]:
    """The values of `--set name=value`. Raises CommandError."""
    values: dict[str, object] = {}
    for setting in given:
        name, equals, text = setting.partition("=")
        name = name.strip()
        if not equals or not name.isidentifier():
            raise CommandError(f"--set {setting}: this is not NAME=VALUE")
        if name in values:
            raise CommandError(f"--set {setting}: `{name}` is set twice")
        try:
            values[name] = parsed(text, source)
        except SettingError as problem:
            raise CommandError(f"--set {setting}: {problem}") from None
    return values


def _source(args: argparse.Namespace) -> Source:
    if (args.text is None) == (args.file is None):
        raise CommandError("give one of: a file, - for standard input, -e TEXT")
    if args.text is not None:
        source, found = decoded(args.text.encode("utf-8", "surrogateescape"), TEXT_NAME)
    else:
        source, found = read(args.file)
    if source is None:
        _report(found)
    assert source is not None
    return source


def _report(found: list[Diagnostic]) -> None:
    err(render(found, "full", in_colour(sys.stderr)))
    raise ReportedError


def _only(source: Source, path: str | None) -> str | None:
    """The name of the net where none was asked for."""
    from archdsl.syntax import nodes as n
    from archdsl.syntax import parse

    tree, found = parse(source)
    if tree is None:
        _report(found)
    assert tree is not None
    nets = [item.name.name for item in tree.items if isinstance(item, n.Net | n.Family)]
    if len(nets) == 1:
        return nets[0]
    stem = os.path.splitext(os.path.basename(path or ""))[0]
    if stem in nets:
        return stem
    if not nets:
        # The check says what is there instead of a net.
        checked = check(source)
        if checked.diagnostics:
            _report(checked.diagnostics)
        raise CommandError(f"there is no net in {source.name}")
    raise CommandError(
        f"{source.name} has {len(nets)} nets; choose one with --net:\n  "
        + "\n  ".join(name or '"" (the one without a name)' for name in nets)
    )
