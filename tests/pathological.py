"""Texts that are hard to read, of any size, and how long they take.

    python tests/pathological.py [FAMILY …]

measures every family at the largest size that the limits allow, through all that the
commands do with a text, and at half of it; and likewise just below the bounds of
pictures and of sources, above which these are refused. It fails where something takes
more than 5 s of processor time, or more than 2.5 times what half the text takes. What
a family has of memory is told too: all steps and sizes are done in one process.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from archdsl import pipeline
from archdsl.api import SpecError, source_of
from archdsl.backends.diagram.options import PlanError
from archdsl.backends.graphviz import dot
from archdsl.backends.mermaid import flowchart
from archdsl.backends.svg import graph
from archdsl.backends.text.summary import summary_table
from archdsl.backends.text.tree import tree
from archdsl.backends.volumes import tikz, volumes
from archdsl.collector import Paused
from archdsl.diagnostics.render import FORMATS, render
from archdsl.ir.network import Network
from archdsl.limits import MOST
from archdsl.reading import decoded
from archdsl.syntax.format import format_source
from archdsl.syntax.parser import lexer

MOST_SECONDS = 5.0
MOST_RATIO = 2.5
# What is done within this time need not be compared.
SHORT = 0.05
# So often at most a family is measured.
TRIES = 4
# Just below 5,000 boxes of a picture, and 20,000 stages of a source.
BOUNDS = (4_900, 19_900)


def series(text: Callable[[int], str], n: int, between: str = "") -> str:
    """The texts of the numbers below n, one after the other."""
    return between.join(map(text, range(n)))


def alike(i: int) -> str:
    """A name for each number, of which all make one name of a class."""
    return "".join(
        letter + ("__" if i >> at & 1 else "_")
        for at, letter in enumerate("abcdefghijk")
    )


FAMILIES: dict[str, Callable[[int], str]] = {
    "brackets": lambda n: "input 8 | fc " + "(" * n + "1" + ")" * n,
    "braces": lambda n: "input 8 | " + "{" * n + "relu" + "}" * n,
    "unclosed": lambda n: "{" * n,
    "closers": lambda n: "}" * n,
    "unary": lambda n: "input 8 | fc " + "-" * n + "1",
    "not": lambda n: "input 8 | fc 8 if " + "not " * n + "true",
    "binary": lambda n: "input 8 | fc " + "+".join(["1"] * n),
    "power": lambda n: "input 8 | fc " + "**".join(["1"] * n),
    "or": lambda n: "input 8 | fc 8 if " + " or ".join(["true"] * n),
    "compare": lambda n: "input 8 | fc 8 if " + "<".join(["1"] * n),
    "cond": lambda n: "input 8 | fc " + "(" + "1 if true else " * n + "1)",
    "attr": lambda n: "input 8 | fc a" + ".a" * n,
    "index": lambda n: "input 8 | fc a" + "[0]" * n,
    "label": lambda n: "input 8 | a" + ".a" * n + ": fc 1",
    "longname": lambda n: "input 8 | " + "a" * n,
    "longnum": lambda n: "input 8 | fc " + "9" * n,
    "longsize": lambda n: "input 8 | fc " + "x".join(["9"] * n),
    "longflag": lambda n: "input 8 | conv s" + "x".join(["9"] * n),
    "chain": lambda n: "input 8" + " | relu" * n,
    "lines": lambda n: "input 8\n" + "relu\n" * n,
    "fcs": lambda n: "input 8\n" + "fc 8\n" * n,
    "different": lambda n: "input 8\n" + series(lambda i: f"fc {i % 9000 + 1}\n", n),
    "wrong at the end": lambda n: (
        "input 8\n" + series(lambda i: f"fc {i % 9000 + 1}\n", n) + "relu -> 9\n"
    ),
    "alike, and wrong at the end": lambda n: "input 8\n" + "fc 8\n" * n + "relu -> 9\n",
    "labelled": lambda n: "input 8\n" + "".join(f"l{i}: fc 8\n" for i in range(n)),
    "nets": lambda n: "".join(f"net n{i} {{ input 8 | fc 8 }}\n" for i in range(n)),
    "blocks": lambda n: (
        "".join(f"block b{i} {{ fc 8 }}\n" for i in range(n))
        + "input 8"
        + "".join(f"| b{i}" for i in range(n))
    ),
    "classes of one name": lambda n: (
        series(lambda i: f"block {alike(i)} {{ fc 8 }}\n", min(n, 2000))
        + "input 8"
        + series(lambda i: f"| {alike(i)}", min(n, 2000))
    ),
    "blockchain": lambda n: (
        "block b0 { fc 8 }\n"
        + "".join(f"block b{i + 1} {{ b{i} | b{i} }}\n" for i in range(n))
        + f"input 8 | b{n}"
    ),
    "params": lambda n: (
        "block b " + " ".join(f"p{i}=1" for i in range(n)) + " { fc 8 }\ninput 8 | b"
    ),
    "args": lambda n: "input 8 | fc " + " ".join(["8"] * n),
    "kwargs": lambda n: "input 8 | fc 8 " + " ".join(f"a{i}=1" for i in range(n)),
    "list": lambda n: "net n v=[" + ",".join(["1"] * n) + "] { input 8 | fc 8 }",
    "calls": lambda n: "input 8 | add(" + ",".join(["id"] * n) + ")",
    "parallel": lambda n: "input 8 | concat(" + ",".join(["fc 8"] * n) + ")",
    "comments": lambda n: "#" + "x" * n + "\ninput 8 | fc 8",
    "commentlines": lambda n: "# x\n" * n + "input 8 | fc 8",
    "blanks": lambda n: " " * n + "\ninput 8 | fc 8",
    "blanks2": lambda n: "input 8 |" + " " * n + "fc 8",
    "blanks3": lambda n: ("input 8" + " \n \n" * n) + "fc 8",
    "blanks4": lambda n: "\n" * n + "input 8 | fc 8",
    "crs": lambda n: "\r" * n + "input 8 | fc 8",
    "quotes": lambda n: "input 8 | " + "“ " * n,
    "quotes2": lambda n: "input 8 | " + "' " * n,
    "quotes3": lambda n: "input 8 | " + "`'" * n,
    "dquotes": lambda n: "input 8 | " + '" \n' * n,
    "badchars": lambda n: "input 8 | " + "é " * n,
    "badchars2": lambda n: "input 8 | " + "$" * n,
    "badlines": lambda n: "$\n" * n,
    "digits_": lambda n: "input 8 | " + "1a " * n,
    "digu": lambda n: "input 8 | fc " + "1_" * n + "1",
    "digu2": lambda n: "input 8 | fc " + "1_" * n,
    "float": lambda n: "input 8 | fc " + "1." * n,
    "float2": lambda n: "input 8 | fc 1." + "1" * n + "e" + "1" * n,
    "sizex": lambda n: "input 8 | fc " + "1x" * n,
    "sizeX": lambda n: "input 8 | fc " + "AxA " * n,
    "synerrs": lambda n: "net n { | }\n" * n,
    "synerrs3": lambda n: "net\n" * n,
    "synerrs4": lambda n: "use\n" * n,
    "unknown": lambda n: "input 8\n" + "foo 8\n" * n,
    "unknown1": lambda n: "input 8\n" + "".join(f"foo{i} 8\n" for i in range(n)),
    "unknownname": lambda n: "input 8\n" + "fc foo\n" * n,
    "typeerr": lambda n: "input 8\n" + "".join("fc 8 kernel=3\n" for i in range(n)),
    "duplabels": lambda n: "input 8\n" + "".join("a: fc 8\n" for i in range(n)),
    "dupnets": lambda n: "".join("net n { input 8 | fc 8 }\n" for i in range(n)),
    "dupblocks": lambda n: (
        "".join("block n { fc 8 }\n" for i in range(n)) + "input 8 | n"
    ),
    "dupparams": lambda n: (
        "block b " + " ".join(["p"] * n) + " { fc p }\ninput 8 | b 1"
    ),
    "defaults": lambda n: "default fc 8\n" * n + "input 8 | fc 8",
    "uses": lambda n: "".join(f'use "a{i}.arch"\n' for i in range(n)),
    "externs": lambda n: (
        "".join(f'extern e{i} c -> c from "m:C"\n' for i in range(n)) + "input 8 | fc 8"
    ),
    "asserts": lambda n: "net n { input 8\nfc 8\n" + "assert params == 72\n" * n + "}",
    "badasserts": lambda n: (
        "net n { input 8\nfc 8\n" + "assert params == 71\n" * n + "}"
    ),
    "wrong lines": lambda n: "input 8\n" + "foo if in.c == 8\n" * n,
    "wrong arms": lambda n: "input 8\n" + "{foo | relu} if in.c > 8\n" * n,
    "wrong in copies": lambda n: "input 8\n" + "{foo | {fc no | relu} x2} x2\n" * n,
    "wrong and captured": lambda n: (
        "input 8\n"
        + series(lambda i: f"l{i}: fc 8\n", n)
        + "{add("
        + series(lambda i: f"l{i}", n, ",")
        + ")\n"
        + "foo\n" * n
        + "} x2\n"
    ),
    "volumes": lambda n: "input 3x512x512\n" + "conv 3 3 same\n" * min(n, 398),
    "skips": lambda n: "input 3x64x64\n" + "add(id, conv 3 3 same)\n" * min(n, 190),
    "shapes": lambda n: "input 8\n" + "relu -> 8\n" * n,
    "badshapes": lambda n: "input 8\n" + "relu -> 9\n" * n,
    "ifs": lambda n: "input 8\n" + "relu if in.c == 8\n" * n,
    "groups": lambda n: "input 8\n" + "{fc 8} x2\n" * n,
    "nestrep": lambda n: "input 8 | " + "{" * min(n, 60) + "fc 8" + "} x9" * min(n, 60),
    "resid": lambda n: "input 8\n" + "add(id, fc 8)\n" * n,
    "labeluse": lambda n: "input 8\n a: fc 8\n" + "add(id, a)\n" * n,
    "order": lambda n: (
        "net n {input 8\n"
        + "".join(f"l{i}: fc 8\n" for i in range(n))
        + "order "
        + " ".join(f"l{i}" for i in range(n))
        + "}"
    ),
    "family": lambda n: (
        "net n0 a=1 { input 8 | fc a }\n"
        + "".join(f"net n{i + 1} = n{i} a={i + 1}\n" for i in range(n))
    ),
    "function": lambda n: "input 8 | fc max(" + ",".join(["1"] * n) + ")",
    "symbols": lambda n: "input 3xHxW\n" + "conv 3 3 s2 p1\n" * n,
    "relabels": lambda n: (
        "input 8 | concat(" + ",".join(f"l{i}: fc 8" for i in range(n)) + ")"
    ),
    "longlabel": lambda n: 'input 8 | "' + "a" * n + '": fc 8',
    "longstring": lambda n: 'input 8 | fc "' + "a" * n + '"',
    "cr": lambda n: "input 8\r\n" + "fc 8\r\n" * n,
    "tabs": lambda n: "\t" * n + "$",
    "wide": lambda n: "漢" * n,
    "nul": lambda n: "\0" * n,
    "oneline_err": lambda n: "input 8" + " | foo" * n,
    "oneline_shapeerr": lambda n: "input 8" + " | relu -> 9" * n,
    "defaults between nets": lambda n: series(
        lambda i: f"default fc bias=true\nnet n{i} {{ input 8 | fc 8 }}\n", n
    ),
    "copies of nothing": lambda n: (
        "input 8 | " + "{" * min(n, 60) + "id if i > 2 else id" + "} x3" * min(n, 60)
    ),
    "a product of unknown sizes": lambda n: (
        "net n { input AxBxC\n  relu if "
        + series(lambda i: f"(in.c+in.h+in.w+{i})", n, "*")
        + " > 1 }"
    ),
    "names of copies": lambda n: f'input 8 | "a{{i*i}}": fc 8 x{min(n, 99_000)}',
    "minima": lambda n: "input 3xHxW" + " | {conv 3 3 s2 p1 | maxpool 3 s2 ceil}" * n,
    "parameters in a sum": lambda n: (
        "block b "
        + series(lambda i: f"pa{i}=1", n, " ")
        + " { fc "
        + series(lambda i: f"pa{i}", n, "+")
        + " }\ninput 8 | b"
    ),
    "calls that double": lambda n: (
        "block b0 n { id if n > 0 else id }\n"
        + series(lambda i: f"block b{i + 1} n {{ b{i} n*2 | b{i} n*2+1 }}\n", n)
        + f"input 8 | b{n} 1"
    ),
}


def steps(text: str) -> Iterator[tuple[str, float]]:
    """What is done with a text, and the seconds that it takes."""
    begin = time.process_time()
    source, found = decoded(text.encode("utf-8", "surrogatepass"), "text.arch")
    networks: dict[str, Network] = {}
    drawn: tuple[Callable[[Network], object], ...] = (
        *(source_of, dot, graph, flowchart, tree, summary_table, volumes, tikz),
    )
    if source is not None:
        checked = pipeline.check(source)
        found, networks = checked.diagnostics, dict(checked.networks)
    yield "check", time.process_time() - begin
    for form in FORMATS:
        begin = time.process_time()
        render(found, form)
        yield f"as {form}", time.process_time() - begin
    if source is not None:
        begin = time.process_time()
        format_source(source)
        yield "fmt", time.process_time() - begin
    if source is not None and found and checked.nets:
        # What is known of a net is drawn although its check fails.
        begin = time.process_time()
        known = pipeline.sketch(source, checked.nets[-1])
        yield "sketch", time.process_time() - begin
        networks = {} if known is None else {"": known}
        drawn = (dot, graph, flowchart, tree, volumes, tikz)
    for network in list(networks.values())[-1:]:
        for made in drawn:
            begin = time.process_time()
            with contextlib.suppress(SpecError, PlanError):
                made(network)
            yield made.__name__, time.process_time() - begin


def longest(family: str) -> int:
    """The largest size of a family within the limits of texts."""
    text = FAMILIES[family]

    def fits(n: int) -> bool:
        made = text(n)
        return len(made.encode("utf-8", "surrogatepass")) <= MOST.source

    n = 16
    while fits(2 * n) and n < 2**20:
        n *= 2
    from archdsl.source import Source

    while n > 16 and len(lexer().tokens(Source("", text(n)))[0].kinds) >= MOST.tokens:
        n = n * 7 // 8
    return n


class Step(NamedTuple):
    """A step of a family at a size: the seconds for half of it and for all of it."""

    name: str
    size: int
    half: float
    whole: float

    @property
    def grows(self) -> bool:
        """Whether twice the text takes much more than twice the time."""
        return self.half > SHORT and self.whole / self.half > MOST_RATIO


def measured(family: str) -> list[Step]:
    """The steps of a family at all its sizes."""
    most = longest(family)
    sizes = [size for size in BOUNDS if size < most]
    return [step for size in (*sizes, most) for step in measured_at(family, size)]


def measured_at(family: str, n: int) -> list[Step]:
    """The steps of a family, measured again where one seems to grow too fast.

    Of several times the least one says how long a step takes: other work on the machine
    makes it longer, and nothing makes it shorter.
    """
    texts = FAMILIES[family](n // 2), FAMILIES[family](n)
    best: tuple[dict[str, float], dict[str, float]] = {}, {}
    rows: list[Step] = []
    for _ in range(TRIES):
        for text, times in zip(texts, best, strict=True):
            # As the commands do; without it what is done is not in proportion.
            with Paused():
                for name, seconds in steps(text):
                    times[name] = min(seconds, times.get(name, seconds))
            gc.collect()
        rows = [
            Step(name, n, best[0].get(name, 0.0), whole)
            for name, whole in best[1].items()
        ]
        if not any(row.grows or row.whole > MOST_SECONDS for row in rows):
            break
    return rows


def alone(family: str) -> tuple[list[Step], int]:
    """The steps of a family, done in a process of its own, and its peak in MiB."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with open(writing, "w") as file:
            json.dump(measured(family), file)
        os._exit(0)
    os.close(writing)
    with open(reading) as file:
        text = file.read()
    _, status, used = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"{family} ended with status {status}")
    # In KiB but on macOS.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return [Step(*row) for row in json.loads(text)], used.ru_maxrss // unit


def main(names: list[str]) -> int:
    """Print the slowest step of each family; 1 if something is too slow."""
    seconds = ratio = peak = 0.0
    slow = []
    for family in names or FAMILIES:
        rows, mib = alone(family)
        worst = max(rows, key=lambda row: row.whole)
        seconds, peak = max(seconds, worst.whole), max(peak, mib)
        ratios = [row.whole / row.half for row in rows if row.half > SHORT]
        ratio = max([ratio, *ratios])
        slow += [
            f"{family} of {row.size:,}, {row.name}: {row.half:.2f} s,"
            f" then {row.whole:.2f} s"
            for row in rows
            if row.whole > MOST_SECONDS or row.grows
        ]
        sys.stdout.write(
            f"{family:26} {worst.name:14} {worst.whole:5.2f} s"
            f"  x{max(ratios, default=0):4.2f} {mib:5} MiB\n"
        )
        sys.stdout.flush()
    sys.stdout.write(
        f"\nthe slowest takes {seconds:.2f} s, the most that twice the text takes is"
        f" {ratio:.2f} times the time, and the peak of memory is {peak:.0f} MiB\n"
    )
    sys.stdout.writelines(f"TOO SLOW: {line}\n" for line in slow)
    return bool(slow)


if __name__ == "__main__":
    sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir))
    sys.exit(main(sys.argv[1:]))
