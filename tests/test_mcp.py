"""`archdsl mcp`, through a client in the same process, and once as a process."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pages import code
from shell import Shell

pytest.importorskip("mcp.server.mcpserver")

import mcp

from archdsl.limits import MOST
from archdsl.mcp import LIMITS, server

ROOT = Path(__file__).resolve().parent.parent
GOOD = "net a c=4 {\n  input 3x8x8\n  conv c 3x3 p1 | relu\n  gap | fc 10\n}\n"
WRONG = "net a { input 3x8x8 | conv 4x3x3 | rellu }\n"

Call = Callable[..., Any]


def asked(made: Any, tool: str, arguments: dict[str, Any]) -> Any:
    async def call() -> Any:
        async with mcp.Client(made) as client:
            return await client.call_tool(tool, arguments)

    return asyncio.run(call())


def text(result: Any) -> str:
    return "".join(part.text for part in result.content)


def told(tool: str, made: Any = None, **arguments: Any) -> str:
    result = asked(made or server(), tool, arguments)
    assert not result.is_error, text(result)
    return text(result)


def refused(tool: str, made: Any = None, **arguments: Any) -> str:
    result = asked(made or server(), tool, arguments)
    assert result.is_error, text(result)
    return text(result)


def test_the_tools_tell_what_they_are() -> None:
    async def listed() -> Any:
        async with mcp.Client(server()) as client:
            return await client.list_tools()

    tools = {tool.name: tool for tool in asyncio.run(listed()).tools}
    assert set(tools) == {"check", "summary", "draw", "compile", "explain"}
    assert all(tool.description for tool in tools.values())


def test_check_gives_findings_with_fixes_and_shapes() -> None:
    data = json.loads(told("check", spec=WRONG))
    (finding,) = data["findings"]
    assert finding["code"] == "E0201"
    assert finding["fixes"][0]["edits"][0]["text"] == "relu"
    assert [stage["state"] for stage in data["nets"][0]["stages"]] == [
        "checked",
        "wrong",
    ]
    good = json.loads(told("check", spec=GOOD))
    assert (good["findings"], good["nets"][0]["ok"]) == ([], True)
    assert json.loads(told("check", spec=GOOD, shapes=False))["nets"] == []
    schema = json.loads((ROOT / "archdsl/schemas/check.json").read_text())
    jsonschema = pytest.importorskip("jsonschema")
    for each in (data, good):
        jsonschema.validate(each, schema, jsonschema.Draft202012Validator)


def test_the_other_tools_give_what_the_commands_do(shell: Shell) -> None:
    shell.file("a.arch", GOOD)
    summary = shell("summary", "a.arch", "--set", "c=8").out
    assert told("summary", spec=GOOD, params={"c": 8}) == summary
    made = shell("compile", "a.arch").out
    assert told("compile", spec=GOOD).replace("<spec>", "a.arch") == made
    assert told("draw", spec=GOOD).startswith("<svg ")
    assert told("draw", spec=GOOD, view="volumes").startswith("<svg ")
    assert told("draw", spec=GOOD, view="mermaid").startswith("flowchart")
    assert "conv" in told("draw", spec=GOOD, view="tree")
    assert "‼" in told("draw", spec=WRONG)
    assert told("explain", code="E0304") == shell("explain", "E0304").out


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("summary", {"spec": WRONG}, "E0201"),
        ("compile", {"spec": "input 3 |"}, "E0102"),
        ("draw", {"spec": "input 3 |"}, "E0102"),
        ("compile", {}, "give one of"),
        ("summary", {"spec": GOOD + GOOD.replace("net a", "net b")}, "2 nets"),
        ("summary", {"spec": GOOD, "net": "b"}, "E0211"),
        ("summary", {"spec": GOOD, "params": {"c": None}}, "cannot be a NoneType"),
        ("explain", {"code": "E9999"}, "there is no code"),
        ("draw", {"spec": GOOD, "view": "photo"}, "photo"),
    ],
)
def test_mistakes_are_errors_of_the_call(
    tool: str, arguments: dict[str, Any], said: str
) -> None:
    assert said in refused(tool, **arguments)


def test_no_file_is_read_unless_a_directory_is_served(tmp_path: Path) -> None:
    inside, outside = tmp_path / "specs", tmp_path / "other.arch"
    inside.mkdir()
    (tmp_path / "pyproject.toml").touch()
    (inside / "a.arch").write_text('use "b.arch"\ninput 3x8x8 | unit\n')
    (inside / "b.arch").write_text("block unit { relu }\n")
    (inside / "c.arch").write_text('use "../other.arch"\ninput 3x8x8 | unit\n')
    (inside / "d.arch").symlink_to(outside)
    outside.write_text(GOOD)
    assert "reads no files" in refused("check", file="a.arch")
    # A text that looks like the name of a file is a text.
    assert json.loads(told("check", spec=str(outside)))["findings"]
    assert "E0803" in told("check", spec='use "b.arch"\ninput 3 | unit\n')
    served = server(str(inside))
    assert json.loads(told("check", served, file="a.arch"))["findings"] == []
    for file in ("../other.arch", str(outside), "d.arch"):
        assert "outside" in refused("check", served, file=file)
    assert "outside" in told("check", served, file="c.arch")
    assert "there is no file" in refused("check", served, file="none.arch")


def test_limits_hold() -> None:
    assert all(here <= most for here, most in zip(LIMITS, MOST, strict=True))
    long = "input 8 | " + " | ".join(["relu"] * LIMITS.tokens)
    (finding,) = json.loads(told("check", spec=long))["findings"]
    assert finding["code"].startswith("E07")
    lowered = server(limits=MOST._replace(tokens=5))
    (finding,) = json.loads(told("check", lowered, spec=GOOD))["findings"]
    assert finding["code"] == "E0704"


def test_as_a_process_with_the_settings_that_the_page_shows() -> None:
    paths = (str(ROOT), os.environ.get("PYTHONPATH", ""))
    (settings,) = code("docs/pipelines.md", "json")
    shown = json.loads(settings)["mcpServers"]["archdsl"]
    assert shown["command"] == "archdsl"
    started = mcp.StdioServerParameters(
        command=sys.executable,
        args=["-m", "archdsl", *shown["args"]],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )
    assert json.loads(told("check", started, spec=GOOD))["findings"] == []


def test_without_the_extra(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "mcp"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "archdsl.mcp")
    monkeypatch.setitem(sys.modules, "mcp", None)
    ran = shell("mcp")
    assert (ran.status, ran.out) == (2, "")
    assert "pip install 'archdsl[mcp]'" in ran.err
    assert shell("mcp", "--root", "none").status == 2
