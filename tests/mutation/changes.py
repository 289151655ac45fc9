"""Which single changes a module can have: its mutants.

Left alone are docstrings, annotations, decorators and what is only for the type
checker: `assert`, `cast`, and `strict=` of `zip`, which hold what is true anyway.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
}
CALLED = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "sorted": "list",
    "reversed": "list",
    "lstrip": "rstrip",
    "rstrip": "lstrip",
    "partition": "rpartition",
    "rpartition": "partition",
    "startswith": "endswith",
    "endswith": "startswith",
}
FUNCTION = (ast.FunctionDef, ast.Lambda)


@dataclass(frozen=True)
class Mutant:
    """A change of one node.

    `scope` is the name of the function or method it is in, "" for a statement of the
    module or a class. `lines` are those of the statement or its head, `line` is that of
    the node.
    """

    path: Path
    scope: str
    was: str
    now: str
    count: int
    lines: tuple[int, int]
    tree: ast.Module
    line: int

    @property
    def name(self) -> str:
        """What stays the same while other functions are edited."""
        again = f" #{self.count}" if self.count else ""
        return f"{self.scope or '-'}: {self.was} => {self.now}{again}"


@dataclass
class _Place:
    """A node, how it is reached, and what it is part of."""

    node: ast.AST
    way: tuple[tuple[str, int | None], ...]
    scope: str
    lines: tuple[int, int]


def mutants(path: Path) -> Iterator[Mutant]:
    """All mutants of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    seen: Counter[tuple[str, str, str]] = Counter()
    for place in _places(tree, (), "", (1, 1)):
        for new in _changes(place.node):
            was = _shown(place.node)
            now = _shown(new)
            key = (place.scope, was, now)
            changed = _replaced(tree, place.way, new)
            line = getattr(place.node, "lineno", place.lines[0])
            yield Mutant(path, *key, seen[key], place.lines, changed, line)
            seen[key] += 1


def _shown(node: ast.AST) -> str:
    if isinstance(node, ast.If | ast.While):
        node = node.test
    elif isinstance(node, ast.comprehension):
        node = ast.Tuple([*node.ifs], ast.Load())
    text = " ".join(ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).split())
    return text if len(text) <= 100 else f"{text[:60]}…{text[-35:]}"


def _replaced(
    tree: ast.Module, way: tuple[tuple[str, int | None], ...], new: ast.AST
) -> ast.Module:
    """The tree with another node there; what is beside the way is shared."""

    def at(node: ast.AST, depth: int) -> ast.AST:
        if depth == len(way):
            return new
        field, index = way[depth]
        made = copy.copy(node)
        value = getattr(node, field)
        if index is None:
            setattr(made, field, at(value, depth + 1))
        else:
            entries = list(value)
            entries[index] = at(entries[index], depth + 1)
            setattr(made, field, entries)
        return made

    changed = at(tree, 0)
    assert isinstance(changed, ast.Module)
    return changed


def _places(
    node: ast.AST,
    way: tuple[tuple[str, int | None], ...],
    scope: str,
    lines: tuple[int, int],
) -> Iterator[_Place]:
    """All nodes that may change, outside in."""
    if isinstance(node, ast.stmt | ast.Lambda | ast.comprehension | ast.IfExp):
        lines = _head(node, lines)
    yield _Place(node, way, scope, lines)
    for field, index, child in _children(node):
        inner = scope
        if isinstance(node, ast.ClassDef) or (not way and scope == ""):
            inner = _inner_scope(scope, node, child)
        yield from _places(child, (*way, (field, index)), inner, lines)


def _inner_scope(scope: str, node: ast.AST, child: ast.AST) -> str:
    """Functions in functions belong to the outermost."""
    prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else scope
    if isinstance(child, ast.FunctionDef):
        return prefix + child.name
    return ""


def _head(node: ast.AST, lines: tuple[int, int]) -> tuple[int, int]:
    if isinstance(node, ast.comprehension):
        return lines
    assert isinstance(node, ast.stmt | ast.expr)
    last = node.end_lineno or node.lineno
    if isinstance(node, ast.If | ast.While):
        last = node.test.end_lineno or last
    elif isinstance(node, ast.For):
        last = node.iter.end_lineno or last
    elif isinstance(node, ast.With | ast.Try | ast.FunctionDef | ast.ClassDef):
        last = node.lineno
    elif isinstance(node, ast.Lambda):
        return (node.body.lineno, node.body.end_lineno or node.body.lineno)
    return (node.lineno, last)


def _children(node: ast.AST) -> Iterator[tuple[str, int | None, ast.AST]]:
    for field, value in ast.iter_fields(node):
        if _is_left_alone(node, field):
            continue
        if isinstance(value, ast.AST):
            yield field, None, value
        elif isinstance(value, list):
            for index, child in enumerate(value):
                if isinstance(child, ast.AST) and not _is_exempt(node, child):
                    yield field, index, child


def _is_left_alone(node: ast.AST, field: str) -> bool:
    if field in ("annotation", "returns", "decorator_list", "bases", "ctx", "op"):
        return True
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        # Types are taken apart elsewhere: `int | float` is no arithmetic.
        return node.func.id in ("cast", "TypeVar")
    if isinstance(node, ast.FormattedValue):
        return field == "format_spec"
    return False


def _is_exempt(node: ast.AST, child: ast.AST) -> bool:
    if isinstance(child, ast.Assert | ast.Import | ast.ImportFrom):
        return True
    if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
        return True
    if isinstance(child, ast.FunctionDef) and child.name == "__repr__":
        return True
    if isinstance(child, ast.keyword) and child.arg == "strict":
        return True
    if isinstance(child, ast.Assign) and _is_for_types(child):
        return True
    if (
        isinstance(child, ast.AnnAssign)
        and ast.unparse(child.annotation) == "TypeAlias"
    ):
        return True
    if isinstance(child, ast.Expr):
        return isinstance(child.value, ast.Constant)
    # In `{value!r}` the constant parts are changed as one.
    return isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)


def _is_for_types(node: ast.Assign) -> bool:
    """`__all__` and names of types: `Look = Literal[...]`, `Size = int | Symbolic`."""
    value = ast.unparse(node.value)
    target = ast.unparse(node.targets[0])
    literal = value.startswith(("Literal[", "Callable[", "Union["))
    union = isinstance(node.value, ast.BinOp) and isinstance(node.value.op, ast.BitOr)
    return target == "__all__" or literal or (union and target[:1].isupper())


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in the node's place."""
    if isinstance(node, ast.expr):
        for expression in _expressions(node):
            yield ast.copy_location(expression, node)
    elif isinstance(node, ast.stmt):
        for statement in _statements(node):
            yield ast.copy_location(statement, node)
    elif isinstance(node, ast.comprehension) and node.ifs:
        changed = copy.copy(node)
        changed.ifs = []
        yield changed


def _expressions(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.Constant):
        yield from (ast.Constant(value) for value in _constants(node.value))
    elif isinstance(node, ast.JoinedStr):
        yield from _texts(node)
    elif isinstance(node, ast.Compare):
        op = COMPARED[type(node.ops[0])]()
        yield ast.Compare(node.left, [op, *node.ops[1:]], node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(
            ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values
        )
        if len(node.values) > 2:
            for at in range(len(node.values)):
                rest = node.values[:at] + node.values[at + 1 :]
                yield ast.BoolOp(node.op, rest)
        else:
            yield from reversed(node.values)
    elif isinstance(node, ast.BinOp):
        yield from _arithmetic(node)
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield node.body
        yield node.orelse
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        yield from _slices(node, node.slice)
    elif isinstance(node, ast.Lambda) and not _is_none(node.body):
        yield ast.Lambda(node.args, ast.copy_location(ast.Constant(None), node.body))


def _constants(value: object) -> Iterator[bool | int | float | str]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
        if value:
            yield value - 1
    elif isinstance(value, float):
        yield value + 1
    elif isinstance(value, str):
        yield f"XX{value}XX"


def _texts(node: ast.JoinedStr) -> Iterator[ast.expr]:
    """The first constant part, changed."""
    for at, part in enumerate(node.values):
        if isinstance(part, ast.Constant):
            new = ast.copy_location(ast.Constant(f"XX{part.value!s}XX"), part)
            yield ast.JoinedStr([*node.values[:at], new, *node.values[at + 1 :]])
            return


def _arithmetic(node: ast.BinOp) -> Iterator[ast.expr]:
    if isinstance(node.op, ast.BitOr | ast.BitAnd | ast.BitXor):
        yield node.left
        yield node.right
    elif type(node.op) in COMPUTED and not _is_text(node.left):
        yield ast.BinOp(node.left, COMPUTED[type(node.op)](), node.right)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _calls(node: ast.Call) -> Iterator[ast.expr]:
    for at, keyword in enumerate(node.keywords):
        if keyword.arg not in (None, "strict"):
            rest = node.keywords[:at] + node.keywords[at + 1 :]
            yield ast.Call(node.func, node.args, rest)
    func = node.func
    if isinstance(func, ast.Name) and func.id in CALLED:
        other: ast.expr = ast.Name(CALLED[func.id], ast.Load())
        keywords = [] if func.id in ("sorted", "reversed") else node.keywords
        yield ast.Call(ast.copy_location(other, func), node.args, keywords)
    elif isinstance(func, ast.Attribute) and func.attr in CALLED:
        other = ast.Attribute(func.value, CALLED[func.attr], ast.Load())
        yield ast.Call(ast.copy_location(other, func), node.args, node.keywords)


def _slices(node: ast.Subscript, part: ast.Slice) -> Iterator[ast.expr]:
    for field in ("lower", "upper", "step"):
        if getattr(part, field) is not None:
            other = copy.copy(part)
            setattr(other, field, None)
            yield ast.Subscript(node.value, other, node.ctx)


def _statements(node: ast.stmt) -> Iterator[ast.stmt]:
    if isinstance(node, ast.If | ast.While):
        for value in (False,) if isinstance(node, ast.While) else (True, False):
            changed = copy.copy(node)
            changed.test = ast.copy_location(ast.Constant(value), node.test)
            yield changed
    elif isinstance(node, ast.Return):
        # Of a constant truth the other is the change; None would be as false as False.
        if node.value is not None and not _is_none(node.value) and not _is_truth(node):
            yield ast.Return(ast.copy_location(ast.Constant(None), node.value))
    elif isinstance(node, ast.Break):
        yield ast.Continue()
    elif isinstance(node, ast.Continue):
        yield ast.Break()
    elif isinstance(node, ast.Expr | ast.AugAssign | ast.Raise | ast.Delete) or (
        isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Attribute | ast.Subscript)
    ):
        yield ast.Pass()


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_truth(node: ast.Return) -> bool:
    return isinstance(node.value, ast.Constant) and isinstance(node.value.value, bool)
