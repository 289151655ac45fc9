"""Spec to module: compile, execute the source, build the net.

The source is kept where tracebacks and `inspect` find it, and goes along when a
module is pickled, so that it can be unpickled wherever archdsl is installed.
"""

from __future__ import annotations

import hashlib
import linecache
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from archdsl.api import Checked, checked, source_of
from archdsl.backends.torch.emit import net_class
from archdsl.runtime.options import (
    COMPILE,
    MEMORY_FORMATS,
    OptionError,
    check_choice,
    checkpointed_parts,
    set_memory_format,
)
from archdsl.runtime.renames import renames_of
from archdsl.runtime.weights import load_weights

_PREFIX = "archdsl_compiled_"


def load(
    path_or_text: str | Path | Checked,
    net: str | None = None,
    *,
    weights: str | os.PathLike[str] | None = None,
    rename: str | os.PathLike[str] | Mapping[str, str] | None = None,
    memory_format: str | None = None,
    checkpoint: bool | str | Iterable[str] = False,
    compile: bool | str = False,
    compile_options: Mapping[str, Any] | None = None,
    **params: object,
) -> nn.Module:
    """The PyTorch module of a net, freshly initialised or with weights from a file.

    `net` names the net if there are several; `params` set its parameters. `weights`
    is a file with a state_dict, `.safetensors` or what torch.save wrote. `rename`
    tells what old names in it have become: a table in a file, or a dictionary; see
    `archdsl.runtime.renames`. None of the following changes a name in the state_dict.

    `memory_format` is how weights and maps of convolutions are laid out:
    `"contiguous"`, `"channels_last"`, or `"auto"`, which is the latter for nets whose
    multiply-adds are mostly convolutions of maps. Numbers differ by their rounding.

    `checkpoint` names blocks, or repeats of them, that keep nothing but their inputs
    for the backward pass, which computes the rest again: less memory, more time.
    `"layer3"` stands for each of its copies, True for all blocks and copies that are
    in no other. `archdsl.kept_bytes` tells what a module keeps.

    `compile` is for `torch.compile`, whose arguments are `compile_options`. True, or
    `"whole"`, compiles one graph; `"auto"` does so, too, but for runs of 16 or more
    blocks that are alike: these are compiled in regions of about eight, the alike
    once. Copies and pickles are not compiled.

    Raises SpecError when the spec has mistakes, OSError when it cannot be read,
    WeightsError when the weights cannot be read or do not fit, RenameError when the
    renames cannot be used, and OptionError, a ValueError, for options that there are
    not and names that the net does not have.
    """
    renames = renames_of(rename)
    if weights is None and rename is not None:
        raise TypeError("rename is for the names in a file: give weights, too")
    check_choice("memory_format", memory_format, MEMORY_FORMATS)
    check_choice("compile", compile, COMPILE)
    if compile_options is not None and not compile:
        raise OptionError('compile_options are for compile=True, "whole" or "auto"')
    network = checked(path_or_text, net, params).network(net)
    repeated = checkpointed_parts(network, checkpoint)
    module = execute(source_of(network))
    built = getattr(module, net_class(network.name))()
    assert isinstance(built, nn.Module)
    if weights is not None:
        load_weights(built, network, weights, renames)
    set_memory_format(built, network, memory_format)
    if repeated:
        from archdsl.runtime.checkpointed import set_checkpoints

        set_checkpoints(built, repeated)
    if compile:
        # Imports much of torch that nothing else needs.
        from archdsl.runtime.regions import compile_module

        compile_module(built, compile, compile_options or {})
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
        # Not what is compiled for this very instance, as PyTorch has it.
        return _blank, (source, type(self).__name__), self.__getstate__()

    cls.__reduce_ex__ = reduce  # type: ignore[method-assign,assignment]


def _blank(source: str, name: str) -> Any:
    """An instance without its state, which unpickling then sets."""
    cls = getattr(execute(source), name)
    return cls.__new__(cls)
