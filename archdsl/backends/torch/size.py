"""How long a source would be, by multiplication: no repeat is gone through."""

from __future__ import annotations

from archdsl.ir.network import Choice, Module, Node, Repeat
from archdsl.source import Span

# Stages that one source may write out, a line or two each.
MAX_WRITTEN_STAGES = 20_000


class NoSourceError(ValueError):
    """A checked net has no source. `span` is what makes it so, `hint` what helps."""

    def __init__(self, code: str, message: str, span: Span, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.span = span
        self.hint = hint


def check_size(root: Module, blocks: list[Module]) -> None:
    """Raise NoSourceError if the classes together would write too many stages."""
    total = 0
    for module in (root, *blocks):
        total += _stages(module.nodes)
    if total > MAX_WRITTEN_STAGES:
        longest = max(
            (repeat for module in (root, *blocks) for repeat in _repeats(module.nodes)),
            key=lambda repeat: _stages((repeat,)),
            default=None,
        )
        raise NoSourceError(
            "E0705",
            f"written out, these are {total:,} stages, and a source holds at most"
            f" {MAX_WRITTEN_STAGES:,}",
            longest.span if longest else root.span,
            "label the repeat: its copies are then written once, as a list",
        )


def _stages(nodes: tuple[Node, ...]) -> int:
    total = 0
    for node in nodes:
        if isinstance(node, Choice):
            total += _stages(node.nodes)
        elif isinstance(node, Repeat):
            for run in node.runs:
                # A labelled repeat is a comprehension; the copies of any other are
                # attributes one by one.
                copies = 1 if node.label is not None else run.count
                inner = run.stage.target
                grouped = isinstance(inner, Module) and inner.kind == "group"
                # Copies without a stage are gone through, too.
                total += copies * (max(1, _stages(inner.nodes)) if grouped else 1)  # type: ignore[union-attr]
        else:
            group = node.target
            if isinstance(group, Module) and group.kind == "group":
                total += _stages(group.nodes)
            total += 1
    return total


def _repeats(nodes: tuple[Node, ...]) -> list[Repeat]:
    found: list[Repeat] = []
    for node in nodes:
        if isinstance(node, Choice):
            found += _repeats(node.nodes)
        elif isinstance(node, Repeat):
            found.append(node)
        elif isinstance(node.target, Module) and node.target.kind == "group":
            found += _repeats(node.target.nodes)
    return found
