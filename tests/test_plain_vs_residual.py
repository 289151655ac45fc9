"""The experiment with plain and residual nets runs, and its page says what it gave."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import archdsl
from archdsl.source import Source
from archdsl.syntax.format import format_source
from examples.plain_vs_residual import report, training
from examples.plain_vs_residual.__main__ import main
from examples.plain_vs_residual.report import Results
from examples.plain_vs_residual.training import Run

ROOT = Path(__file__).parents[1]
COMMITTED = ROOT / "examples" / "plain_vs_residual" / "results"
CPU = torch.device("cpu")


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The experiment's command, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "examples.plain_vs_residual", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def a_run(net: str, seed: int, loss: float, right: int) -> Run:
    return Run(net, seed, 1000, (2.0, loss), loss / 2, right, 1.0)


def some_results(*runs: Run) -> Results:
    return Results(
        report.settings(training.load(), 2), report.machine(CPU), tuple(runs)
    )


# The command


def test_a_trial_writes_everything(tmp_path: Path) -> None:
    done = run("--quick", "--deep", "--device", "cpu", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "need CUDA: plain110, resnet110, resnet1202" in done.stdout
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"README.md", "results.json", "curves.svg", "curves.png"}
    found = report.read(tmp_path)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == report.page(found)
    assert [(run.net, run.seed) for run in found.runs] == [
        (net, seed)
        for seed in (3, 4)
        for net in ("plain20", "plain56", "resnet20", "resnet56")
    ]
    for each in found.runs:
        assert len(each.losses) == found.settings["epochs"] == 2
        assert 0 < each.final_loss < 10
        assert 0 <= each.test_right <= found.settings["test"]
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")

    # From the numbers alone come the same page and curves.
    before = {name: (tmp_path / name).read_bytes() for name in names}
    for name in names - {"results.json"}:
        (tmp_path / name).unlink()
    done = run("--report", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert {name: (tmp_path / name).read_bytes() for name in names} == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--depths", "21"], "networks.arch has no plain21, only plain20, plain32"),
        (["--depths", "20", "1202"], "networks.arch has no plain1202"),
        (["--epochs", "0"], "0 is not a whole number from 1 on"),
        (["--seeds", "three"], "three is not a whole number from 0 on"),
        (["--seeds", "-1"], "-1"),
        (["--out", str(training.SPEC)], "networks.arch"),
        (["--report", "--out", str(ROOT / "specs")], "results.json"),
    ],
)
def test_wrong_usage_is_told_before_the_training(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.out == ""


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA")
def test_cuda_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--quick", "--device", "cuda"])
    assert end.value.code == 2
    assert "PyTorch finds no CUDA here" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "[1]", '{"runs": [{"net": "plain20"}]}'])
def test_a_file_that_holds_no_results(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(SystemExit) as end:
        main(["--report", "--out", str(tmp_path)])
    assert end.value.code == 2
    assert "results.json is not such a file" in capsys.readouterr().err
    assert len([*tmp_path.iterdir()]) == 1


# The nets and their training


def test_the_spec_is_clean_and_formatted() -> None:
    text = training.SPEC.read_text(encoding="utf-8")
    assert format_source(Source("networks.arch", text)) == (text, [])
    checked = archdsl.check(training.SPEC)
    assert checked.ok
    wanted = (*training.names(training.DEPTHS), *training.DEEP)
    assert set(wanted) < set(checked.nets)


@pytest.mark.parametrize("depth", training.DEPTHS)
def test_only_the_shortcuts_differ(depth: int) -> None:
    plain, residual = (
        archdsl.load(training.SPEC, net=f"{kind}{depth}").train()
        for kind in training.KINDS
    )
    residual.load_state_dict(plain.state_dict())
    # As many layers with weights as the name says.
    weights = [p for p in plain.parameters() if p.dim() > 1]
    assert len(weights) == depth
    # The last batch norm of a block leaves nothing; what is left of a residual block
    # is then its shortcut, and of a plain one nothing.
    for model in (plain, residual):
        for name, parameter in model.named_parameters():
            if name.startswith("layer") and ".bn2." in name:
                torch.nn.init.zeros_(parameter)
    x = torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    conv, bn, fc = (plain.get_submodule(name) for name in ("conv1", "bn1", "fc"))
    with torch.no_grad():
        stem = torch.relu(bn(conv(x)))
        features = torch.zeros(8, 64)
        assert torch.allclose(plain(x), fc(features), atol=1e-5)
        features[:, :16] = stem[:, :, ::4, ::4].mean(dim=(2, 3))
        assert torch.allclose(residual(x), fc(features), atol=1e-5)


@pytest.fixture
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("one_thread")
def test_a_seed_gives_the_same_run() -> None:
    digits = training.load().first(96)
    first, again, other = (
        replace(training.train("resnet20", seed, digits, 2, CPU), cpu_seconds=0)
        for seed in (3, 3, 4)
    )
    assert first == again
    assert first.losses != other.losses


def test_the_digits_are_split_as_said() -> None:
    digits = training.load()
    assert digits.train_images.shape == (1437, 1, 8, 8)
    assert digits.test_images.shape == (360, 1, 8, 8)
    together = torch.cat([digits.train_images, digits.test_images]).flatten(1)
    assert len(together.unique(dim=0)) == 1797
    assert abs(float(digits.train_images.mean())) < 1e-5


# The page


def test_the_ratios_are_of_medians_and_of_seeds() -> None:
    found = some_results(
        *(a_run("plain20", seed, 0.1 * seed, 300) for seed in (3, 4, 5)),
        *(a_run("plain56", seed, 2.0, 60) for seed in (5, 4, 3)),
        *(a_run("resnet20", seed, 0.1, 350) for seed in (3, 4, 5)),
        *(a_run("resnet56", seed, loss, 351) for seed, loss in ((3, 0.1), (4, 0.3))),
        a_run("resnet56", 5, 0.25, 351),
    )
    lines = report.answer(found).splitlines()
    assert lines[2] == (
        "| plain56 / plain20, final training loss | 5 | 6.67 | 5 | 4 | over 10 | no |"
    )
    assert lines[4] == (
        "| resnet56 / resnet20, final training loss "
        "| 2.5 | 1 | 3 | 2.5 | at most 2 | no |"
    )
    page = report.page(found)
    assert "| plain20 | 1,000 | 0.400 (0.300–0.500) | 0.200 (0.150–0.250) |" in page
    assert "| resnet56 | 351 | 351 | 351 |" in page


def test_without_both_depths_there_is_no_ratio() -> None:
    found = some_results(a_run("plain20", 3, 0.1, 300))
    assert report.answer(found) == "That takes nets of 20 and of 56 layers.\n"


def test_the_committed_page_is_made_from_the_committed_numbers() -> None:
    found = report.read(COMMITTED)
    page = (COMMITTED / "README.md").read_text(encoding="utf-8")
    assert page == report.page(found)
    front = (COMMITTED.parent / "README.md").read_text(encoding="utf-8")
    assert report.answer(found) in front


def test_the_committed_numbers_are_of_the_whole_experiment_as_it_stands() -> None:
    found = report.read(COMMITTED)
    nets = training.names(training.DEPTHS)
    every = {(net, seed) for net in nets for seed in training.SEEDS}
    assert {(run.net, run.seed) for run in found.runs} >= every
    assert found.settings == report.settings(training.load(), training.EPOCHS)
    for each in found.runs:
        assert len(each.losses) == training.EPOCHS
        network = archdsl.check(training.SPEC).network(each.net)
        assert each.parameters == network.root.cost.params
