"""archdsl: a language for neural-network architectures, and its compiler.

check(path_or_text, net=None, **params)      what is in a spec, and what is wrong
compile(path_or_text, net=None, **params)    PyTorch source
load(path_or_text, net=None, **params)       a torch.nn.Module
install(), uninstall()                       whether `import` finds .arch files
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
    "load",
    "uninstall",
]

if TYPE_CHECKING:
    from archdsl.api import Checked, SpecError, check, compile
    from archdsl.runtime.imports import install, uninstall
    from archdsl.runtime.load import load


def __getattr__(name: str) -> object:
    # Importing archdsl imports nothing else, and only `load` needs torch.
    if name == "load":
        try:
            from archdsl.runtime.load import load
        except ModuleNotFoundError as missing:
            if missing.name != "torch":
                raise
            text = "archdsl.load needs PyTorch: pip install 'archdsl[torch]'"
            raise ModuleNotFoundError(text, name="torch") from None
        return load
    if name in ("install", "uninstall"):
        from archdsl.runtime import imports

        return getattr(imports, name)
    if name in ("Checked", "SpecError", "check", "compile"):
        from archdsl import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
