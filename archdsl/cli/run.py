"""`archdsl run`: one pass through a net, for a person to look at."""

from __future__ import annotations

import argparse

from archdsl.backends.text.wording import human
from archdsl.cli.console import CLEAN, CommandError, say
from archdsl.cli.select import network
from archdsl.ir.flat import MAX_LISTED
from archdsl.ir.network import Network

_NO_TORCH = 'running a net needs PyTorch: pip install "archdsl[torch]"'


def run(args: argparse.Namespace) -> int:
    """Build the net, feed it, and print what came out."""
    if args.rename is not None and args.weights is None:
        raise CommandError("--rename needs --weights FILE")
    net = network(args)
    if net.root.cost.layers > MAX_LISTED:
        raise CommandError(
            f"the net has {net.root.cost.layers:,} layers, and {MAX_LISTED:,} at most"
            " are run"
        )
    try:
        import torch  # noqa: F401
    except ImportError:
        raise CommandError(_NO_TORCH) from None
    from archdsl.runtime.renames import RenameError
    from archdsl.runtime.run import RunError
    from archdsl.runtime.weights import WeightsError

    try:
        _show(args, net)
    except (RunError, WeightsError, RenameError) as problem:
        raise CommandError(str(problem)) from None
    return CLEAN


def _show(args: argparse.Namespace, net: Network) -> None:
    from archdsl.runtime import run as runtime
    from archdsl.runtime.renames import renames_of
    from archdsl.runtime.weights import load_weights

    renames = renames_of(args.rename)
    device = runtime.device_named(args.device)
    if args.input is not None:
        x, how = runtime.picture(net, args.input, args.batch)
        inputs, fed = [x], f"{args.input}, {how}"
    else:
        inputs = runtime.random_inputs(net, args.batch, args.seed)
        fed = f"random, seed {args.seed}"
    module = runtime.built(net, args.seed)
    weights = f"initialised with seed {args.seed}"
    if args.weights is not None:
        count = load_weights(module, net, args.weights, renames)
        weights = f"{count:,} tensors from {args.weights}"
    done = runtime.ran(module, inputs, device)
    lines = [f"{net.name or net.source_name} on {device}", f"weights  {weights}"]
    names = net.root.input_names or ("",) * len(inputs)
    for name, x, tensor in zip(names, inputs, net.root.inputs, strict=True):
        given = "x".join(map(str, x.shape))
        held = "" if tensor.dtype == "float" else f" {tensor.dtype}"
        lines.append(f"input    {f'{name}: ' if name else ''}{given}{held}, {fed}")
    for name, shape in done.outputs:
        sizes = "x".join(map(str, shape))
        lines.append(f"output   {f'{name}: ' if name else ''}{sizes}")
    lines.append(
        f"time     {done.seconds * 1000:,.2f} ms, the median of {runtime.RUNS} runs"
    )
    if done.memory is not None:
        of = "tensors" if device.type == "cuda" else "the whole process"
        lines.append(f"memory   {human(done.memory)}B at the peak, of {of}")
    if done.largest:
        first = " for the first sample" if args.batch > 1 else ""
        named = done.outputs[0][0]
        of = f"numbers of `{named}`" if named else "outputs"
        lines += ["", f"The largest {of}{first}, and their softmax:"]
        width = max(len(str(row.place)) for row in done.largest)
        lines += [
            f"  {row.place:>{width}}  {row.value:10.4f}  {row.probability:7.2%}"
            for row in done.largest
        ]
    say("\n".join(lines) + "\n")
