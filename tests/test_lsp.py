"""The language server, spoken to by a real client over its standard input."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pygls")
pytest.importorskip("pytest_lsp")

from editing import EDITED, random_change
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities, fixture

from archdsl.pipeline import check
from archdsl.source import Source

SPEC = """\
block unit c s=1 {
  conv c 3x3 p1 s=s | bn | relu
  conv c 1x1
}

net toy {
  input 3x32x32
  stem: conv 8 3 p1 | relu
  unit 16 s=2 | unit 16
  add(id, stem | conv 16 1 s2)
  gap | fc 10
}
"""


SERVER = ClientServerConfig([sys.executable, "-m", "archdsl", "lsp", "--stdio"])
PUBLISHED = types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS

pytestmark = pytest.mark.asyncio(loop_scope="module")


@fixture(  # type: ignore[untyped-decorator]
    config=SERVER,
    scope="module",
    loop_scope="module",
    params=[types.PositionEncodingKind.Utf16, types.PositionEncodingKind.Utf8],
)
async def client(
    request: pytest.FixtureRequest, lsp_client: LanguageClient
) -> AsyncIterator[None]:
    capabilities = client_capabilities("neovim")
    assert capabilities.general is not None
    capabilities.general.position_encodings = [request.param]
    client: Any = lsp_client
    client.published = {}
    client.protocol.fm.features.pop(PUBLISHED)

    def published(params: types.PublishDiagnosticsParams) -> None:
        client.published.setdefault(params.uri, []).append(params)

    client.feature(PUBLISHED)(published)
    # What may have been told too early is asked for again.
    client.feature(types.WORKSPACE_INLAY_HINT_REFRESH)(lambda params: None)
    client.feature(types.WORKSPACE_SEMANTIC_TOKENS_REFRESH)(lambda params: None)
    result = await lsp_client.initialize_session(
        types.InitializeParams(capabilities=capabilities)
    )
    assert result.capabilities.position_encoding == request.param
    client.encoding = str(request.param.value)
    yield
    await lsp_client.shutdown_session()


class Text:
    """A text in the client, and what the server says of it."""

    def __init__(self, client: Any, uri: str, text: str) -> None:
        self.client = client
        self.uri = uri
        self.text = text
        self.version = 1
        self.id = types.TextDocumentIdentifier(uri)
        self.texts = {1: text}
        # How many of the server's notifications were looked at.
        self.read = 0
        # The units that were agreed on, as Python encodes them.
        self.units = {"utf-16": ("utf-16-le", 2), "utf-8": ("utf-8", 1)}[
            client.encoding
        ]

    async def open(self) -> list[types.Diagnostic]:
        item = types.TextDocumentItem(self.uri, "arch", self.version, self.text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return await self.diagnostics()

    async def diagnostics(self) -> list[types.Diagnostic]:
        """Those of the newest version, once they are told another time.

        All that is told must be true of the version that it is told of.
        """
        published = self.client.published.setdefault(self.uri, [])
        while True:
            while self.read < len(published):
                found = published[self.read]
                self.read += 1
                if self.uri.startswith("untitled:"):
                    text = self.texts[found.version]
                    codes = [d.code for d in check(Source("net", text)).diagnostics]
                    assert sorted(codes) == sorted(d.code for d in found.diagnostics)
                if found.version == self.version:
                    return list(found.diagnostics)
            await asyncio.sleep(0.005)

    def change(self, start: int, end: int, text: str) -> None:
        self.version += 1
        where = types.Range(self.position(start), self.position(end))
        self.text = self.text[:start] + text + self.text[end:]
        self.texts[self.version] = self.text
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(self.version, self.uri),
                [types.TextDocumentContentChangePartial(where, text)],
            )
        )

    def position(self, offset: int) -> types.Position:
        before = self.text[:offset]
        line = before.rpartition("\n")[2]
        encoding, width = self.units
        return types.Position(before.count("\n"), len(line.encode(encoding)) // width)

    def at(self, word: str, skip: int = 0) -> types.Position:
        return self.position(self.text.index(word) + skip)

    def whole(self) -> types.Range:
        return types.Range(types.Position(0, 0), self.position(len(self.text)))

    def applied(self, edits: list[types.TextEdit]) -> str:
        lines = self.text.split("\n")

        def offset(position: types.Position) -> int:
            start = sum(len(line) + 1 for line in lines[: position.line])
            encoding, width = self.units
            line = lines[position.line].encode(encoding)
            return start + len(line[: width * position.character].decode(encoding))

        text = self.text
        for edit in sorted(edits, key=lambda e: -offset(e.range.start)):
            start, end = offset(edit.range.start), offset(edit.range.end)
            text = text[:start] + edit.new_text + text[end:]
        return text

    async def hints(self) -> dict[int, str]:
        found = await self.client.text_document_inlay_hint_async(
            types.InlayHintParams(self.id, self.whole())
        )
        return {hint.position.line: str(hint.label) for hint in found or ()}


async def opened(client: Any, text: str, uri: str) -> Text:
    made = Text(client, uri, text)
    assert await made.open() == []
    return made


async def test_a_mistake_is_told_and_mended(client: Any) -> None:
    text = await opened(client, SPEC, "untitled:mended")
    at = text.text.index("conv 8")
    text.change(at, at + 4, "cnv")
    (found,) = await text.diagnostics()
    assert found.code == "E0201"
    assert found.range.start == text.position(at)
    assert "did you mean `conv`?" in found.message
    (action,) = await client.text_document_code_action_async(
        types.CodeActionParams(text.id, found.range, types.CodeActionContext([found]))
    )
    assert action.title == "write `conv`"
    assert text.applied(action.edit.changes[text.uri]) == SPEC


async def test_a_mistake_has_related_places(client: Any) -> None:
    text = Text(client, "untitled:related", "input 3x8x8\nconv 16 3 g2\n")
    (found,) = await text.open()
    (related,) = found.related_information or ()
    assert related.location.range.start == types.Position(0, 6)
    assert related.message == "the 3 channels come from here"


async def test_shapes_stand_behind_lines(client: Any) -> None:
    text = await opened(client, SPEC, "untitled:shapes")
    assert await text.hints() == {
        1: "→ 16x16x16",
        2: "→ 16x16x16",
        6: "→ 3x32x32",
        7: "→ 8x32x32",
        8: "→ 16x16x16",
        9: "→ 16x16x16",
        10: "→ 10",
    }


async def test_the_last_good_shapes_stay(client: Any) -> None:
    text = await opened(client, SPEC, "untitled:broken")
    before = await text.hints()
    text.change(text.text.index("  gap"), text.text.index("  gap"), "  conv (\n")
    assert [d.code for d in await text.diagnostics()] == ["E0103"]
    assert await text.hints() == {
        line + (line >= 10): shape for line, shape in before.items()
    }
    found = await client.text_document_hover_async(
        types.HoverParams(text.id, text.at("gap"))
    )
    assert "`16x16x16` → `16`" in found.contents.value


async def test_hover_tells_shapes_and_costs(client: Any) -> None:
    text = await opened(client, SPEC, "untitled:hover")
    found = await client.text_document_hover_async(
        types.HoverParams(text.id, text.at("fc 10"))
    )
    assert "`16` → `10`" in found.contents.value
    assert "170 parameters, 160 MACs" in found.contents.value
    assert "Fully connected layer" in found.contents.value


async def test_completion_knows_where_it_stands(client: Any) -> None:
    text = await opened(client, SPEC, "untitled:complete")

    async def names(word: str) -> set[str]:
        at = text.text.index("  gap")
        text.change(at, at, f"  {word}\n")
        found = await client.text_document_completion_async(
            types.CompletionParams(text.id, text.position(at + 2 + len(word)))
        )
        text.change(at, at + 3 + len(word), "")
        return {item.label for item in found.items}

    assert {"conv", "unit", "stem", "assert"} <= await names("")
    assert {"s=", "p=", "same"} <= await names("conv 8 3 ")
    assert await names("share ") == {"stem"}
    assert "bottleneck" in await names("add(id, b")
    found = await client.text_document_completion_async(
        types.CompletionParams(text.id, text.at("s=2"))
    )
    (key,) = [item for item in found.items if item.label == "s="]
    assert key.kind == types.CompletionItemKind.Property
    layer = types.CompletionItem(
        "p=", data={"uri": text.uri, "kind": "key", "callee": "conv"}
    )
    told = await client.completion_item_resolve_async(layer)
    assert "zeros added on each side" in told.documentation.value


async def test_names_are_followed_and_changed(client: Any) -> None:
    text = await opened(client, SPEC, "untitled:names")
    use = text.position(text.text.index("stem |"))
    found = await client.text_document_definition_async(
        types.DefinitionParams(text.id, use)
    )
    assert found.range.start == text.at("stem:")
    places = await client.text_document_references_async(
        types.ReferenceParams(types.ReferenceContext(True), text.id, use)
    )
    assert len(places) == 2
    edit = await client.text_document_rename_async(
        types.RenameParams(text.id, use, "first")
    )
    edits = edit.changes or {
        change.text_document.uri: change.edits for change in edit.document_changes
    }
    assert text.applied(edits[text.uri]) == SPEC.replace("stem", "first")
    warned = [message.message for message in client.messages]
    if edit.change_annotations:
        warned += [note.description for note in edit.change_annotations.values()]
    assert any("submodule `stem` of the state_dict to `first`" in w for w in warned)
    with pytest.raises(Exception, match="name of the language"):
        await client.text_document_rename_async(types.RenameParams(text.id, use, "id"))


async def test_another_file(client: Any, tmp_path: Path) -> None:
    used = tmp_path / "blocks.arch"
    used.write_text("block unit c {\n  conv c 3x3\n}\n")
    spec = 'use "blocks.arch" as b\nnet a { input 3x8x8 | b.unit 4 | flatten }\n'
    text = await opened(client, spec, (tmp_path / "net.arch").as_uri())
    found = await client.text_document_definition_async(
        types.DefinitionParams(text.id, text.at("unit"))
    )
    assert found.uri == used.as_uri()
    assert found.range.start == types.Position(0, 6)
    # What is open counts, not what is on the disk.
    other = Text(client, used.as_uri(), used.read_text())
    await other.open()
    other.change(other.text.index("3x3"), other.text.index("3x3") + 3, "9x9")
    # It may be told once more that all is well: the other file was opened.
    found = await text.diagnostics() or await text.diagnostics()
    (wrong,) = found
    assert wrong.message.startswith("blocks.arch:2:")
    assert wrong.range.start == text.at("b.unit")


async def test_formatting_outline_and_folds(client: Any) -> None:
    spec = SPEC.replace("  gap | fc 10", "  gap|fc   10")
    text = await opened(client, spec, "untitled:layout")
    edits = await client.text_document_formatting_async(
        types.DocumentFormattingParams(text.id, types.FormattingOptions(2, True))
    )
    assert text.applied(edits) == SPEC
    symbols = await client.text_document_document_symbol_async(
        types.DocumentSymbolParams(text.id)
    )
    assert [symbol.name for symbol in symbols] == ["unit", "toy"]
    assert [child.name for child in symbols[1].children] == ["stem"]
    folds = await client.text_document_folding_range_async(
        types.FoldingRangeParams(text.id)
    )
    assert [(fold.start_line, fold.end_line) for fold in folds] == [(0, 2), (5, 10)]
    words = await client.text_document_semantic_tokens_full_async(
        types.SemanticTokensParams(text.id)
    )
    assert list(words.data[:5]) == [0, 0, 5, 0, 0]


async def test_text_beyond_the_basic_plane(client: Any) -> None:
    spec = '# 😀\nnet a {\n  input 3x8x8\n  "😀": conv 4 3 | cnv 3\n}\n'
    text = Text(client, "untitled:emoji", spec)
    (found,) = await text.open()
    cnv = {"utf-16": 19, "utf-8": 21}[client.encoding]
    assert found.range.start == types.Position(3, cnv)
    assert found.range.end == types.Position(3, cnv + 3)
    at = text.text.index("cnv")
    text.change(at, at + 3, "relu | conv 4")
    assert await text.diagnostics() == []
    assert (await text.hints())[3] == "→ 4x4x4"


async def test_many_random_edits_of_a_client(client: Any) -> None:
    rng = random.Random(7)
    text = await opened(client, EDITED, "untitled:random")
    for step in range(60):
        for _ in range(rng.choice((1, 1, 3))):
            change = random_change(rng, text.text)
            text.change(*change)
        found = await text.diagnostics()
        if step % 6 == 0:
            fresh = Text(client, f"untitled:fresh{step}", text.text)
            again = repr(await fresh.open()).replace(fresh.uri, text.uri)
            assert again == repr(found)
            if not found:
                assert await text.hints() == await fresh.hints()


async def test_a_fast_typist_is_told_of_the_end_only(client: Any) -> None:
    text = await opened(client, SPEC, "untitled:fast")
    for letter in "  mxpool 2\n":
        at = text.text.index("  gap")
        text.change(at, at, letter)
        await asyncio.sleep(0.01)
    assert [d.code for d in await text.diagnostics()] == ["E0201"]


async def test_a_picture_of_the_newest_text(client: Any) -> None:
    text = await opened(client, SPEC, "untitled:picture")

    async def drawn(**asked: object) -> Any:
        parameters = {"textDocument": {"uri": text.uri}, **asked}
        return await client.protocol.send_request_async("archdsl/picture", parameters)

    made = await drawn()
    assert (made.nets, made.net, made.version, made.wrong) == (["toy"], "toy", 1, False)
    assert made.svg.startswith("<svg ")
    assert "conv 3×3, 8" in made.svg
    assert (await drawn(view="volumes", theme="dark")).svg != made.svg
    at = text.text.index("conv 8 3 p1")
    # It is not waited for: what is drawn is the text after the change all the same.
    text.change(at, at + len("conv 8 3 p1"), "conv 8 5 p2")
    made = await drawn()
    assert made.version == 2
    assert "conv 5×5, 8" in made.svg
    text.change(at, at + 4, "cnv")
    made = await drawn()
    assert (made.svg, made.wrong) == (None, True)
    assert made.message == "line 8: there is no layer, block or label `cnv`"
    made = await drawn(mistakes=True)
    assert "cnv" in made.svg
    assert "E0201" in made.svg
    with pytest.raises(Exception, match="view is graph or volumes"):
        await drawn(view="heap")
    with pytest.raises(Exception, match="depth is a number of 0 or more"):
        await drawn(depth=-1)
