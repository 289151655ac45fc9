"""What is done with each input; nothing but what is documented may be raised."""

from __future__ import annotations

import contextlib

from archdsl import pipeline
from archdsl.api import SpecError, source_of
from archdsl.backends.diagram.options import PlanError
from archdsl.backends.graphviz import dot
from archdsl.backends.mermaid import flowchart
from archdsl.backends.svg import graph
from archdsl.backends.text.summary import summary_table
from archdsl.backends.text.tree import tree
from archdsl.backends.tikz import document
from archdsl.backends.volumes import scene
from archdsl.backends.volumes.markup import svg
from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.codes import CODES
from archdsl.diagnostics.render import FORMATS, render
from archdsl.ir.network import Network
from archdsl.limits import lowered
from archdsl.reading import decoded
from archdsl.syntax.format import format_source

Expected = (SpecError, PlanError)
# An input of some kilobytes needs no more, and each is then done quickly.
LIMITS = lowered({"stages": 3000, "source": 16_384})


def run(data: bytes) -> None:
    """Go through everything. Raises one of `Expected`, or what is a bug."""
    source, found = decoded(data, "fuzz.arch", LIMITS)
    if source is None:
        _told(found)
        return
    checked = pipeline.check(source)
    _told(checked.diagnostics)
    text, found = format_source(source)
    _told(found)
    if text is not None:
        laid_out, _ = decoded(text.encode(), "fuzz.arch")
        assert laid_out is not None
        assert format_source(laid_out)[0] == text, "fmt is not idempotent"
        again = pipeline.check(laid_out)
        assert list(again.networks) == list(checked.networks)
    for network in checked.networks.values():
        compile(source_of(network), "fuzz.py", "exec", dont_inherit=True)
        summary_table(network)
        _drawn(network)
    if checked.diagnostics and checked.nets:
        known = pipeline.sketch(source, checked.nets[-1])
        if known is not None:
            _drawn(known)


def _drawn(network: Network) -> None:
    for write in (dot, graph, flowchart, tree):
        write(network)
    with contextlib.suppress(PlanError):
        made = scene(network)
        svg(made, "auto", 1.0)
        document(made)


def _told(found: list[Diagnostic]) -> None:
    for form in FORMATS:
        said = render(found, form)
        assert said.replace("\n", "").isprintable()
    assert all(d.code in CODES for d in found)
