"""What no other test asks of layers: refusals, one a row, and rare forms."""

from __future__ import annotations

from string import ascii_letters

import pytest
from branches import assert_refused, assert_right

import archdsl
from archdsl.ir.receptive import receptive
from archdsl.ops import LAYERS, families

# More letters than are left beside a batch.
_ALL_LETTERS = ",".join(ascii_letters[at : at + 4] for at in range(0, 52, 4)) + "->a"

REFUSED = [
    ("input 3x8x8\nmean d", "E0405", "d"),
    ("input 3x8x8\nmean h h", "E0405", "h"),
    ("input 3x8x8\nmean c h w", "E0405", "w"),
    ("input 4x8x8\nchunk 2 5 c", "E0405", "5"),
    ("input 3x8x8\nchunk 2 0 c", "E0405", "2"),
    ("input 4x8x8\nsplit [2,2] 5 c", "E0405", "5"),
    ("input CxHxW\nassert C%2 == 1\nconv 8x3x3 g2", "E0312", "g2"),
    (
        f'input a: 1x1x1x1\neinsum({", ".join(["a"] * 13)}) "{_ALL_LETTERS}"',
        "E0313",
        f'"{_ALL_LETTERS}"',
    ),
    (
        "input 3xH\nadd(maxpool 100003, {pad 1 | maxpool 100003})",
        "E0304",
        "{pad 1 | maxpool 100003}",
    ),
    ("input 3x4x4x4\navgpool 5 p2", "E0302", "5"),
    ("input 3x8x8\npad 1 mode=reflect value=2", "E0405", "value=2"),
    ("input 3x8x8 int\npad 1 mode=reflect", "E0309", "mode=reflect"),
    ("input 3x8x8 int\npad 1 value=1.5", "E0405", "value=1.5"),
    ("input 3x8x8 bool\npad 1 value=2", "E0405", "value=2"),
    ("input 3x8x8\ncrop 9", "E0302", "9"),
    ("input 3x8x8\nupsample 2 size=4", "E0405", "size=4"),
    ("input 3x8x8\nupsample", "E0402", "upsample"),
    ("input 3x8\nupsample 2 mode=bilinear", "E0405", "mode=bilinear"),
    ("input 3x8x8\nupsample 2 align", "E0405", "align"),
    ("input 3x4x4\nconv 8x5x5 p1 -> 8x1x2", "E0601", "8x1x2"),
    ("input 3x8x8\nconv 4x1x1 p1 -> 4x1x10", "E0601", "4x1x10"),
    ("input 3xHxW\nadd(id, buffer 3 H W value=3)", "E0310", "buffer 3 H W value=3"),
    ("input 3x8x8\nconv 3x1x1 g=true", "E0404", "g=true"),
    ('input 3x8x8\nrelu "a"', "E0404", '"a"'),
]

RIGHT = {
    "input 8x8x8\nconv 8x1x1 bias=[true,true,false] x4": "8x8x8",
    "input 6x8x8\nconv 6x1x1 g=size(3)": "6x8x8",
    "default reshape first=3\nnet n { input 12\n reshape second=4 }": "3x4",
    "input 8 int\nadd(id, buffer 8 int value=2)": "8",
    "input 8\nadd(id, buffer 8 value=3)": "8",
    'input a: 1x3\ninput b: 1x4\neinsum(a,b) "ab,ac->bc"': "3x4",
    "input 8\nfc 8 init=kaiming_uniform fan=out": "8",
    "input 8\nfc 8 init=0.5": "8",
    "input 8\nfc 8 bias_init=0": "8",
    "input 8\nfc 8 init=0.5 bias_init=0": "8",
    "input 3x8x8\nbn affine=false": "3x8x8",
    "input 3x8x8\nconv 4x3x5 same": "4x8x8",
    "input 3x8x8\nconv 4x3x3 same d2": "4x8x8",
    (
        "block b k d { conv 4 size(k,3) same d=d }\n"
        "net n { input 3x8x8\n b 3 2\n b 5 1 }"
    ): "4x8x8",
    "input 6x5\nlstm 4 bias=false": "6x4",
    "input 6x5\ngru 4 bias=false": "6x4",
    "input 3x8x8\npad 1 value=2": "3x10x10",
    "input 3x8x8 bool\npad 1 value=1": "3x10x10",
    "input 3xHxW\nupsample H W": "3xH²xW²",
    "input 3xHxW\npad size(1,H) value=2": "3x(H+2)x(2·H+W)",
    "input 3xHxW\nadd(id, param 3 1 1 value=(ax0*2)) broadcast": "3xHxW",
    "input 3xHxW\nadd(id, buffer 3 1 1 value=3) broadcast": "3xHxW",
    "input 3xHxW\npad max(H,2) -> 3x_x_": "3x(H+2·max(2,H))x(2·max(2,H)+W)",
    "input 3xHxW\npad ceil(H)": "3x3·Hx(2·H+W)",
    "input 3xHxW\npad min(2,H) 1": "3x(H+2·min(2,H))x(W+2)",
    "input 3xHxW\npad sum([H,W])": "3x(3·H+2·W)x(2·H+3·W)",
    "input 3xHxW\npad size(H,W)[1:]": "3x(H+2·W)x3·W",
    "input 8\nfc floor(5.5/2)": "2",
}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("input 3x32x32\nconv 8x3x3 s2 p=tf", (3, 3)),
        ("input 3x32x32\nconv 8x4x4 p=tf | conv 8x3x3 p=tf", (6, 6)),
        ("input 3xHxW\nconv 8x3x3 s2 p=tf", None),
    ],
)
def test_receptive_fields_of_tf_padding(
    text: str, size: tuple[int, int] | None
) -> None:
    found = receptive(archdsl.check(text).network())
    assert (found and found.size) == size


def test_the_table_of_layers() -> None:
    own = LAYERS["relu"]._replace(name="mine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(LAYERS, "mine", own)
        assert LAYERS["mine"] is own
    with pytest.raises(KeyError):
        LAYERS["mine"]
    named = [layer.name for _, layers in families() for layer in layers]
    assert sorted(named) == sorted(LAYERS)


@pytest.mark.parametrize(("text", "code", "about"), REFUSED)
def test_is_refused(text: str, code: str, about: str) -> None:
    assert_refused(text, code, about)


@pytest.mark.parametrize(("text", "shape"), RIGHT.items())
def test_is_right(text: str, shape: str) -> None:
    assert_right(text, shape)
