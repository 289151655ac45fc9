"""`typing.NamedTuple` without its check of annotations.

Those of this package are texts. `typing` compiles each of them when a class is made,
at every start of a command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from collections import namedtuple

    _NOT_COPIED = frozenset(("__annotations__", "__module__", "__qualname__"))

    class _Made(type):
        """Makes a tuple with named fields of a class whose fields are annotated."""

        def __new__(cls, name, bases, space):
            if not bases:
                return super().__new__(cls, name, bases, space)
            fields = space.get("__annotations__", {})
            defaults = [space[field] for field in fields if field in space]
            module = space["__module__"]
            made = namedtuple(name, fields, defaults=defaults, module=module)
            made.__annotations__ = fields
            for key, value in space.items():
                if key not in fields and key not in _NOT_COPIED:
                    setattr(made, key, value)
            return made

    class NamedTuple(metaclass=_Made):
        """A tuple whose fields have names."""


# `made(Class, (a, b))` is `Class(a, b)`, all fields given, in half the time. It is for
# what is made for each word or layer of a text.
made = tuple.__new__

__all__ = ["NamedTuple", "made"]
