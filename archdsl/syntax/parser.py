"""Tokens to a syntax tree: an LALR(1) parser over the tables that Lark made."""

from __future__ import annotations

from archdsl.collector import Paused
from archdsl.diagnostics import Diagnostic, Hint
from archdsl.limits import MAX_FINDINGS
from archdsl.source import Source, Span
from archdsl.syntax.automaton import Automaton, automaton, run, states_before, step
from archdsl.syntax.build import Tokens
from archdsl.syntax.lexer import CLOSERS, OPENERS, Lexer
from archdsl.syntax.nodes import File

_TOP_LEVEL = frozenset(("BLOCK", "NET", "DEFAULT", "USE", "EXTERN"))


def lexer() -> Lexer:
    """The lexer that `parse` uses."""
    return automaton().lexer


def parse(source: Source) -> tuple[File | None, list[Diagnostic]]:
    """The tree of a source text, or None, and what was wrong with it.

    After a syntax error the parser goes on at the next block, net or default, so
    that mistakes in different definitions are reported together.
    """
    with Paused():
        return _parse(source)


def _parse(source: Source) -> tuple[File | None, list[Diagnostic]]:
    machine = automaton()
    tokens, found = machine.lexer.tokens(source)
    if found:
        return None, found
    tree: File | None = None
    begin = 0
    while True:
        result = run(machine, tokens, begin)
        if isinstance(result, File):
            tree = result
            break
        at = result
        states = states_before(machine, tokens, begin, at)
        found.append(_syntax_error(machine, source, tokens, states, begin, at))
        begin = _next_definition(tokens, begin, at)
        if begin < 0 or len(found) == MAX_FINDINGS:
            break
    return (None if found else tree), found


def _next_definition(tokens: Tokens, begin: int, at: int) -> int:
    """The next block, net or default outside of brackets; -1 if there is none.

    `begin` is a token outside of brackets, `at` the one that was not understood.
    """
    kinds = tokens.kinds
    depth = 0
    for index in range(begin, len(kinds)):
        kind = kinds[index]
        if kind in OPENERS:
            depth += 1
        elif kind in CLOSERS:
            depth -= 1
        elif (
            kind in _TOP_LEVEL
            and depth == 0
            and index >= at
            and index > begin
            and kinds[index - 1] == "NEWLINE"
        ):
            return index
    return -1


_SAID = {
    "NAME": "a name",
    "FLAG": "a flag",
    "INT": "a number",
    "FLOAT": "a number",
    "SIZE": "a size",
    "STRING": "a string",
    "NEWLINE": "a new line",
    "$END": "the end of the text",
    "ARROW": "`->`",
    "COMPARE": "a comparison",
    "EQUALS": "`=`",
    "PIPE": "`|`",
    "COLON": "`:`",
    "COMMA": "`,`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "CALL_LPAR": "`(`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "IF": "`if`",
    "ELSE": "`else`",
}

# What is worth naming when it could have stood there, in this order.
_EXPECTED = (
    *("RPAR", "RSQB", "RBRACE", "LBRACE", "COLON", "EQUALS", "PIPE", "COMMA"),
    *("IF", "ELSE", "NEWLINE", "$END"),
)
# All that can follow a definition.
_ENDS = frozenset(("NEWLINE", "$END"))

# Asked after too, to tell a stage from a value and a value from a name.
_TELLING = ("NAME", "STRING", "LPAR", "COMPARE")

_RESERVED = frozenset(
    (
        *("DEFAULT", "BLOCK", "NET", "USE", "EXTERN", "FROM", "AS"),
        *("ASSERT", "ORDER", "IF", "ELSE"),
        *("AND", "OR", "NOT", "TRUE", "FALSE"),
    )
)


def _syntax_error(
    machine: Automaton,
    source: Source,
    tokens: Tokens,
    states: list[int],
    begin: int,
    at: int,
) -> Diagnostic:
    """What is wrong with a token; `begin` is the first of its definition."""
    kind = tokens.kinds[at]
    start, end = tokens.starts[at], tokens.ends[at]
    text = tokens.text[start:end]
    if kind == "NEWLINE" or kind == "$END":
        # Point behind the last thing that was understood.
        start = tokens.ends[at - 1] if at else 0
        end = start
    possible = {
        name for name in (*_EXPECTED, *_TELLING) if step(machine, states.copy(), name)
    }
    code = "E0102"
    hints: tuple[str, ...]
    special = _misplaced(tokens, possible, begin, at)
    incomplete = _incomplete_extern(tokens, at)
    if incomplete is not None:
        code = "E0222"
        message, hints = incomplete, (_EXTERN_HINT,)
    elif special is not None:
        message, hints = special
    else:
        seen = _SAID.get(kind, f"`{text}`")
        if text and kind in ("NAME", "FLAG", "INT", "FLOAT", "SIZE", "STRING"):
            seen = f"`{text}`"
        message = _found(seen, _expected(possible))
        hints = _hints(tokens, possible, at)
    span = Span(source, start, end)
    hints = tuple(
        Hint.writing(hint, span, _MENDED[hint]) if hint in _MENDED else hint
        for hint in hints
    )
    return Diagnostic(code, message, span, hints=hints)


_TWICE = "remove one of them"
_EQUAL = "`==` compares two values"
# What is put in place of the token to follow a hint.
_MENDED = {_TWICE: "", _EQUAL: "=="}


_EXTERN_HINT = 'as in `extern warp c -> c in.h in.w from "package.module:Class"`'


def _incomplete_extern(tokens: Tokens, at: int) -> str | None:
    """What an extern lacks that ends, or goes on, too early."""
    kind, previous = tokens.kinds[at], tokens.kinds[at - 1] if at else ""
    if _governing(tokens, at) != "EXTERN" or previous in ("EXTERN", "FROM"):
        return None
    if kind == "FROM":
        return "an extern lacks its shape, which stands before its place"
    if kind in ("NEWLINE", "$END") and previous != "ARROW":
        shape = "its shape and " * ("ARROW" not in _since_extern(tokens, at))
        return f"an extern lacks {shape}its place, the class that it is"
    return None


def _since_extern(tokens: Tokens, at: int) -> list[str]:
    start = at
    while tokens.kinds[start] != "EXTERN":
        start -= 1
    return tokens.kinds[start:at]


def _expected(possible: set[str]) -> list[str]:
    """In words, what could have stood there."""
    words = [_SAID[name] for name in _EXPECTED if name in possible]
    if "STRING" in possible and "LPAR" in possible:
        words.insert(0, "a value")
    elif "STRING" in possible and "LBRACE" in possible:
        words.remove(_SAID["LBRACE"])
        words.insert(0, "a stage")
    elif "NAME" in possible:
        words.insert(0, "a name")
    return words


def _found(seen: str, expected: list[str]) -> str:
    if not expected or len(expected) > 3:
        return f"{seen} cannot stand here"
    if len(expected) > 1:
        expected = [", ".join(expected[:-1]), expected[-1]]
    return f"expected {' or '.join(expected)}, found {seen}"


def _opener(tokens: Tokens, begin: int, at: int) -> int:
    """The bracket that a token stands in; -1 if in none. `begin` stands in none."""
    depth = 0
    for index in range(at - 1, begin - 1, -1):
        kind = tokens.kinds[index]
        if kind in CLOSERS:
            depth += 1
        elif kind in OPENERS:
            if not depth:
                return index
            depth -= 1
    return -1


def _misplaced(
    tokens: Tokens, possible: set[str], begin: int, at: int
) -> tuple[str, tuple[str, ...]] | None:
    """Mistakes that have a message of their own, with their hints."""
    kind = tokens.kinds[at]
    text = tokens.text[tokens.starts[at] : tokens.ends[at]]
    previous = tokens.kinds[at - 1] if at else ""
    stage = "STRING" in possible and "LBRACE" in possible and "LPAR" not in possible
    opener = _opener(tokens, begin, at)
    apart = at == 0 or previous == "NEWLINE"
    if kind in _RESERVED and tokens.kinds[at + 1 : at + 2] == ["COLON"] and stage:
        return (
            f"`{text}` is a reserved word and cannot be a label",
            (f'in quotes it can: `"{text}": …`',),
        )
    if kind in _TOP_LEVEL and opener < 0 and not apart and (stage or possible <= _ENDS):
        return f"`{text}` begins on a new line", ()
    if kind in _TOP_LEVEL and opener >= 0 and (stage or "NEWLINE" in possible):
        return (
            f"`{text}` cannot stand inside a net or a block",
            ("move it out, before what uses it",),
        )
    if kind == "IF" and stage:
        return (
            "a condition follows what it governs",
            ("as in `conv 64 1x1 if s > 1 else id`",),
        )
    if kind == "ASSERT" and stage:
        return "an assertion stands on a line of its own", ()
    if kind == "ORDER" and stage:
        return (
            "`order` stands on a line of its own",
            ("as in `order norm1 attn`, in a block or net",),
        )
    if kind in _RESERVED and "NAME" in possible:
        return (
            f"`{text}` is a reserved word and cannot be a name",
            (f"choose another name, such as `{text}_`",),
        )
    if kind == "COLON" and previous in _RESERVED:
        word = tokens.text[tokens.starts[at - 1] : tokens.ends[at - 1]]
        return (
            f"`{word}` is a reserved word and cannot be a label",
            (f'in quotes it can: `"{word}": …`',),
        )
    if kind == "PIPE" and previous in ("", "LBRACE", "NEWLINE", "CALL_LPAR", "COMMA"):
        return "`|` has nothing before it", ("begin with a stage, such as `id`",)
    if kind == "PIPE" and previous == "PIPE":
        return "there is no stage between these two `|`", (_TWICE,)
    if kind == "COMMA":
        inside = tokens.kinds[opener] if opener >= 0 else ""
        if inside == "CALL_LPAR" and possible == {"COLON"}:
            return (
                "the parentheses that touch a name hold the inputs of a call",
                ("arguments follow after a space: `conv 16 3x3`, `add(id, in) …`",),
            )
        if inside in ("", "LBRACE") and "PIPE" in possible:
            return (
                "`,` separates the inputs of a call; this is not inside one",
                ("arguments are separated by spaces, stages by `|`",),
            )
        if inside == "LPAR":
            before = tokens.kinds[opener - 1] if opener else ""
            held = tokens.text[tokens.starts[opener] + 1 : tokens.ends[opener + 1]]
            if before in ("NAME", "FLAG") and not held.isdigit():
                word = tokens.text[tokens.starts[opener - 1] : tokens.ends[opener - 1]]
                return (
                    "parentheses after a space hold one number",
                    (f"inputs follow without a space: `{word}(…)`",),
                )
            return (
                "parentheses after a space hold one number",
                ("a size is written `3x32x32`, and arguments `conv 16 3x3`",),
            )
    return None


def _hints(tokens: Tokens, possible: set[str], at: int) -> tuple[str, ...]:
    """What to try when a token cannot stand where it does."""
    kinds = tokens.kinds
    kind = kinds[at]
    previous = kinds[at - 1] if at else ""
    following = kinds[at + 1] if at + 1 < len(kinds) else ""
    text = tokens.text[tokens.starts[at] : tokens.ends[at]]
    stage = "STRING" in possible and "LBRACE" in possible and "LPAR" not in possible
    governing = _governing(tokens, at)
    if kind == "EQUALS":
        if tokens.text.startswith("=>", tokens.starts[at]):
            return ("an arrow is written `->`",)
        if governing in ("IF", "ASSERT"):
            return (_EQUAL,)
        return ("`key=value` follows the layer that it belongs to, without a space",)
    if kind == "COLON":
        if governing == "IF":
            return ("a condition follows what it governs: `relu if s > 1`",)
        return ("a label stands before its stage: `stem: conv 64x7x7`",)
    if kind == "DOT" and following == "INT":
        return ("a number begins with a digit: `0.5`",)
    if kind in ("INT", "SIZE") and previous == "DOT":
        if at > 1 and kinds[at - 2] == "NAME":
            if tokens.ends[at - 2] == tokens.starts[at - 1]:
                label = tokens.text[tokens.starts[at - 2] : tokens.ends[at]]
                return (f'a label with a number behind a dot is quoted: `"{label}"`',)
            return ("a number begins with a digit: `0.5`",)
        if at > 1 and kinds[at - 2] == "FLAG":
            return ("a flag holds whole numbers, such as `s2` or `s2x1`",)
        return ("a size holds whole numbers",)
    if kind == "COMPARE":
        return ("comparisons stand after `if`, after `assert`, or in parentheses",)
    if previous == "USE":
        return ('name a file: `use "blocks.arch"`',)
    if governing == "EXTERN":
        return (
            'an extern tells its shape and its place: `extern warp c -> c from "m:C"`',
        )
    if kind == "NEWLINE" and "LBRACE" in possible and not stage:
        return ("the `{` stands on the same line",)
    if kind == "RPAR" and previous == "CALL_LPAR":
        return ("without inputs there are no parentheses",)
    if kind == "CALL_LPAR" and at > 1 and kinds[at - 2] == "NET":
        return ("a net's parameters follow after a space: `net name n=3 {`",)
    if kind in ("SLASH", "DOUBLE_SLASH") and stage:
        return ("a comment begins with `#`",)
    if kind in ("INT", "SIZE", "FLOAT") and stage:
        return (f"a stage begins with its layer: `conv {text}`",)
    if previous == "PIPE":
        return ("a stage follows each `|`, on the same line or the next",)
    if previous in _TOP_LEVEL and kind == "LBRACE":
        word = "net" if previous == "NET" else "block"
        return (f"give it a name: `{word} name {{`",)
    if previous == "EQUALS" and kind == "LBRACE":
        return ("a net with a body has no `=`: `net name {`",)
    return ()


def _governing(tokens: Tokens, at: int) -> str:
    """IF, ASSERT or EXTERN if the token stands after one in its stage or line."""
    for index in range(at - 1, -1, -1):
        kind = tokens.kinds[index]
        if kind in ("IF", "ASSERT", "EXTERN"):
            return kind
        if kind in ("NEWLINE", "PIPE", "LBRACE", "RBRACE", "ELSE"):
            break
    return ""
