"""A net whose check fails, as far as it is known: for pictures.

It is elaborated as ever, and what would be dropped is kept: the stage that is wrong,
and those that cannot be checked since their inputs are not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archdsl.diagnostics import Diagnostic, in_order
from archdsl.elaborate.arguments import Bindings
from archdsl.elaborate.definitions import Definitions
from archdsl.elaborate.frame import Frame, Value
from archdsl.elaborate.nets import Elaborator
from archdsl.elaborate.report import Reporter
from archdsl.elaborate.sketched import Early, Left, Sketched, key
from archdsl.elaborate.walk import Walk, in_input_order
from archdsl.elaborate.words import INPUT_STAGE
from archdsl.ir.network import Choice, Module, Network, Node
from archdsl.ir.unchecked import UNKNOWN, Fault, placed, unchecked
from archdsl.source import Span
from archdsl.syntax import nodes as n

# So many findings at most stand at the end of a body.
_MOST = 4


class Sketcher(Elaborator):
    """Elaborates one net, and keeps what is wrong in it."""

    def __init__(self, definitions: Definitions, report: Reporter) -> None:
        super().__init__(definitions, report)
        self.report = report
        # What was found before, when names were looked up.
        self._early = Early(report.found)
        # The findings that some stage in the picture tells, in order.
        self.told: dict[object, None] = {}
        self.left: Left | None = None
        self._root: Module | None = None

    def network(self, name: str, overrides: dict[str, object]) -> Network | None:
        """The net of that name; None if nothing of it is known."""
        begun = len(self.report.found)
        whole = self.net(name, overrides)
        root = whole or self._root
        if root is None:
            return None
        item = self.definitions.nets[name]
        text = Span(self.definitions.source, item.start, item.end)
        # Where the net is not whole, those found in it are told in it already.
        late = self.report.found[begun:] if whole else []
        if not self.told:
            late = self.early(text) + late
        root = self.ended(root, late)
        wrong = tuple(self.fault(each) for each in in_order(self.report.found))
        source = self.definitions.source
        return Network(name, root, source.name, self.facts, wrong)

    def early(self, span: Span) -> list[Diagnostic]:
        """What was found before in a place."""
        return self._early.within(span)

    def walk(self, frame: Frame, defaults: dict[str, Bindings]) -> Walk:
        """A walk that keeps what is wrong."""
        return Sketched(self, frame, defaults)

    def _unfinished(
        self, kind: str, name: str, walk: Walk, body: n.Body, result: Value, before: int
    ) -> None:
        assert isinstance(walk, Sketched)
        frame = walk.frame
        # An input that is wrong is a stage, and none that the net takes.
        made = {node.output for node in frame.nodes}
        values = range(len(frame.input_spans or frame.inputs))
        inputs = [value for value in values if value not in made]
        found, output = walk.closed(set(inputs), result)
        nodes, output, _ = in_input_order(found, output, set(), inputs)
        names: list[str] = []
        if any(frame.input_names):
            names = [frame.input_names[at] or INPUT_STAGE for at in inputs]
        module = Module(
            "net" if kind == "net" else "block",
            name,
            frame.params,
            tuple(names),
            tuple(frame.inputs),
            nodes,
            output,
            result.type or UNKNOWN,
            frame.cost,
            frame.written,
            frozenset(),
            frozenset(),
            self.report.span(body),
        )
        module = self.ended(module, self.report.found[before:])
        if kind == "net":
            self._root = module
        else:
            self.left = Left(module)

    def ended(self, module: Module, found: list[Diagnostic]) -> Module:
        """The module with stages at its end for findings that no other stage tells."""
        nodes, output = list(module.nodes), module.output
        fresh = max([output, len(module.inputs), *_outputs(nodes)])
        late = {key(each): each for each in found if key(each) not in self.told}
        for each in list(late.values())[:_MOST]:
            assert each.span is not None
            fresh += 1
            self.told[key(each)] = None
            claim = each.span.text
            # An assertion is found where its condition stands.
            text = f"assert {claim}" if each.code == "E0602" else claim
            fault = self.fault(each)._replace(at=0)
            target = unchecked(text, None, (module.type,), fault, each.span)
            nodes.append(
                placed(
                    "check", target, (output,), fresh, None, 1, each.span, module.type
                )
            )
            output = fresh
        return module._replace(nodes=tuple(nodes), output=output)

    def fault(self, found: Diagnostic) -> Fault:
        """A finding in short."""
        assert found.span is not None
        where = f"line {found.span.line}"
        if found.span.source is not self.definitions.source:
            where = f"{found.span.source.name}:{found.span.line}"
        return Fault(found.code, found.message, where)


def _outputs(nodes: Iterable[Node]) -> Iterator[int]:
    for node in nodes:
        yield node.output
        if isinstance(node, Choice):
            yield from _outputs(node.nodes)
