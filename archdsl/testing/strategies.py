"""Specs as Hypothesis strategies.

All choices of a spec are read from one string of bytes. With a draw for each choice
Hypothesis would follow each new spec by several copies with small changes, half of
which mean the same.
"""

from __future__ import annotations

from hypothesis import strategies as st

from archdsl.testing.drawing import Drawing
from archdsl.testing.mutations import InvalidSpec, mutated
from archdsl.testing.near import WORDS, near
from archdsl.testing.nets import Specs

# Enough for the longest specs; most read less.
_BYTES = 700
# For what is done to a spec.
_MORE = 24


def _tapes(length: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=length, max_size=length)


def specs(max_stages: int = 8) -> st.SearchStrategy[str]:
    """Texts of specs that check clean, with a net called `top` or without a name.

    Every layer of the language and every construct occurs: blocks with parameters,
    merges, repeats, conditions, shared weights, tensors of the module's own, symbols,
    several inputs and outputs, families, labels of all kinds, comments. The numbers are
    small, so that a net takes milliseconds to check, build and run. `max_stages` is how
    many stages the net's own chain has at most; what they hold comes on top.
    """
    return _tapes(_BYTES).map(lambda tape: Specs(tape, max_stages).spec().text)


def invalid_specs(max_stages: int = 4) -> st.SearchStrategy[InvalidSpec]:
    """Specs with one mistake, its code and its place.

    A checker reports that mistake, and nothing else.
    """

    def broken(tape: bytes) -> InvalidSpec:
        return mutated(Drawing(tape[:_MORE]), Specs(tape[_MORE:], max_stages).spec())

    return _tapes(_MORE + _BYTES).map(broken)


def arch_text() -> st.SearchStrategy[str]:
    """Any text that is more or less like a spec: few parse, and fewer check clean."""

    def cut(tape: bytes) -> str:
        return near(Drawing(tape[:_MORE]), Specs(tape[_MORE:], 4).spec().text)

    words = st.lists(st.sampled_from(WORDS) | st.text(max_size=3), max_size=40)
    return words.map("".join) | _tapes(_MORE + _BYTES).map(cut)
