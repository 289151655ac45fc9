"""The children of an `nn.Sequential` some of which not every use of a block has."""

from __future__ import annotations

from archdsl.backends.torch import code as c
from archdsl.backends.torch.choices import negated
from archdsl.backends.torch.expressions import Expressions
from archdsl.backends.torch.formula import quoted
from archdsl.backends.torch.planned import (
    Planned,
    PlannedChoice,
    PlannedRepeat,
    PlannedStage,
    PlannedTraining,
    Scope,
)


class Children:
    """Writes the statements that put the children of a chain together."""

    def __init__(self, expressions: Expressions, scope: Scope) -> None:
        self._expressions = expressions
        self._namespace = expressions.namespace
        self._scope = scope
        self._named = scope.chain == "names"

    @property
    def only_ends_vary(self) -> bool:
        """Whether what all uses have comes first, so that the rest can be appended."""
        head = _head(self._scope.nodes)
        rest = self._scope.nodes[len(head) :]
        return (
            not self._named
            and bool(head)
            and all(isinstance(node, PlannedChoice) for node in rest)
        )

    def appended(self, indent: int) -> list[str]:
        """The children all uses have given to `super()`, the others appended."""
        head = _head(self._scope.nodes)
        children = tuple(self._expressions.module(node) for node in head)
        found = c.expression(c.Call(c.Text("super().__init__"), children), indent)
        return found + self._added(self._scope.nodes[len(head) :], "self", indent)

    def gathered(self, variable: str, indent: int) -> tuple[list[str], c.Code]:
        """The children in a variable, and how `nn.Sequential` takes it."""
        nodes = self._scope.nodes
        if self._named:
            self._namespace.helpers.add("OrderedDict")
            empty = c.Call(c.Text("OrderedDict"), ())
            kind = f"{variable}: OrderedDict[str, nn.Module]"
            found = c.assign(kind, empty, indent)
            return found + self._added(nodes, variable, indent), c.Text(variable)
        head = _head(nodes)
        first = c.Listing(tuple(self._expressions.module(node) for node in head))
        found = c.assign(f"{variable}: list[nn.Module]", first, indent)
        found += self._added(nodes[len(head) :], variable, indent)
        return found, c.Star(c.Text(variable))

    def _added(self, nodes: list[Planned], target: str, indent: int) -> list[str]:
        found: list[str] = []
        rest = list(nodes)
        while rest:
            alike = _head(rest)
            if self._named:
                for node in alike:
                    entry = f"{target}[{quoted(node.name)}]"
                    found += c.assign(entry, self._expressions.module(node), indent)
            elif alike:
                codes = [self._expressions.module(node) for node in alike]
                found += _more(target, codes, indent)
            rest = rest[len(alike) :]
            if rest:
                choice = rest.pop(0)
                assert isinstance(choice, PlannedChoice)
                found += self._choice(choice, target, indent)
        return found

    def _choice(self, choice: PlannedChoice, target: str, indent: int) -> list[str]:
        condition = self._namespace.condition(choice.conditions)
        arms: list[list[str]] = []
        for asked, nodes in (
            (condition, choice.then),
            (negated(condition), choice.otherwise),
        ):
            with self._namespace.under(asked):
                arms.append(self._added(nodes, target, indent + c.INDENT))
        then, otherwise = arms
        if not then:
            return [*c.header("if", negated(condition), indent), *otherwise]
        found = [*c.header("if", condition, indent), *then]
        if otherwise:
            found += [f"{' ' * indent}else:", *otherwise]
        return found


def _head(nodes: list[Planned]) -> list[PlannedStage | PlannedRepeat]:
    """The children before the first that not all uses have."""
    head: list[PlannedStage | PlannedRepeat] = []
    for node in nodes:
        if isinstance(node, PlannedChoice | PlannedTraining):
            break
        head.append(node)
    return head


def _more(target: str, codes: list[c.Code], indent: int) -> list[str]:
    """Children put at the end of a list, or of the module itself."""
    if len(codes) == 1 or target == "self":
        append = c.Text(f"{target}.append")
        lines = (c.expression(c.Call(append, (code,)), indent) for code in codes)
        return [line for each in lines for line in each]
    return c.assign(target, c.Listing(tuple(codes)), indent, "+=")
