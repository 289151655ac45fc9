"""The commands and their arguments."""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from typing import NoReturn

from archdsl import __version__
from archdsl.cli.values import inches, level, seed, shown, tolerance, whole
from archdsl.diagnostics.render import FORMATS, printable

PICTURES = ("svg", "png", "pdf", "dot", "mermaid", "tikz", "txt")
VIEWS = ("volumes", "graph", "tree")
# These are the options of a picture: archdsl.backends.diagram.options.
DIRECTIONS = ("TB", "LR")
ORDERS = ("chw", "hwc")
THEMES = ("light", "dark", "auto")
ENGINES = ("builtin", "dot", "pygraphviz")
SHELLS = ("bash", "zsh", "tcsh")
REPORTS = ("full", "json")
# What a source is for; of inference also where, and in which numbers.
TARGETS = ("training", "inference")
DEVICES = ("cpu", "cuda")
DTYPES = ("float32", "bfloat16", "float16")
# What layers are sorted by, and what their totals are grouped by.
MEASURES = ("macs", "params", "activations")
GROUPS = ("kind", "block")

COMMANDS = {
    "check": "check shapes, arguments and names",
    "summary": "show layers, shapes, parameters and MACs",
    "compile": "write PyTorch source",
    "draw": "draw a diagram",
    "diff": "tell what has changed between two specs, or revisions of one",
    "run": "run a net once, on a picture or random numbers",
    "verify": "compare a net with a PyTorch module that it describes",
    "names": "list the names and shapes of the state_dict",
    "init": "write a commented first spec",
    "fmt": "lay out specs in the one style",
    "explain": "explain the code of an error",
    "schema": "print layers and blocks as data, or the schema of a command's data",
    "mcp": "serve language models: check, summary, draw, compile, explain",
    "lsp": "serve an editor: errors, shapes, completion and more",
    "completion": "print completions for a shell",
}

_EPILOG = """\
FILE is an .arch file, or - for standard input. The status is 0 when all is well,
1 when something is wrong with a spec, and 2 when a command cannot be carried out.
ARCHDSL_LIMITS lowers what a spec may ask for: ARCHDSL_LIMITS="tokens=1000".
"""


class _Parser(argparse.ArgumentParser):
    """Shows arguments that are wrong without what would steer a terminal."""

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))


def parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser; with `only`, other commands are left without their arguments."""
    width = _columns() - 2
    made = _Parser(
        "archdsl",
        description="A language for neural-network architectures, and its compiler.",
        epilog=_EPILOG,
        formatter_class=partial(argparse.RawDescriptionHelpFormatter, width=width),
        allow_abbrev=False,
    )
    made.add_argument("--version", action="version", version=f"archdsl {__version__}")
    # With `prog` given, argparse need not lay out a usage line for it.
    commands = made.add_subparsers(dest="command", metavar="COMMAND", prog="archdsl")
    for name, text in COMMANDS.items():
        if only is None or name == only:
            # Not `capitalize`, which makes the other letters small.
            command = commands.add_parser(
                name,
                help=text,
                description=f"{text[0].upper()}{text[1:]}.",
                formatter_class=partial(argparse.HelpFormatter, width=width),
                allow_abbrev=False,
            )
            _ADD[name](command)
    return made


def _columns() -> int:
    """How wide the terminal is.

    As `shutil.get_terminal_size` finds it, which argparse calls for every argument:
    importing that takes longer than parsing a spec.
    """
    try:
        columns = int(os.environ["COLUMNS"])
    except (KeyError, ValueError):
        columns = 0
    if columns <= 0 and sys.__stdout__ is not None:
        try:
            columns = os.get_terminal_size(sys.__stdout__.fileno()).columns
        except (ValueError, OSError):
            columns = 0
    return columns if columns > 0 else 80


def _check(command: argparse.ArgumentParser) -> None:
    command.add_argument("files", nargs="*", metavar="FILE", help="a spec, or -")
    _text(command)
    net(command)
    command.add_argument(
        "--format",
        choices=FORMATS,
        default="full",
        help="how findings are printed (default: full)",
    )
    command.add_argument(
        "--shapes",
        action="store_true",
        help="with --format json: all stages with their shapes, too",
    )
    _watch(command)


def _summary(command: argparse.ArgumentParser) -> None:
    _one_net(command)
    command.add_argument(
        "--batch",
        type=whole,
        default=1,
        metavar="N",
        help="count MACs and activations for N samples (default: 1)",
    )
    command.add_argument(
        "--expand", action="store_true", help="show every copy of repeats"
    )
    command.add_argument("--json", action="store_true", help="as JSON, always expanded")
    command.add_argument(
        "--sort", choices=MEASURES, help="list the layers, the largest first"
    )
    command.add_argument(
        "--by", choices=GROUPS, help="totals for each kind of layer, or each block"
    )


def _compile(command: argparse.ArgumentParser) -> None:
    _one_net(command)
    command.add_argument("-o", metavar="FILE", dest="output", help="write to this file")
    _watch(command)
    command.add_argument(
        "--for",
        choices=TARGETS,
        default="training",
        dest="target",
        help="inference folds and fuses what it can, and takes the weights of training"
        " (default: training)",
    )
    command.add_argument(
        "--device", choices=DEVICES, help="of inference (default: cpu)"
    )
    command.add_argument(
        "--dtype",
        choices=DTYPES,
        help="of inference (default: float32); float16 is for cuda",
    )


def _draw(command: argparse.ArgumentParser) -> None:
    _one_net(command)
    command.add_argument("-o", metavar="FILE", dest="output", help="write to this file")
    command.add_argument(
        "-f",
        choices=PICTURES,
        dest="format",
        help="the format (default: by the ending of -o, or dot; svg for volumes, txt"
        " for a tree)",
    )
    command.add_argument(
        "--view",
        choices=VIEWS,
        help="what is drawn: tensors, layers, or a list (default: graph)",
    )
    command.add_argument(
        "--direction", choices=DIRECTIONS, help="down or to the right (default: TB)"
    )
    command.add_argument(
        "--depth",
        type=level,
        metavar="N",
        help="blocks nested deeper than N are one closed box (default: svg, png and pdf"
        " close what a slide has no room for, other formats nothing)",
    )
    command.add_argument(
        "--expand",
        action="append",
        default=[],
        metavar="PATH",
        help="open this block although it is closed; may stand several times",
    )
    command.add_argument(
        "--no-fold", action="store_true", help="draw every copy of repeats"
    )
    command.add_argument(
        "--show",
        type=shown,
        metavar="WHAT",
        help="which of shapes,params,macs to tell (default: shapes,params; shapes for"
        " volumes)",
    )
    command.add_argument(
        "--shape-order",
        choices=ORDERS,
        help="whether channels are first or last (default: chw)",
    )
    command.add_argument(
        "--theme",
        choices=THEMES,
        help="colours; auto follows the reader (default: auto, light in png and pdf)",
    )
    command.add_argument(
        "--width-in", type=inches, metavar="X", help="so many inches wide"
    )
    command.add_argument(
        "--engine",
        choices=ENGINES,
        help="what makes svg, png and pdf (default: builtin; the others are Graphviz)",
    )
    command.add_argument("--ascii", action="store_true", help="a tree in ASCII")
    _watch(command)


def _watch(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--watch", action="store_true", help="again when a file changes, until Ctrl-C"
    )


def _diff(command: argparse.ArgumentParser) -> None:
    from archdsl.cli.more_arguments import diff

    diff(command)


def _schema(command: argparse.ArgumentParser) -> None:
    from archdsl.cli.more_arguments import schema

    schema(command)


def _mcp(command: argparse.ArgumentParser) -> None:
    from archdsl.cli.more_arguments import mcp

    mcp(command)


def _run(command: argparse.ArgumentParser) -> None:
    _one_net(command)
    fed = command.add_mutually_exclusive_group()
    fed.add_argument("--input", metavar="IMAGE", help="a picture, resized to fit")
    fed.add_argument(
        "--random", action="store_true", help="random numbers (the default)"
    )
    _device(command, "auto", "auto, the GPU if there is one")
    command.add_argument(
        "--weights", metavar="FILE", help="a state_dict, .pt or .safetensors"
    )
    command.add_argument(
        "--rename", metavar="FILE", help="what old names in the weights have become"
    )
    command.add_argument(
        "--batch", type=whole, default=1, metavar="N", help="samples in a batch"
    )
    command.add_argument(
        "--seed",
        type=seed,
        default=0,
        metavar="N",
        help="of random weights and inputs (default: 0)",
    )


def _verify(command: argparse.ArgumentParser) -> None:
    _one_net(command)
    command.add_argument(
        "--against",
        required=True,
        metavar="MODULE:NAME",
        help="the class or function that makes the reference; FILE.py:NAME, too",
    )
    command.add_argument(
        "--kwargs",
        action="append",
        default=[],
        metavar="ARGUMENTS",
        help="its arguments: a JSON object, or name=value; may stand several times",
    )
    command.add_argument(
        "--map", metavar="FILE", help="what its tensors are called in the net"
    )
    command.add_argument(
        "--tolerance",
        type=tolerance,
        metavar="X",
        help="the largest relative error that is no difference (default: 1e-05)",
    )
    command.add_argument(
        "--inputs",
        type=whole,
        metavar="N",
        help="how often parameters and inputs are drawn (default: 2)",
    )
    command.add_argument(
        "--batch", type=whole, metavar="N", help="samples in a batch (default: 4)"
    )
    command.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="of all draws (default: 0)"
    )
    command.add_argument(
        "--no-dropout",
        action="store_true",
        help="compare training without what random layers draw",
    )
    command.add_argument(
        "--any-order",
        action="store_true",
        help="the state_dict may be in another order",
    )
    command.add_argument(
        "--double",
        action="store_true",
        help="compute in float64, where rounding is nothing",
    )
    _device(command, "cpu", "cpu")
    command.add_argument(
        "--format", choices=REPORTS, default="full", help="how the result is printed"
    )


def _device(command: argparse.ArgumentParser, default: str, shown: str) -> None:
    command.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default=default,
        help=f"where to run (default: {shown})",
    )


def _names(command: argparse.ArgumentParser) -> None:
    _one_net(command)
    command.add_argument(
        "--lock", metavar="FILE", help="compare with this file, or create it"
    )
    command.add_argument(
        "--update", action="store_true", help="write the lock file anew"
    )


def _init(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "file",
        nargs="?",
        default="net.arch",
        metavar="FILE",
        help="the file to write (default: net.arch)",
    )


def _fmt(command: argparse.ArgumentParser) -> None:
    command.add_argument("files", nargs="+", metavar="FILE", help="a spec, or -")
    command.add_argument(
        "--check", action="store_true", help="change nothing, tell what would change"
    )
    command.add_argument(
        "--diff", action="store_true", help="change nothing, show what would change"
    )
    command.add_argument(
        "--stdin-filename",
        metavar="NAME",
        help="the name of standard input in messages",
    )


def _explain(command: argparse.ArgumentParser) -> None:
    command.add_argument("code", metavar="CODE", help="such as E0312")


def _lsp(command: argparse.ArgumentParser) -> None:
    # What some editors pass to every server.
    command.add_argument(
        "--stdio", action="store_true", help="speak over standard input and output"
    )


def _completion(command: argparse.ArgumentParser) -> None:
    command.add_argument("shell", choices=SHELLS)


_ADD = {
    "check": _check,
    "summary": _summary,
    "compile": _compile,
    "draw": _draw,
    "diff": _diff,
    "run": _run,
    "verify": _verify,
    "names": _names,
    "init": _init,
    "fmt": _fmt,
    "explain": _explain,
    "schema": _schema,
    "mcp": _mcp,
    "lsp": _lsp,
    "completion": _completion,
}


def _one_net(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", nargs="?", metavar="FILE", help="a spec, or -")
    _text(command)
    net(command)


def _text(command: argparse.ArgumentParser) -> None:
    command.add_argument("-e", metavar="TEXT", dest="text", help="the spec itself")


def net(command: argparse.ArgumentParser) -> None:
    """Which net of a spec is meant, with which parameters."""
    command.add_argument(
        "--net", metavar="NAME", help="the net, where there are several"
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="settings",
        help="give a parameter of the net a value; may stand several times",
    )
