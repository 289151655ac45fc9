"""What a closed block tells of its arguments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archdsl.backends.diagram.closing import Class, class_of
from archdsl.backends.diagram.words import span
from archdsl.backends.text.wording import shortened
from archdsl.ir.network import Choice, LayerRef, Module, Network, Node, Stage
from archdsl.shapes.expr import Var, depends

# So many characters of arguments are written.
_LONGEST = 32
# The name and arguments are one line of so many.
_TITLE = 24


class Told:
    """The arguments in which the uses of a block differ, and which matter there.

    Those that set nothing but the rate of a regularisation are left out: the blocks of
    a net with stochastic depth would differ in nothing else.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._values: dict[Class, dict[str, set[str]]] | None = None
        self._matter: dict[int, frozenset[str]] = {}

    def lines(self, title: str, stages: Sequence[Stage]) -> list[str]:
        """What stands in a closed box: its name, its arguments, how many layers."""
        layers = [stage.cost.layers for stage in stages]
        count = span(f"{min(layers):,}", f"{max(layers):,}")
        told = self.arguments(stages)
        lines = [title, told, f"{count} layers"]
        if told and len(title) + len(told) < _TITLE:
            lines[:2] = [f"{title} {told}".strip()]
        return [line for line in lines if line]

    def arguments(self, stages: Sequence[Stage]) -> str:
        """Those of one box: `c=256, s=2`, or the values alone where they are many.

        Numbers of several copies are a range.
        """
        module = stages[0].target
        if not isinstance(module, Module) or module.kind != "block":
            return ""
        if self._values is None:
            self._values = {}
            self._collect(self._network.root)
        modules = [s.target for s in stages if isinstance(s.target, Module)]
        matter = frozenset[str]().union(*map(self._used, modules))
        told: list[tuple[str, str]] = []
        for name, values in self._values[class_of(module)].items():
            if len(values) > 1 and name in matter:
                text = _text([module.params[name].value for module in modules])
                told += [(name, text)] if text else []
        line = ", ".join(f"{name}={text}" for name, text in told)
        if len(line) > _LONGEST:
            line = shortened(", ".join(text for _, text in told), _LONGEST)
        return line

    def _collect(self, root: Module) -> None:
        """Which values the arguments of each block have in the net."""
        assert self._values is not None
        seen = {id(root)}
        stack = [root]
        while stack:
            for stage in _stages(stack.pop().nodes):
                if not isinstance(stage.target, Module):
                    continue
                if id(stage.target) in seen:
                    continue
                seen.add(id(stage.target))
                stack.append(stage.target)
                values = self._values.setdefault(class_of(stage.target), {})
                for name, bound in stage.target.params.items():
                    values.setdefault(name, set()).add(repr(bound.value))

    def _used(self, module: Module) -> frozenset[str]:
        """The parameters that set something else than a rate."""
        found = self._matter.get(id(module))
        if found is not None:
            return found
        names = {name for name in module.decided if isinstance(name, Var)}
        matter = {name.name for name in names}
        for stage in _stages(module.nodes):
            if stage.chosen_by:
                matter.add(stage.chosen_by)
            if isinstance(stage.target, Module):
                inner = self._used(stage.target)
                if stage.target.kind != "block":
                    matter |= inner
                taken = [b.expr for n, b in stage.args.items() if n in inner]
            elif stage.target.layer.look != "regularisation":
                taken = [bound.expr for bound in stage.args.values()]
            else:
                continue
            matter |= {v.name for v in depends(*taken) if isinstance(v, Var)}
        result = self._matter[id(module)] = frozenset(matter)
        return result


def _stages(nodes: Iterable[Node]) -> Iterable[Stage]:
    for node in nodes:
        if isinstance(node, Stage):
            yield node
        elif isinstance(node, Choice):
            yield from _stages(node.nodes)
        else:
            yield from (run.stage for run in node.runs)


def _text(values: Sequence[object]) -> str:
    first = values[0]
    if all(value == first for value in values):
        if isinstance(first, LayerRef):
            return first.name
        if isinstance(first, bool):
            return str(first).lower()
        if isinstance(first, float):
            return f"{first:g}"
        return "" if isinstance(first, tuple) else str(first)
    whole = [value for value in values if type(value) is int]
    return f"{min(whole)}–{max(whole)}" if len(whole) == len(values) else ""
