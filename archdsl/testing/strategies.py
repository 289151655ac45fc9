"""Specs as Hypothesis strategies."""

from __future__ import annotations

from hypothesis import strategies as st

from archdsl.testing.drawing import Draw, Drawing
from archdsl.testing.mutations import InvalidSpec, mutated
from archdsl.testing.near import WORDS, near
from archdsl.testing.nets import Specs


@st.composite
def specs(draw: Draw, max_stages: int = 8) -> str:
    """Texts of specs that check clean, with a net called `top` or without a name.

    Every layer of the language and every construct occurs: blocks with parameters,
    merges, repeats, conditions, shared weights, tensors of the module's own, symbols,
    several inputs and outputs, families, labels of all kinds, comments. The numbers are
    small, so that a net takes milliseconds to check, build and run. `max_stages` is how
    many stages the net's own chain has at most; what they hold comes on top.
    """
    return Specs(draw, max_stages).spec().text


@st.composite
def invalid_specs(draw: Draw, max_stages: int = 4) -> InvalidSpec:
    """Specs with one mistake, its code and its place.

    A checker reports that mistake, and nothing else.
    """
    return mutated(Drawing(draw), Specs(draw, max_stages).spec())


def arch_text() -> st.SearchStrategy[str]:
    """Any text that is more or less like a spec: few parse, and fewer check clean."""
    words = st.lists(st.sampled_from(WORDS) | st.text(max_size=3), max_size=40)
    return words.map("".join) | broken_specs()


@st.composite
def broken_specs(draw: Draw) -> str:
    """Specs from which pieces were cut, and into which others were put."""
    return near(Drawing(draw), Specs(draw, 4).spec().text)
