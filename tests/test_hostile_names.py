"""Text of a spec comes out as an identifier or inside of a literal, and runs."""

from __future__ import annotations

import builtins
import keyword

import hostile_names
import pytest
import torch
from torch import nn

from archdsl.api import check, source_of
from archdsl.backends.volumes import tikz
from archdsl.ir.flat import state_dict_names
from archdsl.runtime.load import execute

COUNT = 1600


def test_hostile_names_do_not_escape() -> None:
    done = hostile_names.run(COUNT)
    assert done.written > COUNT / 2
    assert done.refused > COUNT / 10
    assert done.sketched > COUNT / 10
    assert done.rows > COUNT / 20


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\nimport os\n",
        "class N(nn.Module):\n    evil = 1\n",
        "'a'\nos.system('b')\n",
    ],
)
def test_the_check_of_python_finds_escapes(text: str) -> None:
    with pytest.raises(hostile_names.EscapeError):
        hostile_names.check_python(text, ["a"])


def test_the_other_checks_find_escapes() -> None:
    for picture in (
        '<svg><a href="x"/></svg>',
        '<svg onload="x"/>',
        "<svg><script/></svg>",
    ):
        with pytest.raises(hostile_names.EscapeError):
            hostile_names.check_svg(picture)
    with pytest.raises(hostile_names.EscapeError):
        hostile_names.dot_shape('digraph "a\\l" {}')
    with pytest.raises(hostile_names.EscapeError):
        hostile_names.mermaid_shape('a["<b>"]')


@pytest.mark.parametrize(
    "said",
    [
        *(
            "\\input{x}",
            "\\write18{x}",
            "{x}",
            "a%b",
            "a & b",
            "a#b",
            "a^b",
            "~",
            "a_b",
        ),
        *(
            "$x$",
            "\\textless",
            "\\{}{",
            "a,,b",
            "\u4e2d",
            "\t",
            "-",
            '"',
            "|",
            "<",
            "`",
        ),
    ],
)
def test_the_check_of_tikz_finds_escapes(said: str) -> None:
    text = tikz(check("input 8 | a: fc 9").network())
    hostile_names.check_tikz(text)
    begin, mark, rest = text.rpartition("};")
    with pytest.raises(hostile_names.EscapeError):
        hostile_names.check_tikz(begin + said + mark + rest)


@pytest.mark.parametrize(
    "line",
    [
        *("\\input{x}", "% arara: x", "% !TeX program = x", "% volume: \u4e2d", "x"),
        *("\\usepackage{shellesc}", "\\end{document}", "\\draw[x/.code={y}] (0,0);"),
    ],
)
def test_the_check_of_tikz_finds_lines(line: str) -> None:
    head, mark, rest = tikz(check("input 8 | a: fc 9").network()).partition("% volume")
    with pytest.raises(hostile_names.EscapeError):
        hostile_names.check_tikz(f"{head}{line}\n{mark}{rest}")


def labels() -> list[str]:
    """All that may go wrong as an attribute of a module."""
    own = {
        *dir(nn.Module()),
        *dir(nn.Sequential()),
        *keyword.kwlist,
        *keyword.softkwlist,
        *dir(builtins),
        *("torch", "nn", "F", "math", "Tensor", "Any", "Callable", "OrderedDict"),
        *("Conv", "conv", "CONV", "Linear", "linear", "relu", "ReLU", "_i", "y", "mro"),
        *(
            "fc1",
            "fc2",
            "block",
            "Block",
            "a b",
            "\u00e9",
            "\ufb01",
            "'",
            "\\",
            "#",
            "%s",
        ),
    }
    # `training` is refused: `train()` assigns to it.
    return sorted(own - {"training"})


def test_training_is_no_label() -> None:
    assert [d.code for d in check('input 8 | "training": fc 8\n').diagnostics] == [
        "E0216"
    ]


def spec(names: list[str]) -> str:
    """Nets whose stages have these labels, in every place where one can be."""
    chain = "\n".join(f'  "{name}": fc 2' for name in names)
    block = "\n".join(f'  "{name}": fc 2' for name in names)
    group = "\n".join(f'    "{name}": relu' for name in names)
    repeats = "\n".join(f'  "{name}": fc 2 x2' for name in names)
    nested = "\n".join(f'  "{name}.{name}.in": fc 2' for name in names)
    calls = "\n".join(f'  "{name}": unit' for name in names)
    return (
        f"block unit {{\n{block}\n  add(id, fc 2)\n}}\n"
        f"net chain {{\n  input 2\n{chain}\n}}\n"
        f"net sums {{\n  input 2\n{chain}\n  add(id, fc 2)\n}}\n"
        f"net repeats {{\n  input 2\n{repeats}\n}}\n"
        f"net nested {{\n  input 2\n{nested}\n}}\n"
        f"net calls {{\n  input 2\n{calls}\n}}\n"
        f"net groups {{\n  input 2\n  g: {{\n{group}\n    fc 2\n  }}\n  fc 2\n}}\n"
    )


def test_every_label_builds_runs_and_keeps_its_name() -> None:
    checked = check(spec(labels()))
    assert checked.ok, checked.diagnostics[:3]
    for name, network in checked.networks.items():
        source = source_of(network)
        module = getattr(execute(source), name.capitalize())()
        x = torch.zeros(3, 2)
        assert module(x).shape == (3, 2), name
        wanted = [path for path, _ in state_dict_names(network)]
        assert list(module.state_dict()) == wanted, name
        assert module.training
        module.eval()
        assert not module.training
        module.to(torch.float64)(x.double())
        assert list(dict(module.named_parameters())) == wanted, name
