"""Specs in notebooks: cells, what they show, and what is made of them."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import archdsl
from archdsl.api import Checked, ShownNetwork
from archdsl.backends.html import bundle, findings_html
from archdsl.backends.volumes import volumes

IPython = pytest.importorskip("IPython")

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "notebook.ipynb"
PAGE = ROOT / "docs" / "notebooks.md"

TINY = "input 3x8x8 | conv 4x3x3 | relu"
TWO = "net a n {input 3x8x8\n conv n 3}\nnet b n=2 { input 3xHxW | conv n 3}"


class Ran:
    """What came of a cell: what it printed, and what it showed."""

    def __init__(self, ok: bool, out: str, err: str, shown: list[dict[str, str]]):
        self.ok = ok
        self.out = out
        self.err = err
        self.shown = shown


class Notebook:
    """A shell of IPython with the extension, in this process."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        assert self("%load_ext archdsl").ok

    def __call__(self, cell: str) -> Ran:
        from IPython.utils.capture import capture_output

        with capture_output() as said:
            result = self.shell.run_cell(cell, store_history=True)
        shown = [output.data for output in said.outputs]
        return Ran(result.success, said.stdout, said.stderr, shown)

    def __getitem__(self, name: str) -> Any:
        return self.shell.user_ns[name]


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    # What is shown goes through the one instance that there is.
    InteractiveShell.clear_instance()
    # A thread would write cells to a database, and print where it cannot.
    config = Config({"HistoryManager": {"enabled": False}})
    yield Notebook(InteractiveShell.instance(config=config))
    InteractiveShell.clear_instance()


class _Page(HTMLParser):
    """The tags of a piece of HTML, and whether each is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> _Page:
    page = _Page()
    page.feed(html)
    page.close()
    assert not page.open
    return page


def picture(html: str) -> str:
    """The SVG that a page shows."""
    (source,) = (attrs["src"] for tag, attrs in read(html).tags if tag == "img")
    assert source is not None
    kind, _, data = source.partition(";base64,")
    assert kind == "data:image/svg+xml"
    svg = base64.b64decode(data).decode()
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    return svg


# Cells


def test_a_cell_shows_diagram_and_summary(notebook: Notebook) -> None:
    ran = notebook(f"%%arch\n{TINY}")
    assert ran.ok
    assert (ran.out, ran.err) == ("", "")
    (shown,) = ran.shown
    assert set(shown) == {"text/html", "text/plain", "image/svg+xml"}
    page = read(shown["text/html"])
    assert "3x8x8 → 4x6x6" in page.text
    assert "112 parameters, all trainable" in page.text
    assert "conv 4x3x3" in page.text
    assert picture(shown["text/html"]) == shown["image/svg+xml"]
    assert "112 parameters" in shown["text/plain"]


def test_a_name_is_bound_to_what_was_checked(notebook: Notebook) -> None:
    assert notebook(f"%%arch net\n{TINY}").ok
    assert isinstance(notebook["net"], Checked)
    assert notebook["net"].network().root.cost.params == 112
    assert repr(notebook["net"]) == '<Checked In[2]: "">'
    ran = notebook("import archdsl; archdsl.load(net)")
    assert "Conv2d(3, 4" in ran.out
    assert notebook("assert 'Conv2d(3, 4, 3)' in archdsl.compile(net)").ok


def test_findings_are_shown_with_the_lines_of_the_cell(notebook: Notebook) -> None:
    ran = notebook("%%arch net\ninput 3x8x8 | conv 4x3x3\nfc 10")
    assert ran.ok
    assert (ran.out, ran.err) == ("", "")
    (shown,) = ran.shown
    assert "In[2]:3:1: error[E0305]" in shown["text/plain"]
    assert "In[2]:3:1: error[E0305]" in read(shown["text/html"]).text
    assert "E0305" in picture(shown["text/html"])
    # The name is not left with what it was before.
    assert not notebook["net"].ok
    ran = notebook("import archdsl; archdsl.load(net)")
    assert not ran.ok
    assert "error[E0305]" in re.sub("\x1b\\[[0-9;]+m", "", ran.out + ran.err)
    assert "Traceback" not in ran.out + ran.err
    assert "load.py" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%%arch --bad\nrelu", "unrecognized arguments: --bad"),
        ("%%arch 3x\nrelu", "`3x` cannot be the name of a variable"),
        (f"%%arch --net c\n{TWO}", "there is no net `c`; it has: a, b"),
        (f"%%arch --set n\n{TWO}", "--set n: this is not KEY=VALUE"),
        (f"%%arch --set n=(\n{TWO}", "--set n=(: this is not a value"),
        (f"%%arch --set n=3\n{TWO}", "In[2] has 2 nets; choose one of: a, b"),
        ("%%arch", "cell body is empty"),
    ],
)
def test_wrong_usage_is_told_in_a_line(
    notebook: Notebook, cell: str, said: str
) -> None:
    ran = notebook(cell)
    assert not ran.ok
    assert ran.err.startswith("UsageError: ")
    assert said in ran.err
    assert "Traceback" not in ran.out + ran.err


@pytest.mark.parametrize("text", ["\ud800", "\0", "<b>&", "net {", "'", "#"])
def test_junk_is_told(notebook: Notebook, text: str) -> None:
    ran = notebook(f"%%arch x\n{text}")
    assert (ran.ok, ran.out, ran.err) == (True, "", "")
    assert not notebook["x"].ok
    assert "error[E" in read(ran.shown[0]["text/html"]).text


def test_one_of_several_nets(notebook: Notebook) -> None:
    ran = notebook(f"%%arch\n{TWO}")
    # `a` lacks a number.
    assert "b: 3xHxW → 2x(H-2)x(W-2)" in read(ran.shown[0]["text/html"]).text
    ran = notebook("%%arch\n" + TWO.replace("net a n", "net a n=1"))
    assert ran.shown[0]["text/plain"].splitlines() == [
        "a: 3x8x8 → 1x6x6, 28 parameters, 972 MACs",
        "b: 3xHxW → 2x(H-2)x(W-2), 56 parameters, 54·H·W - 108·H - 108·W + 216 MACs",
    ]
    assert "3x8x8 → 1x6x6" in read(ran.shown[0]["text/html"]).text
    notebook(f"%%arch net --net b --set n=4 --set H=8\n{TWO}")
    net = notebook["net"].network()
    assert str(net.root.type) == "4x6x(W-2)"
    # What was asked of it stays, and can be asked otherwise.
    assert archdsl.check(notebook["net"]).network() is not net
    assert str(archdsl.check(notebook["net"]).network().root.type) == "4x6x(W-2)"
    again = archdsl.check(notebook["net"], n=5)
    assert str(again.network().root.type) == "5x6x(W-2)"
    other = archdsl.check(notebook["net"], net="a", n=7)
    assert str(other.network().root.type) == "7x6x6"


def test_quiet_cells_show_findings_alone(notebook: Notebook) -> None:
    assert notebook(f"%%arch -q net\n{TINY}").shown == []
    assert notebook["net"].ok
    assert notebook("%%arch -q net\nrelu").shown


def test_volumes(notebook: Notebook) -> None:
    cell = "input 3x64x64 | conv 32 3 p1 | maxpool 2 | conv 64 3 p1"
    graph = notebook(f"%%arch\n{cell}").shown[0]["image/svg+xml"]
    drawn = notebook(f"%%arch --view volumes net\n{cell}").shown[0]["image/svg+xml"]
    assert graph != drawn
    assert drawn == volumes(notebook["net"].network())


def test_a_cell_uses_the_files_beside_it(notebook: Notebook, tmp_path: Path) -> None:
    (tmp_path / "parts.arch").write_text("block unit c { conv c 3 p1 | relu }")
    assert notebook('%%arch net\nuse "parts.arch"\ninput 3x8x8 | unit 4').ok
    assert notebook["net"].ok
    notebook('%%arch net\nuse "missing.arch"\ninput 3x8x8 | unit 4')
    assert {d.code for d in notebook["net"].diagnostics} >= {"E0803"}


def test_the_extension_can_be_unloaded(notebook: Notebook) -> None:
    assert notebook("%unload_ext archdsl").ok
    assert "not found" in notebook(f"%%arch\n{TINY}").err
    assert notebook("%load_ext archdsl").ok
    assert notebook(f"%%arch\n{TINY}").shown


# Objects


def test_results_show_themselves() -> None:
    checked = archdsl.check(TINY)
    network = checked.network()
    assert isinstance(network, ShownNetwork)
    assert checked._repr_mimebundle_() == network._repr_mimebundle_()
    assert repr(network) == "<<text>: 3x8x8 → 4x6x6; 112 parameters>"
    wrong = archdsl.check("input 3x8x8 | fc 10")
    assert repr(wrong) == "<Checked <text>: E0305>"
    assert "E0305" in picture(wrong._repr_mimebundle_()["text/html"])


def test_what_a_spec_says_is_no_markup() -> None:
    checked = archdsl.check('input 3x8x8 | "<b>&": conv 4x3x3 | cnv "</pre><img>"')
    html = checked._repr_mimebundle_()["text/html"]
    assert {tag for tag, _ in read(html).tags} <= {"pre", "span", "img"}
    assert "</pre><img>" in read(html).text
    html = findings_html(archdsl.check("relu \x1b[1;31m<script>").diagnostics)
    assert {tag for tag, _ in read(html).tags} == {"pre", "span"}
    assert "\x1b" not in html
    assert "\\u{1b}" in html


def test_a_long_table_is_left_out() -> None:
    lines = "\n".join(f"conv {n} 1" for n in range(1, 2500))
    html = bundle(archdsl.check(f"input 3x8x8\n{lines}").network())["text/html"]
    assert "The table has 2,499 rows; it is left out." in read(html).text


def test_showing_needs_no_ipython() -> None:
    code = (
        "import sys\nimport archdsl\n"
        f"assert archdsl.check({TINY!r})._repr_mimebundle_()['text/html']\n"
        "assert 'IPython' not in sys.modules\nassert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_ipython_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "archdsl.notebook", raising=False)
    monkeypatch.delattr(archdsl, "notebook", raising=False)
    monkeypatch.setitem(sys.modules, "IPython.core.error", None)
    with pytest.raises(ModuleNotFoundError, match=r"archdsl\[notebook\]"):
        getattr(archdsl, "load_ipython_extension")  # noqa: B009


# The documentation


def test_the_page_about_notebooks_is_true(notebook: Notebook, tmp_path: Path) -> None:
    cells = re.findall(r"^```ipython\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    assert len(cells) > 3
    for cell in cells:
        ran = notebook(cell)
        assert ran.ok, f"{cell}\n{ran.out}{ran.err}"


def test_the_example_runs_in_a_kernel() -> None:
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(EXAMPLE, as_version=4)
    nbformat.validate(notebook)
    # Outputs are made where it is read, and do not grow old here.
    assert not any(cell.get("outputs") for cell in notebook.cells)
    client.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", ())]
    assert {out.output_type for out in outputs} <= {
        *("display_data", "execute_result", "stream")
    }
    told = [
        "".join(out.get("data", {}).get("text/plain", out.get("text", "")))
        for out in outputs
    ]
    assert any("61,706" in text for text in told)
    assert "torch.Size([2, 26])" in told
    assert any("class LeNet5(nn.Module):" in text for text in told)
    assert any("error[E0304]" in text for text in told)
    pages = [
        out.data["text/html"]
        for out in outputs
        if "data" in out and "text/html" in out.data
    ]
    assert len(pages) == 4
    for page in pages:
        assert picture(page)
