"""The expressions that build submodules, the variants laid over each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from archdsl.backends.torch import code as c
from archdsl.backends.torch.copies import counted, folded
from archdsl.backends.torch.copies import named as ordered
from archdsl.backends.torch.forms import (
    argument_code,
    bracketed,
    keyword,
    known_values,
    slots,
    with_axes,
)
from archdsl.backends.torch.formula import literal
from archdsl.backends.torch.inplace import overwriting
from archdsl.backends.torch.namespace import (
    NO_LAYER,
    Extra,
    Name,
    Namespace,
    is_default,
    merged_slot,
)
from archdsl.backends.torch.planned import (
    MismatchError,
    PlannedChoice,
    PlannedRepeat,
    PlannedRun,
    PlannedStage,
    PlannedTraining,
    Scope,
    writing,
)
from archdsl.backends.torch.reserved import member, safe_name
from archdsl.ir.network import Module
from archdsl.ops.form import (
    Apply,
    Infix,
    Input,
    Inputs,
    Keyword,
    Lambda,
    Listed,
    Member,
    Slot,
)
from archdsl.ops.form import Code as FormCode
from archdsl.shapes.expr import Const, Expr, InputSize, Var, depends, op


class Argument(NamedTuple):
    """A constructor argument: what it stands for, and its default if it has one.

    `layers` are the classes, or `None`, that the variants have for it, where it stands
    for a parameter that holds a layer.
    """

    name: str
    stands_for: Name | Extra
    annotation: str
    default: str | None
    layers: Mapping[int, str] | None = None


class Callee(NamedTuple):
    """A class as its callers see it; `variants` number the modules."""

    name: str
    arguments: list[Argument]
    variants: dict[int, int]


FindClass = Callable[[Module], Callee]
GroupClass = Callable[[Scope, Namespace, PlannedStage], tuple[str, list[str]]]


class Expressions:
    """Writes the calls that build the submodules of one class."""

    def __init__(
        self,
        namespace: Namespace,
        find_class: FindClass,
        group_class: GroupClass,
        imported: Mapping[tuple[str, str], str],
        positional: bool,
        within: str = "",
    ) -> None:
        self.namespace = namespace
        self._find_class = find_class
        self._group_class = group_class
        self._imported = imported
        self._positional = positional
        # The empty modules that labels with dots lead through.
        self._made: set[str] = set()
        # The group whose children are called by their positions.
        self._within = within

    # Which stages are submodules

    def is_functional(self, stage: PlannedStage) -> bool:
        """Whether the stage is applied by a function, with no submodule."""
        if stage.site is None or stage.shared or stage.attribute is not None:
            return False
        forms = stage.forms
        if any(form.module is None for form in forms.values()):
            return True
        if self._positional or (stage.labelled and not stage.fetched):
            return False
        functions = [form.function for form in forms.values()]
        if any(function is None for function in functions) or self._held_in(stage):
            return False
        return all(self._is_literal(function) for function in functions) and (
            len({str(known_values(function)) for function in functions}) == 1
        )

    def _is_literal(self, code: FormCode | None) -> bool:
        return not any(depends(slot.expr) & self.namespace.live for slot in slots(code))

    def _held_in(self, stage: PlannedStage) -> Var | None:
        """The constructor argument that says which layer the stage is, if one does."""
        if stage.chosen_by is None or Var(stage.chosen_by) not in self.namespace.layers:
            return None
        return Var(stage.chosen_by)

    def _hint(self, name: str) -> str:
        """What an argument of its own is called after: the child, or its group."""
        return self._within if name.isdigit() and self._within else name

    # Calls

    def module(self, node: PlannedStage | PlannedRepeat) -> c.Code:
        """The expression that builds a submodule."""
        if isinstance(node, PlannedRepeat):
            return self._repeat(node)
        with writing(node.any.span):
            return self._stage(node)

    def _stage(self, node: PlannedStage) -> c.Code:
        if node.site is not None:
            forms = node.forms
            for form in forms.values():
                self.namespace.helpers.update(form.more_helpers)
                if form.helper is not None:
                    self.namespace.helpers.add(form.helper)
            applied: dict[int, Apply] = {}
            for at, form in forms.items():
                if form.module is None:
                    raise MismatchError
                applied[at] = form.module
                if form.imports is not None:
                    function = self._imported[form.imports]
                    applied[at] = form.module._replace(function=function)
            held_in = self._held_in(node)
            if held_in is not None:
                applied = self._of_argument(applied, held_in)
            elif node.inplace:
                applied = {at: overwriting(call) for at, call in applied.items()}
            return self.apply(applied, self._hint(node.name), [])
        if node.inner is not None:
            return self._group(node, node.inner)
        return self._call(node)

    def _of_argument(
        self, applied: Mapping[int, Apply], held_in: Var
    ) -> dict[int, Apply]:
        """The calls of several classes as calls of the argument that holds them."""
        name = self.namespace.chosen(
            held_in, {at: call.function for at, call in applied.items()}
        )
        alike: dict[int, Apply] = {}
        for at, call in applied.items():
            kept = (a for a in call.arguments if not self._is_default(a))
            alike[at] = Apply(name, tuple(kept))
        names = {tuple(map(keyword, call.arguments)) for call in alike.values()}
        if len(names) != 1:
            raise MismatchError
        return alike

    def _is_default(self, argument: FormCode | Keyword) -> bool:
        code = argument.code if isinstance(argument, Keyword) else argument
        return isinstance(code, Slot) and is_default(self.namespace, code)

    def apply(
        self, applied: Mapping[int, Apply], hint: str, inputs: list[c.Code]
    ) -> c.Code:
        """A constructor or function call, the variants laid over each other."""
        first = next(iter(applied.values()))
        if any(
            other.function != first.function
            or len(other.arguments) != len(first.arguments)
            for other in applied.values()
        ):
            raise MismatchError
        arguments: list[c.Code | c.Keyword] = []
        for number, argument in enumerate(first.arguments):
            parts = {at: argument_code(a, number) for at, a in applied.items()}
            if isinstance(argument, Keyword):
                written = self.code(parts, f"{hint}_{argument.name}", inputs)
                if written is not None:
                    arguments.append(c.Keyword(argument.name, written))
            else:
                word = _ARGUMENT_WORDS.get((first.function[3:7], number), "size")
                written = self.code(parts, f"{hint}_{word}", inputs)
                if written is not None:
                    arguments.append(written)
        return c.Call(c.Text(first.function), tuple(arguments))

    def code(
        self, parts: Mapping[int, FormCode], hint: str, inputs: list[c.Code]
    ) -> c.Code | None:
        """A tree of PyTorch code, the variants laid over each other."""
        first = next(iter(parts.values()))
        if any(type(part) is not type(first) for part in parts.values()):
            raise MismatchError
        if isinstance(first, Slot):
            slots = {at: p for at, p in parts.items() if isinstance(p, Slot)}
            return merged_slot(self.namespace, slots, hint)
        if isinstance(first, Input):
            if len(set(parts.values())) != 1:
                raise MismatchError
            return with_axes(inputs[first.number], first)
        if isinstance(first, Inputs):
            return c.Listing(tuple(inputs))
        if isinstance(first, Apply):
            applied = {at: p for at, p in parts.items() if isinstance(p, Apply)}
            return self.apply(applied, hint, inputs)
        if isinstance(first, Infix):
            infixes = {at: p for at, p in parts.items() if isinstance(p, Infix)}
            return self._infix(infixes, hint, inputs)
        if isinstance(first, Member):
            if len(set(parts.values())) != 1:
                raise MismatchError
            return c.Text(f"{member(first.label)}.{first.tensor}")
        if isinstance(first, Listed):
            items = {at: p.items for at, p in parts.items() if isinstance(p, Listed)}
            if len({len(each) for each in items.values()}) != 1:
                raise MismatchError
            written = [
                self.code(
                    {at: each[number] for at, each in items.items()}, hint, inputs
                )
                for number in range(len(first.items))
            ]
            return c.Listing(tuple(item for item in written if item is not None))
        if isinstance(first, Lambda):
            bodies = {at: p.body for at, p in parts.items() if isinstance(p, Lambda)}
            body = self.code(bodies, hint, inputs)
            assert body is not None
            return c.Lambda(first.parameters, body)
        if len(set(parts.values())) != 1:
            raise MismatchError
        return c.Text(first if isinstance(first, str) else literal(first))

    def _infix(
        self, parts: Mapping[int, Infix], hint: str, inputs: list[c.Code]
    ) -> c.Code:
        first = next(iter(parts.values()))
        if any(
            other.operator != first.operator
            or len(other.operands) != len(first.operands)
            for other in parts.values()
        ):
            raise MismatchError
        operands: list[c.Code] = []
        for number in range(len(first.operands)):
            each = {at: part.operands[number] for at, part in parts.items()}
            written = self.code(each, hint, inputs)
            if isinstance(written, c.Text) and (
                isinstance(first.operands[number], Slot) or written.text.startswith("-")
            ):
                written = bracketed(written, first.operator)
            if written is not None:
                operands.append(written)
        return c.Infix(first.operator, tuple(operands))

    def _call(self, stage: PlannedStage) -> c.Code:
        """A block's class, constructed."""
        modules = {
            at: s.target
            for at, s in stage.stages.items()
            if isinstance(s.target, Module)
        }
        callees = {at: self._find_class(module) for at, module in modules.items()}
        callee = next(iter(callees.values()))
        if any(other is not callee for other in callees.values()):
            raise MismatchError
        arguments: list[c.Code | c.Keyword] = []
        keyword = False
        for argument in callee.arguments:
            written: c.Code | None
            if argument.layers is not None:
                written = c.Text(self._layer(argument, stage, modules, callee))
            else:
                slots = {
                    at: self._argument(argument, stage, at, module, callee)
                    for at, module in modules.items()
                }
                hint = f"{safe_name(self._hint(stage.name))}_{argument.name}"
                written = merged_slot(self.namespace, slots, hint)
            if argument.default is not None:
                if isinstance(written, c.Text) and written.text == argument.default:
                    continue
                keyword = True
            if written is None:
                raise MismatchError
            arguments.append(c.Keyword(argument.name, written) if keyword else written)
        return c.Call(c.Text(callee.name), tuple(arguments))

    def _layer(
        self,
        argument: Argument,
        stage: PlannedStage,
        modules: Mapping[int, Module],
        callee: Callee,
    ) -> str:
        """The class that a call hands on, or the argument that holds it."""
        assert argument.layers is not None
        assert isinstance(argument.stands_for, Var)
        texts: dict[int, str] = {}
        exprs: set[Expr | None] = set()
        for at, module in modules.items():
            texts[at] = argument.layers[callee.variants[id(module)]]
            bound = stage.stages[at].args.get(argument.stands_for.name)
            exprs.add(bound.expr if bound is not None else None)
        optional = NO_LAYER in argument.layers.values()
        expr = exprs.pop() if len(exprs) == 1 else None
        if isinstance(expr, Var) and expr in self.namespace.layers:
            return self.namespace.chosen(expr, texts, optional)
        if len(set(texts.values())) > 1:
            raise MismatchError
        return next(iter(texts.values()))

    def _argument(
        self,
        argument: Argument,
        stage: PlannedStage,
        at: int,
        module: Module,
        callee: Callee,
    ) -> Slot:
        wanted = argument.stands_for
        if isinstance(wanted, Var):
            bound = stage.stages[at].args.get(wanted.name)
            if bound is None:
                value = module.params[wanted.name].value
                return Slot(value, Const(value))
            return Slot(bound.value, bound.expr)
        if isinstance(wanted, InputSize):
            dim = stage.types[at][wanted.input].dims[wanted.axis]
            return Slot(dim.size, dim.expr)
        value = wanted.values[callee.variants[id(module)]]
        return Slot(value, Const(value))

    def _group(self, stage: PlannedStage, scope: Scope) -> c.Code:
        if scope.is_expression:
            return self.sequential(scope, stage.name)
        name, arguments = self._group_class(scope, self.namespace, stage)
        return c.Call(c.Text(name), tuple(map(c.Text, arguments)))

    def sequential(self, scope: Scope, name: str) -> c.Code:
        """`nn.Sequential(…)` of a chain's modules."""
        return c.Call(c.Text("nn.Sequential"), self.inside(name).items(scope))

    def inside(self, group: str) -> Expressions:
        """What writes the children of a group."""
        return Expressions(
            self.namespace,
            self._find_class,
            self._group_class,
            self._imported,
            positional=True,
            within=self._within if group.isdigit() else group,
        )

    def items(self, scope: Scope) -> tuple[c.Code, ...]:
        """The arguments of `nn.Sequential`, named where a child has a label."""
        named: list[tuple[str, c.Code]] = []
        for node in scope.nodes:
            if isinstance(node, PlannedChoice | PlannedTraining):
                raise MismatchError
            if node.shared:
                continue
            if isinstance(node, PlannedStage) and (
                node.attribute is not None or self.is_functional(node)
            ):
                continue
            named.append((node.name, self.module(node)))
        if scope.chain == "positions" or all(
            name == str(at) for at, (name, _) in enumerate(named)
        ):
            return folded([(code, "1") for _, code in named], most=1)
        self.namespace.helpers.add("OrderedDict")
        return (ordered(named),)

    def _repeat(self, repeat: PlannedRepeat) -> c.Code:
        if repeat.lengths is not None:
            return self._growing(repeat, repeat.lengths)
        elements: list[tuple[c.Code, str]] = []
        for run in repeat.runs:
            elements.append(
                (self.module(run.stage), self._copies(run, self._hint(repeat.name)))
            )
        container = "nn.Sequential" if len(repeat.inputs) == 1 else "nn.ModuleList"
        items = folded(elements)
        if container == "nn.ModuleList":
            if len(items) == 1 and isinstance(items[0], c.Star):
                return c.Call(c.Text(container), (items[0].items,))
            return c.Call(c.Text(container), (c.Listing(items),))
        return c.Call(c.Text(container), items)

    def _growing(self, repeat: PlannedRepeat, lengths: Mapping[int, int]) -> c.Code:
        """Copies that grow by one rule, in each variant for as long as it has them."""
        if any(run.stage.needs_sizes for run in repeat.runs):
            raise MismatchError
        codes = [self.module(run.stage) for run in repeat.runs]

        def count(before: int) -> str:
            known = self.namespace.parameter(lengths)
            values: dict[int, object] = {at: n - before for at, n in lengths.items()}
            exprs = {at: op("-", values[at], known[at], Const(before)) for at in known}
            hint = f"{safe_name(self._hint(repeat.name))}_copies"
            return self.namespace.write(values, exprs, hint)

        try:
            return c.Call(c.Text("nn.Sequential"), counted(codes, count))
        except ValueError:
            raise MismatchError from None

    def _copies(self, run: PlannedRun, hint: str) -> str:
        values = {at: count for at, (count, _) in run.counts.items()}
        exprs = {at: expr for at, (_, expr) in run.counts.items()}
        return self.namespace.write(values, exprs, f"{safe_name(hint)}_copies")


# What the first arguments of common constructors are, for names of extra arguments.
_ARGUMENT_WORDS = {
    ("Conv", 0): "in_channels",
    ("Conv", 1): "out_channels",
    ("Conv", 2): "kernel_size",
    ("Line", 0): "in_features",
    ("Line", 1): "out_features",
    ("Batc", 0): "features",
}
