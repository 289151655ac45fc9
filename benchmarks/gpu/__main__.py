"""`python -m benchmarks.gpu emit DIR`, then `python -m benchmarks.gpu run`.

`emit` needs archdsl and writes the modules and a copy of this package. `run` needs
torch alone, here or in that folder, and compares with torchvision where it is there.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import warnings
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_SOURCES = Path("build/gpu")


def main(argv: list[str] | None = None) -> int:
    """Emit or measure; 0 also where there is no GPU to measure on."""
    args = _arguments(argv)
    if args.command == "emit":
        from benchmarks.gpu.emit import emit

        for path in emit(args.folder):
            print(path)
        return 0
    try:
        import torch
    except ImportError:
        print("benchmarks.gpu run needs torch: pip install torch", file=sys.stderr)
        return 1
    there = torch.cuda.is_available()
    if args.device == "cuda" and not there:
        print("PyTorch finds no GPU here: nothing is measured.")
        return 0
    return _measure(args, torch.device(args.device))


def _measure(args: argparse.Namespace, device: object) -> int:
    import torch

    from benchmarks.gpu import nets, run, settings
    from benchmarks.gpu.timing import Clock

    assert isinstance(device, torch.device)
    if "TORCHINDUCTOR_CACHE_DIR" not in os.environ:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.mkdtemp(prefix="inductor-")
    # They tell of TF32 and of autotuning once a setting.
    warnings.simplefilter("ignore")
    wanted = settings.tiny() if args.tiny else settings.SETTINGS
    if args.only:
        wanted = tuple(s for s in wanted if any(o in s.name for o in args.only))
    if not wanted:
        names = "\n  ".join(setting.name for setting in settings.SETTINGS)
        print(f"no setting holds {args.only}; there are\n  {names}", file=sys.stderr)
        return 2
    clock = Clock(device, rounds=3, least=0.0) if args.tiny else Clock(device)
    size = run.Size() if device.type == "cuda" and not args.tiny else run.TINY
    try:
        runner = run.Run(args.sources, clock, size, args.out, args.budget)
    except nets.SourcesError as problem:
        print(problem, file=sys.stderr)
        return 1
    if args.command == "warm":
        for setting in wanted:
            runner.warm(setting)
        return 0
    if args.resume:
        runner.resume()
    if args.workers and not args.tiny:
        options = ["--device", args.device, "--sources", str(args.sources.resolve())]
        run.warm_up(wanted, options, args.workers, args.ahead)
    try:
        runner.all(wanted)
    except run.LostError as problem:
        # Another process can go on.
        run.tell(f"the device is lost to this process: {problem}")
        given = ["--resume", "--workers", "0", "--budget", str(runner.left)]
        command = [sys.executable, "-m", "benchmarks.gpu", *sys.argv[1:], *given]
        os.execv(sys.executable, command)
    done, failed = runner.tally()
    run.tell(
        f"{done} settings measured, {failed} rows or settings failed, "
        f"{len(runner.result['skipped'])} skipped; {args.out / 'gpu.json'}"
    )
    return int(done == 0)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "benchmarks.gpu",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    emit = commands.add_parser("emit", help="write the modules as source")
    emit.add_argument("folder", type=Path, nargs="?", default=_SOURCES, metavar="DIR")
    run = commands.add_parser("run", help="measure")
    warm = commands.add_parser("warm", help="only compile, into the compiler's cache")
    for command in (run, warm):
        command.add_argument(
            "--sources",
            type=Path,
            default=Path() if Path("nets.json").is_file() else _SOURCES,
            metavar="DIR",
            help="where `emit` wrote to",
        )
        command.add_argument(
            "--only",
            action="append",
            metavar="TEXT",
            help="settings whose name holds this; may stand several times",
        )
        command.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
        command.add_argument(
            "--tiny",
            action="store_true",
            help="small sizes and few runs: whether it works, not how fast",
        )
        command.add_argument(
            "--out",
            type=Path,
            default=_ROOT / "benchmarks" / "results",
            metavar="DIR",
            help="where gpu.json is written",
        )
        command.add_argument(
            "--budget",
            type=float,
            default=440,
            metavar="SECONDS",
            help="no setting is begun that would end later",
        )
    run.add_argument(
        "--resume", action="store_true", help="go on from the gpu.json that is there"
    )
    run.add_argument(
        "--workers",
        type=int,
        default=7,
        metavar="N",
        help="how many settings are compiled ahead, side by side",
    )
    run.add_argument(
        "--ahead",
        type=float,
        default=120,
        metavar="SECONDS",
        help="how long they may, at most",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
