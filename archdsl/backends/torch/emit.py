"""Network to PyTorch source: one class for each block, one for the net.

The modules of this package decide; `templates/module.py.j2` lays out.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from archdsl.backends.torch import code as c
from archdsl.backends.torch import (
    docstring,
    formula,
    imports,
    lines,
    results,
    uses,
    variants,
)
from archdsl.backends.torch.arguments import (
    argument,
    block_arguments,
    extra_arguments,
)
from archdsl.backends.torch.constructor import Constructor
from archdsl.backends.torch.expressions import Callee
from archdsl.backends.torch.forward import Forward
from archdsl.backends.torch.helpers import HELPERS, helper_class, helper_source
from archdsl.backends.torch.namespace import Namespace, for_block, for_net
from archdsl.backends.torch.plan import plan
from archdsl.backends.torch.planned import (
    MismatchError,
    PlannedStage,
    Scope,
    UnwrittenError,
)
from archdsl.backends.torch.reserved import clashes, class_name, safe_name
from archdsl.backends.torch.results import ClassSource
from archdsl.backends.torch.size import NoSourceError, check_size
from archdsl.backends.torch.uses import blocks, exposed
from archdsl.ir.network import Module, Network
from archdsl.ir.signature import inputs_text, outputs_text
from archdsl.shapes.expr import Const
from archdsl.source import Span

if TYPE_CHECKING:
    from jinja2 import Template


def emit(network: Network) -> str:
    """The PyTorch source of a checked net.

    The source imports torch alone, and what externs name. Its last class is the net.
    Raises NoSourceError for a repeat that would have to be written out and is too long,
    and for a size that is not known and cannot be written where it is needed.
    """
    return Emitter(network).source()


def _unwritten(problem: UnwrittenError, span: Span) -> NoSourceError:
    if problem.too_long:
        return NoSourceError(
            "E0705",
            "the formula of a size is too long to be written into a source",
            span,
            "give some sizes of the input as numbers",
        )
    return NoSourceError(
        "E0310",
        f"the source needs a number here, and {problem.size} is known only when tensors"
        " arrive",
        span,
        "inside a block `in.h` and the like read the sizes of its own inputs",
    )


def net_class(name: str) -> str:
    """The class of the net of that name."""
    shown = class_name(name or "net")
    return f"{shown}Net" if shown in _reserved_classes() else shown


def _reserved_classes() -> set[str]:
    """Classes that the source imports or carries along."""
    return {"Any", "F", "OrderedDict", "Tensor", *map(helper_class, HELPERS)}


def _text(source: ClassSource) -> object:
    """What classes have in common where one is enough: not the docstring."""
    return (source.base, tuple(source.init), tuple(source.forward))


class Carried(NamedTuple):
    """Definitions, as text, that stand before and after the classes of a source."""

    before: list[str]
    after: list[str]


class Emitter:
    """Writes the source of one net; emission for inference writes other classes."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._classes: list[ClassSource] = []
        self._callees: dict[int, Callee] = {}
        self._helpers: set[str] = set()
        self._needs_math = False
        self._taken: set[str] = set()
        # Names of classes as they were given: the name that was wanted, and its number.
        self._given: dict[str, tuple[str, int]] = {}
        self._names: list[str] = []
        # By a name that is wanted, the first number that may be free.
        self._numbers: dict[str, int] = {}
        self._by_text: dict[object, str] = {}
        self._imported: dict[imports.Place, str] = {}

    def source(self) -> str:
        """The source. Raises NoSourceError if there is none."""
        try:
            return self._source()
        except UnwrittenError as problem:
            span = problem.span or self._network.root.span
            raise _unwritten(problem, span) from None

    def _source(self) -> str:
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
        reserved = _reserved_classes()
        number = self._numbers.get(name, 1)
        unique = name if number == 1 else f"{name}{number}"
        while unique in self._taken or unique in reserved:
            number += 1
            unique = f"{name}{number}"
        self._numbers[name] = number
        self._given[unique] = name, number
        self._names.append(unique)
        self._taken.add(unique)
        return unique

    def _free(self, unique: str) -> None:
        """Take a name back."""
        name, number = self._given.pop(unique)
        self._numbers[name] = min(number, self._numbers[name])
        self._taken.discard(unique)

    def _add(self, source: ClassSource) -> None:
        self._classes.append(source)
        self._by_text.setdefault(_text(source), source.name)

    def _drop(self, classes: int, names: int) -> None:
        """Forget all classes and names but the first."""
        for source in self._classes[classes:]:
            if self._by_text.get(_text(source)) == source.name:
                del self._by_text[_text(source)]
        del self._classes[classes:]
        for name in self._names[names:]:
            if name in self._given:
                self._free(name)
        del self._names[names:]

    def _block(self, modules: list[Module], given: dict[int, set[str]]) -> None:
        """Classes for the variants of a block: one, if they can share it."""
        if self._fits(modules, given, keep=True):
            return

        def fits(numbers: list[int]) -> bool:
            return self._fits([modules[number] for number in numbers], given)

        def called(module: Module) -> int:
            return id(self._callees[id(module)])

        for numbers in variants.shared(modules, fits, called):
            self._write_block([modules[number] for number in numbers], given)

    def _fits(
        self, modules: list[Module], given: dict[int, set[str]], keep: bool = False
    ) -> bool:
        """Whether these variants can share a class, which is written to `keep`."""
        before = len(self._classes), len(self._names)
        helpers = set(self._helpers)
        needs_math = self._needs_math
        try:
            self._write_block(modules, given)
        except MismatchError:
            keep = False
            return False
        finally:
            if not keep:
                self._helpers, self._needs_math = helpers, needs_math
                self._drop(*before)
                for module in modules:
                    self._callees.pop(id(module), None)
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
        follow = scope.chain == "positions"
        constructor = self._constructor(namespace, first.name, positional=follow)
        namespace.taken = scope.names()
        if follow:
            built = constructor.sequence(scope, 2 * c.INDENT)
            forward = []
        else:
            built = constructor.lines(scope.registered, 2 * c.INDENT)
            inputs = [safe_name(i) if i != "x" else "x" for i in input_names]
            body = Forward(scope, constructor, inputs, positional=False).lines()
            forward = lines.forward(inputs, body)
            built = [*lines.kept(namespace), *built]
        namespace.settle_layers()
        arguments = block_arguments(
            modules, [given[id(module)] for module in modules], namespace
        )
        doc = [f"Block `{first.name}`" + self._place(first)]
        doc += lines.shapes(first, "Shapes at its first use, without the batch:")
        init = lines.init(arguments, built, with_super=not follow)
        base = "nn.Sequential" if follow else "nn.Module"
        init = [*lines.declared(namespace), *init]
        self._add(ClassSource(name, base, doc, init, forward))
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
        namespace = Namespace(outer.known, outer.live, outer.names, layers=outer.layers)
        namespace.dynamic = outer.dynamic
        label = stage.name.rpartition(".")[2]
        word = class_name(label) if not label.isdigit() else "Copy"
        name = self._unique(class_name(owner) + word)
        constructor = self._constructor(namespace, owner, positional=True)
        namespace.taken = scope.names()
        forward: list[str] = []
        if scope.chain is not None:
            built = constructor.sequence(scope, 2 * c.INDENT)
        elif any(map(clashes, scope.names())):
            # Put where nn.Sequential would put them.
            built = ["        super().__init__()"]
            built += constructor.lines(scope.nodes, 2 * c.INDENT)
        else:
            children = c.Call(c.Text("super().__init__"), constructor.items(scope))
            built = c.expression(children, 2 * c.INDENT)
            built += constructor.tensors(scope, 2 * c.INDENT)
        if scope.chain is None:
            more = (f"y{n}" if n > 1 else "y" for n in range(1, scope.inputs))
            inputs = ["x", *more]
            body = Forward(scope, constructor, inputs, positional=True).lines()
            sizes = [namespace.names[size] for size in namespace.sizes_read()]
            forward = lines.forward(inputs, body, sizes=sizes)
        told = namespace.sizes_read()
        outer.told[id(stage)] = told
        outer.read.update(told)
        arguments = [argument(namespace, used, None) for used in namespace.used]
        arguments += extra_arguments(namespace)
        target = stage.any.target
        assert isinstance(target, Module)
        doc = [f"The group `{docstring.plain(stage.name)}`" + self._place(target)]
        head = lines.init_signature(arguments)
        init = [*lines.declared(namespace), *head, *built, *lines.kept(namespace)]
        source = ClassSource(name, "nn.Sequential", doc, init, forward)
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
        known = self._by_text.get(_text(source))
        if known is not None:
            self._free(source.name)
            return known
        self._add(source)
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
            self._add(result.source)
        whole = frozenset(
            number
            for number, tensor in enumerate(root.inputs)
            if tensor.dtype != "float"
        )
        sides = result.source is not None
        forward = Forward(
            scope, constructor, inputs, False, result.returns, whole, sides
        ).lines()
        arguments = [
            argument(namespace, used, formula.literal(namespace.known[0][used]))
            for used in sorted(
                namespace.used,
                key=lambda n: list(namespace.names).index(n),
            )
        ]
        self._finish(namespace)
        built = [*lines.kept(namespace), *built]
        doc = self._net_doc(root)
        return ClassSource(
            name,
            "nn.Module",
            doc,
            [
                *lines.declared(namespace),
                *lines.init(arguments, built),
            ],
            lines.forward(inputs, forward, result.annotation),
        )

    def _net_doc(self, root: Module) -> list[str]:
        cost = root.cost
        source = docstring.plain(self._network.source_name)
        named = f" `{self._network.name}`" if self._network.name else ""
        title = f"The net{named} of {source}"
        doc = lines.wrapped(f"{title}: {inputs_text(root)} to {outputs_text(root)}.")
        counted = f"{cost.params:,} parameters, {cost.macs:,} multiply-adds."
        doc += ["", *lines.wrapped(counted)]
        if self._network.facts is not None:
            needs = ", ".join(self._network.facts.constraints())
            doc += lines.wrapped(f"It needs {needs}.") if needs else []
        doc += lines.shapes(root, "Shapes are channels first, without the batch:")
        return doc

    # Layout

    def _carried(self) -> Carried:
        """Other definitions of the source, before its classes and after them."""
        return Carried([], [])

    def _standard(self) -> list[str]:
        """The imports from Python's own library, sorted as `ruff` has them."""
        found = []
        if "OrderedDict" in self._helpers:
            found.append("from collections import OrderedDict")
        if "indexed" in self._helpers:
            found.append("from collections.abc import Callable")
        typing = ["Any"] if "Any" in self._helpers else []
        if any(source.base == "NamedTuple" for source in self._classes):
            typing.append("NamedTuple")
        if typing:
            found.append(f"from typing import {', '.join(typing)}")
        return found

    def _laid_out(self) -> str:
        helpers = [helper_source(name) for name in sorted(self._helpers & HELPERS)]
        more = self._carried()
        text = "\n".join(
            "\n".join((*source.init, *source.forward)) for source in self._classes
        ) + "".join((*helpers, *more.before, *more.after))
        text += "".join(source.base for source in self._classes)
        body = _template().render(
            title=_title(self._network),
            imports=imports.lines(
                text, self._needs_math, self._standard(), self._imported
            ),
            helpers=[*helpers, *more.before],
            classes=self._classes,
            functions=more.after,
        )
        return body


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,
    )
    file = files(__package__).joinpath("templates/module.py.j2")
    return environment.from_string(file.read_text(encoding="utf-8"))


def _title(network: Network) -> str:
    name = docstring.plain(network.source_name)
    if network.name:
        return f"{network.name}, from {name}. Made by archdsl."
    return f"Made by archdsl from {name}."
