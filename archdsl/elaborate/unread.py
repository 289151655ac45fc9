"""Values that nothing reads: layers that a net would carry along for nothing."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.elaborate.report import Reporter
from archdsl.ir.network import Choice, Module, Node, Repeat
from archdsl.source import Span


def values_read(module: Module) -> set[int]:
    """The values that are read by a stage or returned."""
    read = {module.output, *(each.value for each in module.outputs)}
    _collect(module.nodes, read)
    return read


def report_unread(module: Module, report: Reporter) -> set[int]:
    """Report each stage whose value is neither read by another nor the result.

    Gives the values that are.
    """
    read = values_read(module)
    for node in _unread(module.nodes, read):
        label = None if isinstance(node, Choice) else node.label
        report.error(
            "E0308",
            "nothing uses the value of this stage",
            node.span,
            notes=("what follows begins from another value",),
            hints=(
                f"use `{label}` later, or remove the stage"
                if label
                else "give it a label and use that, or remove the stage",
            ),
        )
    return read


def _collect(nodes: Sequence[Node], read: set[int]) -> None:
    for node in nodes:
        if isinstance(node, Choice):
            read.add(node.result)
            _collect(node.nodes, read)
            continue
        stage = node.runs[0].stage if isinstance(node, Repeat) else node
        group = stage.target
        reads_flow = True
        if isinstance(group, Module) and group.kind == "group":
            # It may read what it captures, and not what flows into it.
            reads_flow = 0 in values_read(group)
        read.update(node.inputs if reads_flow else node.inputs[1:])


def _unread(nodes: Sequence[Node], read: set[int]) -> list[Node]:
    found: list[Node] = []
    for node in nodes:
        if isinstance(node, Choice):
            if node.output in read or not node.nodes:
                found += _unread(node.nodes, read)
            else:
                found.append(node)
        elif node.output not in read:
            found.append(node)
    return found


def report_idle(
    made: Module, inputs: Sequence[Span], read: set[int], report: Reporter
) -> None:
    """Report inputs that are not `read`, and outputs that no input reaches."""
    for number, span in enumerate(inputs):
        if number not in read:
            name = made.input_names[number] if made.input_names else ""
            report.error(
                "E0316",
                f"the input{f' `{name}`' if name else ''} is never used",
                span,
                hints=("use it as a value, or remove it",),
            )
    for each in made.outputs:
        if not each.type.batched:
            _unreached(report, each.span)
    if not made.outputs and not made.type.batched:
        _unreached(report, made.nodes[-1].span)


def _unreached(report: Reporter, at: Span) -> None:
    report.error(
        "E0315",
        "no input reaches this output",
        at,
        notes=("it is the same for whatever comes in",),
        hints=(
            "a `param` or `buffer` stands where it is used: `concat(param 1x64, id) t`",
        ),
    )
