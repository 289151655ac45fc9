"""The formatter: what it makes of texts, and that it never changes or loses any."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trees import SPECS, placeless, places, read, tree

from archdsl.source import Source
from archdsl.syntax.format import format_source, layout, says_the_same
from archdsl.syntax.parser import lexer


def formatted(text: str) -> str:
    out, found = format_source(Source("t.arch", text))
    assert found == []
    assert out is not None
    return out


def table(text: str) -> str:
    """A text of an indented string, without its first line end."""
    return dedent(text).removeprefix("\n")


def check(before: str, after: str) -> None:
    before, after = table(before), table(after)
    assert formatted(before) == after
    assert formatted(after) == after


# Blanks between tokens


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a|b  |c", "a | b | c"),
        ("conv  64x3x3   s2", "conv 64x3x3 s2"),
        ("conv k = 3 s= 2", "conv k=3 s=2"),
        ("e1 :conv 3", "e1: conv 3"),
        ("conv 4 * c 3 // 2 a - b", "conv 4*c 3//2 a-b"),
        ("conv a -b - c", "conv a -b-c"),
        ("conv (a - b) (a+b) (a *b)", "conv (a - b) (a+b) (a*b)"),
        ("conv ( -a+-b )", "conv (-a+-b)"),
        ("f [a+b,c] x=[n[ 0 ] , 2]", "f [a+b, c] x=[n[0], 2]"),
        ("f [ 1, 2 ,-3 ] [] [ in.c, k]", "f [1,2,-3] [] [in.c,k]"),
        ("f min( a,b ) in . c", "f min(a, b) in.c"),
        ("add( id,in )", "add(id, in)"),
        ("add(id, in,)", "add(id, in,)"),
        ("add(conv 2 * c, b)", "add(conv 2*c, b)"),
        ("a->3x3|b", "a -> 3x3 | b"),
        ("assert a<=b+1", "assert a <= b+1"),
        ("assert a<b + 1 and not(c)", "assert a < b + 1 and not (c)"),
        ("f (a if b<c else d)", "f (a if b < c else d)"),
        ("{ conv 3 | relu }x2", "{conv 3 | relu} x2"),
        ("a | { {b|c}x2 | d}", "a | { {b | c} x2 | d }"),
        ("a | { d| f({b}) }", "a | {d | f({b})}"),
        ("down: { conv 3 }", "down: {conv 3}"),
        ("{ }", "{}"),
        ("block a{b|c}", "block a { b | c }"),
        ("block a( x,y ) k=1{b}", "block a(x, y) k=1 { b }"),
        ("block a { }", "block a {}"),
        ("net a=b", "net a = b"),
        ("net a=b n=[1, 2]{assert c==3}", "net a = b n=[1,2] { assert c == 3 }"),
        ("net a k=1{}", "net a k=1 {}"),
        ("net a = b\n{ c }", "net a = b\n{c}"),
        ("default conv  bias = false", "default conv bias=false"),
        ("use  'a'".replace("'", '"'), 'use "a"'),
        ('f " a   |b"', 'f " a   |b"'),
    ],
)
def test_blanks(before: str, after: str) -> None:
    check(before, after + "\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("\n \n", ""),
        ("a", "a\n"),
        ("\n\na\n\n\n\nb\n\n", "a\n\nb\n"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("a\t|\tb \t\n", "a | b\n"),
        ("#c", "#c\n"),
        ("a#c  ", "a  #c\n"),
        ("a # \tc\r\n", "a  # \tc\n"),
        ("  # c\n\n\n  #d\n\na", "# c\n\n#d\n\na\n"),
        ("{\n\n\na\n\n}", "{\n  a\n}\n"),
        ("{ # c\n\na\n\n# d\n\n}", "{  # c\n  a\n\n  # d\n}\n"),
        ("block a {}\nblock b {}\n\n\nnet c {}", None),
    ],
)
def test_lines(before: str, after: str | None) -> None:
    check(before, "block a {}\nblock b {}\n\nnet c {}\n" if after is None else after)


def test_indentation() -> None:
    check(
        """
        net a {
        input 3x8x8
            features: {
        conv 3 | relu
          }
        # why
        add(
        id,
          conv 3x3
        s2 # narrower
        | bn,
        f({
        a
        }, b),
        # last
        ) if c ==
        3
        else d
        }
        """,
        """
        net a {
          input 3x8x8
          features: {
            conv 3 | relu
          }
          # why
          add(
            id,
            conv 3x3
              s2  # narrower
              | bn,
            f({
              a
            }, b),
            # last
          )  if c ==
            3
            else d
        }
        """,
    )


def test_operators_at_the_ends_of_lines_stand_apart() -> None:
    check(
        "f(conv a*\nb 3\n- c)\n",
        """
        f(conv a *
            b 3
            - c)
        """,
    )


# Tables


def test_a_table_as_in_a_paper() -> None:
    text = """
        # Krizhevsky et al. 2012, the single-tower form
        net alexnet classes=1000 {
          input 3x227x227
          conv 96x11x11 s4   | relu | lrn 5 | maxpool 3 s2   -> 96x27x27
          conv 256x5x5 p2 g2 | relu | lrn 5 | maxpool 3 s2   -> 256x13x13
          conv 384x3x3 p1    | relu
          conv 384x3x3 p1 g2 | relu
          conv 256x3x3 p1 g2 | relu | maxpool 3 s2           -> 256x6x6
          flatten
          {fc 4096 | relu | dropout 0.5} x2
          fc classes
        }
        """
    check(text, text)
    check("\n".join(" ".join(line.split()) for line in text.splitlines()), text)


def test_keys_that_neighbours_have_in_common() -> None:
    check(
        """
        net resnet unit n {
          conv 64x7x7 s2 | bn | relu
          layer1: unit 64 plain=true x=n[0]
          layer2: unit 128 s=[2, 1] plain=true x=n[1]
          layer3: unit 256 s=[2, 1] plain=true x=n[2] -> 256x14x14
          unit 512 plain=true
          gap
        }
        net resnet18 = resnet
        net plain34 = resnet
        """,
        """
        net resnet unit n {
          conv 64x7x7 s2 | bn | relu
          layer1: unit 64          plain=true x=n[0]
          layer2: unit 128 s=[2,1] plain=true x=n[1]
          layer3: unit 256 s=[2,1] plain=true x=n[2]   -> 256x14x14
          unit 512 plain=true
          gap
        }
        net resnet18 = resnet
        net plain34  = resnet
        """,
    )


def test_conditions_and_cells() -> None:
    check(
        """
        block mb e c k=3 s=1 {
          conv e 1x1 | bn | act if e != in.c
          conv e k s=s g=e | bn | act
          squeeze if se
          conv c 1x1 | bn

          add(id, in) if s == 1 and in.c == c
        }
        """,
        """
        block mb e c k=3 s=1 {
          conv e 1x1       | bn | act  if e != in.c
          conv e k s=s g=e | bn | act
          squeeze                      if se
          conv c 1x1 | bn

          add(id, in)  if s == 1 and in.c == c
        }
        """,
    )


def test_columns_end_where_rows_differ() -> None:
    check(
        """
        conv 2*k 7x7 s2 | bn | relu
        dense k x6 | transition
        dense k x12 | transition
        dense k x16 | bn | relu | gap
        dense 64 | bn | relu6 | gap
        dense 32 unit=dense_with_a_very_long_name | bn
        """,
        """
        conv 2*k 7x7 s2 | bn | relu
        dense k x6  | transition
        dense k x12 | transition
        dense k x16 | bn | relu | gap
        dense 64    | bn | relu6 | gap
        dense 32 unit=dense_with_a_very_long_name | bn
        """,
    )


def test_cells_inside_of_braces() -> None:
    check(
        """
        features: {
          {conv 64x3x3 | relu} x2 | maxpool 2
          {conv 128x3x3 | relu} x10 | maxpool 2
          {conv 512x3x3 | relu} x3 | maxpool 2 -> 512x7x7
        } -> 512x7x7
        """,
        """
        features: {
          {conv 64x3x3  | relu} x2  | maxpool 2
          {conv 128x3x3 | relu} x10 | maxpool 2
          {conv 512x3x3 | relu} x3  | maxpool 2   -> 512x7x7
        }   -> 512x7x7
        """,
    )


def test_comments_of_neighbours() -> None:
    check(
        """
        net a { # one
          conv 3 # two
          relu
          conv 3x3 | bn #three
          # apart
          bn # four
        }
        """,
        """
        net a {   # one
          conv 3  # two
          relu
          conv 3x3 | bn  #three
          # apart
          bn  # four
        }
        """,
    )


def test_conditional_values_in_lists_are_no_marks() -> None:
    check(
        "f [\n1 if a else 2,\n1000 if b else 4\n]\n",
        """
        f [
          1 if a else 2,
          1000 if b else 4
        ]
        """,
    )


# Nothing changes, nothing is lost


STRING_OR_COMMENT = re.compile(r'"[^"\n]*"|(#[^\n]*)')


def comments(text: str) -> list[str]:
    found = STRING_OR_COMMENT.finditer(text)
    return [comment[1].strip(" \t\r\f\v") for comment in found if comment[1]]


def rows(text: str) -> list[list[str]]:
    """The tokens of each line of a text that has any."""
    tokens, _ = lexer().tokens(Source("t.arch", text))
    found: dict[int, list[str]] = {}
    for start, end in zip(tokens.starts, tokens.ends, strict=True):
        if end > start:
            found.setdefault(text.count("\n", 0, start), []).append(text[start:end])
    return list(found.values())


def check_all(text: str) -> None:
    """What holds for every text that can be parsed."""
    tokens, _ = lexer().tokens(Source("t.arch", text))
    # A text that comes back as it was would hide a mistake of ours.
    assert says_the_same(tokens, layout(tokens))
    out = formatted(text)
    assert out == layout(tokens)
    assert formatted(out) == out
    assert placeless(tree(out)) == placeless(tree(text))
    assert comments(out) == comments(text)
    assert rows(out) == rows(text)
    bare = STRING_OR_COMMENT.sub("", out)
    assert "\t" not in bare
    assert "\r" not in bare
    assert "\n\n\n" not in out
    assert not out.startswith("\n")
    assert not re.search(r"[ \t]$", out, re.MULTILINE)
    assert out == "" or re.search(r"[^\n]\n\Z", out)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)
def test_specs(path: Path) -> None:
    check_all(read(path))


NAMES = ("a", "in", "conv", "relu", "x", "e", "n_1", "T", "_", "iffy", "c2d")
FLAGS = ("s2", "e4", "x10", "p1x0", "e5")
NUMBERS = ("3", "1_000", "0.5", "1e-5", "2.5e+3", "3x3", "64x3x3", "3xHxW", "_x7")
STRINGS = ('""', '"a  # b"', '"| {é"')
COMMENTS = ("#", "# a | b", "#{", '# "', "#  é ->  ", "#!x\t y", "# -", "#(")
BINARY = ("+", "-", "*", "/", "//", "%", "**")
COMPARE = ("==", "!=", "<", "<=", ">", ">=")
# After the first of these, and before the second, a line end means nothing.
LEADS_ON = frozenset(
    {"|", "->", ":", ",", "=", ".", "{", "if", "else", "and", "or", "not", "assert"}
    | set(BINARY)
    | set(COMPARE)
)
CONTINUES = frozenset({"|", "->", "if", "else", "and", "or", "}"})


class Writer:
    """Writes a spec at random, with white space at random wherever it may stand."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.parts: list[str] = []
        self.last = ""
        self.opened: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def often(self) -> bool:
        return self.random.random() < 0.5

    def seldom(self) -> bool:
        return self.random.random() < 0.15

    def some(self, most: int) -> range:
        return range(self.random.randint(0, most))

    # Tokens and what stands between them.

    def put(self, token: str, touching: bool = False, apart: bool = False) -> None:
        if not touching:
            self.parts.append(self.blanks(token, apart))
        self.parts.append(token)
        self.last = token
        if token in "([{":
            self.opened.append(token)
        elif token in ")]}":
            self.opened.pop()

    def blanks(self, token: str, apart: bool) -> str:
        before = self.last[-1:]
        word = re.compile(r"\w").match
        apart = apart or bool(
            (word(before) and word(token))
            or (re.match(r"[\w)\]]", before) and token in "([")
        )
        # A `-` that stands apart from what follows is no sign.
        free = self.last in LEADS_ON or token in CONTINUES
        if self.opened and self.opened[-1] != "{":
            free = True
        if free and self.parts and self.seldom():
            return self.line_end()
        return self.random.choice((" ", "  ", "\t")[:3] if apart else ("", "", " "))

    def line_end(self) -> str:
        """One line end or more, with comments."""
        parts = []
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            parts.append(self.random.choice(("", " ", "\t ")))
            if self.seldom():
                parts.append(self.random.choice(COMMENTS))
            parts.append(self.random.choice(("\n", "\n", "\r\n")))
        parts.append(self.random.choice(("", " ", "     ", "\t")))
        return "".join(parts)

    def end_line(self) -> None:
        self.parts.append(self.line_end())
        self.last = ""

    # Expressions.

    def minus(self) -> None:
        if self.often():
            self.put("-", touching=True)
        else:
            self.put("-", apart=True)
            self.parts.append(" ")

    def value(self, deep: int) -> None:
        """What the grammar calls arith."""
        if self.seldom():
            # A sign must not touch what is before it, if that is a word.
            self.put("-", apart=bool(re.match(r'[\w)\]"]', self.last[-1:])))
            self.primary(deep, touching=True)
        else:
            self.primary(deep)
        while self.seldom():
            operator = self.random.choice(BINARY)
            if operator == "-":
                self.minus()
            else:
                self.put(operator)
            self.primary(deep)

    def primary(self, deep: int, touching: bool = False) -> None:
        kind = self.random.randrange(10 if deep else 6)
        if kind < 3:
            choices = NAMES if self.often() else NUMBERS
            self.put(self.random.choice(choices), touching)
        elif kind == 3:
            self.put(self.random.choice((*STRINGS, "true", "false")), touching)
        elif kind == 4:
            self.put(self.random.choice(NAMES), touching)
            self.put(".")
            self.put(self.random.choice(NAMES))
        elif kind == 5:
            self.put("[", touching)
            for at in self.some(3):
                if at:
                    self.put(",")
                self.expression(deep - 1)
            self.put("]")
        elif kind == 6:
            self.put(self.random.choice(NAMES), touching)
            self.put("[", touching=True)
            self.expression(deep - 1)
            self.put("]")
        elif kind == 7:
            self.put(self.random.choice(NAMES), touching)
            self.put("(", touching=True)
            self.expression(deep - 1)
            for _ in self.some(2):
                self.put(",")
                self.expression(deep - 1)
            self.put(")")
        else:
            self.put("(", touching)
            self.expression(deep - 1)
            self.put(")")

    def condition(self, deep: int) -> None:
        if self.seldom():
            self.put("not")
        self.value(deep)
        if self.often():
            self.put(self.random.choice(COMPARE))
            self.value(deep)
        if self.seldom():
            self.put(self.random.choice(("and", "or")))
            self.condition(deep)

    def expression(self, deep: int) -> None:
        if deep <= 0:
            self.put(self.random.choice(NUMBERS))
            return
        self.condition(deep)
        if self.seldom():
            self.put("if")
            self.condition(deep)
            self.put("else")
            self.expression(deep - 1)

    # Lines.

    def word(self) -> None:
        self.put(self.random.choice(NAMES + FLAGS))

    def arguments(self, deep: int) -> None:
        for _ in self.some(3):
            kind = self.random.randrange(4)
            if kind == 0:
                self.put(self.random.choice(FLAGS))
            elif kind == 1:
                self.word()
                self.put("=")
                self.value(deep)
            else:
                self.value(deep)

    def stage(self, deep: int) -> None:
        if self.seldom():
            self.put(self.random.choice((*NAMES, *FLAGS, "0", '"l{i}"')))
            self.put(":")
        if deep and self.seldom():
            self.body(deep - 1)
        else:
            self.word()
            if deep and self.seldom():
                self.put("(", touching=True)
                self.line(deep - 1)
                for _ in self.some(2):
                    self.put(",")
                    self.line(deep - 1)
                if self.seldom():
                    self.put(",")
                self.put(")")
        self.arguments(deep)
        if self.seldom():
            self.put("->")
            self.value(deep)

    def chain(self, deep: int) -> None:
        self.stage(deep)
        for _ in self.some(3):
            self.put("|")
            self.stage(deep)

    def line(self, deep: int) -> None:
        if self.seldom():
            self.put("assert")
            self.condition(deep)
            return
        self.chain(deep)
        if self.seldom():
            self.put("if")
            self.condition(deep)
            if self.often():
                self.put("else")
                self.chain(deep)

    def body(self, deep: int) -> None:
        self.put("{")
        for at in self.some(4):
            if at:
                self.end_line()
            self.line(deep)
        self.put("}")

    def parameters(self, deep: int) -> None:
        for _ in self.some(2):
            self.word()
            if self.often():
                self.put("=")
                self.value(deep)

    def entry(self) -> None:
        kind = self.random.randrange(6)
        if kind == 0:
            self.put("default")
            self.put(self.random.choice(NAMES))
            self.arguments(2)
        elif kind == 1:
            self.put("block")
            self.word()
            if self.often():
                self.put("(", touching=True)
                self.word()
                for _ in self.some(2):
                    self.put(",")
                    self.word()
                self.put(")")
            self.parameters(2)
            self.body(3)
        elif kind == 2:
            self.put("net")
            self.word()
            self.put("=")
            self.word()
            self.arguments(2)
            if self.often():
                self.body(2)
        elif kind == 3:
            self.put("net")
            self.word()
            self.put(self.random.choice(NAMES))
            self.parameters(2)
            self.body(3)
        else:
            self.line(3)

    def spec(self) -> str:
        if self.often():
            self.end_line()
        for _ in range(self.random.randint(1, 5)):
            self.entry()
            self.end_line()
        if self.often():
            self.parts.append(self.random.choice(COMMENTS))
        return self.text


specs = st.randoms(use_true_random=True).map(lambda random: Writer(random).spec())


@given(specs)
@settings(max_examples=250, deadline=None)
def test_any_spec(text: str) -> None:
    check_all(text)


FRAGMENTS = (
    *("a", "x2", "3", "3x3", '"s"', "f(", "(", ")", "[", "]", "{", "}", "|", "->", "-"),
    *("=", ",", ":", ".", " ", " ", " ", "  ", "\t", "\n", "\n", "\r\n", "\x0c", "# c"),
    *("net ", "block ", "default ", "if ", "else ", "not ", "assert ", "<", "*", "é"),
)


@given(
    st.text(alphabet="ab xs23_.,:=|-+*/<>!(){}[]\"#'\t\r\n\x0c\xa0é")
    | st.lists(st.sampled_from(FRAGMENTS)).map("".join)
)
@settings(max_examples=500, deadline=None)
def test_any_text(text: str) -> None:
    out, found = format_source(Source("t.arch", text))
    assert (out is None) == bool(found)
    if out is not None:
        check_all(text)


@pytest.mark.parametrize("text", ["a | | b", "f(", "net a {\n  conv 3,\n}", "'"])
def test_a_text_with_mistakes_is_left_alone(text: str) -> None:
    out, found = format_source(Source("t.arch", text))
    assert out is None
    assert len(found) == len(places(text)) == 1


def test_a_mistake_of_ours_would_leave_the_text_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("archdsl.syntax.format.layout", lambda tokens: "a |b")
    assert formatted("a|  c") == "a|  c"
