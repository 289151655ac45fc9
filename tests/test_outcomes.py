"""Specs with all that the compiler makes of them, word by word.

Each `tests/outcomes/*.txt` holds short specs, each after a line `===`, and after a line
`---` what `outcomes.outcome` says of it, or of those in sketches.txt and those that
begin with `# sketch` what `outcomes.sketched` does. What a spec uses stands in it after
lines `# file NAME`; one that begins with `# limits` sets lower ones.

`pytest tests/test_outcomes.py --update-cases` writes what is found into the files. Read
the difference: each line is a shape, a cost, a name or a message that users see.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from outcomes import outcome, sketched

FOLDER = Path(__file__).resolve().parent / "outcomes"
SPEC = "===\n"
RESULT = "---\n"


def entries(path: Path) -> dict[str, str]:
    """Each spec of a file, with what is made of it."""
    found: dict[str, str] = {}
    for part in path.read_text(encoding="utf-8").split(SPEC)[1:]:
        spec, _, result = part.partition(RESULT)
        assert spec not in found, f"{path.name} has it twice: {spec}"
        found[spec] = result
    return found


FILES = {path.stem: entries(path) for path in sorted(FOLDER.glob("*.txt"))}


def made(name: str, spec: str) -> str:
    as_sketch = name == "sketches" or spec.startswith("# sketch\n")
    return sketched(spec) if as_sketch else outcome(spec)


@pytest.mark.parametrize(
    ("name", "spec"), [(name, spec) for name, specs in FILES.items() for spec in specs]
)
def test_outcome(name: str, spec: str, update_cases: bool) -> None:
    if not update_cases:
        assert made(name, spec) == FILES[name][spec]


@pytest.mark.parametrize("name", FILES)
def test_update(name: str, update_cases: bool) -> None:
    if update_cases:
        texts = [f"{SPEC}{spec}{RESULT}{made(name, spec)}" for spec in FILES[name]]
        (FOLDER / f"{name}.txt").write_text("".join(texts), encoding="utf-8")
    assert FILES[name]
