"""Symbols: sizes of a net's inputs that are not known yet, and what they must fulfil.

`input 3xHxW` declares H and W. `assert H % 32 == 0` in a net that knows H restricts
it; layers restrict it by what they need.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from archdsl.elaborate.asserted import hold_condition
from archdsl.elaborate.evaluate import UNKNOWN, Result, evaluate
from archdsl.ops.record import Problem
from archdsl.shapes.expr import Var
from archdsl.shapes.size import (
    MAX_PARTS,
    Relation,
    UndecidedError,
    is_symbolic,
    require,
    too_long,
)
from archdsl.shapes.tensor import TensorType
from archdsl.syntax import nodes as n

if TYPE_CHECKING:
    from archdsl.elaborate.frame import Frame


# Far beyond any axis of a tensor.
MAX_SIZE = 2**40

TOO_LONG = f"the formula of a size has more than {MAX_PARTS:,} parts"
TOO_LONG_HINTS = ("give some sizes of the input as numbers",)


def declare(frame: Frame, names: Iterable[str]) -> None:
    """Make symbols of the capitals in an input's sizes that mean nothing else yet."""
    for name in names:
        if name in frame.params or name in frame.symbols:
            continue
        if frame.facts is None:
            from archdsl.shapes.symbols import Facts

            frame.facts = Facts()
        # Where it is read from is told when all sizes of the input are known.
        expr = Var(name)
        frame.symbols[name] = Result(frame.facts.symbol(name, expr), expr)


def assumes(node: n.Expression, frame: Frame) -> bool:
    """Whether an asserted condition speaks of symbols and parameters alone."""
    speaks = False
    for part in n.parts(node):
        if isinstance(part, n.Attribute):
            return False
        if isinstance(part, n.Name):
            if part.name in frame.symbols:
                speaks = True
            elif part.name not in frame.params:
                return False
    return speaks


def named(node: n.Expression, frame: Frame) -> set[str]:
    """The symbols that a condition names."""
    names = {part.name for part in n.parts(node) if isinstance(part, n.Name)}
    return names & frame.symbols.keys()


def assume(node: n.Expression, frame: Frame) -> None:
    """Restrict the symbols by a condition; one that no sizes fulfil is reported."""
    report = frame.report
    if isinstance(node, n.Boolean2) and node.operator == "and":
        assume(node.left, frame)
        assume(node.right, frame)
        return
    if not isinstance(node, n.Comparison):
        report.error(
            "E0310",
            "symbols are restricted by comparisons",
            node,
            hints=("as in `assert H % 32 == 0`, `assert T <= 512`",),
        )
        return
    values = [evaluate(operand, frame, report).value for operand in node.operands]
    if any(value is UNKNOWN for value in values):
        return
    if not any(is_symbolic(frame.symbols[name].value) for name in named(node, frame)):
        # The symbols in it were given numbers.
        hold_condition(n.AssertLine(node, node.start, node.end), frame)
        return
    for at, operator in enumerate(node.operators):
        left, right = values[at : at + 2]
        if not (_is_whole(left) and _is_whole(right)):
            report.error("E0503", "symbols are whole numbers", node)
            return
        if any(isinstance(side, int) and abs(side) > MAX_SIZE for side in values):
            report.error(
                "E0701",
                "no size is as large as this",
                node,
                hints=("a size that is not known stays below 2**40",),
            )
            return
        relation: Relation = operator  # type: ignore[assignment]
        sizes: tuple[Any, Any] = left, right
        if not require(sizes[0], relation, sizes[1]):
            report_impossible(frame, node)
            return


def _is_whole(value: object) -> bool:
    return is_symbolic(value) or (
        isinstance(value, int) and not isinstance(value, bool)
    )


def report_impossible(frame: Frame, at: n.Expression) -> None:
    """Report a condition that no sizes fulfil with what is known of them."""
    assert frame.facts is not None
    known = frame.facts.constraints()
    frame.report.error(
        "E0319",
        "no sizes fulfil this",
        at,
        notes=(f"known so far: {', '.join(known)}",) if known else (),
        hints=("remove one of the conditions",),
    )


def hold_lengths(out: TensorType | Problem) -> TensorType | Problem:
    """The outcome of a layer, or a problem where the formula of a size is too long."""
    if isinstance(out, Problem):
        return out
    try:
        # The product of sizes that are short may be too long all the same.
        product = out.elements
    except UndecidedError:
        product = None
    if product is None or any(map(too_long, out.sizes)):
        return Problem("E0701", TOO_LONG, hints=TOO_LONG_HINTS)
    return out


def undecided(problem: UndecidedError, what: str) -> tuple[str, tuple[str, ...]]:
    """The message and the hint for what depends on a size that is not known."""
    symbols = sorted(
        {
            name
            for side in (problem.left, problem.right)
            for name in getattr(side, "symbols", ())
        }
    )
    named = " and ".join(symbols)
    fixed = " ".join(f"--set {name}=…" for name in symbols)
    message = f"{what} depends on {named}, which {_is(symbols)} not known here"
    return message, (f"a number settles it: {fixed}",)


def _is(names: list[str]) -> str:
    return "are" if len(names) > 1 else "is"
