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
from archdsl.elaborate.report import Reporter, TrialEndedError
from archdsl.ir.network import Network
from archdsl.source import Source, Span
from archdsl.syntax import nodes as n
from archdsl.syntax import parse
from archdsl.tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from archdsl.reading import Files


# Characters of a text that is elaborated at once: so little does not repeat itself.
_SHORT = 1000


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
        return check_tree(source, tree, net, params, files)


def check_tree(
    source: Source,
    tree: n.File,
    net: str | None = None,
    params: dict[str, object] | None = None,
    files: Files | None = None,
    elaborator: Callable[[Definitions, Reporter], Elaborator] | None = None,
) -> Checked:
    """Check what was parsed before; the rest is as in `check`.

    An `elaborator` may look on as each stage is elaborated, in its own place.
    """
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
    made = elaborator(defined, report) if elaborator is not None else None
    if sound and _within_limits(report):
        if made is not None:
            networks = _networks(made, report, wanted, net, params or {})
        else:
            networks = _elaborated(defined, report, wanted, net, params or {})
    if report.found:
        networks = {}
    return Checked(networks, names, in_order(report.found))


def _elaborated(
    defined: Definitions,
    report: Reporter,
    wanted: tuple[str, ...],
    net: str | None,
    params: dict[str, object],
) -> dict[str, Network]:
    """The nets that are wanted; what is wrong is reported.

    In a trial, calls that are alike are elaborated once, and have the place of the
    first of them. If there is something to report, all is elaborated again.
    """
    if not report.found and len(defined.source.text) > _SHORT:
        trial = Reporter(defined.source, trial=True)
        try:
            return _networks(
                Elaborator(defined, trial, True), trial, wanted, net, params
            )
        except TrialEndedError:
            pass
    return _networks(Elaborator(defined, report), report, wanted, net, params)


def _networks(
    elaborator: Elaborator,
    report: Reporter,
    wanted: tuple[str, ...],
    net: str | None,
    params: dict[str, object],
) -> dict[str, Network]:
    defined = elaborator.definitions
    networks: dict[str, Network] = {}
    for name in wanted:
        root = elaborator.net(name, params)
        if root is not None:
            shown = defined.source.name
            networks[name] = Network(name, root, shown, elaborator.facts)
        elif len(wanted) == 1 and net is not None and not report.found:
            _lacks(elaborator.requires(name), name, defined.nets[name], report)
    if net is None:
        called = elaborator.elaborated()
        for home in defined.library.spec():
            report.enter(home)
            for name, block in home.blocks.items():
                if (home.file, name) not in called:
                    elaborator.unused(block)
        report.enter(defined)
    return networks


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
