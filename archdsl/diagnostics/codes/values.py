"""Shapes, arguments and expressions."""

from __future__ import annotations

from archdsl.diagnostics.codes.record import Code

SHAPES = (
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
A net's inputs stand at its beginning. If there are several, each has a name:
`input ids: 16 int`. A block has none: what flows into it is given where it is called,
and `in` stands for it.
""",
        "net n {\n  input 3x32x32\n  conv 16x3x3\n  input 3x32x32\n}\n",
        "net n {\n  input 3x32x32\n  conv 16x3x3\n}\n",
    ),
    Code(
        "E0308",
        "a value that nothing uses",
        """
The next stage begins from another value, a label or `in`, and nothing reads the value
of this one. Its layers would cost memory and time and change nothing; most often a
branch was meant. A branch of `add` or `concat` begins from the current value.
""",
        "net n {\n  input 3x32x32\n  first: conv 16x3x3 p1\n  conv 16x3x3 p1\n"
        "  first | relu\n}\n",
        "net n {\n  input 3x32x32\n  first: conv 16x3x3 p1\n"
        "  add(first, conv 16x3x3 p1) | relu\n}\n",
    ),
    Code(
        "E0309",
        "a value of the wrong kind",
        """
A value holds real numbers, whole numbers (`input 16 int`) or truth values
(`input 16 bool`). Most layers compute with real numbers; an embedding takes whole
numbers, the places of its table, and gives a vector for each.
""",
        "input 16 int | fc 64\n",
        "input 16 int | embedding 1000 64 | fc 64\n",
    ),
    Code(
        "E0311",
        "a mask of the wrong shape",
        """
A mask says for each key whether it may be attended to: it has one truth value for each
key (`S`), for each query and key (`TxS`), or for each head, query and key. A mask that
is the same for all samples is a constant; one that comes with each sample is an input
of truth values.
""",
        "net n {\n  input words: 10x64\n  input mask: 9 bool\n"
        "  attention(words, mask) 8\n}\n",
        "net n {\n  input words: 10x64\n  input mask: 10 bool\n"
        "  attention(words, mask) 8\n}\n",
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
    Code(
        "E0313",
        "a pattern that does not fit",
        """
The pattern of `rearrange` and the equation of `einsum` name each axis of what arrives,
without the batch. A pattern has the same names on both sides of its arrow; the parts of
an axis in brackets multiply to its size, and one of them at most may be left open. In
an equation a letter has one size wherever it stands, and the output has none of its
own.
""",
        'input 3x32x32 | rearrange "c (h p) (w q) -> (h w) (p q c)" p=5 q=4\n',
        'input 3x32x32 | rearrange "c (h p) (w q) -> (h w) (p q c)" p=4 q=4\n',
    ),
)

ARGUMENTS = (
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
A product with a fraction, such as `0.5*64`, is never a whole number, even when it comes
out as 32.0: write `round(0.5*64)`, or `divisible(0.5*64, 8)` for a multiple of 8.
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

EXPRESSIONS = (
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
