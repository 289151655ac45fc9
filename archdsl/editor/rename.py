"""Where a name is defined and used, and another name for it."""

from __future__ import annotations

import re

from archdsl.editor.analysis import Analysis, analyse
from archdsl.editor.hover import names_a_submodule
from archdsl.editor.moved import Change
from archdsl.editor.occurrences import RENAMED, Occurrence, Target
from archdsl.editor.tree import stage_at
from archdsl.elaborate.words import RESERVED, RESERVED_LABELS, is_flag
from archdsl.ops import LAYERS
from archdsl.source import Source
from archdsl.syntax import parse
from archdsl.syntax.parser import lexer
from archdsl.tuples import NamedTuple

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LABEL = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")


class RenameError(ValueError):
    """A name that cannot be given; the text is for people."""


class Renaming(NamedTuple):
    """The changes of a text, and what else a person should know of them."""

    changes: tuple[Change, ...]
    warning: str = ""


def target_at(analysis: Analysis, offset: int) -> tuple[Occurrence, Target] | None:
    """The name at an offset, and what it means, if that is defined in some text."""
    name = analysis.name_at(offset)
    if name is None or name.target is None:
        return None
    return name, name.target


def occurrences_of(analysis: Analysis, target: Target) -> list[Occurrence]:
    """Where something is defined and used in a text, in order."""
    return [name for name in analysis.names if name.target == target]


def can_be_renamed(analysis: Analysis, offset: int) -> Occurrence | None:
    """The name at an offset, if a person may give it another. Raises RenameError."""
    name = analysis.name_at(offset)
    if name is None:
        return None
    if name.kind not in RENAMED or name.target is None:
        raise RenameError(f"`{name.name}` is a name of the language, not of this text")
    if "/std/" in name.target.file:
        raise RenameError(f"`{name.name}` stands in the standard library")
    return name


def rename(analysis: Analysis, target: Target, new: str) -> Renaming:
    """Another name for all that has this meaning in a text.

    It is tried: a name that would mean something else afterwards, or be found fault
    with, is refused. Raises RenameError.
    """
    found = occurrences_of(analysis, target)
    quoted = _check(analysis, target, found, new)
    changes = []
    text = analysis.source.text
    for name in found:
        is_quoted = text[name.start - 1 : name.start] == '"'
        flag = target.kind == "parameter" and text[name.start : name.end] != name.name
        if flag:
            raise RenameError(
                f"`{text[name.start : name.end]}` is short for it, and has one letter"
            )
        written = f'"{new}"' if quoted and not is_quoted else new
        changes.append(Change(name.start, name.end, written))
    if changes and not target.file:
        _try(analysis, target, changes)
    warning = _warning(analysis, target, new) if not target.file else ""
    return Renaming(tuple(changes), warning)


def changed_text(text: str, changes: tuple[Change, ...] | list[Change]) -> str:
    """A text after changes that do not overlap."""
    for change in sorted(changes, reverse=True):
        text = text[: change.start] + change.text + text[change.end :]
    return text


def _check(
    analysis: Analysis, target: Target, found: list[Occurrence], new: str
) -> bool:
    """Whether the name has to stand in quotes. Raises RenameError."""
    kind = target.kind
    if kind == "label":
        if new in RESERVED_LABELS:
            raise RenameError(f"`{new}` is a name of the language")
        if _LABEL.fullmatch(new) and not _is_keyword(new):
            return False
        if '"' in new or "\n" in new or not new.strip():
            raise RenameError("a label holds no quotes and no line ends")
        text = analysis.source.text
        for name in found:
            if not name.defines and text[name.start - 1 : name.start] != '"':
                raise RenameError(
                    f"`{new}` would need quotes, and values are named without"
                )
        return True
    if not _NAME.fullmatch(new) or _is_keyword(new):
        raise RenameError(f"`{new}` is no name: letters, digits and `_`")
    if new in RESERVED and not (kind == "input" and new == "x"):
        raise RenameError(f"`{new}` is a name of the language")
    if kind in ("parameter", "prefix") and is_flag(new):
        raise RenameError(f"`{new}` is short for `{new[0]}={new[1:]}`")
    if kind in ("block", "extern") and new in LAYERS:
        raise RenameError(f"`{new}` is a layer of the language")
    return False


def _is_keyword(word: str) -> bool:
    tokens, _ = lexer().tokens(Source("", word))
    return tokens.kinds[0] not in ("NAME", "FLAG", "INT")


def _try(analysis: Analysis, target: Target, changes: list[Change]) -> None:
    """Raise RenameError if the text would mean something else."""
    source = analysis.source
    text = changed_text(source.text, changes)
    if parse(Source(source.name, text))[0] is None:
        raise RenameError("the text could not be read any more")
    definitions = analysis.definitions
    files = definitions.library.files if definitions is not None else None
    after = analyse(source.name, text, files, source.limits)
    before = {(d.code, d.message) for d in analysis.diagnostics}
    for finding in after.diagnostics:
        if (finding.code, finding.message) in before:
            continue
        if finding.code in ("E0204", "E0209", "E0212", "E0213", "E0208", "E0216"):
            raise RenameError(finding.message)
    shift = sum(
        len(change.text) - (change.end - change.start)
        for change in changes
        if change.start < target.start
    )
    quotes = text[target.start + shift : target.start + shift + 1] == '"'
    moved = target.kind, "", target.start + shift + quotes
    same = sum(
        name.target is not None and name.target[:3] == moved for name in after.names
    )
    if same != len(changes):
        raise RenameError("the name would then mean something else in some places")


def _warning(analysis: Analysis, target: Target, new: str) -> str:
    """What renaming a label does to weights that were saved."""
    if target.kind != "label" or analysis.tree is None or analysis.trace is None:
        return ""
    stage = stage_at(analysis.tree, target.start)
    if stage is None or stage.label is None:
        return ""
    if not names_a_submodule(analysis.trace.of(stage)):
        return ""
    old = stage.label.name
    return (
        f"This renames the submodule `{old}` of the state_dict to `{new}`: weights"
        f" saved as `{old}.…` have to be renamed, too."
    )
