"""The function `prepare` of a source for inference."""

from __future__ import annotations

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
) -> {net}:
    """The net with the weights of training, ready to be called.

{packed}    With `public`, only operators that PyTorch documents are used.
    Raises KeyError for weights that are lacking, ValueError for weights of other nets.
    """
'''
_PACKED = """\
    Weights are packed for {batch}inputs of the sizes that the net was compiled for.
    With others it gives the same numbers, but more slowly.
"""


def prepare(
    root: Module,
    net: str,
    training: tuple[str, ...],
    settings: tuple[str, str],
    packs: bool,
) -> str:
    """Its source. `training` are paths of what the net has in training only.

    `settings` are the device and the type to begin with. With `packs` the net is
    called once, if its sizes are known.
    """
    known = all(is_known(size) for tensor in root.inputs for size in tensor.sizes)
    packs = packs and known
    device, dtype = settings
    text = _HEAD.format(
        batch="    batch: int = 1,\n" if packs else "",
        device=device,
        dtype=dtype,
        net=net,
        packed=_PACKED.format(batch="`batch` ") if packs else "",
    )
    written = text.splitlines()
    weights = "Weights(state_dict, device, dtype, public)"
    written += c.assign("weights", c.Text(weights), c.INDENT)
    written += c.assign("net", c.Text(f"{net}(weights)"), c.INDENT)
    paths = tuple(c.Text(quoted(f"{path}.")) for path in training)
    written += c.expression(c.Call(c.Text("weights.check"), paths), c.INDENT)
    if packs:
        examples = tuple(c.Text(_example(tensor)) for tensor in root.inputs)
        written += c.expression(c.Call(c.Text("net"), examples), c.INDENT)
    written += c.returned(c.Text("net"), c.INDENT)
    return "\n".join(written)


def _example(tensor: TensorType) -> str:
    sizes = ", ".join(map(str, ("batch", *tensor.sizes)))
    if tensor.dtype == "float":
        return f"torch.zeros({sizes}, device=device)"
    dtype = "long" if tensor.dtype == "int" else "bool"
    return f"torch.zeros({sizes}, device=device, dtype=torch.{dtype})"
