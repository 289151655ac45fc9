"""What is told of the place that is pointed at."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archdsl.editor.analysis import Analysis
from archdsl.editor.document import Document
from archdsl.editor.inlay import shape_text
from archdsl.editor.occurrences import Occurrence
from archdsl.editor.told import argument_text, block_head, call_text, layer_text
from archdsl.editor.trace import Seen
from archdsl.editor.tree import stage_at
from archdsl.ir.names import attribute, makes_module
from archdsl.ir.network import Cost, Module, Repeat, Stage
from archdsl.ops import LAYERS
from archdsl.ops.record import Site
from archdsl.syntax import nodes as n
from archdsl.tuples import NamedTuple

# So many uses with other shapes are told.
_USES = 6
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Hover(NamedTuple):
    """Text in Markdown, and the stretch that it is about."""

    text: str
    start: int
    end: int


def hover(document: Document, offset: int) -> Hover | None:
    """What is known of a place; None if nothing is.

    Where the text has changed since it could last be read, only the word is told of.
    """
    view = document.good or document.last
    if view is not None:
        old = view.moved.back(offset)
        if view.moved.forth(old) == offset or not view.moved.stretches():
            found = _known(view.analysis, old)
            start = found and view.moved.forth(found.start)
            if found is not None and start is not None:
                length = found.end - found.start
                old_text = view.analysis.source.text[found.start : found.end]
                if document.text[start : start + length] == old_text:
                    return found._replace(start=start, end=start + length)
    return _word(document, offset)


def _word(document: Document, offset: int) -> Hover | None:
    number = document.line_of(offset)
    begin = document.line_starts[number]
    for match in _WORD.finditer(document.line(number)):
        start, end = begin + match.start(), begin + match.end()
        if start <= offset <= end and match.group() in LAYERS:
            return Hover(layer_text(LAYERS[match.group()]), start, end)
    return None


def _known(analysis: Analysis, offset: int) -> Hover | None:
    if analysis.tree is None:
        return None
    name = analysis.name_at(offset)
    stage = stage_at(analysis.tree, offset)
    if name is not None:
        text = _of_name(analysis, name, stage)
        if text:
            return Hover(text, name.start, name.end)
    if stage is not None and analysis.trace is not None:
        text = _of_stage(analysis, stage)
        end = stage.end
        if isinstance(stage.atom, n.Group):
            # The brace alone stands for the group.
            end = stage.start + 1 if stage.label is None else stage.label.end
        if text and stage.start <= offset <= end:
            return Hover(text, stage.start, end)
    return None


def _of_name(analysis: Analysis, name: Occurrence, stage: n.Stage | None) -> str:
    """What is told of a name."""
    callee = stage is not None and (
        isinstance(stage.atom, n.Call)
        and stage.atom.callee.start <= name.start <= name.end <= stage.atom.callee.end
    )
    if callee and stage is not None:
        return _of_stage(analysis, stage)
    if name.kind in ("key", "word") and name.within in LAYERS:
        return argument_text(LAYERS[name.within], name.name)
    if name.kind == "layer":
        return layer_text(LAYERS[name.name])
    if name.kind in ("block", "extern"):
        return _of_block(analysis, name)
    if name.kind == "net":
        return _of_net(analysis, name.name)
    if name.kind == "label":
        return _of_label(analysis, name)
    if name.kind == "parameter":
        return _of_parameter(analysis, name)
    if name.kind == "input":
        return f"`{name.name}`: a value that flows in"
    if name.kind == "symbol":
        return f"`{name.name}`: a size that is not known before the net is used"
    return ""


def _of_stage(analysis: Analysis, stage: n.Stage) -> str:
    trace = analysis.trace
    seen = trace.of(stage) if trace is not None else ()
    atom = stage.atom
    parts = [_flow(seen)]
    if isinstance(atom, n.Call):
        name = atom.callee.name
        name_at = analysis.name_at(atom.callee.end)
        kind = name_at.kind if name_at is not None else None
        if kind == "layer":
            # Uses that differ have no arguments in common to tell.
            calls = {call_text(site) for site in _sites(seen)}
            call = calls.pop() if len(calls) == 1 else ""
            parts = [f"```arch\n{call}\n```" if call else f"**{name}**", *parts]
            parts.append(layer_text(LAYERS[name], arguments=False))
        elif kind in ("block", "extern") and name_at is not None:
            parts.insert(0, _of_block(analysis, name_at))
        elif kind == "label" and name_at is not None:
            parts.insert(0, f"`{name}`: the value with this label")
        elif kind == "parameter":
            chosen = dict.fromkeys(_chosen(seen))
            known = ", ".join(f"`{each}`" for each in chosen)
            parts.insert(
                0, f"`{name}`: a parameter" + (f", here {known}" if known else "")
            )
        elif kind == "value":
            what = (
                "the current value" if name == "id" else "the input of the net or block"
            )
            parts.insert(0, f"`{name}`: {what}")
    return "\n\n".join(part for part in parts if part)


def _chosen(seen: tuple[Seen, ...]) -> list[str]:
    """The layers that a parameter stood for."""
    nodes = [each.node for each in seen]
    return [node.kind for node in nodes if isinstance(node, Stage) and node.chosen_by]


def _sites(seen: tuple[Seen, ...]) -> Iterator[Site]:
    for each in seen:
        stages: tuple[object, ...] = (each.node,)
        if isinstance(each.node, Repeat):
            stages = tuple(run.stage for run in each.node.runs)
        for stage in stages:
            if isinstance(stage, Stage) and isinstance(stage.target, Site):
                yield stage.target


def _flow(seen: tuple[Seen, ...]) -> str:
    """The shapes that arrive and leave, and what it costs."""
    known = [each for each in seen if each.leaves is not None]
    rows = []
    for each in known[:_USES]:
        arrives = " and ".join(_arriving(each))
        assert each.leaves is not None
        leaves = ", ".join(map(shape_text, each.outputs or (each.leaves,)))
        flow = f"`{arrives}` → `{leaves}`" if arrives else f"→ `{leaves}`"
        rows.append("  \n".join(filter(None, (flow, cost_text(each.cost)))))
    if len(known) > _USES:
        rows.append(f"and {len(known) - _USES} other uses")
    if not rows and seen:
        return "the shape is not known here"
    return "\n\n".join(rows)


def _arriving(seen: Seen) -> list[str]:
    node = seen.node
    if isinstance(node, Repeat):
        node = node.runs[0].stage
    if isinstance(node, Stage):
        target = node.target
        types = target.inputs if isinstance(target, Module) else target.ins
        return [shape_text(tensor) for tensor in types]
    return [shape_text(seen.arrives)] if seen.arrives is not None else []


def cost_text(cost: Cost) -> str:
    """Parameters and multiply-adds, nothing where there are none."""
    said = []
    if cost.params:
        said.append(f"{cost.params:,} parameters")
    if not isinstance(cost.macs, int):
        said.append(f"{cost.macs} MACs")
    elif cost.macs:
        said.append(f"{cost.macs:,} MACs")
    return ", ".join(said)


def _of_block(analysis: Analysis, name: Occurrence) -> str:
    definitions = analysis.definitions
    if definitions is None or name.target is None:
        return ""
    home = definitions.library.homes.get(name.target.file)
    item = home.own().get(name.name) if home is not None else None
    if home is None or item is None:
        return ""
    head, comment = block_head(item, home.source)
    where = "" if home.file == "" else f"\n\n*from {home.source.name}*"
    return f"```arch\n{head}\n```" + (f"\n\n{comment}" if comment else "") + where


def _of_net(analysis: Analysis, name: str) -> str:
    network = analysis.networks.get(name)
    if network is None:
        return f"`{name}`: a net"
    root = network.root
    arrives = ", ".join(map(shape_text, root.inputs))
    leaves = ", ".join(
        shape_text(output.type) for output in root.outputs
    ) or shape_text(root.type)
    cost = cost_text(root.cost)
    return f"net `{name}`: `{arrives}` → `{leaves}`" + (f"  \n{cost}" if cost else "")


def _of_label(analysis: Analysis, name: Occurrence) -> str:
    target = name.target
    assert target is not None
    assert analysis.tree is not None
    stage = stage_at(analysis.tree, target.start)
    trace = analysis.trace
    if stage is None or stage.label is None or trace is None:
        return f"the label `{name.name}`"
    seen = trace.of(stage)
    what = f"the label `{name.name}`"
    if names_a_submodule(seen):
        what += ", and the submodule of that name in the `state_dict`"
    parts = [what, _flow(seen)]
    return "\n\n".join(part for part in parts if part)


def names_a_submodule(seen: tuple[Seen, ...]) -> bool:
    """Whether a stage became a module, which is called after its label."""
    nodes = (each.node for each in seen)
    return any(
        isinstance(node, Stage | Repeat)
        and (makes_module(node) or attribute(node) is not None)
        for node in nodes
    )


def _of_parameter(analysis: Analysis, name: Occurrence) -> str:
    target, definitions = name.target, analysis.definitions
    if target is None or definitions is None:
        return ""
    home = definitions.library.homes.get(target.file)
    if home is None:
        return ""
    items = (*home.own().values(), *home.nets.values())
    for item in items:
        for param in item.params if not isinstance(item, n.Family) else ():
            if param.start == target.start:
                written = home.source.text[param.start : param.end]
                return f"`{written}`: a parameter of `{item.name.name}`"
    return ""
