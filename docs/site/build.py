"""Builds the documentation site: `python docs/site/build.py` writes `build/site/html`.

The pages are those of the repository, which read well without the site. This lays
them out for Sphinx, under `build/site/source`: a README becomes the page of its folder,
links between pages stay, and what else of the repository is linked, specs above all,
becomes a page that shows it. A link that leads nowhere ends the build, and so does any
warning.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "build" / "site"

# The navigation: captions, and below each the pages of the repository with their names
# there, where the title is too long or a path.
NAVIGATION: dict[str, dict[str, str]] = {
    "Begin": {
        "docs/tour.md": "A tour of five minutes",
        "docs/language.md": "The language",
        "docs/gallery.md": "Gallery",
        "docs/comparison.md": "Comparison",
    },
    "Look up": {
        "docs/layers.md": "Layers",
        "docs/std.md": "Standard library",
        "docs/errors": "Errors",
        "docs/cli.md": "Command line",
        "docs/python.md": "Python",
    },
    "Use": {
        "docs/editors.md": "Editors",
        "docs/notebooks.md": "Notebooks",
        "docs/pipelines.md": "Pipelines",
        "docs/testing.md": "Testing",
    },
    "Specs": {
        "specs/classics": "Classics",
        "specs/modern": "Modern",
        "specs/transformers": "Transformers",
        "specs/segmentation": "Segmentation",
        "specs/torchvision": "torchvision",
        "docs/zoo.md": "The zoo",
    },
    "Behind it": {
        "README.md": "Read me",
        "docs/benchmarks.md": "Benchmarks",
        "SECURITY.md": "Security",
        "docs/decisions": "Decisions",
        "CHANGELOG.md": "Changes",
        "CONTRIBUTING.md": "Contributing",
    },
}
START = "docs/README.md"

# What a file that is no page is shown as.
_LEXERS = {
    **{".arch": "arch", ".py": "python", ".json": "json", ".ipynb": "json"},
    **{".lua": "lua", ".toml": "toml", ".yaml": "yaml", ".ts": "ts", ".js": "js"},
    **{".lark": "text", ".in": "text", ".txt": "text", ".el": "elisp", ".csv": "text"},
}
# A longer file is no page to read.
_MOST_BYTES = 400_000

# Code, in which nothing is a link, or the target of a link or picture.
_LINK = re.compile(r"(`+)[^`].*?\1(?!`)|(\]\()([^)\s]+)(\))", re.DOTALL)
_FENCE = re.compile(r"^ {0,3}(`{3,})(\w*)")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//|#")


class Picture(NamedTuple):
    """A picture of a net: its spec, and where it stands in the repository."""

    title: str
    spec: str
    path: str


class BrokenLinkError(Exception):
    """A link that leads nowhere; the text says where it stands."""


def target(page: str, link: str) -> str | None:
    """The path in the repository that a link of a page means, or None if elsewhere.

    A path that leads out of the repository begins with `..`.
    """
    if _ELSEWHERE.match(link):
        return None
    path = link.partition("#")[0]
    return os.path.normpath(os.path.join(os.path.dirname(page), path))


def links(text: str) -> Iterator[str]:
    """All targets of links and pictures of a Markdown text."""
    found: list[str] = []

    def note(link: str) -> str:
        found.append(link)
        return link

    relinked(text, note)
    yield from found


def relinked(text: str, change: Callable[[str], str]) -> str:
    """The text with each target of a link given by `change`; code stays as it is."""

    def swap(match: re.Match[str]) -> str:
        if match[1]:
            return match[0]
        return f"{match[2]}{change(match[3])}{match[4]}"

    parts: list[str] = []
    prose: list[str] = []
    fence = ""
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        if fence:
            parts.append(line)
            if mark and mark[1].startswith(fence) and not line.strip("` \n"):
                fence = ""
        elif mark:
            parts.append(_LINK.sub(swap, "".join(prose)))
            prose.clear()
            fence = mark[1]
            parts.append(line)
        else:
            prose.append(line)
    parts.append(_LINK.sub(swap, "".join(prose)))
    return "".join(parts)


class Stage:
    """The repository's pages on their way to Sphinx."""

    def __init__(self, root: Path, out: Path, pictures: Iterable[Picture] = ()) -> None:
        self._root = root
        self._out = out
        # By path in the repository: what is a page already, or waits to be one.
        self._waiting: list[str] = []
        self._known: set[str] = set()
        self._pictures: dict[str, list[Picture]] = {}
        for picture in pictures:
            self._pictures.setdefault(picture.spec, []).append(picture)

    def write(self) -> None:
        """Write all pages, those of the navigation and what they link."""
        self._page(START)
        for paths in NAVIGATION.values():
            for path in paths:
                self._page(path)
        while self._waiting:
            path = self._waiting.pop()
            if (self._root / path).is_dir():
                self._folder(path)
            elif path.endswith(".md"):
                self._text(path)
            elif path.endswith((".svg", ".png")):
                to = self._out / self.place(path)
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self._root / path, to)
            else:
                self._source(path)

    def place(self, path: str) -> str:
        """Where a file or folder of the repository stands in the source of the site."""
        if path.endswith((".svg", ".png")):
            return path.removeprefix("docs/")
        folder, name = os.path.split(path)
        if (self._root / path).is_dir():
            folder, name = path, "index.md"
        elif name == "README.md" and folder:
            name = "index.md"
        elif not folder:
            name = f"{name.removesuffix('.md').lower()}.md"
        elif not name.endswith(".md"):
            name = f"{name}.md"
        if folder == "docs" or folder.startswith("docs/"):
            folder = folder.removeprefix("docs").removeprefix("/")
        return os.path.join(folder, name)

    def _page(self, path: str) -> str:
        """See to it that a path has a page; where that is."""
        readme = f"{path}/README.md"
        if (self._root / readme).is_file():
            path = readme
        if path not in self._known:
            self._known.add(path)
            self._waiting.append(path)
        return self.place(path)

    def _put(self, path: str, text: str, *, orphan: bool = False) -> None:
        to = self._out / self.place(path)
        to.parent.mkdir(parents=True, exist_ok=True)
        head = "---\norphan: true\n---\n\n" if orphan else ""
        to.write_text(head + text, encoding="utf-8")

    def _text(self, path: str) -> None:
        """A page of Markdown."""
        text = (self._root / path).read_text(encoding="utf-8")
        here = os.path.dirname(self.place(path))

        def change(link: str) -> str:
            meant = target(path, link)
            if meant is None:
                return link
            if meant.startswith("..") or not (self._root / meant).exists():
                raise BrokenLinkError(f"{path}: there is no {link}")
            anchor = link[link.index("#") :] if "#" in link else ""
            return os.path.relpath(self._page(meant), here or ".") + anchor

        text = relinked(text, change)
        # Cells of notebooks: the first line is not the language's, and does no harm.
        text = text.replace("```ipython\n%%arch", "```arch\n%%arch")
        text = text.replace("```ipython\n", "```python\n")
        if path == START:
            text += "".join(
                _toctree(
                    caption,
                    [f"{title} <{self._document(p)}>" for p, title in pages.items()],
                )
                for caption, pages in NAVIGATION.items()
            )
        elif os.path.basename(path) == "README.md" and os.path.dirname(path):
            text += _toctree("", self._beside(path))
        self._put(path, text, orphan=not self._in_navigation(path))

    def _beside(self, readme: str) -> list[str]:
        """The other pages in the folder of a README, as its page names them."""
        folder = os.path.dirname(readme)
        names = sorted(os.listdir(self._root / folder))
        pages = [f"{folder}/{name}" for name in names if name.endswith(".md")]
        here = os.path.dirname(self.place(readme))
        return [
            os.path.relpath(self._document(page), here)
            for page in pages
            if page != readme
        ]

    def _document(self, path: str) -> str:
        """The name that Sphinx gives a page."""
        return self._page(path).removesuffix(".md")

    def _in_navigation(self, path: str) -> bool:
        named = {path, os.path.dirname(path)}
        return path == START or any(named & set(p) for p in NAVIGATION.values())

    def _folder(self, path: str) -> None:
        """A folder without a README: a list of what is in it."""
        names = sorted(
            name
            for name in os.listdir(self._root / path)
            if not name.startswith((".", "__pycache__"))
        )
        pages = [f"{path}/{name}" for name in names]
        here = os.path.dirname(self.place(path))
        rows = "\n".join(
            f"- [{self._title(page)}]({os.path.relpath(self._page(page), here)})"
            for page in pages
        )
        text = f"# {path.removeprefix('docs/')}\n\n{rows}\n"
        if self._in_navigation(path):
            text += _toctree(
                "", [os.path.relpath(self._document(page), here) for page in pages]
            )
        self._put(path, text, orphan=not self._in_navigation(path))

    def _title(self, path: str) -> str:
        if path.endswith(".md"):
            with open(self._root / path, encoding="utf-8") as file:
                return file.readline().strip("# \n")
        return os.path.basename(path)

    def _source(self, path: str) -> None:
        """A file that is no page, as a page that shows it."""
        file = self._root / path
        if file.stat().st_size > _MOST_BYTES:
            raise BrokenLinkError(f"{path} is too long to be a page")
        text = file.read_text(encoding="utf-8")
        runs = [len(run) for run in re.findall("`{3,}", text)]
        fence = "`" * max(3, *(run + 1 for run in runs), 3)
        lexer = _LEXERS.get(file.suffix, "text")
        name = os.path.basename(path)
        head = f"# {name}\n\n`{path}`\n\n"
        for picture in self._pictures.get(path, ()):
            to = os.path.relpath(self._page(picture.path), os.path.dirname(path))
            head += f"![{picture.title}]({to})\n\n"
        self._put(
            path,
            f"{head}{fence}{lexer}\n{text.rstrip()}\n{fence}\n",
            orphan=not self._in_navigation(path),
        )


def _toctree(caption: str, documents: list[str]) -> str:
    head = f":caption: {caption}\n" if caption else ""
    listed = "\n".join(documents)
    return f"\n```{{toctree}}\n:hidden:\n{head}\n{listed}\n```\n"


def pictures() -> list[Picture]:
    """Those of the gallery."""
    sys.path.insert(0, str(ROOT / "docs"))
    from gallery import ENTRIES

    return [Picture(each.title, each.spec, f"docs/{each.file}") for each in ENTRIES]


def build(site: Path = SITE) -> int:
    """Write the source and the site. The status is that of Sphinx, 1 for a bad link."""
    from sphinx.cmd.build import main as sphinx

    source, html = site / "source", site / "html"
    for folder in (source, html):
        shutil.rmtree(folder, ignore_errors=True)
    source.mkdir(parents=True)
    try:
        Stage(ROOT, source, pictures()).write()
    except BrokenLinkError as problem:
        print(problem, file=sys.stderr)
        return 1
    # With trees of an earlier build, what was removed would still be linked.
    options = ["-b", "html", "-q", "-W", "--keep-going", "-E"]
    places = ["-c", str(Path(__file__).resolve().parent), "-d", str(site / "trees")]
    return sphinx([*options, *places, str(source), str(html)])


def main() -> int:
    """Build the site, in `build/site` or where `--out` says."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, default=SITE, metavar="DIR")
    site = parser.parse_args().out.resolve()
    status = build(site)
    if not status:
        print(f"The site is in {site / 'html' / 'index.html'}")
    return status


if __name__ == "__main__":
    sys.exit(main())
