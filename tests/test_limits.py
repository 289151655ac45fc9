"""What a spec may ask for: each limit holds, can be lowered, and cannot be raised."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from archdsl import pipeline
from archdsl.api import SpecError, check, compile, sketch
from archdsl.cli.main import main
from archdsl.diagnostics import Diagnostic
from archdsl.limits import MAX_FINDINGS, MEANING, MOST, LimitsError, lowered, parsed
from archdsl.reading import decoded
from archdsl.syntax import parse


def found(text: str, **limits: int) -> list[Diagnostic]:
    """What is wrong with a text."""
    return check(text + "\n", limits=limits).diagnostics


def codes(text: str, **limits: int) -> list[str]:
    return [d.code for d in found(text, **limits)]


def test_every_limit_is_explained() -> None:
    assert list(MEANING) == list(MOST._fields)


def nested_blocks(depth: int) -> str:
    blocks = [f"block b{n} {{ b{n - 1} | relu }}" for n in range(1, depth)]
    return "\n".join(["block b0 { fc 8 }", *blocks, f"input 8 | b{depth - 1}"])


def derived_nets(depth: int) -> str:
    nets = [f"net n{n} = n{n - 1} w={n}" for n in range(1, depth + 1)]
    return "\n".join(["net n0 w=1 { input 8 | fc w }", *nets])


PYRAMID = "input 1xHxW" + " | conv 1 3 s2" * 3

# A limit, a spec that is just within a low one, and one just beyond.
CASES = {
    "source": (40, "input 8 | fc 8".ljust(39), "input 8 | fc 8".ljust(40), "E0704"),
    "tokens": (5, "input 8 | fc 8", "input 8 | fc 8 x2", "E0704"),
    "identifier": (5, "net abcde { input 8 }", "net abcdef { input 8 }", "E0706"),
    "nesting": (3, "input 8 | fc (((8)))", "input 8 | fc ((((8))))", "E0703"),
    "stages": (3, "input 8 | fc 8 | fc 9", "input 8 | fc 8 | fc 9 | fc 10", "E0702"),
    "layers": (9, "input 8 | fc 8 x9", "input 8 | fc 8 x10", "E0702"),
    "integer": (999, "input 2 | fc 9*4", "input 2 | fc 40*40%900%9+1", "E0701"),
    "parameters": (2, "block b c d { fc c*d }", "block b c d e { fc c*d*e }", "E0707"),
    "unknowns": (6, "input 1xHxW | conv 1 3 s2", PYRAMID, "E0701"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_limit_is_lowered(name: str) -> None:
    most, within, beyond, code = CASES[name]
    assert codes(within, **{name: most}) == []
    assert codes(beyond, **{name: most}) == [code]
    assert codes(beyond) == []


def test_the_limits_of_a_spec() -> None:
    assert codes(nested_blocks(64)) == []
    assert codes(nested_blocks(65)) == ["E0703"]
    assert codes(derived_nets(64)) == []
    assert codes(derived_nets(65)) == ["E0703"]
    assert codes(derived_nets(2000)) == ["E0703"]
    assert codes("net " + "a" * 128 + " { input 8 | fc 8 }") == []
    assert codes("net " + "a" * 129 + " { input 8 | fc 8 }") == ["E0706"]
    assert codes(f'input 8 | "{"a" * 128}.{"b" * 128}": fc 8') == []
    assert codes(f'input 8 | "{"a" * 129}": fc 8') == ["E0706"]
    words = "input 8 | relu" + "\nrelu -> 8" * 74_999
    assert codes(words) == []
    assert codes(words + " | relu") == ["E0704"]


def test_layers_are_counted_over_all_nets() -> None:
    half = "net {} {{ input 8 | fc 8 x500000000 }}"
    assert codes(half.format("a") + "\n" + half.format("b")) == []
    three = "\n".join(half.format(name) for name in "abc")
    assert codes(three) == ["E0702"]


def test_layers_are_counted_over_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.arch").write_text(
            f"block {name} {{ {{fc 8 | relu}} x300000000 }}\n"
        )
    spec = tmp_path / "net.arch"
    spec.write_text('use "a.arch"\nuse "b.arch"\nnet n { input 8 | a | b }\n')
    assert [d.code for d in check(spec).diagnostics] == ["E0702"]
    spec.write_text('use "a.arch"\nuse "b.arch"\nnet n { input 8 | a }\n')
    assert not check(spec).diagnostics


def test_stages_are_counted_over_all_nets() -> None:
    nets = "\n".join(f"net n{n} {{ input 8 | fc {n + 1} }}" for n in range(5))
    # One for each net, and one for its layer.
    assert codes(nets, stages=10) == []
    assert codes(nets, stages=9) == ["E0702"]


def test_a_block_without_layers_counts_each_time() -> None:
    """Calls with other arguments are other stages, whatever is in them."""
    blocks = ["block b0 n { id if n > 0 else id }"]
    for k in range(1, 40):
        blocks.append(f"block b{k} n {{ b{k - 1} n*2 | b{k - 1} n*2+1 }}")
    text = "\n".join([*blocks, "input 8 | b39 1"])

    def seconds(stages: int) -> float:
        started = time.process_time()
        assert codes(text, stages=stages) == ["E0702"]
        return time.process_time() - started

    assert seconds(1000) < 4
    # The limit is what ends it: four times the stages take four times as long.
    assert min(seconds(4000) for _ in range(2)) < 6 * min(
        seconds(1000) for _ in range(3)
    )


def test_used_files(tmp_path: Path) -> None:
    (tmp_path / "a.arch").write_text('use "b.arch"\nblock a { b }\n')
    (tmp_path / "b.arch").write_text("block b { fc 8 }\n")
    spec = tmp_path / "net.arch"
    spec.write_text('use "a.arch"\nnet n { input 8 | a }\n')
    assert check(spec).ok
    assert [d.code for d in check(spec, limits={"use_depth": 1}).diagnostics] == [
        "E0803"
    ]
    assert [d.code for d in check(spec, limits={"used_files": 1}).diagnostics] == [
        "E0803"
    ]
    # The limits of a text are those of the files that it uses.
    (tmp_path / "b.arch").write_text("block b { fc 8 | relu | relu | relu }\n")
    assert check(spec).ok
    assert [d.code for d in check(spec, limits={"tokens": 11}).diagnostics] == ["E0704"]


def test_limits_are_never_raised() -> None:
    for name in MOST._fields:
        with pytest.raises(LimitsError, match="can only be lowered"):
            lowered({name: getattr(MOST, name) + 1})
        with pytest.raises(LimitsError, match="1 or more"):
            lowered({name: 0})
    with pytest.raises(LimitsError, match="no limit `depth`"):
        check("input 8 | fc 8\n", limits={"depth": 3})
    with pytest.raises(LimitsError):
        compile("input 8 | fc 8\n", limits={"tokens": 2**40})
    with pytest.raises(LimitsError):
        parsed("tokens=1e3")
    assert parsed("tokens=1000, stages=50") == MOST._replace(tokens=1000, stages=50)


def test_the_environment_lowers_limits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARCHDSL_LIMITS", "tokens=4")
    assert main(["check", "-e", "input 8 | fc 8"]) == 1
    assert "E0704" in capsys.readouterr().out
    monkeypatch.setenv("ARCHDSL_LIMITS", "tokens=900000")
    assert main(["check", "-e", "input 8 | fc 8"]) == 2
    told = capsys.readouterr().err
    assert told == (
        "archdsl check: ARCHDSL_LIMITS: the limit `tokens` is 300,000, and can only"
        " be lowered\n"
    )


def test_limits_hold_for_sketches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = "net n { input 8 | fc 8 | foo | {relu} x9 }"
    assert sketch(wrong, limits={"stages": 9}).wrong[0].code == "E0201"
    with pytest.raises(SpecError) as caught:
        sketch(wrong, limits={"tokens": 4})
    assert [d.code for d in caught.value.diagnostics] == ["E0704"]
    with pytest.raises(LimitsError):
        sketch(wrong, limits={"tokens": 2**40})
    # A limit reached within the net is drawn as what is wrong.
    many = "net n { input 8 | fc 8 | fc 9 | fc 10 | fc 11 | fc 12 }"
    assert not sketch(many).wrong
    assert [f.code for f in sketch(many, limits={"stages": 3}).wrong] == ["E0702"]
    # The command keeps those of the environment.
    picture = tmp_path / "net.svg"
    monkeypatch.setenv("ARCHDSL_LIMITS", "stages=3")
    assert main(["draw", "-e", many, "-o", str(picture)]) == 1
    assert "E0702" in capsys.readouterr().err
    assert "E0702" in picture.read_text(encoding="utf-8")


def bomb(depth: int) -> str:
    return "input 8 | " + "{" * depth + "fc 8" + "} x99" * depth


BOMBS = {
    "repeats": bomb(60),
    "copies": "input 8 | fc 8 x999999999999",
    "powers": "input 8 | fc " + "**".join(["9"] * 150),
    "a power": "input 8 | fc 9**9999999",
    "products": "input 8 | fc " + "*".join(["9999999999"] * 40),
    "a float": "input 8 | fc ceil(9.0**999*9.0**999)",
    "a number": "input 8 | fc " + "9" * 5000,
    "sizes": "input 99999999x99999999x99999999 | relu",
    "totals": "input 99999999 | fc 99999999 x99999999",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_at_once(name: str) -> None:
    """Within a millisecond beyond parsing; the best of some tries counts."""
    source, _ = decoded(BOMBS[name].encode() + b"\n", "bomb.arch")
    assert source is not None
    beyond = []
    for _ in range(20):
        started = time.process_time()
        parse(source)
        parsed_at = time.process_time()
        checked = pipeline.check(source)
        beyond.append(time.process_time() - parsed_at - (parsed_at - started))
    assert [d.code[:3] for d in checked.diagnostics] == ["E07"] * len(
        checked.diagnostics
    )
    assert checked.diagnostics
    assert min(beyond) < 1e-3


def test_no_integer_grows_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operators are never asked for more than a product of two numbers in bounds."""
    from archdsl.elaborate import operations
    from archdsl.shapes.arithmetic import ARITHMETIC

    def watched(name: str, inner: object) -> object:
        def compute(a: int, b: int) -> object:
            value = inner(a, b)  # type: ignore[operator]
            assert abs(value) <= 2**64, f"{a} {name} {b}"
            return value

        return compute

    table = {k: watched(k, v) for k, v in ARITHMETIC.items()}
    monkeypatch.setattr(operations, "ARITHMETIC", table)
    for text in ("4294967296*4294967296", "9**30", "(2**62+2**62)*2", "3**39*3"):
        assert codes(f"input 8 | fc {text}") == ["E0701"], text
    assert codes("input 8 | fc 2147483647*2147483648 % 7 + 1") == []


@pytest.mark.parametrize("part", ["1", "C"])
def test_the_largest_number_in_a_size(part: str) -> None:
    """Whether a parameter stands in the size or not."""
    for beyond in (0, 1):
        size = f"{part}x{MOST.integer + beyond}"
        text = f"net n C=1 {{ input 8 | fc 8*C\n assert {size} == {size} }}"
        assert codes(text) == ["E0701"] * 2 * beyond


def test_very_many_mistakes_are_not_all_told() -> None:
    for text in ("$ " * 5000, "net\n" * 5000, "input 8\n" + "foo 8\n" * 5000):
        told = found(text)
        assert len(told) <= MAX_FINDINGS
        assert len(told) < MAX_FINDINGS or "may be more" in told[-1].notes[-1]


def test_the_widest_source_is_what_it_says() -> None:
    data = b"input 8 | fc 8\n".ljust(2**20, b"#")
    assert decoded(data, "a.arch")[0] is not None
    assert decoded(data + b"#", "a.arch")[0] is None


@pytest.mark.parametrize(("before", "after"), [("g: {", "}"), ("add(id | ", ", id)")])
def test_blocks_and_brackets_nest_so_deep_together(before: str, after: str) -> None:
    blocks = ["block b0 { relu }"]
    blocks += [f"block b{n} {{ {before}b{n - 1}{after} }}" for n in range(1, 60)]
    net = "net n {{ input 3x8x8 | b{} }}"
    assert check("\n".join((*blocks, net.format(31)))).ok
    (found,) = check("\n".join((*blocks, net.format(59)))).diagnostics
    assert found.code == "E0703"
    assert "64 deep" in found.message
