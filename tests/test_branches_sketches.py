"""What no other test asks of sketches of nets whose check fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import archdsl
from archdsl.ir.network import Choice, Module, Node, Repeat
from archdsl.ir.unchecked import Fault, Unchecked
from archdsl.pipeline import check, sketch
from archdsl.source import Source

# Texts, and the line that each of their findings is told in.
FAILING = {
    "net n w=1 { input 3x8x8\n {relu\n assert params < 3} if w > 4\n tanh }": [3],
    "net n { input 3x8x8\n a: nosuch 3\n {add(id, a, a)}\n g: {add(a, a)} }": [2],
    (
        "block b w { relu if w > 1\n a: conv 3 1x1 if 1/0 > 1\n add(id, a) }\n"
        "net n { input 3x8x8\n b 2\n b 1 }"
    ): [2],
    "net n { input 3x8x8\n a: relu\n {add(id, a)\n conv 3 9x9} -> 3x1x1 }": [4],
    "net n { input 3x8x8\n a: relu\n {add(id, a, a)\n conv 3 5x5} x3 }": [3],
    "net n { input 3x8x8\n concat(relu, tanh) d }": [2],
    "net n { input 3x8x8\n nosuch 3 if 1 > 0\n tanh }": [2],
    "net n { input 3x8x8\n share 3\n relu }": [2],
    "net n { input 3x8x8\n {conv 3 (9-4*i)} x3 }": [2],
    "net n { input 3x8x8\n {add(id, nosuch)} x3 }": [2],
    "net n { input 3x8x8\n add(assert 1 > 2, relu) }": [2],
    "net n { input 3x8x8\n output(relu, assert 1 > 2) }": [2],
    "net n { g: {relu} }": [1],
    "net n { input 3x8x8\n a: conv 3 9x9\n g: { a } }": [2],
    (
        "net n { input 3x8x8\n a: conv 3 9x9\n {add(id, a)} x2\n"
        " g: {add(id, a)\n add(id, a)} }"
    ): [2],
    "net n { input 3x8x8\n a: nosuch 3\n {relu if a.h > 2} x3\n tanh }": [2],
    (
        "block up(x, s) c { add(id, s)\n conv c 3x3 }\n"
        "net n { input 3x8x8\n a: relu\n g: up(id, a) 3 x4\n add(g, a, a) }"
    ): [1],
}


def faults(nodes: Iterable[Node]) -> Iterator[Fault]:
    """What is marked as wrong, each once."""
    for node in nodes:
        if isinstance(node, Choice):
            yield from faults(node.nodes)
        elif isinstance(node, Repeat):
            yield from faults(run.stage for run in node.runs)
        elif isinstance(node.target, Module):
            yield from faults(node.target.nodes)
        elif isinstance(node.target, Unchecked) and node.target.fault is not None:
            yield node.target.fault


@pytest.mark.parametrize(("text", "lines"), FAILING.items())
def test_each_finding_is_marked(text: str, lines: list[int]) -> None:
    source = Source("n.arch", text)
    found = check(source, "n").diagnostics
    sketched = sketch(source, "n")
    assert sketched is not None
    marked = set(faults(sketched.root.nodes))
    assert [d.span.line for d in found if d.span is not None] == lines
    assert {(fault.code, fault.where) for fault in marked} == {
        (each.code, f"line {line}") for each, line in zip(found, lines, strict=True)
    }


def test_a_finding_in_another_file_names_it(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    up, spec = tmp_path / "up.arch", tmp_path / "net.arch"
    up.write_text("block up {\n  conv 3 9x9\n}\n", "utf-8")
    spec.write_text('use "up.arch"\ninput 3x8x8 | up | relu\n', "utf-8")
    (fault,) = set(faults(archdsl.sketch(spec).root.nodes))
    assert fault.code == "E0302"
    assert fault.where == f"{up}:2"


def test_copies_beyond_the_limit_are_one_group_each() -> None:
    text = "net n { input 8\n {relu | fc i+1} x3 }"
    sketched = archdsl.sketch(text, limits={"stages": 4})
    assert [fault.code for fault in sketched.wrong] == ["E0702"]
    (repeat,) = sketched.root.nodes
    assert isinstance(repeat, Repeat)
    assert {run.stage.kind for run in repeat.runs} == {"{}"}
    assert sum(run.count for run in repeat.runs) == 3


def test_a_line_whose_condition_is_wrong_is_one_stage() -> None:
    text = "net n { input 3x8x8\n nosuch 3 if 1/0 > 2 }"
    sketched = sketch(Source("n.arch", text), "n")
    assert sketched is not None
    assert [fault.code for fault in faults(sketched.root.nodes)] == ["E0502"]
    assert [fault.code for fault in sketched.wrong] == ["E0201", "E0502"]
