"""Runs commands under an audit hook that ends the process at what is forbidden.

    python tests/audited.py PROJECT OUT MARKER < lines of commands, as JSON

Files below PROJECT may be read, and those below OUT be written. MARKER stands in every
spec, and in nothing that is ever compiled.
"""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from collections.abc import Callable

PROJECT, OUT, MARKER = sys.argv[1:4]
COMMANDS: list[list[str]] = json.loads(sys.stdin.read())
READ = tuple(
    os.path.realpath(path) + os.sep
    for path in (
        PROJECT,
        OUT,
        os.path.join(os.path.dirname(__file__), os.pardir, "archdsl"),
        os.path.join(os.path.dirname(__file__), os.pardir, "grammars"),
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib")),
        # The library as an archive, which is looked for, too.
        *(path for path in sys.path if path.endswith(".zip")),
    )
)
CODE = READ[2:]
FORBIDDEN = (
    *("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn"),
    *("os.fork", "os.startfile", "pty.", "ctypes.", "pickle.", "shelve.", "ftplib."),
    *("urllib.", "http.", "smtplib.", "webbrowser.", "os.putenv", "os.unsetenv"),
    *("os.symlink", "os.link", "os.chown", "shutil."),
)
# The compiler's own template.
TEMPLATE = "<template>"
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
events: dict[str, int] = {}
watching = False


def _end(event: str, why: object) -> None:
    os.write(2, f"FORBIDDEN {event}: {str(why)[:300]}\n".encode())
    os._exit(99)


def _inside(path: str, roots: tuple[str, ...]) -> bool:
    return (os.path.realpath(path) + os.sep).startswith(roots)


def _open(path: object, mode: object, flags: int) -> None:
    if not isinstance(path, str | bytes):
        return
    name = os.fsdecode(path)
    if flags & WRITES or (isinstance(mode, str) and set(mode) & set("wax+")):
        if not _inside(name, (os.path.realpath(OUT) + os.sep,)):
            _end("open", f"{name} to write")
    elif not _inside(name, READ):
        _end("open", f"{name} to read")


def _asked_by_the_library() -> bool:
    """Whether Python's own modules compile or run this: annotations, tuples' makers."""
    return _inside(sys._getframe(3).f_code.co_filename, CODE[2:4])


def _compile(source: object, filename: object) -> None:
    text = source.decode("utf-8", "replace") if isinstance(source, bytes) else source
    if isinstance(text, str) and MARKER in text:
        _end("compile", text)
    name = os.fsdecode(filename) if isinstance(filename, str | bytes) else ""
    if name == "<string>" and _asked_by_the_library():
        return
    if name != TEMPLATE and not _inside(name, CODE):
        _end("compile", f"{name}: {text}")


def _exec(code: object) -> None:
    name = getattr(code, "co_filename", "")
    if name == TEMPLATE or name.startswith("<frozen "):
        return
    if name == "<string>" and _asked_by_the_library():
        return
    if not _inside(name, CODE):
        _end("exec", name)


def _import(module: str, *rest: object) -> None:
    if module.partition(".")[0] in ("torch", "lark", "cairosvg"):
        _end("import", module)


CHECKS: dict[str, Callable[..., None]] = {
    "open": _open,
    "compile": _compile,
    "exec": _exec,
    "import": _import,
}


def hook(event: str, args: tuple[object, ...]) -> None:
    if not watching:
        return
    events[event] = events.get(event, 0) + 1
    if event.startswith(FORBIDDEN):
        _end(event, args)
    if event == "os.rename" and not _inside(str(args[1]), READ[1:2]):
        _end(event, args)
    if event in CHECKS:
        CHECKS[event](*args)


sys.addaudithook(hook)

if __name__ == "__main__":
    sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir))
    watching = True
    from archdsl.cli.main import main

    statuses = []
    with open(os.path.join(OUT, "stdout"), "w", encoding="utf-8") as sys.stdout:
        for command in COMMANDS:
            statuses.append(main(command))
    sys.stdout = sys.__stdout__
    watching = False
    print(json.dumps({"statuses": statuses, "events": events}))
