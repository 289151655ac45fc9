"""Text to text: the one way to lay out a spec.

The formatter never builds text from the tree. It takes the tokens and comments as
they are, keeps the author's line ends, and decides only about blanks: how far a line
is indented, what stands between two tokens, and what is aligned in a table. So
nothing can be lost. The rules are:

- A line is indented by two blanks more than the line that opened its innermost
  bracket, and by another two if it goes on from the line before. A line that begins
  with a closing bracket stands where the line with the opening one begins.
- Lines with the same indentation that follow each other are rows of a table. Their
  `|` are aligned from the left, as long as the cells hold calls of the same layers;
  so are the arguments `key=` that neighbouring calls of one layer have in common, a
  trailing `->`, a trailing `if`, the `=` of derived nets, and trailing comments.
- At least three blanks stand before a trailing `->`, and two before a trailing `if`
  and before a comment, which itself is kept to the letter.
- Arithmetic among arguments has no blanks, since arguments are parted by blanks. In
  parentheses, in lists and in conditions the author may choose.
- A list of plain values is one argument and has no blanks: `n=[3,4,6,3]`.
- The body of a block or net, and braces directly around other braces, have blanks
  inside: `{ … }`; other groups do not: `{conv 3x3 | relu} x2`.
- Blank lines part paragraphs: one at a time, and none at either end of a bracket.
"""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic
from archdsl.source import Source
from archdsl.syntax.align import align
from archdsl.syntax.build import Tokens
from archdsl.syntax.lexer import CLOSERS, OPENERS
from archdsl.syntax.parser import lexer, parse
from archdsl.syntax.rows import Code, Row

_INDENT = 2
_BINARY = frozenset(
    ("PLUS", "MINUS", "STAR", "SLASH", "DOUBLE_SLASH", "PERCENT", "POWER")
)
# What is written without a blank before it, and after it.
_TOUCHES_LEFT = frozenset(
    ("COMMA", "COLON", "DOT", "RPAR", "RSQB", "CALL_LPAR", "CALL_LSQB")
)
_TOUCHES_RIGHT = frozenset(("DOT", "NEGATE", "LPAR", "CALL_LPAR", "LSQB", "CALL_LSQB"))
# After a label, or a part of a name with dots.
_IN_A_NAME = ("COLON", "DOT")
_PLAIN_LIST = frozenset(
    ("INT", "FLOAT", "SIZE", "NAME", "FLAG", "TRUE", "FALSE", "DOT", "NEGATE", "COMMA")
)


def format_source(source: Source) -> tuple[str | None, list[Diagnostic]]:
    """The text of a source laid out anew, or None and why it cannot be parsed."""
    tree, found = parse(source)
    if tree is None:
        return None, found
    tokens, _ = lexer().tokens(source)
    text = layout(tokens)
    # Should a rule above ever be wrong, the author keeps the text as it was.
    return (text if says_the_same(tokens, text) else source.text), []


def says_the_same(tokens: Tokens, text: str) -> bool:
    """Whether a text has these tokens; they alone decide what the parser makes."""
    again, found = lexer().tokens(Source("", text))
    return not found and again.kinds == tokens.kinds and _words(again) == _words(tokens)


def _words(tokens: Tokens) -> list[str]:
    text = tokens.text
    return [
        "" if kind == "NEWLINE" else text[start:end]
        for kind, start, end in zip(
            tokens.kinds, tokens.starts, tokens.ends, strict=True
        )
    ]


def layout(tokens: Tokens) -> str:
    """The text of tokens that the parser understands, laid out by the rules above."""
    code = Code(tokens)
    _indent(code)
    _space(code)
    align(code)
    return _printed(code)


def _printed(code: Code) -> str:
    lines: list[str] = []
    for row in code.rows:
        if row.blank_before:
            lines.append("")
        parts = [" " * row.indent]
        for at in range(row.first, row.last):
            parts.append(" " * code.gaps[at])
            parts.append(code.words[at])
        parts.append(" " * row.comment_gap)
        parts.append(row.comment)
        lines.append("".join(parts))
    return "".join(f"{line}\n" for line in lines)


def _indent(code: Code) -> None:
    """Decide how far rows are indented, and which blank lines stay."""
    kinds = code.kinds
    # Open brackets, each with the indentation of its row.
    opened: list[tuple[int, int]] = []
    # Rows of comments alone; they are indented like what follows.
    comments: list[Row] = []
    begins = True
    for row in code.rows:
        if begins:
            row.blank_before = False
            begins = False
        if row.first == row.last:
            comments.append(row)
            continue
        at = row.first
        indent = opened[-1][1] + _INDENT if opened else 0
        if kinds[at] not in CLOSERS and _goes_on(code, at):
            indent += _INDENT
        for comment in comments:
            comment.indent = indent
        comments.clear()
        row.whole = True
        while at < row.last and kinds[at] in CLOSERS:
            _, indent = opened.pop()
            row.blank_before = row.whole = False
            at += 1
        row.indent = indent
        row.bracket = opened[-1][0] if opened else -1
        depth = len(opened)
        for token in range(at, row.last):
            if kinds[token] in OPENERS:
                opened.append((token, indent))
            elif kinds[token] in CLOSERS:
                opened.pop()
                row.whole = row.whole and len(opened) >= depth
        row.whole = row.whole and len(opened) == depth
        begins = kinds[row.last - 1] in OPENERS


def _goes_on(code: Code, at: int) -> bool:
    """Whether a row that begins with this token goes on from the row before."""
    if at in code.fresh:
        return False
    before = code.kinds[at - 1]
    return before not in OPENERS and before != "COMMA"


class _Frame:
    """What is known inside a bracket."""

    __slots__ = ("condition", "expecting", "opener", "stages")

    def __init__(self, opener: int, stages: bool) -> None:
        self.opener = opener
        # Whether it holds stages; otherwise an expression.
        self.stages = stages
        # Whether a stage begins here, or an expression goes on after `if`.
        self.expecting = stages
        self.condition = False


def _space(code: Code) -> None:
    """Decide what stands between tokens of a row, apart from tables."""
    kinds = code.kinds
    plain, padded = _brackets(code)
    row_starts = {row.first for row in code.rows}
    frames = [_Frame(-1, True)]

    def spaced(operator: int) -> bool:
        if operator in row_starts or operator + 1 in row_starts:
            return True
        if frame.stages and not frame.condition:
            return False
        return code.apart[operator] and code.apart[operator + 1]

    def gap(at: int) -> int:
        left, right = kinds[at - 1], kinds[at]
        if at in row_starts:
            return 0
        if right == "EQUALS":
            return int(_derives(code, at))
        if left == "EQUALS":
            return int(_derives(code, at - 1))
        if right in _TOUCHES_LEFT or left in _TOUCHES_RIGHT:
            return 0
        if left == "LBRACE" or right == "RBRACE":
            return int(frame.opener in padded)
        if left == "COLON" and kinds[frame.opener] == "CALL_LSQB":
            # The `:` of `n[1:3]`.
            return 0
        if left == "COMMA":
            return int(frame.opener not in plain)
        if right in _BINARY:
            return int(spaced(at))
        return int(left not in _BINARY or spaced(at - 1))

    for at, kind in enumerate(kinds):
        frame = frames[-1]
        if at in code.fresh:
            frame.expecting, frame.condition = True, False
        code.gaps.append(gap(at))
        if kind in OPENERS:
            frame.expecting = False
            inputs = kind == "CALL_LPAR" and at - 1 in code.callees
            frames.append(_Frame(at, kind == "LBRACE" or inputs))
        elif kind in CLOSERS:
            frames.pop()
        elif not frame.stages or kind == "$END":
            continue
        elif kind in ("PIPE", "COLON"):
            frame.expecting = True
        elif kind in ("COMMA", "ELSE"):
            frame.expecting, frame.condition = True, False
        elif kind in ("IF", "ASSERT"):
            frame.expecting, frame.condition = False, True
            if kind == "IF":
                code.conditions.add(at)
        elif frame.expecting and kind != "DOT" and kinds[at + 1] not in _IN_A_NAME:
            frame.expecting = False
            if kind in ("NAME", "FLAG"):
                code.callees.add(at)


def _derives(code: Code, equals: int) -> bool:
    """Whether this `=` is the one of `net a = b`."""
    return equals > 1 and code.kinds[equals - 2] == "NET"


def _brackets(code: Code) -> tuple[set[int], set[int]]:
    """The brackets of plain lists, and the braces that have blanks inside."""
    kinds = code.kinds
    plain: set[int] = set()
    padded: set[int] = set()
    opened: list[int] = []
    definition = False
    for at, kind in enumerate(kinds):
        if at in code.fresh and not opened:
            definition = kind == "BLOCK" or kind == "NET"
        if opened and kind != "RSQB" and kind not in _PLAIN_LIST:
            plain.discard(opened[-1])
        if kind in OPENERS:
            if kind == "LSQB":
                plain.add(at)
            elif kind == "LBRACE" and opened and kinds[opened[-1]] == "LBRACE":
                padded.add(opened[-1])
            elif kind == "LBRACE" and definition and not opened:
                padded.add(at)
            opened.append(at)
        elif kind in CLOSERS:
            opened.pop()
            # Nothing stands in `{}`.
            padded.discard(at - 1)
    return plain, padded
