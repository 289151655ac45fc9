"""The open texts, and when they are checked."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from pygls.uris import to_fs_path

from archdsl.editor.analysis import Analysis, analyse
from archdsl.editor.document import Document
from archdsl.editor.trace import CancelledError
from archdsl.limits import Limits
from archdsl.reading import MAX_BYTES, Place, SpecFiles

# A check begins when nothing was typed for so many seconds.
PAUSE = 0.06
# Python looks for garbage when nothing was asked for so many seconds.
_IDLE = 3.0


class OpenFiles(SpecFiles):
    """The files that a spec may use; those that are open are as the editor has them."""

    def __init__(self, path: str, opened: Opened) -> None:
        super().__init__(path, os.path.basename(path))
        self._opened = opened

    def read(self, place: Place) -> bytes:
        """At most `MAX_BYTES` + 1 bytes of a file. Raises UseError."""
        text = self._opened.text_of(place.file)
        if text is None:
            return super().read(place)
        return text.encode("utf-8", "surrogatepass")[: MAX_BYTES + 1]


class Entry:
    """An open text. `file` is what `use` of it leads to; it is empty for no file."""

    def __init__(self, uri: str, text: str, version: int | None) -> None:
        self.uri = uri
        self.version = version
        self.document = Document(text)
        self.path = to_fs_path(uri) if uri.startswith("file:") else None
        self.file = os.path.realpath(self.path) if self.path else ""
        self.name = os.path.basename(self.path) if self.path else uri
        self.timer: asyncio.TimerHandle | None = None
        # Set to end a check that nobody waits for.
        self.cancel: threading.Event | None = None
        self.settled = asyncio.Event()
        self.closed = False


class Opened:
    """All open texts.

    Each is checked in a thread once nothing is typed for a moment. A change ends a
    check that is at work: what it would find is not true any more. `checked` is called
    with every text whose newest state was checked.
    """

    def __init__(self, limits: Limits, checked: Callable[[Entry], None]) -> None:
        self._limits = limits
        self._checked = checked
        self._entries: dict[str, Entry] = {}
        # One thread: the interpreter runs no two of them at once anyway.
        self._threads = ThreadPoolExecutor(1, "archdsl-check")
        self._idle: asyncio.TimerHandle | None = None
        # Read in the thread of checks; replaced as a whole, never changed.
        self._texts: dict[str, str] = {}

    def get(self, uri: str) -> Entry | None:
        """The open text of that name."""
        return self._entries.get(uri)

    def all(self) -> list[Entry]:
        """All open texts."""
        return list(self._entries.values())

    def text_of(self, file: str) -> str | None:
        """The text of a file that is open."""
        return self._texts.get(file)

    def entry_of(self, file: str) -> Entry | None:
        """The open text of a file."""
        return next((e for e in self._entries.values() if e.file == file), None)

    def open(self, uri: str, text: str, version: int | None) -> Entry:
        """A text was opened."""
        entry = self._entries[uri] = Entry(uri, text, version)
        self.touched(entry, at_once=True)
        return entry

    def close(self, uri: str) -> None:
        """A text was closed."""
        entry = self._entries.pop(uri, None)
        if entry is not None:
            entry.closed = True
            entry.settled.set()
            self._stop(entry)
            self._note_texts()
            self._recheck_users(entry)

    def touched(self, entry: Entry, at_once: bool = False) -> None:
        """A text has changed: check it, and what uses it, in a moment."""
        self._note_texts()
        self._later(entry, 0 if at_once else PAUSE)
        self._recheck_users(entry)

    def recheck(self) -> None:
        """Files have changed: check all texts that use some."""
        for entry in self._entries.values():
            last = entry.document.last
            # A file that was missing may be there now.
            if last is None or '"' in entry.document.text:
                self._later(entry, PAUSE)

    def _recheck_users(self, entry: Entry) -> None:
        for other in self._entries.values():
            last = other.document.last
            if other is entry or last is None or not entry.file:
                continue
            names = (n.target for n in last.analysis.names if n.kind == "file")
            uses = any(target and target.file == entry.file for target in names)
            if uses or entry.file in last.analysis.used:
                self._later(other, PAUSE)

    def _note_texts(self) -> None:
        entries = self._entries.values()
        self._texts = {e.file: e.document.text for e in entries if e.file}

    def _stop(self, entry: Entry) -> None:
        if entry.timer is not None:
            entry.timer.cancel()
            entry.timer = None
        if entry.cancel is not None:
            entry.cancel.set()

    def _later(self, entry: Entry, seconds: float) -> None:
        self._stop(entry)
        entry.settled.clear()
        loop = asyncio.get_running_loop()
        entry.timer = loop.call_later(seconds, self._begin, entry)

    def _begin(self, entry: Entry) -> None:
        entry.timer = None
        cancel = entry.cancel = threading.Event()
        document = entry.document
        document.begin()
        text = document.text
        files = OpenFiles(entry.path, self) if entry.path else None
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(
            self._threads, _analysis, entry.name, text, files, self._limits, cancel
        )
        work.add_done_callback(lambda done: self._end(entry, cancel, done))

    def _end(
        self,
        entry: Entry,
        cancel: threading.Event,
        done: asyncio.Future[Analysis | None],
    ) -> None:
        if cancel.is_set() or entry.closed:
            # Another check is to begin, or has begun.
            return
        entry.cancel = None
        try:
            analysis = done.result()
            assert analysis is not None
            entry.document.finish(analysis)
        finally:
            # Nobody waits for what went wrong here.
            entry.settled.set()
        self._checked(entry)
        self.rest()

    def rest(self) -> None:
        """Look for garbage when nothing is asked for a while."""
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(_IDLE, gc.collect)


def _analysis(
    name: str,
    text: str,
    files: OpenFiles | None,
    limits: Limits,
    cancel: threading.Event,
) -> Analysis | None:
    """A check with all that is asked of it at once; None if it was cancelled."""
    if cancel.is_set():
        return None
    try:
        analysis = analyse(name, text, files, limits, cancel.is_set)
    except CancelledError:
        return None
    _ = analysis.hint_offsets, analysis.labels, analysis.symbols, analysis.words
    return analysis
