"""Sizes that are not known: what is said of them holds at every size."""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn

from archdsl.backends.torch.emit import emit, net_class
from archdsl.ir.flat import layers
from archdsl.ir.network import Network
from archdsl.pipeline import check
from archdsl.reading import decoded
from archdsl.runtime.load import execute
from archdsl.shapes.size import Size
from archdsl.source import Source

ROOT = Path(__file__).parents[1]
SIZES = 20


def checked(text: str, net: str = "", **sizes: object) -> Network:
    found = check(Source("t.arch", text), net, sizes)
    assert not found.diagnostics, found.diagnostics[0]
    return found.networks[net]


def codes(text: str, **sizes: object) -> list[str]:
    source = Source("t.arch", text)
    return [d.code for d in check(source, "" if sizes else None, sizes).diagnostics]


def at(size: Size, sizes: dict[str, int]) -> int:
    return size if isinstance(size, int) else size.at(sizes)


def shapes(network: Network, sizes: dict[str, int]) -> list[tuple[str, list[int]]]:
    return [
        (layer.path, [at(size, sizes) for size in layer.out.sizes])
        for layer in layers(network)
    ]


def totals(network: Network, sizes: dict[str, int]) -> list[int]:
    return [at(part, sizes) for part in network.root.cost]


def module_of(network: Network) -> nn.Module:
    made = getattr(execute(emit(network)), net_class(network.name))()
    assert isinstance(made, nn.Module)
    return made


def drawn(network: Network, r: random.Random, most: int) -> dict[str, int]:
    assert network.facts is not None
    return network.facts.sample(r, most)


def tensors(network: Network, sizes: dict[str, int], device: str) -> list[torch.Tensor]:
    made = []
    for tensor in network.root.inputs:
        shape = [2, *(at(size, sizes) for size in tensor.sizes)]
        if tensor.dtype == "float":
            made.append(torch.empty(shape, device=device).uniform_(-1, 1))
        elif tensor.dtype == "int":
            made.append(torch.zeros(shape, dtype=torch.long, device=device))
        else:
            made.append(torch.ones(shape, dtype=torch.bool, device=device))
    return made


def first_of(out: object) -> torch.Tensor:
    """The first tensor that a net returned."""
    if isinstance(out, torch.Tensor):
        return out
    values = list(out.values()) if isinstance(out, dict) else list(out)  # type: ignore[call-overload]
    assert isinstance(values[0], torch.Tensor)
    return values[0]


@cache
def with_symbols(name: str) -> tuple[tuple[str, str], ...]:
    """The nets of a spec that have symbols, or those whose sizes can be made such.

    Each is the text and the name of the net.
    """
    path = ROOT / "specs" / name
    source, _ = decoded(path.read_bytes(), path.name)
    assert source is not None
    text = source.text
    networks = check(source).networks
    found = [(text, net) for net in networks if networks[net].facts is not None]
    # Maps of any size, where nothing in the net needs a number.
    opened = re.sub(r"(?m)^(\s*input \d+)x(\d+)x\2\b", r"\1xHxW", text)
    # What the authors say of sizes holds at theirs.
    opened = re.sub(r"\s+-> [^\n|}]+", "", opened)
    opened = re.sub(r"(?m)^\s*assert [^\n]*macs[^\n]*\n", "", opened)
    if not found and opened != text:
        for net in check(Source(path.name, opened)).nets:
            alone = check(Source(path.name, opened), net)
            if alone.networks and alone.networks[net].facts is not None:
                found.append((opened, net))
    return tuple(found)


SPECS = sorted(
    str(path.relative_to(ROOT / "specs")) for path in (ROOT / "specs").rglob("*.arch")
)


def test_there_are_nets_with_symbols() -> None:
    count = 0
    for name, net in (
        ("transformers/gpt2.arch", "gpt2_medium"),
        ("segmentation/fcn_deeplabv3.arch", "fcn_resnet101"),
        # Their sizes are made symbols.
        ("classics/resnet.arch", "resnet152"),
        ("torchvision/mobilenet_v2.arch", "mobilenet_v2"),
    ):
        nets = {found for _, found in with_symbols(name)}
        assert net in nets
        count += len(nets)
    assert count > 10


@pytest.mark.parametrize("name", SPECS)
def test_formulas_are_what_numbers_give(name: str) -> None:
    for text, net in with_symbols(name):
        symbolic = checked(text, net)
        r = random.Random(f"{name} {net}")
        for _ in range(SIZES):
            sizes = drawn(symbolic, r, 300)
            concrete = checked(text, net, **sizes)
            assert shapes(symbolic, sizes) == shapes(concrete, {}), net
            assert totals(symbolic, sizes) == totals(concrete, {}), net


@pytest.mark.parametrize("name", SPECS)
def test_the_module_takes_every_size(name: str) -> None:
    for text, net in with_symbols(name):
        symbolic = checked(text, net)
        with torch.device("meta"):
            module = module_of(symbolic).eval()
        r = random.Random(f"{name} {net}")
        # PyTorch goes through a recurrent layer step by step.
        steps = any(layer.kind in ("lstm", "gru", "rnn") for layer in layers(symbolic))
        for _ in range(3):
            sizes = drawn(symbolic, r, 30 if steps else 300)
            out = first_of(module(*tensors(symbolic, sizes, "meta")))
            expected = [at(size, sizes) for size in symbolic.root.type.sizes]
            assert list(out.shape) == [2, *expected], net


UNET = """input 3xHxW
assert H % 4 == 0 and W % 4 == 0
a: conv 8x3x3 p1
maxpool 2
b: conv 8x3x3 p1
maxpool 2 | conv 8x3x3 p1
upconv 8 2x2 s2 | concat(b, id)
upconv 8 2x2 s2 | concat(a, id)
up: {conv 8x3x3 s2 p1 | upsample size=H}
conv 2x1x1
"""


def test_sizes_are_told_to_groups() -> None:
    module = module_of(checked(UNET))
    assert module(torch.zeros(1, 3, 12, 12)).shape == (1, 2, 12, 12)


def test_copies_with_a_label_are_told_sizes() -> None:
    module = module_of(checked("input 3xT\na: scale T x3\nmul(a, id)"))
    assert torch.equal(module(torch.ones(2, 3, 5)), torch.full((2, 3, 5), 5.0**6))
    inner = "b: { conv 3 1 | a: scale T x2 } x2"
    first = module_of(checked(f"input 3xT\n{inner}"))
    assert list(first.state_dict())[::2] == ["b.0.0.weight", "b.1.0.weight"]
    assert first(torch.ones(2, 3, 5)).shape == (2, 3, 5)


RESNET = (
    "input 3xHxW\n"
    "conv 8x7x7 s2 p3 | bn | relu | maxpool 3 s2 p1\n"
    "add(id, conv 8x3x3 p1 | bn | relu)\n"
    "add(conv 16x1x1 s2, conv 16x3x3 s2 p1)\n"
    "gap | fc 10\n"
)


@pytest.mark.parametrize("text", [UNET.replace("up: ", ""), RESNET], ids=["u", "r"])
def test_exports_with_sizes_left_open(text: str) -> None:
    network = checked(text)
    module = module_of(network).eval()
    h, w = torch.export.Dim("h", min=1, max=64), torch.export.Dim("w", min=1, max=64)
    step = 4 if "assert" in text else 1
    example = torch.randn(2, 3, 16 * 4, 12 * 4)
    exported = torch.export.export(
        module,
        (example,),
        dynamic_shapes=({2: step * h, 3: step * w},)
        if step > 1
        else ({2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO},),
    ).module()
    for height, width in ((32, 64), (48, 20), (100, 36)):
        x = torch.randn(2, 3, height, width)
        torch.testing.assert_close(exported(x), module(x))


@pytest.mark.parametrize(
    "text",
    [
        "input 3xHxW | aspp 4 rates=[1,2,3]",
        "input 3xHxW | body: {maxpool 2 | upsample H W mode=bilinear}",
        "input 3xHxW | tokens | transformer_encoder 1 8",
        "input 8xHxW | upsample size=2*H | crop H W | roll 2 h | slice 0 H h",
    ],
)
def test_layers_told_of_sizes_export(text: str) -> None:
    module = module_of(checked(text)).eval()
    open_axes = {2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}
    channels = int(re.findall(r"\d+", text)[0])
    exported = torch.export.export(
        module, (torch.randn(2, channels, 8, 7),), dynamic_shapes=(open_axes,)
    ).module()
    for height, width in ((8, 11), (13, 6), (30, 41)):
        x = torch.randn(2, channels, height, width)
        torch.testing.assert_close(exported(x), module(x))


def test_an_argument_that_forward_reads_is_kept_once() -> None:
    text = "net n k=2 {\n  input 3xHxW\n  upsample size=size(k*H, W)\n}"
    assert emit(checked(text, "n")).count("self.k = k") == 1


def test_a_square_has_one_symbol() -> None:
    network = checked("input 3xHxH | conv 4x3x3 s2 | permute 0 2 1 | add(id, id)")
    assert str(network.root.type) == "4x(⌈H/2⌉-1)x(⌈H/2⌉-1)"


def test_a_number_from_outside_settles_a_symbol() -> None:
    network = checked("input 3xHxW | conv 4x3x3", H=10)
    assert str(network.root.type) == "4x8x(W-2)"
    both = checked("input 3xHxW | conv 4x3x3", H=10, W=5)
    assert both.facts is None
    assert both.root.type.sizes == (4, 8, 3)


def test_a_parameter_in_capitals_is_a_number() -> None:
    text = "net n N=8 {\n  input 3xNxN\n  conv N 3x3\n}\n"
    assert checked(text, "n").root.type.sizes == (8, 6, 6)


@pytest.mark.parametrize(
    ("text", "constraints"),
    [
        ("input 3xHxW | conv 4x7x7", ("H >= 7", "W >= 7")),
        ("input 3xH | maxpool 2 | maxpool 2", ("H >= 4",)),
        ("input 3xH\nassert H % 32 == 0\nmaxpool 2", ("H % 32 == 0",)),
        (
            "input T int | embedding 9 4 | add(id, param 64x4 | slice 0 T t)",
            ("T <= 64",),
        ),
        ("input Tx8\nassert 4 <= T and T < 9\nfc 4", ("T >= 4", "T <= 8")),
    ],
)
def test_constraints_are_collected(text: str, constraints: tuple[str, ...]) -> None:
    network = checked(text)
    assert network.facts is not None
    assert network.facts.constraints() == constraints


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("input 3xHxW | flatten | fc 10", "E0310"),
        ("input 3xH | relu x=H", "E0310"),
        ("input 3xH | relu if H > 8", "E0307"),
        ("input 3xH\nrelu if H > 8", "E0310"),
        ("input 3xH | fc (sqrt(H))", "E0310"),
        ("input 3xH | conv 4x3 | dropout (H / 7)", "E0405"),
        ("input 3xHxW | add(id, permute 0 2 1)", "E0304"),
        ("input 3xH | add(id, maxpool 2 | upsample 2)", "E0304"),
        ("input 3xH\nassert H == 2\nconv 4x3", "E0302"),
        ("input 3xH\nassert H % 2 == 0\nassert H % 2 == 1", "E0319"),
        ("input 3xH -> 3x17", "E0601"),
        ("input 3xH | add(id, param 3xH)", "E0310"),
        ("input 3xH\nassert H**100000 == 3\nrelu", "E0310"),
        ("input 3xH\nassert (H*H + H + 1)**60 % 7 == 3\nrelu", "E0310"),
    ],
)
def test_what_cannot_be_is_refused(text: str, code: str) -> None:
    assert codes(text) == [code]


def test_sizes_may_grow_with_each_layer() -> None:
    network = checked("input 3xHxW | {upsample H W} x40")
    assert at(network.root.type.sizes[1], {"H": 2, "W": 1}) == 2**41


def test_the_message_names_where_sizes_differ() -> None:
    text = "input 3xH | add(id, maxpool 2 | upsample 2)"
    (finding,) = check(Source("t.arch", text)).diagnostics
    assert "they differ at H=3" in finding.message


def test_an_assumption_fails_for_a_number_that_breaks_it() -> None:
    text = "input 3xH\nassert H % 32 == 0\nrelu"
    assert codes(text, H=33) == ["E0602"]
    assert codes(text, H=64) == []
    one_left = "input 3xHxW\nassert H % 32 == 0\nassert W > H\nrelu"
    (finding,) = check(Source("t.arch", one_left), "", {"H": 33}).diagnostics
    assert (finding.code, finding.message) == (
        "E0602",
        "this does not hold: H % 32 is 1",
    )
    assert codes(one_left, H=64) == []


@pytest.mark.parametrize(
    ("file", "net", "params"),
    [
        ("wavenet", "wavenet_of", {"n": 4, "skips": 6, "stages": 1}),
        ("pointnet", "pointnet", {}),
        (
            "transformer_base",
            "transformer",
            {"n": 1, "d": 16, "heads": 2, "hidden": 32, "rate": 0.1, "vocabulary": 50},
        ),
    ],
)
def test_published_nets_export(file: str, net: str, params: dict[str, object]) -> None:
    text = (ROOT / "specs/modern" / f"{file}.arch").read_text("utf-8")
    network = checked(text, net, **params)
    module = module_of(network).eval()
    r = random.Random(net)
    example = tensors(network, drawn(network, r, 40), "cpu")
    open_axes = tuple(
        {
            1 + axis: torch.export.Dim.AUTO
            for axis, size in enumerate(tensor.sizes)
            if not isinstance(size, int)
        }
        for tensor in network.root.inputs
    )
    exported = torch.export.export(
        module, tuple(example), dynamic_shapes=open_axes
    ).module()
    for _ in range(3):
        given = tensors(
            network, {k: v + 2 for k, v in drawn(network, r, 40).items()}, "cpu"
        )
        torch.testing.assert_close(
            first_of(exported(*given)), first_of(module(*given)), rtol=1e-4, atol=1e-4
        )
