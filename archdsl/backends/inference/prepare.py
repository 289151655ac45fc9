"""The function `prepare` of a source for inference."""

from __future__ import annotations

from typing import NamedTuple

from archdsl.backends.torch import code as c
from archdsl.backends.torch.formula import quoted
from archdsl.ir.network import Module
from archdsl.shapes.size import is_known
from archdsl.shapes.tensor import TensorType

_HEAD = '''\
def prepare(
    state_dict: Mapping[str, Tensor],
    *,
{batch}    device: torch.device | str = "{device}",
    dtype: torch.dtype = torch.{dtype},
    public: bool = False,
{more}) -> {result}:
    """The net with the weights of training, ready to be called.

{packed}    With `public`, only operators that PyTorch documents are used.
{told}\
    Raises KeyError for weights that are lacking, ValueError for weights of other nets.
    """
'''
_BATCH = "    batch: int = 1,\n"
_GRAPH = "    graph: bool = False,\n"
_PACKED = """\
    Weights are packed for `batch` inputs of the sizes that the net was compiled for.
    With others it gives the same numbers, but more slowly.
"""
_CHOSEN = """\
    Kernels are chosen for `batch` inputs of the sizes that the net was compiled for;
    with `torch.backends.cudnn.benchmark`, cuDNN chooses its own by trial.
"""
_KEEP = "    keep_memory: bool = False,\n"
_KEEPS = """\
    With `keep_memory`, what is freed stays with the process, all of it, for next calls.
"""
_GRAPHS = """\
    With `graph`, `batch` inputs of the sizes that the net was compiled for are computed
    in a CUDA graph, which is one launch for all kernels.
"""


class Settings(NamedTuple):
    """What `prepare` is written for.

    `packs` says whether a part chooses its kernels or packs its weights at the first
    call, `graph` whether there is a class for a CUDA graph.
    """

    device: str
    dtype: str
    packs: bool
    graph: bool


def sizes_are_known(root: Module) -> bool:
    """Whether the net can be called before inputs arrive."""
    return all(is_known(size) for tensor in root.inputs for size in tensor.sizes)


def prepare(
    root: Module, net: str, training: tuple[str, ...], settings: Settings
) -> str:
    """Its source. `training` are paths of what the net has in training only.

    The net is called once where something is packed, if its sizes are known.
    """
    packs = settings.packs and sizes_are_known(root)
    graph = settings.graph
    on_cpu = settings.device == "cpu"
    packed = _PACKED if on_cpu else _CHOSEN
    text = _HEAD.format(
        batch=_BATCH if packs or graph else "",
        device=settings.device,
        dtype=settings.dtype,
        more=_GRAPH if graph else _KEEP if on_cpu else "",
        result=f"{net} | Graph" if graph else net,
        packed=packed if packs else "",
        told=_GRAPHS if graph else _KEEPS if on_cpu else "",
    )
    written = text.splitlines()
    if on_cpu:
        written += c.header("if", "keep_memory", c.INDENT)
        keep = c.Call(c.Text("keep_freed_memory"), ())
        written += c.expression(keep, 2 * c.INDENT)
    weights = "Weights(state_dict, device, dtype, public)"
    written += c.assign("weights", c.Text(weights), c.INDENT)
    written += c.assign("net", c.Text(f"{net}(weights)"), c.INDENT)
    paths = tuple(c.Text(quoted(f"{path}.")) for path in training)
    written += c.expression(c.Call(c.Text("weights.check"), paths), c.INDENT)
    examples = tuple(c.Text(_example(tensor)) for tensor in root.inputs)
    if graph:
        written += c.assign("inputs", c.Listing(examples), c.INDENT)
        examples = (c.Text("*inputs"),)
    if packs:
        written += c.expression(c.Call(c.Text("net"), examples), c.INDENT)
    made = "Graph(net, *inputs) if graph else net" if graph else "net"
    written += c.returned(c.Text(made), c.INDENT)
    return "\n".join(written)


def _example(tensor: TensorType) -> str:
    sizes = ", ".join(map(str, ("batch", *tensor.sizes)))
    if tensor.dtype == "float":
        return f"torch.zeros({sizes}, device=device)"
    dtype = "long" if tensor.dtype == "int" else "bool"
    return f"torch.zeros({sizes}, device=device, dtype=torch.{dtype})"
