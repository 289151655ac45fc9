"""Measures setting after setting while time is left, and writes after each."""

from __future__ import annotations

import contextlib
import datetime
import gc
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from benchmarks.gpu import floors, nets
from benchmarks.gpu.nets import OURS, THEIRS, Net
from benchmarks.gpu.settings import COMPILED, Setting
from benchmarks.gpu.steps import NotHereError, Steps, exact, set_precision
from benchmarks.gpu.timing import Clock

_AGREEMENT_BATCH = 8
_WIDTHS = {"bf16": (2, 2), "autocast": (2, 4), "tf32": (4, 4), "fp32": (4, 4)}
_TOLD = 160


class LostError(Exception):
    """The device gives errors only, whatever is asked of it by this process."""


class Size(NamedTuple):
    """How large what is measured is."""

    matmul: int = 8192
    copied: int = 2**30
    agreement: int = _AGREEMENT_BATCH


TINY = Size(matmul=256, copied=2**16, agreement=2)


class Run:
    """One run over all settings; `result` is what there is so far."""

    def __init__(
        self, sources: Path, clock: Clock, size: Size, out: Path, budget: float
    ) -> None:
        self.nets = nets.read(sources)
        self.clock = clock
        self.size = size
        self.out = out
        self._until = time.monotonic() + budget
        self._begun = time.monotonic()
        self._models = nets.torchvision_models()
        self._weights: tuple[str, dict[str, Tensor]] = "", {}
        self._work: dict[str, floors.Work] = {}
        self.result: dict[str, Any] = {
            "name": "gpu",
            "machine": _machine(clock.device),
            "rounds": clock.rounds,
            "agreement": [],
            "settings": [],
            "skipped": [],
        }

    @property
    def left(self) -> float:
        """The seconds that are left."""
        return self._until - time.monotonic()

    def all(self, settings: Iterable[Setting]) -> None:
        """Measure the ceilings and then every setting that the time holds.

        Raises LostError if the device can no longer be used; all is written before.
        """
        ceilings = self._ceilings()
        for setting in settings:
            if _known(setting) in map(_known_of, self.result["settings"]):
                continue
            if setting.net not in self.nets:
                self._skip(setting, "was not emitted")
            elif self.left < setting.seconds:
                self._skip(setting, f"{setting.seconds:.0f} s were not left")
            else:
                self._one(setting, ceilings)
            self.write()

    def resume(self) -> None:
        """Go on from the result that was written, if there is one."""
        with contextlib.suppress(OSError, ValueError):
            text = (self.out / "gpu.json").read_text(encoding="utf-8")
            self.result = {**json.loads(text), "skipped": []}

    def _ceilings(self) -> floors.Ceilings:
        facts = self.result.get("ceilings")
        if facts is None:
            facts = floors.ceilings(self.clock, self.size.matmul, self.size.copied)
            self.result["ceilings"] = facts
            tell(f"ceilings: {facts['tflops']} TFLOP/s, {facts['gbytes']} GB/s")
        return floors.Ceilings.of(facts)

    def tally(self) -> tuple[int, int]:
        """How many settings were measured, and how many things failed."""
        settings = self.result["settings"]
        rows = [row for entry in settings for row in entry["rows"]]
        failed = sum("failed" in found for found in (*settings, *rows))
        return sum("failed" not in entry for entry in settings), failed

    def warm(self, setting: Setting) -> None:
        """Only compile what a setting needs, into the cache."""
        with self._prepared(setting) as steps:
            for peer in self._builders(setting.net):
                steps.make("compiled", peer)()

    def write(self) -> None:
        """Write the result; a reader finds the old or the new, never half of one."""
        self.result["seconds"] = round(time.monotonic() - self._begun, 1)
        self.out.mkdir(parents=True, exist_ok=True)
        path = self.out / "gpu.json"
        half = path.with_suffix(".half")
        text = json.dumps(self.result, indent=1, ensure_ascii=False)
        half.write_text(text + "\n", encoding="utf-8", newline="\n")
        os.replace(half, path)

    def _skip(self, setting: Setting, why: str) -> None:
        self.result["skipped"].append({"name": setting.name, "why": why})
        tell(f"skipped: {setting.name}, {why}")

    def _builders(self, name: str) -> dict[str, Callable[[], nn.Module]]:
        theirs = nets.peer(self._models, name)
        ours = {OURS: self.nets[name].build}
        return ours if theirs is None else {**ours, THEIRS: theirs}

    def _drawn(self, net: Net) -> dict[str, Tensor]:
        """The weights of a net; those of the last one are kept."""
        if self._weights[0] != net.name:
            self._weights = "", {}
            module = nets.on(self.clock.device, net.build)
            nets.draw(module)
            seeds = iter(range(100, 200))

            def picture() -> Tensor:
                batch = self.size.agreement
                return nets.pictures(net, batch, self.clock.device, next(seeds))

            nets.calibrate(module, picture)
            self._weights = net.name, module.state_dict()
        return self._weights[1]

    @contextlib.contextmanager
    def _prepared(self, setting: Setting) -> Any:
        net = self.nets[setting.net]
        set_precision("fp32")
        weights = self._drawn(net)
        set_precision(setting.precision)
        builders = self._builders(net.name)
        device = self.clock.device
        steps = Steps(setting, net, builders, weights, device)
        with torch.inference_mode(mode=not setting.train):
            yield steps

    def _agree(self, net: Net) -> None:
        """Compare both peers in float32, and bf16 with float32, once for each net."""
        if any(row["net"] == net.name for row in self.result["agreement"]):
            return
        weights = self._drawn(net)
        x = nets.pictures(net, self.size.agreement, self.clock.device, seed=7)
        outputs: dict[str, Tensor] = {}
        halves: dict[str, Tensor] = {}
        with torch.inference_mode(), exact():
            for peer, build in self._builders(net.name).items():
                module = nets.on(self.clock.device, build).eval()
                module.load_state_dict(weights)
                outputs[peer] = module(x)
                halves[peer] = module.bfloat16()(x.bfloat16())
        row: dict[str, Any] = {"net": net.name}
        for peer, half in halves.items():
            row[f"bf16 {peer}"] = nets.difference(half, outputs[peer])
        if THEIRS in outputs:
            row["fp32"] = nets.difference(outputs[OURS], outputs[THEIRS])
            row["equal"] = torch.equal(outputs[OURS], outputs[THEIRS])
        self.result["agreement"].append(row)
        tell(f"agreement: {row}")

    def _one(self, setting: Setting, ceilings: floors.Ceilings) -> None:
        begun = time.monotonic()
        # What the last one held is held no longer.
        _let_go(self.clock.device)
        net = self.nets[setting.net]
        entry: dict[str, Any] = {"name": setting.name, **setting._asdict()}
        entry["rows"] = []
        try:
            self._agree(net)
            entry |= self._floor(setting, net, ceilings)
            with self._prepared(setting) as steps:
                self._rows(setting, steps, entry)
        except Exception as problem:
            # The settings that follow are worth as much.
            entry["failed"] = _short(problem)
            tell(f"failed: {setting.name}: {entry['failed']}")
        entry["took"] = round(time.monotonic() - begun, 1)
        self.result["settings"].append(entry)
        if "failed" in entry and _lost(self.clock.device):
            self.write()
            raise LostError(entry["failed"])

    def _floor(
        self, setting: Setting, net: Net, ceilings: floors.Ceilings
    ) -> dict[str, Any]:
        if net.name not in self._work:
            self._work[net.name] = floors.work(net.build, net.side)
        counted = self._work[net.name]
        flops = counted.flops(setting.batch, setting.train)
        moved = counted.bytes(setting.batch, setting.train, *_WIDTHS[setting.precision])
        seconds, bound = ceilings.floor(flops, moved, setting.precision)
        return {
            "flops": flops,
            "bytes": moved,
            "floor_ms": round(seconds * 1e3, 5),
            "bound": bound,
        }

    def _rows(self, setting: Setting, steps: Steps, entry: dict[str, Any]) -> None:
        reference = None if setting.train else steps.reference()
        calls: dict[str, Callable[[], object]] = {}
        rows: dict[str, dict[str, Any]] = {}
        for mode in setting.modes:
            for peer in self._builders(setting.net):
                if not _has(peer, mode):
                    continue
                row: dict[str, Any] = {"mode": mode, "peer": peer}
                entry["rows"].append(row)
                begun = time.monotonic()
                # Dropout draws the same for both peers.
                torch.manual_seed(0)
                try:
                    call = steps.make(mode, peer)
                    out = call()
                    if mode in COMPILED:
                        row["first_s"] = round(time.monotonic() - begun, 1)
                    if reference is None:
                        row["loss"] = float(out)
                    else:
                        row["error"] = nets.difference(out, reference)
                    # Alone with what it needs; compiling is over.
                    call()
                    row["memory"] = None if "graph" in mode else self.clock.memory(call)
                    row |= self.clock.launches(call)
                    calls[f"{mode} {peer}"] = call
                    rows[f"{mode} {peer}"] = row
                except NotHereError as problem:
                    row["skipped"] = str(problem)
                except Exception as problem:
                    row["failed"] = _short(problem)
                    if _lost(self.clock.device):
                        raise
                    tell(f"failed: {setting.name}, {mode} {peer}: {row['failed']}")
        for name, span in self.clock.in_turn(calls).items():
            row = rows[name]
            row["runs_ms"] = [round(seconds * 1e3, 5) for seconds in span.seconds]
            row["ms"] = round(span.median * 1e3, 5)
            row["images"] = round(setting.batch / span.median, 1)
            row["tflops"] = round(entry["flops"] / span.median / 1e12, 2)
            row["gbytes"] = round(entry["bytes"] / span.median / 1e9, 1)
            row["share"] = round(entry["floor_ms"] / row["ms"], 4)
            tell(
                f"{setting.name:<48} {name:<26} {row['ms']:>9.3f} ms"
                f" {row['images']:>9.0f}/s {row['share']:>5.0%} of the floor,"
                f" {row['kernels']} kernels, {row['launches']} launches"
                + (f", first {row['first_s']} s" if "first_s" in row else "")
            )


def warm_up(
    settings: Sequence[Setting], options: Sequence[str], count: int, seconds: float
) -> None:
    """Compile the first settings side by side, each in a process, into the cache.

    What is not done in time, or fails, is compiled later where it is measured.
    """
    until = time.monotonic() + seconds
    environment = {**os.environ, "TORCHINDUCTOR_COMPILE_THREADS": "3"}
    command = [sys.executable, "-m", "benchmarks.gpu", "warm", *options]
    running = {
        setting.name: subprocess.Popen(
            [*command, "--only", setting.name],
            cwd=Path(__file__).parents[2],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for setting in [setting for setting in settings if setting.warm][:count]
    }
    try:
        while running and time.monotonic() < until:
            time.sleep(0.2)
            for name, process in list(running.items()):
                if process.poll() is not None:
                    del running[name]
                    ended = "compiled" if process.returncode == 0 else "NOT compiled"
                    left = until - time.monotonic()
                    tell(f"{ended} ahead: {name}, {left:.0f} s left for this")
    finally:
        for name, process in running.items():
            tell(f"not compiled ahead in time: {name}")
            _end(process)
    # Chosen while others were computing; the compiler will choose again.
    cache = Path(os.environ["TORCHINDUCTOR_CACHE_DIR"])
    for choice in list(cache.rglob("*.best_config")):
        choice.unlink(missing_ok=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and those it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    process.wait()


def tell(text: str) -> None:
    """Say how it goes."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _has(peer: str, mode: str) -> bool:
    """Whether a mode is measured for that peer."""
    if peer == THEIRS:
        return not mode.startswith("inference")
    # It takes minutes, and is what emission for inference is held against.
    return mode != "max-autotune"


def _known(setting: Setting) -> tuple[str, list[str]]:
    return setting.name, list(setting.modes)


def _known_of(entry: dict[str, Any]) -> tuple[str, list[str]]:
    return entry["name"], list(entry["modes"])


def _lost(device: torch.device) -> bool:
    """Whether an error of a kernel made the device unusable for this process."""
    if device.type != "cuda":
        return False
    try:
        torch.cuda.synchronize(device)
    except RuntimeError:
        return True
    return False


def _short(problem: Exception) -> str:
    text = f"{type(problem).__name__}: {problem}".replace("\n", " ")
    return text if len(text) <= _TOLD else f"{text[:_TOLD]}…"


def _let_go(device: torch.device) -> None:
    # Code compiled for one setting is of no use to the next, and there is a limit to
    # how often one function is compiled.
    if "torch._dynamo" in sys.modules:
        torch.compiler.reset()
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _machine(device: torch.device) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": None,
        "cores": os.cpu_count(),
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "card": str(device),
    }
    with contextlib.suppress(ImportError):
        from importlib.metadata import PackageNotFoundError, version

        with contextlib.suppress(PackageNotFoundError):
            facts["torchvision"] = version("torchvision")
    if device.type == "cuda":
        facts |= {
            "card": torch.cuda.get_device_name(device),
            "memory_gb": round(torch.cuda.mem_get_info(device)[1] / 1e9, 1),
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        }
    return facts
