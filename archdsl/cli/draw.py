"""`archdsl draw`: a network as volumes, a graph or a tree, in many formats."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from archdsl.cli.console import CLEAN, FINDINGS, CommandError, err, out, say
from archdsl.cli.files import write
from archdsl.cli.select import network_or_sketch, spec_path

if TYPE_CHECKING:
    from archdsl.backends.diagram.options import Direction, Options
    from archdsl.backends.svg.theme import Theme
    from archdsl.ir.network import Network

# What the ending of a file says. Any text may be in a .txt, if -f says so.
_ENDINGS = {
    **{".dot": "dot", ".gv": "dot", ".svg": "svg", ".png": "png", ".pdf": "pdf"},
    **{".mmd": "mermaid", ".mermaid": "mermaid", ".txt": "txt"},
    **{".tex": "tikz", ".tikz": "tikz"},
}
_BYTES = ("png", "pdf")
_PICTURES = ("svg", *_BYTES)
# The formats of each view, that which is meant first, and where to find the others.
_FORMS = {
    "graph": ("dot", *_PICTURES, "mermaid"),
    "volumes": (*_PICTURES, "tikz"),
    "tree": ("txt",),
}
_VIEWS = {form: view for view, forms in _FORMS.items() for form in forms}
_VIEWS.update(dict.fromkeys(_PICTURES, "graph"))
# What a view is called, and what it has no use for.
_CALLED = {"graph": "a graph", "volumes": "a row of volumes", "tree": "a tree"}
_NO_USE = {
    "graph": {"ascii": "is for trees"},
    "volumes": {
        "ascii": "is for trees",
        "direction": "is for graphs, and volumes go to the right",
        "expand": "is for graphs and trees; --depth closes blocks of volumes",
        "shape_order": "is for graphs and trees, where shapes stand in one line",
        "engine": "is for graphs: volumes are drawn by archdsl alone",
    },
    "tree": {
        "direction": "is for graphs, and a tree has one direction",
        "engine": "is for graphs: a tree is text",
    },
}
# The engines that are given DOT: the program, and the library.
_GRAPHVIZ = ("dot", "pygraphviz")
# So many edges at most are in a flowchart that Mermaid draws, unless it is told.
_MERMAID_EDGES = 500


def run(args: argparse.Namespace) -> int:
    """Write a diagram to a file or to standard output.

    Where the check fails it is written all the same, and shows what is wrong.
    """
    form = _form(args)
    _refuse(args, form)
    if form in _BYTES and args.output is None and sys.stdout.isatty():
        raise CommandError(f"a {form.upper()} is no text; name a file with -o")
    net = network_or_sketch(args)
    from archdsl.backends.diagram.options import PlanError

    try:
        data = _drawn(net, form, args)
    except PlanError as problem:
        raise CommandError(str(problem)) from None
    if args.output is not None:
        write(args.output, data, spec_path(args))
    elif form in _BYTES:
        sys.stdout.buffer.write(data)
    elif form == "txt":
        say(data.decode())
    else:
        out(data.decode())
    if not net.wrong:
        return CLEAN
    from archdsl.backends.diagram.words import SIGN

    place = "the picture" if args.output is None else args.output
    err(f"archdsl draw: the check failed; {place} shows it, marked {SIGN}\n")
    return FINDINGS


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
        form = _FORMS[args.view or "graph"][0]
    view = args.view = args.view or _VIEWS[form]
    if form not in _FORMS[view]:
        others = " or ".join(v for v in _FORMS if form in _FORMS[v])
        what = "plain text" if form == "txt" else form
        raise CommandError(
            f"{_CALLED[view]} is not drawn as {what}; try --view {others}, or"
            f" -f {' or -f '.join(_FORMS[view])}"
        )
    return form


def _refuse(args: argparse.Namespace, form: str) -> None:
    """Options that would do nothing are refused."""
    for option, why in _NO_USE[args.view].items():
        if getattr(args, option):
            views = [v for v in _FORMS if option not in _NO_USE[v]]
            raise CommandError(
                f"--{option.replace('_', '-')} {why}; leave it away, or try --view"
                f" {' or --view '.join(views)}"
            )
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
            if option == "width_in" and form == "tikz":
                continue
            if getattr(args, option) is not None:
                name = option.replace("_", "-")
                raise CommandError(
                    f"--{name} is for svg, png and pdf, and not for {form}, which is"
                    " text; try -f svg"
                )
    if args.engine in _GRAPHVIZ:
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
    if args.view == "volumes":
        return _volumes(net, form, options, args)
    direction: Direction = args.direction or "TB"
    if form == "mermaid":
        from archdsl.backends.mermaid import flowchart

        text = flowchart(net, options=options, direction=direction)
        _warn(text, args.depth)
        return text.encode()
    if form in _PICTURES and args.engine not in _GRAPHVIZ:
        return _built_in(net, form, options, direction, args)
    from archdsl.backends.graphviz import dot

    text = dot(net, options=options, direction=direction)
    if form == "dot":
        return text.encode()
    from archdsl.cli.rendered import by_graphviz, by_pygraphviz

    if args.engine == "pygraphviz":
        return by_pygraphviz(text, form)
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


def _volumes(
    net: Network, form: str, options: Options, args: argparse.Namespace
) -> bytes:
    from archdsl.backends import volumes

    if form == "tikz":
        return volumes.tikz(net, width_in=args.width_in, options=options).encode()
    theme: Theme = args.theme or ("auto" if form == "svg" else "light")
    text = volumes.volumes(net, theme=theme, width_in=args.width_in, options=options)
    if form == "svg":
        return text.encode()
    from archdsl.cli.rendered import by_cairo

    return by_cairo(text, form, args.width_in is not None)


def _options(args: argparse.Namespace, form: str) -> Options:
    from archdsl.backends.diagram.options import DEFAULT, SHOWN, Options

    # A tree has room for all of it, and volumes have little.
    shown = SHOWN if form == "txt" else DEFAULT.show
    if args.view == "volumes":
        shown = ("shapes",)
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
