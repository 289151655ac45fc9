"""What no other test asks for: refusals, one a row, and sizes of rare uses.

`make coverage` tells which branches of the elaborator and the layers nothing takes.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

import pytest
from branches import assert_refused, assert_right

from archdsl.shapes.expr import InputSize
from archdsl.shapes.size import Size, divides, largest, require, smallest
from archdsl.shapes.symbols import Facts, Symbolic, UndecidedError, difference

# A use of a layer, the code of the one finding, and the text that it is about.
LAYERS = [
    ("input 16\nclamp min=3 max=2", "E0405", "min=3"),
    ("input 16\nhardtanh 3 2", "E0405", "3"),
    ("input 3x8x8\nglu d", "E0405", "d"),
    ("input 5x8x8\nglu", "E0405", "glu"),
    ("input 16\nmean c", "E0301", "mean c"),
    ("input 16\ntake 0 c", "E0301", "take 0 c"),
    ("input 8x4\nconcat(id, fc 3)", "E0304", "fc 3"),
    (
        "input 3x9x9\nconcat(conv 3 3x3 same, conv 3 3x3 s4)",
        "E0304",
        "conv 3 3x3 s4",
    ),
    ("input 3x8x8\ntake 0 d", "E0405", "d"),
    ("input 3x8x8\ntake 9 h", "E0405", "9"),
    ("input 3x8x8\ntake -9 h", "E0405", "-9"),
    ("input 3x8x8\nslice 0 2 d", "E0405", "d"),
    ("input 3x8x8\nslice 0 9 h", "E0405", "9"),
    ("input 3x8x8\nslice 4 2 h", "E0405", "2"),
    ("input 3x8x8\nchunk 2 0 d", "E0405", "d"),
    ("input 3x8x8\nsplit [2,2] 0 d", "E0405", "d"),
    ("input 3x8x8\nattention 2", "E0301", "attention 2"),
    ("input 8\nattention 2", "E0301", "attention 2"),
    ("input 9x8\nattention 3", "E0405", "3"),
    (
        "input a: 9x8\ninput b: 9x9 bool\ninput c: 9x8\nattention(a, b, c) 2",
        "E0309",
        "c",
    ),
    ("input a: 9x8\ninput c: 9\nsdpa(a, a, c) 2", "E0301", "sdpa(a, a, c) 2"),
    ("input a: 9x8\ninput b: 9x8\ninput c: 9x9\nsdpa(a, b, c) 4 kv=3", "E0405", "kv=3"),
    ("input a: 9x8\ninput b: 9x6\nsdpa(a, b, b) 2", "E0304", "b"),
    ("input a: 9x8\ninput b: 9x8\ninput c: 7x8\nsdpa(a, b, c) 2", "E0304", "c"),
    ("input 8\nrotary 2", "E0301", "rotary 2"),
    ("input 9x8\nrotary 2 base=0", "E0405", "base=0"),
    ("input 3x8x8\nsubsample 9", "E0302", "9"),
    ('input 4\nrbf 2 centres=["#."]', "E0405", 'centres=["#."]'),
    ('input 4\nrbf 2 centres=["#. .x"]', "E0405", 'centres=["#. .x"]'),
    ('input 4\nrbf 2 centres=["#. .."]', "E0405", 'centres=["#. .."]'),
    ("input 8\nadd(id, param 8 std=1 init=ones)", "E0405", "std=1"),
    ("input 8\nadd(id, param 1 1 1 1 1 1)", "E0405", "1 1 1 1 1 1"),
    ("input a: 2x3x4x5\ninput b: 2x3x4 int\nindex(a, b)", "E0301", "index(a, b)"),
    ("input 3x8x8\nconv 4x3x3 p9 mode=reflect", "E0405", "p9"),
    ("input 3x8x8\npad 9 mode=reflect", "E0405", "9"),
    ("input 3x8x8\nconv 2x3x3 table=[[0]]", "E0405", "table=[[0]]"),
    ("input 3x8x8\nconv 2x3x3 table=[[0],[7]]", "E0405", "table=[[0],[7]]"),
    ("input 3x8x8\nconv 2x3x3 table=[[0],[0,0]]", "E0405", "table=[[0],[0,0]]"),
    ("input 3x8x8\nconv 2x3x3 table=[[0],[]]", "E0405", "table=[[0],[]]"),
    ("input 3x8x8\nconv 2x3x3 table=[[0],[1]] g2", "E0405", "g2"),
    (
        "input 3x8x8\nconv 2x3x3 table=[[0],[1]] p1 mode=reflect",
        "E0405",
        "mode=reflect",
    ),
    ("input 3x8\nconv 2x3 table=[[0],[1]]", "E0405", "table=[[0],[1]]"),
    ("input 3x8x8\ndwconv 9x9", "E0302", "9x9"),
    ("input 3x8x8\nupconv 4x2x2 g2", "E0312", "g2"),
    ("input 4x8x8\nupconv 3x2x2 g2", "E0312", "g2"),
    ("input 4x8x8\nupconv 3x2x2 op=1", "E0405", "op=1"),
    ("input 4x1x1\nupconv 3x2x2 p2", "E0302", "p2"),
    ("input 8\nfc 8 std=1", "E0405", "std=1"),
    ("input 3x8x8\nconv 8x3x3 bias=false bias_init=0", "E0405", "bias_init=0"),
    ("input 3x8x8\nbn init=orthogonal", "E0405", "init=orthogonal"),
    ("input a: 3x8\ninput b: 3x8x8\nadd(a, b)", "E0304", "b"),
    ("input a: 3x8\ninput b: 3x8x8\nconcat(a, b)", "E0304", "b"),
    ("input a: 3x8\ninput b: 3x8x8\nstack(a, b)", "E0304", "b"),
    ("input a: 3x8\ninput b: 3x9\nstack(a, b)", "E0304", "b"),
    ("input a: 2x2x2x2\ninput b: 2x2x2x2\nstack(a, b)", "E0301", "stack(a, b)"),
    ("input a: 2\ninput b: 2x2\nmatmul(a, b)", "E0301", "matmul(a, b)"),
    ("input a: 2x3\ninput b: 2x3\nmatmul(a, b)", "E0304", "b"),
    ("input a: 2x3\ninput b: 4x5\nmatmul(a, b)", "E0304", "b"),
    ("input a: 2x2x3\ninput b: 2x3\nmatmul(a, b)", "E0304", "b"),
    ("input 3x1x1\ninstancenorm", "E0301", "instancenorm"),
    ("input 3x8x8\ngn 2", "E0312", "2"),
    ("input 3x1x1\ngn 3", "E0405", "3"),
    ("input 3\nln channels", "E0301", "ln channels"),
    ("input 3x8x8\nrms", "E0301", "rms"),
    ("input 3x4x4x4\nmaxpool 5", "E0302", "5"),
    ("input 3x8x8\npadchannels 2", "E0405", "2"),
    ("input 8\nreshape first=8 third=1", "E0404", "reshape first=8 third=1"),
    ("input 8\nreshape 2 3", "E0405", "2"),
    ("input 3x8\nunflatten 2 4", "E0301", "unflatten 2 4"),
    ("input 8\nunflatten 8", "E0404", "8"),
    ("input 3x8x8\npermute 0 third=1", "E0404", "permute 0 third=1"),
    ("input 3x8x8\npermute 0 1 1", "E0405", "0"),
    ("input 3x9x9\npixelshuffle 2", "E0405", "2"),
    ("input 3x9x9\npixelunshuffle 2", "E0405", "2"),
    ("input 3x8x8\nchannelshuffle 2", "E0405", "2"),
    ("input 3x2x2\nunfold 3", "E0302", "3"),
    ("input 3x4x4\nconv 3x7x7", "E0302", "3x7x7"),
    ("input CxL\nconv 4x3", "E0310", "conv 4x3"),
    ("input 3xHxW\ndropout H", "E0405", "H"),
    ("input 8xL\nattention 2 dropout=L", "E0405", "dropout=L"),
    ("input 3xHxW\nhardtanh H 200", "E0310", "hardtanh H 200"),
    ("input 3xHxW\nrelu -> _xHx4", "E0601", "_xHx4"),
    ("input 3xHxW\nrelu -> _xHxK", "E0503", "_xHxK"),
]

# The same for values, labels, outputs and assertions.
VALUES = [
    ("net n a=-true { input 4\n relu if a == 1 }", "E0503", "-true"),
    ("net n a=[1][true] { input 4\n relu if a == 1 }", "E0503", "true"),
    ("net n a=3[0] { input 4\n relu if a == 1 }", "E0503", "3"),
    ("net n a=[1,2][0:true] { input 4\n relu if a == 1 }", "E0503", "true"),
    ("net n a=[1,2][0:9] { input 4\n relu if a == 1 }", "E0504", "9"),
    ("net n a=3[0:1] { input 4\n relu if a == 1 }", "E0503", "3"),
    ("net n a=[1/0,2][0:1] { input 4\n relu if a == 1 }", "E0502", "0"),
    ("net n a=[1/0] { input 4\n relu if a == 1 }", "E0502", "0"),
    ("net n a=[1][1/0] { input 4\n relu if a == 1 }", "E0502", "0"),
    ("net n a=-(1/0) { input 4\n relu if a == 1 }", "E0502", "0"),
    ("net n a=sqrt(0-1) { input 4\n relu if a == 1 }", "E0503", "sqrt(0-1)"),
    ("net n a=divisible(3,0) { input 4\n relu if a == 1 }", "E0503", "divisible(3,0)"),
    (
        "net n a=divisible(1e308,8) { input 4\n relu if a == 1 }",
        "E0701",
        "divisible(1e308,8)",
    ),
    ("net n a=exp(1000) { input 4\n relu if a == 1 }", "E0701", "exp(1000)"),
    ("net n a=10.0**400 { input 4\n relu if a == 1 }", "E0701", "10.0**400"),
    ("net n a=min(1,true) { input 4\n relu if a == 1 }", "E0503", "true"),
    ("net n a=min(1) { input 4\n relu if a == 1 }", "E0402", "min(1)"),
    ("net n a=(0-8)**0.5 { input 4\n relu if a == 1 }", "E0503", "(0-8)**0.5"),
    ("net n a=size(1/0,2) { input 4\n relu if a == 1 }", "E0502", "0"),
    ("net n a=size(1.5,2) { input 4\n relu if a == 1 }", "E0503", "1.5"),
    ("net n a=sum(3) { input 4\n relu if a == 1 }", "E0503", "sum(3)"),
    ("net n a=sum([true]) { input 4\n relu if a == 1 }", "E0503", "sum([true])"),
    (
        "net n a=sum([2**62,2**62]) { input 4\n relu if a == 1 }",
        "E0701",
        "sum([2**62,2**62])",
    ),
    (
        "net n a=3x99999999999999999999 { input 4\n relu if a == 1 }",
        "E0701",
        "3x99999999999999999999",
    ),
    ("net n a=1e999 { input 4\n relu if a == 1 }", "E0701", "1e999"),
    ("net n a=ceil(3/true) { input 4\n relu if a == 1 }", "E0503", "true"),
    ("net n a=floor(7/0) { input 4\n relu if a == 1 }", "E0502", "0"),
    ("input 3x8x8\nconv 8x1x1 -> wx_x8", "E0206", "wx_x8"),
    ("input 3x8x8\nrelu -> 8x8 hwc", "E0601", "8x8 hwc"),
    ("input 3x8x8\nrelu -> 9x_x8x8", "E0601", "9x_x8x8"),
    ("input 3x8x8\nconv 8x3x3 p1 | upsample 2 -> 8x9x9", "E0601", "8x9x9"),
    ("input 3x8x8\nconv 8x3x3 -> 8x99999x6", "E0601", "8x99999x6"),
    ("input 3xHxW\nconv 8x3x3 -> 8x9x9", "E0601", "8x9x9"),
    ("input 3x8x8\nfc 3 nope 4", "E0206", "nope"),
    ("input 3x8x8\nrelu 3", "E0403", "3"),
    ("input 3x8x8\nconv same", "E0402", "conv same"),
    ("input 3x8x8\nmaxpool same", "E0206", "same"),
    ("input 3x8x8\noutput(id) relu", "E0403", "relu"),
    ("input 3x8x8\nadd(a=id, relu)", "E0403", "a"),
    ("input 3x8x8\nrelu if in.h > 3 or 1/0 > 2", "E0502", "0"),
    ("input 3x8x8\nrelu if in.h > 3 and 1/0 > 2", "E0502", "0"),
    ("input 3x8x8\nrelu if in.h > 9 and 1/0 > 2", "E0502", "0"),
    ("input 3xHxW\nrelu if H > true", "E0503", "true"),
    ("input 3xHxW\nrelu if H == 4", "E0310", "H == 4"),
    ("input 3xHxW\nrelu if H + 1.5 > 2", "E0503", "1.5"),
    ("input 3xHxW\nrelu if H + true > 2", "E0503", "true"),
    ("input 3xHxW\nrelu if H", "E0503", "H"),
    ("input 3xHxW\ncrop (min(H, 1.5))", "E0310", "(min(H, 1.5))"),
    ("input 3xHxW\nassert H/2 == 3\nassert H == 7\nrelu", "E0319", "H == 7"),
    ("input 3xHxW\nassert H%2 == 1\nassert H/2 > 1\nrelu", "E0501", "H/2"),
    ("input 3x8x8\nrelu if floor(1e308*10) > 1", "E0701", "1e308*10"),
    ("input 3x8x8\nrelu if divisible(1e308, 8) > 1", "E0701", "divisible(1e308, 8)"),
    ("input 3x8x8\nrelu if 10.0**400 > 1", "E0701", "10.0**400"),
    ("input 3x8x8\nrelu if exp(1000) > 1", "E0701", "exp(1000)"),
    ("input 3x8x8\nconv true", "E0404", "true"),
    ("input 3x8x8\nconv 8x3x3 bias=3", "E0404", "bias=3"),
    ("input 3x8x8\ndropout true", "E0404", "true"),
    ('input 3x8x8\nconv "3"', "E0404", '"3"'),
    ("input 3xHxW\ncrop (0-H)", "E0405", "(0-H)"),
    ("input 3xHxW\nmaxpool (1-H)", "E0405", "(1-H)"),
    ("input 9 int\na: embedding 5x4 | tie a nope=2", "E0401", "nope=2"),
    ('input 9 int\na: embedding 5x4 | share "a"', "E0309", 'share "a"'),
    ("input 3x8x8\na: conv 3x3x3 | gap | share a", "E0301", "share a"),
    ('input 3x8x8\n"a{relu}": relu', "E0404", '"a{relu}"'),
    ('input 3x8x8\n"a{}": relu', "E0404", '"a{}"'),
    ('input 3x8x8\n"a{1} block b {relu": relu', "E0404", '"a{1} block b {relu"'),
    ('input 3x8x8\n"a{i}": relu x200000', "E0702", "x200000"),
    ("input 3x8x8\nrelu if a.h > 3", "E0202", "a"),
    ("input 3x8x8\nadd(id, param 3 8 8 value=1/ax0)", "E0502", "1/ax0"),
    ("input 8\nadd(id, param 8 value=max(ax0, 1/0))", "E0502", "0"),
    ("input 8\nadd(id, param 8 value=1/0+ax0)", "E0502", "0"),
    ("input 8\nadd(id, param 8 value=sqrt(1/0+ax0))", "E0502", "0"),
    ('input 8\nadd(id, param 8 value="x")', "E0503", '"x"'),
    ("input 8\nadd(id, param 8 value=[ax0,1])", "E0503", "[ax0,1]"),
    ("input 8\nadd(id, param 8 value=len(ax0))", "E0503", "len(ax0)"),
    ("input 8\nadd(id, param 8 value=3 init=ones)", "E0405", "init=ones"),
    (
        "input 9000000000\npadchannels 9000000000000000000 | relu",
        "E0701",
        "padchannels 9000000000000000000",
    ),
    ("input 3x8x8\nupsample 9000000000", "E0701", "upsample 9000000000"),
    ("input 3x2000000x2000000\nupsample 2000", "E0701", "upsample 2000"),
    ("input 3000000000\nfc 4000000000 | fc 3000000000", "E0701", "fc 4000000000"),
    ("input 3xHxW\nassert H == 3 or H == 4\nrelu", "E0310", "H == 3 or H == 4"),
    ("input 3xHxW\nassert H > 1/0\nrelu", "E0502", "0"),
    ("input 3xHxW\nassert H > 1.5\nrelu", "E0503", "H > 1.5"),
    ("input 3xHxW\nassert H > 9999999999999999\nrelu", "E0701", "H > 9999999999999999"),
    ("input 3xHxW\nassert H < 0\nrelu", "E0319", "H < 0"),
    ("input 3xHxW\nassert H > 4 and H < 2\nrelu", "E0319", "H < 2"),
    ("input 3xHxW\nassert H%2 == 1 and H/2 > 1\nrelu", "E0501", "H/2"),
    ("input 3xHxW\npad (H%0)", "E0502", "0"),
    ("input 3x8x8\na: relu\noutput(id if 1/0 > 2, a)", "E0502", "0"),
    ("input 3x8x8\na: relu\noutput(id if 3, a)", "E0503", "3"),
    ("input 3x8x8\na: relu\noutput(id if training)", "E0314", "output(id if training)"),
    ("input 3x8x8\na: relu\noutput(x=id if training, b=a)", "E0314", "id if training"),
    ("input 3x8x8\na: relu\noutput(x=id, x=a)", "E0314", "a"),
    ("input 3x8x8\na: relu\noutput(id, fc 4 if training)", "E0305", "fc 4"),
    ("input 3x8x8\nrelu\nshare 3", "E0402", "share 3"),
    ("input 3x8x8\na: relu\nshare a", "E0317", "share a"),
    ('input 3x8x8\n"a{1.5}": relu', "E0404", '"a{1.5}"'),
    ('input 3x8x8\n"a{k=1}": relu', "E0404", '"a{k=1}"'),
    ('input 3x8x8\n"a{id | id}": relu', "E0404", '"a{id | id}"'),
    ('input 3x8x8\n{"a{1/0}": relu} x2', "E0502", '"a{1/0}"'),
    ("input 3x8x8\na: id\na x2", "E0403", "x2"),
    ("input a: 9x8\ninput b: 9x9 bool\nattention(a, b, b) 2", "E0309", "b"),
    ("input 3x4x4x4\nlppool 5", "E0302", "5"),
    ("input 3x4x4\nconv 3x64x64", "E0302", "3x64x64"),
    ("input 3x4x4\nconv 3 64x64", "E0302", "64x64"),
    ("input a: 3x8\ninput b: 3x8\nconcat(a, b) h", "E0405", "h"),
    ("input a: 3x8\ninput b: 3x8 int\nconcat(a, b)", "E0309", "b"),
    ("input a: 3x8\ninput b: 3x8 int\nstack(a, b)", "E0309", "b"),
    ("input a: 3xL\ninput b: 3xM\nadd(a, b)", "E0304", "b"),
    ("input a: 3\ninput b: 3x3\nmatmul(b, a)", "E0301", "matmul(b, a)"),
    (
        "net n { input 3x8x8\n a: relu\n b: a\n assert b.params > 3 }",
        "E0602",
        "b.params > 3",
    ),
    ("net n { input 3x8x8\n b: id\n assert b.params > 3 }", "E0602", "b.params > 3"),
    ("net n { input a: 3x8x8\n relu\n assert a.params > 3 }", "E0602", "a.params > 3"),
    ("input 8\nadd(id, param 8 value=1 - (ax0 > 1))", "E0502", "1 - (ax0 > 1)"),
    ("input 8\nadd(id, param 8 value=(ax0 if 3 else 0))", "E0503", "3"),
    ("input 8\nadd(id, param 8 value=(ax0 if 1/0 > 1 else 0))", "E0502", "0"),
    ("input 8\nadd(id, param 8 value=(1 < ax0 < 3))", "E0503", "(1 < ax0 < 3)"),
    ("input 8\nadd(id, param 8 value=(1 if 1/0+ax0 > 1 else 0))", "E0502", "0"),
    ("input 8\nadd(id, param 8 value=-(1/0+ax0))", "E0502", "0"),
    (
        "net n { input 3x8x8\n relu\n assert params > 3 and not params > 4 }",
        "E0602",
        "params > 3 and not params > 4",
    ),
    ("input 3xHxW\nconv 8x3x3 -> 8xHxW", "E0601", "8xHxW"),
    ("input 3x8x8\nconv 8x3x3 s2 | conv 8x3x3 -> 8x7x1", "E0601", "8x7x1"),
    ("input 3x8x8\nmaxpool 8 -> 3x0x1", "E0404", "3x0x1"),
    ("input 3x8x8\nmaxpool 2 -> 3x900x4", "E0601", "3x900x4"),
    ("input 3x8x8\nrelu -> 3x8", "E0601", "3x8"),
    ("input 3x8x8\nrelu -> 8x3 hwc", "E0601", "8x3 hwc"),
    ("net f { input 3x8x8\n relu }\nnet g = f { conv 3 }", "E0214", "conv 3"),
]

# What is right, and the shape that leaves.
RIGHT = {
    "input 3xHxW\nrelu -> _xHxW": "3xHxW",
    "input a: 3x8\ninput b: 3x8\nconcat(a, b) d": "3x16",
    "input 9xC\nconv 4x3": "4x(C-2)",
    "input 3x8x8\nadd(relu, id) x2": "3x8x8",
    "input 3xHxW\nrelu if H == true": "3xHxW",
    'input 3xHxW\nrelu if H != "x"': "3xHxW",
    "input 3xHxW\nrelu if H == H": "3xHxW",
    "input 3xHxW\nrelu if H != H+1": "3xHxW",
    "input 3xHxW\ncrop (H/2)": "3xH/2xH/2",
    "input 3xHxW\ncrop (H-1)": "3x(H-1)x(H-1)",
    'input 9 int\n"a": embedding 5x4 | tie "a"': "9x5",
    "input 3x8x8\nc3: conv 3x3x3 p1 | share c3": "3x8x8",
    "input 8\nadd(id, param 8 value=max(ax0, 3))": "8",
    "input 8\nadd(id, param 8 value=min(3, ax0))": "8",
    "input 8\nadd(id, param 8 value=max(ax0, ax0*2))": "8",
    "input 8\nadd(id, param 8 value=floor(ax0/2))": "8",
    "input 8\nadd(id, param 8 value=-ax0)": "8",
    "input 8\nadd(id, param 8 value=-(ax0+1))": "8",
    "input 8\nadd(id, buffer 8 value=0)": "8",
    "input 8\nadd(id, buffer 8 value=1)": "8",
    "input 8\nadd(id, buffer 8 value=2)": "8",
    "input 8\nadd(id, param 8 value=sqrt(ax0))": "8",
    "input 8\nadd(id, param 8 value=sin(ax0))": "8",
    "input 3000000000\nfc 3000000000": "3000000000",
    "input 3x8x8\na: relu\noutput(relu, a, b=tanh)": "3x8x8",
    "input 3x8x8\na: relu\noutput(relu, a) dict": "3x8x8",
    "input a: 9x8\ninput b: 9x4\ninput c: 9x6\nsdpa(a, b, c) 4 kv=2": "9x12",
    "input 3xHxW\nflatten | unflatten 3 H W": "3xHxW",
    "input 8xH\ngap | unflatten 2 4": "2x4",
    "input 3xHxW\npad (H-1) mode=reflect": "3x(3·H-2)x(2·H+W-2)",
    "input 3xHxW\npad (H%2) mode=reflect": "3x(3·H-4·⌊H/2⌋)x(2·(H%2)+W)",
    "input 3xHxW\nleaky H": "3xHxW",
    "input a: 3xL\ninput b: 3xM\nassert L == M\nadd(a, b)": "3xL",
    "input 8\nadd(id, param 8 value=(1 if ax0 > 1 else 0))": "8",
    "input 8\nadd(id, param 8 value=(ax0 if true else 0))": "8",
    "input 8\nadd(id, param 8 value=(1 if ax0 > 1 and ax0 < 3 else 0))": "8",
    "input 8\nadd(id, param 8 value=(not ax0 > 1))": "8",
    "input 8\nadd(id, param 8 value=(1 if not ax0 > 1 else 0))": "8",
    "input 3x8x8\nconv 3x3x3\nassert not params < 10": "3x6x6",
    "default fc std=0.1\nnet n { input 8\n fc 8 }": "8",
    "input 8\nfc size(3)": "3",
    "block b c k=c { conv c 1\n conv k 1 }\nnet n { input 3x8x8\n b 4 }": "4x8x8",
    "block b c=4 k=c { conv c 1\n conv k 1 }\nnet n { input 3x8x8\n b\n b }": "4x8x8",
    "input 3x8x8\na: relu\nadd(a, id) x3": "3x8x8",
    (
        "net n w=2 { input 3x8x8\n g: {relu\n conv 3x1x1 if w > 1\n"
        "  add(id, in)} x2\n {relu\n bn x2} if w > 4 }"
    ): "3x8x8",
    (
        "net n w=2 { input 3x8x8\n a: relu\n g: {conv 3x1x1 if w > 1\n"
        " add(id, a)} x2\n h: {tanh if w > 1\n add(id, a, in)} }"
    ): "3x8x8",
    (
        "net n w=2 { input 3x8x8\n b1: {conv 3x1x1\n relu}"
        " | b2: {conv 3x1x1} if w > 1 else b2: {bn} }"
    ): "3x8x8",
    "input 8xH\nflatten | unflatten 8 H": "8xH",
    "input 3x4xH\nmaxpool 2 x0": "3x4xH",
}


@pytest.mark.parametrize(("text", "code", "about"), LAYERS + VALUES)
def test_is_refused(text: str, code: str, about: str) -> None:
    assert_refused(text, code, about)


@pytest.mark.parametrize(("text", "shape"), RIGHT.items())
def test_is_right(text: str, shape: str) -> None:
    assert_right(text, shape)


def symbols(*names: str) -> list[Symbolic]:
    facts = Facts()
    return [facts.symbol(name, InputSize(0, at)) for at, name in enumerate(names)]


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (lambda h, w: 7 % h, "-H·⌊7/H⌋+7"),
        (lambda h, w: divmod(h, 2)[1], "H%2"),
        (lambda h, w: divmod(7, h)[0], "⌊7/H⌋"),
        (lambda h, w: +h, "H"),
        (lambda h, w: math.ceil(h), "H"),
        (lambda h, w: math.floor(h), "H"),
        (lambda h, w: h**0, "1"),
        (lambda h, w: h // -2, "-⌈H/2⌉"),
        (lambda h, w: h // -w, "-⌈H/W⌉"),
        (lambda h, w: (2 * h) // (2 * w), "⌊H/W⌋"),
        (lambda h, w: largest(3, h), "max(3,H)"),
        (lambda h, w: smallest(3, h), "min(3,H)"),
        (lambda h, w: smallest(h, h), "H"),
        (lambda h, w: largest(largest(h, 3), 5), "max(5,H)"),
        (lambda h, w: largest(h, h + 1), "H+1"),
    ],
)
def test_sizes(made: Callable[[Symbolic, Symbolic], Size], text: str) -> None:
    h, w = symbols("H", "W")
    assert str(made(h, w)) == text


def test_what_sizes_are_not() -> None:
    h, w = symbols("H", "W")
    (other,) = symbols("K")
    assert h != "H"
    assert difference(h, other) == {}
    with pytest.raises(ValueError, match="different nets"):
        operator.add(h, other)
    with pytest.raises(UndecidedError, match="int"):
        math.trunc(h)
    with pytest.raises(UndecidedError, match="12 / H"):
        operator.truediv(12, h)
    for divided in (operator.floordiv, operator.mod):
        with pytest.raises(ZeroDivisionError):
            divided(h, 0)
    assert not divides(0, w)


def test_what_is_asked_of_sizes() -> None:
    h, w = symbols("H", "W")
    assert require(h, "!=", 3)
    assert require(h, "==", h)
    assert not require(h, "!=", h)
    assert require(h, "!=", w)
    assert not require(h, "==", w)
    assert require(h * w, ">=", 12)
    assert not require(h * h, "==", 5)


def test_what_divides() -> None:
    h, w = symbols("H", "W")
    assert divides(4, h)
    assert divides(6, h)
    assert not divides(4, h + 1)
    assert divides(w, h)
    assert divides(w, 2 * w)
    assert h.facts.constraints() == ("H % 12 == 0", "H % W == 0")
