"""What the editor's room knows, as the protocol has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import validators
from lsprotocol import types

from archdsl.editor import colours
from archdsl.editor.complete import Completion, Completions
from archdsl.editor.document import Document
from archdsl.editor.findings import Finding
from archdsl.editor.inlay import LineHint
from archdsl.editor.moved import Change
from archdsl.editor.outline import Entry
from archdsl.lsp.positions import Lines, Positions
from archdsl.source import Span

_COMPLETED = {
    "layer": types.CompletionItemKind.Function,
    "block": types.CompletionItemKind.Class,
    "net": types.CompletionItemKind.Class,
    "label": types.CompletionItemKind.Variable,
    "parameter": types.CompletionItemKind.TypeParameter,
    "key": types.CompletionItemKind.Property,
    "word": types.CompletionItemKind.EnumMember,
    "keyword": types.CompletionItemKind.Keyword,
    "attribute": types.CompletionItemKind.Field,
    "total": types.CompletionItemKind.Field,
    "function": types.CompletionItemKind.Method,
    "file": types.CompletionItemKind.File,
}
_OUTLINED = {
    "net": types.SymbolKind.Class,
    "block": types.SymbolKind.Class,
    "extern": types.SymbolKind.Interface,
    "label": types.SymbolKind.Variable,
}


class Answers:
    """Makes the protocol's values, with positions as the client counts them."""

    def __init__(self, positions: Positions) -> None:
        self.positions = positions

    def diagnostics(
        self,
        lines: Lines,
        found: Iterable[Finding],
        located: Callable[[Span], types.Location | None],
    ) -> list[types.Diagnostic]:
        """Mistakes, each with the places that explain it."""
        made = []
        for each in found:
            related = []
            for note in each.related:
                place = located(note.span)
                if place is not None:
                    related.append(types.DiagnosticRelatedInformation(place, note.text))
            made.append(
                types.Diagnostic(
                    range=self.positions.range(lines, each.start, each.end),
                    message=each.message,
                    severity=types.DiagnosticSeverity.Error,
                    code=each.code,
                    source="archdsl",
                    related_information=related or None,
                )
            )
        return made

    def edits(self, lines: Lines, changes: Iterable[Change]) -> list[types.TextEdit]:
        """Changes of a text."""
        return [
            types.TextEdit(self.positions.range(lines, c.start, c.end), c.text)
            for c in changes
        ]

    def hints(
        self, document: Document, hints: Iterable[LineHint]
    ) -> list[types.InlayHint]:
        """What is shown behind lines."""
        with validators.disabled():
            # They take longer than all the rest, and this is how it should be.
            return [self._hint(document, hint) for hint in hints]

    def _hint(self, document: Document, hint: LineHint) -> types.InlayHint:
        position = self.positions.position(document, hint.offset)
        edits = None
        if hint.insert:
            edits = [types.TextEdit(types.Range(position, position), hint.insert)]
        more = None
        if hint.more:
            more = types.MarkupContent(types.MarkupKind.Markdown, hint.more)
        return types.InlayHint(
            position=position,
            label=hint.text,
            kind=types.InlayHintKind.Type,
            text_edits=edits,
            tooltip=more,
            padding_left=True,
        )

    def completions(
        self, document: Document, found: Completions, uri: str
    ) -> types.CompletionList:
        """What could be written."""
        place = self.positions.range(document, found.start, found.end)
        with validators.disabled():
            items = [
                self._completion(
                    item,
                    place,
                    {"uri": uri, "kind": item.kind, "callee": found.callee},
                )
                for item in found.items
            ]
        return types.CompletionList(is_incomplete=False, items=items)

    def _completion(
        self, item: Completion, place: types.Range, data: dict[str, str]
    ) -> types.CompletionItem:
        return types.CompletionItem(
            label=item.name,
            kind=_COMPLETED[item.kind],
            detail=item.detail or None,
            sort_text=f"{item.rank}{item.name}",
            text_edit=types.TextEdit(place, item.name),
            data=data,
        )

    def symbols(
        self, document: Document, entries: Iterable[Entry]
    ) -> list[types.DocumentSymbol]:
        """The outline."""
        return [
            types.DocumentSymbol(
                name=entry.name,
                kind=_OUTLINED[entry.kind],
                range=self.positions.range(document, entry.start, entry.end),
                selection_range=self.positions.range(
                    document, entry.name_start, entry.name_end
                ),
                detail=entry.detail or None,
                children=self.symbols(document, entry.children),
            )
            for entry in entries
        ]

    def words(
        self, document: Document, words: Iterable[colours.Word]
    ) -> types.SemanticTokens:
        """The kinds of words: five numbers each, counted from the word before."""
        data: list[int] = []
        line_before = character_before = 0
        for word in words:
            place = self.positions.position(document, word.start)
            length = self.positions.length(document.text[word.start : word.end])
            line = place.line - line_before
            character = place.character - (0 if line else character_before)
            kind = colours.KINDS.index(word.kind)
            flags = sum(1 << colours.MODIFIERS.index(each) for each in word.modifiers)
            data += (line, character, length, kind, flags)
            line_before, character_before = place.line, place.character
        return types.SemanticTokens(data=data)
