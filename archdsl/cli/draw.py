"""`archdsl draw`: a network as a graph or a tree, in many formats."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from archdsl.cli.console import CLEAN, CommandError, err, out
from archdsl.cli.files import write
from archdsl.cli.select import network, spec_path

if TYPE_CHECKING:
    from archdsl.backends.diagram.options import Direction, Options
    from archdsl.backends.svg.theme import Theme
    from archdsl.ir.network import Network

# What the ending of a file says. Any text may be in a .txt, if -f says so.
_ENDINGS = {
    **{".dot": "dot", ".gv": "dot", ".svg": "svg", ".png": "png", ".pdf": "pdf"},
    **{".mmd": "mermaid", ".mermaid": "mermaid", ".txt": "txt"},
}
_BYTES = ("png", "pdf")
_PICTURES = ("svg", *_BYTES)
# So many edges at most are in a flowchart that Mermaid draws, unless it is told.
_MERMAID_EDGES = 500


def run(args: argparse.Namespace) -> int:
    """Write a diagram to a file or to standard output."""
    form = _form(args)
    _refuse(args, form)
    if form in _BYTES and args.output is None and sys.stdout.isatty():
        raise CommandError(f"a {form.upper()} is no text; name a file with -o")
    net = network(args)
    from archdsl.backends.diagram.options import PlanError

    try:
        data = _drawn(net, form, args)
    except PlanError as problem:
        raise CommandError(str(problem)) from None
    if args.output is not None:
        write(args.output, data, spec_path(args))
    elif form in _BYTES:
        sys.stdout.buffer.write(data)
    else:
        out(data.decode())
    return CLEAN


def _form(args: argparse.Namespace) -> str:
    """The format that is asked for, by -f, by the file's ending, or by the view."""
    form: str | None = args.format
    if args.output is not None:
        ending = os.path.splitext(args.output)[1].lower()
        meant = _ENDINGS.get(ending)
        if form is None and meant is None:
            raise CommandError(
                f"`{args.output}` does not end in {', '.join(_ENDINGS)};"
                " say the format with -f"
            )
        if form is not None and meant not in (form, "txt", None):
            raise CommandError(
                f"`{args.output}` ends in {ending}, and -f says {form};"
                " leave -f away, or name another file"
            )
        form = form or meant
    if form is None:
        form = "txt" if args.view == "tree" else "dot"
    if form == "txt" and args.view == "graph":
        raise CommandError(
            "a graph is not drawn in plain text; try --view tree, or -f mermaid or"
            " -f dot for a text that others draw"
        )
    if form != "txt" and args.view == "tree":
        raise CommandError(
            f"a tree is plain text and no {form}; try -f txt, or --view graph"
        )
    return form


def _refuse(args: argparse.Namespace, form: str) -> None:
    """Options that would do nothing are refused."""
    if form == "txt":
        if args.direction is not None:
            raise CommandError(
                "a tree has one direction; leave --direction away, or try --view graph"
            )
    elif args.ascii:
        raise CommandError(f"--ascii is for trees, and not for {form}; try --view tree")
    if form == "mermaid" and args.no_fold:
        raise CommandError(
            "a flowchart of Mermaid is always folded; try --no-fold with another"
            " format, such as -f dot"
        )
    _refuse_look(args, form)
    closes = form in _PICTURES and args.engine != "dot" and not args.no_fold
    if args.expand and args.depth is None and not closes:
        raise CommandError(
            "all blocks are open without --depth N; --expand opens some that it closes"
        )
    shown = args.show or ("shapes",)
    if args.shape_order is not None and "shapes" not in shown:
        raise CommandError(
            f"--show {','.join(shown)} leaves the shapes out; --shape-order says how"
            " they are told"
        )


def _refuse_look(args: argparse.Namespace, form: str) -> None:
    """What only some pictures have: an engine, colours, a width."""
    if form not in _PICTURES:
        for option in ("engine", "theme", "width_in"):
            if getattr(args, option) is not None:
                name = option.replace("_", "-")
                raise CommandError(
                    f"--{name} is for svg, png and pdf, and not for {form}, which is"
                    " text; try -f svg"
                )
    if args.engine == "dot":
        for option in ("theme", "width_in"):
            if getattr(args, option) is not None:
                name = option.replace("_", "-")
                raise CommandError(
                    f"Graphviz knows no --{name}; try --engine builtin, which does"
                )
    if args.theme == "auto" and form in _BYTES:
        raise CommandError(
            f"a {form.upper()} cannot follow the reader's setting; try --theme light or"
            " --theme dark, or -f svg"
        )


def _drawn(net: Network, form: str, args: argparse.Namespace) -> bytes:
    options = _options(args, form)
    if form == "txt":
        from archdsl.backends.text.tree import tree

        return tree(net, options=options, ascii_only=args.ascii).encode()
    direction: Direction = args.direction or "TB"
    if form == "mermaid":
        from archdsl.backends.mermaid import flowchart

        text = flowchart(net, options=options, direction=direction)
        _warn(text, args.depth)
        return text.encode()
    if form in _PICTURES and args.engine != "dot":
        return _built_in(net, form, options, direction, args)
    from archdsl.backends.graphviz import dot

    text = dot(net, options=options, direction=direction)
    if form == "dot":
        return text.encode()
    from archdsl.cli.rendered import by_graphviz

    return by_graphviz(text, form)


def _built_in(
    net: Network,
    form: str,
    options: Options,
    direction: Direction,
    args: argparse.Namespace,
) -> bytes:
    from archdsl.backends.svg import graph

    theme: Theme = args.theme or ("auto" if form == "svg" else "light")
    text = graph(
        net,
        direction=direction,
        theme=theme,
        width_in=args.width_in,
        options=options,
    )
    if form == "svg":
        return text.encode()
    from archdsl.cli.rendered import by_cairo

    return by_cairo(text, form, args.width_in is not None)


def _options(args: argparse.Namespace, form: str) -> Options:
    from archdsl.backends.diagram.options import DEFAULT, SHOWN, Options

    # A tree has room for all of it.
    shown = SHOWN if form == "txt" else DEFAULT.show
    return Options(
        depth=args.depth,
        expand=tuple(args.expand),
        fold=not args.no_fold,
        show=args.show or shown,
        order=args.shape_order or DEFAULT.order,
    )


def _warn(text: str, depth: int | None) -> None:
    """Tell when Markdown's viewers may not show a flowchart."""
    from archdsl.backends.mermaid.flowchart import LONG

    edges = sum("->" in line for line in text.splitlines())
    if len(text) <= LONG and edges < _MERMAID_EDGES:
        return
    what = f"the flowchart has {len(text):,} characters"
    if edges >= _MERMAID_EDGES:
        told = f"and {edges} edges; Mermaid draws less than {_MERMAID_EDGES}"
        what += f" {told} unless it is configured"
    else:
        what += f", more than {LONG:,}: where Markdown is shown it may not be drawn"
    remedy = "" if depth == 0 else f"; --depth {1 if depth is None else depth - 1}"
    err(f"archdsl draw: {what}{remedy + ' makes it shorter' if remedy else ''}\n")
