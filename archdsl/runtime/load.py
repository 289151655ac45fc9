"""Spec to module: compile, execute the source, build the net.

The source is kept where tracebacks and `inspect` find it, and goes along when a
module is pickled, so that it can be unpickled wherever archdsl is installed.
"""

from __future__ import annotations

import hashlib
import linecache
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from archdsl.api import check, source_of
from archdsl.backends.torch.emit import net_class

_PREFIX = "archdsl_compiled_"


def load(
    path_or_text: str | Path, net: str | None = None, **params: object
) -> nn.Module:
    """The PyTorch module of a net, freshly initialised.

    `net` names the net if there are several; `params` set its parameters. Raises
    SpecError when the spec has mistakes, and OSError when the file cannot be read.
    """
    checked = check(path_or_text, net, **params)
    network = checked.network(net)
    module = execute(source_of(network))
    built = getattr(module, net_class(network.name))()
    assert isinstance(built, nn.Module)
    return built


def execute(source: str) -> ModuleType:
    """The Python module that a source text defines; the same text gives the same."""
    name = _PREFIX + hashlib.sha256(source.encode()).hexdigest()[:16]
    known = sys.modules.get(name)
    if known is not None:
        return known
    module = ModuleType(name)
    filename = f"<{name}>"
    module.__file__ = filename
    # Without a loader the lines stay in the cache for good.
    lines = source.splitlines(keepends=True)
    linecache.cache[filename] = (len(source), None, lines, filename)
    sys.modules[name] = module
    try:
        exec(compile(source, filename, "exec"), module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    for value in list(vars(module).values()):
        if isinstance(value, type) and value.__module__ == name:
            _make_portable(value, source)
    return module


def _make_portable(cls: type, source: str) -> None:
    def reduce(self: nn.Module, protocol: Any) -> tuple[Callable[..., Any], Any, Any]:
        return _blank, (source, type(self).__name__), self.__dict__

    cls.__reduce_ex__ = reduce  # type: ignore[method-assign,assignment]


def _blank(source: str, name: str) -> Any:
    """An instance without its state, which unpickling then sets."""
    cls = getattr(execute(source), name)
    return cls.__new__(cls)
