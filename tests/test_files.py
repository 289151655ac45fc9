"""Specs of several files: what `use` brings in, and what it may read."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import archdsl
from archdsl.api import SpecError
from archdsl.cli.main import main
from archdsl.diagnostics.render import render
from archdsl.ir.network import LayerRef
from archdsl.limits import MOST
from archdsl.reading import MAX_BYTES
from archdsl.runtime.load import execute

UP = "block up c {\n  conv c 3x3 p1 | bn | relu\n}\n"
OTHER_UP = "block up c {\n  conv c 5x5 p2 | tanh\n}\n"

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    (tmp_path / "pyproject.toml").touch()

    def written(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return written


def codes(path: Path) -> list[str]:
    return [d.code for d in archdsl.check(path).diagnostics]


def message(path: Path) -> str:
    (found,) = archdsl.check(path).diagnostics
    return render([found], "full")


# What is brought in


def test_a_used_block_is_called_like_an_own_one(write: Write) -> None:
    write("up.arch", UP)
    own = archdsl.check(f"{UP}input 3x8x8 | up 16 | up 8").network()
    spec = write("net.arch", 'use "up.arch"\ninput 3x8x8 | up 16 | up 8\n')
    assert archdsl.check(spec).network().root.cost == own.root.cost


def test_a_prefix_keeps_names_apart(write: Write) -> None:
    write("lib/a.arch", UP)
    write("lib/b.arch", OTHER_UP)
    spec = write(
        "nets/net.arch",
        'use "../lib/a.arch" as aa\nuse "../lib/b.arch" as bb\n'
        "block up c { fc c }\n"
        "input 3x8x8 | aa.up 16 | bb.up 8 | flatten | up 10\n",
    )
    assert archdsl.check(spec).network().root.cost.params == (
        (3 * 9 + 1 + 2) * 16 + (16 * 25 + 1) * 8 + (8 * 64 + 1) * 10
    )


def test_nets_and_defaults_stay_where_they_are(write: Write) -> None:
    write(
        "up.arch",
        "default conv same bias=false\nblock up c { conv c 3x3 }\n"
        "net other { input 3x8x8 | up 4 }\n",
    )
    spec = write(
        "net.arch", 'use "up.arch"\ninput 3x8x8 | up 4 -> 4x8x8 | conv 4x3x3\n'
    )
    checked = archdsl.check(spec)
    assert checked.nets == ("",)
    assert checked.network().root.type.sizes == (4, 6, 6)
    assert checked.network().root.cost.params == 3 * 4 * 9 + (4 * 9 + 1) * 4


def test_defaults_of_the_user_do_not_reach_the_used(write: Write) -> None:
    write("up.arch", "block up c { conv c 3x3 }\n")
    spec = write(
        "net.arch", 'use "up.arch"\ndefault conv same bias=false\ninput 3x8x8 | up 4\n'
    )
    assert archdsl.check(spec).network().root.type.sizes == (4, 6, 6)


def test_equal_default_lines_of_two_files_are_told_apart(write: Write) -> None:
    text = "default conv same\nblock {} c {{ conv c 4x4 }}\n"
    write("a.arch", text.format("aa"))
    write("b.arch", text.format("bb"))
    spec = write(
        "net.arch",
        'use "a.arch"\nuse "b.arch"\n'
        "net m { input 3x8x8 | aa 4 }\nnet n { input 3x8x8 | bb 4 }\n",
    )
    named = {
        Path(d.span.source.name).name for d in archdsl.check(spec).diagnostics if d.span
    }
    assert named == {"a.arch", "b.arch"}


def test_what_a_used_file_uses_is_not_passed_on(write: Write) -> None:
    write("inner.arch", "block inner c { conv c 1x1 }\n")
    write("up.arch", 'use "inner.arch"\nblock up c { inner c }\n')
    spec = write("net.arch", 'use "up.arch"\ninput 3x8x8 | up 4 | inner 4\n')
    assert codes(spec) == ["E0201"]
    ok = write(
        "ok.arch", 'use "up.arch"\nuse "inner.arch"\ninput 3x8x8 | up 4 | inner 4\n'
    )
    assert codes(ok) == []


def test_one_file_through_two_others_is_one(write: Write) -> None:
    write("lib/inner.arch", "block inner c { conv c 1x1 }\n")
    write("lib/a.arch", 'use "inner.arch"\nblock aa c { inner c }\n')
    write("b.arch", 'use "lib/../lib/inner.arch"\nblock bb c { inner c }\n')
    spec = write(
        "net.arch", 'use "lib/a.arch"\nuse "b.arch"\ninput 3x8x8 | aa 4 | bb 4 | aa 4\n'
    )
    network = archdsl.check(spec).network()
    source = archdsl.compile(spec)
    assert source.count("class Inner(") == 1
    assert network.root.cost.params == 4 * (3 + 1 + 4 + 1 + 4 + 1)


def test_a_block_of_another_file_stands_as_argument(write: Write) -> None:
    write("up.arch", UP)
    write("twice.arch", "block twice c unit { unit c | unit c }\n")
    spec = write(
        "net.arch",
        'use "up.arch" as u\nuse "twice.arch"\nblock own c { conv c 1x1 }\n'
        "input 3x8x8 | twice 4 unit=u.up | twice 4 unit=own\n",
    )
    up = (3 * 9 + 1 + 2) * 4 + (4 * 9 + 1 + 2) * 4
    own = 2 * (4 + 1) * 4
    assert archdsl.check(spec).network().root.cost.params == up + own


def test_an_argument_is_looked_up_where_it_is_written(write: Write) -> None:
    # Both files have an `up`: each means its own by that name.
    write("lib.arch", OTHER_UP + "block twice c unit=up { unit c | up c }\n")
    spec = write(
        "net.arch",
        f'use "lib.arch" as b\n{UP}'
        "input 3x8x8 | b.twice 4 | b.twice 4 unit=up | b.twice 4 unit=b.up\n",
    )
    mine = (4 * 9 + 1 + 2) * 4
    first, theirs = (3 * 25 + 1) * 4, (4 * 25 + 1) * 4
    assert archdsl.check(spec).network().root.cost.params == (
        first + theirs + mine + theirs + theirs + theirs
    )


def test_blocks_of_one_name_get_classes_of_their_own(write: Write) -> None:
    write("a.arch", UP)
    write("b.arch", OTHER_UP)
    spec = write(
        "net.arch",
        'use "a.arch" as a\nuse "b.arch" as b\n'
        "net n {\n  input 3x8x8\n  a.up 4\n  b.up 4\n  {a.up 4 | b.up 4} x2\n}\n",
    )
    module = execute(archdsl.compile(spec))
    import torch

    net = module.N()
    assert {type(net.up1).__name__, type(net.up2).__name__} == {"Up", "Up2"}
    assert [type(getattr(net, f"up{k}")).__name__ for k in range(1, 7)] == [
        type(net.up1).__name__,
        type(net.up2).__name__,
    ] * 3
    assert net(torch.zeros(1, 3, 8, 8)).shape == (1, 4, 8, 8)
    assert sum(p.numel() for p in net.parameters()) == (
        archdsl.check(spec).network().root.cost.params
    )


def test_alike_copies_of_two_files_are_not_folded(write: Write) -> None:
    write("a.arch", "block unit { conv 3x1x1 }\n")
    write("b.arch", "block unit { conv 3x1x1 }\n")
    spec = write(
        "net.arch",
        'use "a.arch" as a\nuse "b.arch" as b\n'
        "block pick one { one }\n"
        "input 3x8x8 | pick one=[a.unit, b.unit] x2\n",
    )
    from archdsl.ir.fold import Folder
    from archdsl.ir.network import Repeat

    root = archdsl.check(spec).network().root
    (repeat,) = (node for node in root.nodes if isinstance(node, Repeat))
    assert len(Folder().folded(repeat)) == 2


def test_the_source_names_the_file_of_each_block(write: Write) -> None:
    write("lib/up.arch", UP)
    spec = write("net.arch", 'use "lib/up.arch"\nnet n { input 3x8x8 | up 4 }\n')
    source = archdsl.compile(spec)
    assert f"line 1 of {spec.parent / 'lib' / 'up.arch'}." in source
    assert archdsl.check(spec).network().source_name == str(spec)


def test_settings_and_parameters_know_used_blocks(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("up.arch", UP + OTHER_UP.replace("up", "wide"))
    spec = write(
        "net.arch",
        'use "up.arch" as b\nblock own c { conv c 1x1 }\n'
        "net n unit=own { input 3x8x8 | unit 4 }\n",
    )
    wide = (3 * 25 + 1) * 4
    assert archdsl.check(spec, unit="b.wide").network().root.cost.params == wide
    ref = LayerRef("wide", os.path.realpath(spec.parent / "up.arch"))
    assert archdsl.check(spec, unit=ref).network().root.cost.params == wide
    assert main(["summary", str(spec), "--set", "unit=b.wide"]) == 0
    assert f"{wide} parameters" in capsys.readouterr().out
    assert main(["check", str(spec), "--set", "unit=b.wid"]) == 2
    assert "did you mean `b.wide`?" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "summary", "compile", "draw", "names"])
def test_commands_follow_uses(
    command: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("up.arch", UP)
    spec = write("net.arch", 'use "up.arch"\ninput 3x8x8 | up 4\n')
    assert main([command, str(spec)]) == 0
    assert capsys.readouterr().err == ""


def test_fmt_reads_no_other_file(write: Write) -> None:
    spec = write("net.arch", 'use "none.arch"\n\ninput 3x8x8 | relu\n')
    assert main(["fmt", "--check", str(spec)]) == 0


def test_imported_specs_use_files(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("used_up.arch", UP)
    spec = write(
        "net_of_files.arch", 'use "used_up.arch"\nnet n { input 3x8x8 | up 4 }\n'
    )
    monkeypatch.syspath_prepend(str(spec.parent))
    archdsl.install()
    try:
        import net_of_files  # type: ignore[import-not-found]

        assert net_of_files.n().up1.conv1.out_channels == 4
    finally:
        archdsl.uninstall()
        sys.modules.pop("net_of_files", None)


def test_paths_begin_at_the_file_that_uses(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("lib/inner.arch", "block inner c { conv c 1x1 }\n")
    write("lib/up.arch", 'use "inner.arch"\nblock up c { inner c }\n')
    spec = write("nets/net.arch", 'use "../lib/up.arch"\ninput 3x8x8 | up 4\n')
    assert codes(spec) == []
    monkeypatch.chdir(spec.parent)
    assert codes(Path("net.arch")) == []
    monkeypatch.chdir(spec.parent.parent)
    assert codes(Path("nets/net.arch")) == []


def test_totals_by_block_name_the_file(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    up = write("up.arch", UP)
    spec = write(
        "net.arch",
        f'use "up.arch" as b\n{OTHER_UP}net n {{ input 3x8x8 | b.up 4 | up 4 }}\n',
    )
    assert main(["summary", "--by", "block", str(spec)]) == 0
    rows = [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()]
    assert "up" in rows
    assert f"up ({up})" in rows


# What may be read


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The specs that are opened."""
    names: list[str] = []

    def audit(event: str, args: tuple[object, ...]) -> None:
        if event == "open" and watching and str(args[0]).endswith(".arch"):
            names.append(os.path.realpath(str(args[0])))

    watching = [True]
    sys.addaudithook(audit)
    yield names
    watching.clear()


def test_only_named_files_are_opened(write: Write, opened: list[str]) -> None:
    up = write("lib/up.arch", UP)
    write("lib/other.arch", OTHER_UP)
    write("beside.arch", OTHER_UP)
    spec = write("net.arch", 'use "lib/up.arch"\ninput 3x8x8 | up 4\n')
    opened.clear()
    assert codes(spec) == []
    assert opened == [os.path.realpath(spec), os.path.realpath(up)]


def test_one_file_alone_loads_nothing_more(write: Write) -> None:
    spec = write("net.arch", "input 3x8x8 | conv 4x3x3\n")
    code = (
        "import sys\nfrom archdsl.cli.main import main\nmain(sys.argv[1:])\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "check", str(spec)],
        capture_output=True,
        text=True,
        check=True,
    )
    modules = set(done.stdout.split())
    assert "archdsl.elaborate.definitions" in modules
    assert not modules & {"archdsl.elaborate.used", "archdsl.elaborate.extern"}


@pytest.mark.parametrize(
    "path",
    [
        "/etc/blocks.arch",
        "../outside.arch",
        "lib/../../outside.arch",
        "up.txt",
        "up",
        ".arch",
        "lib/.arch",
        "",
        "folder.arch",
        "lib\\\\up.arch",
        "C:/up.arch",
        "missing.arch",
        "link.arch",
        "linked/outside.arch",
        "http://example.org/up.arch",
    ],
)
def test_a_path_that_is_refused(path: str, tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / ".git").mkdir()
    (root / "folder.arch").mkdir()
    (root / "lib").mkdir()
    (root / "up.txt").write_text(UP)
    (tmp_path / "outside.arch").write_text(UP)
    (root / "link.arch").symlink_to(tmp_path / "outside.arch")
    (root / "linked").symlink_to(tmp_path)
    spec = root / "net.arch"
    spec.write_text(f'use "{path}"\ninput 3x8x8 | up 4\n')
    assert codes(spec) == ["E0803"]


def test_links_inside_the_project_are_followed(write: Write) -> None:
    up = write("lib/up.arch", UP)
    spec = write("net.arch", 'use "link.arch"\ninput 3x8x8 | up 4\n')
    (spec.parent / "link.arch").symlink_to(up)
    assert codes(spec) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_is_not_waited_for(write: Write) -> None:
    spec = write("net.arch", 'use "pipe.arch"\ninput 3x8x8 | up 4\n')
    os.mkfifo(spec.parent / "pipe.arch")
    assert codes(spec) == ["E0803"]
    assert "is no plain file" in message(spec)


@pytest.mark.parametrize("mark", ["pyproject.toml", ".git", "setup.py"])
def test_the_root_is_the_nearest_project(mark: str, tmp_path: Path) -> None:
    (tmp_path / "up.arch").write_text(UP)
    inner = tmp_path / "inner" / "nets"
    inner.mkdir(parents=True)
    spec = inner / "net.arch"
    spec.write_text('use "../../up.arch"\ninput 3x8x8 | up 4\n')
    assert codes(spec) == ["E0803"]
    (tmp_path / mark).touch()
    assert codes(spec) == []
    (tmp_path / "inner" / mark).touch()
    assert codes(spec) == ["E0803"]


def test_without_a_project_the_root_is_the_own_directory(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "up.arch").write_text(UP)
    spec = tmp_path / "net.arch"
    spec.write_text('use "lib/up.arch"\ninput 3x8x8 | up 4\n')
    assert codes(spec) == []


def test_a_text_has_no_files(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    up = write("up.arch", UP)
    monkeypatch.chdir(up.parent)
    text = 'use "up.arch"\ninput 3x8x8 | up 4\n'
    (found,) = archdsl.check(text).diagnostics
    assert found.code == "E0803"
    assert "a text that is no file" in found.message
    assert main(["check", "-e", text]) == 1
    assert "E0803" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\xff\xfe\x00", "E0104"),
        (b"block up c { relu }\x00", "E0104"),
        (b"block up c { r\xe9lu }", "E0104"),
        (b"#" * (MAX_BYTES + 1), "E0704"),
        (b"block up c { | }", "E0102"),
    ],
)
def test_a_used_file_that_is_no_spec(data: bytes, code: str, write: Write) -> None:
    used = write("up.arch", "")
    used.write_bytes(data)
    write("other.arch", 'use "up.arch"\nblock other c { up c }\n')
    spec = write(
        "net.arch", 'use "up.arch"\nuse "other.arch"\ninput 3x8x8 | up 4 | other 4\n'
    )
    assert codes(spec) == [code]


def test_files_do_not_use_each_other_without_end(write: Write) -> None:
    deepest = MOST.use_depth
    for at in range(deepest + 1):
        write(
            f"f{at}.arch", f'use "f{at + 1}.arch"\nblock b{at}b c {{ b{at + 1}b c }}\n'
        )
    write(f"f{deepest}.arch", f"block b{deepest}b c {{ conv c 1x1 }}\n")
    assert codes(write("net.arch", 'use "f1.arch"\ninput 3x8x8 | b1b 4\n')) == []
    spec = write("deep.arch", 'use "f0.arch"\ninput 3x8x8 | b0b 4\n')
    assert codes(spec) == ["E0803"]
    assert f"more than {deepest} deep" in message(spec)


def test_files_are_not_used_without_number(write: Write) -> None:
    most = MOST.used_files
    for at in range(most + 1):
        write(f"f{at}.arch", f"block b{at}b c {{ conv c 1x1 }}\n")
    uses = [f'use "f{at}.arch"\n' for at in range(most + 1)]
    assert codes(write("net.arch", "".join(uses[:-1]) + "input 3x8x8 | b7b 4\n")) == []
    assert codes(write("many.arch", "".join(uses) + "input 3x8x8 | b7b 4\n")) == [
        "E0803"
    ]


# Where mistakes are shown


def test_a_mistake_in_a_used_file_is_shown_there_once(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("up.arch", "block up c {\n  conv c 3x3 g3\n}\n")
    write("both.arch", 'use "up.arch"\nblock both c { up c }\n')
    spec = write(
        "net.arch",
        'use "up.arch"\nuse "both.arch"\n'
        "net n {\n  input 8x8x8\n  up 4\n  both 4\n  up 4\n}\n",
    )
    (found,) = archdsl.check(spec).diagnostics
    assert found.code == "E0312"
    assert found.span is not None
    assert Path(found.span.source.name).name == "up.arch"
    text = render([found], "full")
    assert f"in `up`, called from line 5, {spec}:5:3" in text
    assert main(["check", str(spec)]) == 1
    assert "1 error in 1 file" in capsys.readouterr().out


def test_names_in_used_files_are_checked(write: Write) -> None:
    write("up.arch", "block up c {\n  conv cc 3x3\n  fail\n}\n")
    spec = write("net.arch", 'use "up.arch"\ninput 3x8x8 | relu\n')
    found = archdsl.check(spec).diagnostics
    assert {d.code for d in found} == {"E0201", "E0206", "E0207"}
    assert {Path(d.span.source.name).name for d in found if d.span} == {"up.arch"}


def test_two_places_in_two_files(write: Write) -> None:
    write("up.arch", "block up { conv 4x3x3 g3 }\n")
    spec = write("net.arch", 'use "up.arch"\n\ninput 8x8x8 | up\n')
    text = message(spec)
    assert f"{spec}:3:7: the 8 channels come from here" in text
    assert f"in line 3 of {spec}" in text


def test_no_block_in_a_used_file(write: Write) -> None:
    write("up.arch", UP)
    spec = write(
        "net.arch",
        'use "up.arch" as b\nblock twice unit { unit 4 | unit 4 }\n'
        "input 3x8x8 | twice unit=b.upp\n",
    )
    assert codes(spec) == ["E0206"]
    assert "the file used as `b` has no block `upp`" in message(spec)
    assert "did you mean `b.up`?" in message(spec)


def test_a_label_named_like_a_prefix(write: Write) -> None:
    write("up.arch", UP)
    spec = write(
        "net.arch",
        'use "up.arch" as b\nnet n {\n  input 3x8x8\n  b: b.up 4\n  conv b.c 1x1\n}\n',
    )
    assert archdsl.check(spec).network().root.type.sizes == (4, 8, 8)


def test_compile_raises_what_is_wrong_in_a_used_file(write: Write) -> None:
    write("up.arch", "block up { cnv 3 }\n")
    spec = write("net.arch", 'use "up.arch"\ninput 3x8x8 | up\n')
    with pytest.raises(SpecError, match="did you mean `conv`"):
        archdsl.compile(spec)
