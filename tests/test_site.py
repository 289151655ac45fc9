"""The documentation site: built offline, whole, and asking nothing of other hosts."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import pytest
from test_links import build

ROOT = Path(__file__).resolve().parent.parent
BUILDER = ROOT / "docs" / "site" / "build.py"

# The address of another host.
OTHERS = re.compile(r"(?:[a-z]+:)?//|(?!data:)[a-z]+:")

needed = pytest.mark.skipif(
    any(importlib.util.find_spec(m) is None for m in ("sphinx", "myst_parser", "furo")),
    reason="the group `site` is not installed",
)


class Link(NamedTuple):
    tag: str
    attribute: str
    to: str


class Page(HTMLParser):
    """What a page asks for, where it leads to, and the places in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.assets: list[Link] = []
        self.leads: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value is None:
                continue
            if name == "id" or (tag == "a" and name == "name"):
                self.places.add(value)
            elif name == "href" and tag == "a":
                self.leads.append(value)
            elif name in ("src", "href", "data", "poster", "action"):
                self.assets.append(Link(tag, name, value))
            elif name == "srcset":
                parts = value.split(",")
                self.assets += [Link(tag, name, part.split()[0]) for part in parts]
            elif name == "style":
                found = re.findall(r"url\(([^)]*)\)", value)
                self.assets += [Link(tag, name, each) for each in found]


def built(out: Path) -> Path:
    """The site, built without a network."""
    # A host that is not there takes the place of all others.
    nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, str(BUILDER), "--out", str(out)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), **nowhere},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return out / "html"


@needed
def test_the_site(tmp_path: Path) -> None:
    # One test, since each process of tests that is asked for the site builds it.
    site = built(tmp_path)
    pages = {
        path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")
    }
    nothing_is_asked_of_other_hosts(site, pages)
    all_that_is_asked_for_is_there(site, pages)
    no_link_is_broken(site, pages)
    each_page_of_the_documentation_is_there(site)
    specs_are_coloured_and_pictures_shown(site)
    search_has_an_index_of_its_own(site)


def nothing_is_asked_of_other_hosts(site: Path, pages: dict[Path, Page]) -> None:
    assert len(pages) > 100
    asked = [
        f"{path.relative_to(site)}: {link.to}"
        for path, page in pages.items()
        for link in page.assets
        if OTHERS.match(link.to)
    ]
    assert asked == []
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert not re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", text), style


def all_that_is_asked_for_is_there(site: Path, pages: dict[Path, Page]) -> None:
    missing = [
        f"{path.relative_to(site)}: {link.to}"
        for path, page in pages.items()
        for link in page.assets
        if not link.to.startswith(("data:", "#"))
        and not (path.parent / unquote(urlsplit(link.to).path)).exists()
    ]
    assert missing == []


def no_link_is_broken(site: Path, pages: dict[Path, Page]) -> None:
    broken = []
    for path, page in pages.items():
        for lead in page.leads:
            parts = urlsplit(lead)
            if parts.scheme or parts.netloc:
                continue
            to = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            there = pages.get(to)
            found = to.is_file() if there is None else True
            if there is not None and parts.fragment:
                found = unquote(parts.fragment) in there.places
            if not found:
                broken.append(f"{path.relative_to(site)}: {lead}")
    assert broken == []


def each_page_of_the_documentation_is_there(site: Path) -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").as_posix()
        name = re.sub(r"(^|/)README\.md$", r"\1index.md", name)
        assert (site / name).with_suffix(".html").is_file(), name
    start = (site / "index.html").read_text(encoding="utf-8")
    for caption, listed in build.NAVIGATION.items():
        assert caption in start
        assert all(title in start for title in listed.values())


def specs_are_coloured_and_pictures_shown(site: Path) -> None:
    text = (site / "specs/classics/lenet.arch.html").read_text(encoding="utf-8")
    assert '<span class="nb">conv</span>' in text
    assert '<span class="nc">lenet5</span>' in text
    assert '<span class="err">' not in text
    assert "lenet5-volumes.svg" in text
    assert "_images/" in (site / "gallery.html").read_text(encoding="utf-8")
    # Cells of notebooks are specs as well.
    cells = (site / "notebooks.html").read_text(encoding="utf-8")
    assert '<span class="nb">avgpool</span>' in cells


def search_has_an_index_of_its_own(site: Path) -> None:
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    assert "avgpool" in index
    assert "searchtools.js" in (site / "search.html").read_text(encoding="utf-8")


def _stage(root: Path, pages: dict[str, str]) -> Path:
    for name, text in {"docs/README.md": "# start\n", **pages}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    out = root / "out"
    build.Stage(root, out).write()
    return out


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "NAVIGATION", {"Begin": {"docs/a.md": "A"}})


@pytest.mark.usefixtures("bare")
def test_pages_keep_their_links_and_files_become_pages(tmp_path: Path) -> None:
    out = _stage(
        tmp_path,
        {
            "docs/a.md": "# a\n[b](../spec/b.arch) [c](../spec) [r](README.md#start)\n",
            "spec/b.arch": "input 3x8x8 | relu\n",
            "spec/c.txt": "```\nd\n```\n",
        },
    )
    text = (out / "a.md").read_text()
    assert "[b](spec/b.arch.md) [c](spec/index.md) [r](index.md#start)" in text
    assert "```arch\ninput 3x8x8 | relu\n```" in (out / "spec/b.arch.md").read_text()
    assert "````text\n```\nd\n```\n````" in (out / "spec/c.txt.md").read_text()
    assert "[c.txt](c.txt.md)" in (out / "spec/index.md").read_text()
    assert "A <a>" in (out / "index.md").read_text()


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("link", ["b.md", "../../b.md", "../docs/c/"])
def test_a_broken_link_ends_the_build(tmp_path: Path, link: str) -> None:
    with pytest.raises(
        build.BrokenLinkError, match=re.escape(f"docs/a.md: there is no {link}")
    ):
        _stage(tmp_path, {"docs/a.md": f"# a\n[b]({link})\n"})


def test_what_a_page_asks_of_others_is_seen() -> None:
    page = Page(
        '<img src="https://a.example/b.png" srcset="//c.example/d.png 2x"><p id="e">'
        '<i style="background:url(http://f.example)"></i><a href="https://g.example">'
        '<link href="style.css"><img src="data:image/png;base64,aa">'
    )
    asked = [link.to for link in page.assets if OTHERS.match(link.to)]
    assert asked == [
        "https://a.example/b.png",
        "//c.example/d.png",
        "http://f.example",
    ]
    assert page.places == {"e"}
    assert page.leads == ["https://g.example"]


@needed
def test_colours_of_code_can_be_read() -> None:
    sys.path.insert(0, str(BUILDER.parent))
    try:
        from styles import Dark, Light  # type: ignore[import-not-found]
    finally:
        sys.path.pop(0)
    for style in (Light, Dark):
        for kind, look in style:
            if look["color"]:
                found = contrast(look["color"], style.background_color.lstrip("#"))
                assert found >= 4.5, f"{style.__name__}, {kind}: {found:.2f}"


def contrast(a: str, b: str) -> float:
    """The contrast of two colours, by the formula of WCAG 2.1."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in parts
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(a), luminance(b)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
