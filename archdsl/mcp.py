"""A server of the Model Context Protocol: what language models may ask of the compiler.

It reads the specs that it is given as text, and files only below a directory that
whoever starts it names. Nothing is written, and nothing of a spec is executed.
"""

from __future__ import annotations

import os
from typing import Any, Literal, NamedTuple

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from archdsl.api import SpecError, source_of
from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.render import as_data, render
from archdsl.ir.network import Network
from archdsl.limits import MOST, Limits
from archdsl.pipeline import Checked, check, sketch
from archdsl.reading import MAX_BYTES, SpecFiles, UseError, decoded
from archdsl.request import converted, net_names, the_net
from archdsl.source import Source

NAME = "<spec>"
# What a spec may ask for here, where many may be tried; the environment can lower it.
LIMITS = MOST._replace(
    source=200_000, tokens=50_000, stages=20_000, layers=1_000_000, unknowns=200
)
# A result that nobody could read is not given.
MAX_RESULT = 400_000

_INSTRUCTIONS = """\
archdsl is a language for neural-network architectures. `check` tells what is wrong with
a spec, with fixes, and the shapes of all stages; call it after each change. A net is a
chain of layers from its input, the batch never written:
net n classes=10 { input 3x32x32 | conv 16x3x3 p1 | bn | relu | gap | fc classes }"""

View = Literal["graph", "volumes", "tree", "mermaid"]


class _Rooted(SpecFiles):
    """Files below one directory, whatever project the spec belongs to."""

    def __init__(self, path: str, shown: str, root: str) -> None:
        super().__init__(path, shown)
        self._root = root


class _Asked(NamedTuple):
    source: Source | None
    found: list[Diagnostic]
    files: SpecFiles | None


class _Server:
    def __init__(self, root: str | None, limits: Limits) -> None:
        self._root = os.path.realpath(root) if root is not None else None
        self._limits = Limits(*map(min, limits, LIMITS))

    def asked(self, spec: str, file: str) -> _Asked:
        """The spec of a call. Raises ToolError."""
        if bool(spec) == bool(file):
            raise ToolError("give one of: spec, the text itself, or file")
        if not file:
            data = spec.encode("utf-8", "surrogatepass")
            return _Asked(*decoded(data, NAME, self._limits), None)
        if self._root is None:
            raise ToolError("this server reads no files; give the text as spec")
        path = os.path.join(self._root, file)
        files = _Rooted(path, file, self._root)
        real = os.path.realpath(path)
        if not real.startswith(self._root.rstrip(os.sep) + os.sep):
            raise ToolError(f"`{file}` is outside of the directory that is served")
        try:
            data = files.read(files.own())
        except UseError as problem:
            raise ToolError(str(problem)) from None
        return _Asked(*decoded(data[: MAX_BYTES + 1], file, self._limits), files)

    def checked(
        self, asked: _Asked, net: str, params: dict[str, Any] | None
    ) -> tuple[Checked, str | None, dict[str, object]]:
        """What came of it, the net that is meant, and its parameters."""
        if asked.source is None:
            return Checked({}, (), asked.found), None, {}
        try:
            values = {
                name: converted(value, asked.source, asked.files)
                for name, value in (params or {}).items()
            }
            meant: str | None = net or None
            if values and meant is None:
                meant = the_net(net_names(asked.source, values), asked.source.name)
        except ValueError as problem:
            raise ToolError(str(problem)) from None
        return check(asked.source, meant, values, asked.files), meant, values

    def network(
        self, spec: str, file: str, net: str, params: dict[str, Any] | None
    ) -> Network:
        """The one net that a call asks for. Raises ToolError, with the findings."""
        made, meant, _ = self.checked(self.asked(spec, file), net, params)
        if made.diagnostics:
            raise ToolError(render(made.diagnostics, "full"))
        return made.networks[self._one(made, meant, file)]

    def drawn(
        self, spec: str, file: str, net: str, params: dict[str, Any] | None
    ) -> Network:
        """The same; of a net that fails what is known of it."""
        asked = self.asked(spec, file)
        made, meant, values = self.checked(asked, net, params)
        if not made.diagnostics:
            return made.networks[self._one(made, meant, file)]
        known = None
        if asked.source is not None and made.nets:
            name = self._one(made, meant, file)
            known = sketch(asked.source, name, values, asked.files)
        if known is None:
            raise ToolError(render(made.diagnostics, "full"))
        return known

    def _one(self, made: Checked, meant: str | None, file: str) -> str:
        try:
            found = (
                meant
                if meant is not None
                else the_net(tuple(made.networks) or made.nets, file or NAME)
            )
        except ValueError as problem:
            raise ToolError(f"{problem} (net)") from None
        if found is None:
            raise ToolError("there is no net in the spec")
        return found


def server(root: str | None = None, limits: Limits = MOST) -> MCPServer:
    """The server with its tools; with `root`, files below that directory can be read.

    `limits` lowers what specs may ask for, which is bounded by `LIMITS` here anyway.
    """
    from archdsl import __version__

    made = MCPServer("archdsl", instructions=_INSTRUCTIONS, version=__version__)
    own = _Server(root, limits)

    # Tools that are no coroutines would run beside each other, in threads.
    @made.tool(name="check")
    async def check_spec(
        spec: str = "",
        file: str = "",
        net: str = "",
        params: dict[str, Any] | None = None,
        shapes: bool = True,
    ) -> dict[str, Any]:
        """What is wrong with a spec, with fixes, and the shapes of all its stages.

        `params` sets parameters of the net; without `net` all nets are checked.
        """
        from archdsl.backends.text.trace import shape_trace

        asked = own.asked(spec, file)
        result, meant, values = own.checked(asked, net, params)
        nets = []
        for name in (result.nets if meant is None else (meant,)) if shapes else ():
            known = result.networks.get(name)
            if known is None and asked.source is not None:
                known = sketch(asked.source, name, values, asked.files)
            if known is not None:
                nets.append({"file": known.source_name} | shape_trace(known))
        data = {"version": 1, "findings": as_data(result.diagnostics), "nets": nets}
        _short(str(data))
        return data

    @made.tool()
    async def summary(
        spec: str = "",
        file: str = "",
        net: str = "",
        params: dict[str, Any] | None = None,
    ) -> str:
        """The layers of a net with shapes, parameters and multiply-adds, as a table."""
        from archdsl.backends.text.summary import summary_table

        return _short(summary_table(own.network(spec, file, net, params)))

    @made.tool()
    async def draw(
        spec: str = "",
        file: str = "",
        net: str = "",
        params: dict[str, Any] | None = None,
        view: View = "graph",
    ) -> str:
        """A picture of a net: SVG (graph, volumes), Mermaid, or a tree as text.

        Of a net that fails it shows what is known, with the mistake marked.
        """
        return _short(_picture(own.drawn(spec, file, net, params), view))

    @made.tool()
    async def compile(
        spec: str = "",
        file: str = "",
        net: str = "",
        params: dict[str, Any] | None = None,
    ) -> str:
        """The PyTorch source of a net, which imports torch alone."""
        try:
            return _short(source_of(own.network(spec, file, net, params)))
        except SpecError as problem:
            raise ToolError(str(problem).strip()) from None

    @made.tool()
    async def explain(code: str) -> str:
        """What an error such as E0304 means, with an example and how to mend it."""
        from archdsl.diagnostics.codes import CODES, page

        if code not in CODES:
            raise ToolError(f"there is no code `{code}`; a code looks like E0304")
        return page(code)

    return made


def _picture(network: Network, view: View) -> str:
    from archdsl.backends.diagram.options import PlanError

    try:
        if view == "tree":
            from archdsl.backends.text.tree import tree

            return tree(network)
        if view == "mermaid":
            from archdsl.backends.mermaid import flowchart

            return flowchart(network)
        if view == "volumes":
            from archdsl.backends.volumes import volumes

            return volumes(network)
        from archdsl.backends.svg import graph

        return graph(network)
    except PlanError as problem:
        raise ToolError(str(problem)) from None


def _short(text: str) -> str:
    if len(text) > MAX_RESULT:
        raise ToolError(
            f"the result has {len(text):,} characters, more than {MAX_RESULT:,};"
            " ask for one net, or without shapes"
        )
    return text
