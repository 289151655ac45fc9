"""`python -m examples.plain_vs_residual`, from the top of the repository."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

import archdsl
from examples.plain_vs_residual import plot, report, training
from examples.plain_vs_residual.report import Results

OUT = Path("build") / "plain_vs_residual"

# Enough to see that everything works, and to learn nothing.
QUICK_DEPTHS, QUICK_SEEDS, QUICK_EPOCHS, QUICK_DIGITS = (20, 56), (3, 4), 2, 64


def main(argv: list[str] | None = None) -> int:
    """Train every net from every seed, and write numbers, curves and a page."""
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        if args.report:
            found = report.read(args.out)
        else:
            device = _device(args.device, parser)
            nets = _nets(args, device, parser)
            # Before the training and not after it, should the folder be refused.
            args.out.mkdir(parents=True, exist_ok=True)
            found = _train(nets, args, device)
            report.write(found, args.out)
        report.write_page(found, args.out)
        plot.write(found, args.out)
    except (OSError, report.UnreadableError) as error:
        parser.error(str(error))
    print(f"\n{report.answer(found)}\nThe files are in {args.out}.")
    return 0


def _train(
    nets: Sequence[str], args: argparse.Namespace, device: torch.device
) -> Results:
    digits = training.load().to(device)
    epochs = args.epochs or (QUICK_EPOCHS if args.quick else training.EPOCHS)
    if args.quick:
        digits = digits.first(QUICK_DIGITS)
    torch.set_num_threads(1)
    # On CUDA some of the layers have no such algorithm.
    torch.use_deterministic_algorithms(device.type == "cpu")
    runs = []
    for seed in args.seeds or (QUICK_SEEDS if args.quick else training.SEEDS):
        for net in nets:
            run = training.train(net, seed, digits, epochs, device)
            runs.append(run)
            print(
                f"seed {seed}  {net:<10}  training loss {run.final_loss:.4f}  "
                f"test {run.test_right}/{len(digits.test_labels)}  "
                f"{run.cpu_seconds:.1f} s of CPU",
                flush=True,
            )
    return Results(report.settings(digits, epochs), report.machine(device), tuple(runs))


def _nets(
    args: argparse.Namespace, device: torch.device, parser: argparse.ArgumentParser
) -> list[str]:
    depths = args.depths or (QUICK_DEPTHS if args.quick else training.DEPTHS)
    nets = training.names(sorted(set(depths)))
    known = [net for net in archdsl.check(training.SPEC).nets if net[-1].isdecimal()]
    for net in nets:
        if net not in known:
            parser.error(f"{training.SPEC.name} has no {net}, only {', '.join(known)}")
    if args.deep and device.type == "cuda":
        nets += [net for net in training.DEEP if net not in nets]
    elif args.deep:
        print(f"left out, since they need CUDA: {', '.join(training.DEEP)}")
    return nets


def _device(name: str, parser: argparse.ArgumentParser) -> torch.device:
    """`auto` means CUDA where there is any."""
    available = torch.cuda.is_available()
    if name == "auto":
        name = "cuda" if available else "cpu"
    elif name == "cuda" and not available:
        parser.error("--device cuda: PyTorch finds no CUDA here; leave --device out")
    return torch.device(name)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "examples.plain_vs_residual",
        description="Train plain and residual nets of several depths on 1,437 digits.",
    )
    for name, least, default in (
        ("--depths", 1, training.DEPTHS),
        ("--seeds", 0, training.SEEDS),
    ):
        shown = " ".join(map(str, default))
        parser.add_argument(
            name,
            type=_whole(least),
            nargs="+",
            metavar="N",
            help=f"default: {shown}",
        )
    parser.add_argument(
        "--epochs", type=_whole(1), metavar="N", help=f"default: {training.EPOCHS}"
    )
    parser.add_argument(
        "--out", type=Path, default=OUT, metavar="DIR", help=f"default: {OUT}"
    )
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument(
        "--deep", action="store_true", help=f"also {', '.join(training.DEEP)}, on CUDA"
    )
    parser.add_argument(
        "--quick", action="store_true", help="a trial of some seconds on a few digits"
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="train nothing; draw and write anew from the results.json in --out",
    )
    return parser


def _whole(least: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(
                f"{text} is not a whole number from {least} on"
            )
        return int(text)

    return whole


if __name__ == "__main__":
    sys.exit(main())
