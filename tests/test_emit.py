"""The emitted PyTorch: what it computes, and how it reads."""

from __future__ import annotations

import copy
import io
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import interpreter
import pytest
import random_specs
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import archdsl
from archdsl import SpecError
from archdsl.backends.torch.emit import emit, net_class
from archdsl.backends.torch.reserved import (
    MODULE_ATTRIBUTES,
    SEQUENTIAL_ATTRIBUTES,
    class_name,
)
from archdsl.ir.flat import state_dict_names
from archdsl.ir.network import Network
from archdsl.pipeline import check
from archdsl.runtime.load import execute, load
from archdsl.source import Source

CLASSICS = Path(__file__).parent.parent / "specs" / "classics"
RANDOM_SPECS = 250
LARGEST_RUN = 10**8


def network(text: str, name: str | None = None) -> Network:
    """The checked net of a text without mistakes."""
    checked = check(Source("t.arch", text), name)
    assert not checked.diagnostics, checked.diagnostics[0].message
    return next(iter(checked.networks.values()))


def classic(file: str, name: str) -> Network:
    """A net of specs/classics."""
    return network((CLASSICS / file).read_text(encoding="utf-8"), name)


def built(net: Network) -> nn.Module:
    """The net's module, of the class the emitter promises."""
    module = getattr(execute(emit(net)), net_class(net.name))()
    assert isinstance(module, nn.Module)
    return module


def assert_agrees(net: Network) -> nn.Module:
    """Parameters, MACs, shape and names on meta are what the checker says."""
    with torch.device("meta"):
        module = built(net)
        x = torch.empty(2, *net.root.inputs[0].numbers)
        with FlopCounterMode(display=False) as counter:
            out = module(x)
    cost = net.root.cost
    assert sum(p.numel() for p in module.parameters()) == cost.params
    assert counter.get_total_flops() == 2 * 2 * cost.macs
    assert tuple(out.shape[1:]) == net.root.type.sizes
    expected = [(name, weight.shape) for name, weight in state_dict_names(net)]
    actual = [(name, tuple(t.shape)) for name, t in module.state_dict().items()]
    assert actual == expected
    return module


def assert_computes(net: Network) -> None:
    """The module's output is the one that the records alone give."""
    torch.manual_seed(0)
    module = built(net)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    module.eval()
    x = torch.randn(1, *net.root.inputs[0].numbers)
    with torch.no_grad():
        out, expected = module(x), interpreter.run(net, module.state_dict(), x)
    assert torch.allclose(out, expected, rtol=1e-4, atol=1e-5, equal_nan=True)


@pytest.fixture(scope="module")
def random_networks() -> list[Network]:
    found = []
    for seed in range(RANDOM_SPECS):
        checked = check(Source("t.arch", random_specs.spec(seed)))
        found += list(checked.networks.values())
    assert len(found) > RANDOM_SPECS // 6
    return found


def test_random_specs_agree_with_their_modules(random_networks: list[Network]) -> None:
    for net in random_networks:
        assert_agrees(net)


def test_random_specs_compute_what_the_records_say(
    random_networks: list[Network],
) -> None:
    for net in random_networks:
        if net.root.cost.macs < LARGEST_RUN:
            assert_computes(net)


def test_source_is_formatted_and_clean(
    random_networks: list[Network], tmp_path: Path
) -> None:
    nets = [*random_networks[:60]]
    nets += check_all_classics()
    for number, net in enumerate(nets):
        (tmp_path / f"net{number}.py").write_text(emit(net), encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    options = ["--isolated", "--no-cache", str(tmp_path)]
    formatted = subprocess.run(
        [*ruff, "format", "--diff", *options], capture_output=True, text=True
    )
    assert formatted.returncode == 0, formatted.stdout[:2000]
    checked = subprocess.run(
        [*ruff, "check", "--select", "E,F,W,I,UP,B", "--ignore", "E501,B018", *options],
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout[:2000]


def check_all_classics() -> list[Network]:
    """Every net of specs/classics."""
    found: list[Network] = []
    for path in sorted(CLASSICS.glob("*.arch")):
        source = Source(path.name, path.read_text(encoding="utf-8"))
        found += check(source).networks.values()
    return found


def test_source_is_typed(tmp_path: Path) -> None:
    for net in (
        classic("resnet.arch", "resnet50"),
        classic("googlenet.arch", "googlenet"),
        classic("lenet.arch", "lenet5_1998"),
        classic("preresnet.arch", "preresnet164"),
    ):
        (tmp_path / f"{net.name}.py").write_text(emit(net), encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--allow-any-generics"]
    command += ["--no-warn-return-any", "--follow-imports=silent"]
    command += ["--cache-dir", str(tmp_path / "cache"), str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stdout[:2000]


def test_same_bytes_for_every_hash_seed() -> None:
    script = (
        "from archdsl.pipeline import check; from archdsl.source import Source;"
        "from archdsl.backends.torch.emit import emit;"
        f"t = open({str(CLASSICS / 'resnet.arch')!r}).read();"
        "print(emit(check(Source('resnet.arch', t), 'resnet18').networks['resnet18']))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(CLASSICS.parent.parent)},
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(outputs) == 1


MODULES = [
    ("lenet.arch", "lenet5"),
    ("lenet.arch", "lenet5_1998"),
    ("resnet_cifar.arch", "resnet20"),
    ("preresnet.arch", "preresnet164"),
]


@pytest.mark.parametrize(("file", "name"), MODULES)
def test_compiles_without_a_graph_break(file: str, name: str) -> None:
    net = classic(file, name)
    module = built(net).eval()
    x = torch.randn(2, *net.root.inputs[0].numbers)
    torch._dynamo.reset()
    compiled = torch.compile(module, fullgraph=True, backend="eager")
    with torch.no_grad():
        assert torch.allclose(compiled(x), module(x), atol=1e-5)


@pytest.mark.parametrize(("file", "name"), MODULES)
def test_exports_with_a_dynamic_batch(file: str, name: str) -> None:
    net = classic(file, name)
    module = built(net).eval()
    x = torch.randn(2, *net.root.inputs[0].numbers)
    batch = torch.export.Dim("batch", min=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported = torch.export.export(module, (x,), dynamic_shapes=({0: batch},))
    bigger = torch.randn(5, *net.root.inputs[0].numbers)
    assert torch.allclose(exported.module()(bigger), module(bigger), atol=1e-4)


@pytest.mark.parametrize(("file", "name"), MODULES)
def test_autocast_layout_and_copies(file: str, name: str) -> None:
    net = classic(file, name)
    module = built(net).eval()
    x = torch.randn(2, *net.root.inputs[0].numbers)
    with torch.no_grad():
        expected = module(x)
        scale = expected.abs().max()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert (module(x) - expected).abs().max() < 0.05 * scale
        assert torch.equal(pickle.loads(pickle.dumps(module))(x), expected)
        assert torch.equal(copy.deepcopy(module)(x), expected)
        last = copy.deepcopy(module)
        last.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        out = last(x.to(memory_format=torch.channels_last))
        assert torch.allclose(out, expected, atol=1e-4 * float(scale))


@pytest.mark.parametrize(("file", "name"), MODULES)
def test_trains(file: str, name: str) -> None:
    net = classic(file, name)
    module = built(net).train()
    x = torch.randn(2, *net.root.inputs[0].numbers)
    module(x).square().mean().backward()
    for parameter in module.parameters():
        assert parameter.grad is not None
        assert torch.isfinite(parameter.grad).all()


def test_runs_on_cuda() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    net = classic("lenet.arch", "lenet5_1998")
    module = built(net).cuda().eval()
    x = torch.randn(2, 1, 32, 32, device="cuda")
    with torch.no_grad(), torch.autocast("cuda", dtype=torch.bfloat16):
        assert module(x).shape == (2, 10)


def test_pickle_goes_to_another_process(tmp_path: Path) -> None:
    module = load(CLASSICS / "lenet.arch", "lenet5").eval()
    x = torch.ones(1, 1, 32, 32)
    with torch.no_grad():
        expected = module(x)
    buffer = io.BytesIO()
    torch.save(module, buffer)
    (tmp_path / "lenet.pt").write_bytes(buffer.getvalue())
    script = (
        f"import torch; m = torch.load({str(tmp_path / 'lenet.pt')!r},"
        " weights_only=False)\n"
        "with torch.no_grad(): print(m(torch.ones(1, 1, 32, 32)).tolist())"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert torch.allclose(torch.tensor(eval(result.stdout)), expected)


def test_load_sets_parameters() -> None:
    module = load(CLASSICS / "resnet.arch", "resnet18", classes=7)
    assert isinstance(module.fc, nn.Linear)
    assert module.fc.out_features == 7


def test_net_parameter_is_a_constructor_argument() -> None:
    source = emit(classic("alexnet.arch", "alexnet"))
    assert "def __init__(self, classes: int = 1000) -> None:" in source
    module = execute(source)
    assert module.AlexNet(classes=10).fc3.out_features == 10


def test_parameter_that_decides_the_structure_is_settled() -> None:
    source = emit(network("net a n=2 {\n input 8\n fc 8 x=n\n}"))
    assert "def __init__(self) -> None:" in source


def test_parameter_that_reaches_a_block_is_settled() -> None:
    text = (
        "block b { fc 2*in.c if in.c > 4 }\nnet a n=2 {\n input 8\n fc n | b | fc n\n}"
    )
    assert "def __init__(self) -> None:" in emit(network(text))


def test_module_attributes_are_those_of_torch() -> None:
    assert set(MODULE_ATTRIBUTES) >= {
        name for name in dir(nn.Module) if not name.startswith("_")
    }
    assert "training" in MODULE_ATTRIBUTES
    assert set(SEQUENTIAL_ATTRIBUTES) >= {
        name for name in dir(nn.Sequential()) if not name.startswith("__")
    }


HOSTILE = [
    *"train forward class 0 type half self x2y children F torch __init__".split(),
    *"_modules T_destination a\\x a\\N 'quoted' naïve 层 %s".split(),
    " spaced out ",
    "tab\tbell\a",
    "back\\",
    "'''",
]


@pytest.mark.parametrize("label", HOSTILE)
def test_labels_keep_their_name(label: str) -> None:
    net = network(f'input 4x8x8 | "{label}": conv 4 1x1 | relu | add(id, in)')
    module = assert_agrees(net)
    assert f"{label}.weight" in module.state_dict()
    assert_computes(net)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resnet50", "ResNet50"),
        ("vgg16", "VGG16"),
        ("basic_block", "BasicBlock"),
        ("googlenet", "GoogLeNet"),
        ("lenet5_1998", "LeNet5_1998"),
        ("net", "Net"),
        ("_", "Net"),
    ],
)
def test_class_names(name: str, expected: str) -> None:
    assert class_name(name) == expected


def test_growing_copies_are_a_comprehension() -> None:
    text = (
        "default conv same bias=false\n"
        "block dense k { concat(id, bn | relu | conv k 3x3) }\n"
        "net a {\n input 8x8x8\n stage: dense 4 x6\n}"
    )
    net = network(text)
    assert "Dense(8 + 4 * i, 4) for i in range(6)" in emit(net)
    assert_agrees(net)
    assert_computes(net)


def test_copies_with_names_of_their_own() -> None:
    text = 'input 4x8x8 | "layer{i+1}": conv 4x3x3 p1 x3'
    module = assert_agrees(network(text))
    assert "layer3.weight" in module.state_dict()


def test_repeat_with_several_inputs() -> None:
    text = (
        "block up(flow, skip) { add(flow, skip | conv 4x3x3 p1) }\n"
        "net a {\n input 4x8x8\n first: conv 4 1x1 | relu\n"
        " layer: up(id, first) x3\n}"
    )
    net = network(text)
    assert "nn.ModuleList" in emit(net)
    assert_agrees(net)
    assert_computes(net)


def test_group_with_a_skip_is_a_sequential_of_its_own() -> None:
    text = "input 4x8x8 | body: {conv 4x3x3 p1 | relu | add(id, conv 4 1x1)} | gap"
    net = network(text)
    source = emit(net)
    assert "(nn.Sequential):" in source
    assert "self[0](x)" in source
    module = assert_agrees(net)
    assert next(iter(module.state_dict())) == "body.0.weight"
    assert_computes(net)


def test_blocks_that_cannot_share_a_class_get_two() -> None:
    text = (
        "block b act=relu { conv 4x3x3 p1 | act }\n"
        "net a {\n input 4x8x8\n b | b act=prelu\n}"
    )
    net = network(text)
    assert "class B2(nn.Module):" in emit(net)
    assert_agrees(net)
    assert_computes(net)


def test_value_of_a_condition_that_is_read_under_another() -> None:
    text = (
        "default conv same\n"
        "block b width deep=false {\n"
        "  side: conv width 3x3 if deep\n"
        "  relu | conv width 1x1\n"
        "  add(id, side) if deep\n"
        "}\n"
        "net n {\n input 8x8x8\n b 8 | b 8 deep=true | b 8 deep=true\n}"
    )
    net = network(text)
    assert "class B2(nn.Module):" in emit(net)
    assert_agrees(net)
    assert_computes(net)


def test_label_in_both_arms() -> None:
    text = (
        "default conv same\n"
        "block b width deep=false {\n"
        "  side: conv width 3x3 if deep else side: conv width 1x1\n"
        "  relu | conv width 1x1\n"
        "  add(id, side)\n"
        "}\n"
        "net n {\n input 8x8x8\n b 8 | b 8 deep=true\n}"
    )
    net = network(text)
    assert_agrees(net)
    assert_computes(net)


def test_like_terms_of_a_formula_stand_together() -> None:
    text = (
        "default conv same bias=false\n"
        "block layer growth { concat(id, bn | relu | conv growth 3x3) }\n"
        "block dense growth { layer growth x4 | steps: layer growth x4 }\n"
        "net a {\n input 8x8x8\n dense 4 | conv 8 1x1 | dense 6\n}"
    )
    net = network(text)
    source = emit(net)
    assert "self.layer4 = Layer(in_channels + 3 * growth, growth)" in source
    assert source.count("class Dense") == 1
    assert_agrees(net)
    assert_computes(net)


def test_source_that_would_be_too_long_is_refused() -> None:
    with pytest.raises(SpecError, match="E0705"):
        archdsl.compile("input 8 | fc 8 x1000000000")
    assert "range(1000000000)" in archdsl.compile("input 8 | all: fc 8 x1000000000")


def test_parameter_stays_beside_blocks_that_it_does_not_reach() -> None:
    text = (
        "block b { conv 4 1x1 | relu }\n"
        "net a classes=10 {\n input 3x8x8\n body: {b | b}\n"
        " head: {conv classes 1x1 | relu | gap}\n}"
    )
    source = emit(network(text))
    assert "def __init__(self, classes: int = 10) -> None:" in source
    assert execute(source).A(classes=7)(torch.ones(1, 3, 8, 8)).shape == (1, 7)
