"""`archdsl.verify`: what is compared, what is noticed, and where it begins."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import archdsl
from archdsl.runtime.randomise import all_kept, calibrate, randomise
from archdsl.runtime.reference import VerifyError, outputs_of
from archdsl.runtime.run import RunError
from archdsl.runtime.verified import Verified

SPEC = """\
net n rate=0.5 eps=1e-5 momentum=0.1 {
  input 3x8x8
  conv 8x3x3 p1 bias=false | bn eps=eps momentum=momentum | relu
  add(id, conv 8x3x3 p1 | relu)
  gap
  dropout rate
  fc 10
}
"""


class Reference(nn.Module):
    """What SPEC describes; each argument changes one thing."""

    def __init__(
        self,
        classes: int = 10,
        rate: float = 0.5,
        eps: float = 1e-5,
        momentum: float = 0.1,
        act: bool = True,
        detach: bool = False,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8, eps=eps, momentum=momentum)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1)
        self.fc1 = nn.Linear(8, classes)
        self.rate, self.act, self.detach = rate, act, detach

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        y = self.conv2(x.detach() if self.detach else x)
        x = x + (F.relu(y) if self.act else y)
        x = F.dropout(x.mean((2, 3)), self.rate, self.training)
        out: Tensor = self.fc1(x)
        return out


def found(spec: str = SPEC, reference: Any = Reference, **given: Any) -> Verified:
    return archdsl.verify(spec, reference, **given)


def test_the_same() -> None:
    result = found()
    assert result
    assert result.ok
    assert str(result) == (
        "n of <text> against Reference\n"
        "state_dict   10 tensors, 906 parameters: the same names, shapes, dtypes and"
        " order\n"
        "evaluation   outputs and gradients equal to the bit\n"
        "training     outputs, gradients and statistics equal to the bit\n"
        "same: within 1e-05; all parameters drawn twice, 4 samples each"
    )
    assert result.kept is None
    assert result.as_dict()["same"] is True


def test_a_module_has_its_weights_back() -> None:
    module = Reference().eval()
    before = {name: t.clone() for name, t in module.state_dict().items()}
    seed = torch.get_rng_state()
    threads = torch.get_num_threads()
    assert found(reference=module)
    assert not found(reference=module, params={"eps": 1e-3})
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, before[name])
        assert tensor.dtype == before[name].dtype
    assert not module.training
    assert all(p.grad is None for p in module.parameters())
    assert torch.equal(seed, torch.get_rng_state())
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(
    ("kwargs", "path", "line", "mode"),
    [
        ({"eps": 1e-6}, "bn1", "line 3", "evaluation"),
        ({"act": False}, "relu2", "line 4", "evaluation"),
        ({"rate": 0.4}, "dropout1", "line 6", "training"),
    ],
)
def test_the_first_stage_that_parts(
    kwargs: dict[str, Any], path: str, line: str, mode: str
) -> None:
    result = found(kwargs=kwargs)
    assert not result
    assert result.cause is not None
    assert result.cause.stage is not None
    assert (result.cause.stage.path, result.cause.stage.line) == (path, line)
    assert result.cause.mode == mode
    assert f"`{path}` ({line}): " in str(result)


def test_a_missing_stage_is_told_by_what_the_reference_goes_on_with() -> None:
    result = found(SPEC.replace("p1 | relu)", "p1)"))
    assert result.cause is not None
    stage = result.cause.stage
    assert stage is not None
    assert stage.path == "add1"
    assert [path for path, _, _ in stage.before] == ["relu1", "conv2"]
    assert stage.goes_on[0] == "relu"


def test_momentum_shows_in_the_statistics() -> None:
    result = found(kwargs={"momentum": 0.2})
    assert result.training is not None
    assert result.training.outputs.equal
    assert result.cause is not None
    assert (result.cause.kind, result.cause.line) == ("statistic", "line 3")


def test_a_gradient_that_is_cut() -> None:
    result = found(kwargs={"detach": True})
    assert result.evaluation is not None
    assert result.evaluation.outputs.equal
    assert result.cause is not None
    # conv2 gets the same gradients; bn1 is the next on the way back.
    assert (result.cause.kind, result.cause.name) == ("gradient", "bn1.bias")
    assert "gradients part first at `bn1.bias` (line 3)" in str(result)


def test_tensors_of_another_shape() -> None:
    result = found(kwargs={"classes": 12})
    assert not result
    assert result.evaluation is None
    assert [f.kind for f in result.state.findings] == ["shape", "shape"]
    assert "fc1.weight (line 7): 10x8 here, 12x8 there" in str(result)
    assert result.as_dict()["evaluation"] is None


def test_other_names() -> None:
    spec = SPEC.replace("| bn", "| norm: bn").replace("fc 10", "head: fc 10")
    result = found(spec)
    assert not result
    assert result.evaluation is not None
    assert result.evaluation.equal
    assert {f.kind for f in result.state.findings} == {"renamed"}
    assert result.state.rules == ("bn1 norm", "fc1 head")
    assert "different: names aside, within 1e-05" in str(result)
    rules = dict(rule.split() for rule in result.state.rules)
    assert found(spec, rename=rules)
    assert "`x y` fits no name" in str(found(spec, rename={**rules, "x": "y"}))


def test_missing_and_unexpected_tensors() -> None:
    result = found(SPEC.replace("bias=false", "").replace("fc 10", "fc 10 bias=false"))
    assert [(f.kind, f.name, f.line) for f in result.state.findings] == [
        ("missing", "fc1.bias", ""),
        ("unexpected", "conv1.bias", "line 3"),
    ]
    assert "nothing was run" in str(result)
    assert not found(SPEC, rename={"fc1.bias": "-"})


class Pair(nn.Module):
    """Two linear maps, made in one order and used in the other."""

    def __init__(self) -> None:
        super().__init__()
        self.b = nn.Linear(4, 4)
        self.a = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.b(self.a(x))
        return out


def test_the_order_counts_unless_told_otherwise() -> None:
    spec = "input 4 | a: fc 4 | b: fc 4"
    result = found(spec, Pair)
    assert [f.kind for f in result.state.findings] == ["order"]
    assert result.evaluation is not None
    assert result.evaluation.equal
    assert found(spec, Pair, order=False)


class Tied(nn.Module):
    """A language model; `tied` or with a table of its own at the end."""

    def __init__(self, tied: bool = True) -> None:
        super().__init__()
        self.table = nn.Embedding(11, 6)
        self.head = nn.Linear(6, 11, bias=False)
        if tied:
            self.head.weight = self.table.weight

    def forward(self, words: Tensor) -> Tensor:
        out: Tensor = self.head(self.table(words))
        return out


def test_tied_weights() -> None:
    spec = "input 5 int | table: embedding 11 6 | head: tie table"
    result = found(spec, Tied)
    assert result
    assert result.state.parameters == 66
    result = found(spec, Tied, kwargs={"tied": False})
    assert [f.kind for f in result.state.findings] == ["tied"]
    assert "the same tensor as `table.weight` here, not there" in str(result)


class Constant(nn.Module):
    """A buffer that the state_dict holds."""

    def __init__(self, value: float = 2.0, kind: str = "buffer") -> None:
        super().__init__()
        if kind == "buffer":
            self.register_buffer("b", torch.full((4,), value))
        else:
            self.b = nn.Parameter(torch.full((4,), value))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.b
        return out


def test_buffers_are_compared_before_they_are_copied() -> None:
    spec = "input 4 | add(id, b: buffer 4 value=2.0)"
    assert found(spec, Constant)
    result = found(spec, Constant, kwargs={"value": 3.0})
    assert [f.kind for f in result.state.findings] == ["constant"]
    result = found(spec, Constant, kwargs={"kind": "parameter"})
    assert [f.kind for f in result.state.findings] == ["kind"]


class Named(NamedTuple):
    first: Tensor
    aux: Tensor


@dataclass
class Held:
    first: Tensor
    nothing: None
    aux: Tensor


class Several(nn.Module):
    """Two outputs, in the form asked for."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 3), nn.Linear(4, 2)
        self.form = form

    def forward(self, x: Tensor) -> Any:
        first, aux = self.a(x), self.b(x)
        if self.form == "three":
            return first, aux, aux
        return {
            "tuple": (first, aux),
            "named": Named(first, aux),
            "dict": OrderedDict(aux=aux, first=first),
            "held": Held(first, None, aux),
            "swapped": (aux, first),
            "none": None,
            "one": first,
        }[self.form]


SEVERAL = """\
net n {
  given: input 4
  a: fc 3
  output(first=id, aux=given | b: fc 2)
}
"""


@pytest.mark.parametrize("form", ["tuple", "named", "dict", "held"])
def test_several_outputs(form: str) -> None:
    result = found(SEVERAL, Several, kwargs={"form": form})
    assert result
    assert result.evaluation is not None
    assert result.evaluation.outputs.tensors == 2


@pytest.mark.parametrize(
    ("form", "note"),
    [
        ("three", "2 outputs here, 3 outputs there"),
        ("one", "2 outputs here, 1 output there"),
        ("swapped", "`first` is 4x3 here, 4x2 there"),
    ],
)
def test_outputs_that_are_not_the_nets(form: str, note: str) -> None:
    result = found(SEVERAL, Several, kwargs={"form": form})
    assert not result
    assert note in str(result)


def test_outputs_within_outputs() -> None:
    one, two = torch.zeros(1), torch.ones(1)
    nested = {"a": one, "b": (two, [one, None, 3])}
    assert [name for name, _ in outputs_of(nested)] == ["a", "b.0", "b.1.0"]
    assert [name for name, _ in outputs_of(one)] == [""]


class Mixed(nn.Module):
    """Inputs in another order than the net's, whole numbers among them."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(7, 4)
        self.fc1 = nn.Linear(4, 4)

    def forward(self, given: Tensor, text: Tensor) -> Tensor:
        out: Tensor = self.table(text) + self.fc1(given)
        return out


def test_inputs_are_given_by_name_where_all_names_are_known() -> None:
    spec = """\
net n {
  text: input 5 int
  given: input 5 4
  text | table: embedding 7 4
  add(id, given | fc 4)
}
"""
    result = found(spec, Mixed)
    assert result, str(result)


class Stochastic(nn.Module):
    """Drops whole samples; one draw for each, or one for all."""

    def __init__(self, rate: float = 0.3, each: bool = True) -> None:
        super().__init__()
        self.fc1 = nn.Linear(4, 4)
        self.rate, self.each = rate, each

    def forward(self, x: Tensor) -> Tensor:
        y = self.fc1(x)
        if self.training:
            shape = (len(y), 1) if self.each else (1, 1)
            noise = y.new_empty(shape).bernoulli_(1 - self.rate)
            y = y * noise.div_(1 - self.rate)
        out: Tensor = x + y
        return out


def test_random_layers() -> None:
    spec = "input 4 | add(id, fc 4 | droppath 0.3)"
    assert found(spec, Stochastic)
    result = found(spec, Stochastic, kwargs={"rate": 0.2})
    assert result.cause is not None
    assert result.cause.stage is not None
    assert result.cause.stage.path == "droppath1"
    result = found(spec, Stochastic, kwargs={"each": False}, batch=16)
    assert not result
    assert result.kept is not None
    assert result.kept.within(1e-5)
    assert "only what random layers draw differs" in str(result)
    assert found(spec, Stochastic, kwargs={"each": False}, dropout=False)


class Slow(nn.Module):
    """A sum in another order."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(999, 7)

    def forward(self, x: Tensor) -> Tensor:
        a, b = x.split((500, 499), 1)
        w = self.fc1.weight
        out: Tensor = b @ w[:, 500:].T + a @ w[:, :500].T + self.fc1.bias
        return out


def test_rounding_is_told_from_mistakes() -> None:
    result = found("input 999 | fc 7", Slow)
    assert result
    assert result.evaluation is not None
    assert 0 < result.evaluation.outputs.largest < 1e-5
    result = found("input 999 | fc 7", Slow, tolerance=1e-9)
    assert not result
    assert result.cause is not None
    assert result.cause.rounding
    assert "only rounding differs: in float64" in str(result)
    assert found("input 999 | fc 7", Slow, tolerance=1e-9, double=True)


class Turned(nn.Module):
    """Rows for columns, or not."""

    def __init__(self, turned: bool = True) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(4)
        self.turned = turned

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.ln1(x)
        return y.transpose(1, 2) if self.turned else y


def test_numbers_in_another_order() -> None:
    spec = "input 4 4 | ln | permute 1 0"
    assert found(spec, Turned)
    result = found(spec, Turned, kwargs={"turned": False})
    assert result.cause is not None
    assert result.cause.stage is not None
    assert result.cause.stage.path == "permute1"


class Broken(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.fc1 = nn.Linear(4, 4)
        self.how = how

    def forward(self, x: Tensor) -> Any:
        x = self.fc1(x)
        if self.how == "in place":
            # The gradient of exp is its result, which is gone.
            return x.exp().add_(1)
        if self.how == "nan":
            return x * math.nan
        if self.how == "raises":
            raise RuntimeError("one\ntwo")
        return {"none": None, "text": "text"}[self.how]


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("none", "the reference returns no tensor"),
        ("text", "the reference returns no tensor"),
        ("in place", "gradients of the reference cannot .* evaluation: RuntimeError"),
        ("raises", "on the net's inputs, 4x4: RuntimeError: one"),
    ],
)
def test_references_that_cannot_be_compared(how: str, says: str) -> None:
    with pytest.raises(VerifyError, match=says):
        found("input 4 | fc 4", Broken, kwargs={"how": how})


class Further(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.fc1 = nn.Linear(4, 4)
        self.how = how

    def forward(self, x: Tensor) -> Tensor:
        x = self.fc1(x)
        if self.how == "softmax":
            return x.softmax(1)
        if self.how == "sparse":
            return x.to_sparse()
        return {"complex": torch.complex(x, x), "sum": x.sum()}[self.how]


def test_a_reference_that_goes_on_behind_the_net() -> None:
    result = found("input 4 | fc 4", Further, kwargs={"how": "softmax"})
    assert result.cause is not None
    stage = result.cause.stage
    assert stage is not None
    assert (stage.path, stage.behind, stage.goes_on) == (
        "fc1",
        True,
        ("softmax(dim=1)",),
    )
    assert "behind `fc1` (line 1): fc 4" in str(result)


def test_outputs_of_another_kind() -> None:
    result = found("input 4 | fc 4", Further, kwargs={"how": "complex"})
    assert "the output is float32 here, complex64 there" in str(result)
    result = found("input 4 | fc 4", Further, kwargs={"how": "sum"})
    assert "the output is 4x4 here, scalar there" in str(result)
    assert found("input 4 | fc 4", Further, kwargs={"how": "sparse"})


def test_numbers_that_are_none() -> None:
    result = found("input 4 | fc 4", Broken, kwargs={"how": "nan"})
    assert not result
    assert "not finite" in str(result)


def test_wrong_usage() -> None:
    with pytest.raises(VerifyError, match="TypeError"):
        found(kwargs={"no": 1})
    with pytest.raises(VerifyError, match="a module already and takes no kwargs"):
        found(reference=Reference(), kwargs={"eps": 1e-3})
    with pytest.raises(VerifyError, match="a value of type dict"):
        found(reference=dict)
    with pytest.raises(VerifyError, match="lazy layers"):
        found("input 4 | fc 4", nn.LazyLinear, kwargs={"out_features": 4})
    with pytest.raises(VerifyError, match="tolerance"):
        found(tolerance=-1.0)
    with pytest.raises(VerifyError, match=r"4x3x8x8.*RuntimeError"):
        found("input 3x8x8 | flatten | fc1: fc 2", lambda: Wrapped(100))
    with pytest.raises(RunError, match="not known"):
        found("input 3xHxW | conv 8x3x3 | gap | fc 10")
    with pytest.raises(archdsl.SpecError):
        found("input 3 | rellu")


class Wrapped(nn.Module):
    """The right tensors, and inputs of another size."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(192, 2)
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc1(x.reshape(-1, self.size))
        return out


# How numbers are drawn


def test_every_parameter_is_drawn_and_no_buffer() -> None:
    module = Reference()
    nn.init.constant_(module.fc1.weight, 1e-6)
    before = {name: t.clone() for name, t in module.state_dict().items()}
    randomise(module, 0)
    for name, parameter in module.named_parameters():
        assert not torch.equal(parameter, before[name]), name
        assert parameter.abs().mean() > 0.01, name
    for name, buffer in module.named_buffers():
        assert torch.equal(buffer, before[name])
    assert (module.bn1.weight > 0).all()
    first = [p.clone() for p in module.parameters()]
    randomise(module, 0)
    assert all(map(torch.equal, first, module.parameters()))


def test_statistics_are_learned() -> None:
    module = Reference(momentum=0.001)
    randomise(module, 0)
    xs = [torch.randn(16, 3, 8, 8) for _ in range(2)]
    calibrate(module, lambda number: module(xs[number]))
    seen = torch.stack([module.conv1(x).transpose(0, 1).flatten(1) for x in xs])
    expected = seen.mean((0, 2))
    assert torch.allclose(module.bn1.running_mean, expected, atol=1e-5)  # type: ignore[arg-type]
    assert module.bn1.momentum == 0.001
    assert module.training


def test_nothing_is_dropped_and_rates_show() -> None:
    x = torch.ones(8, 4)
    with all_kept():
        assert torch.equal(F.dropout(x, 0.5), x * 2)
        assert torch.equal(F.dropout1d(x[None], 0.2), (x / 0.8)[None])
        assert torch.equal(F.dropout(x, 1.0), x * 0)
        assert torch.equal(torch.bernoulli(x / 2), x)
        assert torch.equal(torch.empty(3).bernoulli_(0.1), torch.ones(3))
        assert torch.equal((0.8 + torch.rand(3)).floor(), torch.ones(3))
    assert F.dropout(x, 0.5).eq(0).any()
