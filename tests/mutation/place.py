"""Putting a mutant in the place of the code that runs, for a while."""

from __future__ import annotations

import ast
import inspect
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from changes import Mutant

from archdsl.elaborate import arguments, labels
from archdsl.ops import LAYERS


class NoPlaceError(Exception):
    """It would have to be there before all that is imported."""


ROOT = Path(__file__).resolve().parents[2]


def module_name(path: Path) -> str:
    """What the module of that file is imported as."""
    parts = path.resolve().relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def forget() -> None:
    """What the elaborator keeps from one spec to the next."""
    arguments._KNOWN.clear()
    labels._expression.cache_clear()


def ways(mutant: Mutant, late: set[str]) -> list[Callable[[], Callable[[], None]]]:
    """How it can be put in place; each gives what undoes it.

    `late` has the modules that only the table of layers imports, each when one of its
    layers is first asked for: they can be imported anew. Functions there may make the
    layers' records, and be used by what imported them before.
    """
    found: list[Callable[[], Callable[[], None]]] = []
    if mutant.scope:
        found.append(lambda: _put_function(mutant))
    if module_name(mutant.path) in late:
        found.append(lambda: _put_module(mutant, late))
    return found or [lambda: _put_value(mutant, late)]


@contextmanager
def in_place(way: Callable[[], Callable[[], None]]) -> Iterator[None]:
    """This process runs the mutant."""
    back = way()
    forget()
    try:
        yield
    finally:
        back()
        forget()


def _put_function(mutant: Mutant) -> Callable[[], None]:
    module = sys.modules[module_name(mutant.path)]
    *classes, name = mutant.scope.split(".")
    nodes: list[ast.stmt] = mutant.tree.body
    owner: object = module
    for part in classes:
        found = next(n for n in nodes if isinstance(n, ast.ClassDef) and n.name == part)
        nodes = found.body
        owner = vars(owner)[part]
    # The last one of that name is the one that is held.
    node = [n for n in nodes if isinstance(n, ast.FunctionDef) and n.name == name][-1]
    body: ast.stmt = _undecorated(node)
    for part in reversed(classes):
        body = ast.copy_location(ast.ClassDef(part, [], [], [body], []), node)
    names = dict(vars(module))
    _execute(ast.Module([body], []), mutant.path, names)
    new = names[classes[0] if classes else name]
    for part in [*classes, name][1:]:
        new = vars(new)[part]
    assert isinstance(new, types.FunctionType)
    old = _plain(vars(owner)[name])
    kept = (old.__code__, old.__defaults__, old.__kwdefaults__)

    def put(code: types.CodeType, defaults: object, keywords: object) -> None:
        old.__code__ = code
        old.__defaults__ = defaults  # type: ignore[assignment]
        old.__kwdefaults__ = keywords  # type: ignore[assignment]

    put(new.__code__, new.__defaults__, new.__kwdefaults__)
    return lambda: put(*kept)


def _undecorated(node: ast.FunctionDef) -> ast.FunctionDef:
    plain = ast.FunctionDef(
        name=node.name,
        args=node.args,
        body=node.body,
        decorator_list=[],
        returns=node.returns,
    )
    return ast.copy_location(plain, node)


def _execute(tree: ast.Module, path: Path, names: dict[str, object]) -> None:
    future = ast.ImportFrom("__future__", [ast.alias("annotations")], 0)
    tree = ast.Module([future, *tree.body], [])
    exec(compile(ast.fix_missing_locations(tree), str(path), "exec"), names)


def _plain(found: object) -> types.FunctionType:
    """The function in a property, a cache or a context manager."""
    if isinstance(found, property):
        found = found.fget
    elif isinstance(found, classmethod | staticmethod):
        found = found.__func__
    elif hasattr(found, "func"):
        found = found.func
    assert callable(found)
    plain = inspect.unwrap(found)
    assert isinstance(plain, types.FunctionType), found
    return plain


def _put_module(mutant: Mutant, late: set[str]) -> Callable[[], None]:
    name = module_name(mutant.path)
    back = _anew(late)
    try:
        module = types.ModuleType(name)
        module.__file__ = str(mutant.path)
        sys.modules[name] = module
        body = [n for n in mutant.tree.body if not _is_future(n)]
        _execute(ast.Module(body, []), mutant.path, vars(module))
    except BaseException:
        back()
        raise
    return back


def _anew(late: set[str]) -> Callable[[], None]:
    """Have the layers' modules imported when a layer is next asked for."""
    kept = {other: sys.modules.pop(other) for other in late if other in sys.modules}
    made = dict(LAYERS._made)
    LAYERS._made.clear()

    def back() -> None:
        sys.modules.update(kept)
        LAYERS._made.clear()
        LAYERS._made.update(made)

    return back


def _put_value(mutant: Mutant, late: set[str]) -> Callable[[], None]:
    """The value of a name, wherever that was imported."""
    found = [n for n in mutant.tree.body if _holds(n, mutant.lines)]
    target: ast.expr | None = None
    if len(found) == 1 and isinstance(found[0], ast.Assign):
        target = found[0].targets[0]
    elif len(found) == 1 and isinstance(found[0], ast.AnnAssign):
        target = found[0].target
    if not isinstance(target, ast.Name):
        raise NoPlaceError
    name = target.id
    old = vars(sys.modules[module_name(mutant.path)])[name]
    names: dict[str, object] = {"__name__": module_name(mutant.path)}
    body = [n for n in mutant.tree.body if not _is_future(n)]
    _execute(ast.Module(body, []), mutant.path, names)
    holders = [
        module
        for module in list(sys.modules.values())
        if name in vars(module) and vars(module)[name] is old
    ]

    def put(value: object) -> None:
        for holder in holders:
            vars(holder)[name] = value

    put(names[name])
    if not late.intersection(holder.__name__ for holder in holders):
        return lambda: put(old)
    # The layers' records hold it since they were made.
    back = _anew(late)

    def restored() -> None:
        put(old)
        back()

    return restored


def _holds(node: ast.stmt, lines: tuple[int, int]) -> bool:
    return node.lineno <= lines[0] <= (node.end_lineno or node.lineno)


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"
