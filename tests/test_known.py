"""What a call gave before is what it gives again, and is told of at its own place."""

from __future__ import annotations

from pathlib import Path

import pytest

from archdsl.backends.text.summary import summary_table
from archdsl.backends.torch.emit import emit
from archdsl.elaborate import known
from archdsl.elaborate.definitions import (
    Definitions,
    Library,
    check_names,
    definitions,
)
from archdsl.elaborate.nets import Elaborator
from archdsl.elaborate.report import Reporter, TrialEndedError
from archdsl.ir.dump import dump
from archdsl.ir.network import Module, Network, Stage
from archdsl.pipeline import check
from archdsl.reading import SpecFiles
from archdsl.source import Source
from archdsl.syntax import parse

ROOT = Path(__file__).parents[1]
SPECS = sorted((ROOT / "specs").rglob("*.arch"))

HEAD = "input 3x32x32\nconv 64 3x3 same\n"
LINES = "conv 64 3x3 same\nbn | relu\nadd(id, id)\n"
FLAT = HEAD + LINES * 100


def elaborated(source: Source, path: Path | None, remembers: bool) -> list[Network]:
    """The nets of a text that is right, calls remembered or not."""
    tree, found = parse(source)
    assert tree is not None
    assert not found
    report = Reporter(source, trial=remembers)
    library = Library(SpecFiles(path) if path is not None else None)
    defined = definitions(tree, Definitions(source, library), report)
    report.enter(defined)
    assert check_names(defined, report)
    elaborator = Elaborator(defined, report, remembers)
    roots = {name: elaborator.net(name, {}) for name in defined.nets}
    assert not report.found
    return [
        Network(name, root, source.name, elaborator.facts)
        for name, root in roots.items()
        if root is not None
    ]


def told(networks: list[Network]) -> list[tuple[str, str, str]]:
    """All that is made of the networks."""
    return [(dump(net), summary_table(net), emit(net)) for net in networks]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_networks_are_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "WORTH_IT", 10**6)
    source = Source(path.name, path.read_text(encoding="utf-8"))
    assert told(elaborated(source, path, True)) == told(elaborated(source, path, False))


def test_repeated_calls_share_what_they_gave() -> None:
    (network,) = elaborated(Source("flat.arch", FLAT), None, True)
    stages = [node for node in network.root.nodes if isinstance(node, Stage)]
    made: dict[str, set[int]] = {}
    for stage in stages:
        made.setdefault(stage.kind, set()).add(id(stage.target))
    # The first two convolutions differ, since what flows in does.
    assert {kind: len(sites) for kind, sites in made.items()} == {
        **{"conv": 2, "bn": 1, "relu": 1, "add": 1}
    }
    lines = [stage.span.line for stage in stages]
    assert lines == sorted(lines)
    assert len({stage.output for stage in stages}) == len(stages)


@pytest.mark.parametrize("label", ["", "last: "])
def test_findings_point_to_their_own_place(label: str) -> None:
    lines = FLAT.count("\n")
    wrong = f"{FLAT}{label}conv 64 3x3 same -> 65x32x32\n"
    (found,) = check(Source("flat.arch", wrong)).diagnostics
    assert found.span is not None
    assert found.span.line == lines + 1
    assert [note.span.line for note in found.related] == [lines + 1]
    assert found.span.text == "65x32x32"


def test_a_size_comes_from_the_nearest_of_equal_calls() -> None:
    wrong = f"{FLAT}relu\nconv 64 3x3 g=7\n"
    (found,) = check(Source("flat.arch", wrong)).diagnostics
    assert found.code == "E0312"
    # The last convolution that makes 64 channels, and not the first.
    last = FLAT.rstrip().rindex("conv 64")
    assert [note.span.start for note in found.related] == [last + len("conv ")]


def test_defaults_and_parameters_are_told_apart() -> None:
    text = (
        "block a { conv 8 3x3 | relu }\n"
        "default conv same\n"
        "block b relu=gelu { conv 8 3x3 | relu }\n"
        "net n { input 8x9x9 | a | b | b relu=tanh }\n"
    )
    source = Source("n.arch", text + "#" * 1000)
    (network,) = check(source).networks.values()
    (plain,) = elaborated(source, None, False)
    assert dump(network) == dump(plain)
    assert plain.root.type.sizes == (8, 7, 7)


def test_texts_that_are_all_different_end_the_trial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(known, "WORTH_IT", 200)
    text = "input 8\n" + "".join(f"fc {i + 1}\n" for i in range(300))
    source = Source("fcs.arch", text)
    with pytest.raises(TrialEndedError):
        elaborated(source, None, True)
    assert len(check(source).networks[""].root.nodes) == 300


@pytest.mark.parametrize(
    "text",
    [
        "block b w { clamp(id) max=w | clamp(id) max=w | clamp(id) max=9 }\n"
        "net n { input 8 | b 2 | b 3 | b 2.0 }\n",
        "block b n { relu | fc n[0] | relu }\n"
        "net n { input 8 | b n=[8,8] | b n=[4,8] }\n",
        # The size is that of a label, and not the parameter.
        "block b a w { relu | a: fc w | fc 4 | fc a.c | fc a }\n"
        "net n { input 3 | b 3 5 | b 3 7 }\n",
        # The capital is a parameter.
        "block b C { relu | conv 3 CxC same }\nnet n { input 3x8x8 | b 3 | b 5 }\n",
        "block b f=fc { relu | f 8 }\nnet n { input 8 | b | b f=scale }\n",
        "block b w { relu | {fc w*i+8 | relu} x3 }\nnet n { input 8 | b 2 | b 3 }\n",
    ],
)
def test_calls_that_name_something(text: str) -> None:
    source = Source("n.arch", text + "#" * 1000)
    checked = check(source)
    assert not checked.diagnostics
    (plain,) = elaborated(source, None, False)
    assert dump(checked.networks["n"]) == dump(plain)


def test_calls_are_shared_where_their_parameters_are_the_same_numbers() -> None:
    text = "block b w f { relu | conv w 3x3 same | bn | scale f }\n"
    text += "net n { input 8x9x9 | b 8 2 | b 8 3 | b 6 3 | b 8 4 }\n"
    source = Source("n.arch", text + "#" * 1000)
    (network,) = check(source).networks.values()
    (plain,) = elaborated(source, None, False)
    assert dump(network) == dump(plain)
    blocks = [node.target for node in network.root.nodes if isinstance(node, Stage)]
    convs = [
        id(block.nodes[1].target)  # type: ignore[union-attr]
        for block in blocks
        if isinstance(block, Module)
    ]
    # The last has other channels flowing in.
    assert convs[0] == convs[1]
    assert len(set(convs)) == 3
