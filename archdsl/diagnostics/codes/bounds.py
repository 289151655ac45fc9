"""Assertions, limits and files."""

from __future__ import annotations

from archdsl.diagnostics.codes.record import Code

ASSERTIONS = (
    Code(
        "E0601",
        "a shape that is not as asserted",
        """
`-> 96x27x27` says what the author, or the paper, believes about the value at this
place. The checker computes another shape. One of the two is wrong: the assertion, or
a size before it. The message names what would give the asserted size, if a padding, a
stride or an input does. `_` stands for any size, and `hwc` after the shape says that
the channels stand last.
""",
        "input 3x224x224 | conv 96x11x11 s4 -> 96x55x55\n",
        "input 3x227x227 | conv 96x11x11 s4 -> 96x55x55\n",
    ),
    Code(
        "E0602",
        "an assertion that does not hold",
        """
`assert` states a fact about the finished net, usually a published number. The checker
counts differently. Totals are `params`, `trainable`, `macs`, `connections`,
`activation_bytes` and `layers`; those of one labelled stage are `label.params` and so
on.
""",
        "net n {\n  input 84\n  fc 10\n  assert params == 840\n}\n",
        "net n {\n  input 84\n  fc 10\n  assert params == 850\n}\n",
    ),
)

_LONG = "a" * 129
_MANY = " ".join(f"p_{n}=1" for n in range(1001))

LIMITS = (
    Code(
        "E0701",
        "a number that is too large",
        """
Numbers, sizes and totals stay below 2**63, those on the way to a result too. The
limit is checked before the work is done, so that no expression can keep the checker
busy. So are formulas of sizes that are not known: there are at most 500 that
differ, and a size has one of at most 1,000 parts.
""",
        "input 84 | fc 9**9**9\n",
        "input 84 | fc 9**3\n",
    ),
    Code(
        "E0702",
        "too many layers",
        """
Written out, the nets of a text may have 1,000,000,000 layers together, and 100,000
that differ from each other. No published network comes near it. Most likely a number
of copies has a digit too many.
""",
        "input 84 | relu x1000000000000\n",
        "input 84 | relu x1000\n",
    ),
    Code(
        "E0703",
        "nested too deep",
        """
Brackets, expressions, calls of blocks, nets that are derived from each other and the
parts of a label may be nested up to fixed depths. Beyond them nobody can read a spec.
Give the inner part a name with `block`, or a parameter.
""",
        f"input 84 | fc {'(' * 70}1{')' * 70}\n",
        "input 84 | fc 1\n",
    ),
    Code(
        "E0704",
        "a file that is too large",
        """
The file is larger than any spec has reason to be: more than 1 MiB, or 300,000 words
and signs. What repeats is written once, with `x`: a network of a thousand layers is a
few lines.
""",
        "$ archdsl check dump.arch",
        "$ archdsl check resnet.arch",
    ),
    Code(
        "E0705",
        "a source that would be too long",
        """
The copies of a repeat without a label stand in the class one by one: `fc1`, `fc2` and
so on. So many of them make no source that anybody can read or load. With a label the
copies are written once, in a list, however many they are.

The formula of a size that is not known is written where the size is needed. If it has
more than 200 parts, a number for some size of the input is the remedy.
""",
        "$ archdsl compile -e 'input 8 | fc 8 x1000000'\n",
        "$ archdsl compile -e 'input 8 | layers: fc 8 x1000000'\n",
    ),
    Code(
        "E0706",
        "a name that is too long",
        """
Names, and the parts of a label between its dots, have at most 128 characters. They
become names in Python, and nobody can read or tell apart longer ones.
""",
        f"net {_LONG} {{ input 8 | fc 8 }}\n",
        "net mlp { input 8 | fc 8 }\n",
    ),
    Code(
        "E0707",
        "too many parameters",
        """
A block or net has at most 1,000 inputs and parameters. Numbers of one kind are better
one list, from which the block takes what it needs: `n[0]`.
""",
        f"block b {_MANY} {{ relu }}\nnet n {{ input 8 | b }}\n",
        "block b n=[1,2,3] { fc n[0] }\nnet n { input 8 | b }\n",
    ),
)

FILES = (
    Code(
        "E0801",
        "no such file",
        """
There is no file of this name. Paths are taken from where the command is run.
""",
        "$ archdsl check lennet.arch",
        "$ archdsl check lenet.arch",
    ),
    Code(
        "E0802",
        "a file that cannot be read",
        """
The file is there, but it is a directory, or the system does not let it be read.
""",
        "$ archdsl check specs",
        "$ archdsl check specs/lenet.arch",
    ),
    Code(
        "E0803",
        "a file that cannot be used",
        """
`use` takes a path that begins at the file in which it stands, with `/` between its
parts and `.arch` at its end. It may go up with `..`, but not out of the project: the
nearest directory above the spec that holds `pyproject.toml`, `.git`, `setup.py`,
`setup.cfg` or `.hg`, or else the spec's own. Links count as what they lead to. The file
is a plain one that can be read. Files use each other up to 8 deep, and 64 in all. A
text that is no file, from `-e` or from standard input, can use none.
""",
        'use "blocks.arch"\nnet n { input 3x32x32 | conv 16x3x3 }\n',
        "block unit c { conv c 3x3 | relu }\nnet n { input 3x32x32 | unit 16 }\n",
    ),
)
