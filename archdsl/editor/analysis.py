"""A text as it was checked: its tree, what is wrong, and what flows through it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from archdsl.collector import Paused
from archdsl.diagnostics import Diagnostic
from archdsl.editor.occurrences import Occurrence, occurrences
from archdsl.editor.trace import Trace, Tracer
from archdsl.elaborate.bodies import declared
from archdsl.elaborate.definitions import Definitions
from archdsl.elaborate.report import Reporter
from archdsl.ir.network import Network
from archdsl.limits import MOST, Limits
from archdsl.pipeline import check_tree
from archdsl.reading import decoded
from archdsl.source import Source
from archdsl.syntax import nodes as n
from archdsl.syntax import parse
from archdsl.syntax.build import Tokens
from archdsl.syntax.parser import lexer

if TYPE_CHECKING:
    from archdsl.editor.colours import Word
    from archdsl.editor.inlay import LineHint
    from archdsl.reading import Files

# What stands at the beginning of some files, and is no part of a spec.
_MARK = "\ufeff"


class Analysis:
    """What is known of one state of a text.

    `tree` and `definitions` are None if it cannot be read; `trace` is None, too, if
    its names are such that no net can be gone through.
    """

    def __init__(self, source: Source, found: list[Diagnostic]) -> None:
        self.source = source
        self.diagnostics = found
        self.tree: n.File | None = None
        self.definitions: Definitions | None = None
        self.trace: Trace | None = None
        self.networks: dict[str, Network] = {}

    @cached_property
    def tokens(self) -> Tokens:
        """The tokens of the text, as far as they can be told."""
        return lexer().tokens(self.source)[0]

    @cached_property
    def hints(self) -> tuple[LineHint, ...]:
        """What is shown behind its lines."""
        from archdsl.editor.inlay import line_hints

        return line_hints(self)

    @cached_property
    def hint_offsets(self) -> tuple[int, ...]:
        """Where the hints stand."""
        return tuple(hint.offset for hint in self.hints)

    @cached_property
    def names(self) -> tuple[Occurrence, ...]:
        """All names whose meaning is known."""
        if self.tree is None or self.definitions is None:
            return ()
        return occurrences(self.tree, self.definitions, self.source.text)

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """All words, by what they mean."""
        from archdsl.editor.colours import words_of

        return words_of(self.source.text, self.tokens, self.names)

    @cached_property
    def labels(self) -> tuple[Occurrence, ...]:
        """The names at which labels are given."""
        return tuple(x for x in self.names if x.kind == "label" and x.defines)

    def labels_within(self, start: int, end: int) -> tuple[Occurrence, ...]:
        """The labels that are given in a stretch."""
        first = bisect_left(self.labels, start, key=lambda name: name.start)
        last = bisect_left(self.labels, end, key=lambda name: name.start)
        return self.labels[first:last]

    @cached_property
    def symbols(self) -> dict[str, tuple[str, ...]]:
        """The sizes that are not known, by the net that they are of."""
        items = self.tree.items if self.tree is not None else ()
        nets = (item for item in items if isinstance(item, n.Net))
        return {net.name.name: declared(net.body) for net in nets}

    def name_at(self, offset: int) -> Occurrence | None:
        """The name that an offset stands in or behind."""
        at = bisect_right(self.names, offset, key=lambda name: name.start) - 1
        # The one that begins here comes before the one that ends here.
        for name in reversed(self.names[max(0, at - 1) : at + 1]):
            if name.start <= offset <= name.end:
                return name
        return None

    @property
    def used(self) -> frozenset[str]:
        """The files that were read for it."""
        if self.definitions is None:
            return frozenset()
        homes = self.definitions.library.homes.values()
        return frozenset(home.file for home in homes if home.file)


def analyse(
    name: str,
    text: str,
    files: Files | None = None,
    limits: Limits = MOST,
    cancelled: Callable[[], bool] = lambda: False,
) -> Analysis:
    """Check a text, and remember what was seen on the way.

    The findings are those of `archdsl check`. Raises CancelledError.
    """
    if text.startswith(_MARK):
        # A blank in its place keeps all offsets.
        text = " " + text[1:]
    data = text.encode("utf-8", "surrogatepass")
    source, found = decoded(data, name, limits)
    if source is None:
        return Analysis(Source(name, text, limits), found)
    with Paused():
        tree, unread = parse(source)
        if tree is None:
            return Analysis(source, unread)
        made: list[Tracer] = []

        def watched(definitions: Definitions, report: Reporter) -> Tracer:
            made.append(Tracer(definitions, report, cancelled))
            return made[0]

        checked = check_tree(source, tree, None, {}, files, watched)
    analysis = Analysis(source, checked.diagnostics)
    analysis.tree = tree
    analysis.networks = checked.networks
    for tracer in made:
        analysis.definitions = tracer.definitions
        analysis.trace = tracer.trace if tracer.begun else None
    return analysis
