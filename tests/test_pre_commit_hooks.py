"""The hooks for projects with specs, as pre-commit runs them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from pages import code

ROOT = Path(__file__).resolve().parent.parent
HOOKS = ".pre-commit-hooks.yaml"

GOOD = "input 3x8x8 | conv 4x3x3 p1 | relu\n"
UNTIDY = "input 3x8x8|conv   4x3x3 p1|relu\n"
WRONG = "input 3x8x8 | conv 4x9x9\n"


class Repository:
    """A git repository of a user, and one with the hooks beside it."""

    def __init__(self, folder: Path) -> None:
        self.user, self._hooks = folder / "user", folder / "hooks"
        self._folder = folder
        for each in (self.user, self._hooks):
            each.mkdir()
            self._run("git", "init", "-q", cwd=each)
        # With `language: python` pre-commit would install the package from this
        # repository, for which it needs an index.
        text = (ROOT / HOOKS).read_text(encoding="utf-8")
        assert text.count("language: python\n") == 2
        text = text.replace("language: python", "language: system")
        command = shlex.join((sys.executable, "-m", "archdsl"))
        text = text.replace("entry: archdsl", f"entry: {command}")
        (self._hooks / HOOKS).write_text(text, encoding="utf-8")
        self._commit(self._hooks)

    def hook(self, name: str, **files: str) -> tuple[int, str]:
        """The status and output of a hook on files, given without their ending."""
        self._add(files)
        command = (*_PRE_COMMIT, "try-repo", str(self._hooks), name, "--all-files")
        done = self._run(*command, cwd=self.user)
        return done.returncode, done.stdout

    def configured(self, settings: str, **files: str) -> tuple[int, str]:
        """The status and output of `pre-commit run` with settings as users write."""
        found = re.search(r"repo: (\S+).*\n *rev: (\S+)", settings)
        assert found is not None
        self._run("git", "tag", "-f", found[2], cwd=self._hooks)
        text = settings.replace(found[1], str(self._hooks))
        (self.user / ".pre-commit-config.yaml").write_text(text, encoding="utf-8")
        self._add(files)
        done = self._run(*_PRE_COMMIT, "run", "--all-files", cwd=self.user)
        return done.returncode, done.stdout

    def _add(self, specs: dict[str, str]) -> None:
        for stem, text in specs.items():
            (self.user / f"{stem}.arch").write_text(text, encoding="utf-8")
        (self.user / "notes.txt").write_text("no spec", encoding="utf-8")
        self._run("git", "add", "-A", cwd=self.user)

    def _commit(self, folder: Path) -> None:
        self._run("git", "add", "-A", cwd=folder)
        author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        self._run("git", *author, "commit", "-qm", "hooks", cwd=folder)

    def _run(self, *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        paths = (str(ROOT), os.environ.get("PYTHONPATH", ""))
        own = {
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "PRE_COMMIT_HOME": str(self._folder / "home"),
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        return subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            check=command[0] == "git",
        )


_PRE_COMMIT = (sys.executable, "-m", "pre_commit")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    pytest.importorskip("pre_commit")
    return Repository(tmp_path)


def test_the_manifest_is_valid() -> None:
    clientlib = pytest.importorskip("pre_commit.clientlib")
    hooks = clientlib.load_manifest(ROOT / HOOKS)
    assert [hook["id"] for hook in hooks] == ["archdsl-check", "archdsl-fmt"]


def test_check_fails_for_specs_that_are_wrong(repository: Repository) -> None:
    status, out = repository.hook("archdsl-check", a=GOOD, b=GOOD)
    assert status == 0, out
    status, out = repository.hook("archdsl-check", a=GOOD, b=WRONG)
    assert status == 1
    assert "b.arch:1:20: error[E0302]" in out


def test_fmt_lays_out_all_files_in_place(repository: Repository) -> None:
    status, out = repository.hook("archdsl-fmt", a=UNTIDY, b=UNTIDY, c=GOOD)
    assert status == 1
    assert "files were modified by this hook" in out
    for stem in "abc":
        assert (repository.user / f"{stem}.arch").read_text(encoding="utf-8") == GOOD
    status, out = repository.hook("archdsl-fmt")
    assert status == 0, out


def test_the_settings_of_the_page_run_both(repository: Repository) -> None:
    settings = code("docs/pipelines.md", "yaml")[0]
    status, out = repository.configured(settings, a=WRONG, b=UNTIDY)
    assert status == 1
    assert "a.arch:1:20: error[E0302]" in out
    assert (repository.user / "b.arch").read_text(encoding="utf-8") == GOOD
    assert repository.configured(settings, a=GOOD)[0] == 0
