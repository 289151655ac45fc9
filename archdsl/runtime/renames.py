r"""A table of renames: what the tensors of a checkpoint or of another module are here.

    # DenseNets saved by torchvision before 0.3
    norm.1       norm1
    conv.1       conv1
    s/^module\.//
    AuxLogits    -

Each line is a rule, and every name goes through all of them in order. Two words
replace the first by the second wherever it stands as whole components of a name, that
is between dots or at an end. `s/…/…/` replaces what a regular expression of Python's
`re` matches, everywhere in the name; any sign may stand for `/`. With `-` instead of
a new name the tensor is left out. `#` begins a comment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

MAX_BYTES = 2**20
_OUT = "-"


class RenameError(ValueError):
    """A table of renames that cannot be used; its text says where and why."""


class Rule(NamedTuple):
    """One line: its text, and what it makes of a name, None to leave it out."""

    text: str
    apply: Callable[[str], str | None]


class Renames:
    """The rules of a table, applied one after the other.

    A name in `exact` is that of one tensor, to which only this rule is applied.
    """

    def __init__(
        self, rules: Iterable[Rule] = (), exact: Mapping[str, Rule] | None = None
    ) -> None:
        self.rules = tuple(rules)
        self._exact = dict(exact or {})

    def __call__(self, name: str) -> str | None:
        """The new name; None if the tensor is left out."""
        return self._renamed(name, set())

    def _renamed(self, name: str, used: set[Rule]) -> str | None:
        """The new name, while the rules that change it are put into `used`."""
        found: str | None = name
        for rule in (self._exact[name],) if name in self._exact else self.rules:
            if found is None:
                break
            new = rule.apply(found)
            if new != found:
                used.add(rule)
            found = new
        return found

    def keys(self, names: Iterable[str]) -> dict[str, str]:
        """The new name of each, without those left out.

        Raises RenameError if two come to have the same.
        """
        became: dict[str, str] = {}
        for name in names:
            new = self(name)
            if new is None:
                continue
            if new in became:
                raise RenameError(
                    f"the renames call both `{became[new]}` and `{name}` `{new}`"
                )
            became[new] = name
        return {name: new for new, name in became.items()}

    def idle(self, names: Iterable[str]) -> list[str]:
        """The rules that change none of the names."""
        used: set[Rule] = set()
        for name in names:
            self._renamed(name, used)
        return [rule.text for rule in self.rules if rule not in used]


def renames_of(
    given: str | os.PathLike[str] | Mapping[str, str] | Renames | None,
) -> Renames:
    """Renames from a file, or from a dictionary of old names and new.

    A name that is a key of the dictionary is that tensor's; other keys are rules as
    in a file. Raises RenameError if the file cannot be read or a rule cannot be
    understood.
    """
    if given is None:
        return Renames()
    if isinstance(given, Renames):
        return given
    if isinstance(given, Mapping):
        rules = {old: _words(old, new) for old, new in given.items()}
        return Renames(rules.values(), rules)
    path = os.fspath(given)
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8-sig")
    except (OSError, ValueError) as problem:
        known = isinstance(problem, OSError) and problem.strerror
        raise RenameError(
            f"`{path}` cannot be read: {known or 'it is no text in UTF-8'}"
        ) from None
    if len(data) > MAX_BYTES:
        raise RenameError(f"`{path}` has more than {MAX_BYTES:,} bytes")
    return parsed(text, path)


def parsed(text: str, name: str) -> Renames:
    """The table in a text; `name` is that of the file, for messages.

    Raises RenameError.
    """
    rules = []
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        try:
            rules.append(_rule(line))
        except RenameError as problem:
            raise RenameError(f"{name}:{number}: {problem}") from None
    return Renames(rules)


def _rule(line: str) -> Rule:
    if len(line) > 1 and line[0] == "s" and not (line[1].isalnum() or line[1] in "_. "):
        return _substitution(line)
    words = line.partition(" #")[0].split()
    if len(words) != 2:
        raise RenameError(
            "a rule is an old name and a new one, or s/pattern/replacement/"
        )
    return _words(*words)


def _substitution(line: str) -> Rule:
    parts = line.split(line[1])
    if len(parts) != 4 or parts[3].partition("#")[0].strip():
        sign = line[1]
        raise RenameError(f"a substitution is s{sign}pattern{sign}replacement{sign}")
    try:
        pattern = re.compile(parts[1])
        # Finds what is wrong with the replacement, a group that is not there.
        re.compile(f"(?:{parts[1]})|").sub(parts[2], "")
    except (re.error, IndexError) as problem:
        raise RenameError(f"`{parts[1]}` or `{parts[2]}`: {problem}") from None
    if parts[2] == _OUT:
        return Rule(line, lambda name: None if pattern.search(name) else name)
    return Rule(line, lambda name: pattern.sub(parts[2], name))


def _words(old: str, new: str) -> Rule:
    if not old.strip(".") or not new.strip("."):
        raise RenameError(f"`{old}` or `{new}` is no name")
    pattern = re.compile(rf"(?<![^.]){re.escape(old)}(?![^.])")
    text = f"{old} {new}"
    if new == _OUT:
        return Rule(text, lambda name: None if pattern.search(name) else name)
    return Rule(text, lambda name: pattern.sub(lambda _: new, name))
