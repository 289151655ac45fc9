"""Compiling a net with `torch.compile`: as a whole, or deep nets by regions.

Compiling a whole graph takes the longer the deeper the net is, and ends in a
RecursionError at some hundreds of blocks. Here a run of blocks that are alike is cut
into regions of about eight. Regions that are alike share what was compiled for the
first of them: they run one function, which gets their blocks as an argument. Each kind
of region has a code object of its own, since torch compiles no more than eight variants
of one. What is around the runs is compiled as it stands, with a break at each.

Only forwards change, and no name in the `state_dict`. Copies and pickles are of the
module as it was before, as with `nn.Module.compile`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Hashable, Iterator, Mapping
from itertools import count, groupby
from types import FunctionType
from typing import Any, NamedTuple

import torch
from torch import nn

from archdsl.runtime.options import OptionError
from archdsl.runtime.reclassed import reduced, subclass

# A run of so many blocks that are alike is compiled by regions.
LEAST_ALIKE = 16
# Blocks in a region. Of these the length is taken that leaves the least to compile; a
# rest counts as two blocks more, since it is a graph of its own.
SHORTEST, BEST, LONGEST = 5, 8, 10
# Before 2.5, torch compiled anew for each module of `torch.nn` that it was given.
_TAKES_MODULES = tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 5)
# Where a module that is reclassed keeps what its forward does.
_APART = "_compiled_apart"

Function = Callable[..., Any]


def compile_module(
    module: nn.Module, how: bool | str, options: Mapping[str, Any]
) -> int:
    """Compile a module in place; how many regions it has, 0 if it is one graph.

    With `how="auto"` runs of at least 16 blocks that are alike are cut into regions.
    `options` are those of `torch.compile`. Raises OptionError for `fullgraph` where
    there are regions.
    """
    compiler = _Compiler(options)
    if how == "auto" and _TAKES_MODULES:
        compiler.cut(module)
        if compiler.regions and options.get("fullgraph"):
            raise OptionError(
                'compile="auto": this net is compiled by regions, which is no full'
                ' graph; leave fullgraph out, or give compile="whole"'
            )
    compiler.compile(module)
    return compiler.regions


def region_length(blocks: int) -> int:
    """Into regions of how many blocks a run is cut; a rest is compiled by itself.

    333 blocks give 37 regions of nine: with eight, five blocks would be left.
    """
    return min(
        range(SHORTEST, LONGEST + 1),
        key=lambda length: (
            length + blocks % length + 2 * bool(blocks % length),
            abs(length - BEST),
        ),
    )


def signature(module: nn.Module) -> Hashable:
    """What compiled code depends on: classes, shapes, and plain attributes."""
    return tuple(
        (name, type(part), _attributes(part), _tensors(part))
        for name, part in module.named_modules()
    )


def _attributes(part: nn.Module) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, repr(value))
        for name, value in sorted(vars(part).items())
        if not name.startswith("_")
    )


def _tensors(part: nn.Module) -> tuple[Hashable, ...]:
    return tuple(
        (name, None if held is None else (held.shape, held.dtype, held.stride()))
        for own in (part._parameters, part._buffers)
        for name, held in own.items()
    )


def _apply_all(blocks: tuple[nn.Module, ...], x: Any) -> Any:
    for block in blocks:
        x = block(x)
    return x


def _apply_one(forward: Function, block: nn.Module, *inputs: Any) -> Any:
    return forward(block, *inputs)


class _Region(NamedTuple):
    """Neighbouring blocks, and what applies them."""

    function: Function
    blocks: tuple[nn.Module, ...]


class _Compiler:
    """Compiles one net."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.regions = 0
        self._options = dict(options)
        self._functions: dict[Hashable, Function] = {}
        self._numbers = count(1)
        # Modules that have a break, or some inside.
        self._broken: set[nn.Module] = set()

    def compile(self, module: nn.Module) -> None:
        """Compile a module as it stands, up to the breaks in it."""
        if _APART not in vars(module):
            module.compile(**self._options)

    def cut(self, module: nn.Module) -> None:
        """Put breaks where runs are, innermost first."""
        children = _children(module)
        for child in children:
            self.cut(child)
        if _is_chain(module):
            if _has_run(children) or not self._broken.isdisjoint(children):
                self._set_apart(module, self._chain(children))
        elif any(
            _is_looped(child) and _has_run(_children(child)) for child in children
        ):
            # Its forward has a loop, and there a break ends compiling.
            for child in children:
                for part in _children(child) if _is_looped(child) else [child]:
                    self._compile_alone(part)
            self._set_apart(module, functools.partial(type(module).forward, module))
        elif not self._broken.isdisjoint(children):
            self._broken.add(module)

    def _set_apart(self, module: nn.Module, forward: Function) -> None:
        vars(module)[_APART] = forward
        plain: Any = type(module)
        module.__class__ = _apart(plain)
        self._broken.add(module)

    def _compile_alone(self, part: nn.Module) -> None:
        """Compile a module that is called from a forward that is not compiled."""
        if part in self._broken:
            self.compile(part)
        elif _children(part) and _APART not in vars(part):
            plain = type(part).forward
            function = self._function(_apply_one, signature(part))
            self._set_apart(part, functools.partial(function, plain, part))
            self.regions += 1

    def _chain(self, blocks: list[nn.Module]) -> Function:
        """What applies all of these, by regions."""
        regions = list(self._regions_of(blocks))
        self.regions += len(regions)
        convolves = any(
            isinstance(part, nn.Conv2d) for block in blocks for part in block.modules()
        )
        turns = convolves and self._options.get("backend", "inductor") == "inductor"

        def forward(x: Any) -> Any:
            if turns and isinstance(x, torch.Tensor) and x.dim() == 4:
                # Inductor takes this layout for convolutions. What a region gives has
                # the layout of what it got, and would be turned at the end of each.
                x = x.contiguous(memory_format=torch.channels_last)
            for function, blocks in regions:
                x = function(blocks, x)
            return x

        return forward

    def _regions_of(self, blocks: list[nn.Module]) -> Iterator[_Region]:
        others: list[nn.Module] = []
        for (broken, _), group in groupby(blocks, self._kind):
            alike = list(group)
            if not broken and len(alike) < LEAST_ALIKE:
                others += alike
                continue
            yield from self._cut_up(others, BEST)
            others = []
            if broken:
                for block in alike:
                    self.compile(block)
                    yield _Region(_apply_all, (block,))
            else:
                yield from self._cut_up(alike, region_length(len(alike)))
        yield from self._cut_up(others, BEST)

    def _kind(self, block: nn.Module) -> tuple[bool, Hashable]:
        broken = block in self._broken
        return broken, None if broken else signature(block)

    def _cut_up(self, blocks: list[nn.Module], length: int) -> Iterator[_Region]:
        for start in range(0, len(blocks), length):
            part = tuple(blocks[start : start + length])
            yield _Region(self._function(_apply_all, tuple(map(signature, part))), part)

    def _function(self, plain: Function, key: Hashable) -> Function:
        """A function compiled for one kind of region, with its own code object."""
        if (plain, key) not in self._functions:
            assert isinstance(plain, FunctionType)
            # Code objects are equal if they hold the same, so the name differs, too.
            name = f"{plain.__name__.strip('_')}_{next(self._numbers)}"
            code = plain.__code__.replace(co_name=name)
            own = FunctionType(code, plain.__globals__, name)
            self._functions[plain, key] = torch.compile(own, **self._options)
        return self._functions[plain, key]


def _children(module: nn.Module) -> list[nn.Module]:
    """The submodules; one that is there twice is given twice."""
    return [child for child in module._modules.values() if child is not None]


def _is_chain(module: nn.Module) -> bool:
    """Whether it calls its children, and each gets what the last one made."""
    plain = type(module).forward is nn.Sequential.forward
    return plain and not _is_looped(module)


def _is_looped(module: nn.Module) -> bool:
    """Whether it is a list that the module around it goes through."""
    if isinstance(module, nn.ModuleList):
        return True
    children = _children(module)
    if type(module).forward is not nn.Sequential.forward or not children:
        return False
    taken = inspect.signature(type(children[0]).forward).parameters.values()
    return len([one for one in taken if one.default is one.empty]) > 2


def _has_run(blocks: list[nn.Module]) -> bool:
    return any(
        len(list(alike)) >= LEAST_ALIKE for _, alike in groupby(blocks, signature)
    )


@functools.cache
def _apart(cls: Any) -> type[nn.Module]:
    """A subclass whose forward is not compiled where it is called."""

    def forward(self: nn.Module, *inputs: Any) -> Any:
        return vars(self)[_APART](*inputs)

    def reduce(self: nn.Module, protocol: Any) -> Any:
        make, arguments, state, *rest = reduced(self, cls, protocol)
        state = {name: value for name, value in state.items() if name != _APART}
        return (make, arguments, state, *rest)

    return subclass(cls, torch.compiler.disable(forward), reduce)
