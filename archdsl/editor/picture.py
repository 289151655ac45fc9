"""The picture of a net, to be shown beside its text while that is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from archdsl.editor.analysis import Analysis
from archdsl.ir.network import Network
from archdsl.ir.unchecked import is_whole
from archdsl.limits import MAX_TOLD
from archdsl.pipeline import sketch
from archdsl.reading import Files
from archdsl.request import ChoiceError, net_names, the_net
from archdsl.syntax import nodes as n
from archdsl.tuples import NamedTuple

if TYPE_CHECKING:
    from archdsl.backends.diagram.options import Direction
    from archdsl.backends.svg.theme import Theme

View = Literal["graph", "volumes"]
VIEWS: tuple[View, ...] = ("graph", "volumes")


class Asked(NamedTuple):
    """What is to be drawn.

    Without a net it is the one that the text is about, or the first. `depth` and
    `direction` are those of `archdsl.backends.diagram.options`, and for graphs. With
    `mistakes` a net that is wrong is drawn as far as it is known.
    """

    net: str | None = None
    view: View = "graph"
    direction: Direction = "TB"
    theme: Theme = "light"
    depth: int | None = None
    mistakes: bool = False


class Picture(NamedTuple):
    """A picture as SVG, or None and, in `message`, why there is none.

    `nets` are all there are; it is empty for a text that cannot be read. `net` is the
    one that is drawn. `wrong` tells that the check of that net fails.
    """

    nets: tuple[str, ...]
    net: str | None
    svg: str | None
    message: str = ""
    wrong: bool = False


def picture(analysis: Analysis, asked: Asked, files: Files | None = None) -> Picture:
    """Draw a net of a text that was checked; `files` are those that it may use."""
    tree = analysis.tree
    items = tree.items if tree is not None else ()
    nets = tuple(i.name.name for i in items if isinstance(i, n.Net | n.Family))
    if not nets:
        return Picture((), None, None, _finding(analysis) or "there is no net", True)
    net = asked.net if asked.net in nets else _meant(analysis, nets)
    if not analysis.diagnostics:
        known = analysis.networks.get(net)
        if known is None:
            message = f"some parameters of `{net}` have no value: give them defaults"
            return Picture(nets, net, None, message)
        return _drawn(nets, known, asked)
    known = sketch(analysis.source, net, {}, files)
    if known is not None and is_whole(known.root):
        # The mistake is in another net, which says nothing against this one.
        return _drawn(nets, known._replace(wrong=()), asked)
    told = _finding(analysis)
    if known is None or not asked.mistakes:
        return Picture(nets, net, None, told, True)
    made = _drawn(nets, known, asked)
    return made._replace(message=made.message or told, wrong=True)


def _meant(analysis: Analysis, nets: tuple[str, ...]) -> str:
    # Those that can be built come first.
    whole = net_names(analysis.source)
    try:
        return the_net(whole, analysis.source.name) or nets[0]
    except ChoiceError:
        return whole[0]


def _drawn(nets: tuple[str, ...], network: Network, asked: Asked) -> Picture:
    from archdsl.backends.diagram.options import DEFAULT, Options, PlanError

    try:
        if asked.view == "volumes":
            from archdsl.backends.volumes import volumes

            options = Options(depth=asked.depth, show=("shapes",))
            svg = volumes(network, theme=asked.theme, options=options)
        else:
            from archdsl.backends.svg import graph

            svg = graph(
                network,
                direction=asked.direction,
                theme=asked.theme,
                options=DEFAULT._replace(depth=asked.depth),
            )
    except PlanError as problem:
        # It speaks to those at a command line.
        message = str(problem).replace("--view graph", "the graph")
        return Picture(nets, network.name, None, message)
    return Picture(nets, network.name, svg)


def _finding(analysis: Analysis) -> str:
    """The first mistake in one line."""
    for found in analysis.diagnostics:
        place = f"line {found.span.line}: " if found.span is not None else ""
        more = len(analysis.diagnostics) - 1
        others = f", and {more} more" if more else ""
        return f"{place}{found.message[:MAX_TOLD]}{others}"
    return ""
