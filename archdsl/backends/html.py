"""What notebooks show: diagrams, summaries and findings as HTML, and as plain text.

Pictures are data of their own, so that their styles reach nothing else. No colour is
set but by the diagram, which has its own paper: a page may be light or dark.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from typing import Literal

from archdsl.backends.diagram.options import PlanError
from archdsl.backends.text.summary import NUMBERS, table_of
from archdsl.backends.text.tree import tree
from archdsl.backends.text.wording import title
from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.render import printable, render
from archdsl.ir.network import Network

View = Literal["graph", "volumes"]

_HTML, _SVG, _TEXT = "text/html", "image/svg+xml", "text/plain"

# What `render` writes for terminals, and the same for pages.
_PAINTED = re.compile("\x1b\\[([0-9;]+)m(.*?)\x1b\\[0m", re.DOTALL)
_PAINT = {
    "1;31": "font-weight:bold;color:#d33",
    "1": "font-weight:bold",
    "34": "opacity:.6",
    "36": "font-style:italic",
}
# More rows than these make a notebook slow.
_MOST_ROWS = 2_000
_CELL = "padding:.1em .6em;white-space:pre;font-family:monospace"


def bundle(network: Network, view: View = "graph") -> dict[str, str]:
    """A net by type of content: HTML of diagram and summary, the SVG, and the tree.

    A net that was sketched has no summary. What cannot be drawn says why instead.
    """
    drawn = _drawn(network, view)
    picture = _picture(drawn, network)
    made = {_HTML: picture, _TEXT: tree(network)}
    if not network.wrong:
        made[_HTML] = f"{picture}\n{summary_html(network)}"
    if drawn.startswith("<svg"):
        made[_SVG] = drawn
    return made


def bundle_of_findings(
    found: Sequence[Diagnostic], known: Network | None, view: View = "graph"
) -> dict[str, str]:
    """What is wrong, and below it what is known of the net."""
    html = findings_html(found)
    if known is not None:
        html += "\n" + _picture(_drawn(known, view), known)
    return {_HTML: html, _TEXT: render(found, "full")}


def bundle_of_several(name: str, networks: Sequence[Network]) -> dict[str, str]:
    """A table of nets with their totals."""
    if not networks:
        text = f"{name}: no net is shown, since none has all its parameters"
        return {_HTML: f"<p>{escape(printable(text))}</p>", _TEXT: text}
    rows = [
        (title(net), f"{net.root.cost.params:,}", f"{net.root.cost.macs:,}")
        for net in networks
    ]
    head = ("net", "parameters", "MACs")
    text = "\n".join(
        f"{net}, {params} parameters, {macs} MACs" for net, params, macs in rows
    )
    return {_HTML: _table(head, rows, (), (1, 2)), _TEXT: text}


def summary_html(network: Network) -> str:
    """The summary of a net: its totals, and the table of its layers to be opened."""
    made = table_of(network)
    first, *others = (escape(printable(line)) for line in made.header)
    header = f"<p><b>{first}</b><br>{'<br>'.join(others)}</p>\n"
    if len(made.rows) > _MOST_ROWS:
        return f"{header}<p>The table has {len(made.rows):,} rows; it is left out.</p>"
    notes = "".join(f"<p>{escape(note)}</p>" for note in made.notes)
    table = _table(made.head, made.rows, made.total, NUMBERS)
    return f"{header}<details><summary>layers</summary>\n{table}{notes}</details>"


def findings_html(found: Sequence[Diagnostic]) -> str:
    """Findings with their lines, as on a terminal."""
    # Signs that a terminal would act on are made visible before paint is added.
    text = escape(render(found, "full", colour=True))
    painted = _PAINTED.sub(
        lambda match: f'<span style="{_PAINT[match[1]]}">{match[2]}</span>', text
    )
    return f'<pre style="white-space:pre;overflow-x:auto">{painted}</pre>'


def _drawn(network: Network, view: View) -> str:
    """The SVG, or why there is none."""
    from archdsl.backends.svg import graph
    from archdsl.backends.volumes import volumes

    try:
        return volumes(network) if view == "volumes" else graph(network)
    except PlanError as problem:
        return str(problem)


def _picture(drawn: str, network: Network) -> str:
    if not drawn.startswith("<svg"):
        return f"<p>{escape(printable(drawn))}</p>"
    data = b64encode(drawn.encode()).decode("ascii")
    about = escape(printable(f"diagram of {title(network)}"))
    return (
        f'<img alt="{about}" style="max-width:100%;height:auto"'
        f' src="data:image/svg+xml;base64,{data}">'
    )


def _table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    total: Sequence[str],
    numbers: Sequence[int],
) -> str:
    def row(cells: Sequence[str], tag: str = "td") -> str:
        shown = "".join(
            f'<{tag} style="{_CELL};text-align:'
            f'{"right" if at in numbers else "left"}">{escape(printable(cell))}</{tag}>'
            for at, cell in enumerate(cells)
        )
        return f"<tr>{shown}</tr>"

    body = "\n".join([*map(row, rows), *([row(total, "th")] if total else [])])
    return f"<table>\n{row(head, 'th')}\n{body}\n</table>\n"
