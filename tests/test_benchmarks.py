"""The benchmarks run, and what holds on any machine holds. `make bench` is exact."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from benchmarks import editor, report
from benchmarks.measure import MemoryRatio, Ratio, Sample, Series
from benchmarks.run import main


def measured(name: str, folder: Path) -> dict[str, dict[str, Any]]:
    """The ratios of a quick run, as the file it writes has them."""
    status = main([name, "--quick", "--out", str(folder)])
    result = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    assert result["name"] == name
    assert set(result["machine"]) == {"python", "cpu", "cores", "platform"}
    assert result["rounds"] >= 3
    for time in result["times"]:
        for clock in ("cpu_ms", "wall_ms"):
            assert 0 < time[clock]["least"] <= time[clock]["median"]
            assert time[clock]["median"] <= time[clock]["most"]
    for ratio in result["ratios"]:
        assert ratio["cpu"] > 0
        assert (ratio["met"] is None) == (ratio["target"] is None)
    assert status == report.missed(result)
    return {ratio["name"]: ratio for ratio in result["ratios"]}


def test_checking_takes_the_time_of_the_text(tmp_path: Path) -> None:
    ratios = measured("checking", tmp_path)
    assert ratios["check resnet1202 / resnet20"]["cpu"] <= 2
    assert ratios["check a block x1000000 / x10"]["cpu"] <= 2
    assert ratios["emit resnet1202 / resnet20"]["cpu"] <= 2


def test_time_grows_with_the_lines(tmp_path: Path) -> None:
    # Were it their square, a line of a text ten times as long would take ten times.
    for name, ratio in measured("growth", tmp_path).items():
        assert ratio["cpu"] <= 3, name


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="the system has no wait4")
def test_check_starts_quickly(tmp_path: Path) -> None:
    # Importing torch would make it 20.
    ratios = measured("startup", tmp_path)
    assert ratios["archdsl check specs/classics/resnet.arch / import lark"]["cpu"] <= 3


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="the system has no wait4")
def test_drawing_is_quick(tmp_path: Path) -> None:
    pytest.importorskip("torchview")
    for name, ratio in measured("drawing", tmp_path).items():
        if name.startswith("archdsl"):
            assert ratio["cpu"] <= 0.1, name
    text = (tmp_path / "drawing.json").read_text(encoding="utf-8")
    pictures = {each["name"]: each for each in json.loads(text)["pictures"]}
    mine = pictures["archdsl draw resnet50, SVG"]
    assert 0 < mine["bytes"] < pictures["torchview resnet50, DOT"]["bytes"]
    assert 0 < mine["high"] < mine["wide"]


@pytest.mark.parametrize("name", ["modules", "training"])
def test_modules_are_held_against_torchvision(name: str, tmp_path: Path) -> None:
    if find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    ratios = measured(name, tmp_path)
    assert any(each.startswith("mobilenet_v2 b1, ") for each in ratios)
    result = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
    for each in result.get("memory", ()):
        assert 0.5 < each["ratio"] < 1.5
        assert each["of_mb"] > 0


def test_memory_is_told_to_the_hundredth() -> None:
    found = MemoryRatio("a / b", 1_004_000, 1_000_000, target=1.0).as_json()
    assert found == {
        "name": "a / b",
        "ratio": 1.0,
        "of_mb": 1.0,
        "to_mb": 1.0,
        "target": 1.0,
        "met": True,
    }
    assert MemoryRatio("a / b", 1_010, 1_000, target=1.0).as_json()["met"] is False


def test_what_is_not_installed_is_said(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["drawing", "--quick", "--out", str(tmp_path)]) == 1
    assert "torchview, which is not installed" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_ratio_is_of_medians_and_its_spread_of_neighbours() -> None:
    slow = Series("slow", (Sample(2, 4), Sample(6, 8), Sample(4, 8)))
    quick = Series("quick", (Sample(1, 2), Sample(2, 2), Sample(4, 1)))
    ratio = Ratio("slow / quick", slow, quick, target=1.5)
    assert ratio.as_json() == {
        "name": "slow / quick",
        "cpu": 2,
        "least": 1,
        "most": 3,
        "wall": 4,
        "target": 1.5,
        "met": False,
    }
    assert Ratio("a line", slow, quick, target=1.5, scale=10).met
    assert Ratio("without a target", slow, quick).met is None


def test_page_is_made_from_the_results() -> None:
    results = report.read()
    names = [result["name"] for result in results]
    assert names == sorted(names, key=report.NAMES.index)
    assert {"startup", "checking", "growth", "drawing"} <= set(names)
    assert report.PAGE.read_text(encoding="utf-8") == report.page(
        results, report.read_gpu()
    )


def test_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["startpu"])
    assert end.value.code == 2
    assert "startpu" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="not on Linux")
def test_the_language_server_answers(tmp_path: Path) -> None:
    pytest.importorskip("pygls")
    editor.main(["--rounds", "1", "--out", str(tmp_path)])
    result = json.loads((tmp_path / "editor.json").read_text(encoding="utf-8"))
    for row in result["answers"]:
        assert 0 < row["cpu_ms"]["median"] < 1000, row["question"]
    assert editor.table(result).count("\n") == 6


def test_the_page_about_editors_shows_what_was_measured() -> None:
    path = report.RESULTS / "editor.json"
    result = json.loads(path.read_text(encoding="utf-8"))
    assert editor.table(result) in editor.PAGE.read_text(encoding="utf-8")
