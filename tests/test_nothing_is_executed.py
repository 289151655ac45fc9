"""Commands execute nothing and touch no file that they were not told of.

An audit hook of Python sees each import, file, socket and process; see `audited.py`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MARKER = "marker_qzx"
AUDITED = Path(__file__).with_name("audited.py")

SPECS = (
    "classics/alexnet.arch",
    "torchvision/resnet.arch",
    "torchvision/swin.arch",
    "transformers/bert.arch",
    "segmentation/fcn_deeplabv3.arch",
    "modern/ddpm_unet.arch",
)
# What each is asked for, `{}` being the spec and `{o}` a new file.
COMMANDS = (
    *("check {}", "check --format json {}", "check --format github {}"),
    *("fmt --check {}", "fmt --diff {}", "compile {} -o {o}.py", "compile {}"),
    *("draw {} -o {o}.dot", "draw {} -o {o}.svg", "draw {} -o {o}.mmd"),
    *(
        "draw {} --view tree",
        "summary {}",
        "summary {} --json",
        "summary {} --sort params",
    ),
    *("names {}", "names {} --lock {o}.lock"),
)
# What is one row of volumes, and what is drawn although its check fails.
ROWS = ("alexnet.arch", "resnet.arch", "own.arch")
PICTURES = (
    *("draw {} --view volumes -o {o}.svg", "draw {} --view volumes -o {o}.tex"),
    *("draw {} --view volumes -f tikz", "draw {} --view volumes --theme dark -f svg"),
)
# Nets of specs that hold several, and none called like the file.
NETS = {
    "bert": "bert_base",
    "resnet": "resnet18",
    "swin": "swin_t",
    "fcn_deeplabv3": "fcn_resnet50",
}


def audited(
    project: Path, out: Path, commands: list[list[str]]
) -> subprocess.CompletedProcess[str]:
    out.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, str(AUDITED), str(project), str(out), MARKER],
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        check=False,
        cwd=project,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Specs of the repository, with the marker in each as a label and a comment."""
    made = tmp_path_factory.mktemp("project")
    for spec in SPECS:
        shutil.copytree(ROOT / "specs" / spec.split("/")[0], made, dirs_exist_ok=True)
    for file in made.rglob("*.arch"):
        text = file.read_text(encoding="utf-8")
        file.write_text(f"# {MARKER}\n{text}", encoding="utf-8")
    (made / "own.arch").write_text(
        f'use "used.arch" as u\nextern e_{MARKER} c -> c from "os:system"\n'
        f"block {MARKER} c {{ {MARKER}: fc c | relu }}\n"
        f"net n_{MARKER} {{ input 8 | {MARKER}1: {MARKER} 8 | u.b 8"
        f' | "{MARKER}": fc 8 | e_{MARKER} 8 }}\n'
    )
    (made / "used.arch").write_text(f"block b c {{ {MARKER}: fc c }}\n")
    (made / "wrong.arch").write_text(f"net {MARKER} {{ input 8 | {MARKER}_x 3 }}\n")
    (made / "failing.arch").write_text(
        f"net n {{ input 8 | {MARKER}: fc 8 | {MARKER}_x 3 | relu | fc 2 -> 3 }}\n"
    )
    return made


def test_nothing_is_executed(project: Path, tmp_path: Path) -> None:
    commands: list[list[str]] = []
    specs = [Path(spec).name for spec in SPECS] + ["own.arch"]
    for spec in specs:
        forms = (*COMMANDS, *PICTURES) if spec in ROWS else COMMANDS
        for number, form in enumerate(forms):
            words = form.replace("{}", spec).replace("{o}", f"{tmp_path}/out/{number}")
            command = words.split()
            name = NETS.get(spec.removesuffix(".arch"))
            if name is not None and command[0] not in ("check", "fmt"):
                command += ["--net", name]
            if spec == "ddpm_unet.arch" or command[0] != "names":
                commands.append(command)
    failing = [
        form.format("failing.arch", o=f"{tmp_path}/out/failing{number}").split()
        for number, form in enumerate((*COMMANDS, *PICTURES))
        if form.startswith("draw")
    ]
    commands += failing
    commands += [
        *(["check", "wrong.arch"], ["explain", "E0101"], ["completion", "bash"]),
        *(["init", f"{tmp_path}/out/first.arch"], ["--help"]),
    ]
    done = audited(project, tmp_path / "out", commands)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    failed = [
        (command, status)
        for command, status in zip(commands, found["statuses"], strict=True)
        if status
    ]
    wrong = [*failing, ["check", "wrong.arch"]]
    assert [command for command, _ in failed] == wrong, failed
    for number, form in enumerate((*COMMANDS, *PICTURES)):
        if "{o}" in form and form.startswith("draw"):
            ending = form.rpartition("{o}")[2]
            picture = tmp_path / "out" / f"failing{number}{ending}"
            assert "E0201" in picture.read_text(encoding="utf-8")
    # The hook has been there: files were opened, and modules imported.
    assert found["events"]["open"] > 100
    assert found["events"]["import"] > 50


@pytest.mark.parametrize(
    "code",
    [
        "import torch",
        "exec('1')",
        "__import__('os').system('true')",
        "__import__('subprocess').run(['true'])",
        "__import__('socket').socket()",
        "open('/etc/hostname')",
        "open('own.arch', 'a')",
        f"compile('{MARKER}', sys.executable, 'exec')",
    ],
)
def test_the_hook_ends_what_is_forbidden(
    code: str, project: Path, tmp_path: Path
) -> None:
    """It would notice."""
    out = tmp_path / "out"
    out.mkdir()
    text = AUDITED.read_text(encoding="utf-8").replace(
        "    from archdsl.cli.main import main\n", f"    {code}\n"
    )
    text = text.replace("__file__", repr(str(AUDITED)))
    spoilt = tmp_path / "spoilt.py"
    spoilt.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(spoilt), str(project), str(out), MARKER],
        input="[]",
        capture_output=True,
        text=True,
        check=False,
        cwd=project,
    )
    assert done.returncode == 99, done.stderr
    assert done.stderr.startswith("FORBIDDEN")


@pytest.mark.skipif(sys.platform == "win32", reason="links and devices are others")
@pytest.mark.parametrize("how", ["above", "link", "folder", "pipe", "device", "loop"])
def test_files_outside_are_not_opened(how: str, tmp_path: Path) -> None:
    """Not even to look at them: the hook would end the process."""
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "secret.arch").write_text("block secret { fc 8 }\n")
    target = project / "used.arch"
    path = "used.arch"
    if how == "above":
        path = "../secret.arch"
    elif how == "link":
        target.symlink_to(tmp_path / "secret.arch")
    elif how == "folder":
        (project / "sub").symlink_to(tmp_path)
        path = "sub/secret.arch"
    elif how == "pipe":
        os.mkfifo(target)
    elif how == "device":
        target.symlink_to("/dev/zero")
    else:
        target.symlink_to("used.arch")
    (project / "net.arch").write_text(f'use "{path}"\nnet n {{ input 8 | fc 8 }}\n')
    done = audited(project, tmp_path / "out", [["check", "net.arch"]])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["statuses"] == [1]
    assert "E0803" in (tmp_path / "out" / "stdout").read_text()
