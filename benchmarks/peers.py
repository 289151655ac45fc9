"""Text to checked totals, beside what others need to tell the same of a module."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from archdsl.backends.torch.emit import emit
from archdsl.ir.network import Cost
from archdsl.pipeline import check_tree
from archdsl.source import Source
from archdsl.syntax.parser import lexer
from archdsl.syntax.tables import grammar_path
from benchmarks.checking import checked, classic, parse, parsed, paused
from benchmarks.growth import stages
from benchmarks.measure import (
    NotInstalledError,
    Ratio,
    Result,
    Series,
    Task,
    call,
    in_turn,
    process,
)
from benchmarks.startup import NET, ROOT, SPEC, command, surroundings
from benchmarks.torchview_pictures import model

NEEDED = ("torchinfo", "fvcore", "onnx", "keras", "torchvision", "lark")

ABOUT = """\
From a text to a checked network with its totals, beside what tells totals of a module
that was built before: torchinfo 1.8, PyTorch's `flop_counter`, fvcore, and
`torch.fx` with its `ShapeProp`, tracing included. The modules stand on the meta device,
so that nothing is computed; fvcore cannot trace there, and computes. ResNet-152 is
torchvision's, ResNet-1202 the source that archdsl emits. Keras has no module to begin
from: it builds ResNet-152, with PyTorch behind it, and counts its weights. ONNX's shape
inference, which is C++, gets the graph of ResNet-152 with shapes in place of weights;
it is held against the checking after parsing, which looks for names in all 7 nets of
the text, and binds and applies 78 layers of 8 blocks that differ. `torch.export` begins
from the module, compiling from the text. Lark parses by the same grammar, with tokens
by the same lexer, and makes trees of its own. The first line is of whole processes."""

# What stands beside ResNet-152: what of archdsl, and the most that it may take.
TARGETS = {"torchinfo": 1 / 25, "onnx.shape_inference": 1.0, "torch.export": 1 / 50}
MINE = {
    "onnx.shape_inference": "check resnet152, after parsing",
    "torch.export": "compile resnet152",
}


def measure(rounds: int = 7, deep: bool = True) -> Result:
    """Measure all; ResNet-1202, Keras and fvcore only if it is to be `deep`.

    Raises NotInstalledError if one of the others is not there.
    """
    for package in NEEDED:
        if importlib.util.find_spec(package) is None:
            raise NotInstalledError(
                f"checking is held against {package}, which is not installed:"
                " make bench"
            )
    imagenet, cifar = classic("resnet.arch"), classic("resnet_cifar.arch")
    lines = Source("stages.arch", stages(2_000))
    tasks: dict[str, Task] = {
        "check resnet152": call(partial(_totals, imagenet, "resnet152")),
        "check resnet152, after parsing": call(_after_parsing(imagenet, "resnet152")),
        "compile resnet152": call(lambda: emit(checked(imagenet, "resnet152"))),
        "parse 2,000 lines": call(partial(parse, lines)),
        "Lark, 2,000 lines": call(_lark_parses(lines)),
    }
    others = dict(_others(model("resnet152").eval(), 224))
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        if deep:
            others |= _slow_others()
            tasks["check resnet1202"] = call(partial(_totals, cifar, "resnet1202"))
            net = _emitted(cifar, "resnet1202", "ResNet1202", at)
            tasks["torchinfo, resnet1202"] = call(partial(_torchinfo, net, 32))
        tasks |= {f"{name}, resnet152": call(do) for name, do in others.items()}
        around = surroundings(str(at / "bytecode"))
        mine = (*command(), "summary", SPEC, *NET)
        theirs = (sys.executable, "-m", "benchmarks.torchinfo_summary")
        tasks["archdsl summary … resnet152"] = process(mine, around, ROOT)
        tasks["torchinfo, the whole process"] = process(
            (*theirs, "resnet152", "224"), around, ROOT
        )
        s = in_turn(tasks, rounds)
    return Result(
        "peers",
        "Checking beside others",
        ABOUT,
        rounds,
        tuple(s.values()),
        tuple(_ratios(s, tuple(others), deep)),
    )


def _ratios(
    s: dict[str, Series], others: tuple[str, ...], deep: bool
) -> Iterator[Ratio]:
    yield Ratio(
        "archdsl summary … resnet152 / torchinfo",
        s["archdsl summary … resnet152"],
        s["torchinfo, the whole process"],
        target=round(1 / 30, 3),
    )
    for other in others:
        verb = MINE.get(other, "check resnet152")
        series = s[f"{other}, resnet152"]
        yield Ratio(f"{verb} / {other}", s[verb], series, TARGETS.get(other))
    if deep:
        yield Ratio(
            "check resnet1202 / torchinfo",
            s["check resnet1202"],
            s["torchinfo, resnet1202"],
            target=1 / 200,
        )
    yield Ratio(
        "parse 2,000 lines / Lark", s["parse 2,000 lines"], s["Lark, 2,000 lines"]
    )


def _totals(source: Source, net: str) -> Cost:
    return checked(source, net).root.cost


def _after_parsing(source: Source, net: str) -> Callable[[], object]:
    return paused(partial(check_tree, source, parsed(source), net))


def _others(net: Any, side: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is asked of a module on the meta device."""
    import onnx
    import torch
    from torch.fx import symbolic_trace
    from torch.fx.passes.shape_prop import ShapeProp
    from torch.utils.flop_counter import FlopCounterMode

    from benchmarks.onnx_graph import graph

    x = torch.empty(1, 3, side, side, device="meta")
    inferred = graph(net, (1, 3, side, side))

    def counted() -> object:
        with FlopCounterMode(display=False) as counter:
            net(x)
        return counter.get_total_flops()

    yield "torchinfo", partial(_torchinfo, net, side)
    yield "flop_counter", counted
    yield "ShapeProp", lambda: ShapeProp(symbolic_trace(net)).propagate(x)
    yield "onnx.shape_inference", lambda: onnx.shape_inference.infer_shapes(inferred)
    yield "torch.export", lambda: torch.export.export(net, (x,))


def _slow_others() -> dict[str, Callable[[], object]]:
    """What has to compute, or to begin without a module."""
    import torch
    from fvcore.nn import FlopCountAnalysis

    from benchmarks.torchvision_cpu import import_torchvision

    net = import_torchvision().models.resnet152(weights=None).eval()
    x = torch.zeros(1, 3, 224, 224)
    os.environ["KERAS_BACKEND"] = "torch"

    def counted() -> object:
        analysis = FlopCountAnalysis(net, x).unsupported_ops_warnings(False)
        return analysis.uncalled_modules_warnings(False).total()

    def built() -> object:
        import keras

        return keras.applications.ResNet152(weights=None).count_params()

    return {"fvcore": counted, "Keras": built}


def _torchinfo(net: Any, side: int) -> object:
    import torchinfo

    size = (1, 3, side, side)
    return torchinfo.summary(net, input_size=size, device="meta", verbose=0)


def _emitted(source: Source, net: str, name: str, at: Path) -> Any:
    """A network's emitted module, on the meta device."""
    path = at / "emitted.py"
    path.write_text(emit(checked(source, net)), encoding="utf-8")
    return model(f"{path}:{name}").eval()


def _lark_parses(source: Source) -> Callable[[], object]:
    """The parse by Lark, which takes the tokens of our lexer and builds its tree."""
    from lark import Lark, Token
    from lark.lexer import Lexer

    class Ours(Lexer):
        def __init__(self, conf: object) -> None:
            pass

        def lex(self, lexer_state: Any, parser_state: Any = None) -> Iterator[Token]:
            tokens, _ = lexer().tokens(source)
            spans = zip(tokens.kinds, tokens.starts, tokens.ends, strict=True)
            for kind, a, b in spans:
                if kind != "$END":
                    yield Token(kind, tokens.text[a:b])

    grammar = grammar_path().read_text(encoding="utf-8")
    lark = Lark(grammar, parser="lalr", lexer=Ours, start="file")
    return paused(partial(lark.parse, source.text))
