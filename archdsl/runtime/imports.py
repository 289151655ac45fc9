"""Importing specs like modules, once it is asked for.

    import archdsl
    archdsl.install()
    from specs.classics.vgg import vgg16    # specs/classics/vgg.arch
    net = vgg16(classes=10)

A spec is found where a Python module of its name would be, and Python's own are found
first. It is checked when it is imported; each net is compiled, and torch loaded, when
it is first asked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from archdsl.api import Checked, SpecError, check

ENDING = ".arch"


def install() -> None:
    """Let `import` find .arch files; their nets are attributes, `nn.Module` classes."""
    if not any(isinstance(finder, SpecFinder) for finder in sys.meta_path):
        sys.meta_path.append(SpecFinder())


def uninstall() -> None:
    """Undo `install`. What was imported stays."""
    sys.meta_path[:] = [f for f in sys.meta_path if not isinstance(f, SpecFinder)]


class SpecFinder(MetaPathFinder):
    """Finds `name.arch` in the folders of the path."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        name = fullname.rpartition(".")[2] + ENDING
        for folder in sys.path if path is None else path:
            if not isinstance(folder, str):
                continue
            file = os.path.join(folder or os.getcwd(), name)
            if os.path.isfile(file):
                spec = ModuleSpec(fullname, SpecLoader(file), origin=file)
                spec.has_location = True
                return spec
        return None


class SpecLoader(Loader):
    """Makes a module of one spec."""

    def __init__(self, file: str) -> None:
        self._file = file

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        try:
            from pathlib import Path

            checked = check(Path(self._file))
        except OSError as problem:
            raise ImportError(
                f"{self._file} cannot be read: {problem.strerror}",
                name=name,
                path=self._file,
            ) from problem
        if checked.diagnostics:
            error = SpecError(checked.diagnostics)
            raise ImportError(str(error), name=name, path=self._file) from error
        # The one net without a name is called like its file.
        nets = {net or name.rpartition(".")[2]: net for net in checked.networks}
        space = vars(module)
        for old in space.pop("__all__", ()):
            # After a reload, nets are compiled anew.
            space.pop(old, None)
        space["__all__"] = list(nets)
        space["__doc__"] = f"The nets of {self._file}."

        def get(attribute: str) -> object:
            if attribute not in nets:
                raise AttributeError(_unknown(name, attribute, checked))
            return space.setdefault(attribute, _class(checked, nets[attribute]))

        space["__getattr__"] = get
        space["__dir__"] = lambda: sorted({*space, *nets})


def _class(checked: Checked, net: str) -> object:
    from archdsl.backends.torch.emit import emit, net_class
    from archdsl.runtime.load import execute

    return getattr(execute(emit(checked.networks[net])), net_class(net))


def _unknown(module: str, attribute: str, checked: Checked) -> str:
    if attribute in checked.nets:
        return (
            f"the net {attribute!r} of {module!r} has parameters without a value; use"
            " archdsl.load"
        )
    return f"module {module!r} has no net {attribute!r}"
