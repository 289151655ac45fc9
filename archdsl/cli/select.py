"""The one net that a command works on, and the values of its parameters."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

from archdsl.cli.console import CommandError, ReportedError, err, in_colour
from archdsl.cli.files import STDIN, from_text, read, used_by
from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.render import render
from archdsl.diagnostics.suggest import did_you_mean
from archdsl.ir.network import Network
from archdsl.pipeline import Checked, check, sketch
from archdsl.reading import Files
from archdsl.request import (
    ChoiceError,
    SettingError,
    all_nets,
    net_names,
    parsed,
    the_net,
)
from archdsl.source import Source
from archdsl.tuples import NamedTuple


def network(args: argparse.Namespace) -> Network:
    """The checked net that the arguments ask for.

    Raises CommandError if that is not one net, and ReportedError, with the findings
    printed to standard error, if something is wrong with the spec.
    """
    asked = _asked(args)
    checked = asked.check()
    if checked.diagnostics:
        report(checked.diagnostics)
    return _named(asked, checked)


def network_or_sketch(args: argparse.Namespace) -> Network:
    """The same, and where something is wrong what is known of the net, with `wrong`.

    The findings are printed then too. Raises ReportedError if nothing is known.
    """
    asked = _asked(args)
    checked = asked.check()
    if not checked.diagnostics:
        return _named(asked, checked)
    err(render(checked.diagnostics, "full", in_colour(sys.stderr)))
    known = None
    if asked.net is not None:
        known = sketch(asked.source, asked.net, asked.params, asked.files)
    if known is None:
        raise ReportedError
    return known


class _Asked(NamedTuple):
    """What the arguments ask for."""

    source: Source
    net: str | None
    params: dict[str, object]
    files: Files | None

    def check(self) -> Checked:
        """What came of checking it."""
        return check(self.source, self.net, self.params, self.files)


def _asked(args: argparse.Namespace) -> _Asked:
    source = _source(args)
    files = used_by(args.file)
    params = settings(args.settings, source, files)
    return _Asked(source, chosen(args.net, source, params), params, files)


def _named(asked: _Asked, checked: Checked) -> Network:
    if asked.net is None:
        raise CommandError(f"there is no net in {asked.source.name}")
    return checked.networks[asked.net]


def chosen(net: str | None, source: Source, params: dict[str, object]) -> str | None:
    """The net that was named, or the one that is meant; None if there is none.

    Raises CommandError if several can be meant.
    """
    if net is not None:
        names = all_nets(source)
        if names and net not in names:
            hints = did_you_mean(net, names)
            more = hints[0] if hints else f"it has: {', '.join(names)}"
            raise CommandError(f"there is no net `{net}` in {source.name}; {more}")
        return net
    try:
        return the_net(net_names(source, params), source.name)
    except ChoiceError as problem:
        raise CommandError(f"{problem} (--net NAME)") from None


def spec_path(args: argparse.Namespace) -> str | None:
    """The file that the spec came from, if it was one."""
    return args.file if args.file != STDIN else None


def settings(
    given: list[str], source: Source, files: Files | None
) -> dict[str, object]:
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
            values[name] = parsed(text, source, files)
        except SettingError as problem:
            raise CommandError(f"--set {setting}: {problem}") from None
    return values


def _source(args: argparse.Namespace) -> Source:
    if (args.text is None) == (args.file is None):
        raise CommandError("give one of: a file, - for standard input, -e TEXT")
    source, found = from_text(args.text) if args.file is None else read(args.file)
    if source is None:
        report(found)
    assert source is not None
    return source


def report(found: list[Diagnostic]) -> NoReturn:
    """Print findings to standard error. Raises ReportedError."""
    err(render(found, "full", in_colour(sys.stderr)), rendered=True)
    raise ReportedError
