"""archdsl: a language for neural-network architectures, and its compiler.

check(path_or_text, net=None, **params)      what is in a spec, and what is wrong
sketch(path_or_text, net=None, **params)     what is known of a net that is wrong
compile(path_or_text, net=None, **params)    PyTorch source
load(path_or_text, net=None, **params)       a torch.nn.Module
kept_bytes(module, *inputs)                  what it keeps for the backward pass
verify(path_or_text, reference, net=None)    how it compares with another module
install(), uninstall()                       whether `import` finds .arch files

In a notebook, `%load_ext archdsl` gives cells that begin with `%%arch`.
"""

from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = [
    "Checked",
    "SpecError",
    "__version__",
    "check",
    "compile",
    "install",
    "kept_bytes",
    "load",
    "sketch",
    "uninstall",
    "verify",
]

if TYPE_CHECKING:
    from archdsl.api import Checked, SpecError, check, compile, sketch
    from archdsl.runtime.imports import install, uninstall
    from archdsl.runtime.kept import kept_bytes
    from archdsl.runtime.load import load
    from archdsl.runtime.verify import verify


def __getattr__(name: str) -> object:
    # Importing archdsl imports nothing else, and only these need torch.
    if name in ("kept_bytes", "load", "verify"):
        try:
            if name == "kept_bytes":
                from archdsl.runtime.kept import kept_bytes

                return kept_bytes
            from archdsl.runtime.load import load

            if name == "load":
                return load
            from archdsl.runtime.verify import verify
        except ModuleNotFoundError as missing:
            if missing.name != "torch":
                raise
            text = f"archdsl.{name} needs PyTorch: pip install 'archdsl[torch]'"
            raise ModuleNotFoundError(text, name="torch") from None
        return verify
    if name in ("install", "uninstall"):
        from archdsl.runtime import imports

        return getattr(imports, name)
    if name in ("load_ipython_extension", "unload_ipython_extension"):
        try:
            from archdsl import notebook
        except ModuleNotFoundError as missing:
            if (missing.name or "").partition(".")[0] != "IPython":
                raise
            text = "cells of notebooks need IPython: pip install 'archdsl[notebook]'"
            raise ModuleNotFoundError(text, name="IPython") from None
        return getattr(notebook, name)
    if name in ("Checked", "SpecError", "check", "compile", "sketch"):
        from archdsl import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
