"""Import torchvision beside a CPU build of torch.

torchvision's wheel brings operators compiled for CUDA. Beside a CPU build of torch
their library does not load, and the import then stops where shapes are registered for
operators that do not exist. Here those registrations are let go. The Python models
work, the detection operators do not: this is for comparing names and shapes.

    pip install --no-deps torchvision==0.28.0
"""

from __future__ import annotations

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
