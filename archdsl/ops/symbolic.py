"""Sizes that are symbols, in forms: they are read from the tensor at run time."""

from __future__ import annotations

from archdsl.ops.axes import each
from archdsl.ops.form import Apply, Code, Slot
from archdsl.ops.record import Site
from archdsl.shapes.size import is_symbolic


def is_symbol(value: object) -> bool:
    """Whether a value is a size that is not known, or a tuple that holds one."""
    if isinstance(value, tuple):
        return any(map(is_symbol, value))
    return is_symbolic(value)


def inferred(sizes: tuple[Slot, ...]) -> tuple[Slot | int, ...]:
    """The sizes of a reshape: a lone unknown one is -1, which PyTorch works out."""
    unknown = [at for at, size in enumerate(sizes) if is_symbol(size.value)]
    if len(unknown) != 1:
        return sizes
    at = unknown[0]
    return (*sizes[:at], -1, *sizes[at + 1 :])


def size_code(site: Site, name: str) -> Code:
    """A size argument: one number or tuple, with symbols one by one."""
    if not is_symbol(site.args[name].value):
        return site.slot(name)
    sizes = each(site, name)
    return sizes[0] if len(sizes) == 1 else Apply("", sizes)
