"""The body of `forward`: in which order, and in which variables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archdsl.backends.torch import code as c
from archdsl.backends.torch.body import OWN_NAMES, Body
from archdsl.backends.torch.choices import flag_name, shortcut
from archdsl.backends.torch.constructor import Constructor
from archdsl.backends.torch.inplace import overwriting
from archdsl.backends.torch.planned import (
    Planned,
    PlannedChoice,
    PlannedOutput,
    PlannedRepeat,
    PlannedStage,
    PlannedTraining,
    Scope,
    count_uses,
    flat,
    short_branches,
    writing,
)
from archdsl.backends.torch.reserved import is_attribute, member, safe_name
from archdsl.ops.form import Apply, Attribute

# A nested call longer than this gets a line of its own.
_LONGEST = 60

# What flows on from a tensor of the module itself.
_OF_TENSORS = "y"

_LIGHT = frozenset(("normalisation", "activation", "regularisation"))


# Puts outputs together: from their names and codes.
Returns = Callable[[list[str | None], list[c.Code]], c.Code]


class Forward:
    """Writes `forward` for one scope."""

    # Whether a repeat is called as a whole, and not copy by copy.
    calls_repeats = True
    # What one of the copies is called: the first of these that is free.
    copy_names = ("copy", "block")

    def __init__(
        self,
        scope: Scope,
        constructor: Constructor,
        inputs: list[str],
        positional: bool,
        returns: Returns | None = None,
        whole: frozenset[int] = frozenset(),
        sides: bool = False,
    ) -> None:
        # Whether what exists in training only may be None otherwise.
        self._sides = sides
        self._scope = scope
        self._inputs = inputs
        self._returns = returns
        self._constructor = constructor
        self._positional = positional
        uses = count_uses(scope.nodes)
        self._returned = scope.outputs or (PlannedOutput(None, scope.output, False),)
        # In training all outputs are returned, by a statement of its own.
        self._trains = any(output.training for output in self._returned)
        for output in self._returned:
            uses[output.value] += 1 + (self._trains and not output.training)
        self._body = Body(uses, short_branches(scope, uses))
        self._beside = self._computed_first(scope)
        # What made each submodule, where another stage may use it again.
        self._builders: dict[str, PlannedStage | PlannedRepeat] = {
            node.name: node for node in flat(scope.nodes) if not node.shared
        }
        for value, name in enumerate(inputs):
            # What is made of whole numbers or truth values is not called like them.
            counted = value in whole and "x" not in inputs
            self._body.set(value, name, "x" if counted else name)
        # Sizes that tensors tell keep their variables to the end.
        namespace = constructor.namespace
        for size in namespace.dynamic:
            self._body.keep(namespace.names[size])

    def lines(self) -> list[str]:
        """The statements, the last one returning the result."""
        later = [n for n in self._scope.nodes if isinstance(n, PlannedTraining)]
        for node in [n for n in self._scope.nodes if n not in later]:
            self._nodes([node])
            # The backward pass then gets to a side head where its input was made, and
            # not first, when all else is still kept.
            later = [side for side in later if not self._side(side)]
        if self._trains:
            for value in sorted(self._body.waiting):
                self._body.assign(value)
            self._body.lines += c.header("if", "self.training", self._body.indent)
            self._body.indent += c.INDENT
            for node in later:
                self._nodes(node.nodes)
            self._return(self._returned)
            self._body.indent -= c.INDENT
        self._return([output for output in self._returned if not output.training])
        return [*self._preamble(), *self._body.lines]

    def _preamble(self) -> list[str]:
        """What reads the sizes that are known only when the tensors are there."""
        namespace = self._constructor.namespace
        lines: list[str] = []
        # A group is told them: it has other inputs than the class around it.
        for size in () if self._positional else namespace.sizes_read():
            shape = f"{self._inputs[size.input]}.shape[{1 + size.axis}]"
            lines += c.assign(namespace.names[size], c.Text(shape), 2 * c.INDENT)
        return lines

    def _return(self, outputs: Sequence[PlannedOutput]) -> None:
        codes = [self._body.take(output.value) for output in outputs]
        if self._returns is None:
            result = codes[0]
        else:
            result = self._returns([output.name for output in outputs], codes)
        self._body.lines += c.returned(result, self._body.indent)

    def _nodes(self, nodes: list[Planned]) -> None:
        for node in nodes:
            if isinstance(node, PlannedChoice):
                self._choice(node)
            elif isinstance(node, PlannedRepeat):
                self._repeat(node)
            elif isinstance(node, PlannedTraining):
                self._nodes(node.nodes)
            elif node.attribute is not None:
                self._tensor(node, node.attribute)
            else:
                self._stage(node)

    def _side(self, side: PlannedTraining) -> bool:
        """Write what exists in training only, if its inputs are there and it is short.

        Others wait until the outputs of training are returned.
        """
        inside = {node.output for node in flat(side.nodes)}
        read = {value for node in flat(side.nodes) for value in node.inputs}
        there = self._body.values.keys() | inside
        if not self._sides or not inside or not read <= there:
            return False
        before, lines = self._body.state(), self._body.lines
        self._body.lines = []
        self._nodes(side.nodes)
        written, self._body.lines = self._body.lines, lines
        if written or side.output not in self._body.waiting:
            self._body.restore(before)
            return False
        held = self._body[side.output]
        code = c.Conditional(held.code, "self.training", c.Text("None"))
        name = next(o.name for o in self._returned if o.value == side.output)
        self._body.values[side.output] = held._replace(code=code, label=name)
        self._body.assign(side.output)
        return True

    def _tensor(self, stage: PlannedStage, attribute: Attribute) -> None:
        """A tensor of the module itself, with a batch of one."""
        among = "_parameters" if attribute.kind == "parameter" else "_buffers"
        name = member(stage.name, among)
        code = c.Text(name if attribute.batch else f"{name}[None]")
        label = stage.any.label if stage.fetched else None
        self._body.hold(stage.output, code, _OF_TENSORS, label)

    # Stages

    def _stage(self, stage: PlannedStage) -> None:
        functional = self._constructor.is_functional(stage)
        look = stage.site.layer.look if stage.site is not None else None
        light = look in _LIGHT
        merge = look == "merge"
        for value in stage.inputs:
            held = self._body[value]
            if held.variable is not None or merge or value in self._body.inline:
                continue
            if isinstance(held.code, c.Text):
                # A tensor of the module itself needs no variable.
                continue
            kept = stage.output in self._beside and self._lets_go(value)
            if light and not kept and len(c.flat(held.code)) < _LONGEST // 2 + 10:
                continue
            self._body.store(value)
        flow = self._merged_flow(stage) if merge else self._body[stage.inputs[0]].flow
        if merge:
            self._shorten(stage)
        inputs = [self._body.take(value) for value in stage.inputs]
        if functional:
            forms = stage.forms
            functions = {
                at: overwriting(form.function)
                if stage.inplace and isinstance(form.function, Apply)
                else form.function
                for at, form in forms.items()
                if form.function is not None
            }
            self._constructor.namespace.helpers |= {
                form.function_helper
                for form in forms.values()
                if form.function_helper is not None
            }
            namespace = self._constructor.namespace
            namespace.in_forward = True
            with writing(stage.any.span):
                code = self._constructor.code(functions, stage.name, inputs)
            namespace.in_forward = False
            assert code is not None
        else:
            told = self._told(stage)
            code = c.Call(self._submodule(stage.name), (*inputs, *told))
        label = stage.any.label if stage.fetched else None
        self._body.hold(stage.output, code, flow, label, self._body.reads(stage.inputs))

    def _merged_flow(self, stage: PlannedStage) -> str:
        """The variable in which to go on after a merge: the one the main flow is in."""
        held = [self._body[value] for value in stage.inputs]
        for value, one in zip(stage.inputs, held, strict=True):
            if one.variable in OWN_NAMES and self._body.uses[value] == 1:
                return one.variable
        flows = [one.flow for one in held]
        if "x" in flows and flows[0] not in OWN_NAMES:
            return "x"
        return next((f for f in flows if f != _OF_TENSORS), flows[0])

    def _shorten(self, stage: PlannedStage) -> None:
        """Assign what would make a merge of two hard to read, or hold a map in vain."""
        waiting = [v for v in stage.inputs if self._body[v].variable is None]
        for value in waiting[:-1]:
            if self._lets_go(value):
                self._body.store(value)
        total = sum(len(c.flat(self._body[value].code)) for value in waiting)
        forms = stage.forms.values()
        listed = all(isinstance(form.function, Apply) for form in forms)
        if listed or total < _LONGEST:
            # Arguments of a call get a line each when they are long.
            return
        for value in waiting:
            self._body.store(value)

    def _computed_first(self, scope: Scope) -> set[int]:
        """What only a merge reads, another side of which is computed later."""
        first: set[int] = set()
        for node in flat(scope.nodes):
            site = node.site if isinstance(node, PlannedStage) else None
            if site is not None and site.layer.look == "merge":
                sides = [value for value in node.inputs if value >= scope.inputs]
                first.update(v for v in sides[:-1] if self._body.uses[v] == 1)
        return first

    def _lets_go(self, value: int) -> bool:
        """Whether an expression is the last to read a variable that holds a map.

        Python keeps the map as long as the variable, so the rest of a longer expression
        would be computed beside it.
        """
        return any(
            self._body.uses[self._body.variables[name]] == 0
            for name in self._body[value].reads
            if name not in self._inputs
        )

    def _submodule(self, name: str) -> c.Code:
        if self._positional and name.isdigit():
            return c.Text(f"self[{name}]")
        return c.Text(member(name))

    def _told(self, stage: PlannedStage) -> list[c.Code]:
        """The sizes that a group is told, beside its tensors."""
        namespace = self._constructor.namespace
        builder = self._builders.get(stage.name) if stage.shared else stage
        sizes = namespace.told.get(id(builder), [])
        namespace.read.update(sizes)
        return [c.Text(namespace.names[size]) for size in sizes]

    def _repeat(self, repeat: PlannedRepeat) -> None:
        self._body.settle(repeat.inputs[0])
        flow = self._body[repeat.inputs[0]].flow
        builder = self._builders.get(repeat.name) if repeat.shared else None
        built = builder if isinstance(builder, PlannedRepeat) else repeat
        told = [self._told(run.stage) for run in built.runs]
        if self.calls_repeats and len(repeat.inputs) == 1 and not any(told):
            called = c.Call(
                self._submodule(repeat.name), (self._body.take(repeat.inputs[0]),)
            )
            self._body.hold(
                repeat.output, called, flow, None, self._body.reads(repeat.inputs)
            )
            return
        for value in repeat.inputs:
            self._body.settle(value)
        first, *others = [self._body.take(value) for value in repeat.inputs]
        # What every copy reads must last until the last one.
        for value in repeat.inputs[1:]:
            self._body.uses[value] += 1
        name = self._body.free((flow,), repeat.output)
        for value in repeat.inputs[1:]:
            self._body.uses[value] -= 1
        if first != c.Text(name):
            self._body.lines += c.assign(name, first, self._body.indent)
        told_by = {
            id(run.stage): sizes for run, sizes in zip(repeat.runs, told, strict=True)
        }
        module = c.flat(self._submodule(repeat.name))
        taken = {run.stage.inputs for run in repeat.runs}
        if taken == {repeat.inputs} and all(sizes == told[0] for sizes in told):
            copy = next(each for each in self.copy_names if each != name)
            self._body.lines += c.header(
                "for", f"{copy} in {module}", self._body.indent
            )
            called = c.Call(c.Text(copy), (c.Text(name), *others, *told[0]))
            self._body.lines += c.assign(name, called, self._body.indent + c.INDENT)
        else:
            given = dict(zip(repeat.inputs[1:], others, strict=True))
            for number, stage in enumerate(repeat.copies()):
                more = [given[value] for value in stage.inputs[1:]]
                arguments = (c.Text(name), *more, *told_by[id(stage)])
                called = c.Call(c.Text(f"{module}[{number}]"), arguments)
                self._body.lines += c.assign(name, called, self._body.indent)
        self._body.set(repeat.output, name, name)

    # Choices

    def _choice(self, choice: PlannedChoice) -> None:
        lone = shortcut(choice)
        if lone is not None and is_attribute(lone.node.name):
            source = lone.node.inputs[0]
            # Both arms were counted as reading the source; it is read once.
            self._body.settle(source)
            flow = self._body[source].flow
            self._body.uses[source] -= 1
            called = c.Call(self._submodule(lone.node.name), (self._body.take(source),))
            self._body.hold(
                choice.output, called, flow, None, self._body.reads((source,))
            )
            return
        for value in sorted(self._body.waiting):
            self._body.assign(value)
        flag = f"self.{flag_name(choice)}"
        flow = self._body[choice.input].flow
        before = self._body.state()
        target = self._target(choice, flow)
        written: list[list[str]] = []
        # The result of each arm that is a lone expression.
        results: list[c.Code | None] = []
        outside = self._body.lines
        for nodes, result in (
            (choice.then, choice.then_result),
            (choice.otherwise, choice.otherwise_result),
        ):
            self._body.restore(before)
            self._body.lines = []
            self._body.indent += c.INDENT
            self._nodes(nodes)
            code = self._body.take(result)
            changed = code != c.Text(target)
            results.append(code if changed and not self._body.lines else None)
            if changed:
                self._body.lines += c.assign(target, code, self._body.indent)
            self._body.indent -= c.INDENT
            written.append(self._body.lines)
        self._body.lines = outside
        self._body.restore(before)
        for value, count in count_uses([choice]).items():
            self._body.uses[value] -= count
        then, otherwise = written
        if results[0] is not None and results[1] is not None:
            either = c.Conditional(results[0], flag, results[1])
            self._body.lines += c.assign(target, either, self._body.indent)
        elif then:
            self._body.lines += [*c.header("if", flag, self._body.indent), *then]
            if otherwise:
                self._body.lines += [f"{' ' * self._body.indent}else:", *otherwise]
        elif otherwise:
            self._body.lines += [
                *c.header("if", f"not {flag}", self._body.indent),
                *otherwise,
            ]
        self._body.set(choice.output, target, flow)

    def _target(self, choice: PlannedChoice, flow: str) -> str:
        """The variable that holds the result of either arm."""
        counted = count_uses([choice])
        labels = [
            safe_name(node.name)
            for node in (*choice.then, *choice.otherwise)
            if isinstance(node, PlannedStage)
            and node.labelled
            and is_attribute(node.name)
        ]
        for name in (*labels, flow, *OWN_NAMES):
            held = self._body.variables.get(name)
            if held is None or self._body.uses[held] <= counted[held]:
                # Free once the arms have read it; they assign it last.
                return name
        number = 2
        while f"branch{number}" in self._body.variables:
            number += 1
        return f"branch{number}"
