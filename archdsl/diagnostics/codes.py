"""The table of codes: what each finding means, and how to mend it.

`archdsl explain CODE` prints these pages and `docs/errors/` holds them. Checking a
spec does not import this module.
"""

from __future__ import annotations

from typing import NamedTuple

# An example that begins so is a command, not a spec.
COMMAND = "$ "


class Code(NamedTuple):
    """One kind of mistake.

    `wrong` is a spec that raises exactly this code, once, and `right` one that is
    clean. Codes about files have commands there instead, each after `$`.
    """

    code: str
    title: str
    explanation: str
    wrong: str
    right: str = ""


def page(code: str) -> str:
    """The code's page, as Markdown."""
    entry = CODES[code]
    language = "sh" if entry.wrong.startswith(COMMAND) else "arch"
    parts = [
        f"# {entry.code}: {entry.title}",
        entry.explanation.strip(),
        "Refused:",
        f"```{language}\n{entry.wrong.rstrip()}\n```",
    ]
    if entry.right:
        parts += ["Accepted:", f"```{language}\n{entry.right.rstrip()}\n```"]
    return "\n\n".join(parts) + "\n"


_TEXT = (
    Code(
        "E0101",
        "characters that mean nothing",
        """
Outside of strings and comments a spec is made of ASCII letters, digits and the signs
of the language. This character, word or string is none of them. Often it came along
from a paper or a word processor: `×` between sizes, `→` before a shape, curly quotes.
A name begins with a letter, a size is numbers joined by `x`, and a string ends on the
line on which it begins. Comments, after `#`, may hold anything.
""",
        "input 3×32×32\n",
        "input 3x32x32\n",
    ),
    Code(
        "E0102",
        "out of order",
        """
The words are known, but not in this order. A line is stages joined by `|`; a stage is
a layer and its arguments, perhaps with `label:` before it and `-> shape` behind it; an
`if` ends the line. Arguments are separated by spaces, the inputs of a call by commas.
The message says what could have stood there. After such a mistake checking goes on at
the next `net`, `block` or `default`.
""",
        "input 3x32x32 | conv 16, 3x3\n",
        "input 3x32x32 | conv 16 3x3\n",
    ),
    Code(
        "E0103",
        "brackets that do not match",
        """
Each `{`, `(` and `[` is closed by its own kind, and the one opened last is closed
first. Braces hold stages, parentheses the inputs of a call or arithmetic, and square
brackets a list.
""",
        "net lenet {\n  input 1x32x32\n  conv 6x5x5\n",
        "net lenet {\n  input 1x32x32\n  conv 6x5x5\n}\n",
    ),
    Code(
        "E0104",
        "not text",
        """
A spec is a UTF-8 text file. This file holds bytes that are no UTF-8: it may be an
image, a compiled file, or a text saved in another encoding. Save it as UTF-8.
""",
        "$ archdsl check weights.pt",
        "$ archdsl check lenet.arch",
    ),
    Code(
        "E0105",
        "nothing to check",
        """
The text holds no net. A net is `net name { … }`, or a bare pipeline that begins with
`input`. Comments and `default` lines alone describe nothing.
""",
        "# LeNet-5, to be written\n",
        "# LeNet-5\ninput 1x32x32 | conv 6x5x5 | tanh | avgpool 2\n",
    ),
)

_NAMES = (
    Code(
        "E0201",
        "an unknown layer, block or label",
        """
A stage begins with a layer of the language, a block of this file, a label that stands
before it, or a parameter that holds a layer. This name is none of them. The layers are
listed in `docs/layers.md`. Other tools' names differ: `Linear` is `fc` here, `Conv2d`
is `conv`.
""",
        "input 3x32x32 | cnv 16x3x3\n",
        "input 3x32x32 | conv 16x3x3\n",
    ),
    Code(
        "E0202",
        "an unknown value",
        """
Sizes are read from a value: `in.c` from the input of the block or net, `id.h` from the
current value, `stem.w` from the stage labelled `stem`. No label of this name stands
before this place in the same body.
""",
        "net n {\n  input 3x32x32\n  conv stem.c 3x3\n}\n",
        "net n {\n  input 3x32x32\n  stem: conv 16x3x3\n  conv stem.c 3x3\n}\n",
    ),
    Code(
        "E0203",
        "a label before its definition",
        """
Values flow forward. A label stands for the value after its stage, so only what comes
later can use it; that also keeps every net free of cycles. Move the use below the
definition, or the definition up.
""",
        "net n {\n  input 3x32x32\n  add(id, skip)\n  skip: conv 3x1x1\n}\n",
        "net n {\n  input 3x32x32\n  skip: conv 3x1x1\n  add(in, skip)\n}\n",
    ),
    Code(
        "E0204",
        "a label defined twice",
        """
A label names a submodule in the `state_dict`, a value, and a node of the diagram, so
it can stand once in a body. Copies of a repeat get different names from a quoted label
that holds the index: `"layer{i+1}": conv 16x3x3 p1 x3`.
""",
        "net n {\n  input 3x32x32\n  c: conv 16x3x3\n  c: conv 16x3x3\n}\n",
        "net n {\n  input 3x32x32\n  c1: conv 16x3x3\n  c2: conv 16x3x3\n}\n",
    ),
    Code(
        "E0205",
        "a label that names nothing",
        """
This label stands before something that has no weights and makes no submodule (`id`,
`in`, `add`, another label), and nothing uses it as a value. So it changes nothing, and
is perhaps misspelt where it was to be used.
""",
        "net n {\n  input 3x32x32\n  skip: id\n  conv 3x3x3 p1\n  add(id, in)\n}\n",
        "net n {\n  input 3x32x32\n  skip: id\n  conv 3x3x3 p1\n  add(id, skip)\n}\n",
    ),
    Code(
        "E0206",
        "an unknown name in an expression",
        """
An argument, a condition or an assertion names something that has no value there.
Names in expressions are parameters of the block or net, layers, and `i` inside a
repeat. The totals `params`, `macs` and so on are known in `assert` lines only; a size
of a value is read as `label.c`.
""",
        "net n width=16 {\n  input 3x32x32\n  conv width*widht 3x3\n}\n",
        "net n width=16 {\n  input 3x32x32\n  conv width*width 3x3\n}\n",
    ),
    Code(
        "E0207",
        "a parameter that is never used",
        """
The block or net takes this parameter, but its body does not mention it. Whoever sets
it would see no effect. Use it, or remove it.
""",
        "net n classes=10 {\n  input 84\n  fc 10\n}\n",
        "net n classes=10 {\n  input 84\n  fc classes\n}\n",
    ),
    Code(
        "E0208",
        "a parameter named like a flag",
        """
A letter and digits are short for a key: `s2` is `s=2`. A parameter of such a name could
never be told from the flag, so it needs another name.
""",
        "block head c1 {\n  conv c1 1x1\n}\nnet n { input 3x32x32 | head 8 }\n",
        "block head mid {\n  conv mid 1x1\n}\nnet n { input 3x32x32 | head 8 }\n",
    ),
    Code(
        "E0209",
        "a definition that stands twice",
        """
Blocks and nets share one space of names in a file, and the inputs and parameters of a
block share another. Each name is given once.
""",
        "block unit { relu }\nblock unit { tanh }\nnet n { input 8 | unit }\n",
        "block unit { relu }\nblock unit2 { tanh }\nnet n { input 8 | unit | unit2 }\n",
    ),
    Code(
        "E0210",
        "a block or net that contains itself",
        """
A block is expanded where it is called, so one that reaches itself, directly, through
other blocks or through a parameter, would have no end. Repetition is written with
`x`: `unit 64 x3`.
""",
        "block unit {\n  conv 3x3x3 p1 | unit\n}\nnet n { input 3x32x32 | unit }\n",
        "block unit {\n  conv 3x3x3 p1\n}\nnet n { input 3x32x32 | unit x3 }\n",
    ),
    Code(
        "E0211",
        "an unknown net",
        """
A net was asked for, on the command line or after `net name =`, that the file does not
have.
""",
        "net small = resnet depth=2\n",
        "net resnet depth {\n  input 3x32x32\n  conv 3x3x3 p1 x=depth\n}\n"
        "net small = resnet depth=2\n",
    ),
    Code(
        "E0212",
        "two stages with one name",
        """
Every stage with weights has a name in the `state_dict`: its label, or its kind and
number, such as `conv2`. Here two stages of a scope would get the same one, and one
would overwrite the other's weights. Change a label. Copies of a repeat that stand in
the enclosing scope need the index in their label: `"layer{i+1}"`.
""",
        "net n {\n  input 3x32x32\n  conv2: conv 8x3x3\n"
        "  conv 8x3x3\n  conv 8x3x3\n}\n",
        "net n {\n  input 3x32x32\n  stem: conv 8x3x3\n  conv 8x3x3\n  conv 8x3x3\n}\n",
    ),
    Code(
        "E0213",
        "a name of the language",
        """
`id`, `in`, `input`, `i` and `x` mean something everywhere, and a block cannot take the
name of a layer, so that a reader always knows what `conv` is. Choose another name.
""",
        "block conv { relu }\nnet n { input 8 | relu }\n",
        "block my_conv { relu }\nnet n { input 8 | my_conv }\n",
    ),
    Code(
        "E0214",
        "stages in a derived net",
        """
`net a = b …` gives the parameters of `b` values. Its body may assert what is then
true, and adds no stages. What differs between nets of a family is a parameter of the
base.
""",
        "net base n {\n  input 8\n  fc n\n}\nnet ten = base n=10 {\n  softmax\n}\n",
        "net base n {\n  input 8\n  fc n\n}\nnet ten = base n=10 {\n"
        "  assert params == 90\n}\n",
    ),
    Code(
        "E0215",
        "a label in a line that is skipped",
        """
The label stands in a line whose condition is false here, so there is no such value.
Put what uses it under the same condition, or give the line an `else`.
""",
        "net n deep=false {\n  input 3x32x32\n  side: conv 3x1x1 if deep\n"
        "  add(in, side)\n}\n",
        "net n deep=false {\n  input 3x32x32\n  side: conv 3x1x1 if deep\n"
        "  add(in, side) if deep\n}\n",
    ),
)

_SHAPES = (
    Code(
        "E0301",
        "a value of the wrong rank",
        """
Layers want a certain number of sizes: a convolution or pool takes a map (channels and
one to three spatial sizes), some layers take a vector. `flatten` and `gap` turn a map
into a vector, and nothing turns it back.
""",
        "input 3x32x32 | flatten | conv 16x3x3\n",
        "input 3x32x32 | conv 16x3x3 | flatten\n",
    ),
    Code(
        "E0302",
        "a kernel larger than its input",
        """
A window has to fit into the padded input at least once. Maps shrink at every stride
and every unpadded kernel, so this is often found late in a net: count back from the
shape that the message shows. Pad more, use a smaller kernel, or a larger input.
""",
        "input 3x8x8 | conv 16x11x11 p1\n",
        "input 3x8x8 | conv 16x11x11 p2\n",
    ),
    Code(
        "E0303",
        "an even kernel that is to keep the size",
        """
`same` pads both sides alike, by d(k-1)/2, so that the output is the input divided by
the stride, rounded up. For an even kernel that is no whole number. Use an odd kernel,
or give the padding as a number and accept the other size.
""",
        "input 3x32x32 | conv 16x4x4 same\n",
        "input 3x32x32 | conv 16x5x5 same\n",
    ),
    Code(
        "E0304",
        "branches of different shapes",
        """
`add` and `mul` need equal shapes, `concat` shapes that differ in the joined axis only.
The one exception is a vector of as many numbers as there are channels, which is
applied to each channel. No other broadcasting happens, since it would hide mistakes. A
1x1 convolution with the right channels and stride makes a shortcut fit.
""",
        "input 64x56x56 | add(id, conv 128x3x3 s2 p1)\n",
        "input 64x56x56 | add(conv 128x1x1 s2, conv 128x3x3 s2 p1)\n",
    ),
    Code(
        "E0305",
        "a fully connected layer on a map",
        """
`fc` connects all numbers of a vector, and works along the last axis of a sequence. On
a map it is not said what is meant: `flatten` makes one long vector of it, `gap` the
mean of each channel.
""",
        "input 16x5x5 | fc 10\n",
        "input 16x5x5 | flatten | fc 10\n",
    ),
    Code(
        "E0306",
        "nothing flows here",
        """
A net begins with `input` and the shape of one sample, channels first and without the
batch. Before it there is no value that a layer could take.
""",
        "net n {\n  conv 16x3x3\n}\n",
        "net n {\n  input 3x32x32\n  conv 16x3x3\n}\n",
    ),
    Code(
        "E0307",
        "an input in the wrong place",
        """
A net has one `input`, at its beginning. A block has none: what flows into it is given
where it is called, and `in` stands for it.
""",
        "net n {\n  input 3x32x32\n  conv 16x3x3\n  input 3x32x32\n}\n",
        "net n {\n  input 3x32x32\n  conv 16x3x3\n}\n",
    ),
    Code(
        "E0312",
        "groups that do not divide the channels",
        """
A grouped convolution cuts the channels that arrive and those that leave into `g` equal
parts. Both numbers must be multiples of `g`.
""",
        "input 95x27x27 | conv 256x5x5 p2 g2\n",
        "input 96x27x27 | conv 256x5x5 p2 g2\n",
    ),
)

_ARGUMENTS = (
    Code(
        "E0401",
        "an unknown argument",
        """
The layer, block or net has no argument of this name. Layers use one letter for what
appears everywhere: `s` stride, `p` padding, `d` dilation, `g` groups, `k` kernel.
""",
        "input 3x32x32 | conv 16x3x3 stride=2\n",
        "input 3x32x32 | conv 16x3x3 s=2\n",
    ),
    Code(
        "E0402",
        "a missing argument",
        """
The layer, block or function needs more than it was given. Arguments without a default
have to be there; the message names them in their order.
""",
        "input 3x32x32 | conv 16\n",
        "input 3x32x32 | conv 16 3x3\n",
    ),
    Code(
        "E0403",
        "an argument too many",
        """
Nothing is left that this argument could be. Arguments without a key fill the required
places in order; everything that has a default goes by its key.
""",
        "input 84 | fc 10 20\n",
        "input 84 | fc 10 | fc 20\n",
    ),
    Code(
        "E0404",
        "an argument of the wrong kind",
        """
The argument wants another kind of value: a whole number, a size, a word, a list. A
list gives one entry to each copy of a repeat, so outside of a repeat it is no number.
""",
        "input 3x32x32 | conv 16x3x3 s=1.5\n",
        "input 3x32x32 | conv 16x3x3 s=2\n",
    ),
    Code(
        "E0405",
        "an argument out of range",
        """
The value is of the right kind, but outside of what is possible here: a stride of 0, a
share above 1, more padding than half a pool's kernel.
""",
        "input 84 | dropout 1.5\n",
        "input 84 | dropout 0.5\n",
    ),
    Code(
        "E0406",
        "an argument given twice",
        """
Each argument has one value. Note that a flag, a key and a bare word can be the same
argument: `p1`, `p=1` and `same` all are the padding.
""",
        "input 3x32x32 | conv 16x3x3 same p1\n",
        "input 3x32x32 | conv 16x3x3 same\n",
    ),
    Code(
        "E0407",
        "the wrong number of inputs",
        """
The inputs of a call stand in parentheses that touch its name, separated by commas:
`add(id, skip)`. Without parentheses the current value is the one input. `id` is the
current value, `in` the input of the block or net.
""",
        "input 64x56x56 | add(conv 64x3x3 p1)\n",
        "input 64x56x56 | add(id, conv 64x3x3 p1)\n",
    ),
    Code(
        "E0408",
        "a value where a layer is needed",
        """
This parameter is used as a stage, so it has to hold a layer or a block, as in
`act=relu`. It holds something else.
""",
        "net n act=3 {\n  input 84\n  fc 10 | act\n}\n",
        "net n act=relu {\n  input 84\n  fc 10 | act\n}\n",
    ),
)

_EXPRESSIONS = (
    Code(
        "E0501",
        "a division that leaves a remainder",
        """
Sizes are whole, so `/` between whole numbers must divide exactly: a net that silently
rounds is a net that nobody described. Where rounding is meant, `//` rounds down.
""",
        "net n c=10 {\n  input 3x32x32\n  conv c/4 3x3\n}\n",
        "net n c=10 {\n  input 3x32x32\n  conv c//4 3x3\n}\n",
    ),
    Code(
        "E0502",
        "a division by zero",
        """
The divisor of `/`, `//` or `%` is zero. Where a parameter may be zero, a condition can
guard it: `(c//r if r > 0 else c)`.
""",
        "net n r=0 {\n  input 84\n  fc 84//r\n}\n",
        "net n r=0 {\n  input 84\n  fc (84//r if r > 0 else 84)\n}\n",
    ),
    Code(
        "E0503",
        "an operation on the wrong kind of value",
        """
Arithmetic and order are for numbers, conditions are true or false, an index is a whole
number, and only lists and sizes can be indexed. A number is not a condition: compare
it.
""",
        "net n deep=1 {\n  input 84\n  fc 84 if deep\n}\n",
        "net n deep=1 {\n  input 84\n  fc 84 if deep > 0\n}\n",
    ),
    Code(
        "E0504",
        "an index outside of its list",
        """
The entries of a list are counted from 0, so the last of three is number 2. Negative
numbers count from the end: -1 is the last.
""",
        "net n widths=[16, 32] {\n  input 84\n  fc widths[2]\n}\n",
        "net n widths=[16, 32] {\n  input 84\n  fc widths[1]\n}\n",
    ),
    Code(
        "E0505",
        "an unknown attribute",
        """
A vector has the size `.c`, a sequence and maps also their spatial sizes: `.h` and `.w`
for a 2-D map. In `assert` lines a label has totals too, such as `.params`. This value
has no such attribute.
""",
        "net n {\n  input 84\n  fc in.h\n}\n",
        "net n {\n  input 84\n  fc in.c\n}\n",
    ),
)

_ASSERTIONS = (
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

_LIMITS = (
    Code(
        "E0701",
        "a number that is too large",
        """
Numbers, sizes and totals stay below 2**63. The limit is checked before the work is
done, so that no expression can keep the checker busy.
""",
        "input 84 | fc 9**9**9\n",
        "input 84 | fc 9**3\n",
    ),
    Code(
        "E0702",
        "too many layers",
        """
Written out, a net may have 1,000,000,000 layers, and 100,000 that differ from each
other. No published network comes near it. Most likely a number of copies has a digit
too many.
""",
        "input 84 | relu x1000000000000\n",
        "input 84 | relu x1000\n",
    ),
    Code(
        "E0703",
        "nested too deep",
        """
Brackets, expressions and calls of blocks may be nested up to fixed depths. Beyond them
nobody can read a spec. Give the inner part a name with `block`, or a parameter.
""",
        f"input 84 | fc {'(' * 70}1{')' * 70}\n",
        "input 84 | fc 1\n",
    ),
    Code(
        "E0704",
        "a file that is too large",
        """
The file is larger than any spec has reason to be, and was not read. What repeats is
written once, with `x`: a network of a thousand layers is a few lines.
""",
        "$ archdsl check dump.arch",
        "$ archdsl check resnet.arch",
    ),
)

_FILES = (
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
)

FAMILIES: tuple[tuple[str, tuple[Code, ...]], ...] = (
    ("The text", _TEXT),
    ("Names", _NAMES),
    ("Shapes", _SHAPES),
    ("Arguments", _ARGUMENTS),
    ("Expressions", _EXPRESSIONS),
    ("Assertions", _ASSERTIONS),
    ("Limits", _LIMITS),
    ("Files", _FILES),
)

CODES: dict[str, Code] = {
    entry.code: entry for _, entries in FAMILIES for entry in entries
}
