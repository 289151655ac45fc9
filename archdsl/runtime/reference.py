"""A module to compare with: found by name, called, and its outputs by name."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import importlib.util
import inspect
import json
import os
import shlex
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from archdsl.diagnostics.suggest import did_you_mean

# Outputs within outputs are followed so far.
_MAX_DEPTH = 8
# This package.
_HERE = str(Path(__file__).parents[1])
_CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None}


class VerifyError(ValueError):
    """A comparison that cannot be made; its text is for people."""


def reference_of(
    given: str | nn.Module | Callable[..., object], kwargs: Mapping[str, object]
) -> tuple[nn.Module, str]:
    """The module to compare with, and what to call it.

    `given` is `package.module:name` or `file.py:name`, where the name may have dots, or
    what that names: a module, or a callable that makes one of `kwargs`. A module of
    Python is looked for in the working directory, too. Raises VerifyError.
    """
    if isinstance(given, str):
        target, name = _found(given), given
    else:
        target, name = given, getattr(given, "__name__", type(given).__name__)
    module = target if isinstance(target, nn.Module) else _made(target, name, kwargs)
    if module is target and kwargs:
        raise VerifyError(f"`{name}` is a module already and takes no kwargs")
    whole(module)
    return module, name


def whole(module: nn.Module) -> None:
    """Raise VerifyError if a module lacks its tensors."""
    if any(isinstance(p, UninitializedParameter) for p in module.parameters()):
        raise VerifyError(
            "the reference has lazy layers, whose sizes are not known yet: run it once"
            " before, say in a function that makes it"
        )
    if any(tensor.is_meta for tensor in (*module.parameters(), *module.buffers())):
        raise VerifyError("the reference is on the meta device and holds no numbers")


def _made(target: object, name: str, kwargs: Mapping[str, object]) -> nn.Module:
    if not callable(target):
        raise VerifyError(
            f"`{name}` cannot be called: it is of type {type(target).__name__}"
        )
    given = ", ".join(f"{key}={value!r}" for key, value in kwargs.items())
    with refusing(f"`{name}({given})` fails"):
        made = target(**kwargs)
    if not isinstance(made, nn.Module):
        raise VerifyError(
            f"`{name}` makes no nn.Module, but a value of type {type(made).__name__}"
        )
    return made


def _found(place: str) -> object:
    home, colon, name = place.rpartition(":")
    if not colon or not home or not name:
        raise VerifyError(
            f"`{place}` names no callable; write package.module:name or file.py:name"
        )
    target: object = _from_file(home) if home.endswith(".py") else _imported(home)
    done = home
    for part in name.split("."):
        if not hasattr(target, part):
            known = [each for each in dir(target) if not each.startswith("_")]
            hints = did_you_mean(part, known)
            more = f"; {hints[0]}" if hints else ""
            raise VerifyError(f"`{done}` has no `{part}`{more}")
        target = getattr(target, part)
        done = f"{done}{'.' if done != home else ':'}{part}"
    return target


def _imported(name: str) -> object:
    with _on_path(os.getcwd()), refusing(f"importing `{name}` fails"):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as missing:
            # Not for a module that this one imports in its turn.
            if missing.name is None or not f"{name}.".startswith(f"{missing.name}."):
                raise
            raise VerifyError(
                f"there is no Python module `{missing.name}`; it is looked for in the"
                " working directory and on PYTHONPATH"
            ) from None


def _from_file(path: str) -> object:
    if not os.path.isfile(path):
        raise VerifyError(f"there is no file `{path}`")
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(f"archdsl_reference_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look for their module there.
    sys.modules[spec.name] = module
    folder = os.path.dirname(os.path.abspath(path))
    with _on_path(folder), refusing(f"importing `{path}` fails"):
        spec.loader.exec_module(module)
    return module


@contextmanager
def _on_path(folder: str) -> Iterator[None]:
    before = list(sys.path)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path[:] = before


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Turns all that other people's code may raise into one kind of error.

    What it prints goes to standard error: standard output is for what is found.
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except VerifyError:
        raise
    except (Exception, SystemExit) as problem:
        raise VerifyError(f"{what}: {told(problem)}") from problem


def told(problem: BaseException) -> str:
    """An exception in one line, with the line of the user's code where it arose."""
    try:
        text = str(problem).strip().partition("\n")[0][:300]
    except Exception:
        text = ""
    place = _place(problem)
    if isinstance(problem, SyntaxError):
        text = problem.msg
        if problem.filename is not None:
            place = f" ({problem.filename}, line {problem.lineno})"
    name = type(problem).__name__
    return f"{name}: {text}{place}" if text else f"{name}{place}"


def _place(problem: BaseException) -> str:
    """The innermost line outside of this package and of what is installed."""
    known = sysconfig.get_paths()
    others = (_HERE, *(known[name] for name in ("stdlib", "purelib", "platlib")))
    found = ""
    for frame, number in traceback.walk_tb(problem.__traceback__):
        path = frame.f_code.co_filename
        if os.path.isfile(path) and not path.startswith(others):
            shown = os.path.relpath(path)
            shown = path if shown.startswith(os.pardir) else shown
            found = f" ({shown}, line {number})"
    return found


def kwargs_of(texts: Sequence[str]) -> dict[str, object]:
    """Arguments from texts: JSON objects, or `name=value` once or several times.

    Values are JSON or Python's literals, and else strings. Raises VerifyError.
    """
    found: dict[str, object] = {}
    for text in texts:
        for key, value in _pairs(text):
            if key in found:
                raise VerifyError(f"--kwargs gives `{key}` twice")
            found[key] = value
    return found


def _pairs(text: str) -> list[tuple[str, object]]:
    if text.lstrip().startswith("{"):
        try:
            return list(json.loads(text).items())
        except ValueError as problem:
            raise VerifyError(f"--kwargs {text}: this is no JSON: {problem}") from None
    try:
        words = shlex.split(text)
    except ValueError as problem:
        raise VerifyError(f"--kwargs {text}: {problem}") from None
    pairs = []
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key.isidentifier():
            raise VerifyError(
                f"--kwargs {text}: this is neither a JSON object nor name=value"
            )
        pairs.append((key, _literal(value)))
    return pairs


def _literal(text: str) -> object:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, RecursionError):
            continue
    return text


def given_by_name(module: nn.Module, names: Sequence[str]) -> bool:
    """Whether `forward` has an argument for each named input."""
    try:
        known = inspect.signature(module.forward).parameters
    except (TypeError, ValueError):
        return False
    return bool(names) and all(
        name in known and known[name].kind is not inspect.Parameter.POSITIONAL_ONLY
        for name in names
    )


def outputs_of(returned: object) -> list[tuple[str, Tensor]]:
    """All tensors that a module returned, by name; a tensor alone has none.

    Tuples, named tuples, dictionaries and dataclasses are opened, also within each
    other. None and what else is no tensor are left out. Sparse tensors become dense.
    """
    return [
        (name, tensor if tensor.layout is torch.strided else tensor.to_dense())
        for name, tensor in _opened(returned, "", 0)
    ]


def _opened(value: object, name: str, depth: int) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield name, value
        return
    parts: list[tuple[object, object]] = []
    if isinstance(value, Mapping):
        parts = list(value.items())
    elif isinstance(value, tuple | list):
        names = getattr(value, "_fields", range(len(value)))
        parts = list(zip(names, value, strict=True))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = [(f.name, getattr(value, f.name)) for f in dataclasses.fields(value)]
    if depth < _MAX_DEPTH:
        for part, inner in parts:
            longer = f"{name}.{part}" if name else str(part)
            yield from _opened(inner, longer, depth + 1)
