"""The training curves, plain nets on the left and residual ones on the right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from examples.plain_vs_residual.report import Results, by_net
from examples.plain_vs_residual.training import KINDS, Run, depth, kind

TITLES = {"plain": "Plain", "resnet": "Residual"}

# Okabe and Ito's colours, which people with any colour vision tell apart; the markers
# do the same in print without colours.
STYLES = {
    20: ("#0072B2", "o"),
    32: ("#009E73", "s"),
    44: ("#E69F00", "^"),
    56: ("#D55E00", "D"),
    110: ("#CC79A7", "v"),
    1202: ("#000000", "X"),
}


def write(results: Results, folder: Path) -> None:
    """Write FOLDER/curves.svg and curves.png."""
    # The salt makes the names in the SVG the same whenever it is drawn.
    salt = "archdsl"
    with mpl.rc_context({"font.size": 10, "svg.hashsalt": salt}):
        figure = draw(results)
        figure.savefig(folder / "curves.svg", metadata={"Date": None})
        figure.savefig(folder / "curves.png", dpi=200)


def draw(results: Results) -> Figure:
    """Both panels."""
    figure = Figure(figsize=(8, 3.9), layout="constrained")
    panels = figure.subplots(1, len(KINDS), sharex=True, sharey=True)
    for which, panel in zip(KINDS, panels, strict=True):
        panel.set_title(TITLES[which])
        for net, runs in by_net(results.runs).items():
            if kind(net) == which:
                _curve(panel, net, runs)
        panel.set_yscale("log")
        panel.set_xlabel("Epoch")
        panel.grid(which="major", color="#dddddd", linewidth=0.6)
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.legend(title="Layers", loc="lower left", frameon=False)
    panels[0].set_ylabel("Training loss (cross-entropy, nats)")
    return figure


def _curve(panel: Axes, net: str, runs: Sequence[Run]) -> None:
    colour, marker = STYLES[depth(net)]
    losses = list(zip(*(run.losses for run in runs), strict=True))
    epochs = range(1, len(losses) + 1)
    least, most = [*map(min, losses)], [*map(max, losses)]
    panel.fill_between(epochs, least, most, color=colour, alpha=0.1, linewidth=0)
    for edge in (least, most):
        panel.plot(epochs, edge, color=colour, alpha=0.5, linewidth=0.6)
    panel.plot(
        epochs,
        [*map(median, losses)],
        color=colour,
        marker=marker,
        markersize=4,
        linewidth=1.6,
        label=f"{depth(net):,}",
    )
