"""Weights from a file into a net's module: all of them, or none."""

from __future__ import annotations

import errno
import os
import pickle
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from archdsl.diagnostics.suggest import renamed_to
from archdsl.ir.flat import Owners
from archdsl.ir.network import Network
from archdsl.runtime.renames import RenameError, Renames

_MAX_NAMED = 10
# Of a file's keys.
_FEW = 4
_LONGEST = 100
# Where training scripts keep the tensors within a checkpoint.
_WITHIN = ("state_dict", "model_state_dict", "model")
# What nn.DataParallel puts before all names.
_PARALLEL = "module."
# Older files do not count batches, which evaluation does not need.
_OPTIONAL = ".num_batches_tracked"
# torch names what a pickle would have called.
_FORBIDDEN = re.compile(r"GLOBAL (\S+) w")


class WeightsError(ValueError):
    """Weights that cannot be read, or that do not fit; its text is for people."""


def load_weights(
    module: nn.Module,
    network: Network,
    path: str | os.PathLike[str],
    renames: Renames | None = None,
) -> int:
    """Load a state_dict, .pt or .safetensors, and return how many tensors it has.

    `module` is that of `network`; its tensors keep their dtype. Raises WeightsError,
    the module being as before, if the file is not there, is no file of weights, or
    has other names or shapes than the net after the renames.
    """
    shown = os.fspath(path)
    state = read_weights(shown)
    try:
        names = (renames or Renames()).keys(state)
    except RenameError as problem:
        raise WeightsError(f"the weights in `{shown}`: {problem}") from None
    renamed = {new: state[old] for old, new in names.items()}
    lines = _misfits(module.state_dict(), renamed, Owners(network))
    if lines:
        lines += _remarks(module, renamed, renames, state)
        raise WeightsError(
            "\n".join((f"the weights in `{shown}` do not fit the net", *lines))
        )
    _copy(module, renamed, shown)
    return len(renamed)


def _copy(module: nn.Module, state: dict[str, Tensor], shown: str) -> None:
    before = {name: t.detach().clone() for name, t in module.state_dict().items()}
    try:
        module.load_state_dict(state, strict=False)
    except Exception as problem:
        # An extern may have its own ideas of what it loads.
        module.load_state_dict(before, strict=False)
        raise WeightsError(
            f"the weights in `{shown}` cannot be loaded: {_first_line(problem)}"
        ) from None


def _misfits(
    known: Mapping[str, Tensor], state: Mapping[str, Tensor], owners: Owners
) -> list[str]:
    def at(name: str) -> str:
        line = owners.line(name)
        return f"{name} ({line})" if line else name

    wrong = [
        f"{at(name)}: the net has {shape_text(known[name])},"
        f" the file {shape_text(tensor)}"
        for name, tensor in state.items()
        if name in known and tensor.shape != known[name].shape
    ]
    other = [
        f"{at(name)}: the net has {dtype_text(known[name])},"
        f" the file {dtype_text(tensor)}"
        for name, tensor in state.items()
        if name in known and _kind(tensor) != _kind(known[name])
    ]
    missing = [n for n in known if n not in state and not n.endswith(_OPTIONAL)]
    extra = [name for name in state if name not in known]
    like = renamed_to(_shapes(state), _shapes(known), extra, missing)
    from_file = {new: old for old, new in like.items()}
    return [
        *_listed("of another shape", wrong),
        *_listed("of another type", other),
        *_listed(
            "missing in the file",
            [
                f"{at(name)}: {shape_text(known[name])}"
                + (
                    f", in the file as {_plain(from_file[name])}?"
                    if name in from_file
                    else ""
                )
                for name in missing
            ],
        ),
        *_listed("not in the net", [_plain(name) for name in extra]),
    ]


def _remarks(
    module: nn.Module,
    state: Mapping[str, Tensor],
    renames: Renames | None,
    read: Mapping[str, Tensor],
) -> Iterable[str]:
    known = module.state_dict()
    if state and all(
        name.startswith(_PARALLEL) and name.removeprefix(_PARALLEL) in known
        for name in state
    ):
        yield f"  all names in the file begin with {_PARALLEL} (of nn.DataParallel);"
        yield r"  the rename s/^module\.// takes that away"
    idle = renames.idle(read) if renames is not None else []
    yield from (
        f"  the rename `{rule}` fits no name in the file" for rule in idle[:_MAX_NAMED]
    )
    if len(idle) > _MAX_NAMED:
        yield f"  and {len(idle) - _MAX_NAMED:,} more renames"


def _shapes(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _kind(tensor: Tensor) -> str:
    if tensor.is_complex():
        return "complex"
    return "real" if tensor.is_floating_point() else "whole"


def shape_text(tensor: Tensor) -> str:
    """A shape as the language writes it; `scalar` for a tensor of no axes."""
    return "x".join(map(str, tensor.shape)) or "scalar"


def dtype_text(tensor: Tensor) -> str:
    """A dtype without `torch.` before it."""
    return str(tensor.dtype).removeprefix("torch.")


def _listed(title: str, names: Sequence[str]) -> Iterable[str]:
    if names:
        yield f"  {title}: {len(names):,}"
        yield from (f"    {name}" for name in names[:_MAX_NAMED])
        if len(names) > _MAX_NAMED:
            yield f"    and {len(names) - _MAX_NAMED:,} more"


def read_weights(path: str) -> dict[str, Tensor]:
    """The tensors of a file by name, on the CPU.

    A checkpoint may hold them under `state_dict`, `model_state_dict` or `model`. Code
    in a pickle is never run. Raises WeightsError.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if path.lower().endswith(".safetensors"):
                found = _safetensors(path)
            else:
                found = torch.load(path, map_location="cpu", weights_only=True)
    except WeightsError:
        raise
    except FileNotFoundError:
        raise WeightsError(f"there is no file `{path}`") from None
    except OSError as problem:
        # torch has a seek before the beginning of a file that is cut off.
        if problem.errno == errno.EINVAL:
            raise WeightsError(f"`{path}` is not a whole file of weights") from None
        reason = problem.strerror or problem
        raise WeightsError(f"`{path}` cannot be read: {reason}") from None
    except pickle.UnpicklingError as problem:
        raise WeightsError(_refused(path, str(problem))) from None
    except Exception as problem:
        if "TorchScript" in str(problem) or "weights_only" in str(problem):
            raise WeightsError(_refused(path, "")) from None
        # Each kind of broken file has its own.
        # What else it has to say is about its insides.
        plain = not isinstance(problem, LookupError | EOFError)
        why = f": {_first_line(problem).partition('. ')[0]}" if plain else ""
        raise WeightsError(
            f"`{path}` is no file of weights, or not a whole one{why}"
        ) from None
    for key in _WITHIN:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if not isinstance(found, Mapping) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor)
        for name, tensor in found.items()
    ):
        raise WeightsError(f"`{path}` holds no state_dict: {_content(found)}")
    return dict(found)


def _content(found: object) -> str:
    """What a file holds instead of tensors by name."""
    if not isinstance(found, Mapping):
        return f"it holds a value of type {type(found).__name__}, not tensors by name"
    odd = [f"`{_plain(str(k))}`" for k, v in found.items() if not isinstance(v, Tensor)]
    if not odd:
        return "its tensors have keys that are no names"
    more = f" and {len(odd) - _FEW:,} more" if len(odd) > _FEW else ""
    return f"{', '.join(odd[:_FEW])}{more} in it {'are' if odd[1:] else 'is'} no tensor"


def _plain(name: str) -> str:
    """A name of a file, fit to be printed."""
    shown = name if name.isprintable() else repr(name)[1:-1]
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


def _refused(path: str, text: str) -> str:
    """Why a pickle was not read."""
    found = _FORBIDDEN.search(text)
    named = f": it names {found[1]}, which was not run" if found else ""
    return (
        f"`{path}` is no file of weights alone{named}; save module.state_dict() with"
        " torch.save"
    )


def _first_line(problem: Exception) -> str:
    # torch has a title above what went wrong.
    lines = [line for line in map(str.strip, str(problem).split("\n")) if line]
    if len(lines) > 1 and lines[0].startswith("Error(s) in"):
        del lines[0]
    return lines[0][:200] if lines else type(problem).__name__


def _safetensors(path: str) -> Any:
    try:
        from safetensors.torch import load_file
    except ImportError:
        raise WeightsError(
            f"`{path}` needs the safetensors package: pip install safetensors"
        ) from None
    if os.path.isdir(path):
        raise WeightsError(f"`{path}` cannot be read: Is a directory")
    return load_file(path)
