"""Where two networks part: the first stage whose value the reference never has.

While the reference runs, every tensor that PyTorch computes in it leaves a print: a
few sums, among them two with random signs and sizes that depend on the order of the
numbers. Then the net is run stage by stage, and the print of each value is looked up.
Names play no part in this, so it does not matter how either side is cut into modules,
and a stage without a module is found as well as any other. Values of another shape but
with the same numbers in the same order count as the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from archdsl.ir.flat import FlatLayer, Owners
from archdsl.ir.network import Network
from archdsl.runtime.stages import Held, run_stages

# Arguments of an operation are shown up to so many signs.
_LONGEST = 90
_MAX_SHOWN = 3
_STRICTER = 1e-3
# Arguments that tell a reader nothing.
_DULL = ("output_padding", "transposed", "implicit")
_USUAL = {"padding": 0, "dilation": 1, "groups": 1}


class Parted(NamedTuple):
    """The first stage whose value the reference never has.

    `call` is what the spec has there. `before` are the stages that it gets its inputs
    from, each with its line and whether the reference has their numbers, but in
    another order. `goes_on` is what the reference computes from these inputs. With
    `behind` it has the stage's value as well, and goes on from that, where the net
    ends.
    """

    path: str
    line: str
    call: str
    before: tuple[tuple[str, str, bool], ...]
    goes_on: tuple[str, ...]
    behind: bool = False

    def text(self) -> str:
        """In words."""
        lines = [f"`{self.path}` ({self.line}): {self.call}"]
        if self.behind:
            lines = [f"behind {lines[0]}", "  the reference has its value, too"]
        for path, line, reordered in self.before:
            has = "the same numbers in another order" if reordered else "the same value"
            lines.append(f"  it gets `{path}`{f' ({line})' if line else ''}, {has}")
        if self.goes_on:
            lines.append("  there the reference computes")
        lines += (f"    {operation}" for operation in self.goes_on)
        return "\n".join(lines)


class _Print(NamedTuple):
    """Sums over a tensor's numbers; the first two tell their order."""

    size: int
    ordered: tuple[float, float]
    norm: float
    others: tuple[float, float, float]


class _Printer:
    def __init__(self) -> None:
        self._generator = torch.Generator().manual_seed(0)
        self._signs = torch.empty(2, 0, dtype=torch.float64)

    def __call__(self, tensor: Tensor) -> _Print:
        if tensor.is_complex():
            tensor = torch.view_as_real(tensor)
        x = tensor.detach().reshape(-1).to(torch.float64)
        n = x.numel()
        if n == 0:
            return _Print(0, (0.0, 0.0), 0.0, (0.0, 0.0, 0.0))
        a, b = (self._first(n, x.device) @ x).tolist()
        others = torch.stack((x.sum(), x.max(), x.min())).tolist()
        return _Print(n, (a, b), float(x.norm()), tuple(others))

    def _first(self, n: int, device: torch.device) -> Tensor:
        """Random signs and sizes, the first of always the same."""
        more = n - self._signs.shape[1]
        if more > 0:
            drawn = torch.randn(
                2, more, generator=self._generator, dtype=torch.float64
            ).to(self._signs.device)
            self._signs = torch.cat((self._signs, drawn), 1)
        self._signs = self._signs.to(device)
        return self._signs[:, :n]


class _Operation(NamedTuple):
    text: str
    within: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class _Recorder(TorchDispatchMode):
    """Keeps a print of every tensor, and which operation took and gave which."""

    def __init__(self, printer: _Printer) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.prints: list[_Print] = []
        self.operations: list[_Operation] = []
        self.within: list[str] = []
        self._printer = printer
        # A tensor is known by its place in memory until something new is put there.
        self._known: dict[int, dict[tuple[object, ...], int]] = {}

    def note(self, tensor: Tensor, fresh: bool = False) -> int:
        """The number of a tensor's print; `fresh` if it has just been computed."""
        there = tensor.untyped_storage().data_ptr()
        if fresh:
            self._known[there] = {}
        known = self._known.setdefault(there, {})
        place = (tensor.storage_offset(), tuple(tensor.shape), tensor.stride())
        key = (*place, tensor.dtype, tensor._version)
        found = known.get(key)
        if found is None:
            found = known[key] = len(self.prints)
            self.prints.append(self._printer(tensor))
        return found

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        given = [t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
        taken = tuple(self.note(t) for t in given)
        result = func(*args, **(kwargs or {}))
        made = [t for t in tree_leaves(result) if isinstance(t, Tensor)]
        gave = tuple(self.note(t, fresh=True) for t in made)
        text = _shown(func, args, kwargs or {})
        within = self.within[-1] if self.within else ""
        self.operations.append(_Operation(text, within, taken, gave))
        return result


def _shown(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """An operation with those of its arguments that are no tensors."""
    parts = []
    for number, argument in enumerate(func._schema.arguments):
        if number < len(args):
            value = args[number]
        elif argument.name in kwargs:
            value = kwargs[argument.name]
        else:
            continue
        default = argument.default_value if argument.has_default_value() else None
        plain = isinstance(value, int | float | str) or (
            isinstance(value, list) and all(isinstance(v, int | float) for v in value)
        )
        idle = value is False or value == [] or argument.name in _DULL
        if plain and value != default and not idle:
            brief = _brief(value)
            if brief != str(_USUAL.get(argument.name)):
                parts.append(f"{argument.name}={brief}")
    name = func.overloadpacket.__name__.removeprefix("_").removeprefix("native_")
    text = f"{name}({', '.join(parts)})" if parts else str(name)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _brief(value: Any) -> str:
    if isinstance(value, list):
        same = len(set(value)) == 1
        return str(value[0]) if same else "x".join(map(str, value))
    return str(value)


@contextmanager
def _named(module: nn.Module, within: list[str]) -> Iterator[None]:
    """While it runs, `within` ends with the name of the innermost submodule."""
    handles = []
    for name, part in module.named_modules():
        if isinstance(part, torch.jit.ScriptModule):
            continue

        def enter(_: nn.Module, __: Any, name: str = name) -> None:
            within.append(name)

        def leave(_: nn.Module, __: Any, ___: Any) -> None:
            within.pop()

        handles.append(part.register_forward_pre_hook(enter))
        handles.append(part.register_forward_hook(leave))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class _Look(NamedTuple):
    """What was found of a value: itself, or its numbers in another order."""

    same: tuple[int, ...]
    reordered: bool


class _Prints:
    """The prints of the reference, to look up."""

    def __init__(self, prints: Sequence[_Print], tolerance: float) -> None:
        self._tolerance = tolerance
        numbers: dict[int, list[int]] = {}
        for number, each in enumerate(prints):
            numbers.setdefault(each.size, []).append(number)
        self._by_size = {
            size: (
                torch.tensor(found),
                torch.tensor(
                    [(*prints[n].ordered, prints[n].norm) for n in found],
                    dtype=torch.float64,
                ),
                torch.tensor(
                    [(*prints[n].others, prints[n].norm) for n in found],
                    dtype=torch.float64,
                ),
            )
            for size, found in numbers.items()
        }

    def find(self, wanted: _Print) -> _Look:
        known = self._by_size.get(wanted.size)
        if known is None:
            return _Look((), False)
        numbers, ordered, others = known
        near = self._tolerance * wanted.norm
        goal = torch.tensor((*wanted.ordered, wanted.norm), dtype=torch.float64)
        same = ((ordered - goal).abs() <= near).all(1)
        if bool(same.any()):
            return _Look(tuple(numbers[same].tolist()), False)
        goal = torch.tensor((*wanted.others, wanted.norm), dtype=torch.float64)
        # Moving numbers changes none, and unlike numbers may have like sums; a sum of
        # n numbers may be √n times their norm.
        scale = torch.tensor((wanted.size**0.5, 1, 1, 1), dtype=torch.float64)
        alike = ((others - goal).abs() <= near * _STRICTER * scale).all(1)
        return _Look((), bool(alike.any()))


class _Seen(NamedTuple):
    layer: FlatLayer
    sources: tuple[int, ...]
    look: _Look


class Traced(NamedTuple):
    """A run of both: the outputs of each, and the net's stages."""

    reference: Any
    outputs: list[Held]
    seen: list[_Seen]
    given: list[_Look]
    operations: list[_Operation]
    owners: Owners


def traced(
    network: Network,
    module: nn.Module,
    inputs: Sequence[Tensor],
    reference: nn.Module,
    run: Any,
    owners: Owners,
    tolerance: float,
) -> Traced:
    """Run both, and look up every stage's value in the reference.

    `run` calls the reference with the inputs. Values count as the same if the
    differences are within `tolerance` of their norm.
    """
    printer = _Printer()
    recorder = _Recorder(printer)
    fast = torch.backends.mha.get_fastpath_enabled()
    with torch.no_grad():
        try:
            # Its one operation would tell nothing of what is within.
            torch.backends.mha.set_fastpath_enabled(False)
            with _named(reference, recorder.within), recorder:
                returned = run()
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)
        for tensor in (*reference.parameters(), *reference.buffers(), *inputs):
            recorder.note(tensor, fresh=True)
        prints = _Prints(recorder.prints, tolerance)
        seen: list[_Seen] = []

        def see(layer: FlatLayer, sources: tuple[int, ...], value: Tensor) -> None:
            seen.append(_Seen(layer, sources, prints.find(printer(value))))

        outputs = run_stages(network, module, inputs, see)
        given = [prints.find(printer(x)) for x in inputs]
    return Traced(returned, outputs, seen, given, recorder.operations, owners)


def first_parted(run: Traced, wrong: Sequence[int]) -> Parted | None:
    """The first stage that the reference does not have, on the way to wrong outputs.

    `wrong` are numbers of outputs. If the reference has the values of all of them, it
    is the last stage, from which it goes on; None if it does not go on.
    """
    seen = run.seen
    ends = [run.outputs[number].stage for number in wrong]
    # Numbers in another order may be no mistake: channels stand last elsewhere.
    first = _first_unknown(seen, ends, strict=False)
    if first is None:
        first = _first_unknown(seen, ends, strict=True)
    if first is None:
        return _behind(run, ends)
    layer = seen[first].layer
    before: list[tuple[str, str, bool]] = []
    values: set[int] = set()
    for source in dict.fromkeys(seen[first].sources):
        if source < 0:
            before.append(("the input", "", False))
            values.update(run.given[-1 - source].same)
        else:
            at = seen[source]
            place = run.owners.place(at.layer)
            reordered = not at.look.same and at.look.reordered
            before.append((at.layer.path, place, reordered))
            values.update(at.look.same)
    call = " ".join(layer.stage.span.text.split())
    place = run.owners.place(layer)
    return Parted(layer.path, place, call, tuple(before), _goes_on(run, values))


def _behind(run: Traced, ends: Sequence[int]) -> Parted | None:
    for end in ends:
        goes_on = _goes_on(run, set(run.seen[end].look.same)) if end >= 0 else ()
        if goes_on:
            layer = run.seen[end].layer
            call = " ".join(layer.stage.span.text.split())
            place = run.owners.place(layer)
            return Parted(layer.path, place, call, (), goes_on, behind=True)
    return None


def _first_unknown(
    seen: Sequence[_Seen], ends: Sequence[int], strict: bool
) -> int | None:
    """The first of the stages without a counterpart that lead to one at the end."""
    unknown: set[int] = set()
    stack = list(ends)
    while stack:
        stage = stack.pop()
        if stage < 0 or stage in unknown or seen[stage].look.same:
            continue
        if seen[stage].look.reordered and not strict:
            continue
        unknown.add(stage)
        stack.extend(seen[stage].sources)
    return min(unknown, default=None)


def _goes_on(run: Traced, values: set[int]) -> tuple[str, ...]:
    """What the reference computes from values; views of them do not count."""
    shown: dict[str, None] = {}
    for operation in run.operations:
        if not values.intersection(operation.inputs):
            continue
        if values.intersection(operation.outputs):
            continue
        within = f" in its `{operation.within}`" if operation.within else ""
        shown[f"{operation.text}{within}"] = None
    return tuple(shown)[:_MAX_SHOWN]
