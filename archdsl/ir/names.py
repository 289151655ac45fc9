"""Names of submodules, as they stand in the `state_dict`.

Labels, blocks and nets make scopes; anonymous braces and repeats are plain expansion.
In a net or a block an unlabelled stage is called after its kind and its ordinal
(`conv2`). The children of a labelled group are called by position, as in
`nn.Sequential`; only stages that make a torch module take a position. The copies of a
labelled repeat are `label.0`, `label.1` and so on.

    children(module)    the submodules of a net, block or group
    copies(repeat)      the submodules of a labelled repeat
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from archdsl.ir.fold import Fold, Folder
from archdsl.ir.network import Choice, Module, Node, Repeat, Run, Stage
from archdsl.ops.form import Attribute
from archdsl.ops.record import Site, form_of
from archdsl.source import Span
from archdsl.tuples import NamedTuple

T = TypeVar("T")

# So many children are compared when names are looked through for clashes.
MAX_COMPARED = 10_000


class Copy(NamedTuple):
    """One copy of a repeat: `number`, from 0, made by `run`.

    With `fold`, the first of several alike.
    """

    repeat: Repeat
    run: Run
    number: int
    fold: Fold | None = None


class Child(NamedTuple):
    """A named node of a scope.

    `node` is a `Repeat` only if the repeat is labelled: then `copies(node)` are the
    children of this child. The copies of any other repeat are children each on their
    own; `within` tells the repeats that they came from, outermost first. Any other
    node is a `Stage` whose target is a `Site` (a layer) or a `Module`; with
    `children(stage.target)` the latter's names go on.

    `registered` is False for stages that make no torch module, such as `add`. They
    have a name for tables and diagrams only. `training` tells that the node stands in
    an output that exists in training only.
    """

    name: str
    node: Stage | Repeat
    registered: bool
    within: tuple[Copy, ...] = ()
    training: bool = False


def makes_module(node: Stage | Repeat) -> bool:
    """Whether a torch module stands for this stage; False for `add` and its like.

    False too for another use of a stage, which has the first one's module, and for
    tensors that a module holds itself.
    """
    if node.shared:
        return False
    if isinstance(node, Repeat):
        return any(makes_module(run.stage) for run in node.runs)
    target = node.target
    if isinstance(target, Module):
        return True
    if node.inputs and node.weights and not node.weights[0].tied:
        # What learns has a module, and this is sooner known than its form.
        return True
    form = form_of(target)
    return form.module is not None and form.attribute is None


def attribute(node: Stage | Repeat) -> Attribute | None:
    """The tensor that the scope holds itself for a `param` or `buffer`, if it does."""
    if isinstance(node, Repeat) or node.inputs or not isinstance(node.target, Site):
        return None
    return form_of(node.target).attribute


def reorders(module: Module) -> bool:
    """Whether torch may have the children in another order than the text.

    It does if one is a `param` or `buffer`, or stands in a place of its own since its
    label has dots.
    """
    stack: list[Iterable[Node]] = [module.nodes]
    while stack:
        for node in stack.pop():
            if isinstance(node, Choice):
                stack.append(node.nodes)
                continue
            names = node.names if isinstance(node, Repeat) else None
            if any("." in label for label in (node.label or "", *(names or ()))):
                return True
            if isinstance(node, Stage):
                if attribute(node) is not None:
                    return True
            elif is_inline(node):
                stack += (_group(run.stage).nodes for run in node.runs)
    return False


def _group(stage: Stage) -> Module:
    assert isinstance(stage.target, Module)
    return stage.target


def is_inline(repeat: Repeat) -> bool:
    """Whether the copies are groups whose stages stand in the enclosing scope."""
    target = repeat.runs[0].stage.target
    return (
        repeat.label is None
        and repeat.names is None
        and isinstance(target, Module)
        and target.kind == "group"
    )


def children(
    module: Module, positional: bool | None = None, folder: Folder | None = None
) -> Iterator[Child]:
    """The named nodes of a scope, in order; choices and inline groups are entered.

    With `positional`, which is the default for groups, registered children without a
    label are called by their position. A repeat may stand for a billion copies: the
    iterator is lazy, and callers that keep its items have to limit them. With a
    `folder` only the first of copies that are alike is given; the last entry of its
    `within` tells how many there are.
    """
    if positional is None:
        positional = module.kind == "group"
    return _Scope(positional, folder).children(module)


def registered(module: Module) -> tuple[Node, ...]:
    """The nodes of a scope as their submodules are registered.

    That is the order of the text, but for those that `order` names: they share their
    places among each other.
    """
    return arranged(module.nodes, module.order, _labels)


def arranged(
    nodes: Sequence[T], order: Sequence[str], labels: Callable[[T], Iterable[str]]
) -> tuple[T, ...]:
    """The nodes, with those that hold a label of `order` in its order.

    What labels with dots lead through stands for all that is in it.
    """
    rank = {label: at for at, label in enumerate(order)}
    ranks: dict[int, int] = {}
    for at, node in enumerate(nodes if rank else ()):
        found = [
            rank[name]
            for label in labels(node)
            for name in (label, *outside(label))
            if name in rank
        ]
        if found:
            ranks[at] = min(found)
    taken = dict(zip(ranks, sorted(ranks, key=ranks.__getitem__), strict=True))
    return tuple(nodes[taken.get(at, at)] for at in range(len(nodes)))


def _labels(node: Node) -> Iterator[str]:
    """The labels of a node, of its copies, or of those inside a condition."""
    if isinstance(node, Choice):
        for inner in node.nodes:
            yield from _labels(inner)
    elif node.label is not None:
        yield node.label
    elif isinstance(node, Repeat):
        yield from node.names or ()


def copies(repeat: Repeat, folder: Folder | None = None) -> Iterator[Child]:
    """The copies of a labelled repeat, called by number from 0."""
    for copy in _numbered(repeat, folder):
        stage = copy.run.stage
        yield Child(str(copy.number), stage, makes_module(stage), (copy,))


def clash(module: Module) -> tuple[str, Span, Span] | None:
    """The first name that two children share in torch, and where both stand.

    Those are submodules, those that labels with dots lead through among them, and
    tensors that the module holds itself. Only the first `MAX_COMPARED` children are
    compared.
    """
    if not _may_clash(module):
        return None
    seen: dict[str, Span] = {}
    # What labels with dots lead through.
    places: dict[str, Span] = {}
    for count, child in enumerate(children(module)):
        if count == MAX_COMPARED:
            return None
        if not child.registered and attribute(child.node) is None:
            continue
        name, span = child.name, child.node.span
        for taken in (seen, places):
            if name in taken:
                return name, taken[name], span
        seen[name] = span
        for place in outside(name):
            if place in seen:
                return place, seen[place], span
            places.setdefault(place, span)
    return None


def outside(name: str) -> Iterator[str]:
    """What a label with dots leads through: `a` and `a.b` for `a.b.c`."""
    at = name.find(".")
    while at >= 0:
        yield name[:at]
        at = name.find(".", at + 1)


def _numbered(repeat: Repeat, folder: Folder | None) -> Iterator[Copy]:
    """The copies of a repeat; with a folder, the first of each that are alike."""
    if folder is None:
        index = 0
        for run in repeat.runs:
            for _ in range(run.count):
                yield Copy(repeat, run, index)
                index += 1
        return
    runs = iter(repeat.runs)
    index = passed = 0
    for fold in folder.folded(repeat):
        # A fold consists of whole runs.
        run = next(runs)
        yield Copy(repeat, run, index, fold)
        index += fold.count
        passed += run.count
        while passed < index:
            passed += next(runs).count


class _Open(NamedTuple):
    """Nodes still to be gone through.

    `before` counts the stages of each kind that stand in the naming scope before the
    group that the nodes belong to. `position` is the one at which they began, and
    they stand there `times`.
    """

    nodes: Iterator[Node | _Open]
    before: dict[str, int]
    within: tuple[Copy, ...]
    position: int = 0
    times: int = 1
    training: bool = False


class _Scope:
    """One pass over the nodes of a scope."""

    def __init__(self, positional: bool, folder: Folder | None) -> None:
        self._positional = positional
        self._folder = folder
        self._position = 0

    def children(self, module: Module) -> Iterator[Child]:
        stack = [_Open(iter(module.nodes), {}, ())]
        while stack:
            opened = stack[-1]
            nodes, before, within = opened[:3]
            training = opened.training
            node = next(nodes, None)
            if node is None:
                stack.pop()
                taken = self._position - opened.position
                self._position += taken * (opened.times - 1)
            elif isinstance(node, _Open):
                stack.append(node._replace(position=self._position, training=training))
            elif isinstance(node, Choice):
                begun = self._position
                training = training or node.training
                inner = _Open(iter(node.nodes), before, within, begun, 1, training)
                stack.append(inner)
            elif isinstance(node, Repeat) and node.label is None:
                if is_inline(node):
                    copied = self._inline(node, before, within)
                    begun = self._position
                    stack.append(_Open(copied, before, within, begun, 1, training))
                else:
                    for child in self._each(node, before, within):
                        yield child._replace(training=training) if training else child
            else:
                registered = makes_module(node)
                name = self._name(node, node.label, before, 0, registered)
                yield Child(name, node, registered, within, training)

    def _name(
        self,
        node: Stage | Repeat,
        label: str | None,
        before: dict[str, int],
        ordinal: int,
        registered: bool,
        times: int = 1,
    ) -> str:
        position = self._position
        self._position += times * registered
        if label is not None:
            return label
        if self._positional and registered:
            return str(position)
        assert isinstance(node, Stage)
        return f"{node.kind}{before.get(node.kind, 0) + (ordinal or node.ordinal)}"

    def _each(
        self, repeat: Repeat, before: dict[str, int], within: tuple[Copy, ...]
    ) -> Iterator[Child]:
        """The copies of a layer or block, or of anything whose copies have names."""
        for copy in _numbered(repeat, self._folder):
            stage = copy.run.stage
            registered = makes_module(stage)
            label = repeat.names[copy.number] if repeat.names is not None else None
            times = copy.fold.count if copy.fold else 1
            ordinal = repeat.ordinal + copy.number
            name = self._name(stage, label, before, ordinal, registered, times)
            yield Child(name, stage, registered, (*within, copy))

    def _inline(
        self, repeat: Repeat, before: dict[str, int], within: tuple[Copy, ...]
    ) -> Iterator[_Open]:
        """The copies of an inline group, each with what is counted before it."""
        counted = {kind: before.get(kind, 0) + n for kind, n in repeat.before.items()}
        for copy in _numbered(repeat, self._folder):
            module = copy.run.stage.target
            assert isinstance(module, Module)
            times = copy.fold.count if copy.fold else 1
            inside = (*within, copy)
            yield _Open(iter(module.nodes), dict(counted), inside, 0, times)
            for kind, written in module.written.items():
                counted[kind] = counted.get(kind, 0) + written * times


_DIGITS = "0123456789"


def _may_clash(module: Module) -> bool:
    """Whether names in the scope could be alike; seldom, and soon looked through."""
    # `relu6` and 1 give the same name as `relu` and 61.
    kinds = {kind.rstrip(_DIGITS) for kind in module.written}
    if len(kinds) < len(module.written):
        return True
    labels: set[str] = set()
    # The nodes, and whether there are several copies of them.
    stack: list[tuple[Iterable[Node], bool]] = [(module.nodes, False)]
    while stack:
        nodes, copied = stack.pop()
        for node in nodes:
            if isinstance(node, Choice):
                stack.append((node.nodes, copied))
                continue
            label = node.label
            if label is not None:
                # What ends in a number may be that of a kind, or a position.
                stem = label.rstrip(_DIGITS)
                alike = not stem or stem in kinds or label in labels or "." in label
                if alike or copied:
                    return True
                labels.add(label)
            elif isinstance(node, Repeat):
                if node.names is not None:
                    return True
                if is_inline(node):
                    stack += ((_group(run.stage).nodes, True) for run in node.runs)
    return False
