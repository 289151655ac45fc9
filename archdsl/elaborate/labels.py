"""Labels: those that hold the copy's index, and names that two stages share."""

from __future__ import annotations

import re
from functools import lru_cache

from archdsl.diagnostics import Note
from archdsl.elaborate.evaluate import Names, evaluate
from archdsl.elaborate.report import Reporter
from archdsl.elaborate.values import UNKNOWN
from archdsl.ir.names import clash
from archdsl.ir.network import Module
from archdsl.source import Source, Span
from archdsl.syntax import nodes as n
from archdsl.syntax import parse

_FIELD = r"\{([^{}]*)\}"


def fill_in(label: n.Label, names: Names, report: Reporter) -> str | None:
    """The label with each `{expression}` replaced by its value, None if reported."""
    span = Span(report.source, label.start, label.end)
    parts: list[str] = []
    end = 0
    for field in re.finditer(_FIELD, label.name):
        parts.append(label.name[end : field.start()])
        end = field.end()
        node = _expression(field.group(1))
        known = len(report.found)
        report.fixed = span
        value = evaluate(node, names, report).value if node else UNKNOWN
        report.fixed = None
        if isinstance(value, bool) or not isinstance(value, int):
            if len(report.found) == known:
                report.error(
                    "E0404",
                    f"`{field.group()}` in a label must be a whole number,"
                    " such as the copy's index `i`",
                    span,
                    hints=('as in `"layer{i+1}"`',),
                )
            return None
        parts.append(str(value))
    parts.append(label.name[end:])
    if any("{" in part or "}" in part for part in parts):
        report.error(
            "E0404",
            "the braces in this label do not match",
            span,
            hints=('as in `"layer{i+1}"`',),
        )
        return None
    return "".join(parts)


def report_clash(module: Module, report: Reporter) -> None:
    """Report the first name that two submodules of a scope would share."""
    found = clash(module)
    if found is None:
        return
    name, first, second = found
    for before in report.found:
        if before.code == "E0204":
            assert before.span is not None
            if second.start <= before.span.start < second.end:
                return
    if first == second:
        report.error(
            "E0212",
            f"each copy of this stage gets the name `{name}`",
            second,
            hints=(f'put the copy\'s index into the label: `"{name}{{i+1}}": …`',),
        )
        return
    report.error(
        "E0212",
        f"two stages get the name `{name}`",
        second,
        related=(Note(first, "this one has it already"),),
        hints=("label one of them, or change its label",),
    )


@lru_cache(maxsize=64)
def _expression(text: str) -> n.Expression | None:
    """The one expression that a text holds; each copy of a repeat asks for it."""
    from archdsl.elaborate.alone import only_argument

    tree, _ = parse(Source("label", f"id {text}"))
    argument = only_argument(tree)
    return argument.value if argument is not None and not argument.key else None


def has_index(stage: n.Stage) -> bool:
    """Whether the label is a text with `{…}` in it."""
    return stage.label is not None and "{" in stage.label.name


def names_a_label(arg: n.Argument) -> bool:
    """Whether an argument of `share` or `tie` can be the label."""
    if arg.flag or (arg.key is None and isinstance(arg.value, n.String)):
        return True
    return arg.key is None and n.dotted(arg.value) is not None


def label_text(arg: n.Argument) -> str:
    """The label that such an argument names; `c1` reads as a flag."""
    if arg.flag:
        value = arg.value
        assert isinstance(value, n.Number | n.Size)
        digits = value.parts if isinstance(value, n.Size) else (value.value,)
        return f"{arg.key}{'x'.join(map(str, digits))}"
    if isinstance(arg.value, n.String):
        return arg.value.value
    name = n.dotted(arg.value)
    assert name is not None
    return name.name
