"""What the compiler makes of a spec, as text to compare.

Of one that is refused it is the findings as a terminal shows them. Of others it is each
module once, and of each layer its tensors, what it sees and how PyTorch makes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.render import render
from archdsl.ir.dump import dump, formula
from archdsl.ir.flat import layers, state_dict_names
from archdsl.ir.network import Choice, Module, Network, Node, Repeat
from archdsl.ir.unchecked import Fault, Unchecked
from archdsl.limits import MOST, parsed
from archdsl.ops.form import (
    Apply,
    Code,
    Infix,
    Input,
    Inputs,
    Keyword,
    Lambda,
    Listed,
    Member,
    Slot,
)
from archdsl.ops.record import Site, form_of
from archdsl.pipeline import check, sketch
from archdsl.reading import Place, UseError
from archdsl.shapes.expr import Const
from archdsl.shapes.tensor import TensorType
from archdsl.source import Source, Span

LEFT_OUT = re.compile(r" \w+=None(?=[ ,])")


def outcome(text: str) -> str:
    """What is made of the spec, in lines."""
    net, params = _asked(text)
    text, *used = re.split(r"^# file (\S+)\n", text, flags=re.MULTILINE)
    files = _Texts(dict(zip(used[::2], used[1::2], strict=True))) if used else None
    limits = re.match(r"# limits (.*)\n", text)
    source = Source("spec", text, parsed(limits[1]) if limits else MOST)
    checked = check(source, net, params, files)
    if checked.diagnostics:
        return render(checked.diagnostics, "full") + _fixes(checked.diagnostics)
    return "\n".join(map(_network, checked.networks.values()))


class _Texts:
    """The files that a spec uses: each in it, after a line `# file NAME`."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts

    def own(self) -> Place:
        return Place("spec", "spec", "spec")

    def resolve(self, path: str, user: Place) -> Place:
        return Place(path, path, path)

    def read(self, place: Place) -> bytes:
        if place.file not in self._texts:
            raise UseError(f"there is no file `{place.shown}`", "write one")
        return self._texts[place.file].encode("latin-1")


def _fixes(found: list[Diagnostic]) -> str:
    """The changes that the hints offer, each with what it replaces and where."""
    lines = []
    for fix in dict.fromkeys(fix for finding in found for fix in finding.fixes):
        edits = [
            f"{_at(edit.span)} {edit.span.text!r} to {edit.text!r}"
            for edit in fix.edits
        ]
        lines.append(f"fix, {fix.title}: {', '.join(edits)}\n")
    return "".join(lines)


def _at(span: Span) -> str:
    line, column = span.source.position(span.start)
    return f"{line}:{column}"


def _asked(text: str) -> tuple[str | None, dict[str, object] | None]:
    """A net and values for its parameters, asked for by `# with NET KEY=VALUE`."""
    asked = re.match(r"# with (\w+)(.*)\n", text)
    if asked is None:
        return None, None
    pairs = (pair.partition("=") for pair in asked[2].split())
    return asked[1], {key: json.loads(value) for key, _, value in pairs}


def sketched(text: str) -> str:
    """What is known of the first net of a spec that is refused, in lines."""
    named = re.search(r"^net (\w+)", text, re.MULTILINE)
    network = sketch(Source("spec", text), named[1] if named else "")
    if network is None:
        return "nothing\n"
    lines = [LEFT_OUT.sub("", line) for line in dump(network).splitlines() if line]
    lines += dict.fromkeys(_wrong(network.root))
    lines += [f"wrong {_fault(fault)}" for fault in network.wrong]
    return "\n".join(lines) + "\n"


def _wrong(module: Module) -> Iterator[str]:
    """The stages that were not checked, with what is wrong with them."""
    waiting: list[Node] = [*module.nodes]
    for node in waiting:
        if isinstance(node, Choice):
            waiting += node.nodes
        elif isinstance(node, Repeat):
            waiting += [run.stage for run in node.runs]
        elif isinstance(node.target, Module):
            waiting += node.target.nodes
        elif isinstance(node.target, Unchecked):
            target = node.target
            fault = _fault(target.fault) if target.fault else "after something wrong"
            yield f"`{target.text}` as {target.look}: {fault}"


def _fault(fault: Fault) -> str:
    more = [f"{key} {value}" for key, value in fault._asdict().items() if value != ""]
    return ", ".join(part for part in more if not part.endswith(" None"))


def _network(network: Network) -> str:
    dumped = LEFT_OUT.sub("", dump(network)).splitlines()
    # The name is for several nets, and blank lines are only long.
    lines = [line for line in dumped if line not in ("network - from spec", "")]
    for layer in layers(network):
        lines += _layer(layer.path, layer.site, layer.stage.type)
    names = [
        f"  {name} {_size(weight.shape)}{'' if weight.parameter else ' buffer'}"
        for name, weight in state_dict_names(network)
    ]
    return "\n".join([*lines, *names]) + "\n"


def _layer(name: str, site: Site, out: TensorType) -> list[str]:
    form = form_of(site)
    lines = [f"{name} as {site.layer.look}: {_code(form.module)}"]
    if form.function is not None:
        lines.append(f"  or {_code(form.function)}")
    layer = site.layer
    sees = layer.sees(site, out)
    details = {
        "helpers": [form.helper, form.function_helper, *form.more_helpers],
        "attribute": list(form.attribute or ()),
        "ties": list(form.ties),
        "imports": list(form.imports or ()),
        "sees": None if sees is None else [tuple(sight) for sight in sees],
        "connections": layer.connections and layer.connections(site, out),
    }
    for key, value in details.items():
        if value not in (None, [], [None, None]):
            lines.append(f"  {key} {value}")
    return lines


def _size(shape: tuple[object, ...]) -> str:
    return "x".join(map(str, shape)) or "number"


def _code(code: Code | Keyword | None) -> str:
    if isinstance(code, Slot):
        # What is left out of the source because PyTorch's default is the same.
        same = "~" if code.default is not None and code.value == code.default else ""
        of = "" if isinstance(code.expr, Const) else f" = {formula(code.expr)}"
        return f"{same}{code.value!r}{of}"
    if isinstance(code, Keyword):
        return f"{code.name}={_code(code.code)}"
    if isinstance(code, Apply):
        return f"{code.function}({', '.join(map(_code, code.arguments))})"
    if isinstance(code, Infix):
        return f"({f' {code.operator} '.join(map(_code, code.operands))})"
    if isinstance(code, Listed):
        return f"[{', '.join(map(_code, code.items))}]"
    if isinstance(code, Lambda):
        return f"lambda {code.parameters}: {_code(code.body)}"
    if isinstance(code, Input):
        flags = [f"{k}={v}" for k, v in code._asdict().items() if v and k != "number"]
        return f"x{code.number}{flags or ''}"
    if isinstance(code, Inputs):
        return "xs"
    if isinstance(code, Member):
        return f"{code.label}.{code.tensor}"
    return str(code)
