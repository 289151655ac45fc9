"""Two modules side by side: their tensors by name, and numbers against numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from archdsl.diagnostics.suggest import renamed_to
from archdsl.ir.flat import Owners
from archdsl.runtime.renames import RenameError, Renames, parsed
from archdsl.runtime.weights import dtype_text, shape_text

# What batch normalisation learns while it is fed; other buffers are constants.
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
# A tensor of small numbers is held against a part of the largest that stand beside it.
_FLOOR = 0.01
# Constants may be computed in another order.
_CONSTANT = 1e-6


class Finding(NamedTuple):
    """A difference between two state_dicts.

    `kind` is renamed, missing, unexpected, shape, dtype, kind, order, tied or constant;
    `name` is the tensor's, `line` where it is written in the spec, "" if nowhere.
    """

    kind: str
    name: str
    line: str
    text: str


class Matched(NamedTuple):
    """How two state_dicts compare.

    `pairs` are the names here and there, by which weights are copied; it is None if
    no such copy makes sense. `rules` are lines of a rename table that would make the
    names agree, where they can be guessed.
    """

    tensors: int
    parameters: int
    findings: tuple[Finding, ...]
    pairs: dict[str, str] | None
    rules: tuple[str, ...]
    idle: tuple[str, ...]


def is_statistic(name: str) -> bool:
    """Whether batch normalisation learns that tensor from what it is fed."""
    return name.rpartition(".")[2] in _STATISTICS


def tensors_of(module: nn.Module) -> dict[str, Tensor]:
    """The tensors of the state_dict; parameters are themselves."""
    state = module.state_dict(keep_vars=True)
    return {
        name: tensor for name, tensor in state.items() if isinstance(tensor, Tensor)
    }


def matched(
    ours: nn.Module, reference: nn.Module, owners: Owners, renames: Renames
) -> Matched:
    """Compare names, shapes, dtypes, kinds, order, ties and constants.

    Raises RenameError if the renames give two tensors the same name.
    """
    here, there = tensors_of(ours), tensors_of(reference)
    names = renames.keys(there)
    renamed = {new: there[old] for old, new in names.items()}
    old = {new: name for name, new in names.items()}
    missing = [name for name in renamed if name not in here]
    extra = [name for name in here if name not in renamed]
    like = renamed_to(_shapes(renamed), _shapes(here), missing, extra)
    pairs = _pairs(here, renamed, missing, extra, like)
    findings: list[Finding] = []

    def note(kind: str, name: str, text: str) -> None:
        findings.append(Finding(kind, name, owners.line(name), text))

    guess = pairs if pairs is not None and missing else {v: k for k, v in like.items()}
    guessed = {new: mine for mine, new in guess.items() if mine != new}
    for name in missing:
        shape = shape_text(renamed[name])
        if name in guessed:
            note("renamed", guessed[name], f"{shape}; there it is `{name}`")
        else:
            findings.append(Finding("missing", name, "", f"{shape} in the reference"))
    taken = set(guessed.values())
    for name in extra:
        if name not in taken:
            note("unexpected", name, f"{shape_text(here[name])}, not in the reference")
    both = [name for name in here if name in renamed]
    for name in both:
        _same_form(name, here[name], renamed[name], note)
    if not missing and not extra and list(here) != list(renamed):
        number, name = next(
            (number, name)
            for number, (name, other) in enumerate(zip(here, renamed, strict=True), 1)
            if name != other
        )
        there_at = list(renamed).index(name) + 1
        note(
            "order", name, f"number {number:,} here, {there_at:,} there; others follow"
        )
    for name, text in _ties(here, renamed, both):
        note("tied", name, text)
    return Matched(
        len(here),
        sum(p.numel() for p in ours.parameters()),
        tuple(findings),
        {mine: old[new] for mine, new in pairs.items()} if pairs is not None else None,
        _rules(guessed, list(renamed)),
        tuple(renames.idle(there)),
    )


def _same_form(
    name: str, a: Tensor, b: Tensor, note: Callable[[str, str, str], None]
) -> None:
    """Note what differs between two tensors of a name, of kind, name and text."""
    if a.shape != b.shape:
        note("shape", name, f"{shape_text(a)} here, {shape_text(b)} there")
    elif a.dtype != b.dtype:
        note("dtype", name, f"{dtype_text(a)} here, {dtype_text(b)} there")
    elif isinstance(a, nn.Parameter) != isinstance(b, nn.Parameter):
        kinds = ("buffer", "parameter")
        mine, other = (kinds[isinstance(t, nn.Parameter)] for t in (a, b))
        note("kind", name, f"a {mine} here, a {other} there")
    elif (
        not isinstance(a, nn.Parameter)
        and not is_statistic(name)
        and relative(a.detach(), b.detach()) > _CONSTANT
    ):
        # Copied weights would hide what the spec computes itself.
        note("constant", name, "other numbers than the reference's buffer holds")


def _pairs(
    here: Mapping[str, Tensor],
    there: Mapping[str, Tensor],
    missing: Sequence[str],
    extra: Sequence[str],
    like: Mapping[str, str],
) -> dict[str, str] | None:
    """Which tensor there each one here is, by name, by order, or by likeness."""
    if not missing and not extra:
        pairs = {name: name for name in here}
    elif _in_order(here) == _in_order(there):
        pairs = dict(zip(here, there, strict=True))
    elif len(missing) == len(extra) == len(like):
        back = {mine: name for name, mine in like.items()}
        pairs = {name: back.get(name, name) for name in here}
    else:
        return None
    fits = all(here[mine].shape == there[other].shape for mine, other in pairs.items())
    return pairs if fits else None


def _in_order(state: Mapping[str, Tensor]) -> list[tuple[str, tuple[int, ...]]]:
    """The last word of each name, and the shape."""
    return [(n.rpartition(".")[2], tuple(t.shape)) for n, t in state.items()]


def _shapes(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _ties(
    here: Mapping[str, Tensor], there: Mapping[str, Tensor], both: Iterable[str]
) -> Iterable[tuple[str, str]]:
    """Names that share a tensor on one side only."""
    first: dict[int, str] = {}
    other: dict[int, str] = {}
    for name in both:
        mine = first.setdefault(id(here[name]), name)
        theirs = other.setdefault(id(there[name]), name)
        if mine != theirs:
            if mine != name:
                yield name, f"the same tensor as `{mine}` here, not there"
            if theirs != name:
                yield name, f"the same tensor as `{theirs}` there, not here"


def _rules(guessed: Mapping[str, str], names: Iterable[str]) -> tuple[str, ...]:
    """What to write into a table of renames; nothing if that does not do it."""
    found: dict[str, None] = {}
    for new, mine in guessed.items():
        a, b = new.split("."), mine.split(".")
        while len(a) > 1 and len(b) > 1 and a[-1] == b[-1]:
            a, b = a[:-1], b[:-1]
        while len(a) > 1 and len(b) > 1 and a[0] == b[0]:
            a, b = a[1:], b[1:]
        found[f"{'.'.join(a)} {'.'.join(b)}"] = None
    rules = tuple(found)
    try:
        table = parsed("\n".join(rules), "")
        became = table.keys(names)
    except RenameError:
        return ()
    wanted = all(mine == guessed.get(new, new) for new, mine in became.items())
    return rules if wanted else ()


def relative(a: Tensor, b: Tensor, floor: float = 0.0) -> float:
    """The largest difference, by the largest number of `b` or `floor`.

    Infinite if the shapes differ or something is not finite on one side only.
    """
    if a.shape != b.shape:
        return float("inf")
    if torch.equal(a, b) or a.numel() == 0:
        return 0.0
    wide = torch.complex128 if a.is_complex() or b.is_complex() else torch.float64
    a, b = (t.to(wide) for t in (a, b.to(a.device)))
    difference = float((a - b).abs().max())
    largest = max(float(b.abs().max()), floor)
    if not difference < float("inf"):
        return float("inf")
    return difference / largest if largest else float("inf")


class Error(NamedTuple):
    """How far numbers are apart at most, where, and whether not at all."""

    largest: float
    where: str
    equal: bool
    tensors: int

    def worse(self, other: Error) -> Error:
        """The larger of two, for both."""
        most = other if other.largest > self.largest else self
        tensors = max(self.tensors, other.tensors)
        return Error(most.largest, most.where, self.equal and other.equal, tensors)


def apart(
    pairs: Sequence[tuple[str, Tensor | None, Tensor | None]], together: bool = False
) -> Error:
    """Compare tensors with tensors.

    With `together`, those whose numbers are small beside the others' are held against
    a hundredth of the largest: gradients that are zero but for rounding mean nothing.
    """
    floor = 0.0
    if together:
        largest = (
            float(b.abs().max()) for _, _, b in pairs if b is not None and b.numel()
        )
        floor = _FLOOR * max(largest, default=0.0)
    found = Error(0.0, "", True, len(pairs))
    for name, a, b in pairs:
        if a is None or b is None:
            # A gradient that is not there is zero.
            there = a if a is not None else b
            if there is None or not bool(there.any()):
                continue
            error = Error(float("inf"), name, False, len(pairs))
        else:
            error = Error(relative(a, b, floor), name, torch.equal(a, b), len(pairs))
        found = found.worse(error)
    return found
