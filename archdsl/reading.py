"""From files and bytes to source texts, with all that can be wrong on the way."""

from __future__ import annotations

import os
import re
from typing import Protocol

from archdsl.diagnostics import Diagnostic
from archdsl.limits import MOST, Limits
from archdsl.source import Source, Span
from archdsl.tuples import NamedTuple

# Files are read so far, and one byte further.
MAX_BYTES = MOST.source

_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")

# Control characters but tabs and line ends, line ends of old systems and of Unicode,
# and characters that change the direction of the text after them: what a reader sees
# would not be what is read.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
    "|\r(?!\n)"
)

ENDING = ".arch"
# What stands in the uppermost directory of a project.
_ROOT_MARKS = ("pyproject.toml", ".git", "setup.py", "setup.cfg", ".hg")
# Each file here defines the block that it is called after.
_STANDARD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "std")


def decoded(
    data: bytes, name: str, limits: Limits = MOST
) -> tuple[Source | None, list[Diagnostic]]:
    """The text of a file of that name, or None and why there is none.

    It is UTF-8 of at most `limits.source` bytes, without characters that hide what is
    read. A byte order mark is dropped.
    """
    if len(data) > limits.source:
        message = f"{name} is larger than {_bytes(limits.source)}"
        hints = ("is it a spec? A repeat is written `{…} x1000`",)
        return None, [Diagnostic("E0704", message, None, hints=hints)]
    if data.startswith(_UTF16_MARKS):
        message = f"{name} is UTF-16, not UTF-8"
        return None, [Diagnostic("E0104", message, None, hints=("save it as UTF-8",))]
    zero = data.find(b"\0")
    if zero >= 0:
        line = data.count(b"\n", 0, zero) + 1
        message = f"{name} is no text: byte {zero}, in line {line}, is zero"
        return None, [Diagnostic("E0104", message, None)]
    mark = len(_UTF8_MARK) if data.startswith(_UTF8_MARK) else 0
    try:
        source = Source(name, data[mark:].decode(), limits)
    except UnicodeDecodeError as problem:
        at = problem.start
        before = data[mark : mark + at].decode()
        source = Source(name, data[mark:].decode(errors="replace"))
        span = Span(source, len(before), len(before) + 1)
        message = f"byte {mark + at}, 0x{data[mark + at]:02x}, is not valid UTF-8"
        return None, [Diagnostic("E0104", message, span, hints=("save it as UTF-8",))]
    unseen = _UNSEEN.search(source.text)
    if unseen is None:
        return source, []
    at, found = unseen.start(), unseen.group()
    if found == "\r":
        message = "this carriage return has no line feed after it"
        hint = "lines end with a line feed, or with both"
    elif found in "\u2028\u2029":
        message = f"a line cannot end with the character U+{ord(found):04X}"
        hint = "lines end with a line feed"
    elif found > "\x9f":
        message = f"the character U+{ord(found):04X} changes the direction of text"
        hint = "remove it: what is read is not in the order that is shown"
    else:
        message = f"a spec holds no control characters such as U+{ord(found):04X}"
        hint = "remove it; tabs and line ends are all that is not seen"
    span = Span(source, at, at + 1)
    return None, [Diagnostic("E0101", message, span, hints=(hint,))]


def _bytes(number: int) -> str:
    return f"{number:,} bytes" if number % 2**20 else f"{number // 2**20} MiB"


class Place(NamedTuple):
    """Where a file is: `file` is the same for all ways to it, `path` is one of them.

    `shown` is what people are told.
    """

    file: str
    path: str
    shown: str


class UseError(ValueError):
    """A file that cannot be used; the text and `hints` are for people."""

    def __init__(self, message: str, *hints: str) -> None:
        super().__init__(message)
        self.hints = hints


class Files(Protocol):
    """Gives a spec the files that it uses."""

    def own(self) -> Place:
        """The place of the spec itself."""

    def resolve(self, path: str, user: Place) -> Place:
        """The file that `use "path"` means in the file `user`. Raises UseError."""

    def read(self, place: Place) -> bytes:
        """At most `MAX_BYTES` + 1 bytes of a file. Raises UseError."""


class SpecFiles:
    """The files that a spec may use: regular ones below its project's root.

    The root is the nearest directory above the spec that looks like that of a
    project, else the spec's own directory. Nothing is read or looked up before the
    first `use`.
    """

    def __init__(self, path: str | os.PathLike[str], shown: str | None = None) -> None:
        self._path = os.fspath(path)
        self._shown = shown or self._path
        self._root: str | None = None

    def own(self) -> Place:
        """The place of the spec itself."""
        return Place(os.path.realpath(self._path), self._path, self._shown)

    def resolve(self, path: str, user: Place) -> Place:
        """The file that `use "path"` means in the file `user`. Raises UseError."""
        if "\\" in path or path[1:2] == ":":
            raise UseError(f"`{path}` is no path of a spec", "parts are joined by `/`")
        if path.startswith("/"):
            raise UseError(
                f"`{path}` is not relative",
                "a path begins at the file that uses it: `../blocks.arch`",
            )
        if not path.endswith(ENDING) or os.path.basename(path) == ENDING:
            raise UseError(
                f"`{path}` does not end in `{ENDING}`", 'as in `use "blocks.arch"`'
            )
        found = os.path.join(os.path.dirname(user.path), path)
        shown = os.path.normpath(os.path.join(os.path.dirname(user.shown), path))
        try:
            file = os.path.realpath(found)
        except (OSError, ValueError) as problem:
            raise UseError(f"`{path}` cannot be read: {reason(problem)}") from None
        if not self._is_inside(file):
            raise UseError(
                f"`{path}` is outside of the project",
                f"files are used from `{self.root}` and below it, after links",
            )
        return Place(file, found, shown)

    def read(self, place: Place) -> bytes:
        """At most `MAX_BYTES` + 1 bytes of a file. Raises UseError."""
        try:
            # Opening a pipe would wait for somebody to write.
            if os.path.exists(place.file) and not os.path.isfile(place.file):
                what = "a directory" if os.path.isdir(place.file) else "no plain file"
                raise UseError(f"`{place.shown}` is {what}")
            with open(place.file, "rb") as file:
                return file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            raise UseError(
                f"there is no file `{place.shown}`", *_similar(place)
            ) from None
        except (OSError, ValueError) as problem:
            message = f"`{place.shown}` cannot be read: {reason(problem)}"
            raise UseError(message) from None

    @property
    def root(self) -> str:
        """The directory below which files may be used."""
        if self._root is None:
            own = os.path.realpath(os.path.dirname(self._path))
            self._root = own
            folder = own
            while True:
                if any(os.path.lexists(os.path.join(folder, m)) for m in _ROOT_MARKS):
                    self._root = folder
                    break
                above = os.path.dirname(folder)
                if above == folder:
                    break
                folder = above
        return self._root

    def _is_inside(self, file: str) -> bool:
        return file.startswith(self.root.rstrip(os.sep) + os.sep)


class StandardFiles(SpecFiles):
    """The files that one of the standard library may use: the others of it."""

    @property
    def root(self) -> str:
        """The standard library's directory."""
        return os.path.realpath(_STANDARD)


def standard_file(name: str) -> StandardFiles | None:
    """The file of the standard library for a block of that name, if there is one."""
    path = os.path.join(_STANDARD, name + ENDING)
    if not os.path.isfile(path):
        return None
    return StandardFiles(path, f"std/{name}{ENDING}")


def standard_names() -> list[str]:
    """The names of all blocks of the standard library."""
    try:
        found = os.listdir(_STANDARD)
    except OSError:
        return []
    return sorted(name.removesuffix(ENDING) for name in found if name.endswith(ENDING))


def reason(problem: OSError | ValueError) -> str:
    """Why a file cannot be opened, read or written, without its name."""
    told = problem.strerror if isinstance(problem, OSError) else None
    return told or str(problem)


def _similar(place: Place) -> tuple[str, ...]:
    from archdsl.diagnostics.suggest import did_you_mean

    folder, name = os.path.split(place.file)
    try:
        known = [other for other in os.listdir(folder) if other.endswith(ENDING)]
    except OSError:
        return ()
    return did_you_mean(name, known)
