"""A net and a reference run side by side: drawn, measured, and a cause looked for."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from archdsl.ir.flat import Owners
from archdsl.ir.network import Network
from archdsl.runtime.compare import apart, is_statistic, matched, tensors_of
from archdsl.runtime.parting import first_parted, traced
from archdsl.runtime.randomise import all_kept, calibrate, randomise
from archdsl.runtime.reference import (
    VerifyError,
    given_by_name,
    outputs_of,
    refusing,
    told,
)
from archdsl.runtime.renames import RenameError, Renames
from archdsl.runtime.run import (
    RunError,
    built,
    device_named,
    lacks_memory,
    random_inputs,
)
from archdsl.runtime.verified import Cause, Measure, Verified
from archdsl.runtime.weights import dtype_text, shape_text

TOLERANCE = 1e-5
PASSES = 2
BATCH = 4
# Every second draw is so much smaller. Small activations show the eps of a
# normalisation, and large ones all else.
_SMALL = 1 / 16
# In float64, what rounding may come to if there is a cast to float32 somewhere.
_ROUNDING = 1e-6
_FINEST = 1e-9
# And in float32.
_COARSE = 1e-4


class Options(NamedTuple):
    """How to compare.

    `passes` is how often parameters and inputs are drawn. Without `dropout`, training
    is compared only with random layers that drop nothing. With `double` all is
    computed in float64. Without `order` the state_dict may be in another one.
    """

    tolerance: float = TOLERANCE
    passes: int = PASSES
    batch: int = BATCH
    seed: int = 0
    device: str = "cpu"
    dropout: bool = True
    double: bool = False
    order: bool = True


class _Passed(NamedTuple):
    """What came of one pass: outputs, gradients by name, and whether there were any."""

    outputs: list[tuple[str, Tensor]]
    gradients: dict[str, Tensor | None]
    learns: bool


class Comparison:
    """One comparison: `run` draws, measures and tells. Raises VerifyError, RunError."""

    def __init__(
        self,
        network: Network,
        reference: nn.Module,
        name: str,
        renames: Renames,
        options: Options,
    ) -> None:
        self._network = network
        self._options = options
        self._name = name
        self._device = device_named(options.device)
        self._owners = Owners(network)
        self._ours = built(network, options.seed).to(self._device)
        with refusing("the reference cannot be used"):
            self._reference = reference.to(self._device)
            self._reference.train()
            tensors_of(self._reference)
        try:
            self._state = matched(self._ours, reference, self._owners, renames)
        except RenameError as problem:
            raise VerifyError(str(problem)) from None
        if not options.order:
            left = (f for f in self._state.findings if f.kind != "order")
            self._state = self._state._replace(findings=tuple(left))
        self._names = network.root.input_names
        self._by_name = given_by_name(reference, self._names)
        if options.double:
            self._ours.double()
            self._reference.double()
        # At once, since unknown sizes are a mistake whatever else is.
        self._inputs = self._drawn_inputs(options.seed)
        self._gradients: list[tuple[str, Tensor | None, Tensor | None]] = []

    def run(self) -> Verified:
        pairs = self._state.pairs
        evaluation = training = kept = None
        cause = None
        passes = 0
        while pairs is not None and cause is None and passes < self._options.passes:
            self._draw(passes)
            passes += 1
            found = self._measure("evaluation", pairs)
            evaluation = evaluation.worse(found) if evaluation else found
            trained = quiet = None
            if found.within(self._options.tolerance):
                trained, quiet = self._trained(pairs)
            if trained is not None:
                training = training.worse(trained) if training else trained
            if quiet is not None:
                kept = kept.worse(quiet) if kept else quiet
            cause = self._cause(found, trained, quiet, pairs)
        return Verified(
            self._network.name or "the net",
            self._network.source_name,
            self._name,
            str(self._device),
            self._options.tolerance,
            passes,
            self._options.batch,
            self._state,
            evaluation,
            training,
            kept,
            cause,
        )

    # Weights and inputs

    def _draw(self, number: int) -> None:
        """New parameters on both sides, and new inputs."""
        seed = self._options.seed + number * 1000
        randomise(self._reference, seed, _SMALL if number % 2 else 1.0)

        def run(at: int) -> None:
            self._inputs = self._drawn_inputs(seed + 1 + at)
            self._call_reference("in training")

        self._inputs = self._drawn_inputs(seed)
        calibrate(self._reference, run)
        self._inputs = self._drawn_inputs(seed)

    def _drawn_inputs(self, seed: int) -> list[Tensor]:
        drawn = random_inputs(self._network, self._options.batch, seed)
        if self._options.double:
            drawn = [x.double() if x.is_floating_point() else x for x in drawn]
        return [x.to(self._device) for x in drawn]

    @torch.no_grad()
    def _copy(self, pairs: Mapping[str, str]) -> None:
        """The net gets the reference's tensors."""
        there = self._reference.state_dict()
        self._ours.load_state_dict(
            {mine: there[other] for mine, other in pairs.items()}
        )

    # Passes

    def _measure(
        self, mode: str, pairs: Mapping[str, str], kept: bool = False
    ) -> Measure:
        """Run both in a mode and compare; statistics of the reference stay.

        With `kept`, random layers drop nothing.
        """
        before = {n: b.detach().clone() for n, b in self._reference.named_buffers()}
        self._copy(pairs)
        chance = all_kept() if kept else contextlib.nullcontext()
        with chance:
            ours = self._pass(self._ours, self._call_ours, mode)
            names = [name for name, _ in ours.outputs]
            theirs = self._pass(self._reference, self._call_reference, mode, names)
        found = self._compared(ours, theirs, pairs, mode, kept)
        with torch.no_grad():
            for name, buffer in self._reference.named_buffers():
                buffer.copy_(before[name])
        self._copy(pairs)
        return found

    def _trained(
        self, pairs: Mapping[str, str]
    ) -> tuple[Measure | None, Measure | None]:
        """Training, and if need be training in which chance has no part."""
        trained = None
        if self._options.dropout:
            trained = self._measure("training", pairs)
            if trained.within(self._options.tolerance):
                return trained, None
        return trained, self._measure("training", pairs, kept=True)

    def _pass(
        self,
        module: nn.Module,
        call: Callable[[str], object],
        mode: str,
        names: Sequence[str] = (),
    ) -> _Passed:
        """One pass there and back; outputs in the order of `names` if called so."""
        module.train(mode == "training")
        module.zero_grad(set_to_none=True)
        leaves = [
            x.detach().requires_grad_() if x.is_floating_point() else x
            for x in self._inputs
        ]
        held, self._inputs = self._inputs, leaves
        torch.manual_seed(self._options.seed)
        who = "reference" if module is self._reference else "net"
        try:
            returned = call(f"in {mode}")
        finally:
            self._inputs = held
        outputs = outputs_of(returned)
        if not outputs:
            kind = type(returned).__name__
            raise VerifyError(
                f"the {who} returns no tensor in {mode}, but a value of type {kind}"
            )
        if len(dict(outputs)) == len(outputs) and set(names) == set(dict(outputs)):
            outputs = [(name, dict(outputs)[name]) for name in names]
        loss = _loss([tensor for _, tensor in outputs], self._options.seed)
        if loss is not None:
            with _told(f"the gradients of the {who} cannot be computed in {mode}"):
                loss.backward()
        gradients = {
            name: tensor.grad
            for name, tensor in tensors_of(module).items()
            if isinstance(tensor, nn.Parameter)
        }
        for number, leaf in enumerate(leaves):
            if leaf.requires_grad:
                gradients[f"input {number + 1}"] = leaf.grad
        module.zero_grad(set_to_none=True)
        values = [(name, tensor.detach()) for name, tensor in outputs]
        return _Passed(values, gradients, loss is not None)

    def _call_ours(self, when: str) -> object:
        with _told(f"the net fails {when}"):
            return self._ours(*map(_copied, self._inputs))

    def _call_reference(self, when: str) -> object:
        given = list(map(_copied, self._inputs))
        shapes = " and ".join(map(shape_text, given))
        hint = " (--batch gives it more samples)" if given[0].shape[0] < 2 else ""
        dtypes = {
            dtype_text(tensor)
            for tensor in tensors_of(self._reference).values()
            if tensor.is_floating_point()
        }
        if dtypes - {"float32"} and not self._options.double:
            kinds = " and ".join(sorted(dtypes))
            hint = f" (it holds {kinds}; --double makes all float64)"
        what = f"the reference fails {when} on the net's inputs, {shapes}"
        # Standard output is for what is found.
        with _told(what, hint), contextlib.redirect_stdout(sys.stderr):
            if self._by_name:
                return self._reference(**dict(zip(self._names, given, strict=True)))
            return self._reference(*given)

    def _compared(
        self,
        ours: _Passed,
        theirs: _Passed,
        pairs: Mapping[str, str],
        mode: str,
        kept: bool,
    ) -> Measure:
        together = _together(ours.outputs, theirs.outputs)
        note = ""
        if len(ours.outputs) != len(theirs.outputs):
            note = f"{_counted(ours.outputs)} here, {_counted(theirs.outputs)} there"
        for name, mine, other in together:
            if mine.shape != other.shape:
                note = note or _unlike(name, shape_text(mine), shape_text(other))
            elif _sort(mine) != _sort(other):
                note = note or _unlike(name, dtype_text(mine), dtype_text(other))
            elif not bool(torch.isfinite(other).all()):
                note = note or "the reference's outputs are not finite"
        if ours.learns and not theirs.learns:
            note = note or "the reference's outputs have no gradients"
        gradients = [
            (mine, gradient, theirs.gradients.get(pairs.get(mine, mine)))
            for mine, gradient in ours.gradients.items()
        ]
        self._gradients = gradients
        statistics = None
        if mode == "training":
            here, there = tensors_of(self._ours), tensors_of(self._reference)
            statistics = apart(
                [
                    (mine, here[mine].detach(), there[other].detach())
                    for mine, other in pairs.items()
                    if not isinstance(here[mine], nn.Parameter) and is_statistic(mine)
                ]
            )
        return Measure(
            apart(together), apart(gradients, together=True), statistics, kept, note
        )

    # Causes

    def _cause(
        self,
        evaluation: Measure,
        trained: Measure | None,
        quiet: Measure | None,
        pairs: Mapping[str, str],
    ) -> Cause | None:
        tolerance = self._options.tolerance
        if not evaluation.within(tolerance):
            return self._placed("evaluation", evaluation, pairs)
        if quiet is not None and not quiet.within(tolerance):
            return self._placed("training", quiet, pairs)
        if trained is not None and not trained.within(tolerance):
            return self._chance(pairs)
        return None

    def _chance(self, pairs: Mapping[str, str]) -> Cause:
        """Only what random layers draw differs, unless that is rounding, too."""
        with self._in_double() as double:
            try:
                error = self._measure("training", pairs).largest if double else None
            except (VerifyError, RunError):
                error = None
        rounding = error is not None and error <= _ROUNDING
        return Cause("training", double=error, rounding=rounding)

    def _placed(self, mode: str, measure: Measure, pairs: Mapping[str, str]) -> Cause:
        """Where a difference begins: looked for in float64, where rounding is nothing.

        In training random layers drop nothing.
        """
        with self._in_double() as double:
            error = None
            if double:
                try:
                    measure = self._measure(mode, pairs, kept=mode == "training")
                except (VerifyError, RunError):
                    # It may make float32 of its own, or too little memory is left.
                    double = False
                else:
                    error = measure.largest
            if not double:
                self._back()
            if error is not None and error <= _ROUNDING and not measure.note:
                return Cause(mode, double=error, rounding=True)
            finest = _COARSE
            if error is not None:
                finest = min(_ROUNDING, max(_FINEST, measure.outputs.largest / 100))
            if measure.outputs.largest <= finest and not measure.note:
                return self._tensor_cause(mode, measure, pairs, error)
            chance = all_kept() if mode == "training" else contextlib.nullcontext()
            self._ours.train(mode == "training")
            self._reference.train(mode == "training")
            with chance:
                run = traced(
                    self._network,
                    self._ours,
                    self._inputs,
                    self._reference,
                    lambda: self._call_reference(f"in {mode}"),
                    self._owners,
                    finest,
                )
            theirs = outputs_of(run.reference)
            ours = [("", held.value) for held in run.outputs]
            wrong = [
                number
                for number, (_, a, b) in enumerate(_together(ours, theirs))
                if apart([("", a, b)]).largest > finest
            ]
            return Cause(mode, first_parted(run, wrong), double=error)

    def _tensor_cause(
        self,
        mode: str,
        measure: Measure,
        pairs: Mapping[str, str],
        error: float | None,
    ) -> Cause:
        """Values agree: the gradient nearest the outputs, or a statistic, does not."""
        name, kind = measure.gradients.where, "gradient"
        if measure.statistics is not None and measure.gradients.largest <= _ROUNDING:
            name, kind = measure.statistics.where, "statistic"
        else:
            for each in reversed(self._gradients):
                # Inputs stand last, and come last on the way back.
                if each[0] in pairs and apart([each]).largest > 100 * _ROUNDING:
                    name = each[0]
                    break
        return Cause(mode, None, kind, name, self._owners.line(name), error)

    @contextlib.contextmanager
    def _in_double(self) -> Iterator[bool]:
        """Both in float64, if all numbers of theirs are float32; or as they are."""
        if self._options.double:
            yield True
            return
        kinds = {
            tensor.dtype
            for module in (self._ours, self._reference)
            for tensor in (*module.parameters(), *module.buffers())
            if tensor.is_floating_point()
        }
        if kinds - {torch.float32}:
            yield False
            return
        try:
            self._ours.double()
            self._reference.double()
            self._inputs = [
                x.double() if x.is_floating_point() else x for x in self._inputs
            ]
            yield True
        finally:
            self._back()

    def _back(self) -> None:
        if self._options.double:
            return
        self._ours.float()
        self._reference.float()
        self._inputs = [x.float() if x.is_floating_point() else x for x in self._inputs]


def _copied(x: Tensor) -> Tensor:
    # What works in place must not work on the inputs.
    return x.clone()


@contextlib.contextmanager
def _told(what: str, more: str = "") -> Iterator[None]:
    """Tells of whatever other people's code raises what failed, and why."""
    try:
        yield
    except (Exception, SystemExit) as problem:
        if lacks_memory(problem):
            raise RunError("there is not enough memory; --batch N takes less") from None
        raise VerifyError(f"{what}: {told(problem)}{more}") from problem


def _sort(tensor: Tensor) -> tuple[bool, bool]:
    return tensor.is_complex(), tensor.is_floating_point()


def _unlike(name: str, here: str, there: str) -> str:
    called = f"`{name}`" if name else "the output"
    return f"{called} is {here} here, {there} there"


def _counted(outputs: Sequence[object]) -> str:
    return "1 output" if len(outputs) == 1 else f"{len(outputs)} outputs"


def _together(
    ours: Sequence[tuple[str, Tensor]], theirs: Sequence[tuple[str, Tensor]]
) -> list[tuple[str, Tensor, Tensor]]:
    """Outputs by name if both have the same names, and else in order."""
    there = dict(theirs)
    if len(there) == len(theirs) and {name for name, _ in ours} == set(there):
        return [(name, tensor, there[name]) for name, tensor in ours]
    return [
        (name or other, mine, tensor)
        for (name, mine), (other, tensor) in zip(ours, theirs, strict=False)
    ]


def _loss(outputs: Sequence[Tensor], seed: int) -> Tensor | None:
    """A random combination of all outputs that have gradients."""
    generator = torch.Generator().manual_seed(seed)
    total: Tensor | None = None
    for tensor in outputs:
        if not tensor.requires_grad or not tensor.is_floating_point():
            continue
        weights = torch.randn(tensor.shape, generator=generator)
        part = (tensor * weights.to(tensor)).sum()
        total = part if total is None else total + part
    return total
