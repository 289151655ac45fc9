"""Modules of the user's own, as layers: arguments, shape rule, and how they are built.

Imported only where there is one. Nothing of the user's is imported to check it.
"""

from __future__ import annotations

import keyword
from collections.abc import Sequence

from archdsl.elaborate.arguments import Bindings
from archdsl.elaborate.bind import Binder
from archdsl.elaborate.definitions import Defined, Definitions
from archdsl.elaborate.evaluate import evaluate
from archdsl.elaborate.names import Scope
from archdsl.elaborate.report import Reporter
from archdsl.elaborate.values import FAILED, UNKNOWN, Result, SizeValue, describe
from archdsl.elaborate.words import BLOCK_INPUT, CURRENT
from archdsl.ir.network import LayerRef
from archdsl.ops.form import Apply, Code, Form, Keyword, Slot
from archdsl.ops.record import ANY_DTYPE, Bound, Layer, Problem, Site
from archdsl.shapes.expr import Const, op
from archdsl.shapes.size import is_symbolic, require
from archdsl.shapes.tensor import AXES, Dim, TensorType
from archdsl.source import Source, Span
from archdsl.syntax import nodes as n

# What the one input is called that has no name.
_INPUT = "x"


def check_extern(extern: n.Extern, home: Definitions, report: Reporter) -> bool:
    """Report what is wrong with an extern where it is defined; False if it is."""
    known = len(report.found)
    inputs = extern.inputs or (n.Name(_INPUT, extern.start, extern.start),)
    scope = Scope({}, home.nets, report, extern.params, inputs)
    for part in extern.shape.parts:
        scope.expression(part)
    place = extern.place
    if _split(place.value) is None:
        report.error(
            "E0220",
            f'"{place.value}" names no class of a Python module',
            place,
            hints=('a module, a colon and a class: `"package.module:Class"`',),
        )
    for param in extern.params:
        if keyword.iskeyword(param.name):
            report.error(
                "E0220",
                f"Python has another meaning for the word `{param.name}`, so no class"
                " has a parameter of that name",
                param,
                hints=("write the name that the class gives it",),
            )
    return len(report.found) == known


def _split(place: str) -> tuple[str, str] | None:
    """Module and class of `package.module:Class`; None if it is not written so."""
    module, _, name = place.partition(":")
    words = [*module.split("."), *name.split(".")]
    if all(
        word.isidentifier() and word.isascii() and not keyword.iskeyword(word)
        for word in words
    ):
        return module, name
    return None


def arguments(
    defined: Defined,
    binder: Binder,
    args: Sequence[n.Argument],
    ins: tuple[TensorType, ...] | None,
    report: Reporter,
    at: Span,
) -> Bindings | None:
    """All arguments of an extern, or None when some are wrong (reported).

    Defaults may speak of the inputs; where their shapes are not known there are none.
    """
    extern = defined.item
    assert isinstance(extern, n.Extern)
    given, good = binder.params(
        extern.name.name, extern.params, args, at, defined.span, extern.inputs
    )
    for name, bound in given.items():
        good = _is_plain(name, bound.value, bound.span or at, report) and good
    if ins is None:
        return None
    outside = report.enter(defined.home)
    bindings: Bindings = {}
    names = _Names(extern, ins, bindings, report)
    for param in extern.params:
        if param.name in given:
            bindings[param.name] = given[param.name]
        elif param.default is not None:
            default = evaluate(param.default, names, report)
            good = good and default.value is not UNKNOWN
            good = _is_plain(param.name, default.value, param, report) and good
            bindings[param.name] = Bound(default.value, default.expr, None)
    report.enter(outside)
    return bindings if good else None


def _is_plain(name: str, value: object, at: Span | n.Param, report: Reporter) -> bool:
    """Whether Python can have the value of a parameter; reported if not."""
    if not _holds_a_layer(value):
        return True
    report.error(
        "E0404",
        f"`{name}` goes to a Python class, and cannot be a layer",
        at,
        hints=("give it a number, a size, a string, true, false or a list",),
    )
    return False


def _holds_a_layer(value: object) -> bool:
    if isinstance(value, LayerRef):
        return True
    return isinstance(value, tuple) and any(map(_holds_a_layer, value))


class _Names:
    """What names mean in a shape rule: parameters, and sizes of the inputs."""

    def __init__(
        self,
        extern: n.Extern,
        ins: tuple[TensorType, ...],
        args: Bindings,
        report: Reporter,
    ) -> None:
        self._ins = ins
        self._args = args
        self._report = report
        names = [name.name for name in extern.inputs] or [_INPUT]
        self._inputs = {name: at for at, name in enumerate(names)}
        self._inputs |= {BLOCK_INPUT: 0, CURRENT: 0}

    def lookup(self, node: n.Name) -> Result:
        bound = self._args.get(node.name)
        if bound is not None:
            return Result(bound.value, bound.expr)
        # Other names were reported with the names.
        ref = LayerRef(node.name)
        return Result(ref, Const(ref))

    def attribute(self, base: str, node: n.Attribute) -> Result:
        dim = self.dim(base, node)
        return Result(dim.size, dim.expr) if dim is not None else FAILED

    def dim(self, base: str, node: n.Attribute) -> Dim | None:
        """A size of an input; that there is none is reported."""
        number = self._inputs.get(base, len(self._ins))
        if number >= len(self._ins):
            # Reported with the names, or with the inputs that lack.
            return None
        tensor = self._ins[number]
        axes = AXES.get(tensor.rank, {})
        if node.name in axes:
            return tensor.dims[axes[node.name]]
        self._report.error(
            "E0505",
            f"a value of {tensor} has no size `.{node.name}`",
            node,
            hints=(f"it has {', '.join(f'`.{axis}`' for axis in axes)}",),
        )
        return None


def record(extern: n.Extern, source: Source) -> Layer:
    """The layer that an extern stands for."""
    name = extern.name.name
    inputs = ", ".join(node.name for node in extern.inputs)
    count = max(1, len(extern.inputs))
    return Layer(
        name=name,
        doc="A module of the user's own.",
        example=f"{name}({inputs or '…'})",
        look="shape",
        shape=lambda site: _shape(extern, source, site),
        torch=lambda site: _form(extern, site),
        inputs=(count, count),
        dtypes=ANY_DTYPE,
        gives="float",
        counted=False,
    )


def _shape(extern: n.Extern, source: Source, site: Site) -> TensorType | Problem:
    report = Reporter(source)
    names = _Names(extern, site.ins, site.args, report)
    dims: list[Dim] = []
    for part in extern.shape.parts:
        if isinstance(part, n.Attribute) and isinstance(part.base, n.Name):
            dim = names.dim(part.base.name, part)
            if dim is not None:
                dims.append(dim)
        else:
            result = evaluate(part, names, report)
            if result.value is not UNKNOWN:
                dims += _dims(result, part, site, report)
        if report.found:
            break
    if not report.found and not 0 < len(dims) <= max(AXES):
        report.error(
            "E0403",
            f"a shape has at most {max(AXES)} sizes, not {len(dims)}",
            extern.shape,
        )
    if not report.found:
        return TensorType(tuple(dims))
    found = report.found[0]
    line, column = source.position(extern.shape.start)
    return Problem(
        found.code,
        found.message,
        notes=(
            f"in the shape rule of `{extern.name.name}`, {source.name}:{line}:{column}",
        ),
        hints=found.hints,
    )


def _dims(
    result: Result, part: n.Expression, site: Site, report: Reporter
) -> list[Dim]:
    """The sizes that a part of the rule gives: one, or those of `64x7x7`."""
    value = result.value
    sizes = value if isinstance(value, SizeValue) else (value,)
    dims: list[Dim] = []
    for at, size in enumerate(sizes):
        if is_symbolic(size) and require(size, ">=", 1):  # type: ignore[arg-type]
            dims.append(Dim(size, site.span, size.expr))  # type: ignore[arg-type,attr-defined]
            continue
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            report.error(
                "E0404",
                f"a shape holds whole numbers of 1 or more, not {describe(size)}",
                part,
            )
            return []
        expr = result.expr
        if isinstance(value, SizeValue):
            expr = op("[]", size, expr, Const(at))
        dims.append(Dim(size, site.span, expr))
    return dims


def _form(extern: n.Extern, site: Site) -> Form:
    # One that is written amiss was refused with the names.
    place = _split(extern.place.value) or ("", extern.name.name)
    parts: list[Code | Keyword] = []
    for param in extern.params:
        bound = site.args[param.name]
        slot = Slot(bound.value, bound.expr)
        parts.append(slot if param.default is None else Keyword(param.name, slot))
    return Form(Apply(place[1], tuple(parts)), imports=place)
