"""What the parser does when it has seen a whole rule: make a node.

Each function is named after a rule, or the alias of one of its alternatives, in
`grammars/archdsl.lark`. It gets the tokens and the rule's children: the index of a
token, a node, or a list of nodes for a starred item.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archdsl.syntax import nodes as n
from archdsl.tuples import NamedTuple, made


class Tokens(NamedTuple):
    """A source text cut up: parallel lists of kinds and offsets."""

    text: str
    kinds: list[str]
    starts: list[int]
    ends: list[int]


# The parser's stack holds tokens (int), nodes and lists of either: Any is honest.
Children = list[Any]


def _begin(t: Tokens, child: Any) -> int:
    return t.starts[child] if type(child) is int else child.start


def _finish(t: Tokens, child: Any) -> int:
    return t.ends[child] if type(child) is int else child.end


def _text(t: Tokens, token: int) -> str:
    return t.text[t.starts[token] : t.ends[token]]


def _all(children: Children) -> list[Any]:
    """The nodes among the children, lists of nodes opened."""
    if len(children) == 1 and type(children[0]) is list:
        return children[0]
    found: list[Any] = []
    for child in children:
        if type(child) is list:
            found.extend(child)
        elif type(child) is not int:
            found.append(child)
    return found


def gather(t: Tokens, c: Children) -> list[Any]:
    return _all(c)


def empty_file(t: Tokens, c: Children) -> n.File:
    return n.File((), 0, 0)


def file(t: Tokens, c: Children) -> n.File:
    items: list[n.Item] = []
    lines: list[n.Line | n.AssertLine | n.OrderLine] = []
    for entry in _all(c):
        if isinstance(entry, n.Line | n.AssertLine | n.OrderLine):
            lines.append(entry)
        else:
            items.append(entry)
    if lines:
        start, end = lines[0].start, lines[-1].end
        name = n.Name("", start, start)
        body = n.Body(tuple(lines), start, end)
        items.append(n.Net(name, (), body, start, end))
    return n.File(tuple(items), _begin(t, c[0]), t.ends[-1])


def bare_line(t: Tokens, c: Children) -> Any:
    return c[0]


def default(t: Tokens, c: Children) -> n.Default:
    layer = name(t, [c[1]])
    end = c[2][-1].end if c[2] else layer.end
    return n.Default(layer, tuple(c[2]), t.starts[c[0]], end)


def use(t: Tokens, c: Children) -> n.Use:
    path = string(t, [c[1]])
    return n.Use(path, None, t.starts[c[0]], path.end)


def use_as(t: Tokens, c: Children) -> n.Use:
    return n.Use(string(t, [c[1]]), c[3], t.starts[c[0]], c[3].end)


def extern(t: Tokens, c: Children) -> n.Extern:
    place = string(t, [c[-1]])
    params = tuple(c[2])
    return n.Extern(c[1], (), params, c[-3], place, t.starts[c[0]], place.end)


def extern_with_inputs(t: Tokens, c: Children) -> n.Extern:
    place = string(t, [c[-1]])
    inputs, params = tuple(_all(c[3:-6])), tuple(c[-5])
    return n.Extern(c[1], inputs, params, c[-3], place, t.starts[c[0]], place.end)


def block(t: Tokens, c: Children) -> n.Block:
    return n.Block(c[1], (), tuple(c[2]), c[3], t.starts[c[0]], c[3].end)


def block_with_inputs(t: Tokens, c: Children) -> n.Block:
    inputs = tuple(_all(c[3:-3]))
    return n.Block(c[1], inputs, tuple(c[-2]), c[-1], t.starts[c[0]], c[-1].end)


def net(t: Tokens, c: Children) -> n.Net:
    return n.Net(c[1], tuple(c[2]), c[3], t.starts[c[0]], c[3].end)


def family(t: Tokens, c: Children) -> n.Family:
    end = c[4][-1].end if c[4] else c[3].end
    return n.Family(c[1], c[3], tuple(c[4]), None, t.starts[c[0]], end)


def family_with_body(t: Tokens, c: Children) -> n.Family:
    return n.Family(c[1], c[3], tuple(c[4]), c[5], t.starts[c[0]], c[5].end)


def required_param(t: Tokens, c: Children) -> n.Param:
    return n.Param(c[0].name, None, c[0].start, c[0].end)


def default_param(t: Tokens, c: Children) -> n.Param:
    return n.Param(c[0].name, c[2], c[0].start, c[2].end)


def empty_body(t: Tokens, c: Children) -> n.Body:
    return n.Body((), t.starts[c[0]], t.ends[c[1]])


def body(t: Tokens, c: Children) -> n.Body:
    return n.Body(tuple(_all(c)), t.starts[c[0]], t.ends[c[-1]])


def line(t: Tokens, c: Children) -> n.Line:
    chain: n.Chain = c[0]
    return made(n.Line, (chain, None, None, chain.start, chain.end, None))


def line_if(t: Tokens, c: Children) -> n.Line:
    return n.Line(c[0], c[2], None, c[0].start, c[2].end)


def line_if_else(t: Tokens, c: Children) -> n.Line:
    return n.Line(c[0], c[2], c[4], c[0].start, c[4].end)


def assertion_line(t: Tokens, c: Children) -> n.AssertLine:
    return n.AssertLine(c[1], t.starts[c[0]], c[1].end)


def order_line(t: Tokens, c: Children) -> n.OrderLine:
    labels = tuple(_all(c[1:]))
    return n.OrderLine(labels, t.starts[c[0]], labels[-1].end)


def named_label(t: Tokens, c: Children) -> n.Label:
    return _label(t, c[0])


def chain(t: Tokens, c: Children) -> n.Chain:
    first = last = c[0]
    stages = (first,)
    if len(c) > 1:
        stages = (first, *c[1])
        last = stages[-1]
    return made(n.Chain, (stages, first.start, last.end))


def stage(t: Tokens, c: Children) -> n.Stage:
    atom: n.Call | n.Group = c[0]
    return made(n.Stage, (None, atom, None, atom.start, atom.end))


def labelled_stage(t: Tokens, c: Children) -> n.Stage:
    label = _label(t, c[0])
    return n.Stage(label, c[2], None, label.start, c[2].end)


def asserted_stage(t: Tokens, c: Children) -> n.Stage:
    return n.Stage(None, c[0], c[2], c[0].start, c[2].end)


def labelled_asserted_stage(t: Tokens, c: Children) -> n.Stage:
    label = _label(t, c[0])
    return n.Stage(label, c[2], c[4], label.start, c[4].end)


def input_stage(t: Tokens, c: Children) -> n.Stage:
    callee = c[0]
    label = _label(t, c[1])
    end = c[3][-1].end if c[3] else t.ends[c[2]]
    atom = n.Call(callee, None, tuple(c[3]), callee.start, end)
    return n.Stage(label, atom, None, callee.start, end)


def _label(t: Tokens, token: int | n.Name) -> n.Label:
    if not isinstance(token, int):
        return n.Label(token.name, False, token.start, token.end)
    text = _text(t, token)
    quoted = t.kinds[token] == "STRING"
    return n.Label(
        text[1:-1] if quoted else text, quoted, t.starts[token], t.ends[token]
    )


def asserted(t: Tokens, c: Children) -> n.Asserted:
    parts = _all(c)
    return n.Asserted(tuple(parts), parts[0].start, parts[-1].end)


def call(t: Tokens, c: Children) -> n.Call:
    callee, args = c
    end = args[-1].end if args else callee.end
    return made(n.Call, (callee, None, tuple(args), callee.start, end))


def call_with_inputs(t: Tokens, c: Children) -> n.Call:
    callee = c[0]
    end = c[4][-1].end if c[4] else t.ends[c[3]]
    return n.Call(callee, tuple(c[2]), tuple(c[4]), callee.start, end)


def group(t: Tokens, c: Children) -> n.Group:
    end = c[1][-1].end if c[1] else c[0].end
    return n.Group(c[0], tuple(c[1]), c[0].start, end)


def positional(t: Tokens, c: Children) -> n.Argument:
    value: n.Expression = c[0]
    return made(n.Argument, (None, value, False, value.start, value.end))


def flag(t: Tokens, c: Children) -> n.Argument:
    start, end = t.starts[c[0]], t.ends[c[0]]
    key, digits = t.text[start], t.text[start + 1 : end]
    value: n.Expression
    if "x" in digits:
        value = n.Size(tuple(map(_integer, digits.split("x"))), start + 1, end)
    else:
        value = made(n.Number, (_integer(digits), start + 1, end))
    return made(n.Argument, (key, value, True, start, end))


def keyword(t: Tokens, c: Children) -> n.Argument:
    return n.Argument(c[0].name, c[2], False, c[0].start, c[2].end)


def path(t: Tokens, c: Children) -> n.Name:
    parts = _all(c)
    name = ".".join((_text(t, c[0]), *(part.name for part in parts)))
    return n.Name(name, t.starts[c[0]], parts[-1].end)


def named_input(t: Tokens, c: Children) -> Any:
    # An assertion cannot stand there; the names pass says so.
    return c[2]._replace(key=c[0]) if isinstance(c[2], n.Line) else c[2]


def conditional(t: Tokens, c: Children) -> n.Conditional:
    return n.Conditional(c[0], c[2], c[4], c[0].start, c[4].end)


def boolean(t: Tokens, c: Children) -> n.Boolean2:
    return n.Boolean2(_text(t, c[1]), c[0], c[2], c[0].start, c[2].end)


def not_(t: Tokens, c: Children) -> n.Not:
    return n.Not(c[1], t.starts[c[0]], c[1].end)


def comparison_tail(t: Tokens, c: Children) -> tuple[str, n.Expression]:
    return _text(t, c[0]), c[1]


def comparison(t: Tokens, c: Children) -> n.Comparison:
    tails = _all(c[1:])
    operators = tuple(operator for operator, _ in tails)
    operands = (c[0], *(operand for _, operand in tails))
    return n.Comparison(operators, operands, c[0].start, operands[-1].end)


def binary(t: Tokens, c: Children) -> n.Binary:
    return n.Binary(_text(t, c[1]), c[0], c[2], c[0].start, c[2].end)


def negate(t: Tokens, c: Children) -> n.Negate:
    return n.Negate(c[1], t.starts[c[0]], c[1].end)


# int() refuses more digits than this; such a number is out of bounds in any case.
_MAX_DIGITS = 4000
_TOO_LARGE = 10**_MAX_DIGITS


def _integer(digits: str) -> int:
    return int(digits) if len(digits) <= _MAX_DIGITS else _TOO_LARGE


def int_(t: Tokens, c: Children) -> n.Number:
    start, end = t.starts[c[0]], t.ends[c[0]]
    return made(n.Number, (_integer(t.text[start:end]), start, end))


def float_(t: Tokens, c: Children) -> n.Number:
    return n.Number(float(_text(t, c[0])), t.starts[c[0]], t.ends[c[0]])


def size(t: Tokens, c: Children) -> n.Size:
    start, end = t.starts[c[0]], t.ends[c[0]]
    parts = [
        _integer(part) if part.isdigit() else part
        for part in t.text[start:end].split("x")
    ]
    return made(n.Size, (tuple(parts), start, end))


def string(t: Tokens, c: Children) -> n.String:
    return n.String(_text(t, c[0])[1:-1], t.starts[c[0]], t.ends[c[0]])


def true(t: Tokens, c: Children) -> n.Boolean:
    return n.Boolean(True, t.starts[c[0]], t.ends[c[0]])


def false(t: Tokens, c: Children) -> n.Boolean:
    return n.Boolean(False, t.starts[c[0]], t.ends[c[0]])


def name(t: Tokens, c: Children) -> n.Name:
    start, end = t.starts[c[0]], t.ends[c[0]]
    return made(n.Name, (t.text[start:end], start, end))


word = name


def flag_attribute(t: Tokens, c: Children) -> n.Attribute:
    base = name(t, [c[0]])
    return n.Attribute(base, _text(t, c[2]), base.start, t.ends[c[2]])


def attribute(t: Tokens, c: Children) -> n.Attribute:
    return n.Attribute(c[0], _text(t, c[2]), c[0].start, t.ends[c[2]])


def index(t: Tokens, c: Children) -> n.Index:
    return n.Index(c[0], c[2], c[0].start, t.ends[c[3]])


def slice_from(t: Tokens, c: Children) -> n.Slice:
    return n.Slice(c[0], c[2], None, c[0].start, t.ends[c[4]])


def slice_to(t: Tokens, c: Children) -> n.Slice:
    return n.Slice(c[0], None, c[3], c[0].start, t.ends[c[4]])


def slice_between(t: Tokens, c: Children) -> n.Slice:
    return n.Slice(c[0], c[2], c[4], c[0].start, t.ends[c[5]])


def parenthesised(t: Tokens, c: Children) -> n.Expression:
    node: n.Expression = c[1]._replace(start=t.starts[c[0]], end=t.ends[c[2]])
    return node


def function(t: Tokens, c: Children) -> n.Function:
    arguments = tuple(_all(c[2:-1]))
    return n.Function(_text(t, c[0]), arguments, t.starts[c[0]], t.ends[c[-1]])


def empty_list(t: Tokens, c: Children) -> n.ListOf:
    return n.ListOf((), t.starts[c[0]], t.ends[c[1]])


def list_(t: Tokens, c: Children) -> n.ListOf:
    return n.ListOf(tuple(_all(c)), t.starts[c[0]], t.ends[c[-1]])


Action = Callable[[Tokens, Children], Any]

_BUILTIN_NAMES = {"int": int_, "float": float_, "list": list_}


def action(rule: str) -> Action | None:
    """The function for a rule or alias; None for the empty name."""
    found: Action | None = _BUILTIN_NAMES.get(rule) or globals().get(rule)
    return found
