"""The constructor arguments of a class, their types and defaults."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backends.torch import formula
from archdsl.backends.torch.expressions import Argument
from archdsl.backends.torch.namespace import NO_LAYER, Name, Namespace
from archdsl.ir.network import LayerRef, Module
from archdsl.shapes.expr import InputSize, Var

# So many numbers are a size, which PyTorch takes with its length.
_MOST_AXES = 3


def block_arguments(
    modules: Sequence[Module], given: Sequence[set[str]], namespace: Namespace
) -> list[Argument]:
    """The arguments of a block's class, those with a default last.

    `given` are the parameters that some call of each variant sets.
    """
    required: list[Argument] = []
    optional: list[Argument] = []
    for name in namespace.names:
        if name not in namespace.used:
            continue
        default = None
        if isinstance(name, Var):
            left_out = {
                _literal(namespace, name, at)
                for at in range(len(modules))
                if name.name not in given[at]
            }
            if len(left_out) == 1:
                default = left_out.pop()
        made = argument(namespace, name, default)
        (optional if default is not None else required).append(made)
    sizes = [a for a in required if isinstance(a.stands_for, InputSize)]
    others = [a for a in required if not isinstance(a.stands_for, InputSize)]
    return [*sizes, *others, *extra_arguments(namespace), *optional]


def argument(namespace: Namespace, name: Name, default: str | None) -> Argument:
    """The argument that stands for a parameter or a size."""
    if name in namespace.layers:
        held = namespace.layers[name]
        kind = "type[nn.Module]"
        kind += " | None" if NO_LAYER in held.values() else ""
        return Argument(namespace.names[name], name, kind, default, held)
    worth = [known[name] for known in namespace.known.values()]
    return Argument(namespace.names[name], name, _annotation(worth), default)


def extra_arguments(namespace: Namespace) -> list[Argument]:
    """Those for numbers that no formula gives."""
    return [
        Argument(extra.name, extra, _annotation(list(extra.values.values())), None)
        for extra in namespace.extras.values()
    ]


def _literal(namespace: Namespace, name: Var, variant: int) -> str:
    if name in namespace.layers:
        return namespace.layers[name][variant]
    return formula.literal(namespace.known[variant][name])


def _annotation(values: list[object]) -> str:
    kinds = {_kind(value) for value in values}
    if kinds == {"int", "float"}:
        return "float"
    return " | ".join(sorted(kinds))


def _kind(value: object) -> str:
    if isinstance(value, tuple) and not isinstance(value, LayerRef):
        inner = sorted({_kind(item) for item in value}) or ["int"]
        if len(inner) == 1 and len(value) <= _MOST_AXES:
            return f"tuple[{', '.join(inner * len(value))}]"
        return f"tuple[{' | '.join(inner)}, ...]"
    return type(value).__name__
