"""Which net is drawn, and what is told where none is."""

from __future__ import annotations

from archdsl.editor.analysis import analyse
from archdsl.editor.picture import Asked, Picture, picture

TWO = """\
net first c {
  input 3x8x8 | conv c 3
}

net other {
  input 3x8x8 | conv 4 3 | relu
}

net last {
  input 3x8x8 | conv 16 3
}
"""


def drawn(text: str, name: str = "spec.arch", **asked: object) -> Picture:
    return picture(analyse(name, text), Asked()._replace(**asked))  # type: ignore[arg-type]


def test_the_net_that_is_meant_is_drawn() -> None:
    assert drawn(TWO).net == "other"
    assert drawn(TWO, "last.arch").net == "last"
    assert drawn(TWO, net="last").net == "last"
    # One that is not there any more, as when its name is being written.
    assert drawn(TWO, net="lost").net == "other"
    assert drawn("input 3x8x8 | relu").nets == ("",)


def test_a_net_without_values_says_so() -> None:
    made = drawn(TWO, net="first")
    assert made.svg is None
    assert (
        made.message == "some parameters of `first` have no value: give them defaults"
    )
    assert not made.wrong


def test_a_mistake_elsewhere_leaves_the_picture() -> None:
    made = drawn(TWO.replace("conv 16", "cnv 16"), net="other")
    assert made.svg is not None
    assert not made.wrong
    assert made.message == ""


def test_a_mistake_is_told_and_drawn_if_asked() -> None:
    wrong = TWO.replace("conv 16", "cnv 16")
    told = "line 10: there is no layer, block or label `cnv`"
    assert drawn(wrong, net="last") == Picture(
        ("first", "other", "last"), "last", None, told, True
    )
    made = drawn(wrong, net="last", mistakes=True)
    assert made.svg is not None
    assert "‼" in made.svg
    assert (made.message, made.wrong) == (told, True)


def test_a_text_that_cannot_be_read_has_no_nets() -> None:
    made = drawn(TWO.replace("conv 16 3", "conv ("))
    assert made.nets == ()
    assert made.svg is None
    assert made.message == "line 11: `}` cannot close `(`"
    assert drawn("").message.endswith("there is nothing here")


def test_depth_and_direction() -> None:
    block = "block b {\n  conv 4 3 p1 | relu | conv 4 3 p1\n}\n"
    block += "net n { input 4x8x8 | b | b | b }"
    whole, closed = drawn(block), drawn(block, depth=0)
    assert whole.svg is not None
    assert closed.svg is not None
    assert "conv 3×3" in whole.svg
    assert "conv 3×3" not in closed.svg
    assert drawn(block, direction="LR").svg != whole.svg
    dark = drawn(block, theme="dark").svg
    assert dark is not None
    assert "prefers-color-scheme" not in dark


def test_what_cannot_be_drawn_as_asked_says_why() -> None:
    two = "net n { input a: 3x8x8 | input b: 3x8x8 | add(a, b) }"
    assert drawn(two).svg is not None
    made = drawn(two, view="volumes")
    assert made.svg is None
    assert made.message == (
        "`n` has 2 inputs, and volumes stand in one row; try the graph"
    )
