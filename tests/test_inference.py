"""What emission for inference folds and fuses, and what it leaves alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import get_args

import pytest
import torch
from inference_nets import (
    always,
    difference,
    hold,
    inputs_of,
    network,
    outputs,
    source,
    tensors,
    trained,
    way_of,
)
from shell import Shell

import archdsl
from archdsl.backends.inference.emit import Device, DType, emit
from archdsl.cli import arguments
from archdsl.runtime.load import execute


def body(text: str) -> str:
    """The classes and `prepare` of a net's source, on one line each."""
    code = emit(network(text))
    tree = ast.parse(code)
    # The parts stand first.
    known = {
        "Weights",
        "activation",
        "fastest",
        "Alone",
        "alone_if_faster",
        "thread_setter",
        "keep_freed_memory",
        "Conv2d",
        "Linear",
        "BatchNorm",
    }
    kept = [
        node
        for node in tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name not in known
    ]
    return "\n".join(map(ast.unparse, kept))


def calls(text: str) -> list[str]:
    """How the parts of a net are built, but for what stands in blocks."""
    found = re.findall(r"self\.\w+ = (\w+\(weights, .*\))", body(text))
    return [call.replace("weights, ", "") for call in found]


FUSED = {
    "conv, norm, relu": (
        "input 3x8x8 | conv 4x3x3 | bn | relu",
        ["Conv2d('conv1', norm='bn1', bias=True, act='relu')"],
    ),
    "conv without a bias": (
        "input 3x8x8 | conv 4x3x3 bias=false | bn eps=0.1 | silu",
        ["Conv2d('conv1', norm='bn1', eps=0.1, act='silu')"],
    ),
    "grouped, strided, dilated": (
        "input 4x9x9 | conv 8 3x3 g2 s2 p1 d2 | bn | leaky 0.2",
        [
            "Conv2d('conv1', norm='bn1', bias=True, stride=2, padding=1, dilation=2,"
            " act='leaky_relu', slope=0.2)"
        ],
    ),
    "depthwise, unequal sides": (
        "input 4x9x9 | dwconv 3x1 p1x0 s=2x1 | gelu",
        ["Conv2d('dwconv1', stride=(2, 1), padding=(1, 0), act='gelu')"],
    ),
    "the tanh form of gelu stays apart": (
        "input 3x8x8 | conv 4 1 | gelu tanh",
        ["Conv2d('conv1')"],
    ),
    "addition": (
        "input 4x8x8 | add(id, conv 4x3x3 p1 | bn) | relu",
        ["Conv2d('conv1', norm='bn1', bias=True, padding=1, act='relu')"],
    ),
    "addition alone": (
        "input 4x8x8 | add(conv 4 1, id) | tanh",
        ["Conv2d('conv1')"],
    ),
    "of two convolutions one is added to the other": (
        "input 4x8x8 | add(conv 4 1, conv 4 1) | relu",
        [
            "Conv2d('conv2')",
            "Conv2d('conv1', act='relu', overwrite=True)",
        ],
    ),
    "linear, norm": (
        "input 5 | fc 4 | bn | relu6",
        ["Linear('fc1', norm='bn1', bias=True, act='relu6')"],
    ),
    "the norm of a sequence is over its places": (
        "input 5x6 | fc 4 | bn | relu",
        ["Linear('fc1')", "BatchNorm('bn1', act='relu')"],
    ),
    "norm before a convolution": (
        "input 3x8x8 | bn | relu | conv 4x3x3 p1",
        ["BatchNorm('bn1', act='relu')", "Conv2d('conv1', padding=1)"],
    ),
    "norm without learned numbers": (
        "input 3x8x8 | conv 4 1 | bn affine=false",
        ["Conv2d('conv1', norm='bn1', bias=True, affine=False)"],
    ),
    "dropout is nothing, and stands not between": (
        "input 3x8x8 | conv 4 1 | dropout 0.5 | bn",
        ["Conv2d('conv1', norm='bn1', bias=True)"],
    ),
    "what else is read is not folded": (
        "input 3x8x8 | a: conv 4 1 | b: bn | add(relu, a)",
        ["Conv2d('a')", "BatchNorm('b', act='relu')"],
    ),
    "an output is not folded": (
        "net n {\ninput 3x8x8 | a: conv 4 1\nb: bn\noutput(id, a)\n}",
        ["Conv2d('a')", "BatchNorm('b')"],
    ),
    "added to itself": (
        "input 3x8x8 | a: conv 3 1\nadd(a, a)",
        ["Conv2d('a')"],
    ),
    "a sum of three": (
        "input 3x8x8 | add(id, conv 3 1, id) | relu",
        ["Conv2d('conv1')"],
    ),
    "a vector added to each channel": (
        "input 4x8x8 | add(id, conv 4 1 | gap) | relu",
        ["Conv2d('conv1')"],
    ),
}


@pytest.mark.parametrize("name", FUSED)
def test_what_is_fused(name: str) -> None:
    text, expected = FUSED[name]
    assert calls(text) == expected
    hold(network(text))


KEPT = {
    "norm of the batch alone": "input 3x8x8 | conv 4 1 | bn track=false | relu",
    "other paddings": "input 3x8x8 | conv 4x3x3 p1 mode=reflect | bn | relu",
    "TensorFlow's padding": "input 3x9x9 | conv 4x3x3 p=tf s2 | bn | relu",
    "a table of connections": (
        "input 3x8x8 | conv 2x3x3 table=[[0,1],[2]] | bn | relu"
    ),
    "one axis, three axes": (
        "input 3x8 | conv 4 3 p1 | bn | relu | reshape 4x2x4 | conv 2 1 | bn"
    ),
    "three axes": "input 3x4x4x4 | conv 4 3 p1 s2 | bn | relu",
    "transposed, with groups": (
        "input 6x4x4 | upconv 9 2x2 s2 g3 bias=false | bn | relu | upconv 2 3 | bn"
    ),
    "weights used again": (
        "input 4x8x8 | a: conv 4 1 | b: bn | relu | share a | share b"
    ),
    "a group used again": (
        "input 4x8x8 | a: {conv 4 1 | bn | relu} | share a | share a"
    ),
    "a block used again": (
        "block b { conv 4 1 | bn | relu }\ninput 4x8x8 | a: b | share a | gap"
    ),
    "copies of groups": (
        "input 4x8x8 | a: {add(id, conv 4x3x3 p1 | bn) | relu} x5 | gap"
    ),
    "copies of layers": "input 4x8x8 | a: conv 4x3x3 p1 x3 | relu",
    "copies that grow": (
        "input 4x8x8 | a: {concat(id, conv 3x3x3 p1 | bn | relu)} x4 | gap | fc 3"
    ),
    "own tensors": (
        "input 4x8x8 | add(id, param 4x8x8 init=normal)"
        " | mul(id, buffer 4x8x8 value=(ax0 + 1) persistent=false) | conv 2 1"
    ),
    "a tied table": "net n {\ninput 5 int | tok: embedding 7 6\nfc 6 | tie tok\n}",
    "a tied table with a name": (
        "net n {\ninput 5 int | tok: embedding 7 6\nfc 6 | h: tie tok bias\n}"
    ),
    "sequences": (
        "input Tx8 | lstm 6 bidirectional | ln | attention 2 | gru 5 last | fc 3"
    ),
    "several outputs": (
        "net n {\ninput 3x8x8 | conv 4 1 | bn | relu\n"
        "output(a=id, b=gap | fc 3 if training, c=gmp) dict\n}"
    ),
    "symbols": "input 3xHxW | conv 4x3x3 p1 | bn | relu | crop H//2 W//2 | gap",
    "initial weights": "input 3x8x8 | conv 4 1 init=xavier | gap | fc 3 init=0.5",
    "names that Python lacks": (
        'input 3x8x8 | "class": conv 4 1 | "a-b": bn | "weights": conv 3 1 | dtype: bn'
    ),
    "blocks called as parts are": (
        "block Conv2d weights { conv weights 1 | bn }\n"
        "block linear { Conv2d 3 | Conv2d 4 | relu }\ninput 3x8x8 | linear"
    ),
    "groups of one name": (
        "block b c { g: {conv c 3x3 p1 | relu} x2 }\ninput 3x8x8\ng: {b 3 | tanh} x2"
    ),
    "a group with the name of a block": (
        "block g c { g: {conv c 3x3 p1 | relu} x2 }\ninput 3x8x8\ng: {g 3 | tanh} x2"
    ),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_stays_as_it_is(name: str) -> None:
    hold(network(KEPT[name]))


def test_every_activation_goes_into_a_convolution() -> None:
    from archdsl.backends.inference.parts_of import ACTIVATIONS

    for word, act in ACTIVATIONS.items():
        text = f"input 3x8x8 | conv 4x3x3 p1 | bn | {word}"
        assert f"act='{act}'" in calls(text)[0]
        made = source(network(text))
        with always(made):
            prepared = made.prepare(trained(network(text)).state_dict())
        # oneDNN's operators are there, so they are what is tested.
        assert way_of(prepared.conv1) == prepared.conv1.by_onednn
        hold(network(text))


def test_without_onednn_the_public_operators_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net = network("input 3x8x8 | conv 4x3x3 | bn | relu")
    module = trained(net)

    class Without:
        """`torch.ops.mkldnn` of another PyTorch."""

    monkeypatch.setattr(torch.ops, "mkldnn", Without())
    prepared = source(net).prepare(module.state_dict())
    assert way_of(prepared.conv1) == prepared.conv1.plain
    inputs = inputs_of(net)
    assert difference([prepared(*inputs)], outputs(module, inputs)) < 1e-6


def test_other_batches_give_the_same_numbers() -> None:
    net = network("input 3x16x16 | conv 8x3x3 p1 | bn | relu | conv 8x3x3 g2 | gap")
    module = trained(net)
    prepared = source(net).prepare(module.state_dict(), batch=4)
    for batch in (1, 3, 4):
        inputs = inputs_of(net, batch)
        assert difference([prepared(*inputs)], outputs(module, inputs)) < 1e-5


def test_the_fastest_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network("input 3x8x8 | conv 4x1x1 s2 | relu | conv 5x3x3 | gap | fc 4")
    module = trained(net)
    made, inputs = source(net), inputs_of(net)
    wanted = outputs(module, inputs)

    now = [0.0]

    def takes(seconds: float) -> Callable[[], None]:
        def way() -> None:
            now[0] += seconds

        return way

    monkeypatch.setattr(made, "perf_counter", lambda: now[0])
    assert made.fastest([takes(3), takes(1), takes(2)]) == 1
    assert made.fastest([takes(1), takes(1.2)]) == 0
    # Packed weights get a quarter off.
    assert made.fastest([takes(1), takes(1.2)], packed=True) == 1
    assert made.fastest([takes(1), takes(1.4)], packed=True) == 0
    for public, ways in (
        (False, ("plain", "as_linear", "by_onednn")),
        (True, ("plain", "as_linear")),
    ):
        for at, way in enumerate(ways):
            monkeypatch.setattr(
                made, "fastest", lambda w, packed=False, at=at: min(at, len(w) - 1)
            )
            prepared = made.prepare(module.state_dict(), public=public)
            assert way_of(prepared.conv1) == getattr(prepared.conv1, way)
            # A window of several places is no linear map.
            last = "plain" if public else "by_onednn"
            wider = "plain" if at == 0 else last
            assert way_of(prepared.conv2) == getattr(prepared.conv2, wider)
            assert (prepared.fc1.by_onednn is not None) is (at > 0 and not public)
            assert difference([prepared(*inputs)], wanted) < 1e-5


def test_memory_is_kept_where_the_system_can(monkeypatch: pytest.MonkeyPatch) -> None:
    import ctypes

    net = network("input 3x8x8 | conv 4x3x3")
    module = trained(net)
    made, inputs = source(net), inputs_of(net)
    said: list[tuple[int, int]] = []

    class Glibc:
        def __init__(self, name: None) -> None: ...

        def mallopt(self, parameter: int, value: int) -> None:
            said.append((parameter, value))

    def windows(name: None) -> None:
        raise TypeError

    monkeypatch.setattr(ctypes, "CDLL", Glibc)
    made.prepare(module.state_dict())
    assert not said
    made.prepare(module.state_dict(), keep_memory=True)
    assert dict(said) == {-1: 2**31 - 1, -4: 0}
    for system in (object, windows):
        monkeypatch.setattr(ctypes, "CDLL", lambda name, system=system: system())
        prepared = made.prepare(module.state_dict(), keep_memory=True)
        assert difference([prepared(*inputs)], outputs(module, inputs)) < 1e-6


@pytest.mark.parametrize("public", [False, True])
def test_bfloat16(public: bool) -> None:
    net = network(
        "input 3x16x16 | conv 8x3x3 p1 | bn | relu"
        " | add(id, conv 8x3x3 p1 | bn) | relu | gap | fc 4"
    )
    module = trained(net)
    code = execute(emit(net, dtype="bfloat16"))
    prepared = code.prepare(module.state_dict(), public=public)
    inputs = inputs_of(net)
    found = prepared(*inputs)
    assert found.dtype is torch.bfloat16
    # Its numbers have eight bits.
    assert difference([found], outputs(module, inputs)) < 2**-5


def test_weights_of_another_net_are_refused() -> None:
    net = network("input 3x8x8 | conv 4 1 | bn | gap | fc 2")
    made, state = source(net), trained(net).state_dict()
    with pytest.raises(ValueError, match=r"the net has no other\.weight and 1 more"):
        made.prepare({**state, "other.weight": state["fc1.bias"], "z": torch.ones(1)})
    del state["fc1.bias"], state["fc1.weight"]
    with pytest.raises(KeyError, match=r"the weights lack fc1\.weight"):
        made.prepare(state)


def test_a_bias_that_is_lacking_is_no_bias_that_was_never_there() -> None:
    net = network("input 3x8x8 | conv 4 1 | gap | fc 2 bias=false")
    state = trained(net).state_dict()
    del state["conv1.bias"]
    with pytest.raises(KeyError, match=r"the weights lack conv1\.bias"):
        source(net).prepare(state)


def test_what_exists_in_training_only_may_be_among_the_weights() -> None:
    net = network(
        "net n {\ninput 3x8x8 | a: conv 4 1\nb: bn\n"
        "output(id, a | side: fc 2 last if training)\n}"
    )
    state = trained(net).state_dict()
    assert "side.weight" in state
    source(net).prepare(state)
    hold(net)


def test_a_tensor_that_exists_in_training_only_may_be_among_the_weights() -> None:
    hold(network("input 4\noutput(id, aux=add(id, param 4 init=normal) if training)"))


def test_inputs_need_no_certain_format_and_outputs_learn_nothing() -> None:
    net = network("input 3x8x8 | conv 4 1 | relu")
    module = trained(net)
    prepared = source(net).prepare(module.state_dict())
    (x,) = inputs_of(net)
    last = x.contiguous(memory_format=torch.channels_last)
    strided = torch.stack([x, x], -1)[..., 0].double()
    for given in (x, last, strided):
        found = prepared(given)
        assert not found.requires_grad
        assert difference([found], outputs(module, [x])) < 1e-6


def test_deep_nets_are_loops() -> None:
    spec = "specs/classics/resnet_cifar.arch"
    checked = archdsl.check(spec)
    deep, shallow = (emit(checked.network(net)) for net in ("resnet1202", "resnet20"))
    assert "for i in range(200)" in deep
    assert len(deep) < len(shallow) + 100


def test_classes_call_nothing_but_parts(shell: Shell) -> None:
    code = emit(network(FUSED["conv, norm, relu"][0]))
    assert "nn.Conv2d" not in code
    assert "nn.BatchNorm" not in code


# The command and the function


def test_command(shell: Shell) -> None:
    ran = shell("compile", "-e", FUSED["addition"][0], "--for", "inference")
    assert ran.status == 0
    assert "def prepare(" in ran.out
    assert 'device: torch.device | str = "cpu"' in ran.out
    more = ("--device", "cuda", "--dtype", "float16")
    ran = shell("compile", "-e", FUSED["addition"][0], "--for", "inference", *more)
    assert "cudnn_convolution_add_relu" in ran.out
    assert "dtype: torch.dtype = torch.float16" in ran.out


def test_the_command_line_knows_all_devices_and_types() -> None:
    assert get_args(Device) == arguments.DEVICES
    assert get_args(DType) == arguments.DTYPES


def test_command_refuses_options_that_do_not_go_together(shell: Shell) -> None:
    ran = shell("compile", "-e", "input 3 | fc 2", "--device", "cuda")
    assert ran.status == 2
    assert ran.err == (
        "archdsl compile: --device is for sources of inference: add `--for inference`\n"
    )
    ran = shell(
        *("compile", "-e", "input 3 | fc 2", "--for", "inference"),
        *("--dtype", "float16"),
    )
    assert ran.status == 2
    assert "take bfloat16" in ran.err


def test_function() -> None:
    text = "input 3x8x8 | conv 4 1 | bn"
    assert archdsl.compile(text, target="inference") == emit(
        archdsl.check(text).network("")
    )
    assert "float16" in archdsl.compile(
        text, target="inference", device="cuda", dtype="float16"
    )
    with pytest.raises(ValueError, match="float16 is for cuda"):
        archdsl.compile(text, target="inference", dtype="float16")


def test_nothing_to_hold() -> None:
    hold(network("input 3x8x8 | relu | gap"))
    assert tensors(source(network("input 3 | relu")).prepare({})(torch.ones(1, 3)))
