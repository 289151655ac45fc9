"""The server: its open texts, and how it names places in them."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import threading
from collections.abc import Generator
from typing import Any, BinaryIO

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.io_ import StdoutWriter, run_async
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method
from pygls.uris import from_fs_path

from archdsl import __version__
from archdsl.editor.analysis import Analysis
from archdsl.editor.document import View
from archdsl.editor.findings import findings
from archdsl.editor.occurrences import Target
from archdsl.limits import MOST, Limits
from archdsl.lsp.answers import Answers
from archdsl.lsp.opened import Entry, Opened
from archdsl.lsp.positions import Positions
from archdsl.source import Source, Span


class _Protocol(LanguageServerProtocol):
    """Leaves the texts to this server.

    That of pygls ends lines at more characters than the protocol does.
    """

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(
        self, params: types.DidOpenTextDocumentParams
    ) -> Generator[Any, Any, None]:
        yield self.fm.features[types.TEXT_DOCUMENT_DID_OPEN], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(
        self, params: types.DidChangeTextDocumentParams
    ) -> Generator[Any, Any, None]:
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(
        self, params: types.DidCloseTextDocumentParams
    ) -> Generator[Any, Any, None]:
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CLOSE], (params,), None


class _Reader(asyncio.StreamReader):
    """Lets what was asked begin before the next message is read.

    A place that was asked for is one of the text as it was then.
    """

    async def readline(self) -> bytes:
        await asyncio.sleep(0)
        return await super().readline()


class ArchServer(LanguageServer):
    """The server, and the texts that are open."""

    def __init__(self, limits: Limits = MOST) -> None:
        super().__init__("archdsl", __version__, protocol_cls=_Protocol)
        self.opened = Opened(limits, self.publish)
        self._answers: Answers | None = None

    def speak(self, stdin: BinaryIO, stdout: BinaryIO) -> bool:
        """Speak over pipes or sockets, if it can be told when something is there.

        `start_io` reads each line in another thread, which has to wait for that of
        checks; this takes what is there in the thread that answers. False, and nothing
        was read, where the system or the kind of stream does not let it.
        """
        if sys.platform == "win32" or stat.S_ISREG(os.fstat(stdin.fileno()).st_mode):
            return False
        self._stop_event = threading.Event()
        try:
            asyncio.run(self._speak(stdin, stdout, self._stop_event))
        except (BrokenPipeError, KeyboardInterrupt, SystemExit):
            # The client has left, in one way or another.
            pass
        finally:
            self.shutdown()  # type: ignore[no-untyped-call]
        return True

    async def _speak(
        self, stdin: BinaryIO, stdout: BinaryIO, stop: threading.Event
    ) -> None:
        reader = _Reader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), stdin
        )
        self.protocol.set_writer(StdoutWriter(stdout))
        await run_async(stop, reader, self.protocol, None, self.report_server_error)

    @property
    def answers(self) -> Answers:
        """Makes answers in the encoding that was agreed on."""
        if self._answers is None:
            encoding = self.workspace.position_encoding
            self._answers = Answers(
                Positions(str(getattr(encoding, "value", encoding)))
            )
        return self._answers

    @property
    def positions(self) -> Positions:
        """Turns offsets into positions and back."""
        return self.answers.positions

    def entry(self, uri: str) -> Entry:
        """An open text. Raises an error of the protocol if it is not open."""
        found = self.opened.get(uri)
        if found is None:
            raise JsonRpcInvalidParams(f"{uri} is not open")
        self.opened.rest()
        return found

    async def settled(self, uri: str) -> Entry:
        """An open text, once its newest state was checked."""
        entry = self.entry(uri)
        await entry.settled.wait()
        return entry

    async def unchanged(self, uri: str) -> Entry:
        """A text once it was checked, if it is the one that was asked about.

        An edit for another text would do harm. Raises an error of the protocol.
        """
        number = self.entry(uri).document.number
        entry = await self.settled(uri)
        if entry.document.number != number:
            raise self.changed()
        return entry

    @staticmethod
    def changed() -> JsonRpcException:
        """The text is not what it was when something was asked."""
        code = types.LSPErrorCodes.ContentModified
        return JsonRpcException("the text has changed meanwhile", code)

    async def looked_at(self, uri: str) -> Entry:
        """An open text, once some state of it was checked."""
        entry = self.entry(uri)
        if entry.document.last is None:
            await entry.settled.wait()
        return entry

    def offset(self, entry: Entry, position: types.Position) -> int:
        """The offset of a position in a text as it is."""
        return self.positions.offset(entry.document, position)

    # What was found

    def publish(self, entry: Entry) -> None:
        """Tell the client what is wrong with a text whose newest state was checked."""
        view = entry.document.last
        if view is None or view.moved.stretches():
            return
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(
                entry.uri,
                self.answers.diagnostics(
                    entry.document,
                    findings(view.analysis),
                    lambda span: self.location(entry, view.analysis, span),
                ),
                entry.version,
            )
        )
        self._ask_again()

    def _ask_again(self) -> None:
        """Let the client ask again for what it may have been told too early."""
        workspace = self.client_capabilities.workspace
        if workspace is None:
            return
        if workspace.inlay_hint and workspace.inlay_hint.refresh_support:
            self.workspace_inlay_hint_refresh(None)
        if workspace.semantic_tokens and workspace.semantic_tokens.refresh_support:
            self.workspace_semantic_tokens_refresh(None)

    # Places, also in other files

    def location(
        self, entry: Entry, analysis: Analysis, span: Span
    ) -> types.Location | None:
        """A place in the text or in a file that it uses."""
        if span.source.text == analysis.source.text:
            place = self.positions.range(entry.document, span.start, span.end)
            return types.Location(entry.uri, place)
        definitions = analysis.definitions
        homes = definitions.library.homes if definitions is not None else {}
        for file, home in homes.items():
            if home.source is span.source and file:
                place = self.positions.range(span.source, span.start, span.end)
                return types.Location(self.uri_of(file), place)
        return None

    def uri_of(self, file: str) -> str:
        """The name that the client has for a file."""
        entry = self.opened.entry_of(file)
        if entry is not None:
            return entry.uri
        made: str | None = from_fs_path(file)
        assert made is not None
        return made

    def of_target(
        self, entry: Entry, view: View, target: Target
    ) -> types.Location | None:
        """Where something is defined."""
        if not target.file:
            place = self.positions.range(entry.document, target.start, target.end)
            return types.Location(entry.uri, place)
        definitions = view.analysis.definitions
        home = definitions.library.homes.get(target.file) if definitions else None
        source = home.source if home is not None else Source("", "")
        place = self.positions.range(source, target.start, target.end)
        return types.Location(self.uri_of(target.file), place)
