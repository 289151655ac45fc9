"""Links between the pages of the repository lead somewhere, as it is viewed plainly."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _build() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "site_build", ROOT / "docs/site/build.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build = _build()
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "editors/**/*.md")
    for path in ROOT.glob(pattern)
    if "node_modules" not in path.parts
)


def anchors(page: Path) -> set[str]:
    """What headings are called in links, as GitHub and the site have it."""
    found: dict[str, int] = {}
    fence = ""
    for line in page.read_text(encoding="utf-8").splitlines():
        mark = re.match(r"(`{3,})", line)
        if mark and not fence:
            fence = mark[1]
        elif fence:
            fence = "" if line.strip() == fence else fence
        elif heading := re.match(r"#+ (.*)", line):
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
            slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
            number = found.get(slug, 0)
            found[slug] = number + 1
            if number:
                found[f"{slug}-{number}"] = 1
    return set(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    here = page.relative_to(ROOT).as_posix()
    text = page.read_text(encoding="utf-8")
    for link in build.links(text):
        meant = build.target(here, link)
        if meant is None and not link.startswith("#"):
            continue
        path = page if meant is None else ROOT / meant
        assert not (meant or "").startswith(".."), f"{link} leads out of the repository"
        assert path.exists(), f"there is no {link}"
        _, _, anchor = link.partition("#")
        if anchor:
            if path.is_dir():
                path /= "README.md"
            assert anchor in anchors(path), f"there is no {link}"


def test_what_is_linked_is_in_the_repository() -> None:
    known = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if known.returncode:
        pytest.skip("this is no checkout")
    files = known.stdout.splitlines()
    folders = {str(parent) for file in files for parent in Path(file).parents}
    for page in PAGES:
        here = page.relative_to(ROOT).as_posix()
        for link in build.links(page.read_text(encoding="utf-8")):
            meant = build.target(here, link)
            assert meant is None or meant in files or meant in folders, (
                f"{here}: {link}"
            )


def test_code_holds_no_links() -> None:
    text = (
        "a `[b](c)` [d](e#f)\n\n````md\n```\n[g](h)\n````\n![i](j.svg) ``[k](`l`)``\n"
    )
    assert list(build.links(text)) == ["e#f", "j.svg"]
    assert (
        build.relinked(text, str.upper).replace("E#F", "e#f").replace("J.SVG", "j.svg")
        == text
    )


@pytest.mark.parametrize(
    ("page", "link", "meant"),
    [
        ("docs/a.md", "b.md#c", "docs/b.md"),
        ("docs/errors/a.md", "../../specs", "specs"),
        ("README.md", "docs/", "docs"),
        ("docs/a.md", "../../x", "../x"),
        ("docs/a.md", "https://example.org", None),
        ("docs/a.md", "mailto:a@example.org", None),
        ("docs/a.md", "#b", None),
    ],
)
def test_what_a_link_means(page: str, link: str, meant: str | None) -> None:
    assert build.target(page, link) == meant
