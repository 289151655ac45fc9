"""`archdsl draw`: formats, views, options, and what makes no sense together."""

from __future__ import annotations

import os
import re
import sys
from xml.etree import ElementTree

import pytest
from shell import Shell
from test_dot import RESNET

import archdsl
from archdsl.api import ShownNetwork
from archdsl.cli.rendered import _readable

TEXT = ("dot", "mermaid", "txt")
BEGINS = {"dot": "digraph", "mermaid": "flowchart TB", "txt": "resnet: 43.2 k"}
LONG = "input 3x8x8 | " + " | ".join(f"conv {n} 1x1" for n in range(8, 150))

try:
    import cairosvg  # noqa: F401

    has_cairo = True
except (ImportError, OSError):
    has_cairo = False
needs_cairo = pytest.mark.skipif(not has_cairo, reason="no CairoSVG")


@pytest.mark.parametrize(
    ("name", "form"),
    [
        *(("a.dot", "dot"), ("a.gv", "dot"), ("a.mmd", "mermaid"), ("a.txt", "txt")),
        *(("a.mermaid", "mermaid"), ("A.MMD", "mermaid")),
    ],
)
def test_the_ending_says_the_format(shell: Shell, name: str, form: str) -> None:
    ran = shell("draw", "-e", RESNET, "-o", name)
    assert (ran.status, ran.out, ran.err) == (0, "", "")
    text = (shell.folder / name).read_text()
    assert text.startswith(BEGINS[form])
    assert shell("draw", "-e", RESNET, "-f", form).out == text
    assert shell("draw", "-e", RESNET, "-f", form, "-o", "b").status == 0
    assert (shell.folder / "b").read_text() == text


def test_svg_needs_no_program(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert shell("draw", "-e", RESNET, "-o", "a.svg").status == 0
    text = (shell.folder / "a.svg").read_text()
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert shell("draw", "-e", RESNET, "-f", "svg", "--engine", "builtin").out == text
    dark = shell("draw", "-e", RESNET, "-f", "svg", "--theme", "dark").out
    assert "prefers-color-scheme" in text
    assert "prefers-color-scheme" not in dark
    narrow = shell("draw", "-e", RESNET, "-f", "svg", "--width-in", "3.25").out
    assert 'width="312"' in narrow
    right = shell("draw", "-e", RESNET, "-f", "svg", "--direction", "LR").out
    assert right != text


def test_options_reach_the_built_in_picture(shell: Shell) -> None:
    def drawn(*options: str) -> str:
        ran = shell("draw", "-e", RESNET, "-f", "svg", *options)
        assert (ran.status, ran.err) == (0, "")
        return " ".join(re.findall(r">([^<>]+)</text>", ran.out))

    assert "layer1: basic ×2" in drawn()
    assert "layer1.1: basic" in drawn("--no-fold")
    assert "7 layers" in drawn("--depth", "0")
    opened = drawn("--depth", "0", "--expand", "layer2.0")
    assert "7 layers" in opened
    assert "down" in opened
    assert "32×32×3" in drawn("--shape-order", "hwc")
    assert "height × width × channels" in drawn("--shape-order", "hwc")
    bare = drawn("--show", "macs")
    assert "3×32×32" not in bare
    assert "442 k" in bare
    assert "in brackets: MACs" in bare


def test_the_view(shell: Shell) -> None:
    for options in (["--view", "tree"], ["--view", "tree", "-f", "txt"], ["-f", "txt"]):
        assert shell("draw", "-e", RESNET, *options).out.startswith(BEGINS["txt"])
    assert shell("draw", "-e", RESNET, "--view", "graph").out.startswith("digraph")
    assert shell("draw", "-e", RESNET, "--view", "tree", "--ascii").out.isascii()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--view graph -f txt", "--view tree"),
        ("--view graph -o a.txt", "--view tree"),
        ("--view tree -f svg", "--view graph"),
        ("--view tree -o a.mmd", "-f txt"),
        ("--view tree --direction LR", "--view graph"),
        ("--direction LR -f txt", "--view graph"),
        ("--ascii", "--view tree"),
        ("--ascii -f svg", "--view tree"),
        ("--no-fold -f mermaid", "-f dot"),
        ("--expand layer1", "--depth N"),
        ("--show params --shape-order hwc", "leaves the shapes out"),
        ("--engine dot -f mermaid", "-f svg"),
        ("--engine builtin -f dot", "-f svg"),
        ("--engine pygraphviz -f dot", "-f svg"),
        ("--width-in 3 -o a.png --engine pygraphviz", "--engine builtin"),
        ("--engine dot", "-f svg"),
        ("--engine dot --view tree", "--view graph"),
        ("--engine dot --view volumes -f svg", "try --view graph\n"),
        ("--theme dark", "-f svg"),
        ("--theme dark -f mermaid", "-f svg"),
        ("--width-in 3 --view tree", "-f svg"),
        ("--theme dark -f svg --engine dot", "--engine builtin"),
        ("--width-in 3 -o a.png --engine dot", "--engine builtin"),
        ("--theme auto -o a.png", "--theme light"),
        ("-f svg -o a.png", "leave -f away"),
        ("-f dot -o a.svg", "leave -f away"),
        ("-o a.jpg", "-f"),
        ("-o a", "-f"),
        ("--depth -1", "whole number of 0 or more"),
        ("--depth x", "whole number of 0 or more"),
        ("--show", "expected one argument"),
        ("--show shape", "'shape' is none of shapes, params, macs"),
        ("--show params,,macs", "'' is none of"),
        ("--shape-order whc", "invalid choice"),
        ("--direction RL", "invalid choice"),
        ("--width-in 0 -f svg", "number of inches"),
        ("--width-in nan -f svg", "number of inches"),
        ("--depth 0 --expand layer9", "did you mean `layer"),
        ("--depth 0 --expand conv1 -f svg", "no block `conv1`"),
        ("--no-fold --set n=900", "more than 4,000 boxes"),
        ("--no-fold --set n=900 -f svg", "more than 4,000 boxes"),
        ("--no-fold --set n=900 --view tree", "more than 4,000 boxes"),
    ],
)
def test_what_makes_no_sense(shell: Shell, options: str, says: str) -> None:
    ran = shell("draw", "-e", RESNET, *options.split())
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.err
    assert "bug" not in ran.err
    assert os.listdir(shell.folder) == []


def test_any_text_may_be_in_a_text_file(shell: Shell) -> None:
    assert shell("draw", "-e", RESNET, "-f", "dot", "-o", "a.txt").status == 0
    assert (shell.folder / "a.txt").read_text().startswith("digraph")


def test_long_flowcharts_are_warned_of(shell: Shell) -> None:
    ran = shell("draw", "-e", LONG, "-f", "mermaid")
    assert ran.status == 0
    assert ran.out.startswith("flowchart")
    assert "characters, more than 4,500" in ran.err
    assert "--depth 1 makes it shorter" in ran.err
    ran = shell("draw", "-e", LONG, "-f", "mermaid", "--depth", "0")
    assert "--depth" not in ran.err
    assert shell("draw", "-e", RESNET, "-f", "mermaid").err == ""
    many = "input 3x8x8 | " + " | ".join(f"conv {n} 1x1" for n in range(8, 600))
    ran = shell("draw", "-e", many, "-f", "mermaid")
    assert "edges; Mermaid draws less than 500" in ran.err


@needs_cairo
@pytest.mark.parametrize(("form", "begins"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_png_and_pdf(shell: Shell, form: str, begins: bytes) -> None:
    assert shell("draw", "-e", RESNET, "-o", f"a.{form}").status == 0
    made = (shell.folder / f"a.{form}").read_bytes()
    assert made.startswith(begins)
    ran = shell("draw", "-e", RESNET, "-o", f"b.{form}", "--theme", "dark")
    assert ran.status == 0
    assert (shell.folder / f"b.{form}").read_bytes() != made
    ran = shell("draw", "-e", RESNET, "-o", f"c.{form}", "--width-in", "4")
    assert ran.status == 0
    if form == "png":
        data = (shell.folder / "c.png").read_bytes()
        assert int.from_bytes(data[16:20]) == 4 * 300


@pytest.mark.parametrize("form", ["png", "pdf"])
def test_without_cairo(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    ran = shell("draw", "-e", RESNET, "-o", f"a.{form}")
    assert (ran.status, ran.out) == (2, "")
    for way in ("archdsl[png]", "-f svg", "--engine dot"):
        assert way in ran.err
    assert os.listdir(shell.folder) == []


@needs_cairo
def test_a_picture_too_large_for_pixels(shell: Shell) -> None:
    text = "input 3x8x8 | " + " | ".join(f"conv {n} 1x1" for n in range(8, 3000))
    ran = shell("draw", "-e", text, "-o", "a.png", "--width-in", "200")
    assert ran.status == 2
    assert re.search(r"would have 60,000 × [\d,]+ pixels, and at most 16,384", ran.err)
    assert "a smaller --width-in" in ran.err
    assert os.listdir(shell.folder) == []


def test_what_cairo_says_is_readable() -> None:
    said = "cairo returned CAIRO_STATUS_INVALID_SIZE: b'invalid value (too big)'"
    assert _readable(Exception(said)) == "invalid value (too big)"
    assert _readable(Exception()) == "Exception"


def test_a_notebook_shows_a_network() -> None:
    net = archdsl.check(RESNET).network()
    assert isinstance(net, ShownNetwork)
    shown = net._repr_mimebundle_(include=None, exclude=None)
    assert set(shown) == {"text/html", "image/svg+xml", "text/plain"}
    assert ElementTree.fromstring(shown["image/svg+xml"]).tag.endswith("svg")
    # Light and dark as the reader has it.
    assert "prefers-color-scheme" in shown["image/svg+xml"]
    assert shown["text/plain"].startswith("resnet: 43.2 k parameters")
