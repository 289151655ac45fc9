"""Network to SVG: boxes and lines, laid out along the structure of the network."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.backends.diagram import words
from archdsl.backends.diagram.changed import mark_changes
from archdsl.backends.diagram.options import DEFAULT, Direction, Options
from archdsl.backends.diagram.picture import Mark, Picture
from archdsl.backends.diagram.plan import plan
from archdsl.backends.svg.columns import lay_out
from archdsl.backends.svg.fit import PIXELS, POINTS, fitted
from archdsl.backends.svg.level import levels
from archdsl.backends.svg.markup import Drawing, drawing, svg
from archdsl.backends.svg.theme import SMALL, Theme
from archdsl.collector import Paused
from archdsl.ir.network import Network

# So many closed blocks are named.
_NAMED = 4


def graph(
    network: Network,
    source_name: str | None = None,
    *,
    direction: Direction = "TB",
    theme: Theme = "auto",
    width_in: float | None = None,
    options: Options = DEFAULT,
) -> str:
    """Draw a network as SVG text.

    `source_name` is the file's name to show in tooltips. `direction` is where the flow
    goes, from top to bottom or from left to right. The theme `auto` follows the
    reader's setting. `width_in` scales the picture to so many inches.
    Raises what `plan` raises.
    """
    # What is made lives until the end: looking through it again and again would make
    # the time grow faster than the network.
    with Paused():
        made = graph_drawing(network, source_name, direction=direction, options=options)
        scale = 1.0 if width_in is None else width_in * PIXELS / made.wide
        name = network.name or "network"
        return svg(made, name, _description(network), theme, scale)


def graph_drawing(
    network: Network,
    source_name: str | None = None,
    *,
    direction: Direction = "TB",
    options: Options = DEFAULT,
    marks: Mapping[int, Mark] | None = None,
) -> Drawing:
    """The places of all that `graph` draws, in pixels at its natural size.

    `marks` tell what has become of stages, by identity.
    """
    name = words.short(network.name or "network")
    heading = f"{name}: {_totals(network)}"

    def drawn(picture: Picture) -> Drawing:
        if marks is not None:
            mark_changes(picture, marks)
        layouts = lay_out(levels(picture), direction == "LR")
        links = (line.link for layout in layouts for line in layout.lines)
        dashed = any((link.skip or link.far) and not link.dotted for link in links)
        return drawing(layouts, heading, _notes(network, options, picture, dashed))

    if options.depth is not None or not options.fold:
        return drawn(plan(network, source_name, options))
    return fitted(lambda closer: plan(network, source_name, options, closer), drawn)


def font_points(made: Drawing, width_in: float | None = None) -> float:
    """The size of the smallest text in points, when the picture is so wide."""
    natural = made.wide / PIXELS
    scale = 1.0 if width_in is None else width_in / natural
    return SMALL * POINTS / PIXELS * scale


def _totals(network: Network) -> str:
    return words.totals(network)


def _notes(network: Network, options: Options, picture: Picture, dashed: bool) -> str:
    """What is needed to read the picture."""
    notes = []
    if "shapes" in options.show:
        notes.append(f"on lines: {words.order(network, options)}")
    if words.inside(network, options):
        notes.append(f"in brackets: {words.inside(network, options)}")
    if dashed:
        notes.append("dashed: past other boxes")
    if any(output.training for output in network.root.outputs):
        notes.append("dotted: in training only")
    if network.wrong:
        notes.append(f"{words.SIGN}: {words.AMISS}")
    if picture.closed:
        names = ", ".join(picture.closed[:_NAMED])
        more = ", …" if len(picture.closed) > _NAMED else ""
        notes.append(
            words.short(f"closed: {names}{more}")
            + " (--depth N or --expand opens them)"
        )
    return "; ".join(notes + words.needs(network))


def _description(network: Network) -> str:
    if network.wrong:
        told = "; ".join(
            f"{one.code}, {one.where}: {one.message}" for one in network.wrong
        )
        return f"Diagram of the network {network.name or 'network'}, refused: {told}."
    cost = network.root.cost
    inputs = ", ".join(words.sizes(tensor.sizes) for tensor in network.root.inputs)
    return (
        f"Diagram of the network {network.name or 'network'}: {cost.layers:,} layers,"
        f" {_totals(network)}, input {inputs}."
    )
