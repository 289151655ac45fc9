"""`archdsl diff`: what has changed between two specs, or two revisions of one.

The status is that of diff: 0 without a difference, 1 with one, 2 for trouble.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from archdsl.cli.console import CLEAN, CommandError, err, in_colour, out
from archdsl.cli.files import STDIN, read, used_by, write
from archdsl.cli.revisions import RevisionFiles, is_revision, read_revision
from archdsl.cli.select import settings
from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.render import render
from archdsl.diagnostics.suggest import did_you_mean
from archdsl.diff import compare, pairs
from archdsl.diff.changes import Difference
from archdsl.ir.network import Network
from archdsl.pipeline import check
from archdsl.reading import SpecFiles
from archdsl.source import Source

if TYPE_CHECKING:
    from archdsl.backends.svg.theme import Theme

DIFFERENT, TROUBLE = 1, 2
_PICTURES = {".svg": "svg", ".png": "png", ".pdf": "pdf"}


def run(args: argparse.Namespace) -> int:
    """Print what differs, and draw it where a file is named."""
    old, new = _asked(args)
    form = _form(args)
    sides = []
    for name in (old, new):
        nets = _nets(name, args)
        if nets is None:
            return TROUBLE
        sides.append(nets)
    found = [
        compare(a, b) if a is not None and b is not None else Difference(a, b)
        for a, b in pairs(*sides)
    ]
    if not found:
        raise CommandError(f"there is no net in {old} nor in {new} that can be built")
    if form is not None:
        _draw(found, form, args)
    if args.format == "json":
        import json

        from archdsl.diff.data import as_data

        out(json.dumps(as_data(found, old, new), indent=1) + "\n")
    else:
        from archdsl.diff.text import told

        colour = in_colour(sys.stdout)
        out("\n".join(told(each, args.all, colour) for each in found))
    return DIFFERENT if any(each.any for each in found) else CLEAN


def _asked(args: argparse.Namespace) -> tuple[str, str]:
    if args.rev is not None:
        if args.new is not None:
            raise CommandError("--rev compares one file with its past; give one file")
        if is_revision(args.old):
            raise CommandError(
                f"`{args.old}` names a revision already; leave --rev out"
            )
        return f"{args.rev}:{args.old}", args.old
    if args.new is None:
        raise CommandError("give two specs, or --rev REV and one")
    if args.old == args.new == STDIN:
        raise CommandError("standard input, -, is given twice")
    return args.old, args.new


def _form(args: argparse.Namespace) -> str | None:
    """The format of the picture, by the ending of its name; None without one."""
    if args.output is None:
        if args.theme is not None or args.depth is not None:
            option = "--theme" if args.theme is not None else "--depth"
            raise CommandError(f"{option} is for a picture; add -o FILE.svg")
        return None
    form = _PICTURES.get(os.path.splitext(args.output)[1].lower())
    if form is None:
        raise CommandError(f"`{args.output}` does not end in {', '.join(_PICTURES)}")
    if args.theme == "auto" and form != "svg":
        raise CommandError(f"a {form.upper()} cannot follow the reader's setting")
    return form


def _nets(name: str, args: argparse.Namespace) -> dict[str, Network] | None:
    """The nets of a spec; None if it has mistakes, which are printed then."""
    if is_revision(name):
        source, found = read_revision(name)
        files: SpecFiles | None = RevisionFiles(name)
    else:
        source, found = read(name)
        files = used_by(name)
    if source is None:
        _refuse(found)
        return None
    params = settings(args.settings, source, files)
    net: str | None = args.net
    if params and net is None:
        from archdsl.cli.select import chosen

        net = chosen(None, source, params)
    elif net is not None:
        net = _there(net, source)
    checked = check(source, net, params, files)
    if checked.diagnostics:
        _refuse(checked.diagnostics)
        return None
    return checked.networks


def _there(net: str, source: Source) -> str | None:
    """The net of that name; the only one of a file, which may have been renamed."""
    from archdsl.request import all_nets

    names = all_nets(source)
    if net in names or not names:
        return net
    if len(names) == 1:
        return names[0]
    hints = did_you_mean(net, names) or (f"it has: {', '.join(names)}",)
    raise CommandError(f"there is no net `{net}` in {source.name}; {hints[0]}")


def _refuse(found: list[Diagnostic]) -> None:
    err(render(found, "full", in_colour(sys.stderr)), rendered=True)


def _draw(found: list[Difference], form: str, args: argparse.Namespace) -> None:
    from archdsl.backends.diagram.options import DEFAULT, PlanError
    from archdsl.diff.picture import picture

    shown = [each for each in found if each.any and each.old and each.new]
    if len(shown) != 1:
        whole = [each for each in found if each.old and each.new]
        if len(whole) != 1:
            names = ", ".join(each.new.name for each in shown or whole if each.new)
            raise CommandError(f"a picture shows one net (--net NAME): {names}")
        shown = whole
    theme: Theme = args.theme or ("auto" if form == "svg" else "light")
    try:
        text = picture(shown[0], theme, DEFAULT._replace(depth=args.depth))
    except PlanError as problem:
        raise CommandError(str(problem)) from None
    data = text.encode()
    if form != "svg":
        from archdsl.cli.rendered import by_cairo

        data = by_cairo(text, form, False)
    there = [spec for spec in (args.old, args.new) if spec and os.path.exists(spec)]
    drawn = os.path.exists(args.output)
    if drawn and any(os.path.samefile(spec, args.output) for spec in there):
        raise CommandError(f"`{args.output}` is a spec; name another file")
    write(args.output, data)
