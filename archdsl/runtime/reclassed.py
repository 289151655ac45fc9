"""Modules whose class is changed after they are built, one instance at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

Forward = Callable[..., Any]


def subclass(
    cls: type[nn.Module],
    forward: Forward,
    reduce: Callable[[nn.Module, Any], Any],
) -> type[nn.Module]:
    """A class called alike, with another `forward` and `__reduce_ex__`."""
    members = {
        "forward": forward,
        "__reduce_ex__": reduce,
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
    }
    return type(cls.__name__, (cls,), members)


def reduced(self: nn.Module, cls: type[nn.Module], protocol: Any) -> tuple[Any, ...]:
    """How an instance would be copied and pickled if its class still were `cls`."""
    plain: Any = cls.__reduce_ex__(self, protocol)
    make, arguments, *rest = plain
    arguments = tuple(cls if each is type(self) else each for each in arguments)
    return made, (make, arguments), *rest


def made(make: Callable[..., nn.Module], arguments: tuple[Any, ...]) -> nn.Module:
    """A blank instance. Pickle calls it: of its own way it asks the changed class."""
    return make(*arguments)
