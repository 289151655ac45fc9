"""What specs alone do not show: lowered limits, several files, what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from outcomes import outcome
from test_known import elaborated

import archdsl
from archdsl.ir.dump import dump
from archdsl.ir.network import Stage
from archdsl.limits import Limits
from archdsl.pipeline import check
from archdsl.source import Source


def findings(text: str, limits: Limits) -> list[tuple[str, str]]:
    """The codes and places of what is found under these limits."""
    found = check(Source("t.arch", text, limits)).diagnostics
    return [(d.code, d.span.text) for d in found if d.span is not None]


# Limits: what is just within them is right


@pytest.mark.parametrize(("inner", "codes"), [("relu", []), ("{ relu }", ["E0703"])])
def test_nets_count_how_deep_stages_stand(inner: str, codes: list[str]) -> None:
    text = f"block a {{ {{ {{ b }} }} }}\nblock b {{ {inner} }}\ninput 8\na"
    assert [code for code, _ in findings(text, Limits(nesting=4))] == codes


def test_nets_may_have_as_many_stages_as_the_limit() -> None:
    text = "input 8\nfc 7\nfc 6"
    assert findings(text, Limits(stages=3)) == []
    assert findings(text, Limits(stages=2)) == [("E0702", "fc 6")]


def test_nets_may_have_as_many_layers_as_the_limit() -> None:
    text = "net a { input 8 | fc 7 }\nnet b { input 8 | fc 7 | fc 6 }"
    assert findings(text, Limits(layers=3)) == []
    (found,) = findings(text, Limits(layers=2))
    assert found == ("E0702", "{ input 8 | fc 7 | fc 6 }")


def test_nets_count_the_layers_of_blocks_once() -> None:
    text = "net a { input 8 | fc 7 }\nblock b { fc 7 | fc 6 }\nnet c { input 8 | b }"
    assert findings(text, Limits(layers=3)) == []
    # The block alone is within the limit.
    assert findings(text, Limits(layers=2)) == [("E0702", "{ input 8 | b }")]
    assert findings(text, Limits(layers=1))[0] == ("E0702", "{ fc 7 | fc 6 }")


def test_nets_count_the_formulas_of_symbols() -> None:
    text = "input 3xHxH\n" + "maxpool 2\n" * 3
    assert findings(text, Limits(unknowns=4)) == []
    (found,) = check(Source("t.arch", text, Limits(unknowns=3))).diagnostics
    assert (found.code, found.message) == (
        "E0701",
        "there are more than 3 formulas that differ, of sizes that are not known",
    )
    assert found.hints == ("give some sizes of the input as numbers",)
    assert found.span is not None
    assert found.span.line == 4


def test_nets_derive_as_often_as_the_limit() -> None:
    heads = [f"net n{at + 1} = n{at}" for at in range(3)]
    text = "net n0 w=3 { input 8 | fc w }\n" + "\n".join(heads)
    checked = check(Source("t.arch", text, Limits(nesting=3)))
    assert checked.diagnostics == []
    assert list(checked.networks) == ["n0", "n1", "n2", "n3"]
    assert [code for code, _ in findings(text, Limits(nesting=2))] == ["E0703"]


@pytest.mark.parametrize(("head", "who"), [("", "the net"), ("net n ", "the net `n`")])
def test_nets_name_themselves_where_a_parameter_is_unknown(head: str, who: str) -> None:
    text = f"{head}{{ input 8 | fc 4 }}" if head else "input 8 | fc 4"
    name = head[4:].strip()
    (found,) = check(Source("t.arch", text), name, {"w": 3}).diagnostics
    assert (found.code, found.message) == ("E0401", f"{who} has no parameter `w`")
    assert found.hints == ()


def test_nets_without_an_input_are_told_at_their_beginning() -> None:
    assert findings("net n { assert 1 > 0 }", Limits()) == [("E0306", "{")]


def test_nets_suggest_a_parameter() -> None:
    text = "net n width=3 { input 8 | fc width }"
    (found,) = check(Source("t.arch", text), "n", {"widht": 3}).diagnostics
    assert found.hints == ("did you mean `width`?",)


def test_names_count_inputs_and_parameters() -> None:
    text = "block b(x, y) w=1 { add(x, y) | fc w }\ninput 8\nb(id, id)"
    assert findings(text, Limits(parameters=3)) == []
    (found,) = check(Source("t.arch", text, Limits(parameters=2))).diagnostics
    assert found.code == "E0707"
    assert found.message == (
        "a block or net has at most 2 inputs and parameters, and this has 3"
    )
    assert found.hints == ("numbers of one kind can be one list: `n=[3,4,6,3]`",)
    assert found.span is not None
    assert found.span.text == "w=1"


def test_names_suggest_nothing_where_much_is_wrong() -> None:
    wrong = "\n".join(f"nosuch{at} 3" for at in range(200))
    for before, few in (("", True), (wrong, False)):
        text = f"net n width=3 {{ input 8\n{before}\nfc width\nfc widht\n}}"
        last = check(Source("t.arch", text)).diagnostics[-1]
        assert last.code == "E0206"
        assert (last.hints == ("did you mean `width`?",)) is few


# Several files


def in_files(tmp_path: Path, spec: str) -> list[tuple[str, str]]:
    """What is found in a spec beside a file with the block `up`."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "f.arch").write_text("block up { fc 8 }\n", "utf-8")
    (tmp_path / "t.arch").write_text(f'use "f.arch" as u\n{spec}', "utf-8")
    found = archdsl.check(tmp_path / "t.arch").diagnostics
    return [(d.code, d.message) for d in found]


CALLING = "block b f { f }\n"


@pytest.mark.parametrize(
    ("spec", "messages"),
    [
        # A block of the file as an argument.
        (CALLING + "input 8\nb u.up", []),
        (
            CALLING + "input 8\nb u.upp",
            [("E0206", "the file used as `u` has no block `upp`")],
        ),
        # A label takes the name from the file.
        (CALLING + "input 8\nu: fc 8\nfc u.c", []),
        # What is no name in front of the dot.
        ("input 8\nfc v.u.up", [("E0202", "there is no value `v.u`")]),
        ("input 8\nv.u: fc 8\nfc v.u.c", []),
        ("input 8\nfc v.up", [("E0202", "there is no value `v`")]),
    ],
)
def test_names_of_what_a_file_has(
    tmp_path: Path, spec: str, messages: list[tuple[str, str]]
) -> None:
    assert in_files(tmp_path, spec) == messages


def test_frame_finds_a_block_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "f.arch").write_text("block up { fc 8 }\n", "utf-8")
    (tmp_path / "t.arch").write_text(
        f'use "f.arch" as u\n{CALLING}input 8\nb u.up', "utf-8"
    )
    (network,) = archdsl.check(tmp_path / "t.arch").networks.values()
    (stage,) = network.root.nodes
    assert isinstance(stage, Stage)
    assert stage.target.nodes[0].target.name == "up"  # type: ignore[union-attr]


# What is kept of calls


def targets(text: str) -> list[object]:
    """What each stage of the last net is, calls remembered."""
    network = elaborated(Source("t.arch", text), None, True)[-1]
    return [node.target for node in network.root.nodes if isinstance(node, Stage)]


@pytest.mark.parametrize("call", ["clamp(id) max=9", "clamp max=9", "add(id, id)"])
def test_known_calls_are_elaborated_once(call: str) -> None:
    *_, second, third = targets(f"input 8\nrelu\n{call}\n{call}\n{call}\n")
    # What flows into the first is of another kind than what flows out of it.
    assert second is third


def test_nets_share_what_calls_gave() -> None:
    net = "{ input 8\n relu\n clamp max=9 }\n"
    made = elaborated(Source("t.arch", f"net a {net}net b {net}"), None, True)
    first, second = (network.root.nodes[-1] for network in made)
    assert isinstance(first, Stage)
    assert isinstance(second, Stage)
    assert first.target is second.target


def test_known_calls_differ_in_their_arguments() -> None:
    made = targets("input 8\nrelu\nclamp(id) max=9\nclamp(id) max=8\nclamp(id) max=9")
    assert made[2] is not made[3]
    assert made[1].args["max"].value == 9  # type: ignore[attr-defined]
    assert made[2].args["max"].value == 8  # type: ignore[attr-defined]


def same_without(text: str) -> None:
    """What is remembered changes nothing."""
    source = Source("t.arch", text)
    kept = elaborated(source, None, True)
    plain = elaborated(source, None, False)
    assert [dump(net) for net in kept] == [dump(net) for net in plain]


def test_known_calls_differ_under_other_defaults() -> None:
    net = "{ input 8x9x9\n relu\n conv 8 3x3\n conv 8 3x3 }\n"
    same_without(f"net a {net}default conv same\nnet b {net}")


def test_known_calls_of_other_nets_restrict_their_own_symbols() -> None:
    net = "{ input 3xHxW\n relu\n conv 8 3x3\n conv 8 3x3 }\n"
    same_without(f"net a {net}net b {net}")


def test_known_calls_of_sizes_of_which_some_are_known() -> None:
    net = "{ input 3x9xW\n relu\n conv 3 3x3 p1\n conv 3 3x3 p1 }\n"
    same_without(f"net a {net}net b {net}")


def test_known_calls_of_sizes_of_which_more_is_known_later() -> None:
    text = (
        "block unused { relu }\ninput 4xHx8\na: maxpool 2\nassert H == 6\n"
        "in | maxpool 2 | chunk 3 0 h\noutput(b=id, a=a)\n"
    )
    # A text that is long is elaborated with what calls gave before.
    assert outcome(text) == outcome(f"{text}# {'long ' * 200}\n")


def test_known_calls_of_externs_and_chosen_layers() -> None:
    text = 'extern e c=8 -> c from "m:E"\nblock b f { f | f | e c=8 | e c=8 }\n'
    same_without(f"{text}net n {{ input 8 | b relu | b tanh | b e }}")


def test_known_learned_tensors_stay_apart() -> None:
    same_without("input 8\nadd(id, param 8)\nadd(id, param 8)\n")
