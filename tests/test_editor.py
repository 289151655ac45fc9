"""What an editor is told of a text: shapes, names, completions, and after any edit."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from editing import EDITED, random_change

from archdsl.editor.analysis import Analysis, analyse
from archdsl.editor.colours import words
from archdsl.editor.complete import complete
from archdsl.editor.document import Document
from archdsl.editor.hover import hover
from archdsl.editor.inlay import hints_within
from archdsl.editor.moved import Change, Moved, changed
from archdsl.editor.outline import folds, outline
from archdsl.pipeline import check
from archdsl.reading import SpecFiles
from archdsl.source import Source

ROOT = Path(__file__).resolve().parent.parent
# `make test` tries some of them; the whole figure is 1,000.
EDITS = int(os.environ.get("ARCHDSL_EDITS", "200"))


def opened(text: str) -> Document:
    document = Document(text)
    checked(document)
    return document


def checked(document: Document) -> Analysis:
    document.begin()
    analysis = analyse("net.arch", document.text)
    document.finish(analysis)
    return analysis


def shown(document: Document) -> list[str]:
    """The lines that have a hint, with it."""
    found = []
    for hint in hints_within(document, 0, len(document.text)):
        line = document.line(document.line_of(hint.offset)).strip()
        found.append(f"{line} {hint.text}")
    return found


def write(document: Document, before: str, text: str) -> None:
    at = document.text.index(before)
    document.change(Change(at, at, text))


def told(document: Document, word: str) -> str:
    found = hover(document, document.text.index(word))
    assert found is not None
    return found.text


def offered(before: str, line: str, after: str) -> list[str]:
    """What could be written at the `§` of a line that is written into a text."""
    document = opened(before + after)
    document.change(Change(len(before), len(before), line.replace("§", "") + "\n"))
    found = complete(document, len(before) + line.index("§"), ["blocks.arch"])
    return [item.name for item in sorted(found.items, key=lambda item: item.rank)]


# Inlay hints


@pytest.mark.parametrize(
    ("text", "hints"),
    [
        ("input 3x8x8 | conv 4 3 | relu", ["→ 4x6x6"]),
        ("input 3x8x8 # what\n| conv 4 3 # flows", ["→ 3x8x8", "→ 4x6x6"]),
        # What is written is not told again, unless it is a formula.
        ("input 3x8x8 | conv 4 3 -> 4x6x6\nrelu", ["→ 4x6x6"]),
        ("net a n=2 { input 3x8x8 | conv 4 3 -> 2*n 6 6 }", ["→ 4x6x6"]),
        ("net a { input 3xHxW | conv 4 3 s2 p1 }", ["→ 4x⌈H/2⌉x⌈W/2⌉"]),
        ("net a { input 16 int | embedding 10 8 }", ["→ 16x8"]),
        ("input 16 int\nembedding 10 8", ["→ 16 int", "→ 16x8"]),
        ("input 3x8x8\nadd(id,\n  conv 3 3 p1)", ["→ 3x8x8"] * 2),
        (
            "input 3x8x8\n{conv 4 3\n relu} x2",
            ["→ 3x8x8", "→ 4x6x6 or 4x4x4", "→ 4x4x4"],
        ),
        ("input 3x8x8\nstem: {\n  conv 4 3\n}\nid", ["→ 3x8x8"] + ["→ 4x6x6"] * 3),
        ("input 3x8x8\nconv 4 3 if 1 > 2\nrelu", ["→ 3x8x8"] * 3),
        (
            "input 3x8x8\nconv 4 3\noutput(id, gap)",
            ["→ 3x8x8", "→ 4x6x6", "→ 4x6x6, 4"],
        ),
        # From a line that is wrong on, nothing is known.
        ("input 3x8x8\nconv 4 9\nrelu", ["→ 3x8x8", "→ ?"]),
        # A wrong belief does not change what there is.
        ("input 3x8x8\nconv 4 3 -> 4x5x5\nrelu", ["→ 3x8x8", "→ 4x6x6", "→ 4x6x6"]),
    ],
    ids=range(14),
)
def test_a_hint_is_what_leaves_its_line(text: str, hints: list[str]) -> None:
    found = hints_within(opened(text), 0, len(text))
    assert [hint.text for hint in found] == hints


def test_a_line_of_a_block_has_a_shape_for_each_use() -> None:
    text = "block unit c {\n  conv c 3\n}\nnet a {\n  input 3x99x99\n  unit 4 x6\n}\n"
    document = opened(text)
    first = hints_within(document, 0, len(text))[0]
    assert first.text == "→ 4x97x97 or 4x95x95 or 4x93x93 or 3 more"
    assert "4x87x87" in first.more
    assert not first.insert


def test_a_hint_stands_behind_the_last_word() -> None:
    text = 'input 3x8x8 | conv 4 3   # a "comment" # with signs \n'
    (hint,) = hints_within(opened(text), 0, len(text))
    assert text[: hint.offset].endswith("conv 4 3")
    assert hint.insert == " -> 4x6x6"
    after = text[: hint.offset] + hint.insert + text[hint.offset :]
    assert not check(Source("a", after)).diagnostics


def test_hints_of_broken_text_stay_with_their_lines() -> None:
    document = opened(EDITED)
    before = shown(document)
    write(document, "  skip:", "  conv ((\n")
    write(document, "# 😀", "\n\n")
    analysis = checked(document)
    assert analysis.tree is None
    assert shown(document) == before
    # What is being written has no shape.
    write(document, " 16 s=2", "x")
    assert [line for line in before if "skip: unit" in line]
    assert not [line for line in shown(document) if "skip: unitx" in line]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "specs").rglob("*.arch")), ids=lambda path: path.stem
)
def test_each_spec_has_hints_and_the_same_findings(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    files = SpecFiles(path)
    analysis = analyse(str(path), text, files)
    assert not analysis.diagnostics
    assert analysis.hints
    source = analysis.source
    for hint in analysis.hints:
        assert not source.text[hint.offset - 1].isspace()
        # Nothing but a comment follows.
        rest = source.text[hint.offset :].partition("\n")[0].strip()
        assert rest == "" or rest.startswith("#")
    spans = [(name.start, name.end) for name in analysis.names]
    assert spans == sorted(spans)
    for name in analysis.names:
        assert source.text[name.start : name.end].strip('"')


# Hover


def test_hover_tells_what_arrives_leaves_and_costs() -> None:
    document = opened(EDITED)
    text = told(document, "conv 8 3")
    assert "conv c=8 k=3 p=1 bias=false" in text
    assert "`3x32x32` → `8x32x32`" in text
    assert "216 parameters, 221,184 MACs" in text
    assert "Convolution over 1, 2 or 3 spatial axes." in text
    assert "the zeros" in told(document, "p1 |") or "zeros added" in told(
        document, "p1 |"
    )
    assert "in the `state_dict`" in told(document, "head:")
    assert "submodule" not in told(
        opened("input 3x8 | a: add(id, id) | add(id, a)"), "a:"
    )
    assert "`s=1`: a parameter of `unit`" in told(document, "s > 1")
    assert "net `toy`: `3x32x32` → `10`" in told(document, "toy")
    assert "block unit c s=1 act=relu" in told(document, "unit 16 s=2")
    assert "here `relu`" in told(document, "act\n")


def test_hover_of_a_block_has_its_comment() -> None:
    text = "# Halves the map.\nblock half { maxpool 2 }\ninput 3x8x8 | half"
    assert "Halves the map." in told(opened(text), "half")
    standard = told(opened("input 3x8x8 | squeeze_excite 4"), "squeeze")
    assert "from std/squeeze_excite.arch" in standard


# Completion


@pytest.mark.parametrize(
    ("line", "some", "none"),
    [
        ("  §", {"conv", "unit", "stem", "assert", "in", "bottleneck"}, {"s=", "head"}),
        ("  relu | c§", {"conv", "unit", "stem"}, {"assert", "s="}),
        (
            "  conv 8 3 §",
            {"s=", "p=", "same", "bias", "n", "x=", "if"},
            {"conv", "act="},
        ),
        ("  conv 8 3 s=2 §", {"p="}, {"s="}),
        ("  conv 8 3 p=§", {"same", "tf", "n"}, {"relu"}),
        ("  conv 8 3 init=k§", {"kaiming", "orthogonal"}, {"relu"}),
        ("  unit 8 §", {"s=", "act=", "n"}, {"c=", "p="}),
        ("  unit 8 act=§", {"relu", "unit", "gelu"}, {"s="}),
        ("  add(id, st§", {"stem", "conv"}, {"s=", "assert"}),
        ("  add(id, conv 8 3 §", {"p="}, {"stem:"}),
        ("  new: §", {"conv", "new"}, {"assert"}),
        ("  share §", {"stem"}, {"conv"}),
        ("  conv stem.§", {"c", "h", "w"}, {"conv"}),
        ("  relu if §", {"n", "stem", "in"}, {"conv"}),
        ("  assert §", {"params", "macs", "stem"}, {"conv"}),
        ("  unit 8 s=max(§", {"n", "in"}, {"conv", "assert"}),
        ("  # about §", set(), {"conv", "n"}),
        ("}\n§", {"net", "block", "use"}, {"conv"}),
        ("}\nnet other = §", {"toy"}, {"conv", "unit"}),
        ("}\nnet other = toy §", {"n="}, {"s="}),
        ("}\ndefault §", {"conv", "bn"}, {"unit"}),
        ("}\ndefault conv §", {"p=", "same"}, {"unit"}),
        ('}\nuse "§', {"blocks.arch"}, {"conv"}),
        ("  flatten\n    | §", {"fc"}, {"assert"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_could_be_written(line: str, some: set[str], none: set[str]) -> None:
    before = (
        "block unit c s=1 act=relu {\n  conv c 3 p1 s=s | act\n}\n"
        "net toy n=2 {\n  input 3x32x32\n  stem: conv 8 3 p1\n"
    )
    names = set(offered(before, line, "  unit n | head: relu\n}\n"))
    assert some <= names
    assert not none & names


# Outline, folds and colours


def test_the_outline_has_definitions_and_labels() -> None:
    found = outline(opened(EDITED))
    assert [(entry.kind, entry.name) for entry in found] == [
        ("block", "unit"),
        ("net", "toy"),
        ("net", "sized"),
    ]
    assert [child.name for child in found[1].children] == ["stém", "skip", "head"]
    assert found[1].children[0].detail == "→ 8x32x32"


def test_brackets_and_comments_can_be_folded() -> None:
    text = "# a\n# b\nnet a {\n  input 3x8\n  {relu\n   relu\n   relu} x2\n}\n"
    assert folds(opened(text)) == [(0, 1, True), (2, 6, False), (4, 5, False)]


def test_every_word_has_a_colour() -> None:
    document = opened(EDITED)
    coloured = {document.text[w.start : w.end]: w.kind for w in words(document)}
    assert coloured["block"] == "keyword"
    assert coloured["conv"] == "function"
    assert coloured["unit"] == "class"
    assert coloured["skip"] == "variable"
    assert coloured["# 😀 a comment"] == "comment"
    covered = [False] * len(document.text)
    for word in words(document):
        assert not any(covered[word.start : word.end])
        covered[word.start : word.end] = [True] * (word.end - word.start)
    left = "".join(
        c for c, is_in in zip(document.text, covered, strict=True) if not is_in
    )
    assert set(left) <= set(' \n{}(),:."')


# Edits


def test_places_are_followed_through_changes() -> None:
    for seed in range(300):
        rng = random.Random(seed)
        # What each character of the newer text was, None for a new one.
        tags: list[int | None] = list(range(rng.randrange(14)))
        moved = Moved()
        for _ in range(rng.randrange(1, 7)):
            start = rng.randrange(len(tags) + 1)
            end = min(len(tags), start + rng.randrange(4))
            count = rng.randrange(4)
            tags[start:end] = [None] * count
            moved.add(Change(start, end, "x" * count))
        new = [False] * len(tags)
        for start, end in moved.stretches():
            new[start:end] = [True] * (end - start)
        for at, tag in enumerate(tags):
            assert new[at] or tag is not None
            if tag is not None and not new[at]:
                assert moved.forth(tag) == at
                assert moved.back(at) == tag


def test_the_change_between_two_texts() -> None:
    for seed in range(300):
        rng = random.Random(seed)
        a, b = ("".join(rng.choices("ab\n", k=rng.randrange(9))) for _ in range(2))
        start, end, text = changed(a, b)
        assert a[:start] + text + a[end:] == b


@pytest.mark.parametrize("seed", range(4))
def test_a_text_is_as_if_opened_afresh_after_any_edit(seed: int) -> None:
    rng = random.Random(seed)
    document = opened(EDITED)
    text = EDITED
    for _ in range(EDITS // 4):
        for _ in range(rng.choice((1, 1, 1, 4))):
            change = random_change(rng, text)
            text = text[: change.start] + change.text + text[change.end :]
            document.change(change)
            _asked(document, rng)
        assert document.text == text
        analysis = checked(document)
        fresh = opened(text)
        assert fresh.last is not None
        assert _plain(analysis) == _plain(fresh.last.analysis)
        assert words(document) == words(fresh)
        assert folds(document) == folds(fresh)
        _asked(document, rng)
        if analysis.trace is not None:
            assert shown(document) == shown(fresh)
            assert outline(document) == outline(fresh)


def _plain(analysis: Analysis) -> list[tuple[object, ...]]:
    return [
        (d.code, d.message, d.span and (d.span.start, d.span.end), d.hints, d.notes)
        for d in analysis.diagnostics
    ]


def _asked(document: Document, rng: random.Random) -> None:
    """Ask for all there is at some place, whatever is known; it stays in the text."""
    length = len(document.text)
    at = rng.randrange(length + 1)
    told = hover(document, at)
    assert told is None or 0 <= told.start <= told.end <= length
    found = complete(document, at)
    assert 0 <= found.start <= at == found.end
    for hint in hints_within(document, 0, length):
        assert 0 < hint.offset <= length
    for word in words(document):
        assert 0 <= word.start < word.end <= length
    for entry in outline(document):
        assert 0 <= entry.start <= entry.name_start <= entry.name_end <= entry.end
        assert entry.end <= length
    folds(document)
