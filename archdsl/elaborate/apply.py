"""One call: which layer or block it names, its arguments, and what comes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Note, filled
from archdsl.elaborate.arguments import Bindings, takes
from archdsl.elaborate.bind import Binder
from archdsl.elaborate.frame import Value
from archdsl.ir.network import BYTES_PER_NUMBER, Cost, LayerRef, Module, Stage
from archdsl.ops import LAYERS
from archdsl.ops.record import (
    WHERE,
    Bound,
    Layer,
    Problem,
    Site,
    Weight,
    form_of,
    unknown,
)
from archdsl.shapes.expr import Expr, exact, opaque, substitute
from archdsl.shapes.size import Size, UndecidedError, exceeds, is_known, is_symbolic
from archdsl.shapes.tensor import Dim, InputOrigin, TensorType
from archdsl.source import Span
from archdsl.syntax import nodes as n
from archdsl.tuples import NamedTuple, made

if TYPE_CHECKING:
    from archdsl.elaborate.definitions import Defined
    from archdsl.elaborate.walk import Walk


class Target(NamedTuple):
    """What a call names."""

    layer: Layer | None
    block: n.Block | None
    chosen_by: str | None
    defined: Defined | None = None

    @property
    def kind(self) -> str:
        return self.layer.name if self.layer else self.block.name.name  # type: ignore[union-attr]


class Built(NamedTuple):
    """A stage that is bound and applied, but not yet placed."""

    target: Target | None
    made: Site | Module
    args: dict[str, Bound]
    type: TensorType
    cost: Cost
    weights: tuple[Weight, ...] = ()

    def stage(
        self,
        inputs: tuple[int, ...],
        output: int,
        label: str | None,
        ordinal: int,
        span: Span,
    ) -> Stage:
        """The stage, placed."""
        kind, chosen_by = "{}", None
        if self.target is not None:
            kind, chosen_by = self.target.kind, self.target.chosen_by
        return made(
            Stage,
            (
                kind,
                self.made,
                self.args,
                inputs,
                output,
                self.type,
                self.cost,
                label,
                ordinal,
                span,
                chosen_by,
                self.weights,
                False,
            ),
        )

    def equals(self, other: Built) -> bool:
        """Whether two copies of a stage are alike in value and in formula."""
        if isinstance(self.made, Module):
            # A block is elaborated once for what it is given, a group for each copy.
            if self.made is not other.made:
                return False
        else:
            assert isinstance(other.made, Site)
            if not all(map(same_formula, self.made.ins, other.made.ins)):
                return False
        return all(
            (bound.value, bound.expr) == (other.args[key].value, other.args[key].expr)
            for key, bound in self.args.items()
        )


def target_of(walk: Walk, call: n.Call) -> Target | None:
    """The layer or block that a call names; None if it names a value, or nothing."""
    name = call.callee.name
    bound = walk.frame.params.get(name)
    if bound is not None:
        if isinstance(bound.value, LayerRef):
            return _referred(walk, bound.value, name)
        return None
    return _named(walk, name)


def _named(walk: Walk, name: str) -> Target | None:
    layer = LAYERS.get(name)
    if layer is not None:
        return made(Target, (layer, None, None, None))
    home = walk.report.home
    assert home is not None
    # A label goes before a standard block.
    is_label = walk.frame.is_label(name)
    return _defined(home.visible.get(name) if is_label else home.find(name), None)


def _referred(walk: Walk, ref: LayerRef, chosen_by: str) -> Target | None:
    layer = LAYERS.get(ref.name)
    if layer is not None:
        return Target(layer, None, chosen_by)
    return _defined(walk.owner.definitions.library.at(ref), chosen_by)


def _defined(defined: Defined | None, chosen_by: str | None) -> Target | None:
    if defined is None:
        return None
    if isinstance(defined.item, n.Block):
        return Target(None, defined.item, chosen_by, defined)
    return Target(defined.layer(), None, chosen_by, defined)


def build(
    walk: Walk,
    call: n.Call,
    target: Target,
    args: Sequence[n.Argument],
    inputs: list[Value],
    copy: int | None,
) -> tuple[Built | None, int]:
    """Bind and apply; with how many leading copies may differ by their lists.

    The arguments are those without the number of copies.
    """
    binder = Binder(walk.frame, walk.report, copy)
    span = walk.report.span(call)
    if target.layer is not None:
        bound: Bindings | None
        if target.defined is not None:
            from archdsl.elaborate.extern import arguments

            shapes = _types(walk, inputs)
            bound = arguments(target.defined, binder, args, shapes, walk.report, span)
        else:
            defaults = walk.defaults.get(target.layer.name, {})
            bound = binder.layer(target.layer, args, defaults, span)
        types = _types(walk, inputs)
        good = count_inputs(walk, target, len(inputs), call)
        if bound is None or types is None or not good:
            return None, binder.varied
        return applied(walk, target, bound, types, call), binder.varied
    assert target.block is not None
    assert target.defined is not None
    block = target.block
    given, good = binder.params(
        block.name.name,
        block.params,
        args,
        span,
        target.defined.span,
        block.inputs,
    )
    good = count_inputs(walk, target, len(inputs), call) and good
    types = _types(walk, inputs)
    if not good or types is None:
        return None, binder.varied
    module = walk.owner.block(target.defined, given, types, span)
    if module is None:
        return None, binder.varied
    variables: dict[str, Expr] = {}
    for param in block.params:
        name = param.name
        if name in given:
            variables[name] = given[name].expr
        else:
            value = module.params[name].value
            variables[name] = _default_expr(param.default, value, variables)
    return (
        Built(
            target,
            module,
            given,
            _called_type(module, variables, types),
            module.cost,
        ),
        binder.varied,
    )


def _types(walk: Walk, inputs: list[Value]) -> tuple[TensorType, ...] | None:
    types = tuple([value.type for value in inputs if value.type is not None])
    return types if len(types) == len(inputs) else None


def count_inputs(walk: Walk, target: Target, count: int, call: n.Call) -> bool:
    """Whether a layer or block takes so many inputs; reported if not."""
    if target.layer is not None:
        least, most = target.layer.inputs
    else:
        assert target.block is not None
        least = most = max(1, len(target.block.inputs))
    if least <= count and (most is None or count <= most):
        return True
    if target.layer is not None:
        example = target.layer.example.split("|")[-1].strip()
    else:
        assert target.block is not None
        names = ", ".join(name.name for name in target.block.inputs) or "…"
        example = f"{target.kind}({names})"
    wanted = f"{least}" if least == most else f"{least} or more"
    noun = "input" if wanted == "1" else "inputs"
    walk.report.error(
        "E0407",
        f"`{target.kind}` takes {wanted} {noun}, not {count}",
        call,
        hints=(f"as in `{example}`",),
    )
    return False


def applied(
    walk: Walk,
    target: Target,
    bound: Bindings,
    types: tuple[TensorType, ...],
    call: n.Call,
) -> Built | None:
    """A layer with its arguments, for these inputs; None if it is wrong (reported)."""
    layer = target.layer
    assert layer is not None
    span = walk.report.span(call)
    site = made(Site, (layer, types, bound, span))
    wrong = _wrong_rank(site) or _wrong_dtype(site) or _wrong_sizes(site)
    found = wrong or _outcome(site, walk.owner.symbols is not None)
    if isinstance(found, Problem):
        _refuse(walk, found, site, call)
        return None
    out = _held(found, layer, types)
    elements = out.elements
    if exceeds(elements, walk.report.limits.integer):
        walk.report.error("E0701", f"the value {out} is too large", span)
        return None
    weights = layer.weights(site, out)
    params: Size = 0
    has_bias = False
    for weight in weights:
        has_bias = has_bias or weight.name == "bias"
        if weight.parameter and not weight.tied:
            params += weight.elements
    # What is learned has a size: a layer that lacks one was refused.
    assert isinstance(params, int)
    macs = layer.macs(site, out)
    if layer.connections is not None:
        connections = layer.connections(site, out)
    else:
        connections = macs + (elements if has_bias and macs else 0)
    # A tensor of the module's own is there without a sample.
    kept = elements * BYTES_PER_NUMBER if out.batched else 0
    cost = made(Cost, (params, params, macs, kept, connections, 1))
    if cost.largest > walk.report.limits.integer:
        walk.report.error("E0701", "this layer is too large to count", span)
        return None
    if not walk.owner.count_stage(span):
        return None
    return made(Built, (target, site, bound, out, cost, weights))


def _held(out: TensorType, layer: Layer, types: tuple[TensorType, ...]) -> TensorType:
    """The output with what it holds, and whether it differs between samples."""
    dtype = layer.gives or (types[0].dtype if types else out.dtype)
    batched = False
    for tensor in types:
        batched = batched or tensor.batched
    return made(TensorType, (out.dims, dtype, batched))


def _refuse(walk: Walk, problem: Problem, site: Site, call: n.Call) -> None:
    span = walk.report.span(call)
    if isinstance(problem.at, str):
        span = site.args[problem.at].span or span
    elif isinstance(problem.at, int) and call.inputs is not None:
        span = walk.report.span(call.inputs[problem.at])
    related: list[Note] = []
    for dim, text in problem.dims:
        related += walk.report.came_from(dim, text, unless=span)
    value = " and ".join(str(tensor) for tensor in site.ins)
    what = "value here is" if len(site.ins) == 1 else "values here are"
    notes = (f"the {what} {value}", *problem.notes) if site.ins else problem.notes
    where = ""
    if related and related[0].span.source is not span.source:
        where = f" in line {related[0].span.line} of {related[0].span.source.name}"
    elif related and related[0].span.line != span.line:
        where = f" in line {related[0].span.line}"
    hints = tuple(filled(hint, WHERE, where) for hint in problem.hints)
    walk.report.error(
        problem.code,
        problem.message,
        span,
        problem.label,
        tuple(dict.fromkeys(related)),
        notes if problem.code not in _SHAPES_SAID else problem.notes,
        hints,
    )


def _default_expr(
    default: n.Expression | None, value: object, known: dict[str, Expr]
) -> Expr:
    """The formula of a parameter left at its default, which may name those before."""
    assert default is not None
    if isinstance(default, n.Name) and default.name in known:
        return known[default.name]
    names = [
        name
        for part in n.parts(default)
        if isinstance(part, n.Name | n.Size)
        for name in (part.parts if isinstance(part, n.Size) else (part.name,))
    ]
    return opaque(value, *(known[name] for name in names if name in known))


def _called_type(
    module: Module, variables: dict[str, Expr], inputs: tuple[TensorType, ...]
) -> TensorType:
    """The output's shape as the caller sees it."""
    sizes = tuple(tuple(dim.expr for dim in tensor.dims) for tensor in inputs)
    dims = []
    for dim in module.type.dims:
        origin = dim.origin
        if isinstance(origin, InputOrigin):
            origin = inputs[origin.input].dims[origin.axis].origin
        if is_known(dim.size):
            expr = substitute(dim.expr, variables, sizes, dim.size)
        else:
            expr = exact(dim.expr, variables, sizes)
        dims.append(Dim(dim.size, origin, expr))
    return module.type._replace(dims=tuple(dims))


def same_formula(a: TensorType, b: TensorType) -> bool:
    """Whether two values are alike in shape and kind, and for the same reasons."""
    return a == b and all(x.expr == y.expr for x, y in zip(a.dims, b.dims, strict=True))


# Their messages name the shapes.
_SHAPES_SAID = ("E0301", "E0304", "E0305")


def _outcome(site: Site, symbolic: bool) -> TensorType | Problem:
    """What the layer's rule says; where it needs a number, that is a problem."""
    layer = site.layer
    if not symbolic:
        return layer.shape(site)
    from archdsl.elaborate.unknowns import hold_lengths

    try:
        out = hold_lengths(layer.shape(site))
        if isinstance(out, Problem) or not (
            any(map(_has_symbol, (*site.ins, out)))
            or any(_symbol_in(bound.value) for bound in site.args.values())
        ):
            return out
        needed: list[object] = [
            size for weight in layer.weights(site, out) for size in weight.shape
        ]
    except UndecidedError as problem:
        needed = [problem.left, problem.right]
    else:
        slot = unknown(form_of(site).module)
        needed.append(slot.value if slot is not None else None)
    size: Any = next(filter(None, map(_symbol_in, needed)), None)
    if size is None:
        return out
    # What is known of the symbols may leave one number.
    symbols: tuple[str, ...] = () if str(size).isdigit() else size.symbols
    dims = [dim for tensor in site.ins for dim in tensor.dims if dim.size == size]
    if not dims:
        # What is needed was computed from one of these.
        dims = [
            dim
            for tensor in site.ins
            for dim in tensor.dims
            if is_symbolic(dim.size) and set(dim.size.symbols) & set(symbols)  # type: ignore[union-attr]
        ]
        size = dims[0].size if len(set(dims)) == 1 else size
    fixed = " ".join(f"--set {name}=…" for name in symbols)
    hints = [f"a number settles it: {fixed}" if symbols else "write the number"]
    if site.layer.name == "fc" and len(symbols) > 1:
        hints.append("`gap` before it makes a vector whatever the size of the map")
    if layer.look == "convolution" and site.x.rank == 2:
        hints.append("channels stand first: `permute 1 0` before it turns a sequence")
    return Problem(
        "E0310",
        f"{layer.name} needs a number, and {size} is not known here"
        if symbols
        else f"{layer.name} needs {size} as a number, in place of a symbol",
        dims=tuple((dim, f"the {size} comes from here") for dim in dims[:1]),
        hints=tuple(hints),
    )


def _symbol_in(value: object) -> object:
    """A size in a value that is not known."""
    if isinstance(value, tuple):
        return next(filter(None, map(_symbol_in, value)), None)
    return value if is_symbolic(value) else None


def _has_symbol(tensor: TensorType) -> bool:
    return any(type(dim.size) is not int for dim in tensor.dims)


_HOLDS = {"float": "real numbers", "int": "whole numbers", "bool": "truth values"}


def _wrong_rank(site: Site) -> Problem | None:
    """An input with more or fewer axes than the layer takes."""
    ranks = site.layer.ranks
    for tensor in site.ins:
        if len(tensor.dims) not in ranks:
            from archdsl.ops.ranks import refused_rank

            return refused_rank(site, tensor)
    return None


def _wrong_dtype(site: Site) -> Problem | None:
    """An input that holds what the layer has no use for."""
    wanted = site.layer.dtypes
    for at, tensor in enumerate(site.ins):
        allowed = wanted[min(at, len(wanted) - 1)]
        if tensor.dtype in allowed:
            continue
        hints: tuple[str, ...] = ()
        if tensor.dtype == "int" and allowed == ("float",):
            hints = ("`embedding` makes vectors of whole numbers",)
        elif allowed == ("int",):
            hints = ("an input of whole numbers is written `input 16 int`",)
        return Problem(
            "E0309",
            f"{site.layer.name} takes {' or '.join(_HOLDS[d] for d in allowed)}, but"
            f" {_HOLDS[tensor.dtype]} arrive",
            at=at,
            dims=((tensor.dims[0], "they come from here"),),
            hints=hints,
        )
    return None


def _wrong_sizes(site: Site) -> Problem | None:
    """A size that has another number of parts than there are spatial axes."""
    if not site.ins or not site.layer.args:
        return None
    for arg in takes(site.layer).sizes:
        value = site.args[arg.name].value
        if isinstance(value, tuple) and len(value) not in (1, site.spatial):
            axes = "axis" if site.spatial == 1 else "axes"
            several = f", or {site.spatial}" if site.spatial > 1 else ""
            return Problem(
                "E0404",
                f"{len(value)} numbers are given for the {arg.doc.split(';')[0]}"
                f" of a map with {site.spatial} spatial {axes}",
                at=arg.name,
                hints=(f"give one number{several}",),
            )
    return None
