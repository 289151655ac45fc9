"""Options of the test suite."""

import gc
import os
from pathlib import Path

import pytest
from shell import Shell

# Before PyTorch is imported: threads of several processes would wait for each other.
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0"))
if WORKERS:
    threads = max(1, (os.cpu_count() or 1) // WORKERS)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-cases",
        action="store_true",
        help="write the findings into tests/cases instead of comparing them",
    )


def pytest_collection_finish() -> None:
    """The tests stay to the end, so the collector need not go through them."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def update_cases(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-cases"))


@pytest.fixture
def shell(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Shell:
    """Runs commands in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path, capsys, monkeypatch)
