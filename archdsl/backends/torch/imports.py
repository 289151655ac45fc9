"""The source's imports: torch, Python's own library, and the user's own modules."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from typing import TypeAlias

from archdsl.backends.torch.reserved import class_name, safe_name

# A Python module, and a class in it, or one inside that class: `Outer.Inner`.
Place: TypeAlias = tuple[str, str]

_WIDEST = 88


def local_names(places: Collection[Place], taken: Collection[str]) -> dict[Place, str]:
    """What each class is called in the source: by its own name, if that is free."""
    names: dict[Place, str] = {}
    used: dict[Place, str] = {}
    for module, dotted in sorted(places):
        outer, dot, inner = dotted.partition(".")
        if (module, outer) not in used:
            # A variable would hide a class in small letters.
            plain = outer if outer[0].isupper() else class_name(outer)
            name, number = plain, 2
            known = {*taken, *used.values()}
            while name in known or safe_name(name) != name:
                name = f"{plain}{number}"
                number += 1
            used[module, outer] = name
        names[module, dotted] = used[module, outer] + dot + inner
    return names


def lines(
    text: str, needs_math: bool, from_standard: list[str], used: Mapping[Place, str]
) -> list[str]:
    """The import lines, sorted as `ruff` sorts them, for a source with that text."""
    members: dict[str, set[tuple[str, str]]] = {"torch": {("Tensor", ""), ("nn", "")}}
    if "F." in text:
        members["torch.nn"] = {("functional", "F")}
    for (module, dotted), local in used.items():
        outer = dotted.partition(".")[0]
        name = local.partition(".")[0]
        found = members.setdefault(module, set())
        found.add((outer, "" if name == outer else name))
    third = ["import torch"] if "torch." in text else []
    standard = ["import math"] if needs_math else []
    own: list[tuple[str, str]] = [(line.split()[1], line) for line in from_standard]
    for module in sorted(members, key=lambda name: (name.lower(), name)):
        written = _from(module, members[module])
        if module.partition(".")[0] in sys.stdlib_module_names:
            own += [(module, line) for line in written]
        else:
            third += written
    own.sort(key=lambda pair: (pair[1].startswith("from "), pair[0].lower()))
    standard += [line for _, line in own]
    return [*standard, *([""] if standard else []), *third]


def _from(module: str, members: set[tuple[str, str]]) -> list[str]:
    """The lines that import from one module."""
    plain = sorted((name for name, alias in members if not alias), key=_by_kind)
    found: list[str] = []
    if plain:
        line = f"from {module} import {', '.join(plain)}"
        if len(line) > _WIDEST:
            inner = "".join(f"    {name},\n" for name in plain)
            line = f"from {module} import (\n{inner})"
        found.append(line)
    aliased = sorted((name, alias) for name, alias in members if alias)
    found += [f"from {module} import {name} as {alias}" for name, alias in aliased]
    return found


def _by_kind(name: str) -> tuple[int, str]:
    """Constants, classes, then the rest."""
    kind = 2
    if name[0].isupper():
        kind = 0 if len(name) > 1 and name.isupper() else 1
    return kind, name
