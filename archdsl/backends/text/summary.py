"""The table of a network's layers, and the same as data.

Copies that are alike are shown once with their number, and so is a module that is
used again; numbers in the row of a repeat count all its copies.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archdsl.backends.text.wording import (
    bracketed,
    bytes_text,
    call,
    formula_text,
    human,
    shared_call,
    shortened,
    title,
)
from archdsl.ir.flat import FlatLayer, layers, uncounted
from archdsl.ir.fold import Folder
from archdsl.ir.names import Child, Copy, children, copies, is_inline
from archdsl.ir.network import Cost, Module, Network, Repeat, Stage
from archdsl.ir.receptive import Receptive, receptive
from archdsl.ir.signature import tensor_text
from archdsl.shapes.size import Size
from archdsl.shapes.tensor import TensorType

# The widest that the first columns get; what is longer is cut.
MAX_NAME = 34
MAX_CALL = 36
# The widest formula of sizes that are not known.
MAX_FORMULA = 40

_TRAINING = ", in training"


class _Row(NamedTuple):
    name: str
    times: int
    call: str
    out: TensorType
    cost: Cost
    training: bool = False


class Table(NamedTuple):
    """The table as cells: what stands above it, its rows, and notes below it."""

    header: list[str]
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]
    total: tuple[str, ...]
    notes: list[str]


# The columns whose cells end at the right, as numbers do.
NUMBERS = (1, 4, 5)


def table_of(network: Network, batch: int = 1, expand: bool = False) -> Table:
    """The cells of `summary_table`. Names of what stands inside are indented."""
    rows = list(_Rows(None if expand else Folder()).of(network.root))
    total = network.root.cost
    cells: list[tuple[str, ...]] = [
        (
            shortened(row.name, MAX_NAME),
            f"×{row.times:,}" if row.times > 1 else "",
            _call_text(row),
            tensor_text(row.out),
            _number(row.cost.params),
            _number(row.cost.macs * batch),
        )
        for row in rows
    ]
    notes = []
    if not expand and any(row.times > 1 for row in rows):
        notes.append("The numbers beside ×n are for all copies; one is shown below it.")
    if any(row.training for row in rows):
        notes.append(
            "What is computed in training only is not in the total of MACs and"
            " activations."
        )
    return Table(
        _header(network, batch),
        ("layer", "", "call", "output", "parameters", "MACs"),
        cells,
        ("total", "", "", "", _number(total.params), _number(total.macs * batch)),
        notes,
    )


def summary_table(network: Network, batch: int = 1, expand: bool = False) -> str:
    """The network as a table for people, in lines that end with a newline.

    MACs and the size of the activations are for `batch` samples. With `expand` each
    copy has its own rows; the caller sees to it that they are not too many.
    """
    made = table_of(network, batch, expand)
    all_rows = (made.head, *made.rows, made.total)
    widths = [max(map(len, column)) for column in zip(*all_rows, strict=True)]
    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    table = [_line(made.head, widths), rule]
    table += [_line(row, widths) for row in made.rows]
    table += [rule, _line(made.total, widths)]
    for note in made.notes:
        table += ["", note]
    return "\n".join((*made.header, "", *table)) + "\n"


def _header(network: Network, batch: int) -> list[str]:
    cost = network.root.cost
    if cost.trainable == cost.params:
        trainable = "all trainable"
    else:
        trainable = f"{cost.trainable:,} ({human(cost.trainable)}) trainable"
    samples = "" if batch == 1 else f", for a batch of {batch:,}"
    header = [
        title(network),
        f"{_both(cost.params)} parameters, {trainable}",
        f"{_both(cost.macs * batch)} MACs,"
        f" {bytes_text(cost.activation_bytes * batch)} of activations{samples}",
        f"{cost.layers:,} {'layer' if cost.layers == 1 else 'layers'}",
    ]
    constraints = _constraints(network)
    if constraints:
        header.append(f"needs {', '.join(constraints)}")
    externs = [f"`{name}`" for name in uncounted(network)]
    if externs:
        noun = "extern" if len(externs) == 1 else "externs"
        header.append(f"the parameters of {noun} {', '.join(externs)} are not counted")
    field = receptive(network)
    if field is not None:
        size, stride = "x".join(map(str, field.size)), _plainer(field.stride)
        header.append(
            f"receptive field {size}, stride {stride}, of the last map, {field.type}"
        )
    return header


def _plainer(sizes: tuple[int, ...]) -> str:
    """One number when all axes agree."""
    return str(sizes[0]) if len(set(sizes)) == 1 else "x".join(map(str, sizes))


def _constraints(network: Network) -> tuple[str, ...]:
    return network.facts.constraints() if network.facts is not None else ()


def _both(number: Size) -> str:
    if not isinstance(number, int):
        return bracketed(number)
    return f"{number:,} ({human(number)})" if number >= 100_000 else f"{number:,}"


def _number(number: Size) -> str:
    return formula_text(number, MAX_FORMULA) if number != 0 else ""


def _call_text(row: _Row) -> str:
    if not row.training:
        return shortened(row.call, MAX_CALL)
    return shortened(row.call, MAX_CALL - len(_TRAINING)) + _TRAINING


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    aligned = [
        cell.rjust(width) if at in NUMBERS else cell.ljust(width)
        for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(aligned).rstrip()


class _Open(NamedTuple):
    """A scope being shown. `groups` are the folded groups that stand open in it."""

    rest: Iterator[Child]
    depth: int
    path: str
    groups: list[Copy]


class _Rows:
    """One pass over a network; without a folder everything is written out."""

    def __init__(self, folder: Folder | None) -> None:
        self._folder = folder
        # Where each module was shown. Without this, a few lines of blocks that call
        # each other twice would make rows without end.
        self._shown: dict[int, str] = {}

    def of(self, root: Module) -> Iterator[_Row]:
        stack = [_Open(children(root, folder=self._folder), 0, "", [])]
        while stack:
            opened = stack[-1]
            child = next(opened.rest, None)
            if child is None:
                stack.pop()
                continue
            yield from self._groups(child, opened)
            inner = self._inner(child, opened)
            yield self._row(child, opened)
            if inner is not None:
                stack.append(inner)

    def _groups(self, child: Child, opened: _Open) -> Iterator[_Row]:
        """A row for each folded group that this child begins."""
        inside = [
            copy
            for copy in child.within
            if copy.fold and copy.fold.count > 1 and is_inline(copy.repeat)
        ]
        known = opened.groups
        keep = 0
        while (
            keep < len(known)
            and keep < len(inside)
            and _same(known[keep], inside[keep])
        ):
            keep += 1
        del known[keep:]
        for copy in inside[keep:]:
            assert copy.fold is not None
            stages = copy.fold.stages
            indent = "  " * (opened.depth + len(known))
            cost = _cost(stages, copy.fold.counts)
            out, trained = stages[-1].type, child.training
            yield _Row(f"{indent}{{…}}", copy.fold.count, "", out, cost, trained)
            known.append(copy)

    def _inner(self, child: Child, opened: _Open) -> _Open | None:
        """The scope that a child opens, unless it was shown before."""
        depth = opened.depth + len(opened.groups) + 1
        path = f"{opened.path}{child.name}."
        node = child.node
        if node.shared:
            return None
        if isinstance(node, Repeat):
            stage = self._single(node)
            if stage is None:
                return _Open(copies(node, self._folder), depth, path, [])
            node, path = stage, f"{path}0."
        if not isinstance(node.target, Module):
            return None
        if self._folder is not None:
            if id(node.target) in self._shown:
                return None
            self._shown[id(node.target)] = path[:-1]
        return _Open(children(node.target, folder=self._folder), depth, path, [])

    def _single(self, repeat: Repeat) -> Stage | None:
        """The stage that stands for all copies of a repeat, if one does."""
        if self._folder is None:
            return None
        folds = self._folder.folded(repeat)
        return folds[0].stages[0] if len(folds) == 1 else None

    def _row(self, child: Child, opened: _Open) -> _Row:
        indent = "  " * (opened.depth + len(opened.groups))
        node = child.node
        if isinstance(node, Repeat):
            stage = self._single(node)
            if node.shared:
                text = shared_call(node)
            elif stage is None:
                kinds = dict.fromkeys(run.stage.kind for run in node.runs)
                text = " / ".join("{…}" if kind == "{}" else kind for kind in kinds)
            else:
                text = self._call(stage, f"{opened.path}{child.name}.0")
            name, trained = indent + child.name, child.training
            return _Row(name, node.count, text, node.type, node.cost, trained)
        text = self._call(node, opened.path + child.name)
        fold = child.within[-1].fold if child.within else None
        if fold is None or is_inline(child.within[-1].repeat):
            name, trained = indent + child.name, child.training
            return _Row(name, 1, text, node.type, node.cost, trained)
        last = _last_name(child, fold.count)
        cost = _cost(fold.stages, fold.counts)
        out, trained = fold.stages[-1].type, child.training
        return _Row(indent + last, fold.count, text, out, cost, trained)

    def _call(self, stage: Stage, path: str) -> str:
        if stage.shared:
            return call(stage)
        first = self._shown.get(id(stage.target), path)
        return call(stage) if first == path else f"{call(stage)}, as {first}"


def _same(a: Copy, b: Copy) -> bool:
    return a.repeat is b.repeat and a.number == b.number


def _cost(stages: tuple[Stage, ...], counts: tuple[int, ...]) -> Cost:
    cost = Cost()
    for stage, count in zip(stages, counts, strict=True):
        cost = cost.plus(stage.cost.times(count))
    return cost


def _last_name(child: Child, count: int) -> str:
    """The names of so many copies: `dense1–6`."""
    if count == 1:
        return child.name
    copy = child.within[-1]
    stem = child.name.rstrip("0123456789")
    number = child.name[len(stem) :]
    if copy.repeat.names is not None:
        last = copy.repeat.names[copy.number + count - 1]
        if number and last == f"{stem}{int(number) + count - 1}":
            return f"{child.name}–{int(number) + count - 1}"
        return f"{child.name} … {last}"
    return f"{child.name}–{int(number) + count - 1}"


def summary_json(
    network: Network, batch: int = 1, expand: bool = True
) -> dict[str, object]:
    """The network as plain data; shapes are lists without the batch.

    MACs and activation bytes are for `batch` samples. Sizes that are not known, and
    what is computed from them, are formulas as text. `input_names` is empty where the
    inputs have no names, `output_names` has None for an output without one.
    `constraints` is what the sizes must fulfil. Every layer is listed, whether or not
    `expand` is set; the caller sees to it that they are not too many.
    """
    root, cost = network.root, network.root.cost
    outputs = [(each.name, each.type, each.training) for each in root.outputs]
    outputs = outputs or [(None, root.type, False)]
    return {
        "net": network.name,
        "source": network.source_name,
        "batch": batch,
        "inputs": [plain_shape(tensor) for tensor in root.inputs],
        "input_names": list(root.input_names),
        "input_dtypes": [tensor.dtype for tensor in root.inputs],
        "outputs": [plain_shape(tensor) for _, tensor, _ in outputs],
        "output_names": [name for name, _, _ in outputs],
        "output_dtypes": [tensor.dtype for _, tensor, _ in outputs],
        "in_training_only": [training for _, _, training in outputs],
        "output_form": root.output_form,
        "constraints": list(_constraints(network)),
        "params": cost.params,
        "uncounted": uncounted(network),
        "trainable": cost.trainable,
        "macs": plain_size(cost.macs * batch),
        "activation_bytes": plain_size(cost.activation_bytes * batch),
        "receptive_field": _plain_field(receptive(network)),
        "layers": [_plain(layer, batch) for layer in layers(network)],
    }


def plain_size(size: Size) -> int | str:
    """A size or cost as data: a number, or a formula as the language writes it."""
    if isinstance(size, int):
        return size
    from archdsl.shapes.symbol_text import as_code

    return as_code(str(size))


def plain_shape(tensor: TensorType) -> list[int | str]:
    """A shape as data, without the batch."""
    return list(map(plain_size, tensor.sizes))


def _plain_field(field: Receptive | None) -> dict[str, list[int | str]] | None:
    """Of the last map, if it is known."""
    if field is None:
        return None
    return {
        "size": list(map(plain_size, field.size)),
        "stride": list(map(plain_size, field.stride)),
        "map": plain_shape(field.type),
    }


def _plain(layer: FlatLayer, batch: int) -> dict[str, object]:
    return {
        "path": layer.path,
        "kind": layer.kind,
        "in": [plain_shape(tensor) for tensor in layer.ins],
        "out": plain_shape(layer.out),
        "params": layer.params,
        "macs": plain_size(layer.macs * batch),
        "activation_bytes": plain_size(layer.activation_bytes * batch),
        "line": layer.line,
        "shared": layer.shared,
        "training": layer.training,
    }
