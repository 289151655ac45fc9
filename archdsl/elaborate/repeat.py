"""Repeats: copies are gone through only as long as they differ."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from archdsl.diagnostics import Note
from archdsl.elaborate.apply import Built, Target, build, same_formula, target_of
from archdsl.elaborate.evaluate import UNKNOWN, Result, describe, evaluate
from archdsl.elaborate.frame import NOTHING, Value
from archdsl.elaborate.labels import fill_in, has_index
from archdsl.elaborate.report import Entry
from archdsl.elaborate.words import CURRENT, INPUT_STAGE, SPECIAL
from archdsl.ir.network import Cost, Repeat, Run
from archdsl.shapes.expr import Const, Expr, op
from archdsl.shapes.size import is_symbolic
from archdsl.syntax import nodes as n
from archdsl.tuples import NamedTuple

if TYPE_CHECKING:
    from archdsl.elaborate.walk import Walk


class _Copy(NamedTuple):
    """One copy of a stage.

    `taken` tells which of the repeat's inputs it gets after the one that flows,
    `settled` that all later copies are like it, `written` how many stages of each
    kind it adds to the scope.
    """

    built: Built
    taken: tuple[int, ...]
    settled: bool
    written: dict[str, int]


def repeat(
    walk: Walk,
    stage: n.Stage,
    args: list[n.Argument],
    repeats: list[n.Argument],
    current: Value,
) -> Value:
    """The value that leaves the last copy of a stage."""
    frame = walk.frame
    count = _count(walk, repeats)
    unknown = frame.value(None)
    if frame.input_value is NOTHING:
        walk.no_input(stage)
        frame.input_value = unknown
        return unknown
    if count is None:
        return unknown
    frame.decide(count.expr)
    total = count.value
    assert isinstance(total, int)
    copies = _Copies(walk, stage, args, current)
    if not copies.can_be_repeated(repeats[0]):
        return unknown
    ordinal = frame.ordinal(copies.target.kind, total) if copies.target else 0
    names = _names(walk, stage, total, repeats[0])
    copies.names = names
    runs = _runs(copies, current, count)
    if runs is None or names is None:
        return unknown
    if not runs:
        return current
    before: dict[str, int] = {}
    if stage.label is None:
        before = {kind: frame.written.get(kind, 0) for kind in copies.written}
        for kind, number in copies.written.items():
            frame.ordinal(kind, number)
    cost = Cost()
    for run in runs:
        cost = cost.plus(run.stage.cost.times(run.count))
    if cost.layers > walk.report.limits.layers:
        walk.owner.too_many(walk.report.span(repeats[0]))
        return unknown
    output = frame.value(runs[-1].stage.type)
    named = has_index(stage)
    made = Repeat(
        stage.label.name if stage.label is not None and not named else None,
        names if named else None,
        tuple(runs),
        total,
        (current.id, *(value.id for value in copies.extra)),
        output.id,
        runs[-1].stage.type,
        cost,
        ordinal,
        walk.report.span(stage),
        before,
    )
    frame.nodes.append(made)
    if made.label is not None:
        frame.sharable[made.label] = made
    walk.spend(cost, stage)
    return output


def _runs(copies: _Copies, current: Value, count: Result) -> list[Run] | None:
    """The copies, equal neighbours together; None if one of them is wrong."""
    total = count.value
    assert isinstance(total, int)
    runs: list[Run] = []
    last: Built | None = None
    value = current
    at = 0
    while at < total:
        copy = copies.make(value, at, total)
        if copy is None:
            copies.walk.cut(runs, at, total, copies.extra, copies.names)
            return None
        alike = total - at if copy.settled else 1
        expr: Expr = Const(alike)
        if copy.settled:
            expr = op("-", alike, count.expr, Const(at))
        if last is not None and last.equals(copy.built):
            joined = runs[-1]
            together = op("+", joined.count + alike, joined.count_expr, expr)
            runs[-1] = Run(joined.stage, joined.count + alike, together)
        else:
            span = copies.walk.report.span(copies.stage)
            made = copy.built.stage((0, *copy.taken), 0, None, 0, span)
            runs.append(Run(made, alike, expr))
            last = copy.built
        for kind, number in copy.written.items():
            copies.written[kind] = copies.written.get(kind, 0) + number * alike
        value = Value(value.id, copy.built.type)
        at += alike
    return runs


class _Copies:
    """Makes the copies of one stage.

    A layer or block is applied again for each copy. Everything else is a group, made
    anew; `extra` are the values that the copies get beside the one that flows, `names`
    the copies' own labels if they have some.
    """

    def __init__(
        self, walk: Walk, stage: n.Stage, args: list[n.Argument], current: Value
    ) -> None:
        self.walk = walk
        self.stage = stage
        self.extra: list[Value] = []
        self.names: tuple[str, ...] | None = ()
        self.written: dict[str, int] = {}
        self.target: Target | None = None
        self._args = args
        atom = stage.atom
        if isinstance(atom, n.Group):
            self._body = atom.body
            return
        if _are_references(walk, atom):
            self.target = target_of(walk, atom)
            if self.target is not None:
                self.extra = walk.inputs(atom, current)[1:]
        alone = atom._replace(args=tuple(args))
        self._body = n.Body((_as_line(alone),), atom.start, atom.end)

    def can_be_repeated(self, at: n.Argument) -> bool:
        """Report a stage of which there cannot be copies."""
        atom = self.stage.atom
        if isinstance(atom, n.Group) or self.target is not None or atom.inputs:
            return True
        frame, name = self.walk.frame, atom.callee.name
        bound = frame.params.get(name)
        if bound is None:
            # Other names were refused as such.
            is_value = name in (*SPECIAL, INPUT_STAGE) or frame.is_label(name)
        else:
            is_value = bound.value is not UNKNOWN
        if is_value:
            self.walk.report.error("E0403", "a value cannot be repeated", at)
        return False

    def make(self, value: Value, at: int, total: int) -> _Copy | None:
        """The copy of that number, fed by `value`; None if it is wrong (reported)."""
        walk, frame = self.walk, self.walk.frame
        span = walk.report.span(self.stage)
        # Copies that differ take time each, also those of a known block.
        if not walk.owner.count_stage(span):
            return None
        frame.current = value
        walk.report.way_in.append(Entry("copy", f"copy {at + 1} of {total}", span))
        made = self._applied(value, at) if self.target else self._group(value, at)
        walk.report.way_in.pop()
        return made

    def _applied(self, value: Value, at: int) -> _Copy | None:
        frame, atom = self.walk.frame, self.stage.atom
        assert isinstance(atom, n.Call)
        assert self.target is not None
        outside = frame.index, frame.index_used
        frame.index, frame.index_used = at, False
        inputs = [value, *self.extra]
        built, varied = build(self.walk, atom, self.target, self._args, inputs, at)
        changing = at < varied or frame.index_used
        frame.index, frame.index_used = outside
        if built is None:
            return None
        taken = tuple(range(1, 1 + len(self.extra)))
        return _Copy(built, taken, not changing and _settled(built, value), {})

    def _group(self, value: Value, at: int) -> _Copy | None:
        grouped = self.walk.grouped(self._body, self.stage, value, at)
        if grouped is None:
            return None
        module, captured, index_used = grouped
        taken = taken_from(self.extra, captured)
        built = Built(None, module, {}, module.type, module.cost)
        settled = not index_used and _settled(built, value)
        return _Copy(built, taken, settled, module.written)


def taken_from(extra: list[Value], captured: Iterable[Value]) -> tuple[int, ...]:
    """Which inputs of a repeat a copy gets after the one that flows.

    `extra` are the others that the repeat has; what is lacking is added to them.
    """
    places: dict[int, int] = {}
    for at, value in enumerate(extra, start=1):
        places.setdefault(value.id, at)
    taken = []
    for value in captured:
        if value.id not in places:
            extra.append(value)
            places[value.id] = len(extra)
        taken.append(places[value.id])
    return tuple(taken)


def _settled(built: Built, value: Value) -> bool:
    """Whether the next copy gets just what this one got."""
    return value.type is not None and same_formula(built.type, value.type)


def _count(walk: Walk, repeats: list[n.Argument]) -> Result | None:
    """How many copies there are to be; None if reported."""
    if len(repeats) > 1:
        walk.report.error(
            "E0406",
            "`x` is given twice",
            repeats[1],
            related=(Note(walk.report.span(repeats[0]), "first given here"),),
        )
        return None
    result = evaluate(repeats[0].value, walk.frame, walk.report)
    value = result.value
    if value is UNKNOWN:
        return None
    if is_symbolic(value):
        walk.report.error(
            "E0310",
            f"the number of copies is a number, and {value} is not known here",
            repeats[0],
            hints=("write a number, or give it from outside: `--set`",),
        )
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        walk.report.error(
            "E0404",
            "the number of copies is a whole number of 0 or more,"
            f" not {describe(value)}",
            repeats[0],
        )
        return None
    if value > walk.report.limits.layers:
        walk.report.error(
            "E0702",
            f"{value:,} copies are more than the {walk.report.limits.layers:,}"
            " layers that a net may have",
            repeats[0],
            hints=("repeat fewer times",),
        )
        return None
    return result


def _names(
    walk: Walk, stage: n.Stage, total: int, at: n.Argument
) -> tuple[str, ...] | None:
    """The copies' own names, if the label holds the index; None if reported."""
    label = stage.label if has_index(stage) else None
    if label is None:
        return ()
    if total > walk.report.limits.stages:
        plain = label.name.partition("{")[0]
        walk.report.error(
            "E0702",
            f"{total:,} copies with names of their own are more than"
            f" {walk.report.limits.stages:,}",
            at,
            hints=(f"without `{{…}}` the label names them all: `{plain}.0` …",),
        )
        return None
    frame = walk.frame
    outside = frame.index
    names: list[str] = []
    for copy in range(total):
        frame.index = copy
        name = fill_in(label, frame, walk.report)
        if name is None:
            break
        names.append(name)
    frame.index = outside
    return tuple(names) if len(names) == total else None


def _are_references(walk: Walk, call: n.Call) -> bool:
    """Whether the inputs are `id` and values that are the same for all copies."""
    if call.inputs is None:
        return True
    first, *others = map(_named, call.inputs)
    if first is None or first.callee.name != CURRENT:
        return False
    return not any(
        each is None or each.callee.name == CURRENT or target_of(walk, each)
        for each in others
    )


def _named(line: n.Line) -> n.Call | None:
    """The stage that a line consists of, if that is a name alone."""
    if not isinstance(line, n.Line):
        # It was refused with the names.
        return None
    stage, *more = line.chain.stages
    atom = stage.atom
    if line.condition or more or stage.label or isinstance(atom, n.Group):
        return None
    return None if atom.args else atom


def _as_line(call: n.Call) -> n.Line:
    inner = n.Stage(None, call, None, call.start, call.end)
    chain = n.Chain((inner,), call.start, call.end)
    return n.Line(chain, None, None, call.start, call.end)
