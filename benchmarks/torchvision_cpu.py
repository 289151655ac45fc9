"""Import torchvision beside a CPU build of torch.

torchvision's wheel brings operators compiled for CUDA. Beside a CPU build of torch
their library does not load, and the import then stops where shapes are registered for
operators that do not exist. Here those registrations are let go. The Python models
work, the detection operators do not: this is for comparing names and shapes.

    pip install --no-deps torchvision==0.28.0
"""

from __future__ import annotations

import functools
import importlib
from types import ModuleType
from typing import Any
from unittest import mock

import torch.library


def import_torchvision() -> ModuleType:
    """The torchvision package; ImportError if it is not installed."""
    register = torch.library.register_fake

    def tolerant(op: Any, *args: Any, **kwargs: Any) -> Any:
        if str(op).startswith("torchvision::"):
            return lambda function: function
        return register(op, *args, **kwargs)

    with mock.patch.object(torch.library, "register_fake", tolerant):
        return importlib.import_module("torchvision")


def __getattr__(name: str) -> Any:
    """A model's function, for `archdsl verify --against`; its weights are drawn."""
    if name.startswith("_"):
        raise AttributeError(name)
    models = import_torchvision().models
    given = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    return functools.partial(getattr(models, name), weights=None, **given)
