"""The lexer and the parser: from text to tokens and trees, and what they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from trees import SPECS, placeless, places, read, tree

from archdsl.limits import MOST
from archdsl.source import Source
from archdsl.syntax import automaton, parser, tables
from archdsl.syntax import nodes as n

MANY = 20_000


def kinds(text: str) -> str:
    """The kinds of the tokens of a text, without `$END`."""
    tokens, found = parser.lexer().tokens(Source("t.arch", text))
    assert found == []
    assert tokens.kinds[-1] == "$END"
    return " ".join(tokens.kinds[:-1])


def lines(text: str) -> tuple[n.Line | n.AssertLine | n.OrderLine, ...]:
    """The lines of the only net or block in a text."""
    (item,) = tree(text).items
    assert isinstance(item, n.Net | n.Block)
    return item.body.lines


def line(text: str) -> n.Line:
    (only,) = lines(text)
    assert isinstance(only, n.Line)
    return only


def stages(text: str) -> tuple[n.Stage, ...]:
    return line(text).chain.stages


def call(text: str) -> n.Call:
    (stage,) = stages(text)
    assert isinstance(stage.atom, n.Call)
    return stage.atom


def args(text: str) -> list[tuple[str | None, object, bool]]:
    """Key, value without places, and whether it was a flag."""
    return [(arg.key, placeless(arg.value), arg.flag) for arg in call(text).args]


# Where a line ends


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb", "NAME NEWLINE NAME"),
        ("{a\nb}", "LBRACE NAME NEWLINE NAME RBRACE"),
        ("{\n\na\n\n\nb\n\n}\n", "LBRACE NAME NEWLINE NAME RBRACE"),
        ("f(a\nb)", "NAME CALL_LPAR NAME NAME RPAR"),
        ("f(\na\n)", "NAME CALL_LPAR NAME RPAR"),
        ("f [1\n2]", "NAME LSQB INT INT RSQB"),
        ("f({a\nb}\nc)", "NAME CALL_LPAR LBRACE NAME NEWLINE NAME RBRACE NAME RPAR"),
        ("{f(a\nb)\nc}", "LBRACE NAME CALL_LPAR NAME NAME RPAR NEWLINE NAME RBRACE"),
        ("a |\nb", "NAME PIPE NAME"),
        ("a\n| b", "NAME PIPE NAME"),
        ("a\n\n# why\n\n| b", "NAME PIPE NAME"),
        ("a # b |\nc", "NAME NEWLINE NAME"),
        ("a | # b\nc", "NAME PIPE NAME"),
        ("a\n-> 3x3", "NAME ARROW SIZE"),
        ("a ->\n3x3", "NAME ARROW SIZE"),
        ("a\nif b\nelse c", "NAME IF NAME ELSE NAME"),
        ("a if b ==\n3\nand c", "NAME IF NAME COMPARE INT AND NAME"),
        ("a:\nb", "NAME COLON NAME"),
        ("a k=\n3", "NAME NAME EQUALS INT"),
        ("\n\n  \n# only this\n", ""),
        ("a\r\nb\r\n", "NAME NEWLINE NAME"),
    ],
)
def test_a_line_end_means_then_only_in_braces(text: str, expected: str) -> None:
    assert kinds(text) == expected


# Words and numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s2 p1 s2x1", "FLAG FLAG FLAG"),
        ("conv2 S2 s2_ s2x x", "NAME NAME NAME NAME NAME"),
        ("3 1_000 0.5 1e-5 2.5e3", "INT INT FLOAT FLOAT FLOAT"),
        ("3x224x224 3xHxW _x7 TxT", "SIZE SIZE SIZE SIZE"),
        ("T H _ x3 x", "NAME NAME NAME FLAG NAME"),
        ('"" "a # b" "| {"', "STRING STRING STRING"),
        ("if iffy else_ net nets", "IF NAME NAME NET NAME"),
        ("true trues not nothing", "TRUE NAME NOT NAME"),
        ("a -> b->c", "NAME ARROW NAME ARROW NAME"),
        ("a<=b<c==d!=e", "NAME COMPARE NAME COMPARE NAME COMPARE NAME COMPARE NAME"),
        ("a**b*c//d/e%f", "NAME POWER NAME STAR NAME DOUBLE_SLASH NAME SLASH NAME"),
    ],
)
def test_words(text: str, expected: str) -> None:
    assert kinds(text).startswith(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a-b", "NAME MINUS NAME"),
        ("a - b", "NAME MINUS NAME"),
        ("a- b", "NAME MINUS NAME"),
        ("a -b", "NAME NEGATE NAME"),
        ("-b", "NEGATE NAME"),
        ("a=-b", "NAME EQUALS NEGATE NAME"),
        ("[-1,-2]", "LSQB NEGATE INT COMMA NEGATE INT RSQB"),
        ("(a)-b", "LPAR NAME RPAR MINUS NAME"),
        ("n[0]-b", "NAME CALL_LSQB INT RSQB MINUS NAME"),
        ("a--b", "NAME MINUS NEGATE NAME"),
        ("a*-b", "NAME STAR NEGATE NAME"),
        ("(a -\nb)", "LPAR NAME MINUS NAME RPAR"),
        ("(a\n- b)", "LPAR NAME MINUS NAME RPAR"),
        # A comment is nothing that a sign could touch.
        ("(a -# why\nb)", "LPAR NAME MINUS NAME RPAR"),
    ],
)
def test_a_sign_touches_what_follows_and_nothing_before(
    text: str, expected: str
) -> None:
    assert kinds(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f(a) (a)", "NAME CALL_LPAR NAME RPAR LPAR NAME RPAR"),
        ("f (a)(a)", "NAME LPAR NAME RPAR LPAR NAME RPAR"),
        ("n[0] [0]", "NAME CALL_LSQB INT RSQB LSQB INT RSQB"),
        ("n[0][0]", "NAME CALL_LSQB INT RSQB CALL_LSQB INT RSQB"),
        ("e4(a)", "FLAG CALL_LPAR NAME RPAR"),
        ("if(a) not(a)", "IF LPAR NAME RPAR NOT LPAR NAME RPAR"),
        ("and[1] or(a)", "AND LSQB INT RSQB OR LPAR NAME RPAR"),
    ],
)
def test_a_bracket_belongs_to_the_name_that_it_touches(
    text: str, expected: str
) -> None:
    assert kinds(text) == expected


def test_negative_numbers_among_arguments() -> None:
    assert args("f a -1") == [
        (None, ("Name", "a"), False),
        (None, ("Negate", ("Number", 1)), False),
    ]
    minus = ("Binary", "-", ("Name", "a"), ("Number", 1))
    assert args("f a-1") == args("f a - 1") == [(None, minus, False)]


# Stages


def test_a_pipeline_without_a_net_is_a_net_without_a_name() -> None:
    text = "default conv same\ninput 1x32x32 | conv 6x5x5\nrelu | fc 10\n"
    default, net = tree(text).items
    assert isinstance(default, n.Default)
    assert isinstance(net, n.Net)
    assert net.name.name == ""
    assert net.params == ()
    assert [text[at.start : at.end] for at in net.body.lines] == [
        "input 1x32x32 | conv 6x5x5",
        "relu | fc 10",
    ]


@pytest.mark.parametrize("text", ["", "\n", "  # nothing here", "\r\n\t\n"])
def test_an_empty_text_is_an_empty_file(text: str) -> None:
    assert tree(text).items == ()


def test_flags_and_repeats() -> None:
    assert args("conv 64x3x3 s2 p1x0 bias=false x2") == [
        (None, ("Size", (64, 3, 3)), False),
        ("s", ("Number", 2), True),
        ("p", ("Size", (1, 0)), True),
        ("bias", ("Boolean", False), False),
        ("x", ("Number", 2), True),
    ]
    (stage,) = stages("{conv 3x3 | relu} x2")
    assert isinstance(stage.atom, n.Group)
    assert [(arg.key, arg.flag) for arg in stage.atom.args] == [("x", True)]
    assert args("dense k x=n[0]")[1] == (
        "x",
        ("Index", ("Name", "n"), ("Number", 0)),
        False,
    )


def test_what_looks_like_a_flag_is_a_name_where_one_is_needed() -> None:
    (labelled,) = stages("e4: double c")
    assert labelled.label is not None
    assert labelled.label.name == "e4"
    assert call("e4 8").callee.name == "e4"
    inputs = call("up(id, e4) 64").inputs
    assert inputs is not None
    assert placeless(inputs[1].chain.stages[0].atom)[1] == ("Name", "e4")
    assert args("f x=e4 y=e4.c") == [
        ("x", ("Name", "e4"), False),
        ("y", ("Attribute", ("Name", "e4"), "c"), False),
    ]


@pytest.mark.parametrize(
    ("text", "name", "quoted"),
    [
        ("stem: conv", "stem", False),
        ("0: conv", "0", False),
        ('"block1-{i}": conv', "block1-{i}", True),
    ],
)
def test_labels(text: str, name: str, quoted: bool) -> None:
    (stage,) = stages(text)
    assert stage.label is not None
    assert stage.label[:2] == (name, quoted)


def test_assertions_about_shapes() -> None:
    first, second = stages("a: conv 3 -> 96 27x27 | relu -> _xH")
    assert placeless(first.asserted) == (
        "Asserted",
        (("Number", 96), ("Size", (27, 27))),
    )
    assert placeless(second.asserted) == ("Asserted", (("Size", ("_", "H")),))


def test_conditions() -> None:
    both = line("add(id, in if s > 1 else a | b) if not plain else relu | bn")
    assert placeless(both.condition) == ("Not", ("Name", "plain"))
    assert both.otherwise is not None
    assert len(both.otherwise.stages) == 2
    (stage,) = both.chain.stages
    assert isinstance(stage.atom, n.Call)
    assert stage.atom.inputs is not None
    assert len(stage.atom.inputs) == 2
    assert stage.atom.inputs[1].condition is not None
    assert stage.atom.inputs[1].otherwise is not None


def test_assert_lines() -> None:
    (only,) = lines("net a { assert params == 3 and in.c <= 4 }")
    assert isinstance(only, n.AssertLine)
    assert isinstance(only.condition, n.Boolean2)


@pytest.mark.parametrize("text", ["f(a, b)", "f(a, b,)", "f(\n  a,\n  b,\n)"])
def test_inputs_may_end_in_a_comma(text: str) -> None:
    inputs = call(text).inputs
    assert inputs is not None
    assert len(inputs) == 2


def test_inputs_are_absent_without_parentheses() -> None:
    assert call("f a").inputs is None
    assert call("f (a)").inputs is None


# Expressions


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("1+2*3", "1+(2*3)"),
        ("1-2-3", "(1-2)-3"),
        ("2**3**2", "2**(3**2)"),
        ("-2**2", "-(2**2)"),
        ("8//2%3", "(8//2)%3"),
        ("a or b and not c", "a or (b and (not c))"),
        ("a if b else c if d else e", "a if b else (c if d else e)"),
        ("not a == b", "not (a == b)"),
        ("in.c+1 < 2*k", "(in.c+1) < (2*k)"),
    ],
)
def test_precedence(text: str, same: str) -> None:
    assert args(f"f ({text})") == args(f"f ({same})")


def test_comparisons_chain() -> None:
    ((_, value, _),) = args("f (1 < a <= 3)")
    operands = (("Number", 1), ("Name", "a"), ("Number", 3))
    assert value == ("Comparison", ("<", "<="), operands)


def test_lists_and_functions() -> None:
    ((_, value, _),) = args("f [1, min(a, 2), [], -3]")
    assert value == (
        "ListOf",
        (
            ("Number", 1),
            ("Function", "min", (("Name", "a"), ("Number", 2))),
            ("ListOf", ()),
            ("Negate", ("Number", 3)),
        ),
    )


def test_a_number_of_any_length_is_read() -> None:
    ((_, value, _),) = args("f " + "9" * 5000)
    assert value == ("Number", 10**4000)


# Definitions


def test_blocks() -> None:
    plain, merging = tree("block a {}\nblock up(x, e4) c k=3 s=e4 { f }").items
    assert placeless(plain) == ("Block", ("Name", "a"), (), (), ("Body", ()))
    assert isinstance(merging, n.Block)
    assert [name.name for name in merging.inputs] == ["x", "e4"]
    assert placeless(merging.params) == (
        ("Param", "c", None),
        ("Param", "k", ("Number", 3)),
        ("Param", "s", ("Name", "e4")),
    )


def test_families() -> None:
    text = "net a = b\nnet c = b n=[1,2] x { assert params == 3 }\nnet d = b {}\n"
    bare, full, empty = tree(text).items
    assert placeless(bare) == ("Family", ("Name", "a"), ("Name", "b"), (), None)
    assert isinstance(full, n.Family)
    assert [arg.key for arg in full.args] == ["n", None]
    assert full.body is not None
    assert isinstance(full.body.lines[0], n.AssertLine)
    assert isinstance(empty, n.Family)
    assert empty.body is not None
    assert empty.body.lines == ()


def test_nodes_know_their_places() -> None:
    text = "net a k=1 {\n  s: conv (k + 1) s2 -> 3x3 | {relu} x2 if k\n}\n"
    (net,) = tree(text).items
    assert isinstance(net, n.Net)
    (only,) = net.body.lines
    assert isinstance(only, n.Line)
    first, second = only.chain.stages
    assert first.label is not None
    assert first.asserted is not None
    assert isinstance(first.atom, n.Call)
    assert isinstance(second.atom, n.Group)
    nodes: dict[str, Any] = {
        "k=1": net.params[0],
        "s: conv (k + 1) s2 -> 3x3 | {relu} x2 if k": only,
        "s: conv (k + 1) s2 -> 3x3 | {relu} x2": only.chain,
        "s: conv (k + 1) s2 -> 3x3": first,
        "s": first.label,
        "conv (k + 1) s2": first.atom,
        "(k + 1)": first.atom.args[0],
        "s2": first.atom.args[1],
        "2": first.atom.args[1].value,
        "3x3": first.asserted,
        "{relu} x2": second,
        "{relu}": second.atom.body,
    }
    assert {text[node.start : node.end]: node for node in nodes.values()} == nodes


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)
def test_specs_have_trees(path: Path) -> None:
    assert tree(read(path)).items


# What is refused


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("| conv", "1:1 E0102"),
        ("a | | b", "1:5 E0102"),
        ("conv 3, 4", "1:7 E0102"),
        ("{conv 3, 4}", "1:8 E0102"),
        ("f (1, 2)", "1:5 E0102"),
        ("net net {}", "1:5 E0102"),
        ("net a", "1:6 E0102"),
        ("net a\n{}", "1:6 E0102"),
        ("f()", "1:3 E0102"),
        ("conv c1*2", "1:8 E0102"),
        ("conv .5", "1:7 E0102"),
        ("conv a < b", "1:8 E0102"),
        ("conv - 3", "1:6 E0102"),
        ("a if", "1:5 E0102"),
        ("x = 3", "1:3 E0102"),
        ("a: b: c", "1:5 E0102"),
        ("conv 3abc 4", "1:6 E0101"),
        ("conv 12abc", "1:6 E0101"),
        ("conv 3×3", "1:7 E0101"),
        ("été", "1:1 E0101"),
        ("conv \u0663", "1:6 E0101"),
        ("conv\xa03", "1:5 E0101"),
        ('f "a {\nb', "1:3 E0101"),
        ("f 'a b'", "1:3 E0101"),
        ("f \u201ca b\u201d", "1:3 E0101"),
        ("a\n\n  b $", "3:5 E0101"),
        ("f(a", "1:2 E0103"),
        ("net a {\n  {b\n}\n", "1:7 E0103"),
        ("a\n}", "2:1 E0103"),
        ("f(a]", "1:4 E0103"),
        ("net a {\n  f [1, 2)\n}", "2:10 E0103"),
    ],
)
def test_a_mistake_is_found_once_and_in_its_place(text: str, place: str) -> None:
    assert places(text) == [place]


def test_a_mismatched_bracket_shows_its_partner() -> None:
    _, (found,) = parser.parse(Source("t.arch", "net a {\n  f(b\n}\n"))
    assert [(note.span.text, note.span.line) for note in found.related] == [("(", 2)]


def test_mistakes_in_different_definitions_are_found_together() -> None:
    text = (
        "default conv = 3\n"
        "block a {\n"
        "  conv | | relu\n"
        "}\n"
        "block b { conv 3 }\n"
        "net c {\n"
        "  conv 3,\n"
        "  | relu\n"
        "}\n"
        "net d = \n"
    )
    assert places(text) == ["1:14 E0102", "3:10 E0102", "7:9 E0102", "10:8 E0102"]


def test_a_definition_inside_of_another_is_one_mistake() -> None:
    text = "net a {\n  conv 3\n  block b { conv }\n}\nnet c {\n  | d\n}\n"
    assert places(text) == ["3:3 E0102", "6:3 E0102"]


# Limits


def nested(opener: str, depth: int) -> str:
    closer = {"(": ")", "[": "]", "{": "}"}[opener]
    return opener * depth + "a" + closer * depth


@pytest.mark.parametrize(("opener", "before"), [("{", ""), ("(", "f "), ("[", "f ")])
def test_nesting_has_a_limit(opener: str, before: str) -> None:
    assert tree(before + nested(opener, MOST.nesting)).items
    assert places(before + nested(opener, MOST.nesting + 1)) == [
        f"1:{len(before) + MOST.nesting + 1} E0703"
    ]


@pytest.mark.parametrize("text", ["(", "f (", "[", "{", "f(", "}", ")", "{}"])
def test_brackets_without_end_do_no_harm(text: str) -> None:
    assert len(places(text * 100_000)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "{a}\n" * 2 * MANY,
        "{a}|" * MANY + "a",
        "f -" + "-" * MANY + "1",
        "f 1" + "+1" * MANY,
        "f 1" + "**1" * MANY,
        "f a" + ".b" * MANY,
        "f n" + "[0]" * MANY,
        "f (1" + " if 1 else 1" * MANY + ")",
        "a if " + "not " * MANY + "b",
        "f [1" + ",1" * MANY + "]",
        "f " + "1" * MANY,
    ],
    ids=lambda text: text[:12],
)
def test_long_texts_are_read(text: str) -> None:
    assert len(tree(text).items) == 1


@pytest.mark.parametrize("text", ["1" * MANY + "a", '"' * (MANY + 1), "1x" * MANY])
def test_long_nonsense_is_refused_at_once(text: str) -> None:
    assert len(places(text)) == 1


# The tables


def test_the_tables_are_fresh() -> None:
    from archdsl.syntax import _tables

    grammar = read(tables.grammar_path())
    assert tables.digest(grammar) == _tables.DIGEST, (
        "run python -m archdsl.syntax.tables"
    )


def test_line_ends_do_not_make_tables_stale() -> None:
    assert tables.digest("a: B\nb: C\n") == tables.digest("a: B\r\nb: C\r\n")


def test_tables_made_anew_parse_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [read(path) for path in SPECS]
    texts.append("f(a, {b | c} x2,) if not(x < 3) else d -> 3x3")
    before = [tree(text) for text in texts]
    anew = tables.build(read(tables.grammar_path()))
    monkeypatch.setattr(tables, "load", lambda: anew)
    automaton.automaton.cache_clear()
    try:
        assert [tree(text) for text in texts] == before
    finally:
        automaton.automaton.cache_clear()


def test_a_changed_grammar_is_read_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").touch()
    changed = tmp_path / "grammars" / "archdsl.lark"
    changed.parent.mkdir()
    grammar = read(tables.grammar_path())
    changed.write_text(grammar.replace('NET: "net"', 'NET: "network"'))
    monkeypatch.setattr(tables, "_grammar_file", lambda: str(changed))
    automaton.automaton.cache_clear()
    try:
        (net,) = tree("network net {}").items
        assert isinstance(net, n.Net)
        assert net.name.name == "net"
    finally:
        automaton.automaton.cache_clear()
