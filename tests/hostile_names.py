"""Names that want to be more than names, and what each output makes of them.

    python tests/hostile_names.py 100000

makes so many labels and names of files, writes networks with them in all formats, and
parses what was written: a name may come out as an identifier, or inside of a literal,
and nowhere else. It ends at the first that escapes.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import itertools
import keyword
import os
import random
import re
import sys
import tokenize
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from archdsl import pipeline
from archdsl.api import source_of
from archdsl.backends.diagram.options import PlanError
from archdsl.backends.graphviz import dot
from archdsl.backends.mermaid import flowchart
from archdsl.backends.svg import graph
from archdsl.backends.text.summary import summary_json, summary_table
from archdsl.backends.text.tree import tree
from archdsl.backends.tikz import document
from archdsl.backends.volumes import scene
from archdsl.backends.volumes.markup import svg
from archdsl.diagnostics.render import FORMATS, render
from archdsl.ir.network import Network
from archdsl.reading import decoded

PIECES = (
    *("'", "''", "'''", "\\", "\\\\", "\\n", "\\N{DIGIT ONE}", "\\x22", "\\u0022"),
    *("#", "# -*- coding: utf-7 -*-", "# coding=rot13", "+AGkAbQ-", "; import os"),
    *(")", "]", "}}", "{{7*7}}", "{% x %}", "${x}", "%s", "%(x)s", "$(id)", "`id`"),
    *("__import__('os').system('x')", "eval(x)", "lambda: 0", "f'{x}'", "os;", "//"),
    *(
        "<script>alert(1)</script>",
        "</text>",
        "<!--",
        "-->",
        "]]>",
        "<![CDATA[",
        "<?x?>",
    ),
    *(
        "&",
        "&amp;",
        "&quot;",
        "&#34;",
        "&#x41;",
        "&lt;b&gt;",
        "<b>",
        "<BR/>",
        "onload=x",
    ),
    *("\\l", "\\G", "-> b", "];", "[label=x]", "subgraph", "digraph", "<<TABLE>>"),
    *("%%{init: {}}%%", "%% x", "click a", "style a:#b;", "end", "graph TD"),
    *("a --> b", "x:::y"),
    *("**b**", "_i_", "1. x", "- x", "http://x.y", "www.x.y", "javascript:x", "$$x$$"),
    *("\ufb01", "\u2102", "\U0001d431", "\uff53\uff45\uff4c\uff46", "\u00aa", "\u017f"),
    *("\u200b", "\u200d", "\ufeff", "\u200f", "\u061c", "\u0301", "\u00ad", "\u3164"),
    *("\U0001f600", "\U000e0041", "\u00e9", "e\u0301", "\u0130", "\u212a", "\u202f"),
    *("\u202e", "\u2066", "\x1b[31m", "\x07", "\r", "\x85", "\u2028", "\x7f", "\x00"),
    *(
        "\\input{x}",
        "\\write18{x}",
        "\\end{document}",
        "\\catcode`\\%=12",
        "^^5cdef",
        "%",
    ),
    *("\\verb|", "$\\x$", "}\\x{", "!TeX program = x", "arara: x: {shell: yes}", ",,"),
    *(" ", "  ", "\t", "-", "+", ":", ",", ";", "=", "(", "[", "{", "|", "?", "!", "@"),
    *("i", "0", "00", "1e9", "training", "forward", "__class__", "_modules", "self"),
)
WORDS = (
    *keyword.kwlist,
    *keyword.softkwlist,
    *(name for name in dir(builtins) if name[0] != "_"),
    *("torch", "nn", "F", "math", "Tensor", "Any", "x", "conv", "Conv", "CONV"),
)
# So many labels stand in one net.
TOGETHER = 8
# One of so many nets is drawn as volumes, too.
EVERY = 3


class EscapeError(AssertionError):
    """A name has come out as something else."""


def name(draw: random.Random) -> str:
    """A hostile name; what is refused is among them."""
    kind = draw.random()
    if kind < 0.15:
        return draw.choice(WORDS)
    if kind < 0.25:
        return "".join(
            chr(draw.choice((draw.randrange(32, 0x250), draw.randrange(32, 0xD800))))
            for _ in range(draw.randrange(1, 8))
        )
    made = "".join(
        draw.choice(PIECES if draw.random() < 0.8 else WORDS)
        for _ in range(draw.randrange(1, 5))
    )
    return made[: draw.choice((8, 40, 128))]


def spec(labels: list[str], wrong: str = "") -> str:
    """A net with these labels: on its stages, in a block, on a repeat and a merge.

    What is `wrong` stands before the last lines.
    """
    half = len(labels) // 2
    body = "\n".join(f'  "{label}": fc 8' for label in labels[:half])
    net = "\n".join(f'  "{label}": fc 8 x2' for label in labels[half:])
    return (
        f"block b {{\n{body}\n}}\nnet n {{\n  input 8\n  b\n{wrong}{net}\n"
        "  add(id, {fc 8 | relu})\n}\n"
    )


def networks(labels: list[str], file: str) -> Iterator[tuple[list[str], Network]]:
    """Nets with the labels; those that are refused are left out, once this is told."""
    source, found = decoded(spec(labels).encode("utf-8", "surrogatepass"), file)
    if source is not None:
        checked = pipeline.check(source)
        found = checked.diagnostics
        if not found:
            yield labels, checked.networks["n"]
            return
    for form in FORMATS:
        for line in render(found, form).split("\n"):
            _printable(line, form)
    if len(labels) > 2:
        for at in range(0, len(labels), 2):
            yield from networks(labels[at : at + 2], file)


# Stages that are refused, `{}` being a hostile label.
WRONG = (
    *('  "{}": conv 3\n', '  "{}": fc 8 -> 9\n', '  "{}": {fc 8 | nothing} x3\n'),
    *('  "{}": fc "{}"\n', '  fc 8 bias="{}"\n', '  {fc 8 | "{}": nothing 3}\n'),
    *('  b "{}"\n', '  fc 8 bias=false q="{}"\n', '  "{}": add(id, {fc 9})\n'),
)


def sketched(labels: list[str], file: str, wrong: str) -> Network | None:
    """What is known of a net with a stage that is refused."""
    text = spec(labels[1:], wrong.replace("{}", labels[0]))
    source, _ = decoded(text.encode("utf-8", "surrogatepass"), file)
    return None if source is None else pipeline.sketch(source, "n")


def _printable(line: str, what: str) -> None:
    if not line.isprintable():
        raise EscapeError(f"{what}: {line!a}")


_STEERING = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def _steers_nothing(line: str, what: str) -> None:
    """Joiners may stay in pictures, as letters and emoji need them."""
    if _STEERING.search(line):
        raise EscapeError(f"{what}: {line!a}")


# What Python source of such nets is made of, beside the labels.
_IDENTIFIERS = frozenset(
    """
    B N nn Module Linear Sequential ReLU ModuleList super __init__ self forward x
    torch Tensor F relu range in_features out_features b b1 _modules getattr
    OrderedDict collections typing annotations __future__ layer block residual _ i
    fc1 fc2 relu1 inplace int float vars Any Callable None y branch features functional
    """.split()
)
_STATEMENTS = (
    *(ast.Module, ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef),
    *(ast.Assign, ast.AugAssign, ast.Return, ast.Expr, ast.For, ast.AnnAssign),
)


def check_python(text: str, labels: list[str]) -> None:
    """Names are attributes or in strings; statements are those of such nets."""
    if not text.isascii():
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            plain = token.type in (tokenize.STRING, tokenize.COMMENT)
            if not (token.string.isascii() or plain):
                raise EscapeError(f"Python: {token.string!a}")
    for number, line in enumerate(text.split("\n")):
        _printable(line, "Python")
        if number < 2 and re.match(r"[ \t\f]*#.*?coding[:=]", line):
            raise EscapeError(f"Python: {line!a}")
    parts = {part for label in labels for part in (label, *label.split("."))}
    attributes = {part for part in parts if part.isidentifier() and part.isascii()}
    parsed = ast.parse(text)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(parsed)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(parsed):
        if isinstance(node, ast.stmt) and not isinstance(node, _STATEMENTS):
            raise EscapeError(f"Python: {ast.unparse(node)!a}")
        plain = isinstance(node, ast.Expr) and id(node.value) not in docs
        if plain and not isinstance(node.value, ast.Call):  # type: ignore[attr-defined]
            raise EscapeError(f"Python: {ast.unparse(node)!a}")
        found: tuple[str, ...] = ()
        if isinstance(node, ast.Name):
            found = (node.id,)
        elif isinstance(node, ast.arg):
            found = (node.arg,)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.alias):
            found = tuple(node.name.split("."))
        elif isinstance(node, ast.Attribute) and node.attr not in attributes:
            found = (node.attr,)
        elif isinstance(node, ast.keyword) and node.arg is not None:
            found = (node.arg,)
        said = node.value if isinstance(node, ast.Constant) else None
        known = id(node) in docs or said in parts or said == "_modules"
        if isinstance(said, str) and not known:
            raise EscapeError(f"Python: {said!a}")
        for identifier in found:
            # A variable may be called after a label, changed to be safe.
            if identifier not in _IDENTIFIERS and not _derived(identifier, parts):
                raise EscapeError(f"Python: {identifier!a}")


def _derived(identifier: str, parts: set[str]) -> bool:
    if re.fullmatch(r"(fc|relu|b|block|residual|branch)\d*", identifier):
        return True
    plain = {re.sub(r"[^A-Za-z0-9_]", "_", part) for part in parts}
    return identifier.strip("_") in {
        made.strip("_") for part in plain for made in (part, f"layer{part}")
    }


_ELEMENTS = frozenset(
    "svg title desc style g rect path text tspan polygon circle ellipse line".split()
) | {"defs", "marker"}


def check_svg(text: str) -> None:
    """The elements and attributes are those of pictures; nothing is active."""
    for element in ET.fromstring(text).iter():
        tag = element.tag.rpartition("}")[2]
        if tag not in _ELEMENTS:
            raise EscapeError(f"SVG: {tag}")
        for key, value in element.attrib.items():
            active = key.lower().startswith("on") or "href" in key
            if active or "url(" in value.replace("url(#", ""):
                raise EscapeError(f"SVG: {key}={value!a}")
        if tag == "style" and re.search(
            r"url\(|@import|expression", element.text or ""
        ):
            raise EscapeError(f"SVG: {element.text!a}")
    _steers_nothing(text.replace("\n", ""), "SVG")


# TeX with no text of a spec in it, and where such text may stand.
_PLACE = r"\(-?[\d.e+]+,-?[\d.e+]+\)"
_WAY = rf"{_PLACE}(?: -- {_PLACE})*(?: -- cycle)?"
_TEX_LINE = re.compile(
    r"% Made by archdsl, for pdflatex, xelatex or lualatex\."
    r"|% The tensors of the network [ -~]*|% volume: [ -~]*"
    r"|\\documentclass\[border=2pt\]\{standalone\}"
    r"|\\usepackage(?:\[\w+\])?\{(?:fontenc|inputenc|helvet|amssymb|tikz)\}"
    r"|\\definecolor\{[a-z]+(?:-[a-z]+)?\}\{HTML\}\{[0-9A-F]{6}\}"
    r"|\\(?:begin|end)\{(?:document|tikzpicture)\}"
    r"|\\begin\{tikzpicture\}\[x=[\d.]+pt, y=-[\d.]+pt,"
    r"|  line width=[\d.]+pt, draw=edge, line join=round,"
    r" every node/\.style=\{inner sep=0pt, outer sep=0pt\},"
    r"|  font=\\sffamily\]"
    rf"|\\path\[use as bounding box\] \(0,0\) rectangle {_PLACE};"
    rf"|\\filldraw\[fill=[a-z]+-[a-z]+(?:, draw=wrong)?\] {_WAY};"
    rf"|\\fill\[edge\] {_WAY};"
    rf"|\\draw\[[a-z\d ,=.]*\] {_WAY};"
    rf"|\\node\[anchor=base(?: west)?(?:, rotate=90)?\] at {_PLACE} "
    r"\{\\fontsize\{[\d.]+\}\{[\d.]+\}\\selectfont"
    r"(?:\\bfseries)?(?:\\color\{wrong\})? (?P<said>.*)\};"
)
_TEX_SAID = re.compile(
    r"\\[{}$&#%_]"
    r"|\\(?:textbackslash|textascii(?:circum|tilde|grave)|text(?:less|greater|bar)"
    r"|text(?:quotedbl|quotesingle|endash)|ldots)\{\}"
    r"|\$(?:\\(?:times|cdot|lceil|rceil|lfloor|rfloor|Vert|geq|leq|neq|div)|-)\$"
    r"|\{[-,]\}"
    # A comma that no other precedes: two make one sign.
    r"|(?<!,),|[A-Za-z0-9 !()*+./:;=?@\[\]\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff]"
)


def check_tikz(text: str) -> None:
    """Each line is one of those of such documents; what is said holds no command."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        found = _TEX_LINE.fullmatch(line)
        if found is None and (line or number < len(lines) - 1):
            raise EscapeError(f"TikZ: {line!a}")
        if found is None or found["said"] is None:
            continue
        at, said = 0, found["said"]
        while at < len(said):
            token = _TEX_SAID.match(said, at)
            if token is None:
                raise EscapeError(f"TikZ: {said[at : at + 40]!a}")
            at = token.end()
    ends = [line for line in lines if line.startswith("\\end")]
    if ends != ["\\end{tikzpicture}", "\\end{document}"]:
        raise EscapeError(f"TikZ: {ends}")


_DOT = re.compile(
    r'(?P<string>"(?:[^"\\\n]|\\[\\"n])*")|(?P<word>\w+|-?\d*\.?\d+)'
    r"|(?P<sign>->|[{}\[\];=,])|\s+"
)


def dot_shape(text: str) -> list[str]:
    """The tokens of DOT text, but for what strings and numbers say."""
    at, made = 0, []
    while at < len(text):
        token = _DOT.match(text, at)
        if token is None:
            raise EscapeError(f"DOT: {text[at : at + 40]!a}")
        at = token.end()
        if token.lastgroup == "string":
            if re.search(r"&(?!amp;)", token.group()):
                raise EscapeError(f"DOT: {token.group()!a}")
            _steers_nothing(token.group(), "DOT")
            made.append('""')
        elif token.lastgroup is not None:
            word = token.group()
            made.append("0" if word.replace(".", "").isdigit() else word)
    return made


_SAID = re.compile(r'"([^"]*)"')
_HARMLESS = re.compile(r"(?:<br/>|#\d+;|[\w ,()×·–‖…⌈⌉:/.+-])*")


def mermaid_shape(text: str) -> list[str]:
    """The lines of a flowchart, but for what its labels say."""
    lines = []
    for line in text.split("\n"):
        _steers_nothing(line, "Mermaid")
        for said in _SAID.findall(line):
            if not _HARMLESS.fullmatch(said):
                raise EscapeError(f"Mermaid: {said!a}")
        lines.append(_SAID.sub('""', line))
    return lines


def made_of(drawn: list[str], charted: list[str]) -> set[str]:
    """The words of DOT and Mermaid, whatever their numbers."""
    charted = [word for line in charted for word in line.split()]
    words = (re.sub(r"\d+", "0", word) for word in (*drawn, *charted))
    return {re.sub(r"\b(\w+)(,\1)+", r"\1", word) for word in words}


class Checker:
    """Holds what hostile names make against what plain ones make."""

    def __init__(self) -> None:
        self._plain: dict[int, Network] = {}
        self._shapes: dict[int, tuple[list[str], list[str]]] = {}
        self.written = 0
        self.refused = 0
        self.sketched = 0
        self.rows = 0
        self._pictured = 0
        # Mermaid's arrows, and what is seen in pictures of plain labels.
        self._words = {"-->", '-->|""|', "-.->", '-.->|""|'}
        self._wrong = itertools.cycle(WRONG)

    def check(self, labels: list[str], file: str) -> None:
        """Raises EscapeError if a label or the name of the file is more than a name."""
        fine = 0
        # All of them where none is refused as a text, and two that may be.
        self._failing(labels, file)
        self._failing(labels[:2], file)
        for some, network in networks(labels, file):
            fine += len(some)
            self._outputs(some, network)
        self.written += fine
        self.refused += len(labels) - fine

    def _outputs(self, labels: list[str], network: Network) -> None:
        check_python(source_of(network), labels)
        self._pictures(network)
        drawn, charted = self._shape(len(labels))
        if dot_shape(dot(network)) != drawn:
            raise EscapeError(f"DOT: {labels!a}")
        if mermaid_shape(flowchart(network)) != charted:
            raise EscapeError(f"Mermaid: {labels!a}")
        summary_json(network, 1)
        for text in (tree(network), summary_table(network, 1)):
            # Names of files are made printable where they are shown.
            for line in text.replace(network.source_name, "").split("\n"):
                _steers_nothing(line, "text")

    def _failing(self, labels: list[str], file: str) -> None:
        """Pictures of nets that are refused, at a stage with the first label at least.

        They differ with what is refused: what they are made of is compared.
        """
        known = sketched(labels, file, next(self._wrong))
        if known is None:
            return
        self.sketched += 1
        self._pictures(known)
        self._plain_words()
        for line in made_of(dot_shape(dot(known)), mermaid_shape(flowchart(known))):
            if line not in self._words:
                raise EscapeError(f"DOT or Mermaid: {line!a} in {labels!a}")
        for line in tree(known).replace(file, "").split("\n"):
            _steers_nothing(line, "text")

    def _plain_words(self) -> None:
        """What pictures of refused nets with plain labels are made of."""
        if "digraph" in self._words:
            return
        for wrong in (*WRONG, *(each + WRONG[2] for each in WRONG)):
            for count in (2, TOGETHER):
                plain = [f"plain{n}" for n in range(count)]
                known = sketched(plain, "plain.arch", wrong)
                assert known is not None, wrong
                self._words |= made_of(
                    dot_shape(dot(known)), mermaid_shape(flowchart(known))
                )

    def _pictures(self, network: Network) -> None:
        check_svg(graph(network))
        # Most of the time is spent on where volumes stand.
        self._pictured += 1
        if self._pictured % EVERY == 0:
            with contextlib.suppress(PlanError):
                made = scene(network)
                check_svg(svg(made, "auto", 1.0))
                check_tikz(document(made))
                self.rows += 1

    def _shape(self, count: int) -> tuple[list[str], list[str]]:
        if count not in self._shapes:
            ((_, network),) = networks(
                [f"plain{n}" for n in range(count)], "plain.arch"
            )
            self._shapes[count] = (
                dot_shape(dot(network)),
                mermaid_shape(flowchart(network)),
            )
        return self._shapes[count]


def run(count: int, seed: int = 0) -> Checker:
    """Check so many hostile labels, each net in a file of hostile name."""
    draw = random.Random(seed)
    checker = Checker()
    while checker.written + checker.refused < count:
        labels: list[str] = []
        while len(labels) < TOGETHER:
            made = name(draw)
            # A quote or a line end would end the label in the text itself.
            made = made.replace('"', "'").replace("\n", " ")
            if made not in labels:
                labels.append(made)
        checker.check(labels, name(draw) + ".arch")
    return checker


if __name__ == "__main__":
    sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir))
    done = run(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    sys.stdout.write(
        f"{done.written:,} names were written in nine formats, {done.refused:,} were"
        f" refused, and 0 escaped; {done.sketched:,} nets with a mistake were drawn,"
        f" and {done.rows:,} rows of volumes\n"
    )
