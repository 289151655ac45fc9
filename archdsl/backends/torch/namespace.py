"""The constructor arguments of a class, and numbers written in terms of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from archdsl.backends.torch import formula
from archdsl.backends.torch.code import Code, Listing, Text
from archdsl.backends.torch.planned import MismatchError, UnwrittenError
from archdsl.backends.torch.reserved import is_attribute, safe_name
from archdsl.ir.network import LayerRef, Module
from archdsl.ops.form import Slot
from archdsl.ops.record import unknown
from archdsl.shapes.expr import Const, Expr, InputSize, Opaque, Var, depends
from archdsl.shapes.size import is_symbolic

Name = Var | InputSize

# A longer formula says less than a number or an argument of its own.
_LONGEST_FORMULA = 48


# What stands for a layer that is left out: `act=false`.
NO_LAYER = "None"


class Extra:
    """A number that no formula gives: an argument of its own."""

    def __init__(self, name: str, values: dict[int, object]) -> None:
        self.name = name
        self.values = values


@dataclass(eq=False)
class Namespace:
    """What a class's code may refer to.

    `known` holds, for each variant, what parameters and input sizes are worth;
    `live` are those that become constructor arguments when used. `used` and `extras`
    collect what the code then needs.
    """

    known: dict[int, dict[Name, object]]
    live: frozenset[Name]
    names: dict[Name, str]
    used: dict[Name, None] = field(default_factory=dict)
    extras: dict[str, Extra] = field(default_factory=dict)
    helpers: set[str] = field(default_factory=set)
    needs_math: bool = False
    # Sizes that only the tensors tell, and those of them that the code reads.
    dynamic: frozenset[Name] = frozenset()
    read: set[InputSize] = field(default_factory=set)
    # Constants that the module holds; PyTorch's own types do not know them.
    tensors: dict[str, None] = field(default_factory=dict)
    # Whether code of `forward` is being written, which sees no constructor arguments,
    # and those of them that the module has to keep for it.
    in_forward: bool = False
    kept: dict[str, str] = field(default_factory=dict)
    # The names of the submodules.
    taken: frozenset[str] = frozenset()
    # For each parameter that holds a layer: the class that each variant has, or None.
    layers: dict[Name, dict[int, str]] = field(default_factory=dict)
    # Those of them that are known to hold one here, by a condition around.
    there: frozenset[Name] = frozenset()
    # Local variables.
    variables: set[str] = field(default_factory=set)
    # What each group, by the identity of its planned stage, is told of these sizes.
    told: dict[int, list[InputSize]] = field(default_factory=dict)

    def write(
        self, values: Mapping[int, object], exprs: Mapping[int, Expr], hint: str
    ) -> str:
        """A number as Python: a literal, a formula, or an argument of its own."""
        first = next(iter(values.values()))
        uniform = all(
            type(value) is type(first) and value == first for value in values.values()
        )
        for expr in sorted(set(exprs.values()), key=lambda e: (e.weight, str(e))):
            names = depends(expr)
            if uniform and names and not names & (self.live | self.dynamic):
                continue
            if isinstance(expr, Const) or not self._holds(expr, values):
                continue
            if names & self.dynamic and not self.in_forward:
                # There are no tensors yet.
                continue
            used = dict(self.used)
            try:
                text = self._formula(expr, next(iter(values)))
            except formula.NoValueError:
                # A layer, say, has no name in Python.
                self.used = used
                continue
            if len(text) <= _LONGEST_FORMULA or names & self.dynamic:
                return text
            self.used = used
        own: dict[int, Expr] = {
            at: value.expr  # type: ignore[attr-defined]
            for at, value in values.items()
            if is_symbolic(value)
        }
        if own and own != exprs:
            # The argument's formula says less than that of the size.
            return self.write(values, own, hint)
        for at, value in values.items():
            slot = unknown(Slot(value, exprs.get(at, Const(None))))
            if slot is not None:
                raise UnwrittenError(value, isinstance(slot.expr, Opaque))
        if uniform:
            return formula.literal(first)
        return self._extra(values, hint)

    def variable(self, hint: str, taken: Collection[str] = ()) -> str:
        """A local variable that nothing else is called."""
        name = hint
        known = {*self.names.values(), *self.extras, *self.variables, *taken}
        while name in known:
            name += "_"
        self.variables.add(name)
        return name

    def parameter(self, values: Mapping[int, object]) -> dict[int, Expr]:
        """The parameter that has these values, or else the values."""
        for name in self.names:
            if all(_same_number(self.known[at][name], v) for at, v in values.items()):
                return dict.fromkeys(values, name)
        return {at: Const(value) for at, value in values.items()}

    def sizes_read(self) -> list[InputSize]:
        """The sizes that the code reads from tensors, in order."""
        return sorted(self.read, key=lambda size: (size.input, size.axis))

    def condition(self, conditions: Mapping[int, tuple[bool, Expr]]) -> str:
        """A condition as Python. Raises MismatchError if it cannot be written."""
        values = {at: taken for at, (taken, _) in conditions.items()}
        for _, expr in conditions.values():
            if not self._holds(expr, values) or any(
                isinstance(self.known[at].get(name), LayerRef)
                for name in depends(expr) - self.layers.keys()
                for at in values
            ):
                # A layer is no value in Python unless an argument holds it.
                continue
            used = dict(self.used)
            try:
                return self._formula(expr, next(iter(values)))
            except formula.NoValueError:
                self.used = used
        raise MismatchError

    def chosen(
        self, name: Var, texts: Mapping[int, str], optional: bool = False
    ) -> str:
        """The argument that holds a layer, which is that class in each variant.

        Unless `optional`, there has to be one in all variants that come here. Raises
        MismatchError if it has been another one elsewhere.
        """
        held = self.layers[name]
        if NO_LAYER in held.values() and not optional and name not in self.there:
            raise MismatchError
        for at, text in texts.items():
            if not is_class(text) or held.setdefault(at, text) != text:
                raise MismatchError
        self.used[name] = None
        return self.names[name]

    def settle_layers(self) -> None:
        """Say what is handed over where no stage has told which class it is."""
        for name in self.layers.keys() & self.used.keys():
            held = self.layers[name]
            told = {self.known[at][name]: text for at, text in held.items()}
            for at, known in self.known.items():
                if at not in held and known[name] not in told:
                    raise MismatchError
                held.setdefault(at, told[known[name]])

    @contextmanager
    def under(self, condition: str) -> Iterator[None]:
        """Inside, the condition is known to be true."""
        before = self.there
        parts = condition.split(" and ")
        self.there = before | {
            n for n in self.layers if f"{self.names[n]} is not None" in parts
        }
        yield
        self.there = before

    def _holds(self, expr: Expr, values: Mapping[int, object]) -> bool:
        try:
            # A size stands as one number where all its parts agree, but in externs.
            return all(
                value in (found, _plain(found))
                for at, value in values.items()
                for found in (formula.value(expr, self.known[at]),)
            )
        except formula.NoValueError:
            return False

    def _formula(self, expr: Expr, variant: int) -> str:
        names: dict[Name, str] = {}
        for name in sorted(depends(expr), key=str):
            if name in self.dynamic:
                assert isinstance(name, InputSize)
                self.read.add(name)
                names[name] = self.names[name]
            elif name in self.live:
                self.used[name] = None
                names[name] = self._reached(self.names[name])
            else:
                names[name] = formula.literal(self.known[variant][name])
        for function in formula.functions_in(expr):
            if function in formula.HELPERS:
                self.helpers.add(formula.HELPERS[function])
        self.needs_math = self.needs_math or formula.needs_math(expr)
        return formula.written(
            expr, names, self.known[variant], self.layers.keys()
        ).text

    def _reached(self, argument: str) -> str:
        """How the code gets at a constructor argument."""
        if not self.in_forward:
            return argument
        attribute = argument if is_attribute(argument) else f"{argument}_"
        while attribute in self.taken:
            attribute += "_"
        self.kept[argument] = attribute
        return f"self.{attribute}"

    def _extra(self, values: Mapping[int, object], hint: str) -> str:
        for extra in self.extras.values():
            if all(extra.values.get(at) == value for at, value in values.items()):
                return self._reached(extra.name)
        name = safe_name(hint)
        number = 2
        taken = {*self.names.values(), *self.variables}
        while name in self.extras or name in taken:
            name = f"{safe_name(hint)}{number}"
            number += 1
        # A variant without this stage never reads the number.
        fallback = next(iter(values.values()))
        whole = {at: values.get(at, fallback) for at in self.known}
        self.extras[name] = Extra(name, whole)
        return self._reached(name)


def _plain(value: object) -> object:
    from archdsl.ops.record import plain

    return plain(value)


def merged_slot(
    namespace: Namespace, slots: Mapping[int, Slot], hint: str
) -> Code | None:
    """The code for a slot, or None where the default does as well."""
    values = {at: slot.value for at, slot in slots.items()}
    if all(is_default(namespace, slot) for slot in slots.values()):
        return None
    if any(value is None for value in values.values()):
        return None
    if any(_is_table(value) for value in values.values()):
        if len({str(value) for value in values.values()}) != 1:
            raise MismatchError
        return _listing(values[next(iter(values))])
    exprs = {at: slot.expr for at, slot in slots.items()}
    return Text(namespace.write(values, exprs, hint))


def is_default(namespace: Namespace, slot: Slot) -> bool:
    """Whether a slot may be left out: it has its default, whatever the arguments."""
    if slot.default is None or depends(slot.expr) & namespace.live:
        return False
    same = slot.value == slot.default and type(slot.value) is type(slot.default)
    return same or _same_number(slot.value, slot.default)


def is_class(text: str) -> bool:
    """Whether the text is a class, or says that there is no layer."""
    return text.rpartition(".")[2][:1].isupper()


def _same_number(a: object, b: object) -> bool:
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    return isinstance(a, int | float) and isinstance(b, int | float) and a == b


def _is_table(value: object) -> bool:
    return (
        isinstance(value, tuple)
        and not isinstance(value, LayerRef)
        and any(isinstance(item, tuple | str) for item in value)
    )


def _listing(value: object) -> Code:
    if isinstance(value, tuple):
        return Listing(tuple(_listing(item) for item in value))
    return Text(formula.literal(value))


def for_block(
    modules: Mapping[int, Module],
    given: Mapping[int, set[str]],
    input_names: Iterable[str],
) -> Namespace:
    """The namespace of a block's class.

    `given` are the parameters that some call of a variant sets. What differs between
    variants, and what is set by calls, becomes an argument; so do channels.
    """
    known: dict[int, dict[Name, object]] = {}
    for at, module in modules.items():
        values: dict[Name, object] = {
            Var(name): bound.value for name, bound in module.params.items()
        }
        for number, tensor in enumerate(module.inputs):
            for axis, dim in enumerate(tensor.dims):
                values[InputSize(number, axis)] = dim.size
        known[at] = values
    first = next(iter(known.values()))
    live: set[Name] = set()
    dynamic: set[Name] = set()
    layers: dict[Name, dict[int, str]] = {}
    names: dict[Name, str] = {}
    inputs = list(input_names)
    ranks = [tensor.rank for tensor in next(iter(modules.values())).inputs]
    for name in first:
        differs = any(
            name not in values
            or type(values[name]) is not type(first[name])
            or values[name] != first[name]
            for values in known.values()
        )
        if isinstance(name, Var):
            named = safe_name(name.name)
            set_by_calls = any(name.name in names for names in given.values())
            wanted = differs or set_by_calls
            held = {at: values[name] for at, values in known.items()}
            if any(isinstance(value, LayerRef) for value in held.values()):
                wanted = differs and all(
                    isinstance(value, LayerRef) or value is False
                    for value in held.values()
                )
                if wanted:
                    layers[name] = {
                        at: NO_LAYER for at, value in held.items() if value is False
                    }
        else:
            told = any(_is_dynamic(values.get(name)) for values in known.values())
            named = _size_name(name, inputs, ranks, _LENGTHS if told else _AXIS_WORDS)
            wanted = differs or name.axis == (1 if ranks[name.input] == 2 else 0)
            if told:
                dynamic.add(name)
                wanted = False
        names[name] = named
        if wanted:
            live.add(name)
    found = Namespace(known, frozenset(live), _distinct(names), layers=layers)
    found.dynamic = frozenset(dynamic)
    return found


def _is_dynamic(size: object) -> bool:
    return unknown(Slot(size, Const(None))) is not None


def _distinct(names: dict[Name, str]) -> dict[Name, str]:
    taken: set[str] = set()
    # Parameters keep their names; sizes give way.
    for name in sorted(names, key=lambda name: isinstance(name, InputSize)):
        text = names[name]
        while text in taken:
            text += "_"
        names[name] = text
        taken.add(text)
    return names


_AXIS_WORDS = {
    1: ("features",),
    2: ("channels", "features"),
    3: ("channels", "height", "width"),
    4: ("channels", "depth", "height", "width"),
}


# What sizes are called that only the tensors tell.
_LENGTHS = {**_AXIS_WORDS, 1: ("length",), 2: ("length", "length")}


def _size_name(
    name: InputSize,
    inputs: list[str],
    ranks: list[int],
    words: dict[int, tuple[str, ...]],
) -> str:
    word = words[ranks[name.input]][name.axis]
    prefix = "in" if len(inputs) <= 1 else inputs[name.input]
    return f"{prefix}_{word}"


def for_net(module: Module, exposed: Iterable[str]) -> Namespace:
    """The namespace of a net's class: some parameters stay arguments."""
    known: dict[Name, object] = {
        Var(name): bound.value for name, bound in module.params.items()
    }
    names: dict[Name, str] = {Var(name): safe_name(name) for name in module.params}
    live: frozenset[Name] = frozenset(Var(name) for name in exposed)
    dynamic: set[Name] = set()
    for number, tensor in enumerate(module.inputs):
        for axis, dim in enumerate(tensor.dims):
            if _is_dynamic(dim.size):
                size = InputSize(number, axis)
                known[size] = dim.size
                dynamic.add(size)
                word = _LENGTHS[tensor.rank][axis]
                several = len(module.inputs) > 1
                names[size] = (
                    f"{safe_name(module.input_names[number])}_{word}"
                    if several
                    else word
                )
    found = Namespace({0: known}, live, _distinct(names))
    found.dynamic = frozenset(dynamic)
    return found
