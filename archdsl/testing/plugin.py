"""The pytest plugin: `pytest --arch` collects `*.arch` files and checks them.

Without the option it does nothing and imports nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

if TYPE_CHECKING:
    from _pytest._code.code import ExceptionInfo, TerminalRepr


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--arch`."""
    parser.getgroup("archdsl").addoption(
        "--arch",
        action="store_true",
        help="check *.arch files, which announce mistakes by `# expect: CODE`",
    )


def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> pytest.Collector | None:
    """A spec, where they were asked for."""
    if file_path.suffix == ".arch" and parent.config.getoption("--arch"):
        return SpecFile.from_parent(parent, path=file_path)
    return None


class SpecFile(pytest.File):
    """A file with a spec, which is one test."""

    def collect(self) -> Iterator[pytest.Item]:
        """That test."""
        yield SpecItem.from_parent(self, name="spec")


class SpecItem(pytest.Item):
    """Checks a spec: it has the mistakes that it announces."""

    # It takes no fixtures; pytest-lsp fails whatever does not say so.
    funcargs: ClassVar[dict[str, object]] = {}

    def runtest(self) -> None:
        """Check it. Raises ExpectationError."""
        from archdsl.testing.expected import assert_expected

        assert_expected(self.path)

    def repr_failure(
        self, excinfo: ExceptionInfo[BaseException], style: object = None
    ) -> str | TerminalRepr:
        """The findings, without the way in through Python."""
        if isinstance(excinfo.value, AssertionError | OSError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it stands."""
        return self.path, 0, str(self.path)
