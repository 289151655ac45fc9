"""The body of `forward`: in which order, and in which variables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from archdsl.backends.torch import code as c
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

# Variables for values that the spec gives no name.
_OWN_NAMES = ("out", "branch", "y")
# What flows on from a tensor of the module itself.
_OF_TENSORS = "y"

# Stands for a value that is read to the end.
_KEPT = -1

_LIGHT = frozenset(("normalisation", "activation", "regularisation"))


# Puts outputs together: from their names and codes.
Returns = Callable[[list[str | None], list[c.Code]], c.Code]


class Held(NamedTuple):
    """A value: in a variable, or as an expression not yet assigned.

    `reads` are the variables that the expression reads: they must not change before.
    """

    code: c.Code
    variable: str | None
    flow: str
    label: str | None = None
    reads: frozenset[str] = frozenset()


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
        self._uses = count_uses(scope.nodes)
        self._returned = scope.outputs or (PlannedOutput(None, scope.output, False),)
        # In training all outputs are returned, by a statement of its own.
        self._trains = any(output.training for output in self._returned)
        for output in self._returned:
            self._uses[output.value] += 1 + (self._trains and not output.training)
        self._inline = short_branches(scope, self._uses)
        self._beside = self._computed_first(scope)
        # What made each submodule, where another stage may use it again.
        self._builders: dict[str, PlannedStage | PlannedRepeat] = {
            node.name: node for node in flat(scope.nodes) if not node.shared
        }
        self._env: dict[int, Held] = {}
        self._holds: dict[str, int] = {}
        self._waiting: set[int] = set()
        for value, name in enumerate(inputs):
            # What is made of whole numbers or truth values is not called like them.
            counted = value in whole and "x" not in inputs
            self._set(value, name, "x" if counted else name)
        # Sizes that tensors tell keep their variables to the end.
        namespace = constructor.namespace
        for size in namespace.dynamic:
            self._holds[namespace.names[size]] = _KEPT
        self._uses[_KEPT] = 1
        self._lines: list[str] = []
        self._indent = 2 * c.INDENT

    def lines(self) -> list[str]:
        """The statements, the last one returning the result."""
        later = [n for n in self._scope.nodes if isinstance(n, PlannedTraining)]
        for node in [n for n in self._scope.nodes if n not in later]:
            self._nodes([node])
            # The backward pass then gets to a side head where its input was made, and
            # not first, when all else is still kept.
            later = [side for side in later if not self._side(side)]
        if self._trains:
            for value in sorted(self._waiting):
                self._assign(value)
            self._lines += c.header("if", "self.training", self._indent)
            self._indent += c.INDENT
            for node in later:
                self._nodes(node.nodes)
            self._return(self._returned)
            self._indent -= c.INDENT
        self._return([output for output in self._returned if not output.training])
        return [*self._preamble(), *self._lines]

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
        codes = [self._take(output.value) for output in outputs]
        if self._returns is None:
            result = codes[0]
        else:
            result = self._returns([output.name for output in outputs], codes)
        self._lines += c.returned(result, self._indent)

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
        if not self._sides or not inside or not read <= inside | self._env.keys():
            return False
        uses, env, holds = Counter(self._uses), dict(self._env), dict(self._holds)
        waiting, lines = set(self._waiting), self._lines
        self._lines = []
        self._nodes(side.nodes)
        if self._lines or side.output not in self._waiting:
            self._uses, self._env, self._holds = uses, env, holds
            self._waiting, self._lines = waiting, lines
            return False
        self._lines = lines
        held = self._env[side.output]
        code = c.Conditional(held.code, "self.training", c.Text("None"))
        name = next(o.name for o in self._returned if o.value == side.output)
        self._env[side.output] = held._replace(code=code, label=name)
        self._assign(side.output)
        return True

    def _tensor(self, stage: PlannedStage, attribute: Attribute) -> None:
        """A tensor of the module itself, with a batch of one."""
        among = "_parameters" if attribute.kind == "parameter" else "_buffers"
        name = member(stage.name, among)
        code = c.Text(name if attribute.batch else f"{name}[None]")
        label = stage.any.label if stage.fetched else None
        self._hold(stage.output, code, _OF_TENSORS, label, frozenset())

    # Values and variables

    def _take(self, value: int) -> c.Code:
        self._uses[value] -= 1
        self._waiting.discard(value)
        return self._env[value].code

    def _is_free(self, name: str, assigned: int) -> bool:
        """Whether a variable may get a new value, which `assigned` is."""
        if name in self._holds and self._uses[self._holds[name]] > 0:
            return False
        return not any(
            name in self._env[value].reads
            for value in self._waiting
            if value != assigned and self._uses[value] > 0
        )

    def _variable(self, held: Held, assigned: int) -> str:
        if held.label is not None:
            label = held.label.rpartition(".")[2]
            name = safe_name(label)
            if is_attribute(label) and self._is_free(name, assigned):
                return name
        for name in (held.flow, *_OWN_NAMES):
            if self._is_free(name, assigned):
                return name
        number = 2
        while not self._is_free(f"branch{number}", assigned):
            number += 1
        return f"branch{number}"

    def _store(self, value: int) -> None:
        """Put a value into a variable, and those that wait before it as well."""
        for waiting in sorted(self._waiting):
            if waiting == value or (
                waiting < value
                and self._uses[waiting] > 0
                and waiting not in self._inline
            ):
                self._assign(waiting)

    def _assign(self, value: int) -> None:
        held = self._env[value]
        name = self._variable(held, value)
        self._lines += c.assign(name, held.code, self._indent)
        self._set(value, name, held.flow if name == held.label else name)

    def _set(self, value: int, name: str, flow: str) -> None:
        """From here on a variable holds the value; what follows goes on in `flow`."""
        self._waiting.discard(value)
        self._env[value] = Held(c.Text(name), name, flow, None, frozenset((name,)))
        self._holds[name] = value

    def _reads(self, values: Iterable[int]) -> frozenset[str]:
        return frozenset().union(*(self._env[value].reads for value in values))

    def _hold(
        self,
        value: int,
        code: c.Code,
        flow: str,
        label: str | None,
        reads: frozenset[str],
    ) -> None:
        self._env[value] = Held(code, None, flow, label, reads)
        self._waiting.add(value)
        if self._uses[value] != 1 or label is not None:
            if self._uses[value] == 0:
                # Nobody reads it: computed all the same, for its side effects.
                self._lines += c.expression(code, self._indent)
                self._waiting.discard(value)
                return
            self._store(value)

    # Stages

    def _stage(self, stage: PlannedStage) -> None:
        functional = self._constructor.is_functional(stage)
        look = stage.site.layer.look if stage.site is not None else None
        light = look in _LIGHT
        merge = look == "merge"
        for value in stage.inputs:
            held = self._env[value]
            if held.variable is not None or merge or value in self._inline:
                continue
            if isinstance(held.code, c.Text):
                # A tensor of the module itself needs no variable.
                continue
            kept = stage.output in self._beside and self._lets_go(value)
            if light and not kept and len(c.flat(held.code)) < _LONGEST // 2 + 10:
                continue
            self._store(value)
        flow = self._merged_flow(stage) if merge else self._env[stage.inputs[0]].flow
        if merge:
            self._shorten(stage)
        inputs = [self._take(value) for value in stage.inputs]
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
        self._hold(stage.output, code, flow, label, self._reads(stage.inputs))

    def _merged_flow(self, stage: PlannedStage) -> str:
        """The variable in which to go on after a merge: the one the main flow is in."""
        held = [self._env[value] for value in stage.inputs]
        for value, one in zip(stage.inputs, held, strict=True):
            if one.variable in _OWN_NAMES and self._uses[value] == 1:
                return one.variable
        flows = [one.flow for one in held]
        if "x" in flows and flows[0] not in _OWN_NAMES:
            return "x"
        return next((f for f in flows if f != _OF_TENSORS), flows[0])

    def _shorten(self, stage: PlannedStage) -> None:
        """Assign what would make a merge of two hard to read, or hold a map in vain."""
        waiting = [v for v in stage.inputs if self._env[v].variable is None]
        for value in waiting[:-1]:
            if self._lets_go(value):
                self._store(value)
        total = sum(len(c.flat(self._env[value].code)) for value in waiting)
        forms = stage.forms.values()
        listed = all(isinstance(form.function, Apply) for form in forms)
        if listed or total < _LONGEST:
            # Arguments of a call get a line each when they are long.
            return
        for value in waiting:
            self._store(value)

    def _computed_first(self, scope: Scope) -> set[int]:
        """What only a merge reads, another side of which is computed later."""
        first: set[int] = set()
        for node in flat(scope.nodes):
            site = node.site if isinstance(node, PlannedStage) else None
            if site is not None and site.layer.look == "merge":
                sides = [value for value in node.inputs if value >= scope.inputs]
                first.update(v for v in sides[:-1] if self._uses[v] == 1)
        return first

    def _lets_go(self, value: int) -> bool:
        """Whether an expression is the last to read a variable that holds a map.

        Python keeps the map as long as the variable, so the rest of a longer expression
        would be computed beside it.
        """
        return any(
            self._uses[self._holds[name]] == 0
            for name in self._env[value].reads
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
        self._settle(repeat.inputs[0])
        flow = self._env[repeat.inputs[0]].flow
        builder = self._builders.get(repeat.name) if repeat.shared else None
        built = builder if isinstance(builder, PlannedRepeat) else repeat
        told = [self._told(run.stage) for run in built.runs]
        if self.calls_repeats and len(repeat.inputs) == 1 and not any(told):
            called = c.Call(
                self._submodule(repeat.name), (self._take(repeat.inputs[0]),)
            )
            self._hold(repeat.output, called, flow, None, self._reads(repeat.inputs))
            return
        for value in repeat.inputs:
            self._settle(value)
        first, *others = [self._take(value) for value in repeat.inputs]
        held = Held(first, None, flow)
        # What every copy reads must last until the last one.
        for value in repeat.inputs[1:]:
            self._uses[value] += 1
        name = self._variable(held, repeat.output)
        for value in repeat.inputs[1:]:
            self._uses[value] -= 1
        if first != c.Text(name):
            self._lines += c.assign(name, first, self._indent)
        told_by = {
            id(run.stage): sizes for run, sizes in zip(repeat.runs, told, strict=True)
        }
        module = c.flat(self._submodule(repeat.name))
        taken = {run.stage.inputs for run in repeat.runs}
        if taken == {repeat.inputs} and all(sizes == told[0] for sizes in told):
            copy = next(each for each in self.copy_names if each != name)
            self._lines += c.header("for", f"{copy} in {module}", self._indent)
            called = c.Call(c.Text(copy), (c.Text(name), *others, *told[0]))
            self._lines += c.assign(name, called, self._indent + c.INDENT)
        else:
            given = dict(zip(repeat.inputs[1:], others, strict=True))
            for number, stage in enumerate(repeat.copies()):
                more = [given[value] for value in stage.inputs[1:]]
                arguments = (c.Text(name), *more, *told_by[id(stage)])
                called = c.Call(c.Text(f"{module}[{number}]"), arguments)
                self._lines += c.assign(name, called, self._indent)
        self._set(repeat.output, name, name)

    def _settle(self, value: int) -> None:
        if self._env[value].variable is None:
            self._store(value)

    # Choices

    def _choice(self, choice: PlannedChoice) -> None:
        lone = shortcut(choice)
        if lone is not None and is_attribute(lone.node.name):
            source = lone.node.inputs[0]
            # Both arms were counted as reading the source; it is read once.
            self._settle(source)
            flow = self._env[source].flow
            self._uses[source] -= 1
            called = c.Call(self._submodule(lone.node.name), (self._take(source),))
            self._hold(choice.output, called, flow, None, self._reads((source,)))
            return
        for value in sorted(self._waiting):
            self._assign(value)
        flag = f"self.{flag_name(choice)}"
        flow = self._env[choice.input].flow
        uses, env, holds = dict(self._uses), dict(self._env), dict(self._holds)
        target = self._target(choice, flow)
        written: list[list[str]] = []
        # The result of each arm that is a lone expression.
        results: list[c.Code | None] = []
        outside = self._lines
        for nodes, result in (
            (choice.then, choice.then_result),
            (choice.otherwise, choice.otherwise_result),
        ):
            self._uses, self._env = Counter(uses), dict(env)
            self._holds, self._waiting = dict(holds), set()
            self._lines = []
            self._indent += c.INDENT
            self._nodes(nodes)
            code = self._take(result)
            changed = code != c.Text(target)
            results.append(code if changed and not self._lines else None)
            if changed:
                self._lines += c.assign(target, code, self._indent)
            self._indent -= c.INDENT
            written.append(self._lines)
        self._lines, self._env, self._holds = outside, env, holds
        self._uses = Counter(uses)
        for value, count in count_uses([choice]).items():
            self._uses[value] -= count
        then, otherwise = written
        if results[0] is not None and results[1] is not None:
            either = c.Conditional(results[0], flag, results[1])
            self._lines += c.assign(target, either, self._indent)
        elif then:
            self._lines += [*c.header("if", flag, self._indent), *then]
            if otherwise:
                self._lines += [f"{' ' * self._indent}else:", *otherwise]
        elif otherwise:
            self._lines += [*c.header("if", f"not {flag}", self._indent), *otherwise]
        self._waiting = set()
        self._set(choice.output, target, flow)

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
        for name in (*labels, flow, *_OWN_NAMES):
            held = self._holds.get(name)
            if held is None or self._uses[held] <= counted[held]:
                # Free once the arms have read it; they assign it last.
                return name
        number = 2
        while f"branch{number}" in self._holds:
            number += 1
        return f"branch{number}"
