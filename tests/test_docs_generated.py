"""The generated pages are fresh, and the examples on them say what is true."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from archdsl.diagnostics.codes import CODES, COMMAND, page
from archdsl.pipeline import check
from archdsl.source import Source

ROOT = Path(__file__).resolve().parent.parent
SPECS = [entry for entry in CODES.values() if not entry.wrong.startswith(COMMAND)]


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    # It imports what lies beside it, as it does when it is run.
    sys.path.insert(0, str(ROOT / "docs"))
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_fresh(generate: ModuleType) -> None:
    assert generate.stale() == [], "run `make docs`"


@pytest.mark.parametrize("code", [entry.code for entry in SPECS])
def test_wrong_gives_exactly_its_code(code: str) -> None:
    found = check(Source("wrong.arch", CODES[code].wrong)).diagnostics
    assert [finding.code for finding in found] == [code]


@pytest.mark.parametrize("code", [entry.code for entry in SPECS])
def test_right_is_clean(code: str) -> None:
    checked = check(Source("right.arch", CODES[code].right))
    assert checked.diagnostics == []
    assert checked.networks


def test_every_code_that_is_raised_has_a_page() -> None:
    raised = {
        code
        for path in (ROOT / "archdsl").rglob("*.py")
        if path.name != "codes.py"
        for code in re.findall(r'"(E\d{4})"', path.read_text(encoding="utf-8"))
    }
    assert raised == CODES.keys()


def test_page_stands_alone() -> None:
    text = page("E0312")
    assert text.startswith("# E0312: ")
    assert CODES["E0312"].wrong in text
    assert CODES["E0312"].right in text


def test_checking_does_not_import_the_pages() -> None:
    program = (
        "import sys\n"
        "from archdsl.pipeline import check\n"
        "from archdsl.source import Source\n"
        "assert check(Source('a', 'cnv 3')).diagnostics\n"
        "assert 'archdsl.diagnostics.codes' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
