"""Notebooks: `%load_ext archdsl` gives cells that begin with `%%arch`.

Only that imports IPython. Results that show themselves do without it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, cast

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.display import display

from archdsl.api import Checked, Spec, checked_spec, shown
from archdsl.reading import SpecFiles, decoded
from archdsl.request import SettingError, all_nets, parsed

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_MAGIC = "arch"


def load_ipython_extension(shell: InteractiveShell) -> None:
    """What `%load_ext archdsl` calls."""
    shell.register_magics(ArchMagics)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """What `%unload_ext archdsl` calls."""
    shell.magics_manager.magics["cell"].pop(_MAGIC, None)


@magics_class
class ArchMagics(Magics):
    """The cells of specs."""

    @magic_arguments()
    @argument(
        "name",
        nargs="?",
        help="a variable for the result, as archdsl.check gives it; archdsl.load and"
        " the other functions take it",
    )
    @argument("--net", metavar="NET", help="the net that is meant, of several")
    @argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="settings",
        help="the value of a parameter or of an unknown size; may be repeated",
    )
    @argument("--view", choices=("graph", "volumes"), default="graph", help="diagram")
    @argument("-q", "--quiet", action="store_true", help="show nothing but findings")
    @cell_magic(_MAGIC)
    def arch(self, line: str, cell: str) -> None:
        """Check the spec in this cell, and show its diagram and summary."""
        args = parse_argstring(self.arch, line)
        if args.name is not None and not args.name.isidentifier():
            raise UsageError(f"`{args.name}` cannot be the name of a variable")
        # A line end stands for the first line, so that places are those of the cell.
        result = self._checked("\n" + cell, args.net, args.settings)
        if args.name is not None:
            self._variables[args.name] = result
        if not args.quiet or not result.ok:
            view = cast("Literal['graph', 'volumes']", args.view)
            display(shown(result, view), raw=True)

    @property
    def _variables(self) -> dict[str, Any]:
        return cast("dict[str, Any]", self.shell.user_ns)

    def _checked(self, text: str, net: str | None, settings: list[str]) -> Checked:
        # `execution_count` is that of the next cell in newer releases of IPython.
        number = len(self._variables.get("In", ())) - 1
        name = f"In[{number}]" if number > 0 else "cell"
        # Files are used from where the kernel runs, which is where the notebook is.
        files = SpecFiles(os.path.join(os.getcwd(), name), name)
        data = text.encode("utf-8", "surrogatepass")
        source, found = decoded(data, name)
        values: dict[str, object] = {}
        if source is not None:
            names = all_nets(source)
            if net is not None and names and net not in names:
                raise UsageError(f"there is no net `{net}`; it has: {', '.join(names)}")
            for setting in settings:
                key, equals, value = setting.partition("=")
                if not equals or not key.isidentifier():
                    raise UsageError(f"--set {setting}: this is not KEY=VALUE")
                try:
                    values[key] = parsed(value, source, files)
                except SettingError as problem:
                    raise UsageError(f"--set {setting}: {problem}") from None
        spec = Spec(name, data, files, net, values)
        if source is None:
            return Checked(name, (), {}, found, spec)
        try:
            return checked_spec(spec)
        except ValueError as problem:
            # There are values, and several nets that may be meant.
            raise UsageError(f"{problem} (--net NAME)") from None
