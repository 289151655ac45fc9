"""What is done with each input; nothing but what is documented may be raised."""

from __future__ import annotations

import contextlib
import itertools
import random
import zlib

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
from archdsl.ir.flat import state_dict_names
from archdsl.ir.network import Network
from archdsl.limits import Limits, lowered
from archdsl.reading import decoded
from archdsl.syntax.format import format_source

Expected = (SpecError, PlanError)
# An input of some kilobytes needs no more, and each is then done quickly.
MOST = {"stages": 3000, "source": 16_384}
LIMITS = lowered(MOST)
# So many names of tensors are written: a short text may stand for a billion.
NAMES = 2000

# Where fuzzing spends its time is on reading and checking: one input in so many takes
# the other steps, by a sum of its bytes, so that each input does the same again.
SHARES = {
    **{"tell": 8, "fmt": 8, "again": 32, "compile": 8, "names": 16},
    **{"draw": 32, "volumes": 64, "lower": 12},
}


class Steps:
    """Which steps an input takes: all, or its share."""

    def __init__(self, data: bytes, everything: bool) -> None:
        self._sum = None if everything else zlib.crc32(data)

    def has(self, step: str) -> bool:
        """Whether the input takes a step of `SHARES`."""
        return self._sum is None or self._sum % SHARES[step] == 0


def run(data: bytes, everything: bool = True) -> None:
    """Take all steps, or this input's share. Raises one of `Expected`, or a bug."""
    steps = Steps(data, everything)
    _read(data, steps, LIMITS)
    if steps.has("lower"):
        _read(data, steps, _lower(data))


def _lower(data: bytes) -> Limits:
    """Limits as a service may set them: some are so low that they are met."""
    draw = random.Random(zlib.crc32(data))
    most = lowered(MOST)._asdict()
    some = draw.sample(list(most), draw.randrange(1, len(most)))
    return lowered(
        MOST | {name: min(most[name], 2 ** draw.randrange(12)) for name in some}
    )


def _read(data: bytes, steps: Steps, limits: Limits) -> None:
    source, found = decoded(data, "fuzz.arch", limits)
    if source is None:
        _told(found, steps)
        return
    checked = pipeline.check(source)
    _told(checked.diagnostics, steps)
    # A net without a name has no parameters that would have to be given.
    unnamed = "" in checked.nets and "" not in checked.networks
    assert checked.diagnostics or not unnamed, "refused without a word"
    if steps.has("fmt"):
        text, found = format_source(source)
        _told(found, steps)
        if text is not None and steps.has("again"):
            _again(text, checked)
    for network in checked.networks.values():
        if steps.has("compile"):
            compile(source_of(network), "fuzz.py", "exec", dont_inherit=True)
            summary_table(network)
        if steps.has("names"):
            for name, weight in itertools.islice(state_dict_names(network), NAMES):
                assert f"{name}  {weight.shape}".isprintable()
        _drawn(network, steps)
    if checked.diagnostics and checked.nets and steps.has("draw"):
        known = pipeline.sketch(source, checked.nets[-1])
        if known is not None:
            _drawn(known, steps)


def _again(text: str, checked: pipeline.Checked) -> None:
    """What was laid out is laid out no more, and has the same nets."""
    laid_out, _ = decoded(text.encode(), "fuzz.arch")
    assert laid_out is not None
    assert format_source(laid_out)[0] == text, "fmt is not idempotent"
    if not any(d.code.startswith("E07") for d in checked.diagnostics):
        # What is over a limit may be within those that a text has here.
        again = pipeline.check(laid_out)
        assert list(again.networks) == list(checked.networks)


def _drawn(network: Network, steps: Steps) -> None:
    if steps.has("draw"):
        for write in (dot, graph, flowchart, tree):
            write(network)
    if steps.has("volumes"):
        with contextlib.suppress(PlanError):
            made = scene(network)
            svg(made, "auto", 1.0)
            document(made)


def _told(found: list[Diagnostic], steps: Steps) -> None:
    for form in FORMATS if steps.has("tell") else ():
        said = render(found, form)
        assert said.replace("\n", "").isprintable()
    assert all(d.code in CODES for d in found)
