"""The body of `__init__`: how each submodule is built."""

from __future__ import annotations

from archdsl.backends.torch import code as c
from archdsl.backends.torch.children import Children
from archdsl.backends.torch.choices import flag_name, negated, shortcut
from archdsl.backends.torch.expressions import Expressions
from archdsl.backends.torch.formula import quoted
from archdsl.backends.torch.holders import holders
from archdsl.backends.torch.planned import (
    Planned,
    PlannedChoice,
    PlannedRepeat,
    PlannedStage,
    PlannedTraining,
    Scope,
)
from archdsl.backends.torch.reserved import (
    holder_of,
    is_attribute,
    member,
    safe_name,
)
from archdsl.ops.form import Attribute


class Constructor(Expressions):
    """Writes how the submodules of one class are built."""

    def lines(self, nodes: list[Planned], indent: int) -> list[str]:
        """The assignments that build the submodules of these nodes."""
        found: list[str] = []
        for node in nodes:
            if isinstance(node, PlannedTraining):
                found += self.lines(node.nodes, indent)
                continue
            found += self._holders(node, indent)
            if isinstance(node, PlannedChoice):
                found += self._choice(node, indent)
            elif node.shared:
                continue
            elif isinstance(node, PlannedStage) and node.attribute is not None:
                found += self.tensor(node, node.attribute, indent)
            elif isinstance(node, PlannedRepeat) or not self.is_functional(node):
                found += self._built(node, indent)
        return found

    def _holders(self, node: Planned, indent: int) -> list[str]:
        """The statements that make what labels with dots lead through."""
        found: list[str] = []
        for place in holders(node):
            if place in self._made:
                continue
            self._made.add(place)
            # To mypy a module's own attributes may be tensors.
            self.namespace.helpers.add("Any")
            name = member(place) + ("" if "." in place else ": Any")
            code = c.Call(c.Text("nn.Module"), ())
            found += c.assign(name, code, indent)
        return found

    def tensors(self, scope: Scope, indent: int) -> list[str]:
        """The tensors that a group holds beside its submodules."""
        found: list[str] = []
        for node in scope.nodes:
            if isinstance(node, PlannedChoice | PlannedTraining) or node.shared:
                continue
            if isinstance(node, PlannedStage) and node.attribute is not None:
                found += self.tensor(node, node.attribute, indent)
            elif isinstance(node, PlannedStage) and not self.is_functional(node):
                found += self.ties(node, indent)
        return found

    def tensor(
        self, stage: PlannedStage, attribute: Attribute, indent: int
    ) -> list[str]:
        """The statement that makes a tensor of the module itself."""
        code = self.module(stage)
        assert isinstance(code, c.Call)
        if attribute.kind == "parameter":
            return c.assign(member(stage.name, "_parameters"), code, indent)
        own, holder = stage.name.rpartition(".")[2], holder_of(stage.name)
        name = c.Text(quoted(own))
        if not is_attribute(own):
            (value,) = code.arguments
            assert not isinstance(value, c.Keyword)
            lines = c.assign(member(stage.name, "_buffers"), value, indent)
            if not attribute.persistent:
                kept_out = c.Text(f"{holder}._non_persistent_buffers_set.add")
                lines += c.expression(c.Call(kept_out, (name,)), indent)
            return lines
        if own == stage.name:
            self.namespace.tensors[own] = None
        arguments: tuple[c.Code | c.Keyword, ...] = (name, *code.arguments)
        if not attribute.persistent:
            arguments = (*arguments, c.Keyword("persistent", c.Text("False")))
        return c.expression(
            c.Call(c.Text(f"{holder}.register_buffer"), arguments), indent
        )

    def ties(self, stage: PlannedStage, indent: int) -> list[str]:
        """The statements that put another module's tensors in place of its own."""
        if stage.site is None:
            return []
        found: list[str] = []
        for name, other in next(iter(stage.forms.values())).ties:
            target, source = member(stage.name), member(other)
            found += c.assign(f"{target}.{name}", c.Text(f"{source}.{name}"), indent)
        return found

    def _built(self, node: PlannedStage | PlannedRepeat, indent: int) -> list[str]:
        """The statements that build one submodule."""
        if isinstance(node, PlannedRepeat) or node.inner is None:
            found = c.assign(member(node.name), self.module(node), indent)
            if isinstance(node, PlannedStage):
                found += self.ties(node, indent)
            return found
        if node.inner.chain is None or (
            node.inner.is_expression and not node.inner.is_nested
        ):
            return c.assign(member(node.name), self.module(node), indent)
        plain = is_attribute(node.name) and node.name.islower()
        children = Children(self.inside(node.name), node.inner)
        found, items = children.gathered(
            self._variable(safe_name(node.name) if plain else "layers"), indent
        )
        sequential = c.Call(c.Text("nn.Sequential"), (items,))
        return found + c.assign(member(node.name), sequential, indent)

    def _variable(self, hint: str) -> str:
        modules = {name.partition(".")[0] for name in self._imported.values()}
        return self.namespace.variable(hint, modules)

    def sequence(self, scope: Scope, indent: int) -> list[str]:
        """The body of the constructor of a class that is an `nn.Sequential`."""
        children = Children(self, scope)
        if children.only_ends_vary:
            return children.appended(indent)
        found, items = children.gathered(self._variable("layers"), indent)
        made = c.Call(c.Text("super().__init__"), (items,))
        return found + c.expression(made, indent)

    def _choice(self, choice: PlannedChoice, indent: int) -> list[str]:
        condition = self.namespace.condition(choice.conditions)
        lone = shortcut(choice)
        if lone is not None and is_attribute(lone.node.name):
            if lone.negated:
                condition = negated(condition)
            identity = c.Call(c.Text("nn.Identity"), ())
            with self.namespace.under(condition):
                built = self._built(lone.node, indent + c.INDENT)
            return [
                *c.assign(f"self.{lone.node.name}: nn.Module", identity, indent),
                *c.header("if", condition, indent),
                *built,
            ]
        with self.namespace.under(condition):
            then = self.lines(choice.then, indent + c.INDENT)
        with self.namespace.under(negated(condition)):
            otherwise = self.lines(choice.otherwise, indent + c.INDENT)
        flag = f"self.{flag_name(choice)}"
        found = c.assign(flag, c.Text(condition), indent)
        asked = condition if " None" in condition else flag
        if then:
            found += [*c.header("if", asked, indent), *then]
            if otherwise:
                found += [f"{' ' * indent}else:", *otherwise]
        elif otherwise:
            found += [*c.header("if", negated(asked), indent), *otherwise]
        return found
