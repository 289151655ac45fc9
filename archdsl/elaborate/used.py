"""The files that a spec uses, and those of the standard library.

Imported only where there is one.
"""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic, Note
from archdsl.diagnostics.suggest import did_you_mean
from archdsl.elaborate.definitions import (
    Defined,
    Definitions,
    Library,
    definitions,
)
from archdsl.elaborate.report import Reporter
from archdsl.elaborate.words import RESERVED, is_flag, there_are
from archdsl.reading import Files, Place, UseError, decoded
from archdsl.source import Source
from archdsl.syntax import nodes as n
from archdsl.syntax import parse


def follow(uses: list[n.Use], home: Definitions, report: Reporter) -> None:
    """Read the files that a file uses, and let it see their blocks and externs."""
    # What each name that came in without a prefix came by.
    came_by: dict[str, n.Use] = {}
    seen: dict[tuple[str, str | None], n.Use] = {}
    for use in uses:
        if use.prefix is not None and not _check_prefix(use, use.prefix, home, report):
            continue
        used = _opened(use, home, report)
        if used is None:
            home.whole = False
            continue
        key = (used.file, use.prefix.name if use.prefix else None)
        if key in seen:
            report.error(
                "E0209",
                f"`{use.path.value}` is used twice",
                use,
                related=(Note(report.span(seen[key]), "first used here"),),
                hints=("leave one of the lines out",),
            )
            continue
        seen[key] = use
        for name, item in used.own().items():
            if use.prefix is not None:
                home.visible[f"{use.prefix.name}.{name}"] = Defined(item, used)
            elif not _clashes(name, Defined(item, used), use, home, came_by, report):
                home.visible[name] = Defined(item, used)
                came_by[name] = use


def _check_prefix(
    use: n.Use, prefix: n.Name, home: Definitions, report: Reporter
) -> bool:
    name = prefix.name
    first = home.prefixes.setdefault(name, use)
    if is_flag(name):
        report.error(
            "E0208",
            f"a prefix cannot be named `{name}`: that is short for"
            f" `{name[0]}={name[1:]}`",
            prefix,
            hints=(f"use two letters or more, such as `{name[0] * 2}{name[1:]}`",),
        )
    elif name in RESERVED:
        report.error(
            "E0213",
            f"`{name}` is a name of the language, and cannot be a prefix",
            prefix,
            hints=(f"choose another name, such as `{name}_`",),
        )
    elif first.path.value != use.path.value:
        report.error(
            "E0209",
            f"the prefix `{name}` stands for two files",
            prefix,
            related=(Note(report.span(first), "first given here"),),
            hints=("give one of them another prefix",),
        )
    else:
        return True
    home.whole = False
    return False


def _clashes(
    name: str,
    new: Defined,
    use: n.Use,
    home: Definitions,
    came_by: dict[str, n.Use],
    report: Reporter,
) -> bool:
    """Whether a name that a file brings in is taken, which is reported."""
    old = home.visible.get(name)
    mine = home.nets.get(name)
    if old is None and mine is None:
        return False
    stem = use.path.value.rpartition("/")[2].partition(".")[0]
    prefix = stem if stem.isidentifier() else "b"
    hints = (f'use "{use.path.value}" as {prefix}: its `{name}` is `{prefix}.{name}`',)
    if old is not None and old.home is not home:
        report.error(
            "E0219",
            f"two used files define `{name}`",
            use,
            related=(
                Note(report.span(came_by[name]), f"`{name}` came in here already"),
                Note(old.span, "first defined here"),
                Note(new.span, "and also here"),
            ),
            hints=hints,
        )
        return True
    own = old.item if old is not None else mine
    assert own is not None
    report.error(
        "E0209",
        f"`{name}` is defined here and in `{use.path.value}`",
        own.name,
        related=(
            Note(report.span(use), "that file is used here"),
            Note(new.span, "its definition"),
        ),
        hints=("give one of them another name", *hints),
    )
    return True


def _opened(use: n.Use, home: Definitions, report: Reporter) -> Definitions | None:
    """The definitions of a used file, read once; None, reported, if there are none."""
    library = home.library
    if library.files is None:
        report.error(
            "E0803",
            "a text that is no file has no place to use files from",
            use,
            hints=("save it as a file, beside those that it uses",),
        )
        return None
    if home.place is None:
        home.place = library.files.own()
    return _Reader(library.files, library, report).opened(use, home)


class _Reader:
    """Opens one used file and, through its definitions, what that one uses."""

    def __init__(self, files: Files, library: Library, report: Reporter) -> None:
        self._files = files
        self._library = library
        self._report = report

    def opened(self, use: n.Use, home: Definitions) -> Definitions | None:
        assert home.place is not None
        try:
            place = self._files.resolve(use.path.value, home.place)
            circle = self._circle(place, home)
            if circle is not None:
                self._report.error(
                    "E0218",
                    f"`{place.shown}` uses itself",
                    use,
                    notes=(f"the way round: {' → '.join(circle)}",)
                    if len(circle) > 2
                    else (),
                    hints=("move what both need into a file of its own",),
                )
                return None
            known = self._library.homes.get(place.file)
            if known is not None:
                return known if known.whole else None
            self._check_limits(home)
            data = self._files.read(place)
        except UseError as problem:
            self._report.error("E0803", str(problem), use, hints=problem.hints)
            return None
        source, found = decoded(data, place.shown, home.source.limits)
        if source is None:
            self._report.found += [_placed(d, use, self._report) for d in found]
            # Once is enough, however many use it.
            unread = Definitions(
                Source(place.shown, ""), self._library, place.file, place
            )
            unread.whole = False
            return None
        return self._defined(source, place, home)

    def _defined(
        self, source: Source, place: Place, home: Definitions
    ) -> Definitions | None:
        made = Definitions(source, self._library, place.file, place, home.standard)
        made.used_by = home
        tree, found = parse(source)
        if tree is None:
            self._report.found += found
            made.whole = False
            return None
        definitions(tree, made, self._report)
        return made if made.whole else None

    def _circle(self, place: Place, home: Definitions) -> list[str] | None:
        """The way from a file to itself, if the new use closes one."""
        way = [place.shown]
        at: Definitions | None = home
        while at is not None:
            assert at.place is not None
            way.append(at.place.shown)
            if at.place.file == place.file:
                return list(reversed(way))
            at = at.used_by
        return None

    def _check_limits(self, home: Definitions) -> None:
        depth = 1
        at = home
        while at.used_by is not None:
            depth += 1
            at = at.used_by
        if depth > self._report.limits.use_depth:
            raise UseError(
                f"files use each other more than {self._report.limits.use_depth} deep",
                "use the file where it is needed: what it defines is seen there only",
            )
        if len(self._library.homes) > self._report.limits.used_files:
            raise UseError(
                f"more than {self._report.limits.used_files} files are used",
                "write some of these files as one",
            )


def _placed(found: Diagnostic, use: n.Use, report: Reporter) -> Diagnostic:
    """A finding about a whole file, which is shown where the file is used."""
    if found.span is not None:
        return found
    return found._replace(span=report.span(use))


def standard_block(name: str, files: Files, library: Library) -> Defined | None:
    """The block that a file of the standard library is called after."""
    place = files.own()
    home = library.homes.get(place.file)
    if home is None:
        source, _ = decoded(files.read(place), place.shown)
        assert source is not None
        tree, _ = parse(source)
        assert tree is not None
        home = Definitions(source, library, place.file, place, standard=True)
        # Its own uses start from the standard library's root.
        spec_files, library.files = library.files, files
        definitions(tree, home, Reporter(source))
        library.files = spec_files
    block = home.blocks.get(name)
    return Defined(block, home) if block is not None else None


def report_unknown(part: n.Attribute, home: Definitions, report: Reporter) -> None:
    """Report that a used file has no such block: `b.upp`."""
    assert isinstance(part.base, n.Name)
    prefix = part.base.name
    begin = f"{prefix}."
    known = [name for name in home.visible if name.startswith(begin)]
    report.error(
        "E0206",
        f"the file used as `{prefix}` has no block `{part.name}`",
        part,
        hints=did_you_mean(f"{begin}{part.name}", known, report.editable(part))
        or there_are(known),
    )
