"""Network to PyTorch source: one class for each block, one for the net.

The modules of this package decide; `templates/module.py.j2` lays out.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from archdsl.backends.torch import code as c
from archdsl.backends.torch import docstring, formula, imports, results, uses
from archdsl.backends.torch.constructor import Argument, Callee, Constructor
from archdsl.backends.torch.forward import Forward
from archdsl.backends.torch.helpers import HELPERS, helper_class, helper_source
from archdsl.backends.torch.namespace import Namespace, for_block, for_net
from archdsl.backends.torch.plan import plan
from archdsl.backends.torch.planned import MismatchError, PlannedStage, Scope
from archdsl.backends.torch.reserved import clashes, class_name, safe_name
from archdsl.backends.torch.results import ClassSource
from archdsl.backends.torch.size import check_size
from archdsl.backends.torch.uses import blocks, exposed
from archdsl.ir.network import LayerRef, Module, Network
from archdsl.ir.signature import inputs_text, outputs_text
from archdsl.shapes.expr import Const, InputSize, Var


def emit(network: Network) -> str:
    """The PyTorch source of a checked net.

    The source imports torch alone, and what externs name. Its last class is the net.
    Raises TooLongError for a repeat that would have to be written out and is too long.
    """
    return _Emitter(network).source()


def net_class(name: str) -> str:
    """The class of the net of that name."""
    shown = class_name(name or "net")
    return f"{shown}Net" if shown in _reserved_classes() else shown


def _reserved_classes() -> set[str]:
    """Classes that the source imports or carries along."""
    return {"Any", "F", "OrderedDict", "Tensor", *map(helper_class, HELPERS)}


class _Emitter:
    def __init__(self, network: Network) -> None:
        self._network = network
        self._classes: list[ClassSource] = []
        self._callees: dict[int, Callee] = {}
        self._helpers: set[str] = set()
        self._needs_math = False
        self._taken: set[str] = set()
        # How many classes there were before the last block was tried.
        self._begun = 0
        self._imported: dict[imports.Place, str] = {}

    def source(self) -> str:
        root = self._network.root
        net_name = net_class(self._network.name)
        self._taken.add(net_name)
        places = uses.imports(root)
        if places:
            taken = self._taken | _reserved_classes() | uses.words(root)
            self._imported = imports.local_names(places, taken)
            self._taken |= {name.partition(".")[0] for name in self._imported.values()}
        used = blocks(root)
        check_size(root, [module for modules, _ in used for module in modules])
        for modules, given in used:
            self._block(modules, given)
        self._classes.append(self._net(root, net_name))
        return self._laid_out()

    # Classes

    def _place(self, module: Module) -> str:
        name = docstring.plain(module.span.source.name)
        return f", line {module.span.line} of {name}."

    def _unique(self, name: str) -> str:
        taken = self._taken | _reserved_classes()
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
            size = len(rest)
            if not self._try(rest, given):
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
        """Take the classes out again that the last try wrote."""
        for source in self._classes[self._begun :]:
            self._taken.discard(source.name)
        del self._classes[self._begun :]
        for module in modules:
            del self._callees[id(module)]

    def _try_or_fail(self, modules: list[Module], given: dict[int, set[str]]) -> None:
        if not self._try(modules, given):
            raise AssertionError(f"no class for the block {modules[0].name}")

    def _try(self, modules: list[Module], given: dict[int, set[str]]) -> bool:
        """Write one class for these variants; False if they do not go together."""
        taken = set(self._taken)
        self._begun = count = len(self._classes)
        try:
            self._write_block(modules, given)
        except MismatchError:
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
        namespace.taken = scope.names()
        built = constructor.lines(scope.registered, 2 * c.INDENT)
        inputs = [safe_name(i) if i != "x" else "x" for i in input_names]
        forward = Forward(scope, constructor, inputs, positional=False).lines()
        arguments = self._arguments(modules, given, namespace)
        doc = [f"Block `{first.name}`" + self._place(first)]
        doc += _shapes(first, "Shapes at its first use, without the batch:")
        self._classes.append(
            ClassSource(
                name,
                "nn.Module",
                doc,
                [*_declared(namespace), *_init(arguments, [*_kept(namespace), *built])],
                _forward(inputs, forward),
            )
        )
        self._finish(namespace)
        index = {id(module): at for at, module in enumerate(modules)}
        callee = Callee(name, arguments, index)
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
            namespace,
            lambda module: self._callees[id(module)],
            group_class,
            self._imported,
            positional,
        )

    def _group_class(
        self, scope: Scope, outer: Namespace, stage: PlannedStage, owner: str
    ) -> tuple[str, list[str]]:
        """A labelled group that is no plain chain: an nn.Sequential of its own."""
        namespace = Namespace(outer.known, outer.live, outer.names)
        namespace.dynamic = outer.dynamic
        label = stage.name.rpartition(".")[2]
        word = class_name(label) if not label.isdigit() else "Copy"
        name = self._unique(class_name(owner) + word)
        constructor = self._constructor(namespace, owner, positional=True)
        namespace.taken = scope.names()
        if any(map(clashes, scope.names())):
            # Put where nn.Sequential would put them.
            built = ["        super().__init__()"]
            built += constructor.lines(scope.nodes, 2 * c.INDENT)
        else:
            children = c.Call(c.Text("super().__init__"), constructor.items(scope))
            built = c.expression(children, 2 * c.INDENT)
            built += constructor.tensors(scope, 2 * c.INDENT)
        inputs = ["x", *(f"y{n}" if n > 1 else "y" for n in range(1, scope.inputs))]
        forward = Forward(scope, constructor, inputs, positional=True).lines()
        told = namespace.sizes_read()
        outer.told[id(stage)] = told
        outer.read.update(told)
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
        doc = [f"The group `{docstring.plain(stage.name)}`" + self._place(target)]
        head = _init_signature(arguments)
        init = [*_declared(namespace), *head, *built, *_kept(namespace)]
        sizes = [namespace.names[size] for size in told]
        source = ClassSource(
            name, "nn.Sequential", doc, init, _forward(inputs, forward, sizes=sizes)
        )
        name = self._group_source(source)
        self._finish(namespace)
        for used in namespace.used:
            outer.used[used] = None
        given = [namespace.names[used] for used in namespace.used]
        for extra in namespace.extras.values():
            given.append(
                outer.write(
                    extra.values,
                    {at: Const(value) for at, value in extra.values.items()},
                    extra.name,
                )
            )
        return name, given

    def _group_source(self, source: ClassSource) -> str:
        """The class of a group: one that says the same, or a new one."""
        for known in self._classes:
            if known[3:] == source[3:] and known.base == source.base:
                self._taken.discard(source.name)
                return known.name
        self._classes.append(source)
        return source.name

    def _net(self, root: Module, name: str) -> ClassSource:
        scope = plan([root])
        namespace = for_net(root, exposed(root))
        constructor = self._constructor(namespace, self._network.name, positional=False)
        namespace.taken = scope.names()
        built = constructor.lines(scope.registered, 2 * c.INDENT)
        inputs = [safe_name(i) if i != "x" else "x" for i in root.input_names] or ["x"]
        result = results.of(root, self._unique(f"{name}Output"))
        if result.source is not None:
            self._classes.append(result.source)
        whole = frozenset(
            number
            for number, tensor in enumerate(root.inputs)
            if tensor.dtype != "float"
        )
        forward = Forward(
            scope, constructor, inputs, False, result.returns, whole
        ).lines()
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
            name,
            "nn.Module",
            doc,
            [*_declared(namespace), *_init(arguments, [*_kept(namespace), *built])],
            _forward(inputs, forward, result.annotation),
        )

    def _net_doc(self, root: Module) -> list[str]:
        cost = root.cost
        source = docstring.plain(self._network.source_name)
        named = f" `{self._network.name}`" if self._network.name else ""
        title = f"The net{named} of {source}"
        doc = _wrapped(f"{title}: {inputs_text(root)} to {outputs_text(root)}.")
        counted = f"{cost.params:,} parameters, {cost.macs:,} multiply-adds."
        doc += ["", *_wrapped(counted)]
        if self._network.facts is not None:
            needs = ", ".join(self._network.facts.constraints())
            doc += _wrapped(f"It needs {needs}.") if needs else []
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

    def _standard(self) -> list[str]:
        """The imports from Python's own library, sorted as `ruff` has them."""
        lines = []
        if "OrderedDict" in self._helpers:
            lines.append("from collections import OrderedDict")
        if "indexed" in self._helpers:
            lines.append("from collections.abc import Callable")
        typing = ["Any"] if "Any" in self._helpers else []
        if any(source.base == "NamedTuple" for source in self._classes):
            typing.append("NamedTuple")
        if typing:
            lines.append(f"from typing import {', '.join(typing)}")
        return lines

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
        helpers = [helper_source(name) for name in sorted(self._helpers & HELPERS)]
        text = "\n".join(
            "\n".join((*source.init, *source.forward)) for source in self._classes
        ) + "".join(helpers)
        text += "".join(source.base for source in self._classes)
        body = environment.from_string(template.read_text(encoding="utf-8")).render(
            title=_title(self._network),
            imports=imports.lines(
                text, self._needs_math, self._standard(), self._imported
            ),
            helpers=helpers,
            classes=self._classes,
        )
        return body


def _title(network: Network) -> str:
    name = docstring.plain(network.source_name)
    if network.name:
        return f"{network.name}, from {name}. Made by archdsl."
    return f"Made by archdsl from {name}."


# Lines


def _wrapped(text: str) -> list[str]:
    """Text of a docstring in lines; formulas are parted at their blanks."""
    from textwrap import wrap

    return wrap(
        text, c.WIDTH - c.INDENT, break_long_words=False, break_on_hyphens=False
    )


def _shapes(module: Module, title: str) -> list[str]:
    rows = docstring.table(module, c.INDENT)
    return ["", title, "", *rows] if rows else []


def _declared(namespace: Namespace) -> list[str]:
    """The types of the constants that a class holds."""
    lines = [f"{' ' * c.INDENT}{name}: Tensor" for name in namespace.tensors]
    return [*lines, ""] if lines else []


def _kept(namespace: Namespace) -> list[str]:
    """The statements that keep constructor arguments for `forward`."""
    return [
        line
        for argument, attribute in namespace.kept.items()
        for line in c.assign(f"self.{attribute}", c.Text(argument), 2 * c.INDENT)
    ]


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


def _forward(
    inputs: list[str],
    body: list[str],
    annotation: str = "Tensor",
    sizes: Sequence[str] = (),
) -> list[str]:
    tensors = (f"{name}: Tensor" for name in inputs)
    parameters = ["self", *tensors, *(f"{name}: int" for name in sizes)]
    return [*c.signature("forward", parameters, annotation, c.INDENT), *body]


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
