"""What the records of layers say that no spec shows: sources, and how pictures look."""

from __future__ import annotations

import pytest

import archdsl
from archdsl.ops import LAYERS
from archdsl.ops.ranks import refused_rank
from archdsl.ops.record import ArgType, Problem, Site
from archdsl.shapes.tensor import Dim, TensorType

SOURCES = {
    "dwconv": "Howard et al. 2017 (MobileNets)",
    "upconv": "Zeiler et al. 2010",
    "embedding": "Bengio et al. 2003, section 2",
    "rnn": "Elman 1990",
    "lstm": "Hochreiter and Schmidhuber 1997; Gers et al. 2000; for `proj`,"
    " Sak et al. 2014",
    "gru": "Cho et al. 2014",
    "attention": "Vaswani et al. 2017, section 3.2",
    "sdpa": "Vaswani et al. 2017, section 3.2.1, and Ainslie et al. 2023 (GQA)",
    "rotary": "Su et al. 2021 (RoFormer), section 3.2",
    "bn": "Ioffe and Szegedy 2015",
    "ln": "Ba et al. 2016",
    "gn": "Wu and He 2018",
    "instancenorm": "Ulyanov et al. 2016",
    "rms": "Zhang and Sennrich 2019",
    "lrn": "Krizhevsky et al. 2012, section 3.3",
    "layerscale": "Touvron et al. 2021 (Going deeper with image transformers)",
    "dropout": "Srivastava et al. 2014",
    "dropchannels": "Tompson et al. 2015",
    "alphadropout": "Klambauer et al. 2017",
    "droppath": "Huang et al. 2016",
    "prelu": "He et al. 2015 (Delving deep into rectifiers)",
    "elu": "Clevert et al. 2016",
    "celu": "Barron 2017",
    "selu": "Klambauer et al. 2017",
    "gelu": "Hendrycks and Gimpel 2016",
    "mish": "Misra 2019",
    "glu": "Dauphin et al. 2017",
    "swiglu": "Shazeer 2020 (GLU variants improve transformer)",
    "scaled_tanh": "LeCun et al. 1998, appendix A",
    "decimate": "He et al. 2016, section 3.3, shortcut option A",
    "padchannels": "He et al. 2016, section 3.3, shortcut option A",
    "rearrange": "Rogozhnikov 2022 (Einops)",
    "crop": "Ronneberger et al. 2015, figure 1",
    "pixelshuffle": "Shi et al. 2016",
    "channelshuffle": "Zhang et al. 2018 (ShuffleNet)",
    "subsample": "LeCun et al. 1998, section II-B, layer S2",
    "rbf": "LeCun et al. 1998, section II-B, equation 7",
}


@pytest.mark.parametrize(("name", "source"), SOURCES.items())
def test_a_formula_names_its_source(name: str, source: str) -> None:
    assert LAYERS[name].source == source


def test_bounds_in_words() -> None:
    assert ArgType("number", 0, 1).describe() == "a number from 0 to 1"
    assert ArgType("number", 2).describe() == "a number of 2 or more"
    assert ArgType("number", None, 2).describe() == "a number"


def test_bare_words() -> None:
    assert sorted(LAYERS["softmax"].words) == ["c", "d", "h", "t", "w"]
    assert LAYERS["fc"].words == ("bias", "last")
    assert "same" in LAYERS["conv"].words
    assert "bias" in LAYERS["conv"].words
    assert "normal" not in LAYERS["conv"].words


def test_record_tells_the_sizes_of_a_product_to_a_group_in_a_group() -> None:
    text = "input 3xT\na: { conv 3 3 | b: { relu | scale T } }"
    assert "self.a(x, length)" in archdsl.compile(text)


def test_merge_refuses_a_matrix_by_a_vector() -> None:
    """The rule does, though the net has refused the vector before."""
    ins = tuple(
        TensorType(tuple(Dim(size, None) for size in sizes)) for sizes in ((3, 8), (8,))
    )
    assert isinstance(
        LAYERS["matmul"].shape(Site(LAYERS["matmul"], ins, {}, None)), Problem
    )


def test_ranks_that_no_layer_of_ours_has() -> None:
    layer = LAYERS["relu"]._replace(ranks=(2, 3))
    site = Site(layer, (TensorType((Dim(8, None),)),), {}, None)
    assert refused_rank(site, site.x).message == (
        "relu needs another number of sizes, but a vector of 8 arrives"
    )
