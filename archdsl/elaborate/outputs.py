"""What a net returns: `output(id, aux=a4 | head if training)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.diagnostics import Note
from archdsl.elaborate.apply import target_of
from archdsl.elaborate.evaluate import UNKNOWN, describe, evaluate
from archdsl.elaborate.frame import Value
from archdsl.elaborate.report import Unheard
from archdsl.elaborate.words import CURRENT, DICT, TRAINING
from archdsl.ir.network import Choice, Cost, Output, OutputForm
from archdsl.shapes.expr import Const
from archdsl.syntax import nodes as n
from archdsl.tuples import NamedTuple

if TYPE_CHECKING:
    from archdsl.elaborate.walk import Walk

# What the value that flows is called where the others have names.
_MAIN = "out"


class Returned(NamedTuple):
    """The outputs of a net, and how they are put together."""

    outputs: tuple[Output, ...]
    form: OutputForm


def output(walk: Walk, call: n.Call, current: Value) -> Value:
    """Elaborate an `output(…)`; the value is that of the first one always there."""
    frame = walk.frame
    found: list[Output] = []
    # One without values was refused with the names.
    good = bool(call.inputs)
    for line in call.inputs or ():
        if not isinstance(line, n.Line):
            # What is no stage was refused with the names.
            good = False
            continue
        training, rest = _split(line.condition)
        frame.current = current
        good = _wanted(walk, rest) and good
        if not _holds(walk, rest):
            continue
        value = _in_training(walk, line, current) if training else None
        if value is None:
            value = walk.chain(line.chain, current)
        if value.type is None:
            good = False
            continue
        span = walk.report.span(line)
        found.append(Output(_name(walk, line), value.id, value.type, training, span))
    unknown = frame.value(None)
    main = next((each for each in found if not each.training), None)
    if not good or main is None:
        if good:
            walk.report.error(
                "E0314",
                "there is no output outside of training",
                call,
                hints=("as in `output(id, aux=head if training)`",),
            )
        return unknown
    frame.returned = _returned(walk, found, main, call)
    return Value(main.value, main.type)


def _returned(walk: Walk, found: list[Output], main: Output, call: n.Call) -> Returned:
    as_dict = any(
        isinstance(arg.value, n.Name) and arg.value.name == DICT for arg in call.args
    )
    nameless = [each for each in found if each.name is None]
    named = len(found) - len(nameless)
    if named and len(nameless) == 1 and nameless[0] is main:
        at = found.index(main)
        found[at] = main._replace(name=_MAIN)
        nameless = []
    if nameless and named and not as_dict:
        walk.report.error(
            "E0314",
            "some outputs have names, and this one has none",
            nameless[-1].span,
            hints=("name it: `output(a=…, b=…)`",),
        )
    if as_dict and nameless:
        walk.report.error(
            "E0314",
            "a dictionary needs a name for each output",
            nameless[-1].span,
            hints=("as in `output(out=id, aux=head) dict`",),
        )
    always_last = max(at for at, each in enumerate(found) if not each.training)
    first_training = next((e for e in found[:always_last] if e.training), None)
    if named and not as_dict and first_training is not None:
        walk.report.error(
            "E0314",
            "an output that is there in training only stands last",
            first_training.span,
            notes=("a named tuple has its fields in the order of the text",),
            hints=("put it behind the others, or return a dictionary: `dict`",),
        )
    seen: dict[str, Output] = {}
    for each in found:
        first = seen.setdefault(each.name, each) if each.name else each
        if first is not each:
            walk.report.error(
                "E0314",
                f"two outputs are named `{each.name}`",
                each.span,
                related=(Note(first.span, "the first one"),),
                hints=("name them: `output(a=…, b=…)`",),
            )
    form: OutputForm = "named"
    if as_dict:
        form = "dict"
    elif len(found) == 1:
        form = "tensor"
    elif nameless:
        form = "tuple"
    return Returned(tuple(found), form)


def _split(condition: n.Expression | None) -> tuple[bool, tuple[n.Expression, ...]]:
    """Whether a condition asks for training, and what else it asks for."""
    parts = [] if condition is None else n.conjuncts(condition)
    rest = tuple(p for p in parts if not (isinstance(p, n.Name) and p.name == TRAINING))
    return len(rest) < len(parts), rest


def _wanted(walk: Walk, conditions: tuple[n.Expression, ...]) -> bool:
    """Whether all conditions have a value; what has none is reported."""
    good = True
    for condition in conditions:
        result = evaluate(condition, walk.frame, walk.report)
        if result.value is UNKNOWN:
            good = False
        elif not isinstance(result.value, bool):
            walk.report.error(
                "E0503",
                f"{describe(result.value)} is neither true nor false",
                condition,
                hints=("compare it: `s > 1`, `in.c != c`",),
            )
            good = False
        else:
            walk.frame.decide(result.expr)
    return good


def _holds(walk: Walk, conditions: tuple[n.Expression, ...]) -> bool:
    with Unheard(walk.report):
        values = [evaluate(each, walk.frame, walk.report).value for each in conditions]
    return all(value is True for value in values)


def _in_training(walk: Walk, line: n.Line, current: Value) -> Value:
    """A value that is computed in training only; its layers compute nothing else."""
    frame = walk.frame
    before = frame.cost
    outside, frame.nodes = frame.nodes, []
    result = walk.chain(line.chain, current)
    inside, frame.nodes = frame.nodes, outside
    spent = frame.cost.minus(before)
    # The totals are those of evaluation; what is learned is learned all the same.
    frame.cost = before.plus(
        Cost(params=spent.params, trainable=spent.trainable, layers=spent.layers)
    )
    if result.type is None:
        frame.nodes += inside
        return result
    made = frame.value(result.type)
    span = walk.report.span(line)
    mode = Const(TRAINING)
    frame.nodes.append(
        Choice(mode, True, tuple(inside), current.id, result.id, made.id, span, True)
    )
    return made


def _name(walk: Walk, line: n.Line) -> str | None:
    """The name of an output: its key, the label it fetches, or that of its stage."""
    if line.key is not None:
        return line.key.name
    last = line.chain.stages[-1]
    if last.label is not None:
        return last.label.name
    atom = last.atom
    if len(line.chain.stages) > 1 or not isinstance(atom, n.Call) or atom.args:
        return None
    fetched = atom.callee.name != CURRENT and target_of(walk, atom) is None
    return atom.callee.name if fetched else None
