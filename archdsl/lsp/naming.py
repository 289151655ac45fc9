"""Definitions, references and other names."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from archdsl.editor.analysis import Analysis
from archdsl.editor.document import View
from archdsl.editor.occurrences import Target
from archdsl.editor.rename import (
    RenameError,
    can_be_renamed,
    occurrences_of,
    rename,
    target_at,
)
from archdsl.lsp.opened import Entry
from archdsl.lsp.session import ArchServer

_RENAMES = "state_dict"


def add_naming(server: ArchServer) -> None:
    """Let the server answer where names are defined and used."""

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def on_definition(params: types.DefinitionParams) -> types.Location | None:
        # Of a text that cannot be read, where it was when it could.
        entry = await server.unchanged(params.text_document.uri)
        view = entry.document.good
        if view is None:
            return None
        old = view.moved.back(server.offset(entry, params.position))
        found = target_at(view.analysis, old)
        if found is None:
            return None
        _, target = found
        start = target.start if target.file else view.moved.forth(target.start)
        if start is None:
            return None
        end = start + target.end - target.start
        return server.of_target(entry, view, target._replace(start=start, end=end))

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    async def on_references(params: types.ReferenceParams) -> list[types.Location]:
        entry, view, old = await _readable(server, params)
        found = target_at(view.analysis, old) if view is not None else None
        if view is None or found is None:
            return []
        made = []
        for other, target, analysis in _homes(server, entry, view, found[1]):
            for name in occurrences_of(analysis, target):
                if name.defines and not params.context.include_declaration:
                    continue
                place = server.positions.range(other.document, name.start, name.end)
                made.append(types.Location(other.uri, place))
        return made

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    async def on_highlight(
        params: types.DocumentHighlightParams,
    ) -> list[types.DocumentHighlight]:
        entry, view, old = await _readable(server, params)
        found = target_at(view.analysis, old) if view is not None else None
        if view is None or found is None:
            return []
        made = []
        for name in occurrences_of(view.analysis, found[1]):
            place = server.positions.range(entry.document, name.start, name.end)
            kind = types.DocumentHighlightKind
            made.append(
                types.DocumentHighlight(
                    place, kind.Write if name.defines else kind.Read
                )
            )
        return made

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    async def on_prepare(
        params: types.PrepareRenameParams,
    ) -> types.PrepareRenamePlaceholder | None:
        entry, view, old = await _readable(server, params)
        try:
            name = can_be_renamed(view.analysis, old) if view is not None else None
        except RenameError as problem:
            raise JsonRpcInvalidParams(str(problem)) from None
        if name is None:
            return None
        place = server.positions.range(entry.document, name.start, name.end)
        return types.PrepareRenamePlaceholder(place, name.name)

    @server.feature(
        types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True)
    )
    async def on_rename(params: types.RenameParams) -> types.WorkspaceEdit | None:
        entry, view, old = await _readable(server, params)
        if view is None:
            raise JsonRpcInvalidParams("the text cannot be read: mend it before")
        try:
            name = can_be_renamed(view.analysis, old)
            if name is None or name.target is None:
                return None
            return await _renamed(server, entry, view, name.target, params.new_name)
        except RenameError as problem:
            raise JsonRpcInvalidParams(str(problem)) from None


async def _readable(server: ArchServer, params: Any) -> tuple[Entry, View | None, int]:
    """A text, its analysis if it can be read as it is, and the offset asked for."""
    entry = await server.unchanged(params.text_document.uri)
    view = entry.document.last
    if view is None or view.analysis.tree is None or view.moved.stretches():
        view = None
    return entry, view, server.offset(entry, params.position)


def _homes(
    server: ArchServer, entry: Entry, view: View, target: Target
) -> list[tuple[Entry, Target, Analysis]]:
    """The open texts in which something may be named, and what each calls it."""
    file = target.file or entry.file
    found = [(entry, target, view.analysis)]
    for other in server.opened.all():
        last = other.document.last
        if other is entry or last is None or not file:
            continue
        if last.moved.stretches():
            raise server.changed()
        own = target._replace(file="" if other.file == file else file)
        found.append((other, own, last.analysis))
    return found


async def _renamed(
    server: ArchServer, entry: Entry, view: View, target: Target, new: str
) -> types.WorkspaceEdit:
    if target.file and server.opened.entry_of(target.file) is None:
        raise RenameError(
            f"it is defined in {os.path.basename(target.file)}: open that file as well"
        )
    homes = _homes(server, entry, view, target)
    states = [other.document.number for other, _, _ in homes]
    # Each new name is tried, which takes as long as a check.
    done = [
        await asyncio.to_thread(rename, analysis, own, new)
        for _, own, analysis in homes
    ]
    if states != [other.document.number for other, _, _ in homes]:
        raise server.changed()
    changes = {
        other.uri: server.answers.edits(other.document, each.changes)
        for (other, _, _), each in zip(homes, done, strict=True)
        if each.changes
    }
    warning = next((each.warning for each in done if each.warning), "")
    if not warning:
        return types.WorkspaceEdit(changes=changes)
    return _told(server, changes, warning)


def _told(
    server: ArchServer, changes: dict[str, list[types.TextEdit]], warning: str
) -> types.WorkspaceEdit:
    """Changes with something to be known: beside them, or as a message."""
    workspace = server.client_capabilities.workspace
    edit = workspace.workspace_edit if workspace else None
    if edit is None or not edit.change_annotation_support or not edit.document_changes:
        server.window_show_message(
            types.ShowMessageParams(types.MessageType.Warning, warning)
        )
        return types.WorkspaceEdit(changes=changes)
    documents = []
    for uri, edits in changes.items():
        entry = server.entry(uri)
        documents.append(
            types.TextDocumentEdit(
                types.OptionalVersionedTextDocumentIdentifier(uri, entry.version),
                [
                    types.AnnotatedTextEdit(_RENAMES, each.range, each.new_text)
                    for each in edits
                ],
            )
        )
    label = "renames entries of the state_dict"
    note = types.ChangeAnnotation(label, needs_confirmation=True, description=warning)
    return types.WorkspaceEdit(
        document_changes=documents, change_annotations={_RENAMES: note}
    )
