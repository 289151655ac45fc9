"""The extension for VS Code in `editors/vscode`: by Node, and its page by Chromium."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from pages import commands
from vscode_truth import KINDS, texts

from archdsl import __version__
from archdsl.editor.analysis import analyse
from archdsl.editor.picture import Asked, picture
from archdsl.ops import LAYERS
from archdsl.syntax import tables

ROOT = Path(__file__).resolve().parent.parent
EXTENSION = ROOT / "editors" / "vscode"
NODE, NPM = shutil.which("node"), shutil.which("npm")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
INSTALL = ("ci", "--ignore-scripts")
SERVER = (sys.executable, "-m", "archdsl", "lsp")


@pytest.fixture(scope="session")
def modules() -> Path:
    """The folder of the extension, with the packages that its tests need."""
    if NODE is None or NPM is None:
        pytest.skip("Node.js and npm are not installed")
    version = subprocess.check_output([NODE, "--version"], text=True)
    if int(version.removeprefix("v").partition(".")[0]) < 20:
        pytest.skip(f"Node.js is {version.strip()}; 20 or newer is needed")
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    with (build / "npm.lock").open("w") as lock:
        # Of workers beside each other, one installs.
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = EXTENSION / "node_modules" / ".archdsl-installed"
        wanted = (EXTENSION / "package-lock.json").read_text(encoding="utf-8")
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
            done = subprocess.run(
                [NPM, *INSTALL, "--no-audit", "--no-fund", "--prefer-offline"],
                cwd=EXTENSION,
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
            )
            if done.returncode:
                said = done.stderr.strip()[-300:]
                if os.environ.get("CI"):
                    pytest.fail(f"npm ci: {said}")
                pytest.skip(f"npm ci could not install what is needed: {said}")
            stamp.write_text(wanted, encoding="utf-8")
    return EXTENSION


def node(script: str, *arguments: str, **environment: str) -> str:
    """What a script of the extension's tests prints."""
    assert NODE is not None
    done = subprocess.run(
        [NODE, str(EXTENSION / "test" / script), *arguments],
        cwd=EXTENSION,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_word_of_every_spec_has_its_colour(modules: Path, tmp_path: Path) -> None:
    file = tmp_path / "truth.json"
    file.write_text(json.dumps(texts()), encoding="utf-8")
    *problems, last = node("grammar.js", str(file)).splitlines()
    assert problems == []
    told = json.loads(last)
    assert told["texts"] > 500
    assert told["words"] > 30_000
    assert not [scope for scope in told["scopes"] if not scope.endswith(".arch")]


def test_what_does_not_fit_is_found(modules: Path, tmp_path: Path) -> None:
    text = "conv 4 # 😀\n"
    words = [(0, 4, ["string"]), (5, 6, ["constant.numeric.integer"])]
    file = tmp_path / "wrong.json"
    whole = {"name": "spec", "text": text, "words": words, "whole": True}
    file.write_text(json.dumps([whole]), encoding="utf-8")
    problems = node("grammar.js", str(file)).splitlines()[:-1]
    assert problems == [
        'spec:1: "conv" is support.function.layer.arch, not string',
        'spec:1: "# 😀" is comment.line.number-sign.arch, not nothing',
    ]


def test_all_kinds_of_words_have_a_colour() -> None:
    loaded = tables.load()
    kinds = {kind for state in loaded.actions for kind in state}
    assert kinds - {"NEWLINE", "$END"} == KINDS.keys()


def test_all_layers_are_in_the_grammar() -> None:
    grammar = (EXTENSION / "syntaxes" / "arch.tmLanguage.json").read_text("utf-8")
    rules = json.loads(grammar)["repository"]["layers"]["patterns"]
    named = [
        name
        for rule in rules
        for name in rule["begin"].split("(", 2)[2].partition(")")[0].split("|")
    ]
    assert sorted(named) == sorted(LAYERS)


def test_types_are_right(modules: Path) -> None:
    compiler = modules / "node_modules" / ".bin" / "tsc"
    done = subprocess.run(
        [str(compiler), "--project", "jsconfig.json"],
        cwd=modules,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_it_is_packed_with_all_that_it_needs(modules: Path, tmp_path: Path) -> None:
    file = tmp_path / "archdsl.vsix"
    ((enter, install, pack, _),) = commands("docs/editors.md", "VS Code")
    assert (enter, install) == ("cd editors/vscode", f"npm {' '.join(INSTALL)}")
    command = pack.replace("archdsl.vsix", str(file)).split()
    done = subprocess.run(
        command, cwd=modules, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(file) as packed:
        names = {
            name.removeprefix("extension/")
            for name in packed.namelist()
            if name.startswith("extension/")
        }
        packed.extractall(tmp_path / "packed")
    own = {name for name in names if not name.startswith("node_modules/")}
    assert own == {
        *("package.json", "readme.md", "changelog.md", "LICENSE.txt", "icon.png"),
        *("language-configuration.json", "syntaxes/arch.tmLanguage.json"),
        *("media/preview.css", "media/preview.js"),
        *(f"src/{path.name}" for path in (EXTENSION / "src").glob("*.js")),
    }
    # Whatever it brings along brings its licence.
    packages = {name.split("/")[1] for name in names - own}
    licences = {
        name.split("/")[1]
        for name in names - own
        if name.split("/")[2].lower().startswith("license")
    }
    assert packages == licences
    told = json.loads(node("packed.js", str(tmp_path / "packed" / "extension")))
    assert told == {"gives": ["activate", "deactivate"], "foreign": []}


def test_its_papers_are_those_of_archdsl() -> None:
    made = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
    assert made["version"] == __version__.partition(".dev")[0]
    licence = (EXTENSION / "LICENSE").read_text(encoding="utf-8")
    assert licence == (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_the_server_is_found_or_it_is_said_what_to_do(
    modules: Path, tmp_path: Path
) -> None:
    pytest.importorskip("pygls")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    lacking = tmp_path / "archdsl"
    lacking.write_text("#!/bin/sh\necho 'archdsl: it needs pygls' >&2\nexit 2\n")
    lacking.chmod(0o755)
    commands = (sys.executable, str(lacking), str(tmp_path / "nowhere"))
    told = json.loads(node("find.js", str(tmp_path), *commands))
    assert told["plain"] == [[str(python), "-m", "archdsl"], ["archdsl"]]
    assert told["chosen"][0] == ["/env/bin/python3.12", "-m", "archdsl"]
    assert told["set"] == [[str(tmp_path / "tools" / "archdsl")]]
    works, lacks, nowhere = told["tried"]
    assert works["works"]
    assert not lacks["works"]
    assert "does not start (the setting archdsl.server.path)" in lacks["advice"]
    assert "archdsl: it needs pygls" in lacks["advice"]
    assert nowhere["problems"] == ["there is no such program"]
    assert "was not found" in nowhere["advice"]
    assert 'pip install "archdsl[lsp]"' in nowhere["advice"]


def test_the_pane_follows_the_text(modules: Path) -> None:
    pytest.importorskip("pygls")
    told = json.loads(node("host.js", *SERVER))
    assert told["none"] == {"told": "Open a file that ends in .arch first."}
    assert told["first"]["nets"] == ["toy", "two"]
    assert told["first"]["svg"] == "conv 3×3, 4"
    assert told["typed"]["svg"] == "conv 3×3, 7"
    broken = told["broken"]
    assert broken["svg"] is None
    assert broken["message"] == "line 1: this `{` is never closed"
    assert told["other"]["svg"] == "conv 3×3, 8"
    assert told["dark"] is True
    assert told["ended"]["message"] == "no server"
    assert told["title"] == "Diagram of toy.arch"
    policy = told["policy"].split("; ")
    assert policy[:2] == ["default-src 'none'", "style-src vscode-resource:"]
    assert policy[2].startswith("script-src 'nonce-")


SPEC = """\
net toy {
  input 3x32x32
  stem: conv 8 3 p1 | relu
  maxpool 2 | gap | fc 10
}
net twin = toy
"""


FIRST = "line 4: there is no layer, block or label `mxpool`"


def answers() -> dict[str, Any]:
    """What the server says of a text in some states."""
    wrong = SPEC.replace("maxpool", "mxpool")

    def answer(text: str, **asked: Any) -> dict[str, Any]:
        made = picture(analyse("net.arch", text), Asked()._replace(**asked))
        return made._asdict()

    refused = {"nets": ["toy", "twin"], "net": "other", "svg": None}
    harm = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
    harm += "<script>window.harmed = 'yes'</script>"
    harm += '<foreignObject><b onclick="">b</b></foreignObject>'
    harm += '<image href="https://example.org/a.png" onerror="window.harmed=1"/></svg>'
    return {
        "good": answer(SPEC, net="toy"),
        "unread": answer(SPEC.replace("}", "")),
        "wrong": answer(wrong, net="toy"),
        "mistakes": answer(wrong, net="toy", mistakes=True),
        "other": answer(SPEC, net="twin"),
        "refused": {**refused, "message": "it cannot be drawn", "wrong": False},
        "hostile": {**refused, "svg": harm, "message": "", "wrong": False},
    }


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_the_page_in_a_browser(modules: Path, tmp_path: Path) -> None:
    assert CHROMIUM is not None
    file = tmp_path / "pictures.json"
    file.write_text(json.dumps(answers()), encoding="utf-8")
    told = json.loads(node("page.js", str(file), CHROMIUM=CHROMIUM))
    assert told["first"]["picture"] is None
    begun = told["begun"]
    assert (begun["told"], begun["kept"], begun["toggle"]) == (FIRST, False, "")
    assert begun["picture"] is not None
    good = told["good"]
    assert (good["picture"], good["told"], good["kept"]) == ("toy", "", False)
    assert (good["net"], good["nets"]) == ("toy", 2)
    # The style sheet of the picture holds, though the policy lets no text bring one.
    assert told["fill"] == "rgb(119, 170, 221)"
    assert told["weight"] == "700"
    assert told["inside"]
    percent = int(good["zoom"].removesuffix(" %"))
    assert int(told["larger"].removesuffix(" %")) == pytest.approx(
        percent * 1.44, abs=1
    )
    assert told["stays"] == told["larger"]
    assert told["pulled"] == [30, 20]
    keeps = ". This is the last good picture."
    assert told["unread"]["kept"]
    assert told["unread"]["told"].endswith(keeps)
    assert told["unread"]["toggle"] == ""
    assert told["wrong"]["picture"] == "toy"
    assert told["wrong"]["told"] == FIRST + keeps
    assert told["wrong"]["toggle"] == "Draw the mistake"
    assert not told["mistakes"]["kept"]
    assert told["mistakes"]["told"] == FIRST
    assert told["mistakes"]["toggle"] == "Keep the last good picture"
    assert (told["mended"]["told"], told["mended"]["kept"]) == ("", False)
    assert told["other"]["picture"] == "twin"
    # The picture of another net is none of this one.
    assert told["refused"]["picture"] is None
    assert told["refused"]["told"] == "it cannot be drawn"
    assert told["hostile"] == [0, "no"]
    # Until there is a good picture the mistake is asked for, and not after it.
    asked = {"net": "toy", "view": "volumes", "mistakes": True}
    asks = [
        message["asked"]["mistakes"] for message in told["sent"] if "asked" in message
    ]
    assert asks == [True, False, True, True, True]
    assert told["sent"][1] == {"type": "go", "line": 3}
    assert told["sent"][-1]["asked"] == asked
    # Nothing was tried that the policy refuses, and no script has failed.
    assert told["violations"] == []
