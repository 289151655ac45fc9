"""Network to a picture of volumes, as SVG or as TikZ."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from archdsl.backends.diagram import words
from archdsl.backends.diagram.options import DEFAULT, Options
from archdsl.backends.svg.metrics import width
from archdsl.backends.svg.theme import Theme
from archdsl.backends.volumes.groups import SIGNS, groups
from archdsl.backends.volumes.hourglass import hourglass
from archdsl.backends.volumes.measure import Measure, nominal
from archdsl.backends.volumes.rows import Placed, breaks, rows, shifted, split
from archdsl.backends.volumes.scene import LARGE, SMALL, Face, Scene, Text
from archdsl.backends.volumes.spine import Kind, Spine, spine
from archdsl.ir.network import Network

# Pixels in an inch.
PIXELS = 96.0
# A picture is at most so many times as wide as high, and so wide and high in pixels:
# on a slide its text then has six points and more.
_ASPECT = 2.0
_WIDEST, _HIGHEST = 1500.0, 860.0
# The height of the largest map in pixels, what looks best first.
_HEIGHTS = (150, 180, 210, 240, 270, 300, 330, 360, 120, 100)
# What twice as many channels add to the thickness: less where there is much to show.
_GROWTHS = (4.2, 3.2, 2.4)
_MOST_ROWS = 8
_MARGIN = 10.0
_HEAD, _FOOT = 24.0, 26.0
_SWATCH = 10.0
# The least that is shown of a formula.
_FORMULA = 30
# What stands along an edge, by the number of its sizes.
_ON_EDGES = {1: "length", 2: "height × width", 3: "depth × height × width"}

_KINDS: dict[Kind, str] = {
    "input": "input",
    "convolution": "convolution",
    "pooling": "pooling",
    "linear": "linear map",
    "shape": "moved or resized",
    "closed": "block",
    "normalisation": "normalisation",
    "activation": "activation",
    "regularisation": "regularisation",
    "wrong": "refused",
    "unchecked": "not checked",
}


def scene(network: Network, *, options: Options = DEFAULT) -> Scene:
    """Place all that is drawn.

    Raises PlanError for a net that is more than one row of volumes.
    """
    made = spine(network, options)
    placed = _placed(made, options)
    return _framed(network, made, placed, options)


def _placed(made: Spine, options: Options) -> Placed:
    """The largest map as low as the shape of the page allows, in as few rows."""
    best: tuple[float, Placed] | None = None
    for placed in _tries(made, options):
        miss = _miss(placed)
        if best is None or miss < best[0]:
            best = miss, placed
        if miss == 0:
            break
    assert best is not None
    return best[1]


def _tries(made: Spine, options: Options) -> Iterator[Placed]:
    """Ways to place the volumes, the one that is wanted most first."""
    sizes = [size for volume in made.volumes for size in volume.sizes[-1][1:]]
    largest = max((nominal(size) for size in sizes), default=1)
    measures = [
        Measure(made, high / largest**0.5, growth)
        for growth, high in product(_GROWTHS, _HEIGHTS)
    ]
    found = [groups(made, measure, options.show) for measure in measures]
    across = [placed for each in found if (placed := hourglass(each, made))]
    if across:
        yield from across
        return
    for count in range(1, _MOST_ROWS + 1):
        if count == 2:
            found = [groups(made, each, options.show, apart=True) for each in measures]
        for each in found:
            starts = split(each, breaks(each, made), count)
            if len(starts) < count:
                return
            yield rows(each, made, starts)


def _miss(placed: Placed) -> float:
    """How far a picture is from what a page has room for."""
    wide, high = placed.wide + 2 * _MARGIN, placed.high + _HEAD + _FOOT
    aspect = max(wide / high / _ASPECT, high / wide / _ASPECT)
    return max(aspect, wide / _WIDEST, high / _HIGHEST, 1.0) - 1.0


def _framed(network: Network, made: Spine, placed: Placed, options: Options) -> Scene:
    """The picture with its heading and its legend."""
    name = network.name or "network"
    heading = _heading(network, placed.wide)
    head = Text(heading, _MARGIN, _MARGIN + LARGE - 3, LARGE, "start", True)
    texts = [head]
    swatches: list[Face] = []
    y = placed.high + _HEAD + _FOOT
    x = _MARGIN
    kinds = dict.fromkeys(
        kind
        for volume in made.volumes
        for kind in (volume.kind, *(each.kind for each in volume.slices))
    )
    wide = max(placed.wide + 2 * _MARGIN, head.box.right + _MARGIN)
    entries = [(kind, _said(kind, made)) for kind in kinds]
    for kind, said in entries:
        long = _SWATCH + 5 + width(said, SMALL)
        if x + long + _MARGIN > wide and x > _MARGIN:
            x, y = _MARGIN, y + 16
        square = ((x, y - 9), (x + _SWATCH, y - 9), (x + _SWATCH, y + 1), (x, y + 1))
        swatches.append(Face(square, kind, "front"))
        texts.append(Text(said, x + _SWATCH + 5, y, anchor="start"))
        x += long + 16
    for note in _notes(network, made, options):
        long = width(note, SMALL)
        if x + long + _MARGIN > wide and x > _MARGIN:
            x, y = _MARGIN, y + 16
        texts.append(Text(note, x, y, anchor="start"))
        wide = max(wide, x + long + _MARGIN)
        x += long + 16
    placed = shifted(placed, (wide - placed.wide) / 2, _HEAD + 6)
    cost = network.root.cost
    description = (
        f"The tensors of the network {name} as volumes: {cost.layers:,} layers,"
        f" {words.totals(network)}, input"
        f" {words.sizes(network.root.inputs[0].sizes)}."
    )
    texts += placed.texts
    high = y + _MARGIN
    return Scene(
        wide, high, placed.bodies, placed.lines, texts, swatches, name, description
    )


def _heading(network: Network, wide: float) -> str:
    """The name and what the net costs; formulas are as long as there is room."""
    name = words.short(network.name or "network")
    if network.wrong:
        first = network.wrong[0]
        return words.short(f"{name}: {words.SIGN} {first.code}: {first.message}")
    heading = ""
    for longest in range(words.LONGEST, _FORMULA - 1, -10):
        heading = f"{name}: {words.totals(network, longest)}"
        if width(heading, LARGE, True) <= wide:
            break
    return heading


def _said(kind: Kind, made: Spine) -> str:
    """What a colour stands for."""
    if kind != "merge":
        return _KINDS[kind]
    found = {}
    for volume in made.volumes:
        if volume.kind == "merge" and not volume.slices:
            found["sum" if volume.text in SIGNS else "joined"] = True
        elif any(each.kind == "merge" for each in volume.slices):
            found["copied"] = True
    return ", ".join(found)


def _notes(network: Network, made: Spine, options: Options) -> list[str]:
    """What is needed to read the picture."""
    notes = []
    if any(skip.projects for skip in made.skips):
        notes.append("dashed: projection")
    if "shapes" in options.show:
        notes.append("; ".join(["bold: channels", *_on_edges(made)]))
    return [*notes, "not to scale", *words.needs(network)]


def _on_edges(made: Spine) -> list[str]:
    """What stands along edges, if anything does."""
    ranks = {len(volume.sizes[-1]) - 1 for volume in made.volumes}
    said = [text for rank, text in _ON_EDGES.items() if rank in ranks]
    return [f"on edges: {' or '.join(reversed(said))}"] if said else []


def volumes(
    network: Network,
    *,
    theme: Theme = "auto",
    width_in: float | None = None,
    options: Options = DEFAULT,
) -> str:
    """Draw a network's tensors as SVG text; `width_in` is its width in inches.

    The theme `auto` follows the reader's setting. Raises what `scene` raises.
    """
    from archdsl.backends.volumes.markup import svg

    made = scene(network, options=options)
    scale = 1.0 if width_in is None else width_in * PIXELS / made.wide
    return svg(made, theme, scale)


def tikz(
    network: Network, *, width_in: float | None = None, options: Options = DEFAULT
) -> str:
    """The same as a LaTeX document, drawn by TikZ. Raises what `scene` raises."""
    from archdsl.backends.tikz import document

    return document(scene(network, options=options), width_in)
