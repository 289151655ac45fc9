"""`archdsl/picture`, a request that the protocol does not know: a net as SVG.

Its parameters are `textDocument`, as elsewhere, and perhaps `net`, `view` ("graph" or
"volumes"), `direction` ("TB" or "LR"), `theme` ("light" or "dark"), `depth` and
`mistakes`. It is answered once the newest state of the text was checked, with the
`version` that was drawn, `nets`, `net`, `svg`, `message` and `wrong`: what
`archdsl.editor.picture` tells of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pygls.exceptions import JsonRpcInvalidParams

from archdsl.backends.diagram.options import DIRECTIONS
from archdsl.editor.picture import VIEWS, Asked, Picture, picture
from archdsl.lsp.opened import OpenFiles
from archdsl.lsp.session import ArchServer

PICTURE = "archdsl/picture"
_THEMES = ("light", "dark", "auto")


def add_picture(server: ArchServer) -> None:
    """Let the server draw."""
    # One at a time: pictures are drawn beside checks and answers, which come first.
    threads = ThreadPoolExecutor(1, "archdsl-draw")

    @server.feature(PICTURE)
    async def on_picture(params: Any) -> dict[str, object]:
        given = _as_mapping(params)
        entry = await server.settled(_uri(given))
        view, version = entry.document.last, entry.version
        if view is None:
            raise JsonRpcInvalidParams(f"{entry.uri} is not open")
        files = OpenFiles(entry.path, server.opened) if entry.path else None
        made: Picture = await asyncio.get_running_loop().run_in_executor(
            threads, picture, view.analysis, asked_for(given), files
        )
        return {"version": version, **made._asdict()}


def asked_for(given: Mapping[str, object]) -> Asked:
    """What parameters ask for. Raises an error of the protocol."""
    plain = Asked()
    net, depth = given.get("net"), given.get("depth")
    if net is not None and not isinstance(net, str):
        raise _wrong("net", "a name")
    if depth is not None and (type(depth) is not int or depth < 0):
        raise _wrong("depth", "a number of 0 or more")
    return Asked(
        net,
        _one_of(given, "view", VIEWS, plain.view),
        _one_of(given, "direction", DIRECTIONS, plain.direction),
        _one_of(given, "theme", _THEMES, plain.theme),
        depth,
        given.get("mistakes") is True,
    )


def _one_of(
    given: Mapping[str, object], name: str, words: tuple[Any, ...], default: Any
) -> Any:
    value = given.get(name)
    if value is not None and value not in words:
        raise _wrong(name, ", ".join(words[:-1]) + f" or {words[-1]}")
    return default if value is None else value


def _wrong(name: str, takes: str) -> JsonRpcInvalidParams:
    return JsonRpcInvalidParams(f"{name} is {takes}")


def _uri(given: Mapping[str, object]) -> str:
    return str(_as_mapping(given.get("textDocument")).get("uri", ""))


def _as_mapping(params: object) -> Mapping[str, object]:
    """What pygls makes of parameters that it does not know: a tuple with names."""
    if isinstance(params, Mapping):
        return params
    made = getattr(params, "_asdict", None)
    return made() if made is not None else {}
