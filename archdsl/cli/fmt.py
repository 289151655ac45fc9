"""`archdsl fmt`: in place, or telling what would change."""

from __future__ import annotations

import argparse
import sys

from archdsl.cli.console import CLEAN, FINDINGS, CommandError, err, in_colour, out, say
from archdsl.cli.files import STDIN, read, write
from archdsl.diagnostics.render import printable, render
from archdsl.source import Source
from archdsl.syntax.format import format_source


def run(args: argparse.Namespace) -> int:
    """Lay out each file; one that cannot be read or parsed is left as it is."""
    if args.files.count(STDIN) > 1:
        raise CommandError("standard input, -, is given twice")
    status = CLEAN
    changed = wrong = 0
    for path in args.files:
        name = args.stdin_filename if path == STDIN else None
        source, found = read(path, name)
        text: str | None = None
        if source is not None:
            text, found = format_source(source)
        if source is None or text is None:
            wrong += 1
            status = FINDINGS
            err(render(found, "full", in_colour(sys.stderr)) + "\n", rendered=True)
            continue
        text = _line_ends(source, text)
        if args.check or args.diff:
            if text != source.text:
                changed += 1
                status = FINDINGS
                _tell(args, source, text)
        elif path == STDIN:
            out(text)
        elif text != source.text:
            changed += 1
            write(path, text.encode())
            say(f"formatted {path}\n")
    if STDIN not in args.files and not args.diff:
        _total(args, changed, wrong)
    return status


def _line_ends(source: Source, text: str) -> str:
    """The line ends that the file had."""
    if "\r\n" not in source.text:
        return text
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def _tell(args: argparse.Namespace, source: Source, text: str) -> None:
    if args.diff:
        from difflib import unified_diff

        lines = unified_diff(
            source.text.splitlines(keepends=True),
            text.splitlines(keepends=True),
            printable(source.name),
            printable(source.name),
        )
        for line in lines:
            end = "" if line.endswith("\n") else "\n\\ No newline at end of file\n"
            out(line + end)
    else:
        say(f"would format {source.name}\n")


def _total(args: argparse.Namespace, changed: int, wrong: int) -> None:
    same = len(args.files) - changed - wrong
    parts = []
    if changed:
        parts.append(f"{changed} {'would change' if args.check else 'changed'}")
    if same:
        parts.append(f"{same} as {'it is' if same == 1 else 'they are'}")
    if wrong:
        parts.append(f"{wrong} with errors")
    err(f"{len(args.files)} {'file' if len(args.files) == 1 else 'files'}: ")
    err(", ".join(parts) + "\n")
