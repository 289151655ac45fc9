"""`archdsl lsp`: the features of the server, and what each of them asks for."""

from __future__ import annotations

import asyncio
import gc
import os
import sys

from lsprotocol import types

from archdsl.editor import colours
from archdsl.editor.complete import complete, documentation
from archdsl.editor.findings import findings
from archdsl.editor.hover import hover
from archdsl.editor.inlay import hints_within
from archdsl.editor.moved import Change, changed
from archdsl.editor.outline import folds, outline
from archdsl.limits import MOST, Limits
from archdsl.lsp.naming import add_naming
from archdsl.lsp.opened import Entry
from archdsl.lsp.picture import add_picture
from archdsl.lsp.session import ArchServer
from archdsl.reading import ENDING, decoded
from archdsl.syntax.format import format_source

# The thread of checks lets others run so often, in seconds.
_SWITCH = 0.001
# So many files of a directory are offered behind `use`.
_MOST_PATHS = 200


def make_server(limits: Limits = MOST) -> ArchServer:
    """A server with all its features."""
    server = ArchServer(limits)
    _add_texts(server)
    _add_answers(server)
    add_naming(server)
    _add_outline(server)
    add_picture(server)
    return server


def serve(limits: Limits = MOST) -> None:
    """Speak with a client over standard input and output until it leaves."""
    sys.setswitchinterval(_SWITCH)
    # It would take longer than an answer may; `Opened.rest` looks for garbage.
    gc.disable()
    server = make_server(limits)
    # The streams of the process stay open, for what comes after.
    with os.fdopen(os.dup(0), "rb") as stdin, os.fdopen(os.dup(1), "wb") as stdout:
        if not server.speak(stdin, stdout):
            server.start_io(stdin, stdout)


def _add_texts(server: ArchServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        server.opened.open(document.uri, document.text, document.version)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: types.DidChangeTextDocumentParams) -> None:
        entry = server.entry(params.text_document.uri)
        entry.version = params.text_document.version
        for change in params.content_changes:
            if isinstance(change, types.TextDocumentContentChangePartial):
                start = server.offset(entry, change.range.start)
                end = max(start, server.offset(entry, change.range.end))
                entry.document.change(Change(start, end, change.text))
            else:
                entry.document.change(changed(entry.document.text, change.text))
        server.opened.touched(entry)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        server.opened.close(uri)
        # What is not open is not told about.
        server.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri, [])
        )

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def did_save(params: types.DidSaveTextDocumentParams) -> None:
        server.opened.recheck()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def files_changed(params: types.DidChangeWatchedFilesParams) -> None:
        server.opened.recheck()

    @server.feature(types.INITIALIZED)
    def initialized(params: types.InitializedParams) -> None:
        workspace = server.client_capabilities.workspace
        watched = workspace.did_change_watched_files if workspace else None
        if watched is None or not watched.dynamic_registration:
            return
        pattern = types.FileSystemWatcher(f"**/*{ENDING}")
        options = types.DidChangeWatchedFilesRegistrationOptions([pattern])
        method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
        server.client_register_capability(
            types.RegistrationParams([types.Registration("files", method, options)])
        )


def _add_answers(server: ArchServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def on_hover(params: types.HoverParams) -> types.Hover | None:
        entry = await server.looked_at(params.text_document.uri)
        document = entry.document
        found = hover(document, server.offset(entry, params.position))
        if found is None:
            return None
        return types.Hover(
            types.MarkupContent(types.MarkupKind.Markdown, found.text),
            server.positions.range(document, found.start, found.end),
        )

    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    async def on_hints(params: types.InlayHintParams) -> list[types.InlayHint]:
        entry = await server.looked_at(params.text_document.uri)
        start = server.offset(entry, params.range.start)
        end = server.offset(entry, params.range.end)
        document = entry.document
        return server.answers.hints(document, hints_within(document, start, end))

    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION,
        types.CompletionOptions(
            trigger_characters=["|", " ", "=", ".", "(", '"', ">"],
            resolve_provider=True,
        ),
    )
    def on_completion(params: types.CompletionParams) -> types.CompletionList:
        entry = server.entry(params.text_document.uri)
        offset = server.offset(entry, params.position)
        found = complete(entry.document, offset, _paths(entry))
        return server.answers.completions(entry.document, found, entry.uri)

    @server.feature(types.COMPLETION_ITEM_RESOLVE)
    def on_resolve(item: types.CompletionItem) -> types.CompletionItem:
        data = item.data if isinstance(item.data, dict) else {}
        entry = server.opened.get(str(data.get("uri", "")))
        if entry is not None:
            kind, callee = str(data.get("kind")), str(data.get("callee"))
            text = documentation(entry.document, kind, item.label, callee)
            if text:
                item.documentation = types.MarkupContent(
                    types.MarkupKind.Markdown, text
                )
        return item

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions([types.CodeActionKind.QuickFix]),
    )
    async def on_actions(params: types.CodeActionParams) -> list[types.CodeAction]:
        entry = await server.unchanged(params.text_document.uri)
        start = server.offset(entry, params.range.start)
        end = server.offset(entry, params.range.end)
        view = entry.document.last
        made = []
        for found in findings(view.analysis) if view is not None else ():
            if found.end < start or found.start > end:
                continue
            told = server.answers.diagnostics(
                entry.document, [found._replace(related=())], lambda span: None
            )
            for fix in found.fixes:
                edits = server.answers.edits(entry.document, fix.changes)
                made.append(
                    types.CodeAction(
                        title=fix.title,
                        kind=types.CodeActionKind.QuickFix,
                        diagnostics=told,
                        is_preferred=len(found.fixes) == 1,
                        edit=types.WorkspaceEdit(changes={entry.uri: edits}),
                    )
                )
        return made


def _paths(entry: Entry) -> list[str]:
    """The files beside a text that it could use."""
    if not entry.path:
        return []
    try:
        names = os.listdir(os.path.dirname(entry.path))
    except OSError:
        return []
    own = os.path.basename(entry.path)
    found = sorted(name for name in names if name.endswith(ENDING) and name != own)
    return found[:_MOST_PATHS]


def _add_outline(server: ArchServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def on_symbols(
        params: types.DocumentSymbolParams,
    ) -> list[types.DocumentSymbol]:
        document = (await server.settled(params.text_document.uri)).document
        return server.answers.symbols(document, outline(document))

    @server.feature(types.TEXT_DOCUMENT_FOLDING_RANGE)
    async def on_folds(params: types.FoldingRangeParams) -> list[types.FoldingRange]:
        document = (await server.settled(params.text_document.uri)).document
        comment = types.FoldingRangeKind.Comment
        return [
            types.FoldingRange(first, last, kind=comment if is_comment else None)
            for first, last, is_comment in folds(document)
        ]

    @server.feature(
        types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL,
        types.SemanticTokensLegend(list(colours.KINDS), list(colours.MODIFIERS)),
    )
    async def on_words(params: types.SemanticTokensParams) -> types.SemanticTokens:
        document = (await server.settled(params.text_document.uri)).document
        return server.answers.words(document, colours.words(document))

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    async def on_formatting(
        params: types.DocumentFormattingParams,
    ) -> list[types.TextEdit] | None:
        entry = server.entry(params.text_document.uri)
        document = entry.document
        text, number = document.text, document.number
        made = await asyncio.to_thread(_formatted, entry.name, text)
        if document.number != number:
            raise server.changed()
        if made is None or made == text:
            # What cannot be read is left as it is.
            return None
        return server.answers.edits(document, [changed(text, made)])


def _formatted(name: str, text: str) -> str | None:
    source, _ = decoded(text.encode("utf-8", "surrogatepass"), name)
    return format_source(source)[0] if source is not None else None
