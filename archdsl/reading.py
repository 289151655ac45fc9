"""From bytes to a source text, with all that can be wrong on the way."""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic
from archdsl.source import Source, Span

# No network needs more: a repeat of any length is one line.
MAX_BYTES = 2**20

_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def decoded(data: bytes, name: str) -> tuple[Source | None, list[Diagnostic]]:
    """The text of a file of that name, or None and why there is none.

    It is UTF-8 of at most `MAX_BYTES`, without zero bytes. A byte order mark is
    dropped.
    """
    if len(data) > MAX_BYTES:
        message = f"{name} is larger than {MAX_BYTES // 2**20} MiB"
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
        return Source(name, data[mark:].decode()), []
    except UnicodeDecodeError as problem:
        at = problem.start
        before = data[mark : mark + at].decode()
        source = Source(name, data[mark:].decode(errors="replace"))
        span = Span(source, len(before), len(before) + 1)
        message = f"byte {mark + at}, 0x{data[mark + at]:02x}, is not valid UTF-8"
        return None, [Diagnostic("E0104", message, span, hints=("save it as UTF-8",))]
