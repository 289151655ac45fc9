"""`python -m examples.plain_vs_residual`, from the top of the repository."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

import archdsl
from examples.plain_vs_residual import plot, results, training

OUT = Path("build") / "plain_vs_residual"


def main(argv: list[str] | None = None) -> int:
    """Train every net from every seed, and write curves, numbers and a page."""
    parser = _parser()
    args = parser.parse_args(argv)
    if args.report:
        results.write_page(results.read(args.out), args.out)
        plot.draw(results.read(args.out).runs, args.out)
        return 0
    known = archdsl.check(training.SPEC).nets
    nets = training.names(args.depths)
    for net in nets:
        if net not in known:
            parser.error(f"{training.SPEC.name} has no net {net}, but {known}")
    torch.set_num_threads(1)
    device = _device(parser, args.device)
    if device.type == "cpu":
        torch.use_deterministic_algorithms(True)
    digits = training.load().to(device)
    runs = []
    for seed in args.seeds:
        for net in nets:
            run = training.train(net, seed, digits, args.epochs, device)
            runs.append(run)
            print(
                f"seed {seed}  {net:<10}  loss {run.final_loss:.4f}  "
                f"test {run.test_right}/{len(digits.test_labels)}  "
                f"{run.seconds:.0f} s of CPU", flush=True
            )
    found = results.Results(
        results.settings(digits, args.epochs), results.machine(device), tuple(runs)
    )
    results.write(found, args.out)
    return 0
