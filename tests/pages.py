"""The blocks of code in a page of the documentation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]

_FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# file: (\S+)\n")
_INDENTED = re.compile(r"(?:^    .*\n)+", re.MULTILINE)


class Block(NamedTuple):
    page: str
    line: int
    language: str
    text: str

    @property
    def file(self) -> str | None:
        found = _FILE.match(self.text)
        return found.group(1) if found else None


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, in its order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, found.start()) + 2, *found.groups())
        for found in _FENCED.finditer(text)
    ]


def code(page: str, language: str) -> list[str]:
    """The texts of the page's blocks in a language."""
    return [block.text for block in blocks(page) if block.language == language]


def commands(page: str, title: str) -> list[list[str]]:
    """Indented lines of a section, which are commands, block by block."""
    text = (ROOT / page).read_text(encoding="utf-8")
    section = text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return [
        [line.strip() for line in found.group().splitlines()]
        for found in _INDENTED.finditer(section)
    ]
