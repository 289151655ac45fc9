"""benchmarks.gpu without a GPU: what it emits, counts, compares and writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from benchmarks.gpu import floors, nets
from benchmarks.gpu.__main__ import main
from benchmarks.gpu.emit import SPECS, emit
from benchmarks.gpu.nets import OURS, Net
from benchmarks.gpu.page import section
from benchmarks.gpu.settings import MODES, PRECISIONS, SETTINGS, tiny
from benchmarks.gpu.timing import is_product

RESNET18 = "resnet18 inference b2 fp32 contiguous"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gpu")
    emit(folder)
    return folder


@pytest.fixture(scope="module")
def emitted(sources: Path) -> dict[str, Net]:
    return nets.read(sources)


@pytest.fixture(scope="module")
def result(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Measured in the emitted folder, where archdsl is not to be had."""
    out = tmp_path_factory.mktemp("out")
    script = (
        "import sys; sys.modules['archdsl'] = sys.modules['lark'] = None\n"
        "from benchmarks.gpu.__main__ import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", script, "run", "--device", "cpu", "--tiny"]
    command += ["--only", "resnet18", "--out", str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(
        command, cwd=sources, check=True, env=environment, stdout=subprocess.DEVNULL
    )
    result: dict[str, Any] = json.loads((out / "gpu.json").read_text(encoding="utf-8"))
    return result


def test_every_net_of_the_settings_is_emitted(emitted: dict[str, Net]) -> None:
    for setting in (*SETTINGS, *tiny()):
        assert setting.net in emitted
        assert setting.precision in PRECISIONS
        assert set(setting.modes) <= set(MODES)


@pytest.mark.parametrize("name", SPECS)
def test_work_counts_the_multiply_adds_of_the_spec(
    name: str, emitted: dict[str, Net]
) -> None:
    net = emitted[name]
    work = floors.work(net.build, net.side)
    assert work.macs == net.macs
    assert work.weights > 0


def test_bytes_of_a_convolution() -> None:
    def build() -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 5, 3, padding=1, bias=False), nn.ReLU())

    work = floors.work(build, 8)
    assert work == (5 * 64 * 27, 3 * 64, 5 * 64, 0, 135)
    assert work.flops(4, train=True) == 3 * work.flops(4, train=False)
    assert work.bytes(4, False, 2, 2) == 4 * 2 * 8 * 64 + 2 * 135


def test_floor_is_the_longer_of_both() -> None:
    ceilings = floors.Ceilings({"bf16": 100.0}, 10.0)
    assert ceilings.floor(200, 10, "bf16") == (2.0, "arithmetic")
    assert ceilings.floor(200, 30, "autocast") == (3.0, "bytes")


def test_result_of_a_tiny_run(result: dict[str, Any]) -> None:
    names = [entry["name"] for entry in result["settings"]]
    assert names == [s.name for s in tiny() if s.net == "resnet18"]
    assert not any("failed" in entry for entry in result["settings"])
    [agreement] = result["agreement"]
    assert agreement.get("fp32", 0) < 1e-4
    for entry in result["settings"]:
        for row in entry["rows"]:
            assert "failed" not in row
            if "graph" in row["mode"]:
                assert "GPU" in row["skipped"]
                continue
            assert row["ms"] > 0
            assert len(row["runs_ms"]) == result["rounds"]
            assert row.get("error", 0) < 0.1
    trained = result["settings"][-1]["rows"]
    losses = [row["loss"] for row in trained if "loss" in row]
    assert losses == pytest.approx([losses[0]] * len(losses), rel=1e-3)


def test_page_shows_what_was_measured(result: dict[str, Any]) -> None:
    text = section([result])
    for entry in result["settings"]:
        for row in entry["rows"]:
            if "ms" in row and row["peer"] == OURS:
                assert f"| {entry['name']} | {row['mode']} | {row['ms']:.3f} |" in text
    assert "graph, archdsl: CUDA graphs need a GPU" in text


def row(mode: str, peer: str, *runs: float, **more: Any) -> dict[str, Any]:
    return {
        **{"mode": mode, "peer": peer, "runs_ms": runs, "ms": sorted(runs)[1]},
        **{"images": 1.0, "tflops": 1.0, "gbytes": 1.0, "share": 0.25},
        **{
            "memory": 10**6,
            "kernels": 3,
            "launches": 2,
            "products_ms": 1.0,
            "others_ms": 2.0,
            "error": 0.0,
            **more,
        },
    }


def test_page_judges_targets(result: dict[str, Any]) -> None:
    def entry(name: str, *rows: dict[str, Any]) -> dict[str, Any]:
        return {"name": name, "bound": "bytes", "rows": rows}

    settings = [
        entry(
            "resnet50 training b256 autocast channels_last",
            row("compiled", "archdsl", 9.0, 11.0, 12.0),
            row("compiled", "torchvision", 10.0, 10.0, 10.0),
        ),
        entry(
            "resnet50 inference b256 bf16 channels_last",
            row("max-autotune", "torchvision", 4.0, 4.0, 4.0),
            row("inference graph", "archdsl", 3.0, 3.0, 3.0),
        ),
        entry(
            "resnet1202 inference b1 bf16 channels_last",
            row("eager", "archdsl", 10.0, 10.0, 10.0),
            row("graph", "archdsl", 5.0, 6.0, 7.0),
        ),
    ]
    text = section([{**result, "settings": settings}])
    assert "| 1.10 | 0.90–1.20 | ≤ 1.0 | within the spread |" in text
    assert "| 25% |  | ≥ 33% | MISSED |" in text
    assert "| 0.75 | 0.75–0.75 | ≤ 1.0 | met |" in text
    assert "| 0.60 | 0.50–0.70 | ≤ 0.4 | MISSED |" in text


def test_a_setting_that_time_does_not_hold_is_skipped(
    sources: Path, tmp_path: Path
) -> None:
    arguments = ["run", "--device", "cpu", "--tiny", "--only", RESNET18]
    arguments += ["--sources", str(sources), "--out", str(tmp_path)]
    assert main([*arguments, "--budget", "5"]) == 1
    result = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))
    assert [skipped["name"] for skipped in result["skipped"]] == [RESNET18]
    assert result["settings"] == []


def test_when_the_device_is_lost_another_process_goes_on(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    class GoneError(Exception):
        pass

    commands: list[list[str]] = []

    def execv(_: str, command: list[str]) -> None:
        commands.append(command)
        raise GoneError

    arguments = ["run", "--device", "cpu", "--tiny", "--only", RESNET18]
    arguments += ["--sources", str(sources), "--out", str(tmp_path)]
    monkeypatch.setattr("sys.argv", ["benchmarks.gpu", *arguments])
    monkeypatch.setattr("os.execv", execv)
    with monkeypatch.context() as patched:
        patched.setattr("benchmarks.gpu.run._lost", lambda _: True)
        patched.setattr("benchmarks.gpu.steps.Steps.make", broken)
        with pytest.raises(GoneError):
            main(arguments)
    [command] = commands
    assert command[3 : 3 + len(arguments)] == arguments
    # What failed is not tried again; what is left is.
    rest = [*command[3:], "--only", "alexnet inference"]
    assert main(rest) == 0
    result = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))
    [lost, measured] = result["settings"]
    assert lost["name"] == RESNET18
    assert "illegal memory" in lost["failed"]
    assert "failed" not in measured


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_nothing_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--out", str(tmp_path)]) == 0
    assert "no GPU" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_bad_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = ["run", "--device", "cpu", "--tiny", "--sources", str(tmp_path)]
    assert main(run) == 1
    assert "benchmarks.gpu emit" in capsys.readouterr().err
    assert main([*run, "--only", "resnet5000"]) == 2
    assert "resnet50 training b256" in capsys.readouterr().err


def test_kernels_of_products_are_known_by_name() -> None:
    for name in (
        "sm90_xmma_wgrad_indexed_implicit_gemm_bf16bf16_bf16f32_f32_nhwckrsc_nhwc",
        "nvjet_sm90_tst_128x256_64x4_2x1_v_bx_coopA_relubias_TNN",
        "void cutlass__5x_cudnn::Kernel<cutlass_tensorop_bf16_s16816fprop>",
        "void pytorch_flash::flash_fwd_kernel<Flash_fwd_kernel_traits<64>>",
        "triton_tem_fused_addmm_relu_3",
    ):
        assert is_product(name)
    for name in (
        "triton_poi_fused_convolution_backward_native_batch_norm_backward_48",
        "void at::native::batch_norm_backward_elemt_channels_last_kernel<4>",
        "void at::native::(anonymous namespace)::max_pool_forward_nhwc<float, int>",
        "void nhwcAddPaddingKernel<__nv_bfloat16, __nv_bfloat16, float, true>",
    ):
        assert not is_product(name)
