"""Arguments to parameters: of layers, by their records, and of blocks and nets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from archdsl.diagnostics import Hint, Note
from archdsl.diagnostics.suggest import nearest
from archdsl.elaborate.arguments import Bindings, takes
from archdsl.elaborate.evaluate import Names, evaluate
from archdsl.elaborate.fit import LIST_OR_SIZE, fit, misfit
from archdsl.elaborate.report import Reporter
from archdsl.elaborate.values import (
    UNKNOWN,
    Result,
    SizeValue,
    describe,
    is_list,
    is_size,
    pick,
)
from archdsl.ir.network import LayerRef
from archdsl.ops.record import Arg, ArgType, Bound, Layer
from archdsl.shapes.expr import Const, Expr, op
from archdsl.source import Span
from archdsl.syntax import nodes as n

if TYPE_CHECKING:
    from typing import TypeAlias

    from archdsl.elaborate.values import Number

    # A number without a key, with its formula and place.
    Positional: TypeAlias = tuple[Number, Expr, Span]

REPEAT_KEY = "x"


def split_repeat(
    args: Iterable[n.Argument],
) -> tuple[list[n.Argument], list[n.Argument]]:
    """The arguments, and those among them that ask for a repeat."""
    rest: list[n.Argument] = []
    repeats: list[n.Argument] = []
    for arg in args:
        (repeats if arg.key == REPEAT_KEY else rest).append(arg)
    return rest, repeats


def _keyless(layer: Layer, value: object) -> str | None:
    """The argument that a text or a list without a key is."""
    if isinstance(value, str):
        return takes(layer).keyless.get("text")
    return takes(layer).keyless.get("list") if is_list(value) else None


class Binder:
    """Binds the arguments of one call."""

    def __init__(self, names: Names, report: Reporter, copy: int | None) -> None:
        self._names = names
        self._report = report
        self._copy = copy
        # How many leading copies differ because some list argument still runs.
        self.varied = 0

    def _value(self, node: n.Expression) -> Result:
        result = evaluate(node, self._names, self._report)
        if is_list(result.value):
            self.varied = max(self.varied, len(result.value) - 1)
        return pick(result, self._copy)

    # Layers

    def layer(
        self,
        layer: Layer,
        args: Sequence[n.Argument],
        defaults: Bindings,
        at: Span,
        complete: bool = True,
    ) -> Bindings | None:
        """All arguments of a layer, or None when some are wrong (reported).

        Without being `complete`, those alone that are given.
        """
        given: Bindings = {}
        good = True
        if args:
            places: dict[str, Span] = {}
            numbers: list[Positional] = []
            if not self._gather(layer, args, given, places, numbers):
                self._coerced(layer, given)
                return None
            good = self._positional(layer, numbers, given, places)
            good = self._coerced(layer, given) and good
            if layer.free_keys is not None:
                good = self._free_keys(layer, layer.free_keys, given) and good
        if complete:
            good = self._complete(layer, given, defaults, at) and good
        return given if good else None

    def _gather(
        self,
        layer: Layer,
        args: Sequence[n.Argument],
        given: Bindings,
        places: dict[str, Span],
        numbers: list[Positional],
    ) -> bool:
        """Bind what has a key or is a word, and put the numbers together."""
        good = True
        for arg in args:
            span = self._report.span(arg)
            if arg.key is not None:
                good = self._keyword(layer, arg, span, given, places) and good
                continue
            word = self._word(layer, arg.value, given)
            if word is not None:
                name, value = word
                good = self._once(name, span, places) and good
                given[name] = Bound(value, Const(value), span)
                continue
            result = self._value(arg.value)
            whole = _keyless(layer, result.value)
            if whole is not None:
                good = self._once(whole, span, places) and good
                given[whole] = Bound(result.value, result.expr, span)
                continue
            known = result.value is not UNKNOWN
            good = known and self._collect(layer, result, span, numbers) and good
        return good

    def _complete(
        self, layer: Layer, given: Bindings, defaults: Bindings, at: Span
    ) -> bool:
        """Add what was not given."""
        known = takes(layer)
        missing = [
            doc
            for name, doc in known.required.items()
            if name not in given and name not in defaults
        ]
        if missing:
            self._report.error(
                "E0402",
                f"`{layer.name}` lacks its {' and its '.join(missing)}",
                at,
                hints=_takes(layer),
            )
            return False
        # What was given stays first.
        given |= {**known.left_out, **defaults, **given}
        return True

    def _keyword(
        self,
        layer: Layer,
        arg: n.Argument,
        span: Span,
        given: Bindings,
        places: dict[str, Span],
    ) -> bool:
        assert arg.key is not None
        record = layer.arg(arg.key)
        if record is None:
            self._unknown_key(layer, arg, span)
            return False
        if not self._once(record.name, span, places):
            return False
        if isinstance(arg.value, n.Name) and arg.value.name in record.type.words:
            given[record.name] = Bound(arg.value.name, Const(arg.value.name), span)
            return True
        if record.type.kind == "formula":
            from archdsl.elaborate.index_formula import index_formula

            formula = index_formula(arg.value, self._names, self._report)
            if formula is None:
                return False
            given[record.name] = Bound(formula, Const(None), span)
            return True
        if record.type.kind == "axis" and isinstance(arg.value, n.Name):
            given[record.name] = Bound(arg.value.name, Const(arg.value.name), span)
            return True
        result = self._value(arg.value)
        if result.value is UNKNOWN:
            return False
        given[record.name] = Bound(result.value, result.expr, span)
        return True

    def _coerced(self, layer: Layer, given: Bindings) -> bool:
        """Check what was given, and make of it what the arguments hold."""
        good = True
        for record in layer.args:
            if record.name in given:
                good = self._coerce(layer, record, given) and good
        return good

    def _free_keys(self, layer: Layer, kind: ArgType, given: Bindings) -> bool:
        """Check the arguments whose names the layer leaves open."""
        own = {record.name for record in layer.args}
        good = True
        for name in [name for name in given if name not in own]:
            good = self._coerce(layer, Arg(name, kind, None, name), given) and good
        return good

    def _unknown_key(self, layer: Layer, arg: n.Argument, span: Span) -> None:
        assert arg.key is not None
        hints: list[str] = []
        meant = self._meant(layer, arg.key)
        if meant is not None:
            doc = meant.doc.split(";")[0]
            same = doc == meant.name or meant.type.kind == "truth"
            text = f"did you mean `{meant.name}`?" + ("" if same else f" ({doc})")
            instead = meant.name + "=" * (arg.flag and len(meant.name) != 1)
            hints.append(Hint.writing(text, self._key(arg), instead))
        if layer.args:
            known = ", ".join(record.name for record in layer.args)
            hints.append(f"`{layer.name}` knows: {known}")
        else:
            hints.append(f"`{layer.name}` takes no arguments")
        message = (
            f"`{layer.name}` has no flag `{arg.key}`"
            if arg.flag
            else f"`{layer.name}` has no argument `{arg.key}`"
        )
        self._report.error("E0401", message, span, hints=tuple(hints))

    def _key(self, arg: n.Argument) -> Span | None:
        """Where the key of an argument can be changed."""
        assert arg.key is not None
        return self._report.editable(arg._replace(end=arg.start + len(arg.key)))

    def _meant(self, layer: Layer, key: str) -> Arg | None:
        """The argument that a wrong key most resembles."""
        names = {name: arg for arg in layer.args for name in (arg.name, *arg.also)}
        found = nearest(key, names)
        if found is None and len(key) > 1:
            found = next((name for name in names if name.startswith(key)), None)
        return names[found] if found else None

    def _once(self, name: str, span: Span, places: dict[str, Span]) -> bool:
        if name in places:
            self._report.error(
                "E0406",
                f"`{name}` is given twice",
                span,
                related=(Note(places[name], "first given here"),),
            )
            return False
        places[name] = span
        return True

    def _word(
        self, layer: Layer, node: n.Expression, given: Bindings
    ) -> tuple[str, object] | None:
        """A bare name that stands for an argument: `same`, `ceil`."""
        known = takes(layer)
        if type(node) is not n.Name or node.name not in known.words:
            return None
        name, value = known.words[node.name]
        if name in known.axes:
            # The axes of a layer that takes several fill up in order.
            free = (name for name in known.axes if name not in given)
            return next(free, name), node.name
        return name, value

    def _collect(
        self,
        layer: Layer,
        result: Result,
        span: Span,
        numbers: list[Positional],
    ) -> bool:
        value = result.value
        if isinstance(value, SizeValue):
            known = type(result.expr) is Const
            for at, part in enumerate(value):
                if known:
                    numbers.append((part, Const(part), span))
                else:
                    expr = op("[]", part, result.expr, Const(at))
                    numbers.append((part, expr, span))
            return True
        if is_size(value):
            numbers.append((value, result.expr, span))
            return True
        hints: tuple[str, ...] = ()
        if is_list(value):
            hints = (LIST_OR_SIZE,)
        if isinstance(value, LayerRef):
            hints = (f"join stages by `|`: `… | {value.name}`",)
        if layer.positional:
            message = f"`{layer.name}` takes numbers here, not {describe(value)}"
        else:
            message = f"`{layer.name}` takes no arguments without a key"
        self._report.error("E0404", message, span, hints=hints)
        return False

    def _positional(
        self,
        layer: Layer,
        numbers: list[Positional],
        given: Bindings,
        places: dict[str, Span],
    ) -> bool:
        known = takes(layer)
        left = list(numbers)
        for name in known.positional:
            if name in places or not left:
                continue
            if name == known.starred:
                value: object = SizeValue([number for number, _, _ in left])  # type: ignore[misc]
                exprs = [expr for _, expr, _ in left]
                expr = exprs[0] if len(exprs) == 1 else op("tuple", value, *exprs)
                span = Span(left[0][2].source, left[0][2].start, left[-1][2].end)
                given[name] = Bound(value, expr, span)
                left = []
            else:
                value, expr, span = left.pop(0)
                given[name] = Bound(value, expr, span)
        if not left:
            return True
        _, _, span = left[0]
        last = left[-1][2]
        for name in known.positional:
            if name in places:
                return self._once(name, Span(span.source, span.start, last.end), places)
        what = "this number" if len(left) == 1 else "these numbers"
        self._report.error(
            "E0403",
            f"`{layer.name}` has no use for {what}",
            Span(span.source, span.start, last.end),
            hints=_takes(layer),
        )
        return False

    def _coerce(self, layer: Layer, record: Arg, given: Bindings) -> bool:
        bound = given[record.name]
        value = bound.value
        if value in record.type.words:
            return True
        fitted = fit(value, record.type)
        if fitted is None:
            assert bound.span is not None
            code, what, hints = misfit(value, record.type)
            self._report.error(
                code,
                f"`{record.name}` of `{layer.name}` is {what}",
                bound.span,
                hints=hints,
            )
            return False
        if fitted is not value:
            given[record.name] = Bound(fitted, bound.expr, bound.span)
        return True

    # Blocks and nets

    def params(
        self,
        what: str,
        params: tuple[n.Param, ...],
        args: Sequence[n.Argument],
        at: Span,
        defined_at: Span,
        inputs: tuple[n.Name, ...] = (),
        complete: bool = True,
    ) -> tuple[dict[str, Bound], bool]:
        """The parameters that the arguments give, and whether all was well.

        What could not be worked out is given as UNKNOWN. Without `complete` it is
        no mistake to leave out what is required.
        """
        written = _signature(what, params, inputs)
        given: dict[str, Bound] = {}
        places: dict[str, Span] = {}
        required = [param.name for param in params if param.default is None]
        good = True
        for arg in args:
            span = self._report.span(arg)
            name = self._parameter(what, params, arg, places, defined_at, written)
            if name is None:
                good = False
                continue
            if not self._once(name, span, places):
                good = False
                continue
            result = self._value(arg.value)
            if result.value is UNKNOWN:
                good = False
            given[name] = Bound(result.value, result.expr, span)
        missing = [name for name in required if name not in places]
        if missing and complete:
            self._report.error(
                "E0402",
                f"`{what}` lacks " + ", ".join(f"`{name}`" for name in missing),
                at,
                related=(Note(defined_at, f"`{what}` is defined here"),),
                hints=(written,),
            )
            good = False
        return given, good

    def _parameter(
        self,
        what: str,
        params: tuple[n.Param, ...],
        arg: n.Argument,
        places: dict[str, Span],
        defined_at: Span,
        written: str,
    ) -> str | None:
        """The parameter that an argument is for; None, reported, if there is none."""
        if arg.key is None:
            for param in params:
                if param.default is None and param.name not in places:
                    return param.name
            code, message = "E0403", f"`{what}` has no use for this argument"
            hints = _needs_a_key(params, places) or (written,)
        else:
            known = [param.name for param in params]
            if arg.key in known:
                return arg.key
            code, message = "E0401", f"`{what}` has no parameter `{arg.key}`"
            near = None if self._report.many else nearest(arg.key, known)
            at = None if arg.flag else self._key(arg)
            meant = f"did you mean `{near}`?"
            hints = (Hint.writing(meant, at, near), written) if near else (written,)
        self._report.error(
            code,
            message,
            arg,
            related=(Note(defined_at, f"`{what}` is defined here"),),
            hints=hints,
        )
        return None


def _takes(layer: Layer) -> tuple[str, ...]:
    """A hint that says what the numbers without a key are."""
    docs = {arg.name: arg.doc for arg in layer.args}
    listed = ", then ".join(docs[name] for name in takes(layer).positional)
    if listed:
        example = layer.example.split("|")[1].strip()
        return (f"it takes {listed}, as in `{example}`",)
    if layer.args:
        return (f"`{layer.name}` takes no numbers without a key",)
    return (f"`{layer.name}` takes no arguments",)


def _signature(
    what: str, params: tuple[n.Param, ...], inputs: tuple[n.Name, ...]
) -> str:
    if not params:
        return f"`{what}` takes no arguments"
    flows = f"({', '.join(name.name for name in inputs)})" if inputs else ""
    shown = (p.name if p.default is None else f"{p.name}=…" for p in params)
    return f"it is written `{what}{flows} {' '.join(shown)}`"


def _needs_a_key(
    params: tuple[n.Param, ...], places: dict[str, Span]
) -> tuple[str, ...]:
    """A hint for an argument that only lacks the key of what it could be."""
    # Those without a default are given, or it could be one of them.
    keys = " or ".join(f"`{p.name}=`" for p in params if p.name not in places)
    return (f"a parameter with a default goes by its key: {keys}",) if keys else ()
