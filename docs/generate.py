"""Writes the pages of the documentation that are made from tables in the code.

`python docs/generate.py` writes `docs/errors/`, `docs/layers.md`, `docs/llms.txt`,
`docs/python.md`, `docs/gallery.md` with its pictures and, from the comments of the
library's files, `docs/std.md` anew, and beside `docs/` what editors colour words by;
with `--check` it only says whether they are fresh.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from emacs import mode
from gallery import gallery
from interface import interface
from llms import llms
from textmate import grammar

from archdsl.diagnostics import codes
from archdsl.ir.network import Stage
from archdsl.ops import families
from archdsl.ops.form import (
    Apply,
    Code,
    Form,
    Infix,
    Input,
    Inputs,
    Keyword,
    Lambda,
    Listed,
    Slot,
)
from archdsl.ops.record import REQUIRED, Arg, Layer, Site, plain
from archdsl.pipeline import check
from archdsl.reading import standard_names
from archdsl.shapes.size import Size
from archdsl.source import Source

DOCS = Path(__file__).resolve().parent
STANDARD = DOCS.parent / "archdsl" / "std"


def pages() -> dict[str, str]:
    """Each generated page, by its path under `docs/`."""
    made = {f"errors/{code}.md": codes.page(code) for code in codes.CODES}
    made["errors/README.md"] = error_index()
    made["layers.md"] = layers()
    made["std.md"] = standard()
    made["llms.txt"] = llms()
    made["python.md"] = interface()
    made["../editors/vscode/syntaxes/arch.tmLanguage.json"] = grammar()
    made["../editors/emacs/arch-mode.el"] = mode()
    return made | gallery()


def error_index() -> str:
    """The list of all codes."""
    parts = [
        "# Errors",
        "Every finding has a code. `archdsl explain E0312` prints its page.",
    ]
    for title, entries in codes.FAMILIES:
        rows = "\n".join(
            f"| [{entry.code}]({entry.code}.md) | {entry.title} |" for entry in entries
        )
        parts += [f"## {title}", f"| code | what |\n| --- | --- |\n{rows}"]
    return "\n\n".join(parts) + "\n"


def layers() -> str:
    """The reference of all layers."""
    parts = [
        "# Layers",
        "Shapes are channels first, without the batch. Arguments that the first column"
        " of a table shows in bold need no key when they are given in this order; one"
        " with a star takes all the numbers that are left. Costs are for one sample.",
    ]
    for title, family in families():
        parts.append(f"## {title}")
        for layer in family:
            parts += _layer(layer)
    return "\n\n".join(parts) + "\n"


def _layer(layer: Layer) -> list[str]:
    parts = [f"### `{layer.name}`", layer.doc]
    if layer.args:
        rows = "\n".join(_argument(layer, arg) for arg in layer.args)
        parts.append(
            "| argument | what | takes | default |\n| --- | --- | --- | --- |\n" + rows
        )
    least, most = layer.inputs
    if (least, most) != (1, 1):
        more = " or more" if most is None else f" to {most}" if most > least else ""
        parts.append(f"Inputs: {least}{more}.")
    parts += _example(layer)
    if layer.source:
        parts.append(f"Source: {layer.source}.")
    return parts


def _argument(layer: Layer, arg: Arg) -> str:
    name = f"`{arg.name}`"
    if arg.name in layer.positional:
        name = f"**{name}**"
    elif f"*{arg.name}" in layer.positional:
        name = f"**{name}** \\*"
    default = "required" if arg.default is REQUIRED else _value(plain(arg.default))
    return f"| {name} | {arg.doc} | {arg.type.describe()} | {default} |"


def _value(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`"


def _example(layer: Layer) -> list[str]:
    checked = check(Source("example", layer.example))
    (network,) = checked.networks.values()
    stage = next(
        node
        for node in reversed(network.root.nodes)
        if isinstance(node, Stage) and node.kind == layer.name
    )
    assert isinstance(stage.target, Site)
    shape = "x".join(str(size) for size in stage.type.sizes)
    cost = stage.cost
    counts = f"Gives {shape}, with {_count(cost.params, 'parameter')}"
    if cost.macs:
        counts += f" and {_count(cost.macs, 'multiply-add')}"
    form = stage.target.layer.torch(stage.target)
    return [
        f"```arch\n{layer.example}\n```",
        f"{counts}. In PyTorch:",
        f"```python\n{_form(form)}\n```",
    ]


def _count(number: Size, noun: str) -> str:
    if not number:
        return f"no {noun}s"
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _form(form: Form) -> str:
    made = form.module
    if made is not None and form.attribute and form.attribute.kind == "buffer":
        # Only the tensor itself says something.
        return _python(made.arguments[0])  # type: ignore[arg-type]
    return _python(form.function if made is None else made)


def _python(code: Code | None) -> str:
    if isinstance(code, Slot):
        text = isinstance(code.value, str)
        return f'"{code.value}"' if text else str(code.value)
    if isinstance(code, Input):
        name = "x" if code.number == 0 else f"x{code.number}"
        return name + "[..., None]" * bool(code.axes)
    if isinstance(code, Inputs):
        return "xs"
    if isinstance(code, Infix):
        operands = (
            f"({_python(part)})" if isinstance(part, Infix) else _python(part)
            for part in code.operands
        )
        return f" {code.operator} ".join(operands)
    if isinstance(code, Lambda):
        return f"lambda {code.parameters}: {_python(code.body)}"
    if isinstance(code, Listed):
        return f"[{', '.join(map(_python, code.items))}]"
    if isinstance(code, Apply):
        return f"{code.function}({', '.join(_arguments(code))})"
    return str(code)


def _arguments(code: Apply) -> list[str]:
    shown = []
    for argument in code.arguments:
        if not isinstance(argument, Keyword):
            shown.append(_python(argument))
            continue
        key, value = argument
        default = isinstance(value, Slot) and value.value == value.default
        if not default:
            shown.append(f"{key}={_python(value)}")
    return shown


def standard() -> str:
    """The reference of the standard library, from the comments that begin its files."""
    parts = [
        "# The standard library",
        "These blocks are known in every spec, with no `use`, and a definition of the"
        " same name goes first. Each is written in the language, in a file of its own"
        " under `archdsl/std/`. Arguments that the first column of a table shows in"
        " bold must be given, in this order.",
    ]
    for name in sorted(standard_names()):
        text = (STANDARD / f"{name}.arch").read_text(encoding="utf-8")
        parts += _block(name, text)
    return "\n\n".join(parts) + "\n"


def _block(name: str, text: str) -> list[str]:
    comment = re.match(r"(#.*\n)+", text)
    head = re.search(rf"^block {name}(\(.*?\))?(.*) \{{$", text, re.MULTILINE)
    assert comment is not None, f"{name}: no comment at the beginning"
    assert head is not None, f"{name}: no block of that name"
    defaults = dict(
        parameter.partition("=")[::2] for parameter in (head[2] or "").split()
    )
    lines = [
        line.removeprefix("#").removeprefix(" ") for line in comment[0].split("\n")
    ]
    parts = [f"## `{name}`", f"`{name}{head[1] or ''}{head[2]}`"]
    for paragraph in "\n".join(lines).strip().split("\n\n"):
        if paragraph.startswith("  "):
            parts += map(_use, paragraph.split("\n"))
        elif re.match(r"\w+(, \w+)* {2,}\S", paragraph):
            parts.append(_parameters(paragraph, defaults))
        else:
            parts.append(paragraph)
    return parts


def _use(line: str) -> str:
    """An example, and what the checker says about it."""
    checked = check(Source("example", line.strip()))
    assert not checked.diagnostics, f"{line.strip()}: {checked.diagnostics[0].message}"
    (network,) = checked.networks.values()
    shape = "x".join(str(size) for size in network.root.type.sizes)
    params = _count(network.root.cost.params, "parameter")
    return f"```arch\n{line.strip()}\n```\n\nGives {shape}, with {params}."


def _parameters(paragraph: str, defaults: dict[str, str]) -> str:
    rows: list[list[str]] = []
    for line in paragraph.split("\n"):
        if line.startswith(" "):
            rows[-1][1] += f" {line.strip()}"
        else:
            names, what = re.split(r" {2,}", line, maxsplit=1)
            rows.append([names, what])
    table = ["| argument | what | default |", "| --- | --- | --- |"]
    for names, what in rows:
        shown, values = [], []
        for each in names.split(", "):
            default = defaults.get(each)
            shown.append(f"**`{each}`**" if default == "" else f"`{each}`")
            values += [f"`{default}`"] if default else []
        table.append(f"| {', '.join(shown)} | {what} | {', '.join(values)} |")
    return "\n".join(table)


def stale() -> list[str]:
    """The pages that are not as they would be written now, or should not be there."""
    made = pages()
    found = [
        name
        for name, text in made.items()
        if not (DOCS / name).is_file()
        or (DOCS / name).read_text(encoding="utf-8") != text
    ]
    there = {f"errors/{path.name}" for path in (DOCS / "errors").glob("*.md")}
    there |= {f"pictures/{path.name}" for path in (DOCS / "pictures").glob("*.svg")}
    return found + sorted(there - made.keys())


def main() -> int:
    """Write the pages, or check them."""
    if "--check" in sys.argv[1:]:
        found = stale()
        for name in found:
            print(f"docs/{name} is not up to date: run `make docs`")
        return 1 if found else 0
    for name in stale():
        (DOCS / name).unlink(missing_ok=True)
    for folder in ("errors", "pictures"):
        (DOCS / folder).mkdir(exist_ok=True)
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
