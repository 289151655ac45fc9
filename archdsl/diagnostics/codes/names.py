"""What a name refers to."""

from __future__ import annotations

from archdsl.diagnostics.codes.record import Code

NAMES = (
    Code(
        "E0201",
        "an unknown layer, block or label",
        """
A stage begins with a layer of the language, a block of this file, of one that it uses
or of the standard library, a label that stands before it, or a parameter that holds a
layer. This name is none of them. The layers are listed in `docs/layers.md`. Other
tools' names differ: `Linear` is `fc` here, `Conv2d` is `conv`.
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
Blocks, externs and nets share one space of names in a file, also with those that
`use` brings in without a prefix. The inputs and parameters of a block share another.
Each name is given once, and each file used once.
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
    Code(
        "E0216",
        "a label that PyTorch refuses",
        """
A label names a submodule, and PyTorch parts the names of nested submodules with dots:
`stem.conv` is the submodule `conv` of `stem`. No part of a label is empty, or
`training`, to which `train()` and `eval()` assign. Labels with dots stand on stages of
a net or block, and not in a labelled group, whose stages are numbered.
""",
        "input 3x8x8 | stem: {inner.conv: conv 8x3x3 | relu}\n",
        "input 3x8x8 | stem.inner.conv: conv 8x3x3 | relu\n",
    ),
    Code(
        "E0217",
        "an assertion in a group",
        """
`assert` speaks of a whole block or net, and stands among its lines. A group has no
totals of its own to speak of, but a labelled one can be asked from outside.
""",
        "net n {\n  input 3x8x8\n  stem: {\n    conv 8x3x3\n"
        "    assert params == 224\n  }\n}\n",
        "net n {\n  input 3x8x8\n  stem: {\n    conv 8x3x3\n  }\n"
        "  assert stem.params == 224\n}\n",
    ),
    Code(
        "E0218",
        "a circle of used files",
        """
A file uses others, and these may use others again, but no way leads back to a file
that it came by. The message names the way round. What two files need of each other
belongs into a third, which both use.
""",
        '$ cat unet.arch\nuse "blocks.arch"\nnet unet { input 3x64x64 | down 64 }\n'
        '$ cat blocks.arch\nuse "unet.arch"\nblock down c { conv c 3x3 | relu }\n'
        "$ archdsl check unet.arch",
        '$ cat unet.arch\nuse "blocks.arch"\nnet unet { input 3x64x64 | down 64 }\n'
        "$ cat blocks.arch\nblock down c { conv c 3x3 | relu }\n"
        "$ archdsl check unet.arch",
    ),
    Code(
        "E0219",
        "a name that two used files define",
        """
`use "blocks.arch"` brings in all blocks and externs of a file under their own names.
Two files that define the same name cannot both be used so. With `as` a file's names
get a prefix: after `use "blocks.arch" as b` its `down` is `b.down`.
""",
        '$ cat net.arch\nuse "unet.arch"\nuse "vnet.arch"\ninput 3x64x64 | down 64\n'
        "$ cat unet.arch\nblock down c { conv c 3x3 | relu }\n"
        "$ cat vnet.arch\nblock down c { conv c 2x2 s2 }\n"
        "$ archdsl check net.arch",
        '$ cat net.arch\nuse "unet.arch"\nuse "vnet.arch" as v\ninput 3x64x64 |'
        " v.down 64\n"
        "$ archdsl check net.arch",
    ),
    Code(
        "E0220",
        "a class that Python could not name",
        """
An extern tells where its module is: `from "package.module:Class"`, names joined by
dots, a colon, and the class. The source then says `from package.module import Class`
and gives it the parameters by their names, so these cannot be words of Python.
Nothing is imported when a spec is checked.
""",
        'extern warp c -> c in.h in.w from "layers.Warp"\n'
        "net n { input 3x32x32 | warp 16 }\n",
        'extern warp c -> c in.h in.w from "layers:Warp"\n'
        "net n { input 3x32x32 | warp 16 }\n",
    ),
    Code(
        "E0221",
        "an order of what is no submodule",
        """
`order norm attn` says that these submodules come in this order in the `state_dict`,
whatever the order of the text. It names labels of stages in the same block or net,
each once. A label of a value, such as `sum: add(…)`, names no submodule. A group keeps
the order of the text, and so do copies that are called by their index, `"l{i}"`.
""",
        "net n {\n  input 16\n  order norm lin\n  linear1: fc 8 | norm: ln\n}\n",
        "net n {\n  input 16\n  order norm linear1\n  linear1: fc 8 | norm: ln\n}\n",
    ),
    Code(
        "E0222",
        "an extern without its shape or its class",
        """
An extern is checked without its code, so it has to say what shape leaves it. The shape
stands behind `->`, and may be computed from the sizes of the inputs and from the
parameters. Behind it stands the class: `from "package.module:Class"`.
""",
        'extern warp c from "layers:Warp"\nnet n { input 3x32x32 | warp 16 }\n',
        'extern warp c -> c in.h in.w from "layers:Warp"\n'
        "net n { input 3x32x32 | warp 16 }\n",
    ),
)
