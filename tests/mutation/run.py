"""Mutation testing: what do the tests say of a program with one thing changed?

    python tests/mutation/run.py                     all of ops/ and elaborate/
    python tests/mutation/run.py archdsl/ops/pool.py
    python tests/mutation/run.py --sample 2000 --seed 1

One process imports the tests and runs each once, to see which lines it takes and how
long. Then each mutant is put in place, and the tests that take its lines are run, until
one fails. See docs/decisions/017-mutants.md.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import os
import pickle
import random
import subprocess
import sys
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from changes import Mutant, mutants
from forks import limited, said, spent
from order import named_after, naming_layers, of_module, unlike_first
from place import NoPlaceError, forget, in_place, ways
from record import Case, call, recorded

import archdsl
from archdsl.ops import LAYERS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SCOPE = ("archdsl/ops", "archdsl/elaborate")
OUT = ROOT / "build/mutants"
EXPLAINED = HERE / "explained.txt"
# Not what needs PyTorch, starts programs, or draws thousands of examples: what these
# tests do not tell apart counts as alive.
TESTS = """
    branches branches_elaborate_a branches_elaborate_b branches_elaborate_c
    branches_layers branches_names branches_ops branches_sizes branches_sketches cases
    diagnostics diff docs_generated draw_failed fixes known language_doc layers_page
    limits mermaid names ops_table outcomes ranking summary symbols tracks tree tuples
    unseen_text
""".split()
# The share of mutants that has to be killed, in percent.
LEAST = 95
# Mutants that one fork runs.
BATCH = 50


class Runner:
    """Takes the place of pytest's loop over the tests."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.items: dict[str, pytest.Item] = {}
        self.cases: list[Case] = []
        # Small numbers, and many of them.
        self.by_line: dict[tuple[str, int], array[int]] = defaultdict(_numbers)
        self.by_file: dict[str, array[int]] = defaultdict(_numbers)
        # Tests that told before, the last first, by function and by file.
        self.told: dict[str, list[int]] = defaultdict(list)
        self.killers: dict[str, str] = _stored("killers") or {}
        self.ends: dict[str, str] = {}
        self.late: set[str] = set()
        self.mixed: list[tuple[float, float, float]] = []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        # What all tests need is made once, before the forks.
        for name in LAYERS:
            archdsl.check(LAYERS[name].example)
        archdsl.check("input 4x8x8 | squeeze_excite 2 | relu")
        self.late = late_modules()
        gc.collect()
        gc.freeze()
        self._record(session.items)
        self._run(self._chosen())
        session.testsfailed = self._judged()
        return True

    def _write(self) -> None:
        explained = explanations()
        lines = [
            f"{name}\n"
            for name, end in self.ends.items()
            if end in ALIVE and name not in explained
        ]
        (OUT / "survivors.txt").write_text("".join(lines), encoding="utf-8")

    def _judged(self) -> int:
        """Print what is alive; 0 if that is little enough, and explained."""
        alive = [name for name, end in self.ends.items() if end in ALIVE]
        explained = set(explanations())
        unexplained = [name for name in alive if name not in explained]
        told = [name for name, end in self.ends.items() if end == "killed"]
        wrong = sorted(explained.intersection(told))
        counted = len(told) + len(alive)
        share = 100 * len(told) / counted if counted else 100.0
        print(f"killed {len(told)} of {counted}, {share:.1f} %")
        print(
            f"{len(unexplained)} alive and not explained: build/mutants/survivors.txt"
        )
        for name in wrong:
            print(f"explained, but killed: {name}")
        return int(share < LEAST or bool(wrong) or bool(unexplained))

    def _record(self, items: list[pytest.Item]) -> None:
        name = f"cases-{_state()}"
        stored: dict[str, Case | None] = _stored(name) or {}
        self.items = {item.nodeid: item for item in items}
        left = [item for item in items if item.nodeid not in stored]
        while left:
            done = self._record_some(left, stored)
            left = left[done:]
            _store(name, stored)
        found = [case for item in items if (case := stored[item.nodeid])]
        self.cases = sorted(found, key=lambda case: case.seconds)
        for at, case in enumerate(self.cases):
            for path, lines in case.lines.items():
                self.by_file[path].append(at)
                for line in lines:
                    self.by_line[path, line].append(at)
        # Those first that told most, in runs before; then the fast, unlike ones mixed.
        drawn = random.Random(0)
        often = Counter(self.killers.values())
        self.mixed = [
            (-often[case.name], round(case.seconds, 1), drawn.random())
            for case in self.cases
        ]
        total = sum(case.seconds for case in self.cases)
        print(f"{len(self.cases)} of {len(items)} tests, {total:.0f} s", flush=True)

    def _record_some(
        self, left: list[pytest.Item], stored: dict[str, Case | None]
    ) -> int:
        """How many are done. One that ends its process is left out."""

        def work(say: Callable[[object], None]) -> None:
            for item in left:
                say(recorded(item, [ROOT / part for part in SCOPE]))

        done = 0
        for done, case in enumerate(said(work), 1):
            stored[left[done - 1].nodeid] = case
        if done < len(left):
            stored[left[done].nodeid] = None
        return done + 1

    def _chosen(self) -> list[Mutant]:
        paths = [ROOT / path for path in self.options.paths] or [
            path for part in SCOPE for path in sorted((ROOT / part).glob("*.py"))
        ]
        found = [mutant for path in paths for mutant in mutants(path)]
        if self.options.names:
            names = set(Path(self.options.names).read_text().splitlines())
            found = [mutant for mutant in found if full_name(mutant) in names]
        if self.options.sample:
            drawn = random.Random(self.options.seed)
            # In this order, so that a run that is stopped has seen a sample, too.
            found = drawn.sample(found, min(self.options.sample, len(found)))
        return found

    def _run(self, chosen: list[Mutant]) -> None:
        began = spent()
        done = 0
        while done < len(chosen):
            done += self._run_some(chosen[done : done + BATCH])
            counts = ", ".join(f"{n} {end}" for end, n in self._counts().items())
            print(f"{done} of {len(chosen)}: {counts}", flush=True)
            _store("killers", self.killers)
            self._write()
        print(f"{spent() - began:.0f} s of the processor")

    def _run_some(self, batch: list[Mutant]) -> int:
        """How many of the mutants are done, in one fork."""

        def work(say: Callable[[object], None]) -> None:
            for mutant in batch:
                say(("begun", -1))
                word, case = self._end(mutant)
                say((word, case))
                if word == "dirty":
                    return

        begun = 0
        word, case = "", -1
        for word, case in said(work):
            if word == "begun":
                begun += 1
            elif word != "dirty":
                self._note(batch[begun - 1], word, case)
        if word == "begun":
            # Nothing but the end of its process stopped it.
            self._note(batch[begun - 1], "killed", -1)
        elif word == "dirty" and begun > 1:
            # It or one before has left something behind: a fresh process tells.
            return begun - 1
        elif word == "dirty":
            self._note(batch[0], self._after_dirt(case), case)
        return begun

    def _counts(self) -> Counter[str]:
        return Counter(self.ends.values())

    def _after_dirt(self, at: int) -> str:
        """Whether the test that told passes in a process that had no mutant."""

        def work(say: Callable[[object], None]) -> None:
            self._call(self.cases[at])
            say("passes")

        assert list(said(work)) == ["passes"], f"{self.cases[at].name} fails anyway"
        return "killed"

    def _note(self, mutant: Mutant, word: str, case: int) -> None:
        self.ends[full_name(mutant)] = word
        if case >= 0:
            self.killers[full_name(mutant)] = self.cases[case].name
            self._told(mutant, case)

    def _told(self, mutant: Mutant, case: int) -> None:
        for place in (f"{mutant.path} {mutant.scope}", str(mutant.path)):
            told = self.told[place]
            if case in told:
                told.remove(case)
            told.insert(0, case)

    def _end(self, mutant: Mutant) -> tuple[str, int]:
        """What becomes of the mutant, and the test that told."""
        found = (LEFT_OUT, -1)
        for at, way in enumerate(ways(mutant, self.late)):
            found = self._end_of(mutant, way, bool(mutant.scope) and at == 0)
            if found[0] not in ALIVE:
                break
        return found

    def _end_of(
        self, mutant: Mutant, way: Callable[[], Callable[[], None]], alone: bool
    ) -> tuple[str, int]:
        order = self._order(mutant, alone)
        if not order:
            return NOT_TAKEN, -1
        case = -1
        try:
            with in_place(way):
                began = spent()
                for case in order:
                    if spent() - began > self.options.longest:
                        return NOT_TOLD_SOON, -1
                    self._call(self.cases[case])
        except NoPlaceError:
            return LEFT_OUT, -1
        except BaseException:
            if case < 0:
                # The module cannot be imported.
                return "killed", -1
            self._told(mutant, case)
            try:
                self._call(self.cases[case])
            except BaseException:
                return "dirty", case
            return "killed", case
        return NOT_TOLD, -1

    def _call(self, case: Case) -> None:
        forget()
        with limited(2 + 10 * case.seconds):
            call(self.items[case.name])

    def _order(self, mutant: Mutant, alone: bool) -> list[int]:
        """The tests to run; the function `alone` is changed, or its module is new."""
        path = str(mutant.path)
        first, last = mutant.lines
        taking: set[int] = set()
        for line in range(first, last + 1):
            taking.update(self.by_line.get((path, line), ()))
        front = self.told[f"{mutant.path} {mutant.scope}"][:12] + self.told[path][:12]
        if not alone:
            # Its lines run when it is imported. What holds the table goes first.
            taking.update(self.by_file.get(path, ()))
            taking |= naming_layers(mutant, self.cases)
            front = [at for at in taking if TABLES in self.cases[at].name] + front
        front = named_after(mutant, self.cases, taking) + front
        front = of_module(mutant, self.cases, taking) + front
        before = self.killers.get(full_name(mutant))
        front = [at for at in taking if self.cases[at].name == before] + front
        front = [at for at in dict.fromkeys(front) if at in taking]
        others = sorted(taking.difference(front), key=self.mixed.__getitem__)
        return [*front, *unlike_first(mutant, self.cases, others)]


TABLES = "test_layers_page"
NOT_TAKEN = "in lines that no test takes"
NOT_TOLD = "that no test tells"
NOT_TOLD_SOON = "that no test tells soon"
LEFT_OUT = "left out"
ALIVE = (NOT_TAKEN, NOT_TOLD, NOT_TOLD_SOON)


def _numbers() -> array[int]:
    return array("H")


def full_name(mutant: Mutant) -> str:
    """The mutant's name with its file."""
    return f"{mutant.path.relative_to(ROOT / 'archdsl')} {mutant.name}"


def explanations() -> dict[str, str]:
    """Why a mutant may live, by its name: each reason stands above its mutants."""
    found: dict[str, str] = {}
    reason = ""
    for line in EXPLAINED.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            reason = line
        elif line:
            found[line] = reason
    return found


def late_modules() -> set[str]:
    """The modules of ops/ that only the table of layers imports."""
    program = (
        "import sys, archdsl.pipeline, archdsl.backends.text.summary\n"
        "import archdsl.elaborate.nets, archdsl.elaborate.sketch\n"
        "print(*(n for n in sys.modules if n.startswith('archdsl.')))"
    )
    early = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    return {
        name
        for name in sys.modules
        if name.startswith("archdsl.ops.") and name not in early
    }


def _state() -> str:
    digest = hashlib.sha256()
    for path in sorted((ROOT / "archdsl").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _stored(name: str) -> Any:
    path = OUT / name
    return pickle.loads(path.read_bytes()) if path.exists() else None


def _store(name: str, what: object) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / name).write_bytes(pickle.dumps(what))


def main() -> int:
    """Run the mutants that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", help="modules, all of both without")
    parser.add_argument("--sample", type=int, help="so many, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--longest", type=float, default=2.0, help="seconds a mutant")
    parser.add_argument("--names", help="a file of names: only these")
    parser.add_argument("--tests", nargs="*", default=TESTS)
    options = parser.parse_args()
    os.chdir(ROOT)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    files = [f"tests/test_{name}.py" for name in options.tests]
    flags = ["-s", "-q", "--assert=plain", "-p", "no:cacheprovider"]
    return int(pytest.main([*flags, *files], plugins=[Runner(options)]))


if __name__ == "__main__":
    sys.exit(main())
