"""What tests of the syntax share: specs, trees without their places, mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archdsl.source import Source
from archdsl.syntax import parse
from archdsl.syntax.nodes import File

ROOT = Path(__file__).parents[1]
SPECS = sorted(
    path
    for folder in ("archdsl", "examples", "specs")
    for path in (ROOT / folder).rglob("*.arch")
)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def tree(text: str) -> File:
    """The tree of a text that is expected to have one."""
    result, found = parse(Source("t.arch", text))
    assert found == []
    assert result is not None
    return result


def places(text: str) -> list[str]:
    """Where the parser finds mistakes, as `line:column code`."""
    result, found = parse(Source("t.arch", text))
    assert (result is None) == bool(found)
    named = []
    for d in found:
        assert d.span is not None
        line, column = d.span.source.position(d.span.start)
        named.append(f"{line}:{column} {d.code}")
    return named


def placeless(node: Any) -> Any:
    """A tree without the offsets in its nodes."""
    if isinstance(node, tuple) and hasattr(node, "_asdict"):
        fields = node._asdict().items()
        kept = [placeless(v) for k, v in fields if k not in ("start", "end")]
        return (type(node).__name__, *kept)
    if isinstance(node, tuple):
        return tuple(map(placeless, node))
    return node
