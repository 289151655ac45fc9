"""The compiler on one page: text, tree, network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.collector import Paused
from archdsl.diagnostics import Diagnostic, in_order
from archdsl.diagnostics.suggest import did_you_mean
from archdsl.elaborate.definitions import (
    Definitions,
    Library,
    check_names,
    definitions,
)
from archdsl.elaborate.nets import Elaborator
from archdsl.elaborate.report import Reporter
from archdsl.ir.network import Network
from archdsl.source import Source, Span
from archdsl.syntax import nodes as n
from archdsl.syntax import parse
from archdsl.tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from archdsl.reading import Files


class Checked(NamedTuple):
    """What came of a source text: its nets, and what is wrong with it.

    `networks` holds the nets that are whole, `nets` the names of all there are.
    """

    networks: dict[str, Network]
    nets: tuple[str, ...]
    diagnostics: list[Diagnostic]


def check(
    source: Source,
    net: str | None = None,
    params: dict[str, object] | None = None,
    files: Files | None = None,
) -> Checked:
    """Check all nets of a source text, or the one asked for, with parameters set.

    Nothing but `files` reads other files; without it `use` is a mistake.
    """
    with Paused():
        tree, found = parse(source)
        if tree is None:
            return Checked({}, (), in_order(found))
        return check_tree(source, tree, net, params or {}, files)


def check_tree(
    source: Source,
    tree: n.File,
    net: str | None,
    params: dict[str, object],
    files: Files | None,
    elaborator: Callable[[Definitions, Reporter], Elaborator] = Elaborator,
) -> Checked:
    """`check` of a text that was parsed; `elaborator` may look on as it is done."""
    report = Reporter(source)
    if not tree.items:
        report.error(
            "E0105",
            "there is nothing here",
            Span(source, 0, 0),
            hints=("the shortest spec is one line: `input 1x32x32 | conv 6x5x5`",),
        )
        return Checked({}, (), report.found)
    library = Library(files)
    defined = definitions(tree, Definitions(source, library), report)
    report.enter(defined)
    sound = check_names(defined, report)
    names = tuple(defined.nets)
    if not names and not defined.own() and not report.found:
        report.error(
            "E0105",
            "there is no net here",
            Span(source, 0, 0),
            hints=("begin one with `net name {` or `input 3x224x224`",),
        )
    wanted = _wanted(source, tree, names, net, report)
    networks: dict[str, Network] = {}
    made = elaborator(defined, report)
    if sound and _within_limits(report):
        for name in wanted:
            root = made.net(name, params)
            if root is not None:
                networks[name] = Network(name, root, source.name, made.facts)
            elif len(wanted) == 1 and net is not None and not report.found:
                _lacks(made.requires(name), name, defined.nets[name], report)
        if net is None:
            called = made.elaborated()
            for home in library.spec():
                report.enter(home)
                for name, block in home.blocks.items():
                    if (home.file, name) not in called:
                        made.unused(block)
            report.enter(defined)
    if report.found:
        networks = {}
    return Checked(networks, names, in_order(report.found))


def sketch(
    source: Source,
    net: str,
    params: dict[str, object] | None = None,
    files: Files | None = None,
) -> Network | None:
    """What is known of a net whose check fails, for pictures; None if nothing is.

    Stages that are wrong, and those that could not be checked after them, are in it as
    `archdsl.ir.unchecked` says. The arguments are those of `check`.
    """
    from archdsl.elaborate.sketch import Sketcher

    with Paused():
        tree, _ = parse(source)
        if tree is None:
            return None
        report = Reporter(source)
        defined = definitions(tree, Definitions(source, Library(files)), report)
        report.enter(defined)
        check_names(defined, report)
        if net not in defined.nets or not _within_limits(report):
            return None
        return Sketcher(defined, report).network(net, params or {})


def _within_limits(report: Reporter) -> bool:
    """What is nested too deep, or has too many parameters, is not worked on."""
    return not any(d.code in ("E0703", "E0706", "E0707") for d in report.found)


def _lacks(
    names: list[str], net: str, item: n.Net | n.Family, report: Reporter
) -> None:
    shown = ", ".join(f"`{name}`" for name in names)
    report.error(
        "E0402",
        f"`{net}` lacks {shown}",
        item.name,
        hints=(
            "give it on the command line: --set "
            + " --set ".join(f"{n}=…" for n in names),
        ),
    )


def _wanted(
    source: Source,
    tree: n.File,
    names: tuple[str, ...],
    net: str | None,
    report: Reporter,
) -> tuple[str, ...]:
    if net is None:
        return names
    if net in names:
        return (net,)
    report.error(
        "E0211",
        f"there is no net `{net}` in {source.name}",
        Span(source, 0, 0),
        hints=did_you_mean(net, names)
        or ("it has: " + ", ".join(name or "(unnamed)" for name in names),),
    )
    return ()
