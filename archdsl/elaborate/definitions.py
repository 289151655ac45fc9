"""The definitions of a file: what is defined twice, unknown, or contains itself."""

from __future__ import annotations

from typing import NamedTuple

from archdsl.diagnostics import Note
from archdsl.diagnostics.suggest import did_you_mean
from archdsl.elaborate.names import Scope
from archdsl.elaborate.report import Reporter
from archdsl.elaborate.words import RESERVED, elsewhere, there_are
from archdsl.ops import LAYERS
from archdsl.syntax import nodes as n


class Definitions(NamedTuple):
    """The blocks and nets of a file, with the `default` lines in force at each."""

    blocks: dict[str, n.Block]
    nets: dict[str, n.Net | n.Family]
    defaults: dict[str, tuple[n.Default, ...]]


def definitions(tree: n.File, report: Reporter) -> Definitions:
    """The definitions of a file; what is defined twice is reported."""
    blocks: dict[str, n.Block] = {}
    nets: dict[str, n.Net | n.Family] = {}
    defaults: dict[str, tuple[n.Default, ...]] = {}
    seen: dict[str, n.Name] = {}
    current: tuple[n.Default, ...] = ()
    for item in tree.items:
        if isinstance(item, n.Default):
            current = (*current, item)
            _check_default(item, report)
            continue
        name = item.name.name
        where = seen.get(name)
        if where is not None:
            report.error(
                "E0209",
                f"`{name}` is defined twice",
                item.name,
                related=(Note(report.span(where), "first defined here"),),
                hints=("give one of them another name",),
            )
            continue
        seen[name] = item.name
        if isinstance(item, n.Block):
            if name in LAYERS or name in RESERVED:
                report.error(
                    "E0213",
                    f"`{name}` is a name of the language",
                    item.name,
                    hints=(f"choose another name, such as `my_{name}`",),
                )
                continue
            blocks[name] = item
        else:
            nets[name] = item
        defaults[name] = current
    return Definitions(blocks, nets, defaults)


def _check_default(item: n.Default, report: Reporter) -> None:
    layer = LAYERS.get(item.layer.name)
    if layer is not None:
        Scope({}, (), report, (), ()).arguments(item.args, layer)
    else:
        report.error(
            "E0201",
            f"there is no layer `{item.layer.name}`",
            item.layer,
            hints=elsewhere(item.layer.name)
            or did_you_mean(item.layer.name, LAYERS)
            or ("`default` sets arguments of a layer, such as `default conv same`",),
        )


def check_names(definitions: Definitions, report: Reporter) -> bool:
    """Report what is wrong with names. False if nothing can be elaborated."""
    calls: dict[str, dict[str, n.Name]] = {}
    sound = True
    for name, block in definitions.blocks.items():
        scope = Scope(
            definitions.blocks, definitions.nets, report, block.params, block.inputs
        )
        scope.module(block.body)
        calls[name] = scope.called
        sound = sound and scope.sound
    circles: set[str] = set()
    for net in definitions.nets.values():
        if isinstance(net, n.Net):
            scope = Scope(definitions.blocks, definitions.nets, report, net.params, ())
            scope.module(net.body)
            sound = sound and scope.sound
        else:
            _check_family(net, definitions, report, circles)
    return _no_recursion(calls, report) and sound


def _check_family(
    family: n.Family, definitions: Definitions, report: Reporter, circles: set[str]
) -> None:
    """Check the names of a derived net; `circles` are those found to be in one."""
    seen = [family.name.name]
    base: n.Net | n.Family | None = family
    while isinstance(base, n.Family):
        name = base.base.name
        if name in seen:
            if name == seen[0] and name not in circles:
                way = " → ".join((*seen, name))
                report.error(
                    "E0210",
                    f"the net `{name}` is derived from itself",
                    family.base,
                    notes=(f"the way round: {way}",) if len(seen) > 1 else (),
                    hints=("derive it from a net that has a body `{…}`",),
                )
                circles.update(seen)
            return
        seen.append(name)
        following = definitions.nets.get(name)
        if following is None and base is family:
            report.error(
                "E0211",
                f"there is no net `{name}`",
                family.base,
                hints=did_you_mean(name, definitions.nets)
                or there_are(definitions.nets, (family.name.name,)),
            )
        base = following
    scope = Scope(definitions.blocks, definitions.nets, report, (), ())
    for arg in family.args:
        scope.expression(arg.value)
    for line in family.body.lines if family.body else ():
        if isinstance(line, n.AssertLine):
            if isinstance(base, n.Net):
                known = {param.name for param in base.params}
                scope.params |= dict.fromkeys(known, family.base)
                scope.used |= known
            # The labels are the base's: looked up when its value is known.
            scope.asserted(line.condition, trust_labels=True)
        else:
            report.error(
                "E0214",
                "a derived net adds assertions only",
                line,
                hints=("give the base a parameter for what differs",),
            )


def _no_recursion(calls: dict[str, dict[str, n.Name]], report: Reporter) -> bool:
    """Whether no block reaches itself; each circle is reported once."""
    done: set[str] = set()
    good = True
    for start in calls:
        # Depth first with a stack of iterators: blocks may be many and deep.
        path = [start]
        stack = [iter(calls[start].items())]
        while stack:
            if path[-1] in done and len(path) == len(stack):
                stack.pop()
                path.pop()
                continue
            for name, node in stack[-1]:
                if name in path:
                    circle = [*path[path.index(name) :], name]
                    report.error(
                        "E0210",
                        f"the block `{name}` contains itself",
                        node,
                        notes=("the way round: " + " → ".join(circle),)
                        if len(circle) > 2
                        else (),
                        hints=("repeat a block with `x`: `unit 64 x3`",),
                    )
                    good = False
                elif name in calls and name not in done:
                    path.append(name)
                    stack.append(iter(calls[name].items()))
                    break
            else:
                done.add(path.pop())
                stack.pop()
    return good
