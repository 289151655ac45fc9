"""Network to PyTorch source: one class for each block, one for the net.

The modules of this package decide; `templates/module.py.j2` lays out.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import NamedTuple

from archdsl.backends.torch import code as c
from archdsl.backends.torch import docstring, formula
from archdsl.backends.torch.constructor import Argument, Callee, Constructor
from archdsl.backends.torch.forward import Forward
from archdsl.backends.torch.namespace import Extra, Namespace, for_block, for_net
from archdsl.backends.torch.plan import Mismatch, PlannedStage, Scope, plan
from archdsl.backends.torch.reserved import class_name, safe_name
from archdsl.ir.network import Choice, LayerRef, Module, Network, Node, Repeat, Stage
from archdsl.shapes.expr import Const, InputSize, Opaque, Var, depends


class ClassSource(NamedTuple):
    """A class as the template lays it out: lines without a common indentation."""

    name: str
    base: str
    doc: list[str]
    init: list[str]
    forward: list[str]


class _Use(NamedTuple):
    """A call of a block: which parameters it sets."""

    module: Module
    given: set[str]


def emit(network: Network) -> str:
    """The PyTorch source of a checked net.

    The source imports torch alone. Its last class is the net.
    """
    return _Emitter(network).source()


class _Emitter:
    def __init__(self, network: Network) -> None:
        self._network = network
        self._classes: list[ClassSource] = []
        self._callees: dict[int, Callee] = {}
        self._helpers: set[str] = set()
        self._needs_math = False
        self._taken: set[str] = set()

    def source(self) -> str:
        root = self._network.root
        net_name = class_name(self._network.name or "net")
        self._taken.add(net_name)
        for modules, given in _blocks(root):
            self._block(modules, given)
        self._classes.append(self._net(root, net_name))
        return self._laid_out()

    # Classes

    def _unique(self, name: str) -> str:
        taken = self._taken | {helper_class(helper) for helper in _ALL_HELPERS}
        unique, number = name, 2
        while unique in taken:
            unique = f"{name}{number}"
            number += 1
        self._taken.add(unique)
        return unique

    def _block(self, modules: list[Module], given: dict[int, set[str]]) -> None:
        """Classes for the variants of a block: one, if they can share it."""
        rest = modules
        while rest:
            shared = self._try(rest, given)
            size = len(rest)
            if not shared:
                shared = 1
                self._try_or_fail(rest[:1], given)
                size = 1
                # Grow the class as far as it goes, then begin another.
                while size < len(rest):
                    self._drop(rest[:size])
                    if not self._try(rest[: size + 1], given):
                        self._try_or_fail(rest[:size], given)
                        break
                    size += 1
            rest = rest[size:]

    def _drop(self, modules: list[Module]) -> None:
        name = self._classes.pop().name
        self._taken.discard(name)
        for module in modules:
            del self._callees[id(module)]

    def _try_or_fail(self, modules: list[Module], given: dict[int, set[str]]) -> None:
        if not self._try(modules, given):
            raise AssertionError(f"no class for the block {modules[0].name}")

    def _try(self, modules: list[Module], given: dict[int, set[str]]) -> bool:
        """Write one class for these variants; False if they do not go together."""
        taken = set(self._taken)
        count = len(self._classes)
        try:
            self._write_block(modules, given)
        except Mismatch:
            self._taken = taken
            del self._classes[count:]
            return False
        return True

    def _write_block(self, modules: list[Module], given: dict[int, set[str]]) -> None:
        first = modules[0]
        scope = plan(modules)
        input_names = first.input_names or ("x",)
        namespace = for_block(
            dict(enumerate(modules)),
            {at: given[id(module)] for at, module in enumerate(modules)},
            first.input_names,
        )
        name = self._unique(class_name(first.name))
        constructor = self._constructor(namespace, first.name, positional=False)
        built = constructor.lines(scope.nodes, 2 * c.INDENT)
        inputs = [safe_name(i) if i != "x" else "x" for i in input_names]
        forward = Forward(scope, constructor, inputs, positional=False).lines()
        arguments = self._arguments(modules, given, namespace)
        doc = [f"Block `{first.name}`" + _place(first, self._network.source_name)]
        doc += _shapes(first, "Shapes at its first use, without the batch:")
        self._classes.append(
            ClassSource(
                name,
                "nn.Module",
                doc,
                _init(arguments, built),
                _forward(inputs, forward),
            )
        )
        self._finish(namespace)
        index = {id(module): at for at, module in enumerate(modules)}
        callee = Callee(name, arguments, index, len(first.inputs))
        for module in modules:
            self._callees[id(module)] = callee

    def _finish(self, namespace: Namespace) -> None:
        self._helpers |= namespace.helpers
        self._needs_math = self._needs_math or namespace.needs_math

    def _constructor(
        self, namespace: Namespace, owner: str, positional: bool
    ) -> Constructor:
        def group_class(
            scope: Scope, outer: Namespace, stage: PlannedStage
        ) -> tuple[str, list[str]]:
            return self._group_class(scope, outer, stage, owner)

        return Constructor(
            namespace, lambda module: self._callees[id(module)], group_class, positional
        )

    def _group_class(
        self, scope: Scope, outer: Namespace, stage: PlannedStage, owner: str
    ) -> tuple[str, list[str]]:
        """A labelled group that is no plain chain: an nn.Sequential of its own."""
        namespace = Namespace(outer.known, outer.live, outer.names)
        word = class_name(stage.name) if not stage.name.isdigit() else "Copy"
        name = self._unique(class_name(owner) + word)
        constructor = self._constructor(namespace, owner, positional=True)
        children = c.Call(c.Text("super().__init__"), constructor.items(scope))
        built = c.expression(children, 2 * c.INDENT)
        inputs = ["x", *(f"y{n}" if n > 1 else "y" for n in range(1, scope.inputs))]
        forward = Forward(scope, constructor, inputs, positional=True).lines()
        arguments = [
            Argument(
                namespace.names[used], used, _annotation(_worth(namespace, used)), None
            )
            for used in namespace.used
        ]
        arguments += [
            Argument(extra.name, extra, _annotation(list(extra.values.values())), None)
            for extra in namespace.extras.values()
        ]
        target = stage.any.target
        assert isinstance(target, Module)
        doc = [f"The group `{stage.name}`" + _place(target, self._network.source_name)]
        head = _init_signature(arguments)
        self._classes.append(
            ClassSource(
                name, "nn.Sequential", doc, [*head, *built], _forward(inputs, forward)
            )
        )
        self._finish(namespace)
        for used in namespace.used:
            outer.used[used] = None
        given = [namespace.names[used] for used in namespace.used]
        for extra in namespace.extras.values():
            given.append(
                outer.write(
                    extra.values,
                    {at: _const(value) for at, value in extra.values.items()},
                    extra.name,
                )
            )
        return name, given

    def _net(self, root: Module, name: str) -> ClassSource:
        scope = plan([root])
        exposed = _exposed(root)
        namespace = for_net(root, exposed)
        constructor = self._constructor(namespace, self._network.name, positional=False)
        built = constructor.lines(scope.nodes, 2 * c.INDENT)
        forward = Forward(scope, constructor, ["x"], positional=False).lines()
        arguments = [
            Argument(
                namespace.names[used],
                used,
                _annotation([namespace.known[0][used]]),
                formula.literal(namespace.known[0][used]),
            )
            for used in sorted(
                namespace.used,
                key=lambda n: list(namespace.names).index(n),
            )
        ]
        self._finish(namespace)
        doc = self._net_doc(root)
        return ClassSource(
            name, "nn.Module", doc, _init(arguments, built), _forward(["x"], forward)
        )

    def _net_doc(self, root: Module) -> list[str]:
        cost = root.cost
        source = self._network.source_name
        title = f"The net `{self._network.name}` of {source}" if self._network.name else (
            f"The net of {source}"
        )
        shapes = " and ".join(map(str, root.inputs))
        doc = [f"{title}: {shapes} to {root.type}."]
        doc += ["", f"{cost.params:,} parameters, {cost.macs:,} multiply-adds."]
        doc += _shapes(root, "Shapes are channels first, without the batch:")
        return doc

    def _arguments(
        self,
        modules: list[Module],
        given: dict[int, set[str]],
        namespace: Namespace,
    ) -> list[Argument]:
        """The constructor's arguments, those with a default last."""
        required: list[Argument] = []
        optional: list[Argument] = []
        for name in namespace.names:
            if name not in namespace.used:
                continue
            worth = _worth(namespace, name)
            default = None
            if isinstance(name, Var):
                left_out = {
                    formula.literal(module.params[name.name].value)
                    for module in modules
                    if name.name not in given[id(module)]
                }
                if len(left_out) == 1:
                    default = left_out.pop()
            argument = Argument(
                namespace.names[name], name, _annotation(worth), default
            )
            (optional if default is not None else required).append(argument)
        sizes = [a for a in required if isinstance(a.stands_for, InputSize)]
        others = [a for a in required if not isinstance(a.stands_for, InputSize)]
        extras = [
            Argument(extra.name, extra, _annotation(list(extra.values.values())), None)
            for extra in namespace.extras.values()
        ]
        return [*sizes, *others, *extras, *optional]

    # Layout

    def _laid_out(self) -> str:
        from jinja2 import Environment, StrictUndefined

        template = files(__package__).joinpath("templates/module.py.j2")
        environment = Environment(
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            undefined=StrictUndefined,
            autoescape=False,
        )
        helpers = [helper_source(name) for name in sorted(self._helpers & _ALL_HELPERS)]
        text = "\n".join(
            "\n".join((*source.init, *source.forward)) for source in self._classes
        ) + "".join(helpers)
        body = environment.from_string(template.read_text(encoding="utf-8")).render(
            title=_title(self._network),
            imports=_imports(
                text, self._needs_math or "math." in text, "OrderedDict" in self._helpers
            ),
            helpers=helpers,
            classes=self._classes,
        )
        return body


def _title(network: Network) -> str:
    name = formula.quoted(network.source_name)[1:-1]
    if network.name:
        return f"{network.name}, from {name}. Made by archdsl."
    return f"Made by archdsl from {name}."


def _imports(text: str, needs_math: bool, needs_ordered: bool) -> list[str]:
    standard = []
    if needs_math:
        standard.append("import math")
    if needs_ordered:
        standard.append("from collections import OrderedDict")
    third = []
    if "torch." in text:
        third.append("import torch")
    third.append("from torch import Tensor, nn")
    if "F." in text:
        third.append("from torch.nn import functional as F")
    return [*standard, *([""] if standard else []), *third]


# Helper classes


_ALL_HELPERS = frozenset(
    "euclidean_rbf global_avg_pool make_divisible partial_conv2d scaled_tanh"
    " scaled_tanh_module subsample2d zero_pad_channels".split()
)

_HELPER_CLASSES = {
    "euclidean_rbf": "EuclideanRBF",
    "global_avg_pool": "GlobalAvgPool",
    "partial_conv2d": "PartialConv2d",
    "scaled_tanh_module": "ScaledTanh",
    "subsample2d": "Subsample2d",
    "zero_pad_channels": "ZeroPadChannels",
}


def helper_class(name: str) -> str:
    """The class that a helper file defines."""
    return _HELPER_CLASSES.get(name, name)


def helper_source(name: str) -> str:
    """A helper's definitions, without its docstring and imports."""
    text = files("archdsl.ops").joinpath(f"helpers/{name}.py").read_text("utf-8")
    lines = text.splitlines()
    begin = next(
        at for at, line in enumerate(lines) if line.startswith(("class ", "def "))
    )
    return "\n".join(lines[begin:]).rstrip()


# Lines


def _place(module: Module, source_name: str) -> str:
    return f", line {module.span.line} of {source_name}."


def _shapes(module: Module, title: str) -> list[str]:
    rows = docstring.table(module, c.INDENT)
    return ["", title, "", *rows] if rows else []


def _parameter(argument: Argument) -> str:
    text = f"{argument.name}: {argument.annotation}"
    return text if argument.default is None else f"{text} = {argument.default}"


def _init_signature(arguments: list[Argument]) -> list[str]:
    parameters = ["self", *map(_parameter, arguments)]
    return c.signature("__init__", parameters, "None", c.INDENT)


def _init(arguments: list[Argument], built: list[str]) -> list[str]:
    if not built and not arguments:
        return []
    return [*_init_signature(arguments), "        super().__init__()", *built]


def _forward(inputs: list[str], body: list[str]) -> list[str]:
    parameters = ["self", *(f"{name}: Tensor" for name in inputs)]
    return [*c.signature("forward", parameters, "Tensor", c.INDENT), *body]


def _annotation(values: list[object]) -> str:
    kinds = {_kind(value) for value in values}
    if kinds == {"int", "float"}:
        return "float"
    return " | ".join(sorted(kinds))


def _kind(value: object) -> str:
    if isinstance(value, tuple) and not isinstance(value, LayerRef):
        inner = sorted({_kind(item) for item in value}) or ["int"]
        return f"tuple[{' | '.join(inner)}, ...]"
    return type(value).__name__


def _worth(namespace: Namespace, name: Var | InputSize) -> list[object]:
    return [known[name] for known in namespace.known.values()]


def _const(value: object) -> Const:
    return Const(value)


# The graph of modules


def _stages(nodes: tuple[Node, ...]) -> Iterator[Stage]:
    """All stages of a scope, groups opened, blocks not."""
    stack = list(reversed(nodes))
    while stack:
        node = stack.pop()
        if isinstance(node, Choice):
            stack.extend(reversed(node.nodes))
            continue
        inner = [run.stage for run in node.runs] if isinstance(node, Repeat) else [node]
        for stage in inner:
            yield stage
            if isinstance(stage.target, Module) and stage.target.kind == "group":
                stack.extend(reversed(stage.target.nodes))


def _blocks(root: Module) -> list[tuple[list[Module], dict[int, set[str]]]]:
    """The variants of each block, those that others call first."""
    variants: dict[str, list[Module]] = {}
    given: dict[int, set[str]] = {}
    below: dict[str, set[str]] = {}
    seen: set[int] = set()
    queue = [root]
    for module in queue:
        for stage in _stages(module.nodes):
            target = stage.target
            if not isinstance(target, Module) or target.kind != "block":
                continue
            if module is not root:
                below.setdefault(module.name, set()).add(target.name)
            given.setdefault(id(target), set()).update(stage.args)
            if id(target) not in seen:
                seen.add(id(target))
                variants.setdefault(target.name, []).append(target)
                queue.append(target)
    order: list[str] = []
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in done or name in path:
            return
        for other in sorted(below.get(name, ())):
            visit(other, (*path, name))
        done.add(name)
        order.append(name)

    for name in variants:
        visit(name, ())
    return [(variants[name], given) for name in order]


def _exposed(root: Module) -> list[str]:
    """The parameters of a net that only fill in numbers.

    What decides the structure, or goes into a block or a size that has no formula,
    is settled when the net is compiled.
    """
    settled: set[Var | InputSize] = set(root.decided)
    for stage in _stages(root.nodes):
        if isinstance(stage.target, Module):
            for bound in stage.args.values():
                settled |= depends(bound.expr)
            if stage.target.kind == "block":
                settled |= {
                    name
                    for tensor in _caller_types(root, stage)
                    for dim in tensor
                    for name in dim
                }
        for dim in stage.type.dims:
            if isinstance(dim.expr, Opaque):
                settled |= dim.expr.depends
    return [
        name
        for name, bound in root.params.items()
        if isinstance(bound.value, int | float) and Var(name) not in settled
    ]


def _caller_types(
    root: Module, call: Stage
) -> list[list[frozenset[Var | InputSize]]]:
    """What the sizes that flow into a call depend on."""
    by_output = {stage.output: stage for stage in _stages(root.nodes)}
    found = []
    for value in call.inputs:
        made = by_output.get(value)
        if made is not None:
            found.append([depends(dim.expr) for dim in made.type.dims])
    return found
