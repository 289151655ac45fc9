"""What a comparison of a net with a reference found, for people and for programs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from archdsl.runtime.compare import Error, Finding, Matched
from archdsl.runtime.parting import Parted

_MAX_LISTED = 10


class Measure(NamedTuple):
    """How far one mode of the two is apart: relative errors.

    `statistics` are buffers after a pass of training. `kept` tells that random layers
    dropped nothing. `note` says what else was wrong, "" if nothing.
    """

    outputs: Error
    gradients: Error
    statistics: Error | None = None
    kept: bool = False
    note: str = ""

    def within(self, tolerance: float) -> bool:
        """Whether nothing is further apart."""
        return not self.note and self.largest <= tolerance

    @property
    def largest(self) -> float:
        """The largest error."""
        statistics = self.statistics.largest if self.statistics else 0.0
        return max(self.outputs.largest, self.gradients.largest, statistics)

    @property
    def equal(self) -> bool:
        """Whether all is the same to the last bit, as torch.equal has it."""
        statistics = self.statistics is None or self.statistics.equal
        return self.outputs.equal and self.gradients.equal and statistics

    def worse(self, other: Measure) -> Measure:
        """The larger errors of both."""
        statistics = self.statistics or other.statistics
        if self.statistics and other.statistics:
            statistics = self.statistics.worse(other.statistics)
        return Measure(
            self.outputs.worse(other.outputs),
            self.gradients.worse(other.gradients),
            statistics,
            self.kept,
            self.note or other.note,
        )


class Cause(NamedTuple):
    """Where a difference begins.

    `mode` is the mode that it shows in. `stage` is the first stage that parts. Where
    values agree, `kind` is gradient or statistic, and `name` with its `line` the
    parameter nearest to the outputs whose gradient differs, or the buffer. `double` is
    the largest error in float64, None if that could not be told. With `rounding` there
    is none in float64.
    """

    mode: str
    stage: Parted | None = None
    kind: str = ""
    name: str = ""
    line: str = ""
    double: float | None = None
    rounding: bool = False


class Verified(NamedTuple):
    """What was found; true if the net is the reference within the tolerance.

    `evaluation` is None where weights could not be copied over, and `training` also
    where evaluation differs. `kept` is training in which random layers drop nothing;
    it was run only if training differed, or if it was asked for instead. `passes`
    counts how often all parameters were drawn.
    """

    net: str
    spec: str
    reference: str
    device: str
    tolerance: float
    passes: int
    batch: int
    state: Matched
    evaluation: Measure | None
    training: Measure | None
    kept: Measure | None
    cause: Cause | None

    @property
    def ok(self) -> bool:
        """Whether names agree, and all numbers within the tolerance."""
        measures = [self.evaluation, self.training or self.kept]
        return not self.state.findings and all(
            measure is not None and measure.within(self.tolerance)
            for measure in measures
        )

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        return "\n".join(_lines(self))

    def as_dict(self) -> dict[str, Any]:
        """Plain data, as `--format json` prints it; an infinite error is None."""
        return {
            "net": self.net,
            "spec": self.spec,
            "reference": self.reference,
            "device": self.device,
            "same": self.ok,
            "tolerance": self.tolerance,
            "passes": self.passes,
            "batch": self.batch,
            "state_dict": {
                "tensors": self.state.tensors,
                "parameters": self.state.parameters,
                "findings": [finding._asdict() for finding in self.state.findings],
                "renames": list(self.state.rules),
                "unused_renames": list(self.state.idle),
            },
            "evaluation": _measure_dict(self.evaluation),
            "training": _measure_dict(self.training),
            "training_without_chance": _measure_dict(self.kept),
            "cause": _cause_dict(self.cause),
        }


def _measure_dict(measure: Measure | None) -> dict[str, Any] | None:
    if measure is None:
        return None
    parts = {"outputs": measure.outputs, "gradients": measure.gradients}
    if measure.statistics is not None:
        parts["statistics"] = measure.statistics
    found: dict[str, Any] = {
        name: {**error._asdict(), "largest": _finite(error.largest)}
        for name, error in parts.items()
    }
    return {**found, "note": measure.note}


def _cause_dict(cause: Cause | None) -> dict[str, Any] | None:
    if cause is None:
        return None
    stage = cause.stage
    shown = None
    if stage is not None:
        shown = {
            "path": stage.path,
            "line": stage.line,
            "call": stage.call,
            "behind": stage.behind,
            "after": [
                {"path": path, "line": line, "reordered": reordered}
                for path, line, reordered in stage.before
            ],
            "reference": list(stage.goes_on),
        }
    return {
        "mode": cause.mode,
        "stage": shown,
        "kind": cause.kind or ("stage" if stage is not None else ""),
        "name": cause.name,
        "line": cause.line,
        "float64": _finite(cause.double),
        "rounding": cause.rounding,
    }


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


# Text


def _lines(found: Verified) -> Iterator[str]:
    state = found.state
    yield f"{found.net} of {found.spec} against {found.reference}"
    counted = f"{state.tensors:,} tensors, {state.parameters:,} parameters"
    if state.findings:
        yield f"state_dict   {counted} here; it differs"
        yield from _findings(state)
    else:
        yield f"state_dict   {counted}: the same names, shapes, dtypes and order"
    for rule in state.idle:
        yield f"             the rename `{rule}` fits no name"
    if found.evaluation is None:
        yield "             so weights cannot be copied over, and nothing was run"
    else:
        yield from _measured("evaluation", found.evaluation, found.tolerance)
    if found.training is not None:
        yield from _measured("training", found.training, found.tolerance)
    if found.kept is not None:
        yield from _measured("  no dropout", found.kept, found.tolerance)
    if found.cause is not None:
        yield from _because(found, found.cause)
    drawn = (
        f"all parameters drawn {_times(found.passes)}, {found.batch:,}"
        f" {'sample' if found.batch == 1 else 'samples'} each"
    )
    if found.ok:
        yield f"same: within {found.tolerance:g}; {drawn}"
    elif found.evaluation is None:
        yield "different"
    elif _numbers_agree(found):
        yield f"different: names aside, within {found.tolerance:g}; {drawn}"
    else:
        yield f"different: not within {found.tolerance:g}; {drawn}"


def _numbers_agree(found: Verified) -> bool:
    """Whether nothing but the state_dicts may differ."""
    return found._replace(state=found.state._replace(findings=())).ok


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number:,} times")


def _findings(state: Matched) -> Iterator[str]:
    kinds: dict[str, list[Finding]] = {}
    for finding in state.findings:
        kinds.setdefault(finding.kind, []).append(finding)
    for kind, found in kinds.items():
        for finding in found[:_MAX_LISTED]:
            at = f" ({finding.line})" if finding.line else ""
            yield f"  {kind:<11}{finding.name}{at}: {finding.text}"
        if len(found) > _MAX_LISTED:
            yield f"  {kind:<11}and {len(found) - _MAX_LISTED:,} more"
    if state.rules:
        yield "  with these lines in a file, --map FILE makes these names agree:"
        yield from (f"    {rule}" for rule in state.rules[:_MAX_LISTED])
        if len(state.rules) > _MAX_LISTED:
            yield f"    and {len(state.rules) - _MAX_LISTED:,} more"


def _measured(mode: str, measure: Measure, tolerance: float) -> Iterator[str]:
    found = {"outputs": measure.outputs, "gradients": measure.gradients}
    if measure.statistics is not None:
        found["statistics"] = measure.statistics
    found = {what: error for what, error in found.items() if error.tensors}
    head = f"{mode:<13}"
    equal = [what for what, error in found.items() if error.equal]
    if equal:
        yield f"{head}{_listed(equal)} equal to the bit"
        head = " " * len(head)
    for what, error in found.items():
        if not error.equal:
            yield f"{head}{what} {_size(error, tolerance)}"
            head = " " * len(head)
    if measure.note:
        yield f"{head}{measure.note}"


def _listed(words: list[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _size(error: Error, tolerance: float) -> str:
    if error.largest <= tolerance:
        return f"within {error.largest:.1e}"
    finite = math.isfinite(error.largest)
    size = f"apart by {error.largest:.1e}" if finite else "cannot be compared"
    return f"{size}{f', at `{error.where}`' if error.where else ''}"


def _because(found: Verified, cause: Cause) -> Iterator[str]:
    if cause.rounding:
        yield (
            f"in {cause.mode} only rounding differs: in float64 they are within"
            f" {cause.double or 0:.1e} (--double computes in it)"
        )
    if cause.stage is not None:
        yield f"the first difference, in {cause.mode}:"
        yield from (f"  {line}" for line in cause.stage.text().splitlines())
    elif cause.name:
        at = f"`{cause.name}`{f' ({cause.line})' if cause.line else ''}"
        way = "going back from the outputs, gradients part first at"
        if cause.kind == "statistic":
            way = "after a pass there is another number in"
        yield f"values agree in {cause.mode}; {way} {at}"
    training = found.training
    if (
        not cause.rounding
        and found.kept is not None
        and training is not None
        and found.kept.within(found.tolerance)
        and not training.within(found.tolerance)
    ):
        yield (
            "in training only what random layers draw differs: their rates agree, but"
            " they draw in another order, or masks of another shape (--no-dropout"
            " leaves that out)"
        )
