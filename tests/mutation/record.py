"""Running a test of pytest alone, and which lines it takes."""

from __future__ import annotations

import os
import sys
from array import array
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from forks import limited, spent
from place import forget

# A test that takes longer while its lines are noted is left out.
LONGEST = 0.7


@dataclass(frozen=True)
class Case:
    """A test: what it takes, in seconds and in lines of each file."""

    name: str
    seconds: float
    lines: dict[str, array[int]]


def call(item: pytest.Item) -> None:
    """Run a test with its fixtures; what goes wrong is raised."""
    item._initrequest()  # type: ignore[attr-defined]
    try:
        item.ihook.pytest_runtest_setup(item=item)
        item.ihook.pytest_runtest_call(item=item)
    finally:
        item.ihook.pytest_runtest_teardown(item=item, nextitem=None)


def recorded(item: pytest.Item, folders: list[Path]) -> Case | None:
    """A test that passes soon enough, with what it takes; None for others."""
    prefixes = tuple(str(folder) + os.sep for folder in folders)
    lines: dict[str, set[int]] = defaultdict(set)

    def each_line(frame: FrameType, event: str, arg: object) -> Any:
        if event == "line":
            lines[frame.f_code.co_filename].add(frame.f_lineno)
        return each_line

    def each_call(frame: FrameType, event: str, arg: object) -> Any:
        if frame.f_code.co_filename.startswith(prefixes):
            lines[frame.f_code.co_filename].add(frame.f_lineno)
            return each_line
        return None

    if any(item.iter_markers("xfail")):
        return None
    forget()
    began = spent()
    try:
        with limited(LONGEST):
            sys.settrace(each_call)
            call(item)
    except BaseException:
        return None
    finally:
        sys.settrace(None)
    if not lines:
        return None
    packed = {path: array("H", sorted(taken)) for path, taken in lines.items()}
    return Case(item.nodeid, spent() - began, packed)
