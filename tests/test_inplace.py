"""Activations overwrite their input where nothing else reads it, and only there."""

from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor, nn

import archdsl
from archdsl.runtime.load import execute

IN_PLACE = "inplace=True"


@pytest.mark.parametrize(
    "body",
    [
        "conv 4x3x3 p1 | relu",
        "conv 4x3x3 p1 | bn | relu6",
        "features: {conv 4x3x3 p1 | bn | relu | maxpool 2}",
        "upconv 4x2x2 s2 | ln channels | relu",
        "gap | fc 5 | relu",
        "add(conv 3x3x3 p1, id) | relu",
        # The activation's own value is read twice.
        "conv 3x3x3 p1 | a: relu\nadd(conv 3x3x3 p1, a)",
    ],
)
def test_a_new_value_is_overwritten(body: str) -> None:
    assert IN_PLACE in source(body)
    same_numbers(body)


@pytest.mark.parametrize(
    "body",
    [
        # The input of the net.
        "relu | conv 4x3x3",
        # Read again afterwards.
        "a: conv 3x3x3 p1\nrelu\nadd(id, a)",
        "twice: add(in, in)\nadd(twice | relu, twice)",
        # Their gradients are made from what they give.
        "sigmoid | relu",
        "conv 4x3x3 | tanh | relu",
        "maxpool 2 | relu",
        # May give what it is given.
        "dropout 0.5 | relu",
        # Of what it is given its gradient is made.
        "conv 4x3x3 | gelu",
    ],
)
def test_others_are_left(body: str) -> None:
    assert IN_PLACE not in source(body)
    same_numbers(body)


def test_an_output_is_left() -> None:
    spec = "net n {\n input 3x8x8\n a: conv 4x3x3\n relu\n output(a=a, b=gap) \n}"
    assert IN_PLACE not in archdsl.compile(spec)


def test_an_activation_that_is_an_argument_is_called_without() -> None:
    spec = """
    block unit c act=relu { conv c 3x3 same | bn | act }
    net n { input 3x8x8 | unit 4 | unit 4 act=tanh | unit 4 }
    """
    assert IN_PLACE not in archdsl.compile(spec)
    same = archdsl.compile(spec.replace("tanh", "relu"))
    assert IN_PLACE in same


def source(body: str) -> str:
    return archdsl.compile(f"net n {{\n input 3x8x8\n {body}\n}}")


def same_numbers(body: str) -> None:
    """Outputs and gradients are those of the source that overwrites nothing."""
    text = source(body)
    plain = re.sub(r"(, )?inplace=True", "", text)
    torch.manual_seed(0)
    module = execute(text).N()
    other = execute(plain).N()
    other.load_state_dict(module.state_dict())
    x = torch.randn(2, 3, 8, 8)
    assert all(map(torch.equal, step(module, x), step(other, x)))


def step(module: nn.Module, x: Tensor) -> list[Tensor]:
    torch.manual_seed(1)
    x = x.clone().requires_grad_()
    out = module(x)
    out.square().mean().backward()
    found = [out.detach(), x.grad, *(p.grad for p in module.parameters())]
    return [each for each in found if each is not None]
