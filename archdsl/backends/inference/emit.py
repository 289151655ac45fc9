"""Network to PyTorch source for deployment: a class for each block, and `prepare`.

The classes are no nn.Modules. They are built of the weights of training, and what they
hold is called without anything in between.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from archdsl.backends.inference.build import Builder
from archdsl.backends.inference.carried import chooses, sources
from archdsl.backends.inference.lower import Lowered, lowered
from archdsl.backends.inference.overwrite import overwriting
from archdsl.backends.inference.parts_of import PARTS
from archdsl.backends.inference.prepare import Settings, prepare, sizes_are_known
from archdsl.backends.torch import code as c
from archdsl.backends.torch import lines, results
from archdsl.backends.torch.arguments import block_arguments
from archdsl.backends.torch.emit import Carried, Emitter
from archdsl.backends.torch.expressions import Argument, Callee
from archdsl.backends.torch.forward import Forward
from archdsl.backends.torch.namespace import Namespace, for_block, for_net
from archdsl.backends.torch.plan import plan
from archdsl.backends.torch.reserved import class_name, safe_name
from archdsl.backends.torch.results import ClassSource
from archdsl.backends.torch.size import check_size
from archdsl.backends.torch.uses import blocks
from archdsl.ir.network import Module, Network

Device = Literal["cpu", "cuda"]
DType = Literal["float32", "bfloat16", "float16"]

# What the source defines besides, so that no block is called so.
_DEFINED = frozenset((*PARTS.values(), "Weights", "Graph", "Callable", "Mapping"))


def emit(network: Network, device: Device = "cpu", dtype: DType = "float32") -> str:
    """The source of a checked net for inference on that device, in that type.

    Its function `prepare` makes the net of a `state_dict` of training. The source
    imports torch alone, and what externs name. Raises NoSourceError for what has no
    source, as for training, and ValueError for a type that the device cannot compute
    with.
    """
    if device == "cpu" and dtype == "float16":
        raise ValueError("float16 is for cuda: on a CPU take bfloat16")
    used = [module for modules, _ in blocks(network.root) for module in modules]
    check_size(network.root, used)
    return _Emitter(lowered(network), device, dtype).source()


class _Forward(Forward):
    """Writes `__call__`, which goes through the copies of a repeat itself."""

    calls_repeats = False
    copy_names = ("block", "copy")


class _Emitter(Emitter):
    def __init__(self, low: Lowered, device: Device, dtype: DType) -> None:
        super().__init__(low.network)
        self._lowered = low
        self._device, self._dtype = device, dtype
        # On a GPU cuDNN's kernels give new maps.
        on_cpu = device == "cpu"
        self._overwriting = overwriting(low.network.root) if on_cpu else set()
        self._taken |= _DEFINED

    def _builder(self, namespace: Namespace) -> Builder:
        def no_group(*_: Any) -> Any:
            raise AssertionError("groups stand in the scope around them")

        return Builder(
            self._lowered,
            self._overwriting,
            namespace,
            lambda module: self._callees[id(module)],
            no_group,
            self._imported,
            False,
        )

    def _write_block(self, modules: list[Module], given: dict[int, set[str]]) -> None:
        first = modules[0]
        scope = plan(modules)
        sets = [given[id(module)] for module in modules]
        namespace = for_block(
            dict(enumerate(modules)), dict(enumerate(sets)), first.input_names
        )
        for known, text in namespace.names.items():
            if text == "weights":
                namespace.names[known] = "weights_"
        name = self._unique(class_name(first.name))
        builder = self._builder(namespace)
        namespace.taken = scope.names()
        built = builder.lines(scope.nodes, 2 * c.INDENT)
        inputs = [i if i == "x" else safe_name(i) for i in first.input_names or ("x",)]
        body = _Forward(scope, builder, inputs, positional=False).lines()
        namespace.settle_layers()
        arguments = block_arguments(modules, sets, namespace)
        doc = [f"Block `{first.name}`" + self._place(first)]
        doc += lines.shapes(first, "Shapes at its first use, without the batch:")
        init = _init(arguments, [*lines.kept(namespace), *built])
        call = _call(inputs, body, "Tensor")
        self._classes.append(ClassSource(name, "", doc, init, call))
        self._finish(namespace)
        index = {id(module): at for at, module in enumerate(modules)}
        callee = Callee(name, arguments, index)
        self._callees.update((id(module), callee) for module in modules)

    def _net(self, root: Module, name: str) -> ClassSource:
        scope = plan([root])
        namespace = for_net(root, ())
        builder = self._builder(namespace)
        namespace.taken = scope.names()
        built = builder.lines(scope.nodes, 2 * c.INDENT)
        inputs = [i if i == "x" else safe_name(i) for i in root.input_names or ("x",)]
        result = results.of(root, self._unique(f"{name}Output"))
        if result.source is not None:
            self._classes.append(result.source)
        whole = frozenset(
            at for at, tensor in enumerate(root.inputs) if tensor.dtype != "float"
        )
        forward = _Forward(scope, builder, inputs, False, result.returns, whole)
        body = [*self._converted(root, inputs), *forward.lines()]
        self._finish(namespace)
        init = _init([], ["        self.dtype = weights.dtype", *built])
        call = ["    @torch.inference_mode()", *_call(inputs, body, result.annotation)]
        return ClassSource(name, "", self._net_doc(root), init, call)

    def _converted(self, root: Module, inputs: list[str]) -> list[str]:
        """The statements that bring the inputs into the net's type and format."""
        found: list[str] = []
        for name, tensor in zip(inputs, root.inputs, strict=True):
            if tensor.dtype == "float":
                form = ", memory_format=torch.channels_last" if tensor.rank == 3 else ""
                code = c.Text(f"{name}.to(self.dtype{form})")
                found += c.assign(name, code, 2 * c.INDENT)
        return found

    def _standard(self) -> list[str]:
        """The imports from Python's own library."""
        wanted = self._carried_text()
        found = []
        if "ctypes." in wanted:
            found.append("import ctypes")
        abstract = ["Callable", "Mapping"]
        if "Sequence[" in wanted:
            abstract.append("Sequence")
        found.append(f"from collections.abc import {', '.join(abstract)}")
        uses = {"cache": "@cache", "partial": "partial("}
        tools = [name for name, use in uses.items() if use in wanted]
        if tools:
            found.append(f"from functools import {', '.join(tools)}")
        if "perf_counter(" in wanted:
            found.append("from time import perf_counter")
        typing = ["Any"]
        if any(source.base == "NamedTuple" for source in self._classes):
            typing.append("NamedTuple")
        return [*found, f"from typing import {', '.join(typing)}"]

    def _carried_text(self) -> str:
        return "".join(self._carried().before)

    def _used(self) -> list[str]:
        """The parts that the classes are built of."""
        text = "\n".join(line for source in self._classes for line in source.init)
        return [name for name in PARTS.values() if re.search(rf"\b{name}\(", text)]

    def _carried(self) -> Carried:
        used = self._used()
        root = self._network.root
        graph = self._device == "cuda" and sizes_are_known(root)
        packs = chooses(used, self._device)
        settings = Settings(self._device, self._dtype, packs, graph)
        net, training = self._classes[-1].name, self._lowered.training
        after = prepare(root, net, training, settings)
        return Carried(sources(used, self._device, graph), [after])


def _init(arguments: list[Argument], built: list[str]) -> list[str]:
    """The constructor, which takes the weights first."""
    first, *others = lines.parameters(arguments)
    parameters = [first, "weights: Weights", *others]
    signature = c.signature("__init__", parameters, "None", c.INDENT)
    return [*signature, *(built or ["        pass"])]


def _call(inputs: list[str], body: list[str], result: str) -> list[str]:
    parameters = ["self", *(f"{name}: Tensor" for name in inputs)]
    return [*c.signature("__call__", parameters, result, c.INDENT), *body]
