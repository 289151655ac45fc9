"""What differs in two stages that belong together, and in the ends of two nets."""

from __future__ import annotations

from archdsl.backends.text.wording import one_line, shortened, value_text
from archdsl.diff.align import Entry
from archdsl.diff.changes import Detail
from archdsl.diff.content import settled
from archdsl.ir.dump import formula
from archdsl.ir.network import Module, Network, Repeat
from archdsl.ir.outline import Item, Scope
from archdsl.ir.signature import inputs_text, outputs_text
from archdsl.ops.record import Bound, plain
from archdsl.ops.values import IndexFormula
from archdsl.shapes.expr import Const

# So much is shown of a value.
_LONGEST = 40


def between(a: Item, b: Item) -> tuple[Detail, ...]:
    """Layer, arguments and number of copies, where they differ."""
    found: list[Detail] = []
    if a.count != b.count:
        found.append(Detail("copies", f"{a.count:,}", f"{b.count:,}"))
    if a.node.shared != b.node.shared:
        found.append(Detail("shared", _truth(a.node.shared), _truth(b.node.shared)))
    if a.parts and b.parts:
        # Their copies are compared one by one.
        return tuple(found)
    if a.stage.kind != b.stage.kind:
        return (*found, Detail("layer", a.stage.kind, b.stage.kind, _chosen(a, b)))
    if bool(a.parts) != bool(b.parts):
        return tuple(found)
    return (*found, *_arguments(_bound(a), _bound(b)))


def _chosen(a: Item, b: Item) -> bool:
    """Whether the texts name other layers, and not one parameter that holds them."""
    one, two = a.stage.chosen_by, b.stage.chosen_by
    return one is None or one != two


def _bound(item: Item) -> dict[str, Bound]:
    """The arguments of a stage; a group has those of what is around it."""
    target = item.stage.target
    if isinstance(target, Module):
        return target.params if target.kind == "block" else {}
    return target.args


def _arguments(old: dict[str, Bound], new: dict[str, Bound]) -> list[Detail]:
    found = []
    for name in dict.fromkeys((*old, *new)):
        a, b = old.get(name), new.get(name)
        if a is None or b is None:
            found.append(Detail(name, _value(a), _value(b)))
        elif settled(a.value) != settled(b.value):
            found.append(Detail(name, _value(a), _value(b), _is_direct(a, b)))
    return found


def _is_direct(a: Bound, b: Bound) -> bool:
    """Whether the texts of an argument differ, and not only what they stand for."""
    if isinstance(a.expr, Const) or isinstance(b.expr, Const):
        return True
    if formula(a.expr) != formula(b.expr):
        return True
    texts = [one_line(each.span.text) if each.span else "" for each in (a, b)]
    return texts[0] != texts[1]


def _value(bound: Bound | None) -> str:
    if bound is None:
        return "nothing"
    if bound.value is None:
        return "none"
    if isinstance(bound.value, IndexFormula):
        return shortened(one_line(bound.value.text), _LONGEST)
    value = plain(bound.value)
    return shortened(value_text(value), _LONGEST)


def _truth(value: bool) -> str:
    return "true" if value else "false"


def of_inputs(
    old: Entry, new: Entry, before: Scope, after: Scope, same: dict[int, int]
) -> tuple[Detail, ...]:
    """Where a stage takes its inputs from, if that is another place.

    `same` are the numbers of nodes that belong together. What takes the value of the
    stage before it does so still, whichever stage that is.
    """
    one, two = before.flat.sources[old.at], after.flat.sources[new.at]
    if len(one) == len(two) and all(
        _same_source(a, b, old.at, new.at, same) for a, b in zip(one, two, strict=True)
    ):
        return ()
    before_it, now = (
        ", ".join(_source(source, entry.at, scope) for source in sources)
        for sources, entry, scope in ((one, old, before), (two, new, after))
    )
    return (Detail("inputs", before_it, now),) if before_it != now else ()


def _same_source(a: int, b: int, at: int, beside: int, same: dict[int, int]) -> bool:
    if a < 0 and b < 0:
        return a == b
    if a >= 0 and same.get(a) == b:
        return True
    flows = a in (at - 1, -1), b in (beside - 1, -1)
    gone = a >= 0 and a not in same
    fresh = b >= 0 and b not in same.values()
    return all(flows) or (gone and fresh)


def _source(source: int, at: int, scope: Scope) -> str:
    if source < 0:
        return "in" if source == -1 else f"in{-source}"
    node = scope.flat.nodes[source]
    if isinstance(node, Repeat):
        return node.label or ("id" if source == at - 1 else node.runs[0].stage.kind)
    name = scope.names.get((id(node), scope.copies))
    return name or node.label or f"{node.kind}{node.ordinal}"


def interface(old: Network, new: Network) -> tuple[Detail, ...]:
    """What differs in the parameters of the nets, their inputs and their outputs."""
    found = [
        detail._replace(what=f"parameter {detail.what}")
        for detail in _arguments(old.root.params, new.root.params)
    ]
    told = [(inputs_text(net.root), outputs_text(net.root)) for net in (old, new)]
    forms = [net.root.output_form for net in (old, new)]
    rules = [
        ", ".join(net.facts.constraints()) if net.facts else "" for net in (old, new)
    ]
    for what, (a, b) in (
        ("input", (told[0][0], told[1][0])),
        ("output", (told[0][1], told[1][1])),
        ("form of the output", (forms[0], forms[1])),
        ("needs", (rules[0], rules[1])),
    ):
        if a != b:
            found.append(Detail(what, a or "nothing", b or "nothing"))
    return tuple(found)
