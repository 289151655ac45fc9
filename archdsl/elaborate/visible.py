"""What can be named at a place of a block or net, and what is said of other names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from archdsl.diagnostics import Edit, Fix, Hint, Note
from archdsl.diagnostics.suggest import MAX_KNOWN, did_you_mean
from archdsl.elaborate.report import Located, Reporter
from archdsl.elaborate.words import (
    BLOCK_INPUT,
    CONSTANTS,
    CURRENT,
    INDEX,
    INPUT_STAGE,
    OUTPUT_STAGE,
    RESERVED,
    RESERVED_LABELS,
    TIE,
    TOTALS,
    TRAINING,
    elsewhere,
    is_flag,
    place,
    there_are,
)
from archdsl.ir.names import outside
from archdsl.ops import LAYERS
from archdsl.reading import standard_names
from archdsl.source import Span
from archdsl.syntax import nodes as n

# `train()` and `eval()` assign this attribute, so it cannot hold a submodule.
_FLAG_OF_MODULES = "training"
# What parts a label and its stage.
_COLON = re.compile(r"\s*:[ \t]*")
_FIELD = re.compile(r"\{[^{}]*\}")


class Visible:
    """The inputs, parameters, symbols and labels that can be named.

    It knows which of them were: `used` holds the names of parameters.
    """

    def __init__(
        self, blocks: Mapping[str, object], nets: Collection[str], report: Reporter
    ) -> None:
        self.blocks = blocks
        self.params: dict[str, n.Param | n.Name] = {}
        self.symbols: frozenset[str] = frozenset()
        self.used: set[str] = set()
        self._nets = nets
        self._report = report
        self._inputs: dict[str, n.Name] = {}
        # One entry for each open body: its labels, and those that come later.
        self._labels: list[dict[str, n.Label]] = [{}]
        self._later: list[dict[str, n.Label]] = [{}]
        self._fetched: set[int] = set()
        self._nameless: list[n.Label] = []

    # What stands in the head of a block or net

    def add_input(self, node: n.Name) -> None:
        """Let an input be named."""
        name = node.name
        if name in RESERVED and name != "x":
            self._report.error(
                "E0213",
                f"`{name}` is a name of the language, and cannot be an input",
                node,
                hints=(f"choose another name, such as `{name}_`",),
            )
        elif name in self._inputs:
            self._defined_twice("input", name, node, self._inputs[name])
        self._inputs[name] = node

    def check_param(self, param: n.Param) -> None:
        """Report a parameter that cannot be called so, or that there is already."""
        name = param.name
        if is_flag(name):
            self.used.add(name)
            self._report.error(
                "E0208",
                f"a parameter cannot be named `{name}`: that is short for"
                f" `{name[0]}={name[1:]}`",
                param,
                hints=(f"use two letters or more, such as `{name[0] * 2}{name[1:]}`",),
            )
        elif name in RESERVED:
            self.used.add(name)
            self._report.error(
                "E0213",
                f"`{name}` is a name of the language, and cannot be a parameter",
                param,
                hints=(f"choose another name, such as `{name}_`",),
            )
        first = self._inputs.get(name) or self.params.get(name)
        if first is not None:
            self._defined_twice("parameter", name, param, first)

    def _defined_twice(self, what: str, name: str, at: Located, first: Located) -> None:
        self._report.error(
            "E0209",
            f"the {what} `{name}` is defined twice",
            at,
            related=(Note(self._report.span(first), "first defined here"),),
            hints=("give one of them another name",),
        )

    def assume(self, names: Iterable[str], at: n.Name) -> None:
        """Let parameters be named that are defined, and used, elsewhere."""
        self.params |= dict.fromkeys(names, at)

    def report_unused(self) -> None:
        """Report labels and parameters that nothing has named."""
        for label in self._nameless:
            if id(label) not in self._fetched:
                self._report.error(
                    "E0205",
                    f"the label `{label.name}` is never used",
                    label,
                    notes=(
                        "what it labels has no weights and makes no submodule,"
                        " so the label names nothing",
                    ),
                    hints=(self._removal(label),),
                )
        for name, param in self.params.items():
            if name not in self.used:
                self._report.error(
                    "E0207",
                    f"the parameter `{name}` is never used",
                    param,
                    hints=("use it in the body, or remove it",),
                )

    def _removal(self, label: n.Label) -> Hint:
        text = "use it as a value later, or remove it"
        at = self._report.span(label)
        colon = _COLON.match(at.source.text, at.end)
        if colon is None:
            # A comment stands between, which nobody asked to remove.
            return Hint(text)
        whole = Span(at.source, at.start, colon.end())
        return Hint(text, Fix("remove the label", (Edit(whole, ""),)))

    # Labels

    @property
    def in_group(self) -> bool:
        """Whether the innermost body is that of a group."""
        return len(self._labels) > 2

    def enter(self, body: n.Body) -> None:
        """Begin a body, whose labels come later."""
        later: dict[str, n.Label] = {}
        for line in body.lines:
            if isinstance(line, n.Line):
                for chain in (line.chain, line.otherwise):
                    for stage in chain.stages if chain else ():
                        if stage.label:
                            later.setdefault(stage.label.name, stage.label)
        self._labels.append({})
        self._later.append(later)

    def leave(self) -> None:
        """End a body. The labels of the outermost one stay, for its assertions."""
        if self.in_group:
            self._labels.pop()
        self._later.pop()

    def count_labels(self) -> int:
        """How many labels the innermost body has so far."""
        return len(self._labels[-1])

    def take_labels(self, count: int) -> list[tuple[str, n.Label]]:
        """Forget all labels of the innermost body but the first `count`."""
        labels = self._labels[-1]
        return [labels.popitem() for _ in range(len(labels) - count)]

    def give_labels(self, taken: list[tuple[str, n.Label]]) -> None:
        """Let labels that were forgotten be known again."""
        for name, label in taken:
            self._labels[-1].setdefault(name, label)

    def add_label(self, label: n.Label, nameless: bool, may_nest: bool) -> None:
        """Let a label be named; one that names no submodule must be.

        Where it `may_nest`, dots in it lead to a submodule of submodules.
        """
        labels = self._labels[-1]
        name = label.name
        first, dot, rest = name.partition(".")
        if not label.quoted and first in RESERVED_LABELS:
            self._report.error(
                "E0213",
                f"`{first}` is a name of the language, and cannot "
                + ("begin" if dot else "be")
                + " a label",
                label,
                hints=(f"choose another name, such as `{first}_{dot}{rest}`",),
            )
            nameless = False
        else:
            self._check_parts(label, may_nest)
        if name in labels:
            self._report.error(
                "E0204",
                f"the label `{name}` is defined twice",
                label,
                related=(Note(self._report.span(labels[name]), "first defined here"),),
                hints=("give one of them another name",),
            )
        labels[name] = label
        if nameless:
            self._nameless.append(label)

    def check_order(self, line: n.OrderLine, labels: Collection[str]) -> None:
        """Report what an `order` names that is none of the labels of submodules."""
        nameless = [label.name for label in self._nameless]
        # What labels with dots lead through stands for all that is in it. The names of
        # copies are not known yet.
        labels = dict.fromkeys(
            name
            for label in labels
            for name in (label, *(() if label in nameless else outside(label)))
            if "{" not in name
        )
        seen: set[str] = set()
        for label in line.labels:
            name = label.name
            if name not in labels:
                said = f"`order` names `{name}`, but no stage here has that label"
                hints = (
                    ()
                    if self._report.many
                    else did_you_mean(name, labels, self._report.editable(label))
                    or there_are(labels, nameless)
                )
                hints = hints or ("it names labels: `last: fc 10`",)
            elif name in nameless:
                said = f"`order` names `{name}`, which is a value and no submodule"
                hints = ()
            elif name in seen:
                said = f"`order` names `{name}` twice"
                hints = ()
            else:
                seen.add(name)
                continue
            self._report.error("E0221", said, label, hints=hints)

    def _check_parts(self, label: n.Label, may_nest: bool) -> None:
        """Report a label that PyTorch would not take, or not at this place."""
        name = label.name
        parts = _without_fields(name).split(".")
        if _FLAG_OF_MODULES in parts:
            self._report.error(
                "E0216",
                f"`{_FLAG_OF_MODULES}` is what PyTorch calls the mode of every module",
                label,
                hints=(f"choose another label, such as `{_without_flag(name)}`",),
            )
        elif len(parts) > self._report.limits.nesting:
            self._report.error(
                "E0703",
                f"a label has at most {self._report.limits.nesting} parts, and this has"
                f" {len(parts)}",
                label,
            )
        elif (longest := max(map(len, parts))) > self._report.limits.identifier:
            self._report.error(
                "E0706",
                f"a part of a label has at most {self._report.limits.identifier}"
                f" characters, and this has {longest:,}",
                label,
            )
        elif not all(part.strip() for part in parts):
            self._report.error(
                "E0216",
                "a submodule's name cannot be empty",
                label,
                notes=("dots part the names of nested submodules",)
                if len(parts) > 1
                else (),
            )
        elif len(parts) > 1 and not may_nest:
            self._report.error(
                "E0216",
                "a label with dots stands on a stage of a net or block",
                label,
                notes=(
                    "the stages of a labelled group are numbered, and an input is an"
                    " argument",
                ),
                hints=("use `_` or `-` instead of the dot",),
            )

    def fetch(self, name: str) -> bool:
        """Whether a value of that name flows in or was labelled; it is used then."""
        if name in self._inputs:
            return True
        for labels in reversed(self._labels):
            if name in labels:
                self._fetched.add(id(labels[name]))
                return True
        return False

    # Names that mean nothing here

    def report_stage(self, node: n.Name) -> None:
        """Report what stands as a stage, and is neither layer, block nor label."""
        name = node.name
        later = self._coming(node)
        if later is not None:
            self._fetched.add(id(later))
            return
        known = (
            ()
            if self._report.many
            else {
                *LAYERS,
                *self.blocks,
                *standard_names(),
                *self.params,
                *self._inputs,
                *self._few_labels(),
                *(CURRENT, BLOCK_INPUT, INPUT_STAGE),
            }
        )
        if name in self._nets:
            hints: tuple[str, ...] = (
                "a net cannot stand inside another; make it a `block`",
            )
        elif name == OUTPUT_STAGE:
            hints = ("what leaves the net stands in parentheses: `output(fc 2, fc 4)`",)
        else:
            at = self._report.editable(node)
            hints = elsewhere(name, at) or did_you_mean(name, known, at)
        self._report.error(
            "E0201", f"there is no layer, block or label `{name}`", node, hints=hints
        )

    def report_value(self, node: n.Name) -> None:
        """Report what a size was asked of, and is no value."""
        if self._coming(node) is not None:
            return
        known: Iterable[str] = (CURRENT, BLOCK_INPUT)
        if not self._report.many:
            known = {*known, *self._few_labels()}
        self._report.error(
            "E0202",
            f"there is no value `{node.name}`",
            node,
            hints=did_you_mean(node.name, known, self._report.editable(node)),
        )

    def report_expression(
        self, node: n.Name, totals: bool, words: tuple[str, ...] = ()
    ) -> None:
        """Report what stands in an expression, and is neither parameter nor layer.

        `totals` tells whether those of a module could stand there, and `words` are
        those that could.
        """
        name = node.name
        known: Iterable[str] = {*(TOTALS if totals else ()), *words}
        if not self._report.many:
            known = {*known, *self.params}
        at = self._report.editable(node)
        hints = did_you_mean(name, known, at)
        if not hints and words:
            hints = (f"the words are: {', '.join(words)}",)
        if not hints and not self._report.many:
            known = (*CONSTANTS, *LAYERS, *self.blocks, *standard_names())
            hints = did_you_mean(name, known, at)
        if name in TOTALS:
            hints = (f"`{name}` is known in `assert` lines only",)
        if name == TRAINING:
            hints = (
                "`if training` stands behind an output: `output(id, aux=… if"
                " training)`; layers such as `dropout` know the mode themselves",
            )
        elif place(name) is not None:
            hints = (f"`{name}` is known in `value=` of `param` and `buffer`",)
        elif name == INDEX:
            hints = ("`i` counts the copies of a repeat, and is known inside one",)
        elif self.fetch(name) or name in (CURRENT, BLOCK_INPUT):
            hints = (f"`{name}` is a value; its sizes are numbers: `{name}.c`",)
        self._report.error(
            "E0206", f"there is no parameter or layer `{name}`", node, hints=hints
        )

    def report_unlabelled(self, node: n.Name, word: str) -> None:
        """Report a label of `share` or `tie` that no stage before it has."""
        if self._coming(node):
            return
        labels: list[str] = []
        if not self._report.many:
            labels = self._few_labels()
        name = node.name if node.name not in RESERVED_LABELS else "enc"
        stage = "embedding 1000 64" if word == TIE else "fc 10"
        example = f"label one before this: `{name}: {stage} | … | {word} {name}`"
        self._report.error(
            "E0317",
            f"there is no stage `{node.name}` to {word}",
            node,
            hints=did_you_mean(node.name, labels, self._report.editable(node))
            or (example,),
        )

    def _few_labels(self) -> list[str]:
        """The labels that may have been meant; none if there are too many.

        They leave room for the names of layers among those that are compared.
        """
        if 2 * sum(map(len, self._labels)) > MAX_KNOWN:
            return []
        return [label for labels in self._labels for label in labels]

    def _coming(self, node: n.Name) -> n.Label | None:
        """The label of that name that is defined below, which is reported."""
        for later in reversed(self._later):
            label = later.get(node.name)
            if label is not None:
                self._report.error(
                    "E0203",
                    f"the label `{node.name}` is used before its definition",
                    node,
                    related=(Note(self._report.span(label), "defined here"),),
                    hints=("values flow forward: a label reaches back only",),
                )
                return label
        return None


def _without_flag(label: str) -> str:
    """The label with another name in place of the one that PyTorch takes."""
    parts = label.split(".")
    return ".".join(f"{p}_" if p == _FLAG_OF_MODULES else p for p in parts)


def _without_fields(label: str) -> str:
    """A quoted label with a number in place of each `{…}`, which holds a formula."""
    return _FIELD.sub("0", label)
